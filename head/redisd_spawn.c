#include "head/redisd_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/err.h"
#include "common/sys/sig.h"
#include "head/redisd_files.h"

#define LOG_BYTES (1u << 20) /* a longer log is put aside at the next start */

/* What the child is given; all numbers are above those that it makes of them. */
struct handover {
    const char *program;
    bool private_server;
    int dir_fd;
    int lock_fd;
    int log_fd;
    int said_fd; /* an errno comes back through this where the program cannot be run */
    pid_t parent;
};

/* In the child: only calls that are safe after a fork. The lock stays open as descriptor 3 for the
 * server's whole life: that is how everybody knows that it lives. */
static _Noreturn void become_server(const struct handover *hand)
{
    char program[] = "redis-server", config[] = REDISD_CONFIG, path[] = "PATH=/usr/bin:/bin";
    char *const words[] = {program, config, NULL};
    char *const environment[] = {path, NULL};
    int null_fd;
    int failed;

    sig_reset();
    (void)setsid();
    if (hand->private_server && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != hand->parent))
        _exit(1);
    null_fd = open("/dev/null", O_RDONLY);
    if (null_fd >= 0 && fchdir(hand->dir_fd) == 0 && dup2(null_fd, 0) == 0 &&
        dup2(hand->log_fd, 1) == 1 && dup2(hand->log_fd, 2) == 2 && dup2(hand->lock_fd, 3) == 3 &&
        dup3(hand->said_fd, 4, O_CLOEXEC) == 4 && close_range(5, ~0u, 0) == 0) {
        (void)execve(hand->program, words, environment);
        failed = errno;
        (void)!write(4, &failed, sizeof(failed));
    }
    _exit(127);
}

static int open_log(int dir_fd)
{
    struct stat status;

    if (fstatat(dir_fd, REDISD_LOG, &status, 0) == 0 && status.st_size > (off_t)LOG_BYTES)
        (void)renameat(dir_fd, REDISD_LOG, dir_fd, REDISD_LOG ".old");
    return openat(dir_fd, REDISD_LOG, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void close_if_open(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

/* Moves fd above the child's own numbers. */
static int raise_fd(int fd)
{
    int raised = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 16) : -1;

    close_if_open(fd);
    return raised;
}

int redisd_spawn(const char *program, int dir_fd, int lock_fd, bool private_server, pid_t *out)
{
    struct handover hand = {program, private_server, dir_fd, -1, -1, -1, getpid()};
    int said[2] = {-1, -1};
    int failed = 0;
    ssize_t got = -1;
    pid_t pid;

    hand.lock_fd = raise_fd(lock_fd);
    hand.log_fd = raise_fd(open_log(dir_fd));
    if (hand.lock_fd < 0 || hand.log_fd < 0 || pipe2(said, O_CLOEXEC) < 0)
        goto out;
    hand.said_fd = raise_fd(said[1]);
    pid = hand.said_fd >= 0 ? fork() : -1;
    if (pid == 0)
        become_server(&hand);
    close_if_open(hand.said_fd);
    if (pid < 0)
        goto out;
    do {
        got = read(said[0], &failed, sizeof(failed)); /* ends when the exec closes the other side */
    } while (got < 0 && errno == EINTR);
    if (got > 0)
        errno = failed;
    if (got == 0)
        *out = pid;
    else
        (void)waitpid(pid, NULL, 0);
out:
    failed = errno;
    close_if_open(said[0]);
    close_if_open(hand.lock_fd);
    close_if_open(hand.log_fd);
    errno = failed;
    return got == 0 ? 0 : err_from_errno();
}
