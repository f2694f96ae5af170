/* What a trial's program says, on all of its ways: tagged lines of stdout, lines and frames on a
 * channel, a connection that must first say whose it is. What the executor makes of it is what the
 * head takes, and what is written to result.json can be read.
 *
 * The first byte of an input chooses the way, the second what stops or holds the attempt; the rest
 * are the program's words. The attempt is one whose processes have just ended, so that everything
 * it left behind is read. */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/action.h"
#include "common/err.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/xalloc.h"
#include "proto/local.h"
#include "tests/fuzz/target.h"
#include "worker/executor/attempt.h"
#include "worker/executor/executor.h"
#include "worker/executor/setup.h"

#define GATE_TURNS 3 /* to accept, to read, to find the end */

enum way { WAY_STDOUT, WAY_CHANNEL, WAY_GATE, WAY_COUNT };

static struct executor executor;
static struct executor_options options;
static char folder[FOLDER_BYTES], socket_path[FOLDER_BYTES + 16];
static struct stop_rule rule = {.bound = 40};
static struct arena arena;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const struct msg_experiment experiment = {
        .experiment = 1,
        .name = span_text("e"),
        .run = span_text("t.py"),
        .run_name = span_text("t"),
        .stop = {.items = &rule, .count = 1},
    };

    (void)argc;
    (void)argv;
    folder_make(folder);
    rule.metric = span_text("training_iteration");
    (void)snprintf(socket_path, sizeof(socket_path), "%s/socket", folder);
    options = (struct executor_options){.dir = folder, .socket = socket_path};
    executor.options = &options;
    executor.link.local.fd = executor.gate.source.fd = executor.signals.fd = -1;
    executor.deadlines = deadlines_new();
    executor.attempts = table_new();
    executor.processes = table_new();
    executor.helpers = table_new();
    executor.ending = true; /* no folder that is named is packed: that is another process's work */
    executor.bytes = xmalloc(EXECUTOR_READ);
    assert(loop_init(&executor.loop) == 0);
    assert(gate_open(&executor) == 0);
    assert(setup_new(&executor, &experiment, &executor.setup) == 0);
    return 0;
}

static void start_record(struct attempt *attempt)
{
    const struct record record = {.kind = RECORD_START, .start = {.pid = 5, .unix_ms = 6}};
    struct buf bytes = {0};

    record_pack(&record, &bytes);
    spool_append(&attempt->spool, buf_span(&bytes));
    buf_fini(&bytes);
}

static struct attempt *attempt_make(uint8_t hold)
{
    struct attempt *attempt = xcalloc(1, sizeof(*attempt));
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/spool", folder);
    attempt->executor = &executor;
    attempt->key = attempt_key(3, 1);
    attempt->lease = (struct msg_lease){.trial = 3, .attempt = 1, .config = span_of("\x80", 1)};
    attempt->id = "1f0e22aa";
    attempt->dir = folder;
    attempt->mark = folder;
    attempt->state = ATTEMPT_CLEARING;
    attempt->reaped = true;
    for (int i = 0; i < 2; i++) {
        attempt->streams[i].attempt = attempt;
        attempt->streams[i].source.fd = -1;
        output_init(&attempt->streams[i].output, folder, i == 0 ? "stdout" : "stderr");
    }
    tagged_init(&attempt->tagged);
    attempt->spoke = CHANNEL_NEW;
    attempt->horizon.value = 2;
    if ((hold & 1) != 0)
        attempt->horizon.attribute = span_text("training_iteration");
    else if ((hold & 2) != 0)
        attempt->horizon.attribute = span_text("a/b");
    attempt->held_end = &attempt->held;
    attempt_checkpoint_paths(attempt);
    spool_init(&attempt->spool, path);
    start_record(attempt);
    executor.first = attempt;
    executor.live = 2; /* where there is nobody else all orphans are ended, and all children */
    (void)table_put_u64(executor.attempts, attempt->key, attempt);
    return attempt;
}

