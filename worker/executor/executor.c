#include "worker/executor/executor.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/clock.h"
#include "common/sys/fs.h"
#include "common/sys/log.h"
#include "common/sys/sig.h"
#include "common/xalloc.h"
#include "worker/executor/attempt.h"
#include "worker/executor/setup.h"
#include "worker/executor/spare.h"
#include "worker/executor/transfer.h"
#include "worker/executor/tree.h"
#include "worker/executor/zygote.h"

uint64_t executor_now_ms(void)
{
    return clock_ms();
}

void executor_wake_in(struct executor *executor, uint64_t key, uint64_t ms)
{
    deadlines_set(executor->deadlines, key, clock_ms() + ms);
}

bool executor_knows(void *context, pid_t pid)
{
    const struct executor *executor = context;
    const struct setup *setup = executor->setup;

    return table_get_u64(executor->processes, (uint64_t)pid) != NULL ||
           table_get_u64(executor->helpers, (uint64_t)pid) != NULL ||
           (setup != NULL && setup->zygote != NULL && zygote_pid(setup->zygote) == pid);
}

/* Children that have ended: attempts' first processes, the zygote, orphans that we took in. */
static void children_reap(struct executor *executor)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct attempt *attempt = table_get_u64(executor->processes, (uint64_t)pid);
        struct setup *setup = executor->setup;

        (void)table_remove_u64(executor->killed, (uint64_t)pid);
        if (transfer_reaped(executor, pid, status))
            continue;
        if (attempt != NULL)
            attempt_exited(attempt, status);
        else if (setup != NULL && setup->zygote != NULL && zygote_pid(setup->zygote) == pid)
            zygote_died(setup->zygote);
    }
    for (struct attempt *attempt = executor->first; attempt != NULL; attempt = attempt->next)
        if (attempt->state == ATTEMPT_CLEARING)
            attempt_settle(attempt);
}

void executor_end(struct executor *executor, const char *why)
{
    if (executor->ending)
        return;
    log_line(LOG_INFO, "executor_ends", "%s trials=%zu", why, executor->live);
    executor->ending = true;
    for (struct attempt *attempt = executor->first; attempt != NULL; attempt = attempt->next) {
        if (!attempt->closed)
            buf_append_text(&attempt->text, why);
        attempt_close(attempt, END_EXECUTOR_LOST);
    }
}

/* A second word: no more grace. */
static void kill_all(struct executor *executor)
{
    for (struct attempt *attempt = executor->first; attempt != NULL; attempt = attempt->next) {
        if (attempt->state != ATTEMPT_RUNNING)
            continue;
        attempt->ladder = LADDER_TERM;
        attempt_due(attempt);
    }
}

static void signals_ready(struct loop_source *source, uint32_t events)
{
    struct executor *executor =
        (struct executor *)((char *)source - offsetof(struct executor, signals));
    int number;
    bool children = false;

    (void)events;
    while ((number = sig_next(source->fd)) != 0) {
        if (number == SIGCHLD)
            children = true;
        else if (number == SIGUSR2)
            log_toggle_debug();
        else if (executor->ending)
            kill_all(executor);
        else
            executor_end(executor, "the executor was asked to end");
    }
    if (children)
        children_reap(executor);
}

static int signals_open(struct executor *executor)
{
    static const int watched[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR2, 0};
    int fd = sig_open(watched);

    if (fd < 0)
        return fd;
    executor->signals = (struct loop_source){.fd = fd, .ready = signals_ready};
    return loop_set(&executor->loop, &executor->signals, EPOLLIN);
}

/* An empty one: what an executor before this one left there is nobody's. */
static int checkpoints_open(const char *dir)
{
    char path[LIMIT_PATH_BYTES];
    int err = fs_join(path, dir, "checkpoints");

    if (err == 0)
        err = fs_remove_tree(path);
    return err == 0 ? fs_make_dirs(path, 0700) : err;
}

int executor_open(struct executor *executor, const struct executor_options *options,
                  const char **why)
{
    int err;

    *executor = (struct executor){.options = options};
    executor->link.listening.fd = executor->link.connected.fd = executor->link.local.fd = -1;
    executor->gate.source.fd = executor->signals.fd = -1;
    executor->deadlines = deadlines_new();
    executor->attempts = table_new();
    executor->processes = table_new();
    executor->killed = table_new();
    executor->helpers = table_new();
    executor->bytes = xmalloc(EXECUTOR_READ);
    quota_init(&executor->quota);
    arena_init(&executor->scratch);
    *why = "cannot wait for anything";
    err = loop_init(&executor->loop);
    if (err == 0)
        err = signals_open(executor);
    if (err == 0) {
        *why = "cannot adopt orphans";
        err = tree_adopt();
    }
    if (err == 0) {
        *why = "cannot make a folder for checkpoints";
        err = checkpoints_open(options->dir);
    }
    if (err == 0) {
        *why = "cannot listen for reports";
        err = gate_open(executor);
    }
    if (err == 0) {
        *why = "cannot listen for the worker";
        err = daemon_link_open(executor, options->socket);
    }
    if (err == 0)
        executor_wake_in(executor, DEADLINE_AWAY, LIMIT_WORKER_AWAY_MS);
    return err;
}

