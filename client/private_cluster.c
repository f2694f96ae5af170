#include "client/private_cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/runs.h"
#include "client/say.h"
#include "common/err.h"
#include "common/json.h"
#include "common/sys/clock.h"
#include "common/sys/fs.h"
#include "common/sys/home.h"
#include "common/sys/sig.h"
#include "common/xalloc.h"

#define HEAD_FILES  73     /* head/head.c, STATUS_FILES */
#define READY_MS    30000u /* for the head to listen */
#define END_MS      15000u /* for both to end in order; then they are killed */
#define HURRY_MS    3000u  /* the same, after a second Ctrl-C */
#define AGAIN_MS    100    /* between two signals in a hurry */
#define DIED_MS     1000u  /* from a closed pipe to an end that can be seen */
#define NOT_STARTED 127    /* what process.c exits with */
#define LINE_MOST   16384u

struct private_cluster {
    char dir[LIMIT_PATH_BYTES];
    struct arena arena;
    struct process head;
    struct process worker;
    int ready;       /* the head's line comes here */
    int head_status; /* as process_reap has it; 0 before its end */
};

static int make_folder(struct private_cluster *cluster)
{
    const char *home = home_dir();
    time_t now = time(NULL);
    struct tm local;
    char stamp[32];

    if (home == NULL)
        return say_errno(EXIT_USAGE, home_name(), HOME_MEND);
    if (localtime_r(&now, &local) == NULL ||
        strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &local) == 0)
        return say(EXIT_OURS, "clock", NULL, "it tells no date");
    if ((size_t)snprintf(cluster->dir, sizeof(cluster->dir), "%s/runs/%s-%d", home, stamp,
                         (int)getpid()) >= sizeof(cluster->dir))
        return say(EXIT_OURS, "ASSAY_HOME", "set it to a shorter path", "the path is too long");
    if (fs_make_dirs(cluster->dir, 0700) != 0)
        return say_errno(EXIT_USAGE, cluster->dir, HOME_MEND);
    return 0;
}

