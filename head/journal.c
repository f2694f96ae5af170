#include "head/journal.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/deadlines.h"
#include "common/err.h"
#include "common/redis/store.h"
#include "common/sys/failpoint.h"
#include "common/sys/log.h"
#include "common/xalloc.h"
#include "head/store/stream.h"

#define STALLED_MS     2000u
#define ANSWER_MS      30000u /* without an answer for so long, the connection is made anew */
#define RETRY_FIRST_MS 1u
#define RETRY_MOST_MS  1000u
#define BOOT_BYTES     16u
#define WAIT_WORDS     "1000" /* ms that Redis waits for a replica before it says how many */

enum phase {
    PHASE_AWAY,      /* no connection: another try at retry_ms */
    PHASE_CHECKING,  /* asked for the top id */
    PHASE_READY,     /* nothing asked */
    PHASE_APPENDING, /* XADD sent */
    PHASE_ASKING,    /* asked whether our id is there, with our bytes */
    PHASE_TOUCHING,  /* a write, for PHASE_WAITING to wait for */
    PHASE_WAITING,   /* asked how many replicas have it */
    PHASE_HOLDING    /* refused: another try at retry_ms */
};

struct journal {
    struct store *store; /* owned */
    char name[STORE_NAME_BYTES + 1];
    char key_bytes[STORE_KEY_BYTES];
    struct span key;
    uint32_t replicas;
    bool plain_wait; /* a Redis that knows no WAITAOF */
    enum phase phase;
    struct log_id committed;
    bool in_flight;
    bool done;         /* committed, and not told yet */
    struct span bytes; /* borrowed: what is in flight */
    uint64_t since_ms; /* when it was handed in */
    uint64_t asked_ms; /* when Redis was last asked something */
    uint64_t retry_ms;
    uint64_t delay_ms;
    bool stall_told;
    bool trouble_told;
    int failure; /* 0, or what ended this head */
    char why[256];
};

uint64_t journal_epoch(const struct journal *journal)
{
    return journal->committed.epoch;
}

struct log_id journal_committed(const struct journal *journal)
{
    return journal->committed;
}

int journal_fd(const struct journal *journal)
{
    return store_fd(journal->store);
}

bool journal_wants_write(const struct journal *journal)
{
    return store_wants_write(journal->store);
}

bool journal_is_connected(const struct journal *journal)
{
    return store_is_open(journal->store) && journal->phase != PHASE_CHECKING;
}

bool journal_is_stalled(const struct journal *journal, uint64_t now_ms)
{
    return journal->in_flight && !journal->done && now_ms - journal->since_ms >= STALLED_MS;
}

const char *journal_why(const struct journal *journal)
{
    return journal->why;
}

void journal_free(struct journal *journal)
{
    if (journal == NULL)
        return;
    store_free(journal->store);
    free(journal);
}

int journal_open(const struct journal_config *config, uint64_t until_ms, struct journal **out,
                 struct trouble *trouble)
{
    struct journal *journal;
    unsigned char random[BOOT_BYTES];
    char boot[2 * BOOT_BYTES + 1];
    int err;

    if (!store_name_is_good(config->name))
        return trouble_set(trouble, ERR_MALFORMED, "cluster's name", NULL, "%.100s", config->name);
    if (sodium_init() < 0)
        return trouble_set(trouble, ERR_IO, "random numbers", NULL, "libsodium does not start");
    randombytes_buf(random, sizeof(random));
    (void)sodium_bin2hex(boot, sizeof(boot), random, sizeof(random));
    journal = xcalloc(1, sizeof(*journal));
    journal->store = store_new(config->address);
    journal->replicas = config->replicas;
    (void)snprintf(journal->name, sizeof(journal->name), "%s", config->name);
    journal->key = store_key(journal->key_bytes, journal->name, "log");
    err = stream_claim(journal->store, journal->name, config->who, boot, until_ms,
                       &journal->committed.epoch, trouble);
    journal->phase = PHASE_READY;
    if (err < 0)
        journal_free(journal);
    else
        *out = journal;
    return err;
}

