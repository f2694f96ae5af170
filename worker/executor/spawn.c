#include "worker/executor/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/failpoint.h"
#include "common/sys/sig.h"
#include "worker/executor/quota.h"

#define SELF "/proc/self/exe"

static struct {
    char path[LIMIT_PATH_BYTES]; /* empty: not known */
    struct stat status;
} self;

void spawn_self_note(void)
{
    ssize_t size = readlink(SELF, self.path, sizeof(self.path) - 1);

    self.path[size > 0 ? size : 0] = '\0';
    if (stat(self.path, &self.status) < 0)
        self.path[0] = '\0';
}

const char *spawn_self(void)
{
    struct stat now;

    return self.path[0] != '\0' && stat(self.path, &now) == 0 && now.st_dev == self.status.st_dev &&
                   now.st_ino == self.status.st_ino
               ? self.path
               : SELF;
}

int spawn_become(const struct spawn_ends *ends, const char *dir, pid_t parent)
{
    int null;

    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return -1;
    /* The parent may have died before the line above. */
    if (getppid() != parent)
        _exit(127);
    if (setsid() < 0 || chdir(dir) < 0)
        return -1;
    null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(ends->output, STDOUT_FILENO) < 0 ||
        dup2(ends->error, STDERR_FILENO) < 0 || dup2(ends->report, SPAWN_REPORT_FD) < 0)
        return -1;
    return close_range(SPAWN_REPORT_FD + 1, ~0u, 0);
}

/* As vfork, into a cgroup, which the C library cannot do. The child may not come back from here: it
 * would write over the parent's stack; so it calls function on the part below, past the red zone.
 */
static long child_into(int cgroup, void (*function)(void *context), void *context)
{
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
    struct clone_args args = {.flags = CLONE_VM | CLONE_VFORK | CLONE_INTO_CGROUP,
                              .exit_signal = SIGCHLD,
                              .cgroup = (unsigned)cgroup};
    long result;

    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "sub $256, %%rsp\n\t"
                     "and $-16, %%rsp\n\t"
                     "mov %[context], %%rdi\n\t"
                     "call *%[function]\n\t"
                     "ud2\n"
                     "1:"
                     : "=a"(result)
                     : "0"((long)SYS_clone3), "D"(&args),
                       "S"(sizeof(args)), [function] "r"(function), [context] "r"(context)
                     : "rcx", "r11", "memory", "cc");
    return result;
#else
    (void)cgroup;
    (void)function;
    (void)context;
    return -ENOSYS;
#endif
}

pid_t spawn_child(int cgroup, void (*function)(void *context), void *context)
{
    pid_t child;

    FAILPOINT("trial-fork");
    if (cgroup >= 0) {
        long result = child_into(cgroup, function, context);

        if (result != -EAGAIN && result != -ENOMEM)
            return result < 0 ? -2 : (pid_t)result;
        errno = (int)-result;
        return -1; /* no child is to be had at all */
    }
    child = vfork();
    if (child == 0) {
        function(context);
        abort();
    }
    return child;
}

struct start {
    const struct spawn_request *request;
    pid_t parent;
    volatile bool outside;
    volatile int failed; /* written by the child: errno */
};

static void run_child(void *context)
{
    struct start *start = context;
    const struct spawn_request *request = start->request;

    sig_unblock();
    for (int i = 0; request->doors != NULL && i < QUOTA_COUNT; i++)
        if (request->doors[i] >= 0 && write(request->doors[i], "0", 1) != 1)
            start->outside = true;
    if (spawn_become(&request->ends, request->dir, start->parent) == 0)
        (void)execve(request->path, request->argv, request->environment);
    start->failed = errno;
    _exit(127);
}

int spawn_start(struct spawn_request *request, pid_t *pid)
{
    struct start start = {.request = request, .parent = getpid()};
    pid_t child = spawn_child(request->cgroup, run_child, &start);

    if (child == -2)
        return SPAWN_NO_CGROUP;
    if (child < 0)
        return err_from_errno();
    if (start.failed != 0) {
        errno = start.failed;
        return err_from_errno(); /* the child is reaped with all others */
    }
    request->outside = start.outside;
    *pid = child;
    return 0;
}
