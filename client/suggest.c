#include "client/suggest.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "client/out.h"
#include "client/say.h"
#include "client/suggest_line.h"
#include "common/limits.h"
#include "common/sys/clock.h"
#include "common/sys/sig.h"

#define READ_BYTES 65536u
#define WAIT_MS    20000u
#define ROWS_MS    50u  /* between two looks at the trials */
#define AGAIN_MS   200u /* until what the head could not take is sent again */
#define TICK_MS    100

/* One at a time of each kind. */
enum question { ASK_WANT, ASK_ROWS, ASK_NEWS, ASK_SUGGEST, QUESTIONS };

struct talk {
    struct connection *connection;
    uint32_t experiment;
    const struct msg_show_reply *of;
    int signals;
    uint64_t open[QUESTIONS]; /* request numbers; 0: not asked */
    uint64_t now_ms;

    struct buf in;
    bool in_ended;
    bool too_long; /* the rest of a line that was answered is still to come */

    struct msg_suggest suggest; /* number 0: none is on its way */
    struct buf config;          /* of it */
    uint64_t again_ms;          /* when it is sent again; 0: it is at the head */

    uint64_t version;    /* of the rows that were seen */
    uint64_t rows_ms;    /* when to look at them again */
    uint32_t wanted;     /* said to be, when what has ended is told */
    bool waits_for_line; /* it was told that one is wanted */
    bool over;           /* none will be, as it has ended */
    bool ended;
    struct arena arena;
};

static void ask(struct talk *talk, enum question question, enum msg_type type, const void *body,
                uint32_t wait_ms)
{
    talk->open[question] = connection_send(talk->connection, type, body, wait_ms);
}

/* ---- what comes in ---- */

static void send_suggestion(struct talk *talk)
{
    talk->again_ms = 0;
    ask(talk, ASK_SUGGEST, MSG_SUGGEST, &talk->suggest, 0);
}

static void take_line(struct talk *talk, struct span line)
{
    char why[SUGGEST_WHY_BYTES] = "";

    talk->waits_for_line = false;
    buf_reset(&talk->config);
    if (!suggest_line_read(line, &talk->arena, &talk->config, why)) {
        suggest_line_error(why, "", false, &talk->arena);
        return;
    }
    talk->suggest =
        (struct msg_suggest){.experiment = talk->experiment, .config = buf_span(&talk->config)};
    while (talk->suggest.number == 0)
        randombytes_buf(&talk->suggest.number, sizeof(talk->suggest.number));
    send_suggestion(talk);
}

/* A line that is there, whole; at the end of input one may be whole without a newline. */
static bool next_line(struct talk *talk, struct span *line, size_t *size)
{
    const uint8_t *end = talk->in.size > 0 ? memchr(talk->in.data, '\n', talk->in.size) : NULL;

    if (end == NULL && !(talk->in_ended && talk->in.size > 0))
        return false;
    *line = span_of(talk->in.data, end != NULL ? (size_t)(end - talk->in.data) : talk->in.size);
    *size = line->size + (end != NULL);
    return true;
}

/* Of a line without end no more is kept than shows that it is too long. */
static void cut_line(struct talk *talk)
{
    if (talk->in.size <= LIMIT_DRIVE_BYTES || memchr(talk->in.data, '\n', talk->in.size) != NULL)
        return;
    if (!talk->too_long)
        take_line(talk, buf_span(&talk->in));
    talk->too_long = true;
    buf_reset(&talk->in);
}

static void take_lines(struct talk *talk)
{
    struct span line;
    size_t size;

    while (talk->suggest.number == 0 && next_line(talk, &line, &size)) {
        if (!talk->too_long)
            take_line(talk, line);
        talk->too_long = false;
        buf_consume(&talk->in, size);
        arena_reset(&talk->arena);
    }
    cut_line(talk);
}

static int read_more(struct talk *talk)
{
    ssize_t got = read(STDIN_FILENO, buf_reserve(&talk->in, READ_BYTES), READ_BYTES);

    if (got < 0)
        return errno == EINTR ? 0
                              : say_errno(EXIT_OURS, "standard input", "give it a pipe or a file");
    talk->in.size += (size_t)got;
    talk->in_ended = got == 0;
    return 0;
}

/* ---- the head's answers ---- */

static bool has_ended(const struct msg_trial_row *row)
{
    return span_is(row->state, "TERMINATED") || span_is(row->state, "ERROR");
}

/* Rows that were asked for twice at a time are told once. */
static void on_rows(struct talk *talk, enum question question, const struct msg_trial_rows *reply)
{
    const struct msg_trial_row *rows = reply->rows.items;

    for (uint32_t i = 0; i < reply->rows.count; i++)
        if (rows[i].version > talk->version && has_ended(&rows[i]))
            suggest_line_ended(&rows[i], talk->of->experiment.metric, &talk->arena);
    if (reply->version > talk->version)
        talk->version = reply->version;
    if (question == ASK_ROWS)
        talk->rows_ms = talk->now_ms + (reply->more ? 0 : ROWS_MS);
    if (reply->more)
        return;
    talk->ended = reply->ended;
    if (question != ASK_NEWS || talk->ended)
        return;
    suggest_line_want(talk->wanted, &talk->arena);
    talk->wanted = 0;
    talk->waits_for_line = true;
}

static void on_wanted(struct talk *talk, const struct msg_wanted *reply)
{
    talk->over = reply->over;
    talk->wanted = reply->count;
}

