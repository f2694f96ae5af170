#include "worker/executor/gate.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/err.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/xalloc.h"
#include "proto/local.h"
#include "worker/executor/attempt.h"
#include "worker/executor/channel.h"
#include "worker/executor/executor.h"

#define PATH_MOST (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

static void gate_ready(struct loop_source *source, uint32_t events)
{
    struct gate *gate = (struct gate *)source;
    struct executor *executor = (struct executor *)((char *)gate - offsetof(struct executor, gate));

    (void)events;
    for (;;) {
        int fd = local_accept(source->fd);
        struct channel *channel;

        if (fd < 0)
            return; /* nobody, or nobody of ours */
        if (gate->count >= LIMIT_REPORT_SOCKETS) {
            (void)close(fd);
            continue;
        }
        gate->count++;
        channel = channel_new(executor, fd, NULL);
        channel->next = gate->unknown;
        gate->unknown = channel;
        channel_listen(channel, true);
    }
}

int gate_open(struct executor *executor)
{
    struct gate *gate = &executor->gate;
    const char *socket = executor->options->socket;
    size_t size = strlen(socket) + sizeof(".report");

    gate->source.ready = gate_ready;
    gate->source.fd = -1;
    if (size <= PATH_MOST) {
        gate->path = xmalloc(size);
        (void)strcpy(mempcpy(gate->path, socket, strlen(socket)), ".report");
    } else {
        gate->folder = xstrdup("/tmp/assay-report-XXXXXX");
        if (mkdtemp(gate->folder) == NULL)
            return err_from_errno();
        gate->path = xmalloc(strlen(gate->folder) + sizeof("/socket"));
        (void)strcpy(mempcpy(gate->path, gate->folder, strlen(gate->folder)), "/socket");
    }
    gate->source.fd = local_listen(gate->path);
    if (gate->source.fd < 0)
        return gate->source.fd;
    return loop_set(&executor->loop, &gate->source, EPOLLIN);
}

void gate_close(struct executor *executor)
{
    struct gate *gate = &executor->gate;

    while (gate->unknown != NULL)
        channel_free(gate->unknown);
    (void)loop_set(&executor->loop, &gate->source, 0);
    if (gate->source.fd >= 0) {
        (void)close(gate->source.fd);
        (void)unlink(gate->path);
    }
    if (gate->folder != NULL)
        (void)rmdir(gate->folder);
    free(gate->path);
    free(gate->folder);
}

struct attempt *gate_find(struct executor *executor, struct span line)
{
    struct value value;
    struct json_error error;
    const struct value *id, *number;

    arena_reset(&executor->scratch);
    if (line.size > LIMIT_LINE_BYTES || json_read(line, &executor->scratch, &value, &error) < 0 ||
        value.type != VALUE_MAP)
        return NULL;
    id = value_get(&value, "trial_id");
    number = value_get(&value, "attempt");
    if (id == NULL || id->type != VALUE_TEXT)
        return NULL;
    for (struct attempt *attempt = executor->first; attempt != NULL; attempt = attempt->next) {
        if (attempt->state >= ATTEMPT_DRAINING || strcmp(attempt->id, id->text) != 0)
            continue;
        if (number == NULL ||
            (number->type == VALUE_INT && number->integer == (int64_t)attempt->lease.attempt))
            return attempt;
    }
    return NULL;
}
