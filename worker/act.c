#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/action.h"
#include "common/err.h"
#include "common/record.h"
#include "common/sys/clock.h"
#include "common/sys/failpoint.h"
#include "common/sys/log.h"
#include "common/xalloc.h"
#include "worker/daemon.h"
#include "worker/disk.h"
#include "worker/shared.h"

#define OUTPUT_AGAIN_MS 2000u
#define IDLE_EVERY_MS   5000u
#define DISK_EVERY_MS   1000u
#define LEASES_A_CPU    64u /* trials may ask for a part of a processor */

/* ---- the agent's effects ---- */

static void start(struct daemon *daemon, const struct agent_effect *effect)
{
    struct executor *executor = executors_find(daemon->executors, effect->who.experiment);

    assert(executor != NULL); /* on_launch looked */
    FAILPOINT("lease-given");
    executor_order(executor, effect->payload);
}

static const char *end_text(const struct daemon *daemon, uint32_t reason)
{
    if (reason == END_EXECUTOR_LOST)
        return "its executor died";
    if (reason != END_START)
        return NULL;
    return daemon->refused_why != NULL ? daemon->refused_why
                                       : "it asks for more than this node has";
}

/* Whether the event is a verdict that its executor is to hear. */
bool act_step(struct daemon *daemon, const struct agent_event *event)
{
    uint32_t count;
    const struct agent_effect *effects = agent_step(daemon->agent, event, &count);
    bool forward = false;

    for (uint32_t i = 0; i < count; i++) {
        switch (effects[i].type) {
        case AGENT_START:
            start(daemon, &effects[i]);
            break;
        case AGENT_FORWARD:
            forward = true;
            break;
        case AGENT_END:
            ends_add(daemon->ends, &effects[i].who, effects[i].seq, effects[i].reason,
                     end_text(daemon, effects[i].reason), clock_unix_ms());
            break;
        }
    }
    return forward;
}

/* ---- what executors say ---- */

/* Their experiment is fixed: nobody speaks for another's trials. */
static bool is_own(const struct executor *executor, uint32_t experiment)
{
    if (experiment == executor_number(executor))
        return true;
    log_line(LOG_ERROR, "executor-strange", "the executor of experiment %u speaks of %u",
             executor_number(executor), experiment);
    return false;
}

static bool on_reports(struct daemon *daemon, const struct executor *executor,
                       const struct msg_reports *reports, struct span frame)
{
    const struct msg_batch *batches = reports->batches.items;

    for (uint32_t i = 0; i < reports->batches.count; i++) {
        const struct agent_event event = {
            .type = AGENT_SEEN,
            .who = {batches[i].experiment, batches[i].trial, batches[i].attempt},
            .seq = batches[i].first_seq + batches[i].count - 1};

        if (!is_own(executor, batches[i].experiment))
            return true;
        if (batches[i].count > 0)
            (void)act_step(daemon, &event);
    }
    if (daemon->stopping == 0 && link_head_send(daemon->link, frame) == 0) {
        daemon->relayed++;
        return true;
    }
    if (daemon->stopping == 0 && link_head_is_full(daemon->link))
        return false;
    daemon->discarded++; /* said again after UNKNOWN, when a session is open */
    return true;
}

static void output_send(struct daemon *daemon, struct executor_relay *output)
{
    output->sent_ms = daemon->now_ms;
    (void)link_head_send(daemon->link, buf_span(&output->frame)); /* said again until answered */
}

static void on_output(struct daemon *daemon, struct executor *executor,
                      const struct message *message)
{
    const struct msg_output *body = message->body;
    struct executor_relay *output = executor_output(executor);

    if (!is_own(executor, body->experiment))
        return;
    output->own = message->request;
    output->request = REQUEST_OUTPUT | (++daemon->outputs & 0x0fffffff) << 32 | body->experiment;
    message_pack(MSG_OUTPUT, output->request, body, &output->frame);
    output_send(daemon, output);
}

/* What the driver calls devices, as the head numbers them; those that are not lent are left out. */
static uint32_t devices_number(const struct gpus *gpus, const struct record_list *list,
                               uint32_t out[LIMIT_GPUS])
{
    const struct msg_gpu *items = list->items;
    uint32_t count = 0;

    for (uint32_t i = 0; i < list->count; i++)
        for (uint32_t device = 0; device < gpus->count && count < LIMIT_GPUS; device++)
            if (gpus->device[device] == items[i].device)
                out[count++] = device;
    return count;
}

static void on_held(struct daemon *daemon, struct executor *executor,
                    const struct record_list *list, enum agent_event_type type)
{
    const struct msg_held *held = list->items;
    uint32_t devices[LIMIT_GPUS];

    for (uint32_t i = 0; i < list->count; i++) {
        const struct agent_event event = {
            .type = type,
            .who = {held[i].experiment, held[i].trial, held[i].attempt},
            .need = executor_need(executor),
            .devices = devices,
            .device_count = devices_number(&daemon->settings->gpus, &held[i].gpus, devices),
            .seq = held[i].last_seq};

        if (is_own(executor, held[i].experiment))
            (void)act_step(daemon, &event);
    }
}

