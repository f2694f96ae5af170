#include "common/sys/sig.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/err.h"

int sig_open(const int *signals)
{
    sigset_t set;
    int fd;

    (void)sigemptyset(&set);
    for (; *signals != 0; signals++) {
        int result = sigaddset(&set, *signals);

        assert(result == 0);
    }
    errno = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (errno != 0)
        return err_from_errno();
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? err_from_errno() : fd;
}

int sig_next(int fd)
{
    struct signalfd_siginfo info;
    ssize_t got;

    do {
        got = read(fd, &info, sizeof(info));
    } while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof(info) ? (int)info.ssi_signo : 0;
}

void sig_unblock(void)
{
    sigset_t none;

    (void)sigemptyset(&none);
    (void)pthread_sigmask(SIG_SETMASK, &none, NULL);
}

void sig_reset(void)
{
    /* SIGKILL and SIGSTOP refuse, and so do the two that belong to the C library. */
    for (int signal_number = 1; signal_number < NSIG; signal_number++)
        (void)signal(signal_number, SIG_DFL);
    sig_unblock();
}
