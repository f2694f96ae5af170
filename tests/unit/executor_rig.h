/* executor_rig.h - the executor as a program: a test is its worker, and starts real trials.
 *
 * One executor a test, in a folder of its own, started by executor_setup and released by
 * executor_teardown, which looks that nothing of it is left. Everything it says is kept in
 * `driver`; nothing is heard but inside UNTIL. */
#ifndef TESTS_EXECUTOR_RIG_H
#define TESTS_EXECUTOR_RIG_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/action.h"
#include "common/err.h"
#include "common/json.h"
#include "common/record.h"
#include "common/spec.h"
#include "common/sys/clock.h"
#include "common/sys/fs.h"
#include "proto/local.h"
#include "tests/lib/run_suite.h"

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
    bool own_program;           /* it runs from a copy, dir/assay-executor */
    uint64_t time_limit_ms;     /* of the experiment */
    uint64_t report_timeout_ms; /* the same */
    int64_t memory_bytes;       /* of each lease */
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

static inline void link_up(void)
{
    int fd = local_connect(driver.socket);
    uint32_t readies = driver.readies;

    ck_assert_int_ge(fd, 0);
    local_init(&driver.local, fd);
    UNTIL(driver.readies == readies + 1);
}

static inline void link_down(void)
{
    local_fini(&driver.local);
    local_init(&driver.local, -1);
}

/* Until all that was said to it has been read: READY answers it, in its turn. */
static inline void settle(void)
{
    const struct msg_unknown ask = {0};
    uint32_t readies = driver.readies;

    send_message(MSG_UNKNOWN, 0, &ask);
    UNTIL(driver.readies == readies + 1);
}

/* In a tree of mounts of its own, for this process and all that it starts. */
static inline bool cgroups_hide(void)
{
    char line[512], point[256];
    FILE *mounts;

    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return false;
    mounts = fopen("/proc/self/mounts", "r");
    while (mounts != NULL && fgets(line, sizeof(line), mounts) != NULL)
        if (sscanf(line, "%*s %255s", point) == 1 && strstr(line, " cgroup") != NULL)
            (void)umount2(point, MNT_DETACH);
    return mounts != NULL && fclose(mounts) == 0;
}

static inline void program_copy(const char *from, const char *to)
{
    struct buf bytes = {0};
    int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fs_read(from, SIZE_MAX / 2, &bytes), 0);
    ck_assert_int_eq(fs_write_all(fd, bytes.data, bytes.size), 0);
    ck_assert_int_eq(close(fd), 0);
    buf_fini(&bytes);
}