/* Twice as long as the last time. */
static void delay(struct journal *journal, uint64_t now_ms)
{
    journal->delay_ms = journal->delay_ms == 0 ? RETRY_FIRST_MS : journal->delay_ms * 2;
    if (journal->delay_ms > RETRY_MOST_MS)
        journal->delay_ms = RETRY_MOST_MS;
    journal->retry_ms = now_ms + journal->delay_ms;
}

/* Say what is wrong: once, until it is well again. */
static void complain(struct journal *journal, const char *code, struct span why)
{
    (void)snprintf(journal->why, sizeof(journal->why), "%.*s", SPAN(why));
    if (!journal->trouble_told)
        log_line(LOG_WARNING, code, "the log takes nothing: %s", journal->why);
    journal->trouble_told = true;
}

static void is_well(struct journal *journal)
{
    if (journal->trouble_told)
        log_line(LOG_INFO, "log-back", "the log takes entries again");
    journal->trouble_told = false;
    journal->delay_ms = 0;
    journal->why[0] = '\0';
}

static void connection_lost(struct journal *journal, uint64_t now_ms, const char *why)
{
    complain(journal, "log-away", span_text(why));
    store_close(journal->store);
    journal->phase = PHASE_AWAY;
    delay(journal, now_ms);
}

static void fail(struct journal *journal, int err, const char *why)
{
    char id[LOG_ID_BYTES];

    (void)snprintf(journal->why, sizeof(journal->why), "%s", why);
    (void)log_id_print(journal->committed, id);
    log_line(LOG_ERROR, err == ERR_AMNESIA ? "amnesia" : "fenced", "%s: %s last_committed=%s",
             err == ERR_AMNESIA ? "AMNESIA" : "another head leads", journal->why, id);
    journal->failure = err;
    store_close(journal->store);
    journal->phase = PHASE_AWAY;
}

static struct log_id next_id(const struct journal *journal)
{
    return (struct log_id){journal->committed.epoch, journal->committed.n + 1};
}

/* NOMKSTREAM: a log that somebody has deleted is not begun anew behind our back. */
static void send_append(struct journal *journal, uint64_t now_ms)
{
    char id[LOG_ID_BYTES];

    store_send(journal->store, STORE_WORDS(span_text("XADD"), journal->key, span_text("NOMKSTREAM"),
                                           log_id_print(next_id(journal), id),
                                           span_text(STREAM_ENTRY), journal->bytes));
    journal->phase = PHASE_APPENDING;
    journal->asked_ms = now_ms;
}

static void send_check(struct journal *journal, uint64_t now_ms)
{
    stream_ask_top(journal->store, journal->key);
    journal->phase = PHASE_CHECKING;
    journal->asked_ms = now_ms;
}

static void send_wait(struct journal *journal, uint64_t now_ms)
{
    char replicas[16];

    (void)snprintf(replicas, sizeof(replicas), "%" PRIu32, journal->replicas);
    if (journal->plain_wait)
        store_send(journal->store,
                   STORE_WORDS(span_text("WAIT"), span_text(replicas), span_text(WAIT_WORDS)));
    else
        store_send(journal->store, STORE_WORDS(span_text("WAITAOF"), span_text("0"),
                                               span_text(replicas), span_text(WAIT_WORDS)));
    journal->phase = PHASE_WAITING;
    journal->asked_ms = now_ms;
}

/* WAIT counts from this connection's last write; a new connection has none yet. */
static void send_touch(struct journal *journal, uint64_t now_ms)
{
    char key[STORE_KEY_BYTES];
    char epoch[24];

    (void)snprintf(epoch, sizeof(epoch), "%" PRIu64, journal->committed.epoch);
    store_send(journal->store, STORE_WORDS(span_text("HSET"), store_key(key, journal->name, "head"),
                                           span_text("epoch"), span_text(epoch)));
    journal->phase = PHASE_TOUCHING;
    journal->asked_ms = now_ms;
}

static void committed(struct journal *journal)
{
    FAILPOINT("journal-committed");
    journal->committed.n++;
    journal->done = true;
    journal->phase = PHASE_READY;
    is_well(journal);
}