/* The first word on a connection says all that the executor has. What was told to it before may not
 * have come there: leases are handed over again, and the head is asked to say its verdicts again.
 */
static void on_ready(struct daemon *daemon, struct executor *executor,
                     const struct msg_ready *ready)
{
    const struct agent_event all = {.type = AGENT_ALL,
                                    .who = {.experiment = executor_number(executor)}};

    if (!executor_greets(executor))
        return;
    on_held(daemon, executor, &ready->held, AGENT_FOUND);
    (void)act_step(daemon, &all);
    link_head_register(daemon->link, daemon->now_ms);
}

bool act_frame(void *context, struct executor *executor, struct span frame)
{
    struct daemon *daemon = context;
    struct schema_error error;
    struct message message;

    arena_reset(&daemon->arena);
    if (message_unpack(frame, &daemon->arena, &message, &error) != 0) {
        log_line(LOG_ERROR, "executor-malformed", "a message that is none: %s: %s", error.field,
                 error.what);
        return true;
    }
    switch ((int)message.type) {
    case MSG_REPORTS:
        return on_reports(daemon, executor, message.body, frame);
    case MSG_OUTPUT:
        on_output(daemon, executor, &message);
        break;
    case MSG_STORE_ASK:
        if (is_own(executor, ((const struct msg_store_ask *)message.body)->experiment))
            act_store(daemon, executor, &message);
        break;
    case MSG_STORE_PUT:
        if (is_own(executor, ((const struct msg_store_put *)message.body)->experiment))
            act_store(daemon, executor, &message);
        break;
    case MSG_BLOB_GET:
        act_store(daemon, executor, &message);
        break;
    case MSG_READY:
        on_ready(daemon, executor, message.body);
        break;
    case MSG_VACATED:
        on_held(daemon, executor, &((const struct msg_vacated *)message.body)->attempts,
                AGENT_VACATED);
        break;
    default:
        log_line(LOG_WARNING, "executor-strange", "a message that is not for a worker type=%d",
                 (int)message.type);
    }
    return true;
}

static void executor_ended(struct daemon *daemon, const struct executor *executor,
                           enum agent_event_type type)
{
    const struct agent_event event = {.type = type,
                                      .who = {.experiment = executor_number(executor)}};

    if (daemon->stopping == 0)
        (void)act_step(daemon, &event);
}

void act_gone(void *context, struct executor *executor)
{
    executor_ended(context, executor, AGENT_LOST);
}

void act_left(void *context, struct executor *executor)
{
    executor_ended(context, executor, AGENT_LEFT);
}

void act_refused(void *context, struct executor *executor, const char *why)
{
    struct daemon *daemon = context;
    const struct agent_event event = {.type = AGENT_REFUSE,
                                      .who = {.experiment = executor_number(executor)}};

    daemon->refused_why = why;
    (void)act_step(daemon, &event);
    daemon->refused_why = NULL;
}

/* ---- sessions ---- */

static uint32_t credit(const struct daemon *daemon)
{
    int64_t leases =
        LIMIT_LEASES_AHEAD + daemon->settings->capacity.cpu / RESOURCE_ONE * (int64_t)LEASES_A_CPU;

    if (daemon->stopping != 0)
        return 0;
    return leases < (int64_t)LIMIT_LEASES ? (uint32_t)leases : LIMIT_LEASES;
}

void act_ready(struct daemon *daemon)
{
    struct msg_ready ready = {.credit = credit(daemon)};
    const void *at = NULL;
    struct agent_row row;
    uint32_t count = (uint32_t)ends_count(daemon->ends);
    uint32_t room = count;
    struct msg_held *held;

    while (agent_next(daemon->agent, &at, &row))
        room++;
    held = xcalloc(room + 1, sizeof(*held));
    ends_list(daemon->ends, held);
    at = NULL;
    while (agent_next(daemon->agent, &at, &row) && count < LIMIT_LEASES)
        held[count++] = (struct msg_held){.experiment = row.who.experiment,
                                          .trial = row.who.trial,
                                          .attempt = row.who.attempt,
                                          .last_seq = row.seen};
    ready.held = (struct record_list){held, count};
    executors_session(daemon->executors);
    link_head_ready(daemon->link, daemon->now_ms, &ready);
    free(held);
}

static void executors_ask(struct daemon *daemon)
{
    struct msg_unknown unknown = {.epoch = daemon->epoch};

    message_pack(MSG_UNKNOWN, 0, &unknown, &daemon->frame);
    for (struct executor *executor = executors_first(daemon->executors); executor != NULL;
         executor = executor_next(executor))
        (void)executor_say(executor, buf_span(&daemon->frame));
}

