#include "client/callback.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "client/out.h"
#include "client/say.h"

int callback_start(const char *command, const char *folder, struct callback *out)
{
    char *argv[] = {"sh", "-c", (char *)(uintptr_t)command, NULL};
    struct process_start start = {.argv = argv, .folder = folder, .out = -1, .keep = -1};
    int ends[2];
    int err;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return say_errno(EXIT_OURS, "on_result", NULL);
    out_push();
    start.in = ends[0];
    *out = (struct callback){.fd = ends[1]};
    /* Only our end never waits. */
    err = fcntl(ends[1], F_SETFL, O_NONBLOCK) != 0 ? -1 : process_start(&start, &out->process);
    (void)close(ends[0]);
    if (err == 0)
        return 0;
    (void)close(ends[1]);
    out->fd = -1;
    return say_errno(EXIT_OURS, "on_result", NULL);
}

void callback_add(struct callback *callback, struct span lines)
{
    if (callback->fd >= 0)
        buf_append_span(&callback->pending, lines);
}

/* write(2) whose SIGPIPE is ours alone: our own standard output keeps the usual meaning. */
static ssize_t write_quietly(int fd, const void *bytes, size_t size)
{
    const struct timespec now = {0};
    sigset_t pipe_only;
    sigset_t before;
    ssize_t put;
    int error;

    (void)sigemptyset(&pipe_only);
    (void)sigaddset(&pipe_only, SIGPIPE);
    (void)sigprocmask(SIG_BLOCK, &pipe_only, &before);
    put = write(fd, bytes, size);
    error = errno;
    if (put < 0 && error == EPIPE)
        (void)sigtimedwait(&pipe_only, NULL, &now);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return put;
}

bool callback_write(struct callback *callback)
{
    size_t done = 0;

    while (callback->fd >= 0 && done < callback->pending.size) {
        ssize_t put = write_quietly(callback->fd, callback->pending.data + done,
                                    callback->pending.size - done);

        if (put >= 0) {
            done += (size_t)put;
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            callback_close(callback);
            return false;
        }
    }
    buf_consume(&callback->pending, done);
    return callback->fd >= 0;
}

void callback_close(struct callback *callback)
{
    if (callback->fd >= 0)
        (void)close(callback->fd);
    callback->fd = -1;
    buf_fini(&callback->pending);
}

int callback_finish(struct callback *callback)
{
    callback_close(callback);
    return process_reap(&callback->process, true);
}

void callback_kill(struct callback *callback)
{
    process_signal(&callback->process, SIGKILL);
    (void)callback_finish(callback);
}
