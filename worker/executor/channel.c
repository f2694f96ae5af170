#include "worker/executor/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cursor.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/pack.h"
#include "common/unique.h"
#include "common/xalloc.h"
#include "worker/executor/attempt.h"
#include "worker/executor/executor.h"
#include "worker/executor/setup.h"
#include "worker/executor/tagged.h"
#include "worker/executor/transfer.h"

#define FRAME_BYTE  0xC1u
#define FRAME_HEAD  5u /* the byte and the length */
#define FRAME_MOST  (LIMIT_RESULT_BYTES + 64u)
#define ANSWER_MOST 65536u /* of answers that nobody reads; later ones are dropped */

static const struct cursor_limits frame_limits = {
    .depth = LIMIT_RESULT_DEPTH + 1,
    .items = FRAME_MOST,
    .text_bytes = LIMIT_RESULT_BYTES,
};

static void channel_ready(struct loop_source *source, uint32_t events);

struct channel *channel_new(struct executor *executor, int fd, struct attempt *attempt)
{
    struct channel *channel = xcalloc(1, sizeof(*channel));

    channel->source = (struct loop_source){.fd = fd, .ready = channel_ready};
    channel->executor = executor;
    channel->attempt = attempt;
    channel->from_gate = attempt == NULL;
    channel->mode = attempt == NULL ? CHANNEL_HELLO : CHANNEL_NEW;
    channel->go = -1;
    return channel;
}

/* Nobody may go on waiting to answer it. */
static void askers_forget(struct channel *channel)
{
    struct attempt *attempt = channel->attempt;

    if (attempt->asker == channel)
        attempt->asker = NULL;
    transfer_forget_asker(channel->executor, channel);
    for (struct held *held = attempt->held; held != NULL; held = held->next)
        if (held->asker == channel)
            held->asker = NULL;
}

static void list_remove(struct channel *channel)
{
    struct channel **link =
        channel->attempt != NULL ? &channel->attempt->channels : &channel->executor->gate.unknown;

    while (*link != NULL && *link != channel)
        link = &(*link)->next;
    if (*link == channel)
        *link = channel->next;
}

void channel_free(struct channel *channel)
{
    list_remove(channel);
    if (channel->attempt != NULL)
        askers_forget(channel);
    if (channel->from_gate)
        gate_forget(channel);
    (void)loop_set(&channel->executor->loop, &channel->source, 0);
    (void)close(channel->source.fd);
    buf_fini(&channel->in);
    buf_fini(&channel->out);
    free(channel);
}

void channel_listen(struct channel *channel, bool on)
{
    uint32_t events = (on ? EPOLLIN : 0u) | (channel->out.size > 0 ? EPOLLOUT : 0u);

    if (channel->ended)
        events = 0;
    (void)loop_set(&channel->executor->loop, &channel->source, events);
}

static bool channel_is_heard(const struct channel *channel)
{
    const struct attempt *attempt = channel->attempt;

    return attempt == NULL || (!attempt->stalled && attempt->state != ATTEMPT_STARTING);
}

/* Write what waits; what does not go waits on. A program that reads nothing loses answers, not us.
 */
static void out_flush(struct channel *channel)
{
    while (channel->out.size > 0) {
        ssize_t wrote = send(channel->source.fd, channel->out.data, channel->out.size,
                             MSG_NOSIGNAL | MSG_DONTWAIT);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0 && errno != EAGAIN)
            buf_reset(&channel->out); /* it does not listen any more */
        if (wrote < 0)
            break;
        buf_consume(&channel->out, (size_t)wrote);
    }
    channel_listen(channel, channel_is_heard(channel));
}

static void text_send(struct channel *channel, const char *line)
{
    if (channel->out.size + strlen(line) > ANSWER_MOST)
        return;
    buf_append_text(&channel->out, line);
    out_flush(channel);
}

/* ["kind"] or ["kind", number] */
static void frame_send(struct channel *channel, const char *kind, const int64_t *number)
{
    struct buf frame = {0};
    uint8_t head[FRAME_HEAD] = {FRAME_BYTE};

    pack_list(&frame, number != NULL ? 2 : 1);
    pack_text(&frame, kind);
    if (number != NULL)
        pack_int(&frame, *number);
    head[1] = (uint8_t)frame.size; /* below 256 */
    buf_append(&channel->out, head, sizeof(head));
    buf_append_span(&channel->out, buf_span(&frame));
    buf_fini(&frame);
    out_flush(channel);
}

