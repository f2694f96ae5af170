#include "client/live.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/callback.h"
#include "client/live_print.h"
#include "client/out.h"
#include "client/say.h"
#include "common/sys/clock.h"
#include "common/sys/sig.h"

#define STATUS_MS    5000u /* between two blocks */
#define REDRAW_MS    1000u /* where one is drawn over the other */
#define ROWS_MS      250u  /* between two looks at the trials, at most */
#define ROWS_FIRST   5u    /* and at first: it doubles */
#define HOLD_MS      2u    /* between two looks for the first node */
#define STOP_MS      200u  /* between two tries to stop */
#define LEAVE_MS     5000u /* for on_result to end after a Ctrl-C */
#define WAIT_MS      20000u
#define PENDING_MOST LIMIT_CHUNK_BYTES /* of lines that the callback has not read */
#define TICK_MS      100

/* One question at a time of each kind. */
enum question { ASK_ENDED, ASK_ROWS, ASK_STATUS, ASK_LINES, ASK_STOP, QUESTIONS };

struct live {
    const struct live_options *options;
    struct live_outcome *outcome;
    struct live_print *print;
    struct callback callback;
    bool has_callback;
    bool deaf;                /* it closed its input: it was said */
    uint64_t open[QUESTIONS]; /* request numbers; 0: not asked */
    uint64_t version;         /* of the rows that were seen */
    uint64_t cursor;          /* of the feed */
    uint64_t rows_ms;         /* when to look at the trials again */
    uint64_t rows_gap_ms;
    uint64_t status_ms;
    uint64_t hold_ms; /* until then the first block may wait for a node */
    uint64_t stop_ms; /* when to ask again for the stop that the head could not commit; 0: never */
    uint64_t now_ms;
    bool ended;     /* the experiment has */
    bool rows_done; /* and all its rows were seen */
    bool lines_done;
    bool last_asked; /* the last block is on its way */
    bool over;
    struct arena arena;
};

static void send(struct live *live, enum question question, enum msg_type type, const void *body,
                 uint32_t wait_ms)
{
    live->open[question] = connection_send(live->options->connection, type, body, wait_ms);
}

static bool may_ask(const struct live *live, enum question question)
{
    return live->open[question] == 0;
}

static void ask_status(struct live *live)
{
    const struct msg_status ask = {.experiment = live->options->experiment,
                                   .whole = live->rows_done};

    live->last_asked = live->rows_done;
    live->status_ms = live->now_ms + (live->options->redraw ? REDRAW_MS : STATUS_MS);
    send(live, ASK_STATUS, MSG_STATUS, &ask, 0);
}

static void ask_stop(struct live *live)
{
    const struct msg_stop stop = {.experiment = live->options->experiment, .trial = MSG_ALL};

    live->stop_ms = 0;
    send(live, ASK_STOP, MSG_STOP, &stop, 0);
}

/* Ask whatever it is time to ask. */
static void ask(struct live *live)
{
    const struct live_options *options = live->options;
    const struct msg_trials ended = {.experiment = options->experiment,
                                     .after_version = UINT64_MAX,
                                     .limit = 1,
                                     .wait_ms = WAIT_MS};
    const struct msg_trials rows = {.experiment = options->experiment,
                                    .after_version = live->version,
                                    .limit = LIMIT_ROWS_REPLY,
                                    .wait_ms = live->ended ? 0 : WAIT_MS};
    const struct msg_results lines = {.experiment = options->experiment,
                                      .trial = MSG_ALL,
                                      .cursor = live->cursor,
                                      .limit_bytes = LIMIT_CHUNK_BYTES,
                                      .wait_ms = WAIT_MS};
    bool shows = !options->quiet;

    if (shows && may_ask(live, ASK_STATUS) && !live->last_asked &&
        (live->now_ms >= live->status_ms || live->rows_done))
        ask_status(live);
    if (!live->ended && may_ask(live, ASK_ENDED))
        send(live, ASK_ENDED, MSG_TRIALS, &ended, ended.wait_ms);
    if (shows && !options->redraw && !live->rows_done && may_ask(live, ASK_ROWS) &&
        (live->now_ms >= live->rows_ms || live->ended))
        send(live, ASK_ROWS, MSG_TRIALS, &rows, rows.wait_ms);
    if (live->callback.fd >= 0 && !live->lines_done && may_ask(live, ASK_LINES) &&
        live->callback.pending.size < PENDING_MOST)
        send(live, ASK_LINES, MSG_RESULTS, &lines, lines.wait_ms);
    if (live->stop_ms != 0 && live->now_ms >= live->stop_ms && !live->ended)
        ask_stop(live);
}