/* What is wrong with a suggestion is for the program; what is wrong with all of them ends it. */
static int on_suggest_refused(struct talk *talk, const struct msg_error *error)
{
    const char *why;

    if (error->code == ERROR_UNAVAILABLE || error->code == ERROR_LIMIT) {
        talk->again_ms = talk->now_ms + AGAIN_MS;
        return 0;
    }
    if (error->code == ERROR_DENIED || error->code == ERROR_NOT_FOUND)
        return say_refusal(error);
    talk->suggest.number = 0;
    why = arena_printf(&talk->arena, "%.*s: %.*s", SPAN(error->what), SPAN(error->why));
    suggest_line_error(why, arena_text(&talk->arena, error->mend), error->code == ERROR_BUSY,
                       &talk->arena);
    return 0;
}

static int on_answer(struct talk *talk, const struct message *message)
{
    enum question question = ASK_WANT;

    while (question < QUESTIONS && talk->open[question] != message->request)
        question++;
    if (question == QUESTIONS)
        return 0;
    talk->open[question] = 0;
    if (message->type == MSG_ERROR && question == ASK_SUGGEST)
        return on_suggest_refused(talk, message->body);
    if (message->type == MSG_ERROR)
        return say_refusal(message->body);
    if (message->type == MSG_WANTED)
        on_wanted(talk, message->body);
    else if (message->type == MSG_TRIAL_ROWS)
        on_rows(talk, question, message->body);
    else if (message->type == MSG_SUGGESTED) {
        talk->suggest.number = 0;
        suggest_line_taken(((const struct msg_suggested *)message->body)->trial, &talk->arena);
    }
    return 0;
}

static int take_answers(struct talk *talk)
{
    struct message message;
    int rc = 0;

    while (rc == 0 && connection_take(talk->connection, &talk->arena, &message)) {
        rc = on_answer(talk, &message);
        arena_reset(&talk->arena);
    }
    return rc;
}

/* ---- the loop ---- */

static void ask_all(struct talk *talk)
{
    const struct msg_want want = {.experiment = talk->experiment, .wait_ms = WAIT_MS};
    const struct msg_trials news = {
        .experiment = talk->experiment, .after_version = talk->version, .limit = LIMIT_ROWS_REPLY};
    struct msg_trials rows = news;

    rows.wait_ms = WAIT_MS;
    if (talk->suggest.number != 0 && talk->again_ms != 0 && talk->now_ms >= talk->again_ms)
        send_suggestion(talk);
    if (talk->open[ASK_ROWS] == 0 && talk->now_ms >= talk->rows_ms)
        ask(talk, ASK_ROWS, MSG_TRIALS, &rows, rows.wait_ms);
    if (talk->wanted > 0 && talk->open[ASK_NEWS] == 0)
        ask(talk, ASK_NEWS, MSG_TRIALS, &news, 0);
    if (talk->open[ASK_WANT] == 0 && talk->wanted == 0 && !talk->waits_for_line && !talk->over &&
        talk->suggest.number == 0)
        ask(talk, ASK_WANT, MSG_WANT, &want, want.wait_ms);
}

/* Input is looked at when it is its turn. */
static int wait_for_something(struct talk *talk)
{
    enum { POLL_SIGNALS = CONNECTION_ITEMS, POLL_INPUT, POLL_COUNT };
    zmq_pollitem_t items[POLL_COUNT];
    bool reads = !talk->in_ended && talk->suggest.number == 0;
    uint64_t until = talk->now_ms + TICK_MS;

    if (talk->open[ASK_ROWS] == 0 && talk->rows_ms < until)
        until = talk->rows_ms;
    connection_items(talk->connection, items);
    items[POLL_SIGNALS] = (zmq_pollitem_t){.fd = talk->signals, .events = ZMQ_POLLIN};
    items[POLL_INPUT] = (zmq_pollitem_t){.fd = STDIN_FILENO, .events = ZMQ_POLLIN};
    if (zmq_poll(items, reads ? POLL_COUNT : POLL_INPUT,
                 until > talk->now_ms ? (long)(until - talk->now_ms) : 0) < 0)
        return errno == EINTR ? 0 : say_errno(EXIT_OURS, "poll", NULL);
    return reads && items[POLL_INPUT].revents != 0 ? read_more(talk) : 0;
}

static bool is_over(const struct talk *talk)
{
    bool no_more = talk->in_ended && talk->in.size == 0 && talk->suggest.number == 0;

    return talk->ended || no_more || out_failed();
}

static int talk_on(struct talk *talk)
{
    int rc = 0;

    while (rc == 0 && !is_over(talk)) {
        int number = sig_next(talk->signals);

        if (number != 0)
            return 128 + number;
        talk->now_ms = clock_ms();
        rc = connection_pump(talk->connection);
        if (rc == 0)
            rc = take_answers(talk);
        if (rc != 0 || talk->ended)
            break;
        take_lines(talk);
        out_push();
        ask_all(talk);
        rc = connection_pump(talk->connection); /* what was asked leaves now */
        if (rc == 0 && !is_over(talk))
            rc = wait_for_something(talk);
    }
    if (talk->ended)
        suggest_line_done(&talk->arena);
    return rc;
}

int suggest_talk(struct source *source, const struct msg_show_reply *of, int signals, bool *ended)
{
    struct talk talk = {
        .connection = source_connection(source),
        .experiment = of->experiment.experiment,
        .of = of,
        .signals = signals,
    };
    int rc;

    suggest_line_begin(of, &talk.arena);
    rc = talk_on(&talk);
    *ended = talk.ended;
    buf_fini(&talk.in);
    buf_fini(&talk.config);
    arena_fini(&talk.arena);
    return rc;
}
