#include <stdlib.h>

#include "common/err.h"
#include "common/record.h"
#include "common/sys/clock.h"
#include "common/sys/failpoint.h"
#include "common/sys/log.h"
#include "common/xalloc.h"
#include "worker/daemon.h"

/* ---- orders of the head ---- */

/* An order of a head that another one has replaced. */
static bool is_old(struct daemon *daemon, uint64_t epoch)
{
    if (epoch < daemon->epoch) {
        log_line(LOG_WARNING, "order-old", "an order of epoch %llu after one of %llu is dropped",
                 (unsigned long long)epoch, (unsigned long long)daemon->epoch);
        return true;
    }
    daemon->epoch = epoch;
    return false;
}

/* The same lease with the devices as the driver numbers them; true where all are there. */
static bool devices_name(const struct daemon *daemon, const struct msg_lease *lease,
                         struct msg_gpu *out)
{
    const struct gpus *gpus = &daemon->settings->gpus;
    const struct msg_gpu *devices = lease->gpus.items;

    for (uint32_t i = 0; i < lease->gpus.count; i++) {
        if (devices[i].device >= gpus->count)
            return false;
        out[i].device = gpus->device[devices[i].device];
    }
    return true;
}

static void on_lease(struct daemon *daemon, uint64_t epoch, const struct msg_lease *lease)
{
    struct msg_gpu named[LIMIT_GPUS];
    uint32_t devices[LIMIT_GPUS];
    struct msg_lease passed = *lease;
    struct msg_launch launch = {.epoch = epoch, .leases = {.items = &passed, .count = 1}};
    struct executor *executor = executors_find(daemon->executors, lease->experiment);
    struct agent_event event = {.type = AGENT_LAUNCH,
                                .who = {lease->experiment, lease->trial, lease->attempt},
                                .need = &lease->resources,
                                .devices = devices,
                                .device_count = lease->gpus.count};
    const struct msg_gpu *items = lease->gpus.items;

    FAILPOINT("lease-taken");
    if (ends_has(daemon->ends, &event.who))
        return;
    if (executor == NULL) {
        ends_add(daemon->ends, &event.who, 1, END_START,
                 "this node cannot keep a folder for its experiment", clock_unix_ms());
        return;
    }
    for (uint32_t i = 0; i < lease->gpus.count; i++)
        devices[i] = items[i].device;
    if (devices_name(daemon, lease, named))
        passed.gpus.items = named;
    executor_set_need(executor, &lease->resources);
    message_pack(MSG_LAUNCH, 0, &launch, &daemon->frame);
    event.payload = buf_span(&daemon->frame);
    (void)act_step(daemon, &event);
}

static void on_launch(struct daemon *daemon, const struct msg_launch *launch)
{
    const struct msg_lease *leases = launch->leases.items;

    if (is_old(daemon, launch->epoch))
        return;
    for (uint32_t i = 0; i < launch->leases.count; i++)
        on_lease(daemon, launch->epoch, &leases[i]);
}

static void verdicts_flush(struct daemon *daemon, uint64_t epoch)
{
    struct msg_verdicts message = {
        .epoch = epoch, .verdicts = {.items = daemon->verdicts, .count = daemon->verdict_count}};
    struct executor *executor;

    if (daemon->verdict_count == 0)
        return;
    executor = executors_find(daemon->executors, daemon->verdicts[0].experiment);
    daemon->verdict_count = 0;
    if (executor == NULL)
        return; /* of an attempt that nobody has any more */
    message_pack(MSG_VERDICTS, 0, &message, &daemon->verdicts_frame);
    executor_judge(executor, buf_span(&daemon->verdicts_frame));
}

static void verdict_gather(struct daemon *daemon, const struct msg_verdict *verdict)
{
    if (daemon->verdict_count == daemon->verdict_room) {
        daemon->verdict_room = daemon->verdict_room > 0 ? daemon->verdict_room * 2 : 64;
        daemon->verdicts =
            xrealloc(daemon->verdicts, daemon->verdict_room, sizeof(*daemon->verdicts));
    }
    daemon->verdicts[daemon->verdict_count++] = *verdict;
}

