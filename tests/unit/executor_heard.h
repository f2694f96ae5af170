/* executor_heard.h - what an executor says to its worker, which is the test: all of it is kept in
 * `driver`; nothing is heard but inside UNTIL. For executor_rig.h. */
#ifndef TESTS_EXECUTOR_HEARD_H
#define TESTS_EXECUTOR_HEARD_H

#include <check.h>
#include <limits.h>
#include <poll.h>
#include <string.h>

#include "common/action.h"
#include "common/err.h"
#include "common/record.h"
#include "common/sys/clock.h"
#include "proto/local.h"

#define EXPERIMENT 7u
#define LIMIT_MS   30000u
#define TRIALS     64u

/* What was heard of one attempt. */
struct heard {
    uint64_t last_seq;
    uint32_t starts;
    uint32_t results;
    uint32_t dones;
    uint32_t ends;
    int64_t pid;
    double metric; /* "v" of the last result */
    int64_t iteration;
    int64_t since_restore;
    uint32_t reason;
    int64_t status;
    char text[LIMIT_END_TEXT + 1];
    uint32_t marks;
    struct record_mark mark; /* the last one */
    uint32_t checkpoints;
    struct record_checkpoint checkpoint; /* the last one, without its hash */
    uint8_t manifest[LIMIT_HASH_BYTES];
    bool vacated;
    char output[2][4096];
    size_t output_size[2];
};

static struct {
    char dir[64];
    char socket[96];
    char data[96];
    char bin[PATH_MAX];
    struct local local;
    struct arena arena;
    struct buf frame;
    struct heard heard[TRIALS];
    uint32_t readies;
    uint32_t held;
    uint64_t held_seq;
    bool may_close;    /* the executor is expected to end */
    bool acknowledges; /* answer each batch with CONTINUE */
    bool keeps_output; /* do not answer OUTPUT */
    double horizon;
    bool without_cgroups;       /* the executor sees none */
    const char *checkpoints;    /* the head's folder of them, that it sees; NULL: none */
    bool own_program;           /* it runs from a copy, dir/assay-executor */
    uint64_t time_limit_ms;     /* of the experiment */
    uint64_t report_timeout_ms; /* the same */
    int64_t memory_bytes;       /* of each lease */
    struct msg_gpu gpus[1];     /* the same */
    uint32_t gpu_count;
    bool reuse; /* of the experiment */
    /* Whatever else it says; NULL: nothing else is expected. */
    void (*other)(const struct message *message);
} driver;

static inline void send_message(enum msg_type type, uint64_t request, const void *body)
{
    int err;

    message_pack(type, request, body, &driver.frame);
    err = local_send(&driver.local, buf_span(&driver.frame));
    ck_assert(err == 0 || (err == ERR_CLOSED && driver.may_close));
}

static inline void verdict(uint32_t trial, uint32_t action, double horizon)
{
    struct msg_verdict item = {.experiment = EXPERIMENT,
                               .trial = trial,
                               .attempt = 1,
                               .acked_seq = driver.heard[trial].last_seq,
                               .action = action,
                               .horizon = horizon};
    struct msg_verdicts message = {.epoch = 1, .verdicts = {&item, 1}};

    send_message(MSG_VERDICTS, 0, &message);
}

static inline void record_hear(struct heard *heard, const struct record *record)
{
    switch (record->kind) {
    case RECORD_START:
        heard->starts++;
        heard->pid = record->start.pid;
        break;
    case RECORD_RESULT:
        heard->results++;
        heard->iteration = record->result.training_iteration;
        heard->since_restore = record->result.iterations_since_restore;
        heard->dones += record->result.done ? 1 : 0;
        (void)result_number(&record->result, "v", &heard->metric);
        break;
    case RECORD_MARK:
        heard->marks++;
        heard->mark = record->mark;
        break;
    case RECORD_CHECKPOINT:
        ck_assert_uint_eq(record->checkpoint.manifest.size, LIMIT_HASH_BYTES);
        heard->checkpoints++;
        heard->checkpoint = record->checkpoint;
        memcpy(heard->manifest, record->checkpoint.manifest.data, LIMIT_HASH_BYTES);
        break;
    case RECORD_END:
        heard->ends++;
        heard->reason = record->end.reason;
        heard->status = record->end.status;
        (void)snprintf(heard->text, sizeof(heard->text), "%.*s", SPAN(record->end.text));
        break;
    }
}

