#include "worker/link_head.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/log.h"
#include "common/xalloc.h"
#include "proto/known.h"
#include "proto/link_watch.h"
#include "proto/roles.h"
#include "worker/enrol.h"
#include "worker/machine.h"

#define ASK_MS       1000u  /* between the same question and itself */
#define READY_MS     10000u /* after READY the head commits; then it is said again */
#define SILENT_MS    6000u  /* a head that says nothing for so long is lost */
#define OWN_PAUSE_MS 2000u  /* such a gap between two turns is this process's own */
#define BEAT_MS      1000u
#define JITTER_MS    200u   /* so that not all workers come back at once */
#define KNOCK_MS     300u   /* between attempts while nobody listens */
#define AGAIN_MS     1000u  /* after a connection that came to nothing */
#define JOIN_ANSWER  32768u /* bytes of the longest answer on the join plane */
#define EXIT_DENIED  4
#define EXIT_REFUSED 6
#define EXIT_OURS    70

struct link_head {
    void *context;                   /* borrowed */
    const struct settings *settings; /* borrowed */
    struct msg_register registers;
    char node_ip[ADDRESS_HOST];
    enum head_state state;
    void *socket;
    struct monitor *monitor;
    struct link_watch watch;
    struct address workers; /* the worker plane */
    uint64_t epoch;         /* the highest seen */
    uint32_t node;
    uint64_t opened;
    uint64_t requests; /* ids given so far */
    uint64_t asked;    /* the id of the question that is open */
    uint64_t ask_ms;   /* when to ask again */
    uint64_t beat_ms;
    uint64_t beat_every_ms;
    uint64_t heard_ms;
    uint64_t turned_ms;
    bool full;
    bool away_said;
    bool has_token;
    bool join_refused; /* once; an answer to an earlier JOIN may have been lost */
    struct token token;
    bool has_message;
    struct link_message message;
    struct arena arena;
    struct buf frame;
    int failed;
    const char *failed_what;
    struct fault fault;
};

const char *head_state_name(enum head_state state)
{
    static const char *const names[] = {
        [HEAD_AWAY] = "away",         [HEAD_HELLO] = "hello",     [HEAD_JOIN] = "join",
        [HEAD_REGISTER] = "register", [HEAD_COLLECT] = "collect", [HEAD_READYING] = "readying",
        [HEAD_OPEN] = "open",
    };

    return names[state];
}

struct link_head *link_head_new(void *context, const struct settings *settings,
                                const struct msg_register *registers)
{
    struct link_head *link = xcalloc(1, sizeof(*link));

    link->context = context;
    link->settings = settings;
    link->registers = *registers;
    link->node = UINT32_MAX;
    link->beat_every_ms = BEAT_MS;
    link->has_token = settings->has_token;
    link->token = settings->token;
    arena_init(&link->arena);
    buf_init(&link->frame);
    fault_init(&link->fault);
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
    fault_fini(&link->fault);
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

uint32_t link_head_node(const struct link_head *link)
{
    return link->node;
}

int link_head_failed(const struct link_head *link, const char **what, struct fault **fault)
{
    *what = link->failed_what;
    *fault = (struct fault *)&link->fault; /* for its texts' terminators */
    return link->failed;
}

static void fail(struct link_head *link, int status, const char *what, const char *why,
                 const char *mend)
{
    fault_set(&link->fault, NULL, why, mend);
    link->failed_what = what;
    link->failed = status;
}

/* ---- connecting ---- */

/* Begin anew with HELLO, after a while. */
static void go_away(struct link_head *link, uint64_t now_ms, uint64_t wait_ms)
{
    disconnect(link);
    link->state = HEAD_AWAY;
    link->ask_ms = now_ms + wait_ms;
}

static void lose(struct link_head *link, uint64_t now_ms, const char *why)
{
    if (link->opened > 0)
        log_line(LOG_WARNING, "head-lost", "the head is lost: %s; trials go on", why);
    go_away(link, now_ms, randombytes_uniform(JITTER_MS + 1));
}

static void connect_to(struct link_head *link, const struct address *address, size_t answer_bytes,
                       enum head_state state, uint64_t now_ms)
{
    struct fault fault;

    fault_init(&fault);
    disconnect(link);
    link_watch_init(&link->watch);
    if (link_connect(link->context, address, link->settings->head_key, &link->settings->keys,
                     answer_bytes, &link->socket, &link->monitor, &fault) == 0) {
        link->state = state;
        link->heard_ms = now_ms;
        link->ask_ms = now_ms;
    } else {
        log_line(LOG_ERROR, "connect", "%s", buf_text(&fault.why));
        go_away(link, now_ms, AGAIN_MS);
    }
    fault_fini(&fault);
}

static int send_message(struct link_head *link, enum msg_type type, uint64_t request,
                        const void *body)
{
    message_pack(type, request, body, &link->frame);
    return link_send_to_head(link->socket, buf_span(&link->frame));
}

/* The question of the state; where it does not get through, it is asked when the connection is up.
 */
static void ask(struct link_head *link, uint64_t now_ms)
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
    address_text(&link->settings->address, where);
    log_line(LOG_WARNING, "head-away", "nobody answers at %s; asking again until somebody does",
             where);
}

