#include "worker/executor/request.h"

#include <string.h>
#include <sys/socket.h>

#include "worker/executor/attempt.h"
#include "worker/executor/zygote_wire.h"

void request_pack(const struct attempt *attempt, const char *json, char *const *environment,
                  struct buf *out)
{
    struct zygote_request request = {
        .key = attempt->key,
        .go = attempt_may_report(attempt),
        .dir_size = (uint32_t)strlen(attempt->dir) + 1,
        .json_size = (uint32_t)strlen(json) + 1,
        .config_size = (uint32_t)attempt->lease.config.size,
    };

    for (char *const *entry = environment; *entry != NULL; entry++)
        request.environment_size += (uint32_t)strlen(*entry) + 1;
    request.environment_size++;
    buf_append(out, &request, sizeof(request));
    buf_append(out, attempt->dir, request.dir_size);
    buf_append(out, json, request.json_size);
    for (char *const *entry = environment; *entry != NULL; entry++)
        buf_append(out, *entry, strlen(*entry) + 1);
    buf_append(out, "", 1);
    buf_append_span(out, attempt->lease.config);
}

ssize_t request_send(int fd, struct span bytes, const struct spawn_ends *ends)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(3 * sizeof(int))];
    } control = {0};
    int fds[3] = {ends->output, ends->error, ends->report};
    struct iovec data = {(void *)bytes.data, bytes.size};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(fds));
    memcpy(CMSG_DATA(header), fds, sizeof(fds));
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}