static inline void batch_hear(const struct msg_batch *batch)
{
    struct heard *heard = &driver.heard[batch->trial];
    struct cursor cursor;

    ck_assert_uint_lt(batch->trial, TRIALS);
    ck_assert_int_eq(record_check(batch->records, batch->count, batch->first_seq), 0);
    cursor_init(&cursor, batch->records);
    for (uint64_t seq = batch->first_seq; seq < batch->first_seq + batch->count; seq++) {
        struct record record;

        ck_assert_int_eq(record_unpack(&cursor, &record), 0);
        if (seq <= heard->last_seq)
            continue;
        ck_assert_uint_eq(seq, heard->last_seq + 1);
        heard->last_seq = seq;
        record_hear(heard, &record);
    }
    if (driver.acknowledges)
        verdict(batch->trial, ACTION_CONTINUE, driver.horizon);
}

static inline void output_hear(uint64_t request, const struct msg_output *output)
{
    struct heard *heard = &driver.heard[output->trial];
    struct msg_ok ok = {0};

    if (driver.keeps_output)
        return;
    ck_assert_uint_eq(output->offset, heard->output_size[output->stream]);
    if (output->offset + output->bytes.size < sizeof(heard->output[0]))
        memcpy(heard->output[output->stream] + output->offset, output->bytes.data,
               output->bytes.size);
    heard->output_size[output->stream] += output->bytes.size;
    send_message(MSG_OK, request, &ok);
}

static inline void message_hear(const struct message *message)
{
    const struct msg_reports *reports = message->body;
    const struct msg_vacated *vacated = message->body;
    const struct msg_ready *ready = message->body;

    switch (message->type) {
    case MSG_REPORTS:
        for (uint32_t i = 0; i < reports->batches.count; i++)
            batch_hear((const struct msg_batch *)reports->batches.items + i);
        break;
    case MSG_VACATED:
        for (uint32_t i = 0; i < vacated->attempts.count; i++)
            driver.heard[((const struct msg_held *)vacated->attempts.items)[i].trial].vacated =
                true;
        break;
    case MSG_READY:
        driver.readies++;
        driver.held = ready->held.count;
        if (ready->held.count > 0)
            driver.held_seq = ((const struct msg_held *)ready->held.items)->last_seq;
        break;
    case MSG_OUTPUT:
        output_hear(message->request, message->body);
        break;
    default:
        ck_assert_msg(driver.other != NULL, "a message of type %d", (int)message->type);
        driver.other(message);
    }
}

static inline void hear(void)
{
    struct pollfd poller = {.fd = driver.local.fd, .events = POLLIN};
    struct span frame;

    if (local_pending(&driver.local))
        poller.events = POLLIN | POLLOUT;
    (void)poll(&poller, 1, 20);
    (void)local_flush(&driver.local);
    if (local_read(&driver.local) == ERR_CLOSED && !driver.may_close)
        ck_abort_msg("the executor has gone");
    while (local_next(&driver.local, &frame)) {
        struct buf copy = {0};
        struct message message;
        struct schema_error error = {0};

        buf_append_span(&copy, frame);
        arena_reset(&driver.arena);
        ck_assert_int_eq(message_unpack(buf_span(&copy), &driver.arena, &message, &error), 0);
        message_hear(&message);
        buf_fini(&copy);
    }
}

/* Wait for a condition, with a limit. */
#define UNTIL(condition)                                                                           \
    do {                                                                                           \
        uint64_t until_ms = clock_ms() + LIMIT_MS;                                                 \
        while (!(condition) && clock_ms() < until_ms)                                              \
            hear();                                                                                \
        ck_assert_msg(condition, "not in time: %s", #condition);                                   \
    } while (0)

#endif
