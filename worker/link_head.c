#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/failpoint.h"
#include "common/sys/log.h"
#include "common/xalloc.h"
#include "worker/link_head_inside.h"
#include "worker/machine.h"

#define ASK_MS         1000u  /* between the same question and itself */
#define READY_MS       10000u /* after READY the head commits; then it is said again */
#define SILENT_MS      6000u  /* a head that says nothing for so long is lost */
#define OWN_PAUSE_MS   2000u  /* such a gap between two turns is this process's own */
#define BEAT_MS        1000u
#define JITTER_MS      200u   /* so that not all workers come back at once */
#define KNOCK_MS       300u   /* between attempts while nobody listens */
#define FIND_MS        500u   /* the same, and as much again, where a Redis is asked */
#define FIND_ANSWER_MS 3000u  /* its answer may take */
#define MUTE_MS        3000u  /* who was found may say nothing, before Redis is asked again */
#define JOIN_ANSWER    32768u /* bytes of the longest answer on the join plane */

const char *head_state_name(enum head_state state)
{
    static const char *const names[] = {
        [HEAD_AWAY] = "away",         [HEAD_FIND] = "find",         [HEAD_HELLO] = "hello",
        [HEAD_JOIN] = "join",         [HEAD_REGISTER] = "register", [HEAD_COLLECT] = "collect",
        [HEAD_READYING] = "readying", [HEAD_OPEN] = "open",
    };

    return names[state];
}

struct link_head *link_head_new(void *context, const struct settings *settings,
                                const struct msg_register *registers)
{
    struct link_head *link = xcalloc(1, sizeof(*link));

    link->context = context;
    link->settings = settings;
    link->address = settings->address;
    link->registers = *registers;
    link->node = UINT32_MAX;
    link->beat_every_ms = BEAT_MS;
    link->has_token = settings->has_token;
    link->token = settings->token;
    arena_init(&link->arena);
    buf_init(&link->frame);
    return link;
}

static void message_drop(struct link_head *link)
{
    if (link->has_message)
        link_message_fini(&link->message);
    link->has_message = false;
}

static void disconnect(struct link_head *link)
{
    message_drop(link);
    if (link->settings->finder != NULL)
        finder_end(link->settings->finder);
    link_close(link->socket, link->monitor);
    link->socket = NULL;
    link->monitor = NULL;
    link->full = false;
}

void link_head_free(struct link_head *link)
{
    if (link == NULL)
        return;
    disconnect(link);
    token_fini(&link->token);
    arena_fini(&link->arena);
    buf_fini(&link->frame);
    free(link);
}

enum head_state link_head_state(const struct link_head *link)
{
    return link->state;
}

uint64_t link_head_opened(const struct link_head *link)
{
    return link->opened;
}

uint64_t link_head_epoch(const struct link_head *link)
{
    return link->epoch;
}

const char *link_head_checkpoints(const struct link_head *link)
{
    return link->checkpoints;
}

uint32_t link_head_node(const struct link_head *link)
{
    return link->node;
}

int link_head_failed(const struct link_head *link, const struct trouble **trouble)
{
    *trouble = &link->trouble;
    return link->failed;
}

void link_head_fail(struct link_head *link, int status, const char *what, const char *why,
                    const char *mend)
{
    link->failed = trouble_set(&link->trouble, status, what, mend, "%s", why);
}

/* ---- connecting ---- */

/* Begin anew with HELLO, after a while. */
void link_head_go_away(struct link_head *link, uint64_t now_ms, uint64_t wait_ms)
{
    disconnect(link);
    link->state = HEAD_AWAY;
    link->ask_ms = now_ms + wait_ms;
}

static void lose(struct link_head *link, uint64_t now_ms, const char *why)
{
    if (link->opened > 0)
        log_line(LOG_WARNING, "head-lost", "the head is lost: %s; trials go on", why);
    link_head_go_away(link, now_ms, randombytes_uniform(JITTER_MS + 1));
}

void link_head_connect(struct link_head *link, const struct address *address, size_t answer_bytes,
                       enum head_state state, uint64_t now_ms)
{
    struct trouble trouble;