static void appended(struct journal *journal, uint64_t now_ms, const struct redisReply *reply)
{
    switch (reply->type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
        if (journal->replicas > 0)
            send_wait(journal, now_ms);
        else
            committed(journal);
        return;
    case REDIS_REPLY_NIL:
        fail(journal, ERR_AMNESIA, "the log is gone");
        return;
    default:
        break;
    }
    if (store_reply_is_error(reply, "WRONGTYPE")) {
        fail(journal, ERR_AMNESIA, "something else stands where the log was");
        return;
    }
    if (store_reply_is_error(reply, "READONLY")) { /* a failover: the address may lead elsewhere */
        connection_lost(journal, now_ms, reply->str);
        return;
    }
    if (store_reply_is_error(reply, "ERR") && strstr(reply->str, "ID specified in XADD") != NULL) {
        delay(journal, now_ms);
        send_check(journal, now_ms); /* what is at the top now? */
        return;
    }
    complain(journal, "log-refused", store_reply_text(reply));
    delay(journal, now_ms);
    journal->phase = PHASE_HOLDING;
}

/* The log's top is known. What stands in flight may have got there with its answer lost. */
static void top_known(struct journal *journal, uint64_t now_ms, struct log_id top)
{
    if (top.epoch > journal->committed.epoch) {
        fail(journal, ERR_FENCED, "a later epoch stands in the log");
    } else if (log_id_compare(top, journal->committed) < 0) {
        fail(journal, ERR_AMNESIA, "the log ends before what it acknowledged");
    } else if (log_id_compare(top, journal->committed) == 0) {
        journal->phase = journal->retry_ms > now_ms ? PHASE_HOLDING : PHASE_READY;
        if (!journal->in_flight || journal->done)
            is_well(journal);
        else if (journal->phase == PHASE_READY)
            send_append(journal, now_ms);
    } else if (journal->in_flight && log_id_compare(top, next_id(journal)) == 0) {
        stream_ask_range(journal->store, journal->key, top, top, 1);
        journal->phase = PHASE_ASKING;
        journal->asked_ms = now_ms;
    } else {
        fail(journal, ERR_FENCED, "somebody else appends with this epoch");
    }
}

static void checked(struct journal *journal, uint64_t now_ms, const struct redisReply *reply)
{
    struct log_id top;
    int err = stream_read_top(reply, &top);
    struct span why = store_reply_text(reply);
    char text[128];

    switch (err) {
    case 0:
        top_known(journal, now_ms, top);
        break;
    case ERR_NOT_FOUND:
        fail(journal, ERR_AMNESIA, "the log is gone");
        break;
    case ERR_MALFORMED:
        fail(journal, ERR_AMNESIA, "something else stands where the log was");
        break;
    default: /* it loads its data, or does not let us in: both may pass */
        (void)snprintf(text, sizeof(text), "%.*s", SPAN(why));
        connection_lost(journal, now_ms, text);
    }
}

static void asked(struct journal *journal, uint64_t now_ms, const struct redisReply *reply)
{
    struct stream_entry entry;

    if (store_reply_is_error(reply, NULL))
        connection_lost(journal, now_ms, reply->str);
    else if (stream_count(reply) == 0)
        fail(journal, ERR_AMNESIA, "an entry has been taken out of the log");
    else if (stream_read_entry(reply, 0, &entry) < 0 || entry.takeover ||
             !span_equal(entry.bytes, journal->bytes))
        fail(journal, ERR_FENCED, "somebody else appends with this epoch");
    else if (journal->replicas > 0)
        send_touch(journal, now_ms);
    else
        committed(journal);
}

static void waited(struct journal *journal, uint64_t now_ms, const struct redisReply *reply)
{
    const struct redisReply *count = reply;

    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2)
        count = reply->element[1]; /* WAITAOF: local, replicas */
    if (count->type == REDIS_REPLY_INTEGER && count->integer >= (long long)journal->replicas) {
        committed(journal);
        return;
    }
    if (store_reply_is_error(reply, "ERR") && !journal->plain_wait)
        journal->plain_wait = true;
    else if (store_reply_is_error(reply, NULL)) {
        connection_lost(journal, now_ms, reply->str);
        return;
    } else
        complain(journal, "log-replica", span_text("no replica has confirmed the last entry"));
    send_wait(journal, now_ms);
}

