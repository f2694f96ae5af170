/* links: executor */
/* The executor as a program: this test is its worker, and starts real trials. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
    uint32_t reason;
    int64_t status;
    char text[LIMIT_END_TEXT + 1];
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
    double horizon;
} driver;

static void send_message(enum msg_type type, uint64_t request, const void *body)
{
    int err;

    message_pack(type, request, body, &driver.frame);
    err = local_send(&driver.local, buf_span(&driver.frame));
    ck_assert(err == 0 || (err == ERR_CLOSED && driver.may_close));
}

static void verdict(uint32_t trial, uint32_t action, double horizon)
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

static void record_hear(struct heard *heard, const struct record *record)
{
    switch (record->kind) {
    case RECORD_START:
        heard->starts++;
        heard->pid = record->start.pid;
        break;
    case RECORD_RESULT:
        heard->results++;
        heard->dones += record->result.done ? 1 : 0;
        (void)result_number(&record->result, "v", &heard->metric);
        break;
    case RECORD_END:
        heard->ends++;
        heard->reason = record->end.reason;
        heard->status = record->end.status;
        (void)snprintf(heard->text, sizeof(heard->text), "%.*s", SPAN(record->end.text));
        break;
    }
}

static void batch_hear(const struct msg_batch *batch)
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

static void output_hear(uint64_t request, const struct msg_output *output)
{
    struct heard *heard = &driver.heard[output->trial];
    struct msg_ok ok = {0};

    ck_assert_uint_eq(output->offset, heard->output_size[output->stream]);
    if (output->offset + output->bytes.size < sizeof(heard->output[0]))
        memcpy(heard->output[output->stream] + output->offset, output->bytes.data,
               output->bytes.size);
    heard->output_size[output->stream] += output->bytes.size;
    send_message(MSG_OK, request, &ok);
}

static void message_hear(const struct message *message)
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
        ck_abort_msg("a message of type %d", (int)message->type);
    }
}

static void hear(void)
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

static void link_up(void)
{
    int fd = local_connect(driver.socket);
    uint32_t readies = driver.readies;

    ck_assert_int_ge(fd, 0);
    local_init(&driver.local, fd);
    UNTIL(driver.readies == readies + 1);
}

static void link_down(void)
{
    local_fini(&driver.local);
    local_init(&driver.local, -1);
}

static void start_executor(void)
{
    char path[PATH_MAX + 32];
    pid_t pid;
    int status;

    (void)snprintf(path, sizeof(path), "%s/assay-executor", driver.bin);
    pid = fork();
    if (pid == 0) {
        (void)execl(path, path, "--socket", driver.socket, "--data", driver.data, "--experiment",
                    "7", (char *)NULL);
        _exit(127);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    link_up();
}

static void setup(void)
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
static void cage_remove(void)
{
    uint64_t until = clock_ms() + LIMIT_MS;
    struct buf path = {0};
    char note[128];

    (void)snprintf(note, sizeof(note), "%s/cgroup", driver.data);
    if (fs_read(note, sizeof(note), &path) == 0)
        while (rmdir(buf_text(&path)) < 0 && errno == EBUSY && clock_ms() < until)
            (void)poll(NULL, 0, 5); /* its processes are dying */
    buf_fini(&path);
}

/* The experiment has ended: the executor goes, and leaves nothing. */
static void teardown(void)
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

static void experiment(enum run_kind kind, const char *run, const char *metric, double bound,
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
    };

    send_message(MSG_EXPERIMENT, 0, &message);
}

static void launch(uint32_t trial, const char *config, double horizon)
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
    send_message(MSG_LAUNCH, 0, &message);
    buf_fini(&packed);
}

/* One trial of a command, without horizon. */
static struct heard *run_command(const char *command)
{
    experiment(RUN_COMMAND, command, NULL, 0, "");
    launch(1, "{\"a\": 1.5, \"name\": \"x y\"}", (double)INFINITY);
    UNTIL(driver.heard[1].vacated);
    return &driver.heard[1];
}

static bool is_alive(int64_t pid)
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

