#include <assert.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/deadlines.h"
#include "common/err.h"
#include "common/limits.h"
#include "common/redis/lead.h"
#include "common/redis/store.h"
#include "common/sys/clock.h"
#include "common/sys/failpoint.h"
#include "common/sys/log.h"
#include "common/xalloc.h"
#include "head/journal_inside.h"
#include "head/store/stream.h"

#define STALLED_MS     2000u
#define ANSWER_MS      30000u /* without an answer for so long, the connection is made anew */
#define RETRY_FIRST_MS 1u
#define RETRY_MOST_MS  1000u
#define BOOT_BYTES     16u
#define WAIT_WORDS     "1000" /* ms that Redis waits for a replica before it says how many */

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
    if (journal->beats && now_ms >= journal->sure_ms + LIMIT_LEAD_MS)
        return true;
    return journal->in_flight && !journal->done && now_ms - journal->since_ms >= STALLED_MS;
}

uint64_t journal_leads_until_ms(const struct journal *journal)
{
    if (!journal->beats)
        return DEADLINE_NEVER;
    return journal->failure < 0 ? 0 : journal->sure_ms + LIMIT_LEAD_MS;
}

void journal_doubt(struct journal *journal, uint64_t now_ms)
{
    journal->doubted = journal->beats;
    journal->doubted_ms = now_ms;
}

bool journal_is_doubted(const struct journal *journal)
{
    return journal->doubted && journal->phase != PHASE_AWAY && journal->phase != PHASE_HOLDING;
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
    journal->beats = config->beats;
    journal->committed.epoch = config->epoch;
    journal->sure_ms = clock_ms();
    err = stream_claim(journal->store, journal->name, config->who, boot, until_ms,
                       &journal->committed.epoch, trouble);
    journal->phase = PHASE_READY;
    if (err < 0)
        journal_free(journal);
    else
        *out = journal;
    return err;
}

void journal_delay(struct journal *journal, uint64_t now_ms)
{
    journal->delay_ms = journal->delay_ms == 0 ? RETRY_FIRST_MS : journal->delay_ms * 2;
    if (journal->delay_ms > RETRY_MOST_MS)
        journal->delay_ms = RETRY_MOST_MS;
    journal->retry_ms = now_ms + journal->delay_ms;
}

void journal_complain(struct journal *journal, const char *code, struct span why)
{
    (void)snprintf(journal->why, sizeof(journal->why), "%.*s", SPAN(why));
    if (!journal->trouble_told)
        log_line(LOG_WARNING, code, "the log takes nothing: %s", journal->why);
    journal->trouble_told = true;
}

void journal_is_well(struct journal *journal)
{
    if (journal->trouble_told)
        log_line(LOG_INFO, "log-back", "the log takes entries again");
    journal->trouble_told = false;
    journal->delay_ms = 0;
    journal->why[0] = '\0';
}

void journal_lost(struct journal *journal, uint64_t now_ms, const char *why)
{
    journal_complain(journal, "log-away", span_text(why));
    store_close(journal->store);
    journal->short_of_replicas = false;
    journal->phase = PHASE_AWAY;
    journal_delay(journal, now_ms);
}

void journal_fail(struct journal *journal, int err, const char *why)
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

struct log_id journal_next_id(const struct journal *journal)
{
    return (struct log_id){journal->committed.epoch, journal->committed.n + 1};
}

/* NOMKSTREAM: a log that somebody has deleted is not begun anew behind our back. */
void journal_send_append(struct journal *journal, uint64_t now_ms)
{
    char id[LOG_ID_BYTES];

    store_send(journal->store, STORE_WORDS(span_text("XADD"), journal->key, span_text("NOMKSTREAM"),
                                           log_id_print(journal_next_id(journal), id),
                                           span_text(STREAM_ENTRY), journal->bytes));
    journal->phase = PHASE_APPENDING;
    journal->asked_ms = now_ms;
    journal->said_ms = now_ms;
}

void journal_send_check(struct journal *journal, uint64_t now_ms)
{
    stream_ask_top(journal->store, journal->key);
    journal->phase = PHASE_CHECKING;
    journal->asked_ms = now_ms;
    journal->said_ms = now_ms;
}

