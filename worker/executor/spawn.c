#include "worker/executor/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/err.h"
#include "common/sys/sig.h"

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

/* The child borrows the parent's memory until it execs, and the parent stands still: so what it
 * writes to *failed is read there. */
static _Noreturn void run_child(const struct spawn_request *request, pid_t parent,
                                volatile int *failed)
{
    sig_reset();
    if (spawn_become(&request->ends, request->dir, parent) == 0)
        (void)execve(request->path, request->argv, request->environment);
    *failed = errno;
    _exit(127);
}

int spawn_start(const struct spawn_request *request, pid_t *pid)
{
    volatile int failed = 0;
    pid_t parent = getpid();
    pid_t child = vfork();

    if (child < 0)
        return err_from_errno();
    if (child == 0)
        run_child(request, parent, &failed);
    if (failed != 0) {
        errno = failed;
        return err_from_errno(); /* the child is reaped with all others */
    }
    *pid = child;
    return 0;
}