void executor_close(struct executor *executor)
{
    spares_free(executor);
    while (executor->first != NULL)
        attempt_free(executor->first);
    setup_free(executor->setup);
    gate_close(executor);
    daemon_link_close(executor);
    if (executor->signals.fd >= 0)
        (void)close(executor->signals.fd);
    loop_fini(&executor->loop);
    deadlines_free(executor->deadlines);
    table_free(executor->attempts);
    table_free(executor->processes);
    table_free(executor->killed);
    table_free(executor->helpers);
    arena_fini(&executor->scratch);
    buf_fini(&executor->report);
    buf_fini(&executor->fields);
    buf_fini(&executor->record);
    free(executor->bytes);
    tree_end();
    quota_fini(&executor->quota);
}

static void deadlines_run(struct executor *executor)
{
    uint64_t key;

    while (deadlines_pop(executor->deadlines, clock_ms(), &key)) {
        struct attempt *attempt = table_get_u64(executor->attempts, key);

        if (key == DEADLINE_AWAY)
            executor_end(executor, "the worker has been away for too long");
        else if (key == DEADLINE_GIVE_UP)
            executor->gave_up = true;
        else if (key == DEADLINE_UNHELPED)
            transfer_unhelped(executor);
        else if (key == DEADLINE_SPARES)
            spares_due(executor);
        else if (!attempt_limits_due(executor, key) && attempt != NULL)
            attempt_due(attempt);
    }
}

static bool folder_is_used(const struct executor *executor, const struct attempt *but)
{
    for (const struct attempt *other = executor->first; other != NULL; other = other->next)
        if (other != but && other->lease.trial == but->lease.trial)
            return true;
    return false;
}

/* The trial's folder, less what we put there: everything of it is with the head. */
static void folder_clear(struct executor *executor, struct attempt *attempt)
{
    bool shares = executor->options->shares_results;
    char path[LIMIT_PATH_BYTES];

    if (attempt->dir[0] == '\0' || folder_is_used(executor, attempt))
        return;
    if (!shares) {
        output_remove(&attempt->streams[OUTPUT_STDOUT].output);
        output_remove(&attempt->streams[OUTPUT_STDERR].output);
        if (attempt->config_written && fs_join(path, attempt->dir, "params.json") == 0)
            (void)unlink(path);
    }
    workdir_clear(executor->setup->workdir, attempt->dir, !shares);
}

static void sweep(struct executor *executor)
{
    struct attempt *next;

    executor->sweep = false;
    for (struct attempt *attempt = executor->first; attempt != NULL; attempt = next) {
        next = attempt->next;
        if (!attempt->done)
            continue;
        folder_clear(executor, attempt);
        attempt_free(attempt);
    }
}

/* Whether there is nothing left to do: the experiment is over, or this process is ending. */
static bool is_over(struct executor *executor)
{
    if ((!executor->released && !executor->ending) || executor->live > 0 || spares_leave(executor))
        return false;
    if (executor->first == NULL || !daemon_link_is_up(executor) || executor->gave_up)
        return true;
    /* The worker is there: what is left is on its way to it, but not for ever. */
    if (!executor->giving_up) {
        executor->giving_up = true;
        executor_wake_in(executor, DEADLINE_GIVE_UP,
                         executor->ending ? LIMIT_GRACE_MS : LIMIT_WORKER_AWAY_MS);
    }
    return false;
}

void executor_run(struct executor *executor)
{
    while (!is_over(executor)) {
        uint64_t next = deadlines_next_ms(executor->deadlines);
        uint64_t now = clock_ms();
        uint64_t wait = next <= now ? 0 : next - now;

        executor->turn++;
        loop_turn(&executor->loop, next == DEADLINE_NEVER ? -1 : wait > 60000 ? 60000 : (int)wait);
        deadlines_run(executor);
        daemon_link_flush(executor);
        if (executor->sweep)
            sweep(executor);
    }
}