START_TEST(a_command_reports_by_printing)
{
    struct heard *heard = run_command("sh -c 'echo \"assay: v={a}\"; echo plain; echo \"assay: "
                                      "{{\\\"v\\\": 2}\"; printf \"assay: v=3\"'");

    ck_assert_uint_eq(heard->starts, 1);
    ck_assert_uint_eq(heard->results, 3);
    ck_assert_double_eq(heard->metric, 3);
    ck_assert_uint_eq(heard->reason, END_COMPLETED);
    UNTIL(heard->output_size[0] == 45);
    ck_assert_str_eq(heard->output[0], "assay: v=1.5\nplain\nassay: {\"v\": 2}\nassay: v=3");
}
END_TEST

START_TEST(a_trial_finds_what_it_was_promised)
{
    struct heard *heard = run_command(
        "sh -c 'test -f \"$ASSAY_CONFIG\" && test \"$PWD\" = \"$ASSAY_TRIAL_DIR\" && "
        "test \"$ASSAY_TRIAL_ID\" = 00000001 && test \"$ASSAY_ATTEMPT\" = 1 && "
        "test \"$ASSAY_SEED\" = 5 && test \"$OMP_NUM_THREADS\" = 1 && test \"$COLOUR\" = blue && "
        "test \"$ASSAY_EXPERIMENT\" = test && test -S \"$ASSAY_REPORT_SOCKET\" && "
        "test -z \"$ASSAY_TOKEN_FILE\" && test \"$(ls /proc/self/fd | wc -l)\" = 5'");

    ck_assert_msg(heard->reason == END_COMPLETED, "%s", heard->text);
}
END_TEST

START_TEST(a_failure_is_told_with_the_last_lines_of_stderr)
{
    struct heard *heard = run_command("sh -c 'echo first >&2; echo the reason >&2; exit 3'");

    ck_assert_uint_eq(heard->reason, END_EXIT);
    ck_assert_int_eq(heard->status, 3);
    ck_assert_str_eq(heard->text, "ended with exit status 3\nfirst\nthe reason");
}
END_TEST

START_TEST(a_signal_is_named)
{
    struct heard *heard = run_command("sh -c 'kill -SEGV $$'");

    ck_assert_uint_eq(heard->reason, END_SIGNAL);
    ck_assert_int_eq(heard->status, SIGSEGV);
    ck_assert_str_eq(heard->text, "ended by signal 11 (SIGSEGV)");
}
END_TEST

START_TEST(a_program_that_is_not_there)
{
    struct heard *heard = run_command("no-such-program --x");

    ck_assert_uint_eq(heard->reason, END_START);
    ck_assert_str_eq(heard->text, "no-such-program: no such program in PATH");
    ck_assert_uint_eq(heard->starts, 1);
}
END_TEST

START_TEST(garbage_is_a_protocol_error)
{
    struct heard *heard = run_command("sh -c 'echo \"assay: what is this\"; sleep 100'");

    ck_assert_uint_eq(heard->reason, END_PROTOCOL);
    ck_assert_ptr_nonnull(strstr(heard->text, "KEY=VALUE"));
}
END_TEST

START_TEST(a_stop_rule_without_its_metric)
{
    experiment(RUN_COMMAND, "sh -c 'echo \"assay: w=1\"; sleep 100'", "loss", 1, "");
    launch(1, "{}", (double)INFINITY);
    UNTIL(driver.heard[1].ends == 1);
    ck_assert_uint_eq(driver.heard[1].reason, END_PROTOCOL);
    ck_assert_ptr_nonnull(strstr(driver.heard[1].text, "loss"));
    ck_assert_uint_eq(driver.heard[1].results, 0);
}
END_TEST

#define BOTH_ANSWERS "{\"action\": \"continue\"}\n{\"action\": \"stop\"}\n"

START_TEST(lines_are_answered)
{
    struct heard *heard = run_command(
        "sh -c 'echo \"{{\\\"v\\\": 4}\" >&3; read answer <&3; echo \"$answer\"; "
        "echo \"{{\\\"v\\\": 5, \\\"done\\\": true}\" >&3; read answer <&3; echo \"$answer\"'");

    ck_assert_uint_eq(heard->results, 2);
    ck_assert_uint_eq(heard->dones, 1);
    ck_assert_uint_eq(heard->reason, END_COMPLETED);
    UNTIL(heard->output_size[0] == strlen(BOTH_ANSWERS));
    ck_assert_str_eq(heard->output[0], BOTH_ANSWERS);
}
END_TEST

