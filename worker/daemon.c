#include "worker/daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/err.h"
#include "common/sys/clock.h"
#include "common/sys/fs.h"
#include "common/sys/home.h"
#include "common/sys/log.h"
#include "common/sys/sig.h"

#define EXIT_USAGE      2
#define EXIT_OURS       70
#define MESSAGES_A_TURN 256u
#define COLLECT_MS      5000u  /* executors that were found may take to say what they have */
#define STOP_MS         15000u /* trials may take to end when this node leaves */
#define STOP_PRIVATE_MS 3000u
#define KILL_MS         2000u /* the kernel may take after that */
#define WAIT_MOST_MS    60000

/* ---- start ---- */

static int refuse(const char *what, const char *why, const char *mend)
{
    log_error_for_people(what, why, mend);
    return EXIT_OURS;
}

/* A number that is higher with each life of this daemon. */
static uint64_t incarnation_next(const struct daemon *daemon)
{
    char path[LIMIT_PATH_BYTES];
    char text[32];
    struct buf old = {0};
    uint64_t number = 0;

    if (fs_join(path, daemon->settings->data_dir, "incarnation") != 0)
        return clock_unix_ms();
    if (fs_read(path, sizeof(text), &old) == 0)
        number = strtoull(buf_text(&old), NULL, 10);
    buf_fini(&old);
    /* A folder that was emptied does not begin at 1 again: the head would take it for the old one.
     */
    number = number + 1 > clock_unix_ms() ? number + 1 : clock_unix_ms();
    (void)snprintf(text, sizeof(text), "%" PRIu64 "\n", number);
    if (fs_write_atomic(path, 0600, text, strlen(text)) != 0) {
        log_line(LOG_WARNING, "incarnation", "cannot be written: %s", strerror(errno));
        return clock_unix_ms();
    }
    return number;
}

/* Trials of another head's are nobody's here: their numbers would be taken for this one's. */
static void foreign_end(struct daemon *daemon)
{
    char path[LIMIT_PATH_BYTES];
    char now[KEY_TEXT];
    struct buf before = {0};

    key_text(daemon->settings->head_key, now);
    if (fs_join(path, daemon->settings->data_dir, "head") != 0)
        return;
    if (fs_read(path, KEY_TEXT, &before) == 0 && strcmp(buf_text(&before), now) != 0) {
        log_line(LOG_WARNING, "head-other", "this folder was used with another head before");
        for (struct executor *executor = executors_first(daemon->executors); executor != NULL;
             executor = executor_next(executor)) {
            executor_release(executor);
            executor_signal(executor, SIGKILL);
        }
    }
    if (!span_is(buf_span(&before), now) && fs_write_atomic(path, 0600, now, strlen(now)) != 0)
        log_line(LOG_WARNING, "head-other", "the head cannot be noted: %s", strerror(errno));
    buf_fini(&before);
}

/* `assay run` has ended before this process could ask to be told: nobody reads what it says. */
static bool parent_is_gone(const struct settings *settings)
{
    struct pollfd end = {.fd = settings->ready_fd};

    if (settings->ready_fd < 0)
        return getppid() == 1;
    return poll(&end, 1, 0) > 0 && (end.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
}

static void descriptors_raise(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* then it stays as it was */
    }
}

static int process_prepare(struct daemon *daemon)
{
    static const int watched[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, 0};
    char path[LIMIT_PATH_BYTES];

    (void)signal(SIGPIPE, SIG_IGN);
    descriptors_raise();
    if (daemon->settings->private_cluster &&
        (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || parent_is_gone(daemon->settings)))
        return refuse("assay worker", "whoever started it is gone", NULL);
    if (fs_join(path, daemon->settings->data_dir, "lock") != 0)
        return refuse("--data-dir", "the path is too long", NULL);
    daemon->lock = fs_lock(path);
    if (daemon->lock == ERR_AGAIN) {
        log_error_for_people(daemon->settings->data_dir, "another worker runs with this folder",
                             "--name NAME or --data-dir DIR, for a second one on this machine");
        return EXIT_USAGE;
    }
    if (daemon->lock < 0)
        return refuse(path, strerror(errno), "another --data-dir");
    daemon->signals = sig_open(watched);
    if (daemon->signals < 0)
        return refuse("signals", strerror(errno), NULL);
    if (home_of_programs(daemon->bin_dir) != 0)
        return refuse("/proc/self/exe", "cannot be read", "a system with /proc mounted");
    return 0;
}

