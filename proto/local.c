#include "proto/local.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"

#define LENGTH_BYTES 4u
#define BACKLOG      128
#define READ_BYTES   65536u   /* asked of the socket at once */
#define READ_MOST    1048576u /* taken in one call, so that one peer does not starve the others */

static void local_close(struct local *local)
{
    if (local->fd >= 0)
        (void)close(local->fd);
    local->fd = -1;
}

void local_init(struct local *local, int fd)
{
    *local = (struct local){.fd = fd};
}

void local_fini(struct local *local)
{
    local_close(local);
    buf_fini(&local->in);
    buf_fini(&local->out);
}

static int local_address(const char *path, struct sockaddr_un *out)
{
    size_t size = strlen(path);
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (size >= sizeof(address.sun_path))
        return ERR_TOO_BIG;
    memcpy(address.sun_path, path, size);
    *out = address;
    return 0;
}

static int local_socket(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    return fd >= 0 ? fd : err_from_errno();
}

/* Make place for a socket; whatever else stands at path is not ours to remove. */
static int old_socket_remove(const char *path)
{
    struct stat status;

    if (lstat(path, &status) < 0)
        return errno == ENOENT ? 0 : err_from_errno();
    if (!S_ISSOCK(status.st_mode))
        return ERR_EXISTS;
    return unlink(path) == 0 || errno == ENOENT ? 0 : err_from_errno();
}

int local_listen(const char *path)
{
    struct sockaddr_un address;
    int fd = -1;
    int err = local_address(path, &address);

    if (err < 0)
        return err;
    err = old_socket_remove(path);
    if (err < 0)
        return err;
    fd = local_socket();
    if (fd < 0)
        return fd;
    /* The file that bind makes takes the descriptor's mode: it is never open to others, not even
     * until a chmod. */
    if (fchmod(fd, 0600) < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fd, BACKLOG) < 0) {
        err = err_from_errno();
        (void)close(fd);
        return err;
    }
    return fd;
}

static bool peer_is_this_user(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

int local_accept(int listening)
{
    int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0) {
        if (errno == EINTR || errno == ECONNABORTED)
            return ERR_AGAIN;
        return err_from_errno();
    }
    if (!peer_is_this_user(fd)) {
        (void)close(fd);
        return ERR_AGAIN;
    }
    return fd;
}

int local_connect(const char *path)
{
    struct sockaddr_un address;
    int fd = -1;
    int err = local_address(path, &address);

    if (err < 0)
        return err;
    fd = local_socket();
    if (fd < 0)
        return fd;
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        err = err_from_errno();
        goto fail;
    }
    if (!peer_is_this_user(fd)) {
        err = ERR_DENIED;
        goto fail;
    }
    return fd;
fail:
    (void)close(fd);
    return err;
}

int local_send(struct local *local, struct span frame)
{
    uint8_t length[LENGTH_BYTES];

    if (local->fd < 0)
        return ERR_CLOSED;
    if (frame.size > LIMIT_MESSAGE_BYTES)
        return ERR_TOO_BIG;
    if (local->out.size > LIMIT_MESSAGE_BYTES)
        return ERR_AGAIN;
    for (unsigned i = 0; i < LENGTH_BYTES; i++)
        length[i] = (uint8_t)(frame.size >> (8 * i));
    buf_append(&local->out, length, sizeof(length));
    buf_append_span(&local->out, frame);
    return local_flush(local);
}

bool local_pending(const struct local *local)
{
    return local->fd >= 0 && local->out.size > 0;
}

int local_flush(struct local *local)
{
    size_t done = 0;
    int err = 0;

    if (local->fd < 0)
        return ERR_CLOSED;
    while (done < local->out.size) {
        ssize_t sent = send(local->fd, local->out.data + done, local->out.size - done,
                            MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent >= 0) {
            done += (size_t)sent;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            break;
        } else if (errno != EINTR) {
            err = ERR_CLOSED;
            break;
        }
    }
    if (done > 0)
        buf_consume(&local->out, done);
    if (err < 0)
        local_close(local);
    return err;
}

int local_read(struct local *local)
{
    size_t got = 0;

    if (local->fd < 0)
        return ERR_CLOSED;
    if (local->taken > 0)
        buf_consume(&local->in, local->taken);
    local->taken = 0;
    /* A whole frame fits; who does not take what is there leaves the rest in the socket. */
    while (got < READ_MOST && local->in.size < LIMIT_MESSAGE_BYTES + LENGTH_BYTES) {
        uint8_t *room = buf_reserve(&local->in, READ_BYTES);
        ssize_t size = recv(local->fd, room, READ_BYTES, MSG_DONTWAIT);

        if (size > 0) {
            local->in.size += (size_t)size;
            got += (size_t)size;
        } else if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            break;
        } else if (size == 0 || errno != EINTR) {
            local_close(local);
            return ERR_CLOSED;
        }
    }
    return 0;
}

bool local_next(struct local *local, struct span *frame)
{
    size_t left = local->in.size - local->taken;
    size_t size = 0;
    const uint8_t *at;

    if (left < LENGTH_BYTES)
        return false;
    at = local->in.data + local->taken;
    for (unsigned i = 0; i < LENGTH_BYTES; i++)
        size |= (size_t)at[i] << (8 * i);
    if (size > LIMIT_MESSAGE_BYTES) {
        local_close(local);
        return false;
    }
    if (left - LENGTH_BYTES < size)
        return false;
    *frame = span_of(at + LENGTH_BYTES, size);
    local->taken += LENGTH_BYTES + size;
    return true;
}