START_TEST(a_native_trial_stops_at_its_rule)
{
    experiment(RUN_NATIVE, "libsigmoid.so", "training_iteration", 10, "");
    for (uint32_t trial = 0; trial < 20; trial++)
        launch(trial, "{\"width\": 20, \"height\": 3}", (double)INFINITY);
    for (uint32_t trial = 0; trial < 20; trial++) {
        const struct heard *heard = &driver.heard[trial];

        UNTIL(heard->vacated && heard->ends == 1);
        ck_assert_msg(heard->reason == END_STOPPED, "%s", heard->text);
        ck_assert_uint_eq(heard->results, 10);
        ck_assert_uint_eq(heard->dones, 1);
        ck_assert_int_gt(heard->pid, 0);
    }
}
END_TEST

START_TEST(a_linked_program_asks_for_its_configuration)
{
    char command[PATH_MAX + 16];

    (void)snprintf(command, sizeof(command), "%s/sigmoid", driver.bin);
    experiment(RUN_COMMAND, command, "episode_reward_mean", 2.9, "");
    launch(1, "{\"width\": 20, \"height\": 3}", (double)INFINITY);
    UNTIL(driver.heard[1].ends == 1);
    ck_assert_msg(driver.heard[1].reason == END_STOPPED, "%s", driver.heard[1].text);
    ck_assert_uint_eq(driver.heard[1].results, 41); /* tanh(41 / 20) * 3 is the first over 2.9 */
}
END_TEST

START_TEST(a_library_that_is_not_there)
{
    experiment(RUN_NATIVE, "libnothing.so", NULL, 0, "");
    launch(1, "{}", (double)INFINITY);
    launch(2, "{}", (double)INFINITY);
    UNTIL(driver.heard[1].ends == 1 && driver.heard[2].ends == 1);
    ck_assert_uint_eq(driver.heard[1].reason, END_START);
    ck_assert_ptr_nonnull(strstr(driver.heard[2].text, "libnothing.so"));
}
END_TEST

START_TEST(a_native_trial_waits_at_its_horizon)
{
    driver.acknowledges = false; /* a CONTINUE is a judgement, and lets it go on */
    experiment(RUN_NATIVE, "libsigmoid.so", NULL, 0, "training_iteration");
    launch(1, "{}", 5);
    UNTIL(driver.heard[1].results == 5);
    verdict(1, ACTION_CONTINUE, 8);
    UNTIL(driver.heard[1].results == 8);
    driver.acknowledges = true;
    verdict(1, ACTION_STOP, 0);
    UNTIL(driver.heard[1].vacated);
    ck_assert_uint_eq(driver.heard[1].results, 8);
    ck_assert_uint_eq(driver.heard[1].reason, END_STOPPED);
}
END_TEST

/* A scheduler whose time has jumped over a rung wants each next result: a horizon behind the trial.
 */
START_TEST(a_horizon_behind_the_trial_lets_one_more_result_through)
{
    driver.acknowledges = false;
    experiment(RUN_NATIVE, "libsigmoid.so", NULL, 0, "training_iteration");
    launch(1, "{}", 5);
    for (uint32_t results = 5; results <= 8; results++) {
        UNTIL(driver.heard[1].results == results);
        verdict(1, ACTION_CONTINUE, -(double)INFINITY);
    }
    UNTIL(driver.heard[1].results == 9);
    driver.acknowledges = true;
    verdict(1, ACTION_STOP, 0);
    UNTIL(driver.heard[1].vacated);
    ck_assert_uint_eq(driver.heard[1].results, 9);
}
END_TEST

#define PRINTS_20 "sh -c 'i=0; while [ $i -lt 20 ]; do i=$((i+1)); echo \"assay: v=$i\"; done'"

START_TEST(what_was_printed_past_a_horizon_is_dropped)
{
    driver.acknowledges = false; /* a CONTINUE is a judgement, and lets it go on */
    experiment(RUN_COMMAND, PRINTS_20, NULL, 0, "v");
    launch(1, "{}", 5);
    UNTIL(driver.heard[1].results == 5);
    UNTIL(!is_alive(driver.heard[1].pid)); /* all is printed, and held */
    ck_assert_uint_eq(driver.heard[1].ends, 0);
    driver.acknowledges = true;
    verdict(1, ACTION_STOP, 0);
    UNTIL(driver.heard[1].ends == 1);
    ck_assert_uint_eq(driver.heard[1].results, 5);
    ck_assert_uint_eq(driver.heard[1].reason, END_STOPPED);
}
END_TEST