    disconnect(link);
    link_watch_init(&link->watch);
    link->begun_ms = now_ms;
    if (link_connect(link->context, address, link->settings->head_key, &link->settings->keys,
                     answer_bytes, &link->socket, &link->monitor, &trouble) == 0) {
        link->state = state;
        link->heard_ms = now_ms;
        link->ask_ms = now_ms;
    } else {
        log_line(LOG_ERROR, "connect", "%s", trouble.why);
        link_head_go_away(link, now_ms, AGAIN_MS);
    }
}

static int send_message(struct link_head *link, enum msg_type type, uint64_t request,
                        const void *body)
{
    message_pack(type, request, body, &link->frame);
    return link_send_to_head(link->socket, buf_span(&link->frame));
}

/* The question of the state; where it does not get through, it is asked when the connection is up.
 */
void link_head_ask(struct link_head *link, uint64_t now_ms)
{
    struct msg_hello hello = {.version = span_text(ASSAY_VERSION)};
    struct msg_join join = {.token = span_of(link->token.id, TOKEN_ID_BYTES),
                            .secret = span_of(link->token.secret, TOKEN_SECRET_BYTES),
                            .name = span_text(link->settings->name)};

    link->ask_ms = now_ms + ASK_MS;
    link->asked = ++link->requests;
    switch (link->state) {
    case HEAD_HELLO:
        (void)send_message(link, MSG_HELLO, link->asked, &hello);
        break;
    case HEAD_JOIN:
        (void)send_message(link, MSG_JOIN, link->asked, &join);
        sodium_memzero(link->frame.data, link->frame.size);
        break;
    case HEAD_REGISTER:
        link->registers.node_ip = span_text(link->node_ip);
        (void)send_message(link, MSG_REGISTER, link->asked, &link->registers);
        break;
    default:
        break;
    }
}

/* ---- how the connection does ---- */

static void say_away(struct link_head *link)
{
    char where[ADDRESS_TEXT];

    if (link->away_said)
        return;
    link->away_said = true;
    address_text(&link->address, where);
    log_line(LOG_WARNING, "head-away", "nobody answers at %s; asking again until somebody does",
             where);
}

/* Until the next attempt while nobody listens; a Redis is not asked by all workers all the time. */
static uint64_t knock_ms(const struct link_head *link)
{
    if (link->settings->finder != NULL)
        return FIND_MS + randombytes_uniform(FIND_MS);
    return KNOCK_MS + randombytes_uniform(JITTER_MS + 1);
}

static void find_failed(struct link_head *link, uint64_t now_ms, const char *why)
{
    if (!link->away_said)
        log_line(LOG_WARNING, "head-away", "%s: %s; asking again until somebody leads there",
                 finder_cluster(link->settings->finder), why);
    link->away_said = true;
    link_head_go_away(link, now_ms, knock_ms(link));
}

/* Knock: where the head is, or first where a Redis says that it is now. */
static void knock(struct link_head *link, uint64_t now_ms)
{
    struct finder *finder = link->settings->finder;

    if (finder == NULL) {
        link_head_connect(link, &link->address, JOIN_ANSWER, HEAD_HELLO, now_ms);
        return;
    }
    link->state = HEAD_FIND;
    link->ask_ms = now_ms + FIND_ANSWER_MS;
    if (finder_begin(finder) != 0)
        find_failed(link, now_ms, finder_why(finder));
}

static void find(struct link_head *link, uint64_t now_ms)
{
    struct found_head found;
    int err = finder_take(link->settings->finder, &found);

    if (err == 0) {
        link->address = found.address;
        link_head_connect(link, &link->address, JOIN_ANSWER, HEAD_HELLO, now_ms);
    } else if (err != ERR_AGAIN) {
        find_failed(link, now_ms, finder_why(link->settings->finder));
    } else if (now_ms >= link->ask_ms) {
        find_failed(link, now_ms, "Redis does not answer");
    }
}