static int parts_make(struct daemon *daemon)
{
    const struct settings *settings = daemon->settings;
    struct msg_register registers;
    struct executors_parts parts;

    daemon->context = link_context_new(1);
    if (daemon->context == NULL)
        return refuse("libzmq", strerror(errno), NULL);
    daemon->agent = agent_new(&settings->capacity, settings->gpus.count);
    daemon->ends = ends_new();
    daemon->blobs = blob_cache_open(settings->data_dir);
    if (daemon->blobs == NULL)
        return refuse(settings->data_dir, strerror(errno), "another --data-dir");
    parts = (struct executors_parts){
        .data_dir = settings->data_dir,
        .bin_dir = daemon->bin_dir,
        .blobs = daemon->blobs,
        .shares_results = settings->shares_results,
        .calls = {daemon, act_frame, act_gone, act_left, act_refused},
    };
    daemon->executors = executors_new(&parts);
    if (daemon->executors == NULL)
        return refuse(settings->data_dir, strerror(errno), "another --data-dir");
    foreign_end(daemon);
    (void)gethostname(daemon->hostname, sizeof(daemon->hostname) - 1);
    registers = (struct msg_register){
        .version = span_text(ASSAY_VERSION),
        .name = span_text(settings->name),
        .hostname = span_text(daemon->hostname),
        .pid = getpid(),
        .incarnation = incarnation_next(daemon),
        .capacity = settings->capacity,
        .gpus = settings->gpus.count,
        .shares_results = settings->shares_results,
    };
    daemon->link = link_head_new(daemon->context, settings, &registers);
    return 0;
}

static void daemon_close(struct daemon *daemon)
{
    link_head_free(daemon->link);
    executors_free(daemon->executors);
    blob_cache_close(daemon->blobs);
    ends_free(daemon->ends);
    agent_free(daemon->agent);
    link_context_free(daemon->context);
    arena_fini(&daemon->arena);
    buf_fini(&daemon->frame);
    buf_fini(&daemon->verdicts_frame);
    free(daemon->verdicts);
    if (daemon->ready_fd >= 0)
        (void)close(daemon->ready_fd);
    if (daemon->signals >= 0)
        (void)close(daemon->signals);
    if (daemon->lock >= 0)
        (void)close(daemon->lock);
}

/* ---- the loop ---- */

static void stop(struct daemon *daemon, int signal_number)
{
    uint64_t patience_ms = daemon->settings->private_cluster ? STOP_PRIVATE_MS : STOP_MS;

    if (daemon->stopping == 0) {
        log_line(LOG_INFO, "stopping", "this node leaves: its trials are ended signal=%d",
                 signal_number);
        daemon->stopping = signal_number;
        daemon->stop_ms = daemon->now_ms + patience_ms;
        return;
    }
    if (!daemon->killing) {
        daemon->killing = true;
        daemon->stop_ms = daemon->now_ms + KILL_MS;
    }
}

static void signals_take(struct daemon *daemon)
{
    int number;

    while ((number = sig_next(daemon->signals)) != 0) {
        if (number == SIGUSR1)
            dump_state(daemon);
        else if (number == SIGUSR2)
            log_toggle_debug();
        else
            stop(daemon, number);
    }
}

/* End the executors. True when they are gone, or were waited for long enough. */
static bool stop_turn(struct daemon *daemon)
{
    bool there = false;

    if (!daemon->killing && daemon->now_ms >= daemon->stop_ms)
        stop(daemon, daemon->stopping);
    for (struct executor *executor = executors_first(daemon->executors); executor != NULL;
         executor = executor_next(executor)) {
        executor_stop(executor);
        if (daemon->killing)
            executor_signal(executor, SIGKILL);
        there = there || executor_is_there(executor);
    }
    return !there || (daemon->killing && daemon->now_ms >= daemon->stop_ms);
}

/* Executors say first what they have: a daemon before this one may have left them. */
static bool is_collected(const struct daemon *daemon)
{
    if (daemon->now_ms >= daemon->collect_ms + COLLECT_MS)
        return true;
    for (const struct executor *executor = executors_first(daemon->executors); executor != NULL;
         executor = executor_next(executor))
        if (executor_is_mute(executor))
            return false;
    return true;
}

static void ready_say(struct daemon *daemon)
{
    if (daemon->ready_fd < 0)
        return;
    if (fs_write_all(daemon->ready_fd, "ready\n", 6) != 0)
        log_line(LOG_WARNING, "ready-fd", "nobody reads it: %s", strerror(errno));
    (void)close(daemon->ready_fd);
    daemon->ready_fd = -1;
}