/* Where a daemon writes what it has to say; ours with -v. */
static int open_log(const struct private_cluster *cluster, const char *name)
{
    char path[LIMIT_PATH_BYTES];

    if (say_is_verbose() || fs_join(path, cluster->dir, name) != 0)
        return fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int start(struct private_cluster *cluster, char *const *argv, const char *log, int keep,
                 struct process *out)
{
    int fd = open_log(cluster, log);
    struct process_start what = {.argv = argv, .in = -1, .out = fd, .keep = keep, .mortal = true};
    int err = fd < 0 ? err_from_errno() : process_start(&what, out);

    if (fd >= 0)
        (void)close(fd);
    return err == 0 ? 0 : say_errno(EXIT_OURS, argv[0], NULL);
}

/* What a daemon said before it ended; its lines are made for people. */
static bool show_log(const struct private_cluster *cluster, const char *name)
{
    char path[LIMIT_PATH_BYTES];
    struct buf text = {0};
    bool any;

    if (fs_join(path, cluster->dir, name) == 0)
        (void)fs_read(path, 1u << 20, &text); /* nothing to show is nothing to show */
    any = text.size > 0;
    (void)fs_write_all(STDERR_FILENO, text.data, text.size);
    buf_fini(&text);
    return any;
}

int private_cluster_start(struct private_cluster **out)
{
    struct private_cluster *cluster = xcalloc(1, sizeof(*cluster));
    int ready[2] = {-1, -1};
    char *argv[] = {NULL,
                    "--private",
                    "--port",
                    "0",
                    "--bind",
                    "127.0.0.1",
                    "--data-dir",
                    cluster->dir,
                    "--ready-fd",
                    NULL,
                    say_is_verbose() ? "-v" : NULL,
                    NULL};
    int rc;

    arena_init(&cluster->arena);
    cluster->ready = -1;
    rc = make_folder(cluster);
    if (rc != 0)
        goto out;
    if (pipe2(ready, O_CLOEXEC) != 0) {
        rc = say_errno(EXIT_OURS, "pipe", NULL);
        goto out;
    }
    argv[0] = (char *)(uintptr_t)process_program("assay-head", &cluster->arena);
    argv[9] = arena_printf(&cluster->arena, "%d", ready[1]);
    rc = start(cluster, argv, "head.log", ready[1], &cluster->head);
    (void)close(ready[1]);
    if (rc != 0) {
        (void)close(ready[0]);
        goto out;
    }
    cluster->ready = ready[0];
    *out = cluster;
    return 0;
out:
    (void)private_cluster_stop(cluster, -1, true, false);
    return rc;
}

/* The head's one line. */
static int read_ready(struct private_cluster *cluster, struct buf *line)
{
    uint64_t until = clock_ms() + READY_MS;

    while (line->size < LINE_MOST) {
        struct pollfd wait = {.fd = cluster->ready, .events = POLLIN};
        uint64_t now = clock_ms();
        ssize_t got;

        if (now >= until)
            return say(EXIT_TIMED_OUT, "the private head", cluster->dir,
                       "it does not listen after %u s", READY_MS / 1000);
        if (poll(&wait, 1, (int)(until - now)) < 0 && errno != EINTR)
            return say_errno(EXIT_OURS, "poll", NULL);
        if (wait.revents == 0)
            continue;
        got = read(cluster->ready, buf_reserve(line, 4096), 4096);
        if (got == 0)
            return private_cluster_died(cluster);
        if (got < 0 && errno != EINTR)
            return say_errno(EXIT_OURS, "the private head", NULL);
        line->size += got > 0 ? (size_t)got : 0;
        if (line->size > 0 && line->data[line->size - 1] == '\n')
            return 0;
    }
    return say(EXIT_OURS, "the private head", NULL, "its first line is too long");
}

static const char *text_of(const struct value *map, const char *key)
{
    const struct value *value = value_get(map, key);

    return value != NULL && value->type == VALUE_TEXT ? value->text : "";
}

static int start_worker(struct private_cluster *cluster, const struct value *ready, uint32_t cpus)
{
    struct arena *arena = &cluster->arena;
    char *argv[20];
    size_t count = 0;

    argv[count++] = (char *)(uintptr_t)process_program("assay-worker", arena);
    argv[count++] = "--private";
    argv[count++] = "--results-shared";
    argv[count++] = "--address";
    argv[count++] = arena_strdup(arena, text_of(ready, "address"));
    argv[count++] = "--head-key";
    argv[count++] = arena_strdup(arena, text_of(ready, "key"));
    argv[count++] = "--key-file";
    argv[count++] = arena_strdup(arena, text_of(ready, "worker_key"));
    argv[count++] = "--data-dir";
    argv[count++] = arena_printf(arena, "%s/worker", cluster->dir);
    if (cpus > 0) {
        argv[count++] = "--cpus";
        argv[count++] = arena_printf(arena, "%u", cpus);
    }
    if (say_is_verbose())
        argv[count++] = "-v";
    argv[count] = NULL;
    return start(cluster, argv, "worker.log", -1, &cluster->worker);
}

int private_cluster_join(struct private_cluster *cluster, uint32_t cpus, struct where *where)
{
    struct json_error error;
    struct buf line = {0};
    struct value ready;
    int rc = read_ready(cluster, &line);

    if (rc == 0 && json_read(buf_span(&line), &cluster->arena, &ready, &error) != 0)
        rc = say(EXIT_OURS, "the private head", NULL, "its first line is not understood: %s",
                 error.what);
    buf_fini(&line);
    if (rc == 0)
        rc = start_worker(cluster, &ready, cpus);
    if (rc == 0)
        rc = where_of_private(text_of(&ready, "address"), text_of(&ready, "key"),
                              text_of(&ready, "admin_key"), where);
    return rc;
}

void private_cluster_fds(const struct private_cluster *cluster, int fds[2])
{
    fds[0] = cluster->head.pid != 0 ? cluster->head.pidfd : -1;
    fds[1] = cluster->worker.pid != 0 ? cluster->worker.pidfd : -1;
}

int private_cluster_died(struct private_cluster *cluster)
{
    static const struct {
        const char *what;
        const char *log;
    } names[] = {{"the private head", "head.log"}, {"the private worker", "worker.log"}};
    struct process *processes[] = {&cluster->head, &cluster->worker};
    uint64_t until = clock_ms() + DIED_MS;

    /* Its pipe may be closed a moment before it can be reaped. */
    for (;;) {
        for (size_t i = 0; i < 2; i++) {
            int status = processes[i]->pid != 0 ? process_reap(processes[i], false) : -1;

            if (status < 0)
                continue;
            if (show_log(cluster, names[i].log) && status < 64 && status != 0)
                return status;
            if (status == NOT_STARTED)
                return say(EXIT_OURS, names[i].what, "install all programs of assay together",
                           "its program is not beside this one, nor on the search path");
            return say(EXIT_OURS, names[i].what, cluster->dir, "it ended with status %d", status);
        }
        if (clock_ms() >= until)
            return say(EXIT_OURS, names[0].what, cluster->dir, "it closed its pipe");
        (void)poll(NULL, 0, 1);
    }
}

/* Until both are gone, or until_ms. In a hurry they are told again and again: the first SIGTERM
 * asks a daemon to end in order, the second to end at once. */
static void wait_for_both(struct private_cluster *cluster, int signals, bool hurry,
                          uint64_t until_ms)
{
    struct process *processes[] = {&cluster->worker, &cluster->head};

    for (uint64_t now_ms = clock_ms(); now_ms < until_ms; now_ms = clock_ms()) {
        struct pollfd waits[3];
        nfds_t count = 0;
        bool signalled;
        int ready;

        for (size_t i = 0; i < 2; i++) {
            int status = processes[i]->pid != 0 ? process_reap(processes[i], false) : 0;

            if (status < 0)
                waits[count++] = (struct pollfd){.fd = processes[i]->pidfd, .events = POLLIN};
            else if (status > 0 && processes[i] == &cluster->head)
                cluster->head_status = status;
        }
        if (count == 0)
            return;
        waits[count++] = (struct pollfd){.fd = signals, .events = POLLIN}; /* none if negative */
        ready = poll(waits, count, hurry ? AGAIN_MS : (int)(until_ms - now_ms));
        signalled = signals >= 0 && sig_next(signals) != 0;
        if (signalled && !hurry) {
            hurry = true;
            until_ms = clock_ms() + HURRY_MS;
        } else if (ready != 0 || !hurry) {
            continue;
        }
        for (size_t i = 0; i < 2; i++)
            process_signal(processes[i], SIGTERM);
    }
    for (size_t i = 0; i < 2; i++) {
        process_signal(processes[i], SIGKILL);
        (void)process_reap(processes[i], true);
    }
}

/* The head's folder with the log is kept, so that a run can be decided again; what the worker had
 * is of no use any more. */
static void remove_data(const struct private_cluster *cluster, bool keep)
{
    char worker[LIMIT_PATH_BYTES];
    const char *gone = cluster->dir;

    if (cluster->dir[0] == '\0' || fs_join(worker, cluster->dir, "worker") != 0)
        return;
    if (keep)
        gone = worker;
    if (fs_remove_tree(gone) != 0)
        say_note("%s could not be removed: %s", gone, strerror(errno));
    runs_prune();
}

const char *private_cluster_folder(const struct private_cluster *cluster)
{
    return cluster->dir;
}

int private_cluster_stop(struct private_cluster *cluster, int signals, bool hurry, bool keep)
{
    int rc = 0;

    if (cluster == NULL)
        return 0;
    process_signal(&cluster->worker, SIGTERM);
    process_signal(&cluster->head, SIGTERM);
    wait_for_both(cluster, signals, hurry, clock_ms() + (hurry ? HURRY_MS : END_MS));
    if (cluster->ready >= 0)
        (void)close(cluster->ready);
    remove_data(cluster, keep);
    if (cluster->head_status == HEAD_FILES)
        rc = say(EXIT_OURS, "results",
                 arena_printf(&cluster->arena,
                              "make room, then: assay head --port 0 --data-dir %s, which writes "
                              "them again",
                              cluster->dir),
                 "not all files could be written: %s/head.log says why", cluster->dir);
    arena_fini(&cluster->arena);
    free(cluster);
    return rc;
}
