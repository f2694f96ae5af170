#include <assert.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/sys/failpoint.h"
#include "head/journal_inside.h"
#include "head/store/stream.h"

/* Redis has answered what only the head that leads is answered. */
static void is_sure(struct journal *journal)
{
    journal->sure_ms = journal->said_ms;
    /* What was asked before this process stood still was answered before another head could lead.
     */
    if (journal->said_ms >= journal->doubted_ms)
        journal->doubted = false;
}

static void committed(struct journal *journal)
{
    FAILPOINT("journal-committed");
    journal->short_of_replicas = false;
    journal->committed.n++;
    journal->done = true;
    journal->phase = PHASE_READY;
    is_sure(journal);
    journal_is_well(journal);
}

/* Nothing is asked any more; what was handed in meanwhile may go. */
static void is_ready(struct journal *journal, uint64_t now_ms)
{
    journal->phase = PHASE_READY;
    if (journal->in_flight && !journal->done)
        journal_send_append(journal, now_ms);
}

static void looked(struct journal *journal, uint64_t now_ms, const struct redisReply *reply)
{
    struct stream_entry entry;

    if (store_reply_is_error(reply, "WRONGTYPE")) {
        journal_fail(journal, ERR_AMNESIA, "something else stands where the log was");
    } else if (stream_count(reply) < 0) {
        journal_lost(journal, now_ms,
                     store_reply_is_error(reply, NULL) ? reply->str : "odd answer");
    } else if (stream_count(reply) == 0) {
        is_sure(journal);
        journal_send_beat(journal, now_ms);
    } else if (stream_read_entry(reply, 0, &entry) < 0 ||
               entry.id.epoch == journal->committed.epoch) {
        journal_fail(journal, ERR_FENCED, "somebody else appends with this epoch");
    } else {
        journal_fail(journal, ERR_FENCED, "a later epoch stands in the log");
    }
}

static void beaten(struct journal *journal, uint64_t now_ms, const struct redisReply *reply)
{
    if (store_reply_is_error(reply, "READONLY")) { /* a failover: the address may lead elsewhere */
        journal_lost(journal, now_ms, reply->str);
        return;
    }
    if (store_reply_is_error(reply, NULL))
        journal_complain(journal, "log-beat", store_reply_text(reply));
    else if (!journal->in_flight)
        journal_is_well(journal);
    journal->stall_told = false;
    if (journal->short_of_replicas)
        journal_send_wait(journal, now_ms);
    else
        is_ready(journal, now_ms);
}

static void appended(struct journal *journal, uint64_t now_ms, const struct redisReply *reply)
{
    switch (reply->type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
        if (journal->replicas > 0)
            journal_send_wait(journal, now_ms);
        else
            committed(journal);
        return;
    case REDIS_REPLY_NIL:
        journal_fail(journal, ERR_AMNESIA, "the log is gone");
        return;
    default:
        break;
    }
    if (store_reply_is_error(reply, "WRONGTYPE")) {
        journal_fail(journal, ERR_AMNESIA, "something else stands where the log was");
        return;
    }
    if (store_reply_is_error(reply, "READONLY")) { /* a failover: the address may lead elsewhere */
        journal_lost(journal, now_ms, reply->str);
        return;
    }
    if (store_reply_is_error(reply, "ERR") && strstr(reply->str, "ID specified in XADD") != NULL) {
        journal_delay(journal, now_ms);
        journal_send_check(journal, now_ms); /* what is at the top now? */
        return;
    }
    journal_complain(journal, "log-refused", store_reply_text(reply));
    journal_delay(journal, now_ms);
    journal->phase = PHASE_HOLDING;
}

/* The log's top is known. What stands in flight may have got there with its answer lost. */
static void top_known(struct journal *journal, uint64_t now_ms, struct log_id top)
{
    if (top.epoch > journal->committed.epoch) {
        journal_fail(journal, ERR_FENCED, "a later epoch stands in the log");
    } else if (log_id_compare(top, journal->committed) < 0) {
        journal_fail(journal, ERR_AMNESIA, "the log ends before what it acknowledged");
    } else if (log_id_compare(top, journal->committed) == 0) {
        is_sure(journal);
        journal->phase = journal->retry_ms > now_ms ? PHASE_HOLDING : PHASE_READY;
        if (!journal->in_flight || journal->done)
            journal_is_well(journal);
        else if (journal->phase == PHASE_READY)
            journal_send_append(journal, now_ms);
    } else if (journal->in_flight && log_id_compare(top, journal_next_id(journal)) == 0) {
        stream_ask_range(journal->store, journal->key, top, top, 1);
        journal->phase = PHASE_ASKING;
        journal->asked_ms = now_ms;
    } else {
        journal_fail(journal, ERR_FENCED, "somebody else appends with this epoch");
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
        journal_fail(journal, ERR_AMNESIA, "the log is gone");
        break;
    case ERR_MALFORMED:
        journal_fail(journal, ERR_AMNESIA, "something else stands where the log was");
        break;
    default: /* it loads its data, or does not let us in: both may pass */
        (void)snprintf(text, sizeof(text), "%.*s", SPAN(why));
        journal_lost(journal, now_ms, text);
    }
}

static void asked(struct journal *journal, uint64_t now_ms, const struct redisReply *reply)
{
    struct stream_entry entry;

    if (store_reply_is_error(reply, NULL))
        journal_lost(journal, now_ms, reply->str);
    else if (stream_count(reply) == 0)
        journal_fail(journal, ERR_AMNESIA, "an entry has been taken out of the log");
    else if (stream_read_entry(reply, 0, &entry) < 0 || entry.takeover ||
             !span_equal(entry.bytes, journal->bytes))
        journal_fail(journal, ERR_FENCED, "somebody else appends with this epoch");
    else if (journal->replicas > 0)
        journal_send_touch(journal, now_ms);
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
        journal_lost(journal, now_ms, reply->str);
        return;
    } else
        journal_complain(journal, "log-replica",
                         span_text("no replica has confirmed the last entry"));
    journal->short_of_replicas = true;
    if (journal->beats)
        journal_send_beat(journal, now_ms); /* it lives: nobody is to take over from it */
    else
        journal_send_wait(journal, now_ms);
}

void journal_take_reply(struct journal *journal, uint64_t now_ms, const struct redisReply *reply)
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
    case PHASE_LOOKING:
        looked(journal, now_ms, reply);
        break;
    case PHASE_BEATING:
        beaten(journal, now_ms, reply);
        break;
    case PHASE_TOUCHING:
        if (store_reply_is_error(reply, NULL))
            journal_lost(journal, now_ms, reply->str);
        else
            journal_send_wait(journal, now_ms);
        break;
    case PHASE_WAITING:
        waited(journal, now_ms, reply);
        break;
    default:
        assert(!"an answer to nothing");
    }
}