START_TEST(what_was_printed_past_a_horizon_is_taken)
{
    driver.acknowledges = false; /* a CONTINUE is a judgement, and lets it go on */
    experiment(RUN_COMMAND, PRINTS_20, NULL, 0, "v");
    launch(1, "{}", 5);
    UNTIL(driver.heard[1].results == 5);
    verdict(1, ACTION_CONTINUE, 12);
    UNTIL(driver.heard[1].results == 12);
    driver.acknowledges = true;
    verdict(1, ACTION_CONTINUE, (double)INFINITY);
    UNTIL(driver.heard[1].ends == 1);
    ck_assert_uint_eq(driver.heard[1].results, 20);
    ck_assert_uint_eq(driver.heard[1].reason, END_COMPLETED);
}
END_TEST

/* Starts a process in a session of its own, which ignores SIGTERM, and says which. */
#define STUBBORN                                                                                   \
    "sh -c 'trap \"\" TERM; (setsid sh -c \"trap \\\"\\\" TERM; echo \\\"assay: v=\\$\\$\\\"; "    \
    "sleep 1000\" &) ; sleep 1000'"

START_TEST(a_fenced_attempt_is_killed_with_all_of_its_tree)
{
    experiment(RUN_COMMAND, STUBBORN, NULL, 0, "");
    launch(1, "{}", (double)INFINITY);
    UNTIL(driver.heard[1].results == 1);
    ck_assert(is_alive((int64_t)driver.heard[1].metric));
    verdict(1, ACTION_FENCED, 0);
    UNTIL(driver.heard[1].vacated);
    ck_assert(!is_alive(driver.heard[1].pid));
    ck_assert(!is_alive((int64_t)driver.heard[1].metric));
    ck_assert_uint_eq(driver.heard[1].ends, 0);
}
END_TEST

START_TEST(a_stubborn_trial_is_killed_after_its_grace)
{
    experiment(RUN_COMMAND, STUBBORN, NULL, 0, "");
    launch(1, "{}", (double)INFINITY);
    UNTIL(driver.heard[1].results == 1);
    verdict(1, ACTION_STOP, 0);
    UNTIL(driver.heard[1].vacated);
    ck_assert(!is_alive(driver.heard[1].pid));
    ck_assert(!is_alive((int64_t)driver.heard[1].metric));
    ck_assert_uint_eq(driver.heard[1].reason, END_STOPPED);
}
END_TEST

START_TEST(what_a_trial_leaves_behind_is_ended)
{
    struct heard *heard = run_command("sh -c '(setsid sh -c \"echo \\\"assay: v=\\$\\$\\\"; exec "
                                      "sleep 1000 >/dev/null 2>&1\" &); "
                                      "sleep 0.1; exit 0'");

    ck_assert_uint_eq(heard->reason, END_COMPLETED);
    ck_assert_uint_eq(heard->results, 1);
    ck_assert(!is_alive((int64_t)heard->metric));
}
END_TEST

START_TEST(everything_is_said_again_after_a_reconnect)
{
    driver.acknowledges = false;
    experiment(RUN_NATIVE, "libsigmoid.so", "training_iteration", 1000, "");
    launch(1, "{}", (double)INFINITY);
    UNTIL(driver.heard[1].vacated);
    ck_assert_uint_eq(driver.heard[1].results, 1000);
    link_down();
    memset(driver.heard, 0, sizeof(driver.heard));
    driver.acknowledges = true;
    link_up();
    ck_assert_uint_eq(driver.held, 1);
    ck_assert_uint_eq(driver.held_seq, 1002);
    UNTIL(driver.heard[1].vacated);
    ck_assert_uint_eq(driver.heard[1].results, 1000);
    ck_assert_uint_eq(driver.heard[1].ends, 1);
    UNTIL(driver.heard[1].last_seq == 1002);
    link_down();
    link_up();
    UNTIL(driver.held == 0 || driver.held == 1); /* the acknowledgement may be on its way */
}
END_TEST