void channel_allow_from_start(struct channel *channel, int64_t go)
{
    channel->mode = CHANNEL_FRAMES;
    channel->go = go;
    channel->attempt->spoke = CHANNEL_FRAMES;
}

void channel_allow(struct channel *channel, int64_t more)
{
    int64_t go = more > INT64_MAX - channel->reports ? INT64_MAX : channel->reports + more;

    if (channel->mode != CHANNEL_FRAMES || channel->said_stop || channel->ended ||
        go <= channel->go || channel->out.size > ANSWER_MOST)
        return;
    channel->go = go;
    frame_send(channel, "go", &go);
}

void channel_say(struct channel *channel, const char *kind)
{
    if (channel->mode == CHANNEL_FRAMES && !channel->said_stop && !channel->ended)
        frame_send(channel, kind, NULL);
}

void channel_stop(struct channel *channel)
{
    if (channel->mode != CHANNEL_FRAMES || channel->said_stop || channel->ended)
        return;
    channel->said_stop = true;
    frame_send(channel, "stop", NULL);
}

void channel_leave(struct channel *channel)
{
    channel->said_end = false;
    if (!channel->ended)
        frame_send(channel, "leave", NULL);
}

void channel_hand_over(struct channel *channel)
{
    channel->ended = true;
    channel_listen(channel, false);
}

void channel_answer(struct channel *channel, bool go_on)
{
    if (channel->mode == CHANNEL_LINES && !channel->ended)
        text_send(channel, go_on ? "{\"action\": \"continue\"}\n" : "{\"action\": \"stop\"}\n");
}

/* A report as JSON in a text. */
static void json_take(struct channel *channel, struct span item)
{
    struct executor *executor = channel->executor;
    struct cursor cursor;
    struct span text;
    const char *why = "no text";

    cursor_init(&cursor, item);
    arena_reset(&executor->scratch);
    if (!cursor_text(&cursor, &text) ||
        tagged_read(text, &executor->scratch, &executor->report, &why) < 0)
        attempt_misspoke(channel->attempt, "a report is none: %s", why);
    else
        attempt_report(channel->attempt, buf_span(&executor->report), NULL);
}

/* A report as packed bytes, which become a line of result.json as they are. */
static void packed_take(struct channel *channel, struct span item)
{
    struct executor *executor = channel->executor;

    arena_reset(&executor->scratch);
    if (unique_keys(item, &executor->scratch))
        attempt_report(channel->attempt, item, NULL);
    else
        attempt_misspoke(channel->attempt, "a report has a name twice in one map");
}

/* ["config", {map}, json], and how far it may go */
static void config_send(struct channel *channel)
{
    struct span config = channel->attempt->lease.config;
    struct buf frame = {0}, json = {0};
    struct cursor cursor;
    uint8_t head[FRAME_HEAD] = {FRAME_BYTE};

    if (channel->out.size > ANSWER_MOST) {
        attempt_misspoke(channel->attempt, "it says hello again and reads no answer");
        return;
    }
    cursor_init(&cursor, config);
    if (!json_write_packed(&cursor, &json))
        buf_append_text(&json, "{}"); /* it was read before: this does not happen */
    pack_list(&frame, 3);
    pack_text(&frame, "config");
    buf_append_span(&frame, config);
    pack_string(&frame, buf_span(&json));
    for (unsigned i = 0; i < 4; i++)
        head[1 + i] = (uint8_t)(frame.size >> (8 * i));
    buf_append(&channel->out, head, sizeof(head));
    buf_append_span(&channel->out, buf_span(&frame));
    buf_fini(&frame);
    buf_fini(&json);
    channel->go = -1; /* said again behind it */
    out_flush(channel);
    if (!channel->attempt->closed)
        channel_allow(channel, attempt_may_report(channel->attempt));
}