static void on_stranger(struct link_head *link, uint64_t now_ms)
{
    if (link->opened == 0) {
        fail(link, EXIT_DENIED, "head", "who answers at its address does not hold its key",
             "check --address; a head that was made anew needs a new token");
        return;
    }
    log_line(LOG_ERROR, "head-stranger", "who answers at the head's address does not hold its key");
    go_away(link, now_ms, 5 * AGAIN_MS);
}

static void watch_changed(struct link_head *link, uint64_t now_ms)
{
    log_line(LOG_DEBUG, "link", "state=%s connection=%d dead=%d", head_state_name(link->state),
             (int)link->watch.state, link->watch.dead);
    switch (link->watch.state) {
    case LINK_UP:
        link->heard_ms = now_ms;
        ask(link, now_ms);
        break;
    case LINK_NO_HEAD:
        /* On the worker plane its port may be another now; and libzmq would ask ever more rarely.
         */
        say_away(link);
        go_away(link, now_ms, KNOCK_MS + randombytes_uniform(JITTER_MS + 1));
        break;
    case LINK_STRANGER:
        on_stranger(link, now_ms);
        break;
    case LINK_REFUSED:
        /* It may have forgotten us; HELLO will tell. */
        go_away(link, now_ms, AGAIN_MS);
        break;
    case LINK_LOST:
        if (link->state > HEAD_JOIN)
            lose(link, now_ms, "the connection ended");
        break;
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
        if (link->watch.state != before)
            watch_changed(link, now_ms);
        else if (link->watch.dead)
            go_away(link, now_ms, AGAIN_MS);
    }
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
    if (link->state == HEAD_AWAY && now_ms >= link->ask_ms)
        connect_to(link, &link->settings->address, JOIN_ANSWER, HEAD_HELLO, now_ms);
    if (link->state == HEAD_READYING && now_ms >= link->ask_ms)
        link->state = HEAD_COLLECT;
    if (link->state >= HEAD_HELLO && link->state <= HEAD_REGISTER && now_ms >= link->ask_ms)
        ask(link, now_ms);
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

    if (link->state == HEAD_READYING && link->ask_ms < next_ms)
        next_ms = link->ask_ms;
    if (link->state > HEAD_JOIN && link->heard_ms + SILENT_MS + 1 < next_ms)
        next_ms = link->heard_ms + SILENT_MS + 1;
    return next_ms;
}

int link_head_items(const struct link_head *link, zmq_pollitem_t items[LINK_HEAD_ITEMS])
{
    if (link->socket == NULL)
        return 0;
    items[0] = (zmq_pollitem_t){.socket = link->socket,
                                .events = (short)(ZMQ_POLLIN | (link->full ? ZMQ_POLLOUT : 0))};
    items[1] = (zmq_pollitem_t){.socket = monitor_socket(link->monitor), .events = ZMQ_POLLIN};
    return LINK_HEAD_ITEMS;
}

/* ---- the head's own answers ---- */

/* The head does not know our key. */
static void enter(struct link_head *link, uint64_t now_ms)
{
    const struct settings *settings = link->settings;

    if (!link->has_token && settings->may_ask_token &&
        enrol_token(link->context, settings, &link->token) == 0)
        link->has_token = true;
    if (link->has_token) {
        link->state = HEAD_JOIN;
        ask(link, now_ms);
        return;
    }
    fail(link, EXIT_DENIED, "head", "it does not know this worker's key",
         "a token, once: assay token create --role worker, there; then here: --token-file F");
}

static void on_welcome(struct link_head *link, const struct msg_welcome *welcome, uint64_t now_ms)
{
    if (welcome->role == PRINCIPAL_NONE) {
        enter(link, now_ms);
        return;
    }
    if (welcome->role != PRINCIPAL_WORKER) {
        fail(link, EXIT_DENIED, "worker's key", "at this head it belongs to somebody else",
             "another --data-dir, so that the worker makes a key of its own");
        return;
    }
    if (welcome->worker_port == 0 || welcome->worker_port > UINT16_MAX)
        return;
    link->workers = link->settings->address;
    link->workers.port = (uint16_t)welcome->worker_port;
    connect_to(link, &link->workers, LIMIT_MESSAGE_BYTES, HEAD_REGISTER, now_ms);
}