START_TEST(a_worker_that_is_away_costs_nothing)
{
    driver.acknowledges = false;
    experiment(RUN_NATIVE, "libsigmoid.so", "training_iteration", 100000, "");
    launch(1, "{}", (double)INFINITY);
    UNTIL(driver.heard[1].results > 0);
    link_down();
    memset(driver.heard, 0, sizeof(driver.heard));
    driver.acknowledges = true;
    link_up();
    UNTIL(driver.heard[1].ends == 1); /* more than the window: through the file */
    ck_assert_uint_eq(driver.heard[1].results, 100000);
    ck_assert_uint_eq(driver.heard[1].reason, END_STOPPED);
}
END_TEST

static pid_t parent_of(int64_t pid)
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

START_TEST(trials_die_with_the_executor)
{
    uint64_t until = clock_ms() + LIMIT_MS;
    int64_t pid;

    experiment(RUN_COMMAND, "sleep 1000", NULL, 0, "");
    launch(1, "{}", (double)INFINITY);
    UNTIL(driver.heard[1].starts == 1);
    pid = driver.heard[1].pid;
    driver.may_close = true;
    ck_assert_int_eq(kill(parent_of(pid), SIGKILL), 0);
    while (is_alive(pid) && clock_ms() < until)
        hear();
    ck_assert(!is_alive(pid));
    link_down();
}
END_TEST

START_TEST(what_a_killed_executor_left_is_ended_by_the_next)
{
    uint64_t until = clock_ms() + LIMIT_MS;
    char note[128];
    int64_t left;

    experiment(RUN_COMMAND, STUBBORN, NULL, 0, "");
    launch(1, "{}", (double)INFINITY);
    UNTIL(driver.heard[1].results == 1);
    left = (int64_t)driver.heard[1].metric;
    driver.may_close = true;
    ck_assert_int_eq(kill(parent_of(driver.heard[1].pid), SIGKILL), 0);
    while (is_alive(driver.heard[1].pid) && clock_ms() < until)
        hear();
    link_down();
    (void)snprintf(note, sizeof(note), "%s/cgroup", driver.data);
    if (access(note, F_OK) != 0) {
        /* No cgroup is to be had here: nothing is promised, so both sessions are ended here. */
        (void)kill(-(pid_t)left, SIGKILL);
        (void)kill(-(pid_t)driver.heard[1].pid, SIGKILL);
        return;
    }
    memset(driver.heard, 0, sizeof(driver.heard));
    driver.may_close = false;
    start_executor();
    while (is_alive(left) && clock_ms() < until)
        hear();
    ck_assert(!is_alive(left));
    (void)snprintf(note, sizeof(note), "%s/work",
                   driver.data); /* a killed executor clears nothing */
    ck_assert_int_eq(fs_remove_tree(note), 0);
}
END_TEST

START_TEST(native_trials_die_with_the_executor)
{
    uint64_t until = clock_ms() + LIMIT_MS;
    int64_t pid;

    driver.horizon = 3;
    experiment(RUN_NATIVE, "libsigmoid.so", NULL, 0, "training_iteration");
    launch(1, "{}", 3);
    UNTIL(driver.heard[1].results == 3);
    pid = driver.heard[1].pid;
    driver.may_close = true;
    ck_assert_int_eq(kill(parent_of(parent_of(pid)), SIGKILL), 0);
    while (is_alive(pid) && clock_ms() < until)
        hear();
    ck_assert(!is_alive(pid));
    link_down();
}
END_TEST

START_TEST(an_executor_that_is_asked_to_end_tells_of_it)
{
    uint64_t until = clock_ms() + LIMIT_MS;

    experiment(RUN_COMMAND, "sleep 1000", NULL, 0, "");
    launch(1, "{}", (double)INFINITY);
    UNTIL(driver.heard[1].starts == 1);
    driver.may_close = true;
    ck_assert_int_eq(kill(parent_of(driver.heard[1].pid), SIGTERM), 0);
    UNTIL(driver.heard[1].ends == 1);
    ck_assert_uint_eq(driver.heard[1].reason, END_EXECUTOR_LOST);
    while (access(driver.socket, F_OK) == 0 && clock_ms() < until)
        hear();
    ck_assert_int_ne(access(driver.socket, F_OK), 0);
    link_down();
}
END_TEST

/* As `assay report` does it. */
static int report_connect(const char *hello)
{
    char path[128];
    int fd;

    (void)snprintf(path, sizeof(path), "%s.report", driver.socket);
    fd = local_connect(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, hello, strlen(hello)), (ssize_t)strlen(hello));
    return fd;
}