/* The words, and then the end of them; they fit into the socket. */
static void words_send(int fd, struct span words)
{
    assert(words.size == 0 || write(fd, words.data, words.size) == (ssize_t)words.size);
    assert(shutdown(fd, SHUT_WR) == 0);
}

/* A program without a descriptor: what it said is taken in by the turns that accept and read. */
static void speak_at_gate(struct span words)
{
    int fd = local_connect(executor.gate.path);

    assert(fd >= 0);
    words_send(fd, words);
    for (int i = 0; i < GATE_TURNS; i++)
        loop_turn(&executor.loop, 0);
    (void)close(fd);
}

static void speak(struct attempt *attempt, enum way way, struct span words)
{
    int ends[2];

    if (way == WAY_GATE) {
        speak_at_gate(words);
        return;
    }
    assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    words_send(ends[1], words);
    (void)close(ends[1]);
    if (way == WAY_STDOUT)
        attempt->streams[0].source.fd = ends[0];
    else
        attempt->channels = channel_new(&executor, ends[0], attempt);
}

static void check_result(const struct result *result)
{
    static const struct result_constants constants = {
        .experiment_id = {"0", 1}, .hostname = {"h", 1}, .config = {"\x81\xa1x\x01", 4}};
    struct json_error error;
    struct cursor cursor;
    struct value value;
    struct buf out = {0};

    result_json(result, &constants, true, &out);
    assert(memchr(out.data, '\n', out.size) == NULL);
    assert(json_read(buf_span(&out), &arena, &value, &error) == 0);
    buf_reset(&out);
    result_dict(result, &constants, &out);
    cursor_init(&cursor, buf_span(&out));
    (void)value_unpack(&cursor, &arena, &value);
    buf_fini(&out);
}

/* What is sent is what the head takes. */
static void check_records(struct attempt *attempt)
{
    struct cursor cursor;
    struct record record;
    struct span bytes;
    uint64_t first;
    uint32_t count;

    spool_rewind(&attempt->spool);
    while (spool_take(&attempt->spool, LIMIT_BATCH_BYTES, LIMIT_BATCH_RECORDS, &first, &count,
                      &bytes)) {
        assert(record_check(bytes, count, first) == 0);
        cursor_init(&cursor, bytes);
        for (uint32_t i = 0; i < count; i++) {
            assert(record_unpack(&cursor, &record) == 0);
            if (record.kind == RECORD_RESULT)
                check_result(&record.result);
        }
    }
}

static void verdicts_give(struct attempt *attempt, uint8_t hold)
{
    struct msg_verdict verdict = {
        .trial = 3, .attempt = 1, .action = ACTION_CONTINUE, .horizon = 4};

    attempt_settle(attempt);
    if (attempt->state == ATTEMPT_ENDED)
        return;
    assert(attempt->holding || attempt->held != NULL);
    verdict.action = (hold & 4) != 0 ? ACTION_STOP : ACTION_CONTINUE;
    verdict.acked_seq = attempt->reached_seq;
    if ((hold & 8) != 0)
        verdict.horizon = 1e300;
    check_records(attempt);
    attempt_verdict(attempt, &verdict);
    for (int i = 0; i < 64 && attempt->state != ATTEMPT_ENDED; i++) {
        verdict.acked_seq = attempt->spool.last;
        verdict.horizon = verdict.horizon * 2;
        attempt_verdict(attempt, &verdict);
    }
    if (attempt->state != ATTEMPT_ENDED)
        attempt_close(attempt, END_STOPPED);
    attempt_settle(attempt);
    assert(attempt->state == ATTEMPT_ENDED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct attempt *attempt;

    if (size < 2 || size > 65536)
        return 0;
    executor.turn++;
    attempt = attempt_make(data[1]);
    speak(attempt, (enum way)(data[0] % WAY_COUNT), span_of(data + 2, size - 2));
    verdicts_give(attempt, data[1]);
    check_records(attempt);
    output_remove(&attempt->streams[0].output);
    attempt_free(attempt);
    arena_reset(&arena);
    return 0;
}
