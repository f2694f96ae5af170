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
#include "worker/executor/tree.h"

#define ACCEPTS_A_TURN 32

#define PATH_MOST (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

static uint64_t origin_of(struct executor *executor, int fd)
{
    struct attempt *attempt;
    pid_t root;

    if (!tree_holds(tree_peer(fd), executor_knows, executor, &root))
        return GATE_OUTSIDE;
    attempt = table_get_u64(executor->processes, (uint64_t)root);
    return attempt != NULL ? attempt->key : GATE_ORPHAN;
}

static uint32_t origin_count(const struct gate *gate, uint64_t origin)
{
    uint32_t count = 0;

    for (const struct channel *channel = gate->all; channel != NULL; channel = channel->gate_next)
        count += channel->origin == origin ? 1 : 0;
    return count;
}

/* The oldest connection of who has the most. */
static void room_make(struct gate *gate)
{
    struct channel *oldest = NULL;
    uint32_t most = 0;

    for (struct channel *channel = gate->all; channel != NULL; channel = channel->gate_next) {
        uint32_t count = oldest != NULL && channel->origin == oldest->origin
                             ? most
                             : origin_count(gate, channel->origin);

        if (count < most)
            continue;
        most = count;
        oldest = channel;
    }
    if (oldest != NULL)
        channel_free(oldest);
}

static void gate_ready(struct loop_source *source, uint32_t events)
{
    struct gate *gate = (struct gate *)source;
    struct executor *executor = (struct executor *)((char *)gate - offsetof(struct executor, gate));

    (void)events;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        int fd = local_accept(source->fd);
        struct channel *channel;

        if (fd < 0) {
            if (fd != ERR_AGAIN)
                room_make(gate); /* no descriptor is left for one more */
            return;
        }
        if (gate->count >= LIMIT_REPORT_SOCKETS)
            room_make(gate);
        channel = channel_new(executor, fd, NULL);
        channel->origin = origin_of(executor, fd);
        channel->next = gate->unknown;
        gate->unknown = channel;
        channel->gate_next = gate->all;
        gate->all = channel;
        gate->count++;
        channel_listen(channel, true);
    }
}

void gate_forget(struct channel *channel)
{
    struct gate *gate = &channel->executor->gate;
    struct channel **link = &gate->all;

    while (*link != channel)
        link = &(*link)->gate_next;
    *link = channel->gate_next;
    gate->count--;
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

struct attempt *gate_find(struct executor *executor, struct span line, uint64_t origin)
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
        if (origin != GATE_OUTSIDE && origin != GATE_ORPHAN && origin != attempt->key)
            continue;
        if (number == NULL ||
            (number->type == VALUE_INT && number->integer == (int64_t)attempt->lease.attempt))
            return attempt;
    }
    return NULL;
}