static void answer_read(int fd, char *answer, size_t size)
{
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    ssize_t got;

    ck_assert_int_eq(poll(&poller, 1, (int)LIMIT_MS), 1);
    got = read(fd, answer, size - 1);
    ck_assert_int_ge(got, 0);
    answer[got] = '\0';
}

START_TEST(reports_come_over_the_socket)
{
    char answer[64];
    int fd;

    experiment(RUN_COMMAND, "sleep 1000", "v", 2, "");
    launch(1, "{}", (double)INFINITY);
    UNTIL(driver.heard[1].starts == 1);
    fd = report_connect("{\"trial_id\": \"00000001\", \"attempt\": 1}\n{\"v\": 1}\n");
    answer_read(fd, answer, sizeof(answer));
    ck_assert_str_eq(answer, "{\"action\": \"continue\"}\n");
    ck_assert_int_eq(close(fd), 0);
    fd = report_connect("{\"trial_id\": \"00000009\"}\n{\"v\": 1}\n");
    answer_read(fd, answer, sizeof(answer));
    ck_assert_str_eq(answer, ""); /* nobody's */
    ck_assert_int_eq(close(fd), 0);
    fd = report_connect("{\"trial_id\": \"00000001\"}\n{\"v\": 2}\n");
    answer_read(fd, answer, sizeof(answer));
    ck_assert_str_eq(answer, "{\"action\": \"stop\"}\n");
    ck_assert_int_eq(close(fd), 0);
    UNTIL(driver.heard[1].ends == 1);
    ck_assert_uint_eq(driver.heard[1].results, 2);
    ck_assert_uint_eq(driver.heard[1].reason, END_STOPPED);
}
END_TEST

START_TEST(a_flood_of_output_is_kept_in_bounds)
{
    struct heard *heard = run_command(
        "sh -c 'head -c 3000000 /dev/zero | tr \"\\\\0\" x; echo; echo \"assay: v=1\"'");

    ck_assert_msg(heard->reason == END_COMPLETED, "%s", heard->text);
    ck_assert_uint_eq(heard->results, 1);
    UNTIL(heard->output_size[0] == 3000000 + 1 + 11);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("executor_run");
    TCase *t = tcase_create("run");

    tcase_set_timeout(t, 40);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_command_reports_by_printing);
    tcase_add_test(t, a_trial_finds_what_it_was_promised);
    tcase_add_test(t, a_failure_is_told_with_the_last_lines_of_stderr);
    tcase_add_test(t, a_signal_is_named);
    tcase_add_test(t, a_program_that_is_not_there);
    tcase_add_test(t, garbage_is_a_protocol_error);
    tcase_add_test(t, a_stop_rule_without_its_metric);
    tcase_add_test(t, lines_are_answered);
    tcase_add_test(t, a_native_trial_stops_at_its_rule);
    tcase_add_test(t, a_linked_program_asks_for_its_configuration);
    tcase_add_test(t, a_library_that_is_not_there);
    tcase_add_test(t, a_native_trial_waits_at_its_horizon);
    tcase_add_test(t, a_horizon_behind_the_trial_lets_one_more_result_through);
    tcase_add_test(t, what_was_printed_past_a_horizon_is_dropped);
    tcase_add_test(t, what_was_printed_past_a_horizon_is_taken);
    tcase_add_test(t, a_fenced_attempt_is_killed_with_all_of_its_tree);
    tcase_add_test(t, a_stubborn_trial_is_killed_after_its_grace);
    tcase_add_test(t, what_a_trial_leaves_behind_is_ended);
    tcase_add_test(t, everything_is_said_again_after_a_reconnect);
    tcase_add_test(t, a_worker_that_is_away_costs_nothing);
    tcase_add_test(t, trials_die_with_the_executor);
    tcase_add_test(t, what_a_killed_executor_left_is_ended_by_the_next);
    tcase_add_test(t, native_trials_die_with_the_executor);
    tcase_add_test(t, an_executor_that_is_asked_to_end_tells_of_it);
    tcase_add_test(t, reports_come_over_the_socket);
    tcase_add_test(t, a_flood_of_output_is_kept_in_bounds);
    suite_add_tcase(s, t);
    return s;
}