static inline void start_executor(void)
{
    char path[PATH_MAX + 32], copy[96];
    pid_t pid;
    int status;

    (void)snprintf(path, sizeof(path), "%s/assay-executor", driver.bin);
    if (driver.own_program) {
        (void)snprintf(copy, sizeof(copy), "%s/assay-executor", driver.dir);
        program_copy(path, copy);
        (void)strcpy(path, copy);
    }
    pid = fork();
    if (pid == 0) {
        if (driver.without_cgroups && !cgroups_hide())
            _exit(126);
        (void)execl(path, path, "--socket", driver.socket, "--data", driver.data, "--experiment",
                    "7", (char *)NULL);
        _exit(127);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    link_up();
}

static inline void executor_setup(void)
{
    ssize_t size = readlink("/proc/self/exe", driver.bin, sizeof(driver.bin) - 1);

    ck_assert_int_gt(size, 0);
    driver.bin[size] = '\0';
    *strrchr(driver.bin, '/') = '\0';
    (void)strcpy(driver.dir, "/tmp/assay-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(driver.dir));
    (void)snprintf(driver.socket, sizeof(driver.socket), "%s/socket", driver.dir);
    (void)snprintf(driver.data, sizeof(driver.data), "%s/data", driver.dir);
    driver.acknowledges = true;
    driver.horizon = (double)INFINITY;
    start_executor();
}

/* The cgroup of an executor that was killed. */
static inline void cage_remove(void)
{
    uint64_t until = clock_ms() + LIMIT_MS;
    struct buf path = {0};
    char note[128];

    (void)snprintf(note, sizeof(note), "%s/cgroup", driver.data);
    for (unsigned cell = 0; fs_read(note, sizeof(note), &path) == 0; cell++) {
        char folder[256];

        (void)snprintf(folder, sizeof(folder), "%s/trial-%u", buf_text(&path), cell);
        buf_reset(&path);
        if (access(folder, F_OK) < 0)
            break;
        while (rmdir(folder) < 0 && errno == EBUSY && clock_ms() < until)
            (void)poll(NULL, 0, 5);
    }
    buf_reset(&path);
    if (fs_read(note, sizeof(note), &path) == 0)
        while (rmdir(buf_text(&path)) < 0 && errno == EBUSY && clock_ms() < until)
            (void)poll(NULL, 0, 5); /* its processes are dying */
    buf_fini(&path);
}

/* The experiment has ended: the executor goes, and leaves nothing. */
static inline void executor_teardown(void)
{
    struct msg_release release = {EXPERIMENT};
    uint64_t until = clock_ms() + LIMIT_MS;

    if (driver.local.fd >= 0) {
        driver.acknowledges = true;
        driver.horizon = (double)INFINITY;
        for (uint32_t i = 0; i < TRIALS; i++)
            if (driver.heard[i].starts > 0 && driver.heard[i].ends == 0)
                verdict(i, ACTION_FENCED, 0);
        send_message(MSG_RELEASE, 0, &release);
        driver.may_close = true;
        while (access(driver.data, F_OK) == 0 && clock_ms() < until)
            hear();
        ck_assert_int_ne(access(driver.data, F_OK), 0);
        ck_assert_int_ne(access(driver.socket, F_OK), 0);
    }
    cage_remove();
    link_down();
    arena_fini(&driver.arena);
    buf_fini(&driver.frame);
    ck_assert_int_eq(fs_remove_tree(driver.dir), 0);
}

static inline void experiment(enum run_kind kind, const char *run, const char *metric, double bound,
                              const char *horizon)
{
    struct stop_rule rule = {.metric = span_text(metric), .side = STOP_AT_LEAST, .bound = bound};
    struct msg_env env = {span_text("COLOUR"), span_text("blue")};
    struct msg_experiment message = {
        .experiment = EXPERIMENT,
        .name = span_text("test"),
        .run_kind = kind,
        .run = span_text(run),
        .run_name = span_text("run"),
        .start = START_ZYGOTE,
        .folder = span_text("/nowhere"),
        .horizon_attribute = span_text(horizon),
        .stop = {&rule, metric != NULL ? 1 : 0},
        .env = {&env, 1},
        .time_limit_ms = driver.time_limit_ms,
        .report_timeout_ms = driver.report_timeout_ms,
    };

    send_message(MSG_EXPERIMENT, 0, &message);
}

static inline void launch(uint32_t trial, const char *config, double horizon)
{
    struct json_error error;
    struct value value;
    struct buf packed = {0};
    char id[16], folder[16];
    struct msg_lease lease = {
        .experiment = EXPERIMENT, .trial = trial, .attempt = 1, .horizon = horizon, .seed = 5};
    struct msg_launch message = {.epoch = 1, .leases = {&lease, 1}};

    (void)snprintf(id, sizeof(id), "%08x", trial);
    (void)snprintf(folder, sizeof(folder), "trial_%u", trial);
    arena_reset(&driver.arena);
    ck_assert_int_eq(json_read(span_text(config), &driver.arena, &value, &error), 0);
    value_pack(&value, &packed);
    lease.trial_id = span_text(id);
    lease.trial_name = span_text(folder);
    lease.folder = span_text(folder);
    lease.config = buf_span(&packed);
    lease.resources.cpu = RESOURCE_ONE;
    lease.resources.memory_bytes = driver.memory_bytes;
    send_message(MSG_LAUNCH, 0, &message);
    buf_fini(&packed);
}

/* It goes on from a checkpoint, of which the driver's `other` is asked. */
static inline void launch_from(uint32_t trial, struct span checkpoint)
{
    struct msg_lease lease = {.experiment = EXPERIMENT,
                              .trial = trial,
                              .attempt = 1,
                              .horizon = (double)INFINITY,
                              .config = span_of("\x80", 1),
                              .checkpoint = checkpoint,
                              .counters = {.training_iteration = 7, .time_total_s = 100}};
    struct msg_launch message = {.epoch = 1, .leases = {&lease, 1}};
    char id[16], folder[16];

    (void)snprintf(id, sizeof(id), "%08x", trial);
    (void)snprintf(folder, sizeof(folder), "trial_%u", trial);
    lease.trial_id = span_text(id);
    lease.trial_name = span_text(folder);
    lease.folder = span_text(folder);
    lease.resources.cpu = RESOURCE_ONE;
    send_message(MSG_LAUNCH, 0, &message);
}

/* Frames of a program, as printf has them between single quotes: it can save; v is 1. */
#define FRAME_SAVES  "\\301\\007\\000\\000\\000\\221\\245saves"
#define FRAME_REPORT "\\301\\014\\000\\000\\000\\222\\246report\\201\\241v\\001"

/* One trial of a command, without horizon. */
static inline struct heard *run_command(const char *command)
{
    experiment(RUN_COMMAND, command, NULL, 0, "");
    launch(1, "{\"a\": 1.5, \"name\": \"x y\"}", (double)INFINITY);
    UNTIL(driver.heard[1].vacated);
    return &driver.heard[1];
}

static inline bool is_alive(int64_t pid)
{
    char path[64], state = 'Z';
    FILE *file;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    file = fopen(path, "r");
    if (file == NULL)
        return false;
    (void)fscanf(file, "%*d (%*[^)]) %c", &state);
    (void)fclose(file);
    return state != 'Z' && state != 'X';
}

static inline pid_t parent_of(int64_t pid)
{
    char path[64];
    int parent = 0;
    FILE *file;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%*d (%*[^)]) %*c %d", &parent), 1);
    (void)fclose(file);
    return parent;
}

static inline pid_t executor_pid(void)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    ck_assert_int_eq(getsockopt(driver.local.fd, SOL_SOCKET, SO_PEERCRED, &peer, &size), 0);
    return peer.pid;
}

/* As `assay report` does it. */
static inline int report_connect(const char *hello)
{
    char path[128];
    int fd;

    (void)snprintf(path, sizeof(path), "%s.report", driver.socket);
    while ((fd = local_connect(path)) == ERR_AGAIN) /* many wait there */
        (void)poll(NULL, 0, 1);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, hello, strlen(hello)), (ssize_t)strlen(hello));
    return fd;
}

static inline void answer_read(int fd, char *answer, size_t size)
{
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    ssize_t got;

    ck_assert_int_eq(poll(&poller, 1, (int)LIMIT_MS), 1);
    got = read(fd, answer, size - 1);
    ck_assert_int_ge(got, 0);
    answer[got] = '\0';
}

/* A case of tests that each have an executor of their own. */
static inline TCase *executor_case(const char *name)
{
    TCase *t = tcase_create(name);

    tcase_set_timeout(t, 40);
    tcase_add_checked_fixture(t, executor_setup, executor_teardown);
    return t;
}

#endif
