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
#include "common/spec.h"
#include "common/sys/clock.h"
#include "common/sys/fs.h"
#include "proto/local.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/executor_heard.h"

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
                    "7", driver.checkpoints != NULL ? "--checkpoints" : NULL, driver.checkpoints,
                    (char *)NULL);
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
        .reuse = driver.reuse,
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
    lease.gpus = (struct record_list){driver.gpus, driver.gpu_count};
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