static void on_joined(struct link_head *link, const struct msg_joined *joined, uint64_t now_ms)
{
    struct fault fault;

    if (joined->role != PRINCIPAL_WORKER) {
        fail(link, EXIT_DENIED, "token", "it is not for a worker",
             "assay token create --role worker");
        return;
    }
    link->has_token = false;
    token_fini(&link->token);
    fault_init(&fault);
    /* Without the pin only the next start is harder. */
    if (known_head_pin(&link->settings->address, link->settings->head_key, &fault) != 0)
        log_line(LOG_WARNING, "pin", "the head's key is not noted: %s", buf_text(&fault.why));
    fault_fini(&fault);
    log_line(LOG_INFO, "joined", "the head knows this worker now principal=%u", joined->principal);
    /* What is known of a key is what was known at the handshake: a new one. */
    go_away(link, now_ms, 0);
}

static void on_error(struct link_head *link, const struct message *message, uint64_t now_ms)
{
    const struct msg_error *error = message->body;
    char *mend;

    if (message->request != link->asked || link->state > HEAD_REGISTER)
        return;
    log_line(LOG_WARNING, "head-error", "%.*s: %.*s", SPAN(error->what), SPAN(error->why));
    /* Asked again where it is only busy. */
    if (error->code == ERROR_UNAVAILABLE || error->code == ERROR_BUSY || error->code == ERROR_LIMIT)
        return;
    if (link->state == HEAD_JOIN && !link->join_refused) {
        link->join_refused = true;
        go_away(link, now_ms, AGAIN_MS);
        return;
    }
    mend = error->mend.size > 0 ? arena_text(&link->arena, error->mend) : NULL;
    fail(link, error->code == ERROR_DENIED ? EXIT_DENIED : EXIT_REFUSED, "head",
         arena_printf(&link->arena, "%.*s: %.*s", SPAN(error->what), SPAN(error->why)), mend);
}

static void on_registered(struct link_head *link, const struct message *message, uint64_t now_ms)
{
    const struct msg_registered *registered = message->body;

    if (registered->epoch < link->epoch) {
        log_line(LOG_ERROR, "head-old", "a head of epoch %llu, after one of %llu: not followed",
                 (unsigned long long)registered->epoch, (unsigned long long)link->epoch);
        go_away(link, now_ms, 5 * AGAIN_MS);
        return;
    }
    link->epoch = registered->epoch;
    if (registered->heartbeat_ms >= 100)
        link->beat_every_ms = registered->heartbeat_ms;
    if (link->state == HEAD_REGISTER && message->request == link->asked) {
        link->state = HEAD_COLLECT;
        link->beat_ms = now_ms + link->beat_every_ms;
    } else if (link->state == HEAD_READYING && message->request == 0) {
        link->state = HEAD_OPEN;
        link->opened++;
        link->away_said = false;
        link->node = registered->node;
        log_line(LOG_INFO, "head-open", "the head has taken this node node=%u epoch=%llu",
                 link->node, (unsigned long long)link->epoch);
    }
}

/* Whether the message is the link's own affair. */
static bool take_own(struct link_head *link, const struct message *message, uint64_t now_ms)
{
    switch ((int)message->type) {
    case MSG_WELCOME:
        if (link->state == HEAD_HELLO)
            on_welcome(link, message->body, now_ms);
        return true;
    case MSG_JOINED:
        if (link->state == HEAD_JOIN)
            on_joined(link, message->body, now_ms);
        return true;
    case MSG_REGISTERED:
        on_registered(link, message, now_ms);
        return true;
    case MSG_HEARTBEAT:
        return true;
    case MSG_UNKNOWN:
        if (link->state > HEAD_REGISTER) {
            link->state = HEAD_REGISTER;
            ask(link, now_ms);
        }
        return true;
    case MSG_ERROR:
        if (link->state > HEAD_REGISTER)
            return false;
        on_error(link, message, now_ms);
        return true;
    default:
        return link->state != HEAD_OPEN;
    }
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
            fail(link, EXIT_REFUSED, "head", "it speaks another version of the protocol",
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
        else if (!take_own(link, message, now_ms))
            return true;
    }
}

/* ---- sending ---- */

void link_head_ready(struct link_head *link, uint64_t now_ms, const struct msg_ready *ready)
{
    assert(link->state == HEAD_COLLECT);
    if (send_message(link, MSG_READY, ++link->requests, ready) != 0)
        return; /* tried again by the caller: the state is the same */
    link->state = HEAD_READYING;
    link->ask_ms = now_ms + READY_MS;
}

int link_head_send(struct link_head *link, struct span frame)
{
    int err;

    if (link->state != HEAD_OPEN)
        return ERR_CLOSED;
    err = link_send_to_head(link->socket, frame);
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