/* Verdicts go on in runs of one experiment; a frame that is all of one, as it is. */
static void on_verdicts(struct daemon *daemon, const struct msg_verdicts *message,
                        struct span frame)
{
    const struct msg_verdict *verdicts = message->verdicts.items;
    uint32_t count = message->verdicts.count;

    if (is_old(daemon, message->epoch))
        return;
    FAILPOINT("verdict");
    for (uint32_t i = 0; i < count; i++) {
        const struct msg_verdict *verdict = &verdicts[i];
        const struct agent_event event = {
            .type = AGENT_VERDICT,
            .who = {verdict->experiment, verdict->trial, verdict->attempt},
            .seq = verdict->acked_seq,
            .action = verdict->action};

        if (ends_verdict(daemon->ends, verdict) || !act_step(daemon, &event))
            continue;
        if (daemon->verdict_count > 0 && daemon->verdicts[0].experiment != verdict->experiment)
            verdicts_flush(daemon, message->epoch);
        verdict_gather(daemon, verdict);
    }
    if (daemon->verdict_count == count && count > 0) {
        struct executor *executor =
            executors_find(daemon->executors, daemon->verdicts[0].experiment);

        daemon->verdict_count = 0;
        if (executor != NULL)
            executor_judge(executor, frame);
        FAILPOINT("verdict-given");
        return;
    }
    verdicts_flush(daemon, message->epoch);
}

static void on_release(const struct daemon *daemon, uint32_t experiment)
{
    struct executor *executor = executors_find(daemon->executors, experiment);

    if (executor != NULL)
        executor_release(executor);
}

static void on_chunk(struct daemon *daemon, const struct msg_blob_chunk *chunk)
{
    bool complete;
    int err = blob_cache_take(daemon->blobs, chunk, daemon->now_ms, &complete);

    if (err != 0)
        log_line(LOG_ERROR, "blob", "a code tree cannot be kept: %s", err_text(err));
    if (err == ERR_TOO_BIG || complete)
        executors_blob(daemon->executors, chunk->hash.data, !complete, daemon->now_ms);
}

/* The head has taken output; its executor hears it under its own request id. */
static void on_ok(struct daemon *daemon, const struct message *message)
{
    struct executor *executor =
        executors_find(daemon->executors, (uint32_t)(message->request & UINT32_MAX));
    struct executor_relay *output = executor != NULL ? executor_output(executor) : NULL;

    if (output == NULL || output->own == 0 || output->request != message->request)
        return;
    message_pack(message->type, output->own, message->body, &daemon->frame);
    /* Where it cannot take the answer now, it does not send again: we do, until it can. */
    if (executor_say(executor, buf_span(&daemon->frame)))
        output->own = 0;
}

static void on_error(struct daemon *daemon, const struct message *message)
{
    const struct msg_error *error = message->body;
    const uint8_t *hash = blob_cache_refused(daemon->blobs, message->request);

    log_line(LOG_WARNING, "head-error", "%.*s: %.*s", SPAN(error->what), SPAN(error->why));
    if (hash != NULL)
        executors_blob(daemon->executors, hash, true, daemon->now_ms);
    else if ((message->request & REQUEST_OUTPUT) != 0)
        on_ok(daemon, message);
}

void act_head(struct daemon *daemon, const struct message *message, struct span frame)
{
    const struct msg_release *release = message->body;

    if (daemon->stopping != 0 || act_store_answered(daemon, message))
        return;
    switch ((int)message->type) {
    case MSG_EXPERIMENT:
        (void)executors_experiment(daemon->executors, message->body, frame, daemon->now_ms);
        break;
    case MSG_LAUNCH:
        on_launch(daemon, message->body);
        break;
    case MSG_VERDICTS:
        on_verdicts(daemon, message->body, frame);
        break;
    case MSG_RELEASE:
        on_release(daemon, release->experiment);
        break;
    case MSG_BLOB_CHUNK:
        on_chunk(daemon, message->body);
        break;
    case MSG_OK:
        on_ok(daemon, message);
        break;
    case MSG_ERROR:
        on_error(daemon, message);
        break;
    default:
        log_line(LOG_WARNING, "head-strange", "a message that is not for a worker type=%d",
                 (int)message->type);
    }
}