/* A handshake has come to nothing. */
static void on_failure(struct link_head *link, uint64_t now_ms)
{
    if (!link_watch_is_stranger(&link->watch, now_ms - link->begun_ms))
        return;
    if (link->opened == 0) {
        link_head_fail(link, EXIT_DENIED, "head",
                       "who answers at its address does not hold its key",
                       "check --address; a head that was made anew needs a new token");
        return;
    }
    log_line(LOG_ERROR, "head-stranger", "who answers at the head's address does not hold its key");
    link_head_go_away(link, now_ms, 5 * AGAIN_MS);
}

static void watch_changed(struct link_head *link, uint64_t now_ms)
{
    log_line(LOG_DEBUG, "link", "state=%s connection=%d dead=%d", head_state_name(link->state),
             (int)link->watch.state, link->watch.dead);
    switch (link->watch.state) {
    case LINK_UP:
        link->heard_ms = now_ms;
        link_head_ask(link, now_ms);
        break;
    case LINK_NO_HEAD:
        /* On the worker plane its port may be another now; and libzmq would ask ever more rarely.
         */
        say_away(link);
        link_head_go_away(link, now_ms, knock_ms(link));
        break;
    case LINK_REFUSED:
        /* It may have forgotten us; HELLO will tell. */
        link_head_go_away(link, now_ms, AGAIN_MS);
        break;
    case LINK_LOST:
        if (link->state > HEAD_JOIN)
            lose(link, now_ms, "the connection ended");
        break;
    case LINK_STRANGER: /* on_failure */
    case LINK_TRYING:
        break;
    }
}

static void watch_update(struct link_head *link, uint64_t now_ms)
{
    struct monitor_event event;

    while (link->monitor != NULL && monitor_next(link->monitor, &event)) {
        enum link_state before = link->watch.state;

        link_watch_event(&link->watch, &event);
        if (event.kind == MONITOR_CONNECTED)
            machine_ip(event.address, link->node_ip);
        if (event.kind == MONITOR_FAILED)
            on_failure(link, now_ms);
        else if (link->watch.state != before)
            watch_changed(link, now_ms);
        else if (link->watch.dead)
            link_head_go_away(link, now_ms, AGAIN_MS);
    }
}

/* Whoever found no room may not come again soon, and the poll is not to spin meanwhile. */
static void full_update(struct link_head *link)
{
    int events;
    size_t size = sizeof(events);

    if (link->full && zmq_getsockopt(link->socket, ZMQ_EVENTS, &events, &size) == 0 &&
        (events & ZMQ_POLLOUT) != 0)
        link->full = false;
}

void link_head_turn(struct link_head *link, uint64_t now_ms)
{
    struct msg_heartbeat beat = {.committing = true};

    if (link->failed != 0)
        return;
    if (link->turned_ms > 0 && now_ms - link->turned_ms > OWN_PAUSE_MS)
        link->heard_ms = now_ms;
    link->turned_ms = now_ms;
    watch_update(link, now_ms);
    full_update(link);
    if (link->state == HEAD_FIND)
        find(link, now_ms);
    if (link->state == HEAD_AWAY && now_ms >= link->ask_ms)
        knock(link, now_ms);
    /* Who was found may have been stopped, and another one lead by now. */
    if (link->settings->finder != NULL && (link->state == HEAD_HELLO || link->state == HEAD_JOIN) &&
        now_ms > link->heard_ms + MUTE_MS)
        link_head_go_away(link, now_ms, knock_ms(link));
    if (link->state == HEAD_READYING && now_ms >= link->ask_ms)
        link->state = HEAD_COLLECT;
    if (link->state >= HEAD_HELLO && link->state <= HEAD_REGISTER && now_ms >= link->ask_ms)
        link_head_ask(link, now_ms);
    if (link->state >= HEAD_COLLECT && now_ms >= link->beat_ms) {
        link->beat_ms = now_ms + link->beat_every_ms;
        (void)send_message(link, MSG_HEARTBEAT, 0, &beat); /* the next one follows in a second */
    }
    if (link->state > HEAD_JOIN && now_ms > link->heard_ms + SILENT_MS)
        lose(link, now_ms, "it was not heard of for 6 s");
}