static void take_reply(struct journal *journal, uint64_t now_ms, const struct redisReply *reply)
{
    switch (journal->phase) {
    case PHASE_CHECKING:
        checked(journal, now_ms, reply);
        break;
    case PHASE_APPENDING:
        appended(journal, now_ms, reply);
        break;
    case PHASE_ASKING:
        asked(journal, now_ms, reply);
        break;
    case PHASE_TOUCHING:
        if (store_reply_is_error(reply, NULL))
            connection_lost(journal, now_ms, reply->str);
        else
            send_wait(journal, now_ms);
        break;
    case PHASE_WAITING:
        waited(journal, now_ms, reply);
        break;
    default:
        assert(!"an answer to nothing");
    }
}

/* Everything that has come; then everything that is to be said. */
static void exchange(struct journal *journal, uint64_t now_ms)
{
    struct redisReply *reply;
    int err = store_flush(journal->store);

    if (err == 0)
        err = store_read(journal->store);
    while (err == 0 && (err = store_next(journal->store, &reply)) == 0) {
        take_reply(journal, now_ms, reply);
        store_reply_free(reply);
        if (!store_is_open(journal->store))
            return; /* that answer was the end of this connection */
    }
    if (err == ERR_AGAIN)
        err = store_flush(journal->store);
    if (err < 0 && journal->phase != PHASE_AWAY)
        connection_lost(journal, now_ms, store_error(journal->store));
}

static bool is_asking(const struct journal *journal)
{
    return journal->phase != PHASE_AWAY && journal->phase != PHASE_READY &&
           journal->phase != PHASE_HOLDING;
}

static void start_due(struct journal *journal, uint64_t now_ms)
{
    if (journal->phase == PHASE_AWAY && now_ms >= journal->retry_ms) {
        if (store_open(journal->store) == 0)
            send_check(journal, now_ms);
        else
            connection_lost(journal, now_ms, store_error(journal->store));
    } else if (journal->phase == PHASE_HOLDING && now_ms >= journal->retry_ms) {
        if (journal->in_flight && !journal->done)
            send_append(journal, now_ms);
        else
            journal->phase = PHASE_READY;
    } else if (is_asking(journal) && now_ms - journal->asked_ms >= ANSWER_MS) {
        connection_lost(journal, now_ms, "Redis has not answered for 30 s");
    }
}

int journal_poll(struct journal *journal, uint64_t now_ms)
{
    if (journal->failure == 0)
        start_due(journal, now_ms);
    if (journal->failure == 0 && journal->phase != PHASE_AWAY)
        exchange(journal, now_ms);
    if (journal->failure < 0)
        return journal->failure;
    if (journal->done) {
        journal->done = false;
        journal->in_flight = false;
        return JOURNAL_COMMITTED;
    }
    if (journal_is_stalled(journal, now_ms) && !journal->stall_told) {
        journal->stall_told = true;
        if (journal->why[0] == '\0')
            complain(journal, "log-stalled", span_text("Redis has not answered for 2 s"));
    }
    return journal->in_flight ? JOURNAL_PENDING : JOURNAL_IDLE;
}

void journal_append(struct journal *journal, struct span bytes, uint64_t now_ms)
{
    assert(!journal->in_flight && bytes.size > 0);
    journal->in_flight = true;
    journal->stall_told = false;
    journal->bytes = bytes;
    journal->since_ms = now_ms;
    if (journal->failure < 0 || journal->phase != PHASE_READY)
        return; /* sent as soon as the log is there again */
    send_append(journal, now_ms);
    FAILPOINT("journal-append");
    if (store_flush(journal->store) < 0)
        connection_lost(journal, now_ms, store_error(journal->store));
    FAILPOINT("journal-sent");
}

uint64_t journal_deadline_ms(const struct journal *journal)
{
    uint64_t due_ms = DEADLINE_NEVER;

    if (journal->failure < 0 || journal->done)
        return 0;
    if (journal->phase == PHASE_AWAY || journal->phase == PHASE_HOLDING)
        due_ms = journal->retry_ms;
    else if (is_asking(journal))
        due_ms = journal->asked_ms + ANSWER_MS;
    if (journal->in_flight && !journal->stall_told && journal->since_ms + STALLED_MS < due_ms)
        due_ms = journal->since_ms + STALLED_MS;
    return due_ms;
}