void act_open(struct daemon *daemon)
{
    daemon->disk_said = false;
    shared_open(daemon);
    daemon->epoch = 0; /* of a head that the link has judged */
    executors_ask(daemon);
    ends_rewind(daemon->ends);
    blob_cache_rewind(daemon->blobs);
    for (struct executor *executor = executors_first(daemon->executors); executor != NULL;
         executor = executor_next(executor)) {
        executor_output(executor)->sent_ms = 0; /* those in flight go again */
        executor_store(executor)->sent_ms = 0;
    }
}

/* ---- what time brings ---- */

/* Experiments that ended while there was no session: nobody says RELEASE for them any more. */
static void idle_release(struct daemon *daemon)
{
    if (daemon->now_ms < daemon->idle_ms + IDLE_EVERY_MS)
        return;
    daemon->idle_ms = daemon->now_ms;
    for (struct executor *executor = executors_first(daemon->executors); executor != NULL;
         executor = executor_next(executor)) {
        uint32_t number = executor_number(executor);

        if (!executor_was_told(executor) && !executor_is_mute(executor) &&
            agent_count(daemon->agent, number) == 0 && executor_is_up(executor) &&
            executor_output(executor)->own == 0 && executor_store(executor)->own == 0)
            executor_release(executor);
    }
}

/* The head hears it at the beginning of a session, and when it changes. */
static void disk_look(struct daemon *daemon)
{
    bool full;

    if (daemon->disk_said && daemon->now_ms < daemon->disk_ms + DISK_EVERY_MS)
        return;
    daemon->disk_ms = daemon->now_ms;
    full = disk_is_full(daemon->settings->data_dir, daemon->disk_full);
    if (full != daemon->disk_full)
        log_line(full ? LOG_WARNING : LOG_INFO, "disk", "the disk of %s %s",
                 daemon->settings->data_dir,
                 full ? "is full: no new trials are taken" : "has room again");
    if (full != daemon->disk_full || !daemon->disk_said) {
        const struct msg_disk disk = {.full = full};

        message_pack(MSG_DISK, 0, &disk, &daemon->frame);
        daemon->disk_said = link_head_send(daemon->link, buf_span(&daemon->frame)) == 0;
    }
    daemon->disk_full = full;
}

void act_turn(struct daemon *daemon)
{
    struct msg_blob_get ask;
    uint64_t request;

    if (link_head_state(daemon->link) != HEAD_OPEN || daemon->stopping != 0)
        return;
    while (!link_head_is_full(daemon->link) && ends_has_unsent(daemon->ends) &&
           ends_take(daemon->ends, &daemon->frame)) {
        if (link_head_send(daemon->link, buf_span(&daemon->frame)) == 0)
            continue;
        ends_rewind(daemon->ends);
        break; /* not now: the connection has no room, or is none any more */
    }
    for (struct executor *executor = executors_first(daemon->executors); executor != NULL;
         executor = executor_next(executor)) {
        struct executor_relay *output = executor_output(executor);
        struct executor_relay *store = executor_store(executor);

        if (output->own != 0 && daemon->now_ms >= output->sent_ms + OUTPUT_AGAIN_MS)
            output_send(daemon, output);
        if (store->own != 0 && daemon->now_ms >= store->sent_ms + OUTPUT_AGAIN_MS)
            act_store_send(daemon, store);
    }
    while (blob_cache_ask(daemon->blobs, daemon->now_ms, &ask, &request)) {
        message_pack(MSG_BLOB_GET, request, &ask, &daemon->frame);
        (void)link_head_send(daemon->link, buf_span(&daemon->frame)); /* asked again later */
    }
    disk_look(daemon);
    shared_turn(daemon);
    idle_release(daemon);
}

uint64_t act_next_ms(const struct daemon *daemon)
{
    uint64_t next_ms = UINT64_MAX;

    if (link_head_state(daemon->link) != HEAD_OPEN || daemon->stopping != 0)
        return next_ms;
    next_ms = blob_cache_next_ms(daemon->blobs);
    if (daemon->disk_ms + DISK_EVERY_MS < next_ms)
        next_ms = daemon->disk_ms + DISK_EVERY_MS;
    if (shared_next_ms(daemon) < next_ms)
        next_ms = shared_next_ms(daemon);
    for (struct executor *executor = executors_first(daemon->executors); executor != NULL;
         executor = executor_next(executor)) {
        const struct executor_relay *output = executor_output(executor);
        const struct executor_relay *store = executor_store(executor);

        if (output->own != 0 && output->sent_ms + OUTPUT_AGAIN_MS < next_ms)
            next_ms = output->sent_ms + OUTPUT_AGAIN_MS;
        if (store->own != 0 && store->sent_ms + OUTPUT_AGAIN_MS < next_ms)
            next_ms = store->sent_ms + OUTPUT_AGAIN_MS;
    }
    if (executors_first(daemon->executors) != NULL && daemon->idle_ms + IDLE_EVERY_MS < next_ms)
        next_ms = daemon->idle_ms + IDLE_EVERY_MS;
    return next_ms;
}