static void on_rows(struct live *live, const struct msg_trial_rows *reply)
{
    const struct msg_trial_row *rows = reply->rows.items;

    for (uint32_t i = 0; i < reply->rows.count; i++)
        live_print_row(live->print, &rows[i], live->now_ms);
    live->version = reply->version;
    live->rows_ms = live->now_ms + (reply->more ? 0 : live->rows_gap_ms);
    live->rows_gap_ms = live->rows_gap_ms * 2 < ROWS_MS ? live->rows_gap_ms * 2 : ROWS_MS;
    live->rows_done = reply->ended && !reply->more;
}

static void on_lines(struct live *live, const struct msg_lines *reply)
{
    callback_add(&live->callback, reply->lines);
    live->cursor = reply->cursor;
    live->lines_done = reply->ended;
}

/* A private cluster's worker comes a moment after its head: a block without it would say that
 * nothing is known of the resources. */
static bool is_too_early(struct live *live, const struct msg_status_reply *reply)
{
    if (live->options->cluster == NULL || live->last_asked || reply->nodes > 0 ||
        live->now_ms >= live->hold_ms)
        return false;
    live->status_ms = live->now_ms + HOLD_MS;
    return true;
}

/* Ctrl-C counts even while the head cannot commit, or where all trials have just ended. */
static int on_refusal(struct live *live, enum question question, const struct msg_error *error)
{
    if (question != ASK_STOP)
        return say_refusal(error);
    if (error->code == ERROR_UNAVAILABLE)
        live->stop_ms = live->now_ms + STOP_MS;
    else if (!live->ended)
        return say_refusal(error);
    return 0;
}

static int on_answer(struct live *live, const struct message *message)
{
    enum question question = QUESTIONS;

    for (int i = 0; i < QUESTIONS; i++)
        if (live->open[i] == message->request)
            question = (enum question)i;
    if (question == QUESTIONS)
        return 0;
    live->open[question] = 0;
    if (message->type == MSG_ERROR)
        return on_refusal(live, question, message->body);
    if (question == ASK_ENDED && message->type == MSG_TRIAL_ROWS) {
        live->ended = ((const struct msg_trial_rows *)message->body)->ended;
        live->rows_done |= live->ended && (live->options->redraw || live->options->quiet);
    } else if (question == ASK_ROWS && message->type == MSG_TRIAL_ROWS) {
        on_rows(live, message->body);
    } else if (question == ASK_LINES && message->type == MSG_LINES) {
        on_lines(live, message->body);
    } else if (question == ASK_STATUS && message->type == MSG_STATUS_REPLY &&
               !is_too_early(live, message->body)) {
        live->hold_ms = 0;
        live_print_status(live->print, message->body);
        live->over |= live->last_asked;
    }
    return 0;
}

static int answers(struct live *live)
{
    struct message message;
    int rc = 0;

    while (rc == 0 && connection_take(live->options->connection, &live->arena, &message)) {
        rc = on_answer(live, &message);
        arena_reset(&live->arena);
    }
    return rc;
}

/* True where there is nothing more to show. */
static bool interrupted(struct live *live, int number)
{
    if (live->outcome->signal != 0) {
        live->outcome->killed = true;
        return true;
    }
    live->outcome->signal = number;
    if (!live->options->stops)
        return true;
    live_print_stopping(live->print);
    ask_stop(live);
    return false;
}

static bool look_at_signals(struct live *live)
{
    int number;

    while (live->options->signals >= 0 && (number = sig_next(live->options->signals)) != 0)
        if (interrupted(live, number))
            return true;
    return false;
}

static void feed_callback(struct live *live)
{
    if (!live->has_callback || live->deaf || callback_write(&live->callback))
        return;
    live->deaf = true;
    (void)say(EXIT_TRIALS_FAILED, "on_result", "let it read to the end of its input",
              "it reads no more results; the experiment goes on");
}

enum { POLL_SIGNALS = CONNECTION_ITEMS, POLL_CALLBACK, POLL_HEAD, POLL_WORKER, POLL_COUNT };

/* Until the next question is due; a tick at most, as connections want to be looked at. */
static long wait_ms(const struct live *live)
{
    uint64_t until = live->now_ms + TICK_MS;
    uint64_t now = clock_ms();

    if (!live->rows_done && may_ask(live, ASK_ROWS) && live->rows_ms < until)
        until = live->rows_ms;
    if (!live->last_asked && may_ask(live, ASK_STATUS) && live->status_ms < until)
        until = live->status_ms;
    if (live->options->quiet || live->options->redraw)
        until = live->now_ms + TICK_MS;
    return until > now ? (long)(until - now) : 0;
}

