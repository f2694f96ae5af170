#include "client/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/home.h"
#include "common/sys/sig.h"

/* Only what may be called between fork and exec: libzmq has threads. */
static _Noreturn void run_child(const struct process_start *start, pid_t parent, int null)
{
    sig_reset();
    if (start->mortal && (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent))
        _exit(126);
    (void)setpgid(0, 0);
    if (dup2(start->in >= 0 ? start->in : null, STDIN_FILENO) < 0)
        _exit(126);
    if (start->out >= 0 &&
        (dup2(start->out, STDOUT_FILENO) < 0 || dup2(start->out, STDERR_FILENO) < 0))
        _exit(126);
    if (start->keep >= 0 && fcntl(start->keep, F_SETFD, 0) < 0)
        _exit(126);
    if (start->folder != NULL && chdir(start->folder) != 0)
        _exit(126);
    (void)execvp(start->argv[0], start->argv);
    _exit(127);
}

int process_start(const struct process_start *start, struct process *out)
{
    pid_t parent = getpid();
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int err = 0;
    int pidfd;
    pid_t pid;

    if (null < 0)
        return err_from_errno();
    pid = fork();
    if (pid == 0)
        run_child(start, parent, null);
    if (pid < 0)
        err = err_from_errno();
    (void)close(null);
    if (err != 0)
        return err;
    (void)setpgid(pid, pid);
    pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) {
        err = err_from_errno();
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        return err;
    }
    *out = (struct process){.pid = pid, .pidfd = pidfd};
    return 0;
}

int process_reap(struct process *process, bool wait)
{
    int status = 0;
    pid_t got;

    if (process->pid == 0)
        return 0;
    do
        got = waitpid(process->pid, &status, wait ? 0 : WNOHANG);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return -1;
    (void)close(process->pidfd);
    *process = (struct process){.pidfd = -1};
    if (got < 0)
        return 127;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void process_signal(const struct process *process, int number)
{
    if (process->pid != 0 && kill(-process->pid, number) != 0)
        (void)kill(process->pid, number);
}

const char *process_program(const char *name, struct arena *arena)
{
    char self[LIMIT_PATH_BYTES];
    const char *path;

    if (home_of_programs(self) != 0)
        return name;
    path = arena_printf(arena, "%s/%s", self, name);
    return access(path, X_OK) == 0 ? path : name;
}