uint64_t link_head_next_ms(const struct link_head *link)
{
    uint64_t next_ms = link->state >= HEAD_COLLECT ? link->beat_ms : link->ask_ms;

    if (link->failed != 0)
        return UINT64_MAX;
    if (link->state == HEAD_READYING && link->ask_ms < next_ms)
        next_ms = link->ask_ms;
    if (link->state > HEAD_JOIN && link->heard_ms + SILENT_MS + 1 < next_ms)
        next_ms = link->heard_ms + SILENT_MS + 1;
    return next_ms;
}

int link_head_items(const struct link_head *link, zmq_pollitem_t items[LINK_HEAD_ITEMS])
{
    if (link->state == HEAD_FIND) {
        const struct finder *finder = link->settings->finder;

        items[0] = (zmq_pollitem_t){.fd = finder_fd(finder), .events = ZMQ_POLLIN};
        if (finder_wants_write(finder))
            items[0].events |= ZMQ_POLLOUT;
        return finder_fd(finder) >= 0 ? 1 : 0;
    }
    if (link->socket == NULL)
        return 0;
    items[0] = (zmq_pollitem_t){.socket = link->socket,
                                .events = (short)(ZMQ_POLLIN | (link->full ? ZMQ_POLLOUT : 0))};
    items[1] = (zmq_pollitem_t){.socket = monitor_socket(link->monitor), .events = ZMQ_POLLIN};
    return LINK_HEAD_ITEMS;
}

bool link_head_next(struct link_head *link, uint64_t now_ms, struct message *message,
                    struct span *frame)
{
    struct schema_error error;
    int err;

    for (;;) {
        message_drop(link);
        if (link->socket == NULL || link->failed != 0)
            return false;
        err = link_receive(link->socket, &link->message);
        if (err == ERR_AGAIN || err == ERR_CLOSED)
            return false;
        link->has_message = true;
        link->heard_ms = now_ms;
        if (err != 0)
            continue;
        arena_reset(&link->arena);
        *frame = link_message_body(&link->message);
        err = message_unpack(*frame, &link->arena, message, &error);
        if (err == ERR_VERSION) {
            link_head_fail(link, EXIT_REFUSED, "head", "it speaks another version of the protocol",
                           "the same version of assay on head and workers");
            return false;
        }
        if (err == 0)
            log_line(LOG_DEBUG, "link", "state=%s heard type=%d request=%llu",
                     head_state_name(link->state), (int)message->type,
                     (unsigned long long)message->request);
        if (err != 0)
            log_line(LOG_WARNING, "head-malformed", "a message that is none: %s: %s", error.field,
                     error.what);
        else if (!link_head_take(link, message, now_ms))
            return true;
    }
}

/* ---- sending ---- */

void link_head_ready(struct link_head *link, uint64_t now_ms, const struct msg_ready *ready)
{
    assert(link->state == HEAD_COLLECT);
    link->readied = ++link->requests;
    if (send_message(link, MSG_READY, link->readied, ready) != 0)
        return; /* tried again by the caller: the state is the same */
    FAILPOINT("ready-sent");
    link->state = HEAD_READYING;
    link->ask_ms = now_ms + READY_MS;
}

void link_head_register(struct link_head *link, uint64_t now_ms)
{
    if (link->failed != 0 || link->state < HEAD_READYING)
        return;
    link->state = HEAD_REGISTER;
    link_head_ask(link, now_ms);
}

int link_head_send(struct link_head *link, struct span frame)
{
    int err;

    if (link->state != HEAD_OPEN)
        return ERR_CLOSED;
    FAILPOINT("relay");
    err = link_send_to_head(link->socket, frame);
    FAILPOINT("relay-sent");
    link->full = err == ERR_AGAIN && link->watch.state == LINK_UP;
    return err;
}

bool link_head_is_full(const struct link_head *link)
{
    return link->full;
}

void link_head_leave(struct link_head *link, const char *reason)
{
    struct msg_leaving leaving = {.reason = span_text(reason)};

    if (link->state >= HEAD_COLLECT)
        (void)send_message(link, MSG_LEAVING, 0, &leaving);
}