/* It can save: also what was asked for before it said so. */
static void saves_take(struct channel *channel)
{
    struct attempt *attempt = channel->attempt;

    attempt->saves = true;
    if (attempt->save_asked)
        channel_say(channel, "save");
}

/* The list of a frame. */
static void frame_take(struct channel *channel, struct span frame)
{
    struct attempt *attempt = channel->attempt;
    struct cursor cursor;
    struct span kind, item = {0};
    uint32_t count;
    bool fine = cursor_scan(frame, &frame_limits) == 0;

    cursor_init(&cursor, frame);
    fine = fine && cursor_list(&cursor, &count) && count >= 1 && cursor_text(&cursor, &kind) &&
           (count < 2 || cursor_skip(&cursor, &item));
    if (!fine || channel->said_end) {
        attempt_misspoke(attempt,
                         fine ? "it said more behind its end" : "it sent a frame that is none");
    } else if (span_is(kind, "report") && item.size > 0) {
        channel->reports++;
        packed_take(channel, item);
    } else if (span_is(kind, "error") && item.size > 0) {
        cursor_init(&cursor, item);
        if (cursor_text(&cursor, &kind) && !attempt->closed) {
            buf_reset(&attempt->text);
            buf_append_span(&attempt->text, kind);
            attempt->said_error = true;
        }
    } else if (span_is(kind, "saves")) {
        saves_take(channel);
    } else if (span_is(kind, "checkpoint") && item.size > 0) {
        cursor_init(&cursor, item);
        attempt->save_asked = false;
        arena_reset(&channel->executor->scratch);
        if (cursor_text(&cursor, &kind))
            attempt_checkpoint(attempt, kind, true, NULL);
        else
            attempt_misspoke(attempt, "its checkpoint has no name that a folder can have");
    } else if (span_is(kind, "end")) {
        channel->said_end = true;
    } else if (span_is(kind, "idle") && !channel->from_gate) {
        channel->said_end = true;
        attempt->offered = channel;
    } else if (span_is(kind, "report_json") && item.size > 0) {
        channel->reports++;
        json_take(channel, item);
    } else if (span_is(kind, "hello")) {
        config_send(channel);
    } else {
        attempt_misspoke(attempt, "it sent a frame of the kind \"%.*s\", which is not known",
                         (int)(kind.size > 40 ? 40 : kind.size), (const char *)kind.data);
    }
}

/* The next whole frame off the front of *rest; false where there is none. */
static bool frame_next(struct channel *channel, struct span *rest)
{
    const uint8_t *data = rest->data;
    uint32_t size;

    if (rest->size > 0 && data[0] != FRAME_BYTE) {
        attempt_misspoke(channel->attempt, "bytes between its frames");
        rest->size = 0;
        return false;
    }
    if (rest->size < FRAME_HEAD)
        return false;
    size = (uint32_t)data[1] | (uint32_t)data[2] << 8 | (uint32_t)data[3] << 16 |
           (uint32_t)data[4] << 24;
    if (size > FRAME_MOST) {
        attempt_misspoke(channel->attempt, "a report is over a limit (%u bytes)",
                         LIMIT_RESULT_BYTES);
        rest->size = 0;
        return false;
    }
    if (rest->size - FRAME_HEAD < size)
        return false;
    *rest = span_of(data + FRAME_HEAD + size, rest->size - FRAME_HEAD - size);
    frame_take(channel, span_of(data + FRAME_HEAD, size));
    return true;
}

static void line_take(struct channel *channel, struct span line)
{
    struct executor *executor = channel->executor;
    const char *why;

    if (channel->attempt->closed) {
        channel_answer(channel, false);
        return;
    }
    arena_reset(&executor->scratch);
    if (tagged_read(line, &executor->scratch, &executor->report, &why) < 0)
        attempt_misspoke(channel->attempt, "a line is no report: %s: %.*s", why,
                         (int)(line.size > 200 ? 200 : line.size), (const char *)line.data);
    else
        attempt_report(channel->attempt, buf_span(&executor->report), channel);
}

/* A connection says whose it is. False: nobody's who lives. */
static bool hello_take(struct channel *channel, struct span line)
{
    struct attempt *attempt = gate_find(channel->executor, line, channel->origin);

    if (attempt == NULL)
        return false;
    list_remove(channel);
    channel->attempt = attempt;
    channel->mode = CHANNEL_NEW;
    channel->next = attempt->channels;
    attempt->channels = channel;
    channel_listen(channel, channel_is_heard(channel));
    return true;
}