static int wait_for_something(struct live *live)
{
    zmq_pollitem_t items[POLL_COUNT];
    int fds[2] = {-1, -1};
    int count = 0;

    connection_items(live->options->connection, items);
    count = CONNECTION_ITEMS;
    if (live->options->signals >= 0)
        items[count++] = (zmq_pollitem_t){.fd = live->options->signals, .events = ZMQ_POLLIN};
    if (live->callback.fd >= 0 && live->callback.pending.size > 0)
        items[count++] = (zmq_pollitem_t){.fd = live->callback.fd, .events = ZMQ_POLLOUT};
    if (live->options->cluster != NULL)
        private_cluster_fds(live->options->cluster, fds);
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            items[count++] = (zmq_pollitem_t){.fd = fds[i], .events = ZMQ_POLLIN};
    if (zmq_poll(items, count, wait_ms(live)) < 0 && errno != EINTR)
        return say_errno(EXIT_OURS, "poll", NULL);
    for (int i = CONNECTION_ITEMS; i < count; i++)
        if (items[i].revents != 0 && (items[i].fd == fds[0] || items[i].fd == fds[1]))
            return private_cluster_died(live->options->cluster);
    return 0;
}

static bool all_fed(const struct live *live)
{
    return live->callback.fd < 0 || (live->lines_done && live->callback.pending.size == 0);
}

static int show(struct live *live)
{
    const struct live_options *options = live->options;
    int rc = 0;

    while (rc == 0) {
        live->now_ms = clock_ms();
        if (options->until_ms != 0 && live->now_ms >= options->until_ms)
            return EXIT_TIMED_OUT;
        if (look_at_signals(live))
            return 0;
        rc = connection_pump(options->connection);
        if (rc == 0)
            rc = answers(live);
        feed_callback(live);
        if (rc != 0)
            break;
        live->outcome->ended = live->ended;
        if (all_fed(live) && (live->over || (options->quiet && live->ended)))
            return 0;
        ask(live);
        rc = connection_pump(options->connection); /* what was asked leaves now */
        if (rc == 0)
            rc = wait_for_something(live);
    }
    return rc;
}

/* Its input ends. It may take its time with what it has read; after a Ctrl-C, not for long. */
static int end_callback(struct live *live)
{
    struct callback *callback = &live->callback;
    struct pollfd waits[2] = {{.fd = callback->process.pidfd, .events = POLLIN},
                              {.fd = live->options->signals, .events = POLLIN}};
    bool hurry = live->outcome->signal != 0;
    uint64_t until = clock_ms() + LEAVE_MS;
    int number = 0;
    int status;

    callback_close(callback);
    while (number == 0 && (!hurry || clock_ms() < until)) {
        if (poll(waits, 2, hurry ? TICK_MS : -1) > 0 && waits[0].revents != 0)
            break;
        number = live->options->signals >= 0 ? sig_next(live->options->signals) : 0;
    }
    if (number != 0) {
        live->outcome->killed = hurry;
        live->outcome->signal = number;
    }
    if (waits[0].revents == 0)
        process_signal(&callback->process, SIGKILL);
    status = callback_finish(callback);
    if (status != 0 && live->outcome->signal == 0)
        (void)say(EXIT_TRIALS_FAILED, "on_result", "run it by hand on a trial's result.json",
                  "it ended with status %d", status);
    return status != 0 ? status : live->deaf ? -1 : 0;
}

int live_show(const struct live_options *options, struct live_outcome *outcome)
{
    struct live live = {
        .options = options, .outcome = outcome, .callback = {.fd = -1}, .rows_gap_ms = ROWS_FIRST};
    int rc = 0;

    *outcome = (struct live_outcome){0};
    live.hold_ms = clock_ms() + STATUS_MS;
    if (options->on_result != NULL) {
        rc = callback_start(options->on_result, options->folder, &live.callback);
        live.has_callback = rc == 0;
    }
    live.print = live_print_new(options->json, options->redraw);
    if (rc == 0)
        rc = show(&live);
    if (live.has_callback && (rc != 0 || outcome->killed))
        callback_kill(&live.callback);
    else if (live.has_callback)
        outcome->callback_status = end_callback(&live);
    live_print_free(live.print);
    arena_fini(&live.arena);
    return rc;
}