static void session_turn(struct daemon *daemon)
{
    enum head_state state = link_head_state(daemon->link);

    if (state != HEAD_COLLECT)
        daemon->collect_ms = 0;
    else if (daemon->collect_ms == 0)
        daemon->collect_ms = daemon->now_ms;
    if (state == HEAD_COLLECT && is_collected(daemon))
        act_ready(daemon);
    if (link_head_opened(daemon->link) == daemon->opened)
        return;
    daemon->opened = link_head_opened(daemon->link);
    ready_say(daemon);
    act_open(daemon);
}

static void messages_take(struct daemon *daemon)
{
    struct message message;
    struct span frame;

    for (uint32_t i = 0; i < MESSAGES_A_TURN; i++) {
        if (!link_head_next(daemon->link, daemon->now_ms, &message, &frame))
            return;
        /* What follows on the second REGISTERED is of the session that it opens. */
        session_turn(daemon);
        act_head(daemon, &message, frame);
    }
}

static void least(uint64_t *next_ms, uint64_t at_ms)
{
    if (at_ms < *next_ms)
        *next_ms = at_ms;
}

static long wait_ms(const struct daemon *daemon)
{
    uint64_t next_ms = link_head_next_ms(daemon->link);
    uint64_t now_ms = clock_ms();

    least(&next_ms, executors_next_ms(daemon->executors));
    least(&next_ms, act_next_ms(daemon));
    if (daemon->stopping != 0)
        least(&next_ms, daemon->stop_ms);
    if (daemon->collect_ms != 0)
        least(&next_ms, daemon->collect_ms + COLLECT_MS);
    if (next_ms <= now_ms)
        return 0;
    return next_ms - now_ms < WAIT_MOST_MS ? (long)(next_ms - now_ms) : WAIT_MOST_MS;
}

static void poll_all(struct daemon *daemon)
{
    zmq_pollitem_t items[LINK_HEAD_ITEMS + 3];
    int count = link_head_items(daemon->link, items);

    items[count++] = (zmq_pollitem_t){.fd = daemon->signals, .events = ZMQ_POLLIN};
    items[count++] = (zmq_pollitem_t){.fd = executors_fd(daemon->executors), .events = ZMQ_POLLIN};
    if (!executors_is_stalled(daemon->executors))
        items[count++] =
            (zmq_pollitem_t){.fd = executors_frames_fd(daemon->executors), .events = ZMQ_POLLIN};
    (void)zmq_poll(items, count, wait_ms(daemon)); /* -1: a signal, and everything is looked at */
}

static bool turn(struct daemon *daemon)
{
    poll_all(daemon);
    daemon->now_ms = clock_ms();
    signals_take(daemon);
    link_head_turn(daemon->link, daemon->now_ms);
    messages_take(daemon);
    executors_turn(daemon->executors, daemon->now_ms);
    if (executors_is_stalled(daemon->executors))
        executors_resume(daemon->executors);
    else
        executors_read(daemon->executors);
    session_turn(daemon);
    act_turn(daemon);
    return daemon->stopping == 0 || !stop_turn(daemon);
}

static int run(struct daemon *daemon)
{
    const struct trouble *trouble;
    int failed;

    log_line(LOG_INFO, "start", "worker %s, data in %s", daemon->settings->name,
             daemon->settings->data_dir);
    while (turn(daemon)) {
        failed = link_head_failed(daemon->link, &trouble);
        if (failed != 0 && daemon->stopping == 0) {
            log_error_for_people(trouble->what, trouble->why, trouble_mend_text(trouble));
            daemon->now_ms = clock_ms();
            stop(daemon, SIGTERM);
            if (stop_turn(daemon))
                break;
        }
    }
    link_head_leave(daemon->link, "the worker was told to end");
    failed = link_head_failed(daemon->link, &trouble);
    return failed != 0 ? failed : 128 + daemon->stopping;
}

int daemon_run(const struct settings *settings)
{
    struct daemon daemon = {
        .settings = settings, .lock = -1, .signals = -1, .ready_fd = settings->ready_fd};
    int status;

    daemon.now_ms = clock_ms();
    status = process_prepare(&daemon);
    if (status == 0)
        status = parts_make(&daemon);
    if (status == 0)
        status = run(&daemon);
    daemon_close(&daemon);
    return status;
}