/* The next whole line off the front of *rest; false where there is none. */
static bool line_next(struct channel *channel, struct span *rest)
{
    const char *data = rest->data;
    const char *end = memchr(data, '\n', rest->size);
    struct span line;

    if (end == NULL && rest->size > LIMIT_LINE_BYTES) {
        channel->ended = channel->attempt == NULL;
        if (channel->attempt != NULL)
            attempt_misspoke(channel->attempt, "a report line is over %u bytes", LIMIT_LINE_BYTES);
        rest->size = 0; /* it may go on for as long as it lives */
    }
    if (end == NULL)
        return false;
    line = span_of(data, (size_t)(end - data));
    *rest = span_of(end + 1, rest->size - line.size - 1);
    if (line.size > 0 && data[line.size - 1] == '\r')
        line.size--;
    if (channel->mode == CHANNEL_HELLO)
        channel->ended = !hello_take(channel, line);
    else if (line.size > 0)
        line_take(channel, line);
    return !channel->ended;
}

static void mode_find(struct channel *channel, uint8_t first)
{
    struct attempt *attempt = channel->attempt;

    channel->mode = first == FRAME_BYTE ? CHANNEL_FRAMES : CHANNEL_LINES;
    if (channel->mode > attempt->spoke)
        attempt->spoke = channel->mode;
    if (attempt->closed)
        channel_stop(channel);
}

/* A forked child may speak before the zygote has said that there is one: START comes first. */
static bool is_taken_in(const struct channel *channel)
{
    return channel->attempt == NULL ||
           (channel->attempt->state != ATTEMPT_STARTING && !attempt_is_stalled(channel->attempt));
}

/* Nothing is taken any more, but a checkpoint of one that can, and that the process is idle. */
static bool is_deaf(const struct channel *channel)
{
    const struct attempt *attempt = channel->attempt;

    return attempt != NULL && attempt->closed && channel->mode == CHANNEL_FRAMES &&
           !attempt->saves && !channel->executor->setup->experiment.reuse;
}

/* Take in whole items while the attempt takes any. */
static void in_take(struct channel *channel)
{
    struct span rest = buf_span(&channel->in);
    bool more = true;

    while (more && rest.size > 0) {
        if (!is_taken_in(channel))
            break;
        if (channel->mode == CHANNEL_NEW)
            mode_find(channel, *(const uint8_t *)rest.data);
        if (is_deaf(channel)) {
            rest.size = 0;
            break;
        }
        more = channel->mode == CHANNEL_FRAMES ? frame_next(channel, &rest)
                                               : line_next(channel, &rest);
    }
    buf_consume(&channel->in, channel->in.size - rest.size);
}

bool channel_read(struct channel *channel)
{
    ssize_t got;

    in_take(channel);
    if (channel->ended || !is_taken_in(channel))
        return false;
    do {
        got = recv(channel->source.fd, buf_reserve(&channel->in, EXECUTOR_READ), EXECUTOR_READ,
                   MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN)
        return false;
    if (got <= 0) {
        channel->ended = true;
        (void)loop_set(&channel->executor->loop, &channel->source, 0);
        if (channel->from_gate)
            channel_free(channel);
        return false;
    }
    channel->in.size += (size_t)got;
    channel->received += (uint64_t)got;
    in_take(channel);
    return true;
}

static void channel_ready(struct loop_source *source, uint32_t events)
{
    struct channel *channel = (struct channel *)source;
    struct attempt *attempt = channel->attempt;

    if ((events & EPOLLOUT) != 0)
        out_flush(channel);
    if ((events & ~(uint32_t)EPOLLOUT) == 0 || (attempt != NULL && attempt_had_its_turn(attempt)))
        return;
    if (channel_read(channel)) {
        attempt = channel->attempt;
        if (channel->ended)
            channel_free(channel); /* it named nobody who lives */
    }
    if (attempt == NULL)
        return;
    attempt_allow(attempt);
    attempt_settle(attempt);
}