/* Whether another head has taken over. A log of which nobody took a look would be believed in for
 * ever by a head that has nothing to commit. */
static void send_look(struct journal *journal, uint64_t now_ms)
{
    stream_ask_range(journal->store, journal->key, journal_next_id(journal),
                     (struct log_id){UINT64_MAX, UINT64_MAX}, 1);
    journal->phase = PHASE_LOOKING;
    journal->asked_ms = now_ms;
    journal->said_ms = now_ms;
}

/* Outside the log, which is not to grow while nothing happens. */
void journal_send_beat(struct journal *journal, uint64_t now_ms)
{
    struct log_id beat = {journal->committed.epoch, ++journal->beat};
    char key[STORE_KEY_BYTES];
    char text[LOG_ID_BYTES];

    store_send(journal->store, STORE_WORDS(span_text("HSET"), store_key(key, journal->name, "head"),
                                           span_text(LEAD_BEAT), log_id_print(beat, text)));
    journal->phase = PHASE_BEATING;
    journal->asked_ms = now_ms;
}

void journal_send_wait(struct journal *journal, uint64_t now_ms)
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
void journal_send_touch(struct journal *journal, uint64_t now_ms)
{
    char key[STORE_KEY_BYTES];
    char epoch[24];

    (void)snprintf(epoch, sizeof(epoch), "%" PRIu64, journal->committed.epoch);
    store_send(journal->store, STORE_WORDS(span_text("HSET"), store_key(key, journal->name, "head"),
                                           span_text("epoch"), span_text(epoch)));
    journal->phase = PHASE_TOUCHING;
    journal->asked_ms = now_ms;
}

/* Everything that has come; then everything that is to be said. */
static void exchange(struct journal *journal, uint64_t now_ms)
{
    struct redisReply *reply;
    int err = store_flush(journal->store);

    if (err == 0)
        err = store_read(journal->store);
    while (err == 0 && (err = store_next(journal->store, &reply)) == 0) {
        journal_take_reply(journal, now_ms, reply);
        store_reply_free(reply);
        if (!store_is_open(journal->store))
            return; /* that answer was the end of this connection */
    }
    if (err == ERR_AGAIN)
        err = store_flush(journal->store);
    if (err < 0 && journal->phase != PHASE_AWAY)
        journal_lost(journal, now_ms, store_error(journal->store));
}

static bool is_asking(const struct journal *journal)
{
    return journal->phase != PHASE_AWAY && journal->phase != PHASE_READY &&
           journal->phase != PHASE_HOLDING;
}

/* When the next beat is due, if nothing else is asked meanwhile. */
static uint64_t beat_due_ms(const struct journal *journal)
{
    if (!journal->beats || journal->phase != PHASE_READY || journal->in_flight)
        return DEADLINE_NEVER;
    return journal->doubted ? 0 : journal->sure_ms + LIMIT_BEAT_MS;
}

static void start_due(struct journal *journal, uint64_t now_ms)
{
    if (journal->phase == PHASE_AWAY && now_ms >= journal->retry_ms) {
        if (store_open(journal->store) == 0)
            journal_send_check(journal, now_ms);
        else
            journal_lost(journal, now_ms, store_error(journal->store));
    } else if (journal->phase == PHASE_HOLDING && now_ms >= journal->retry_ms) {
        if (journal->in_flight && !journal->done)
            journal_send_append(journal, now_ms);
        else
            journal->phase = PHASE_READY;
    } else if (is_asking(journal) && now_ms - journal->asked_ms >= ANSWER_MS) {
        journal_lost(journal, now_ms, "Redis has not answered for 30 s");
    } else if (now_ms >= beat_due_ms(journal)) {
        send_look(journal, now_ms);
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
            journal_complain(journal, "log-stalled", span_text("Redis has not answered for 2 s"));
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
    journal_send_append(journal, now_ms);
    FAILPOINT("journal-append");
    if (store_flush(journal->store) < 0)
        journal_lost(journal, now_ms, store_error(journal->store));
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
    else
        due_ms = beat_due_ms(journal);
    if (journal->in_flight && !journal->stall_told && journal->since_ms + STALLED_MS < due_ms)
        due_ms = journal->since_ms + STALLED_MS;
    return due_ms;
}
