#include "head/store/stream.h"

#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>

#include "common/err.h"
#include "common/sys/clock.h"
#include "common/sys/failpoint.h"

#define RETRY_MS 2

void stream_ask_top(struct store *store, struct span key)
{
    store_send(store, STORE_WORDS(span_text("XINFO"), span_text("STREAM"), key));
}

int stream_read_top(const struct redisReply *reply, struct log_id *out)
{
    if (store_reply_is_error(reply, "ERR") && strstr(reply->str, "no such key") != NULL)
        return ERR_NOT_FOUND;
    if (store_reply_is_error(reply, "WRONGTYPE"))
        return ERR_MALFORMED;
    if (store_reply_is_error(reply, NULL))
        return ERR_DENIED;
    if (reply->type != REDIS_REPLY_ARRAY)
        return ERR_MALFORMED;
    for (size_t i = 0; i + 1 < reply->elements; i += 2)
        if (span_is(store_reply_text(reply->element[i]), "last-generated-id"))
            return log_id_parse(store_reply_text(reply->element[i + 1]), out) ? 0 : ERR_MALFORMED;
    return ERR_MALFORMED;
}

void stream_ask_range(struct store *store, struct span key, struct log_id first, struct log_id last,
                      uint32_t count)
{
    char from[LOG_ID_BYTES];
    char to[LOG_ID_BYTES];
    char most[16];

    (void)snprintf(most, sizeof(most), "%u", (unsigned)count);
    store_send(store, STORE_WORDS(span_text("XRANGE"), key, log_id_print(first, from),
                                  log_id_print(last, to), span_text("COUNT"), span_text(most)));
}

int64_t stream_count(const struct redisReply *reply)
{
    return reply->type == REDIS_REPLY_ARRAY ? (int64_t)reply->elements : -1;
}

static int read_fields(const struct redisReply *fields, struct stream_entry *out)
{
    struct span first;

    if (fields->type != REDIS_REPLY_ARRAY || fields->elements < 2)
        return ERR_MALFORMED;
    first = store_reply_text(fields->element[0]);
    out->bytes = store_reply_text(fields->element[1]);
    out->boot = span_of(NULL, 0);
    out->takeover = span_is(first, STREAM_TAKEOVER);
    if (span_is(first, STREAM_ENTRY) && fields->elements == 2)
        return 0;
    if (!out->takeover || fields->elements != 4 ||
        !span_is(store_reply_text(fields->element[2]), STREAM_BOOT))
        return ERR_MALFORMED;
    out->boot = store_reply_text(fields->element[3]);
    return 0;
}

int stream_read_entry(const struct redisReply *reply, size_t index, struct stream_entry *out)
{
    const struct redisReply *item;
    struct stream_entry entry;

    if (reply->type != REDIS_REPLY_ARRAY || index >= reply->elements)
        return ERR_MALFORMED;
    item = reply->element[index];
    if (item->type != REDIS_REPLY_ARRAY || item->elements != 2 ||
        !log_id_parse(store_reply_text(item->element[0]), &entry.id) ||
        read_fields(item->element[1], &entry) < 0)
        return ERR_MALFORMED;
    *out = entry;
    return 0;
}

/* What is being claimed, over reconnects. */
struct claim {
    struct store *store;
    struct span key;
    struct span who;
    struct span boot;
    uint64_t until_ms;
    uint64_t epoch; /* 0: not chosen yet */
    bool known;     /* the log was there: it is not begun anew */
    struct trouble *trouble;
};

static int refuse(const struct claim *claim, int err, const char *why, const char *mend)
{
    return trouble_set(claim->trouble, err, "log in Redis", mend, "%.*s: %s", SPAN(claim->key),
                       why);
}

/* An answer that is an error and has nothing to do with ids. */
static int refused_by_redis(const struct claim *claim, const struct redisReply *reply)
{
    if (store_reply_is_error(reply, "LOADING"))
        return ERR_AGAIN;
    if (store_reply_is_error(reply, "OOM"))
        return refuse(claim, ERR_FULL, reply->str, "give it more memory, or remove experiments");
    return refuse(claim, ERR_DENIED, reply->type == REDIS_REPLY_ERROR ? reply->str : "odd answer",
                  "see deploy/ for the Redis user that a head needs");
}

/* The last entry has to be a head's: a key of that name may be somebody else's stream. */
static int check_last(const struct claim *claim)
{
    struct redisReply *reply;
    struct stream_entry entry;
    int err = store_call(claim->store, claim->until_ms,
                         STORE_WORDS(span_text("XREVRANGE"), claim->key, span_text("+"),
                                     span_text("-"), span_text("COUNT"), span_text("1")),
                         &reply);

    if (err < 0)
        return err;
    if (stream_count(reply) < 0)
        err = refused_by_redis(claim, reply);
    else if (stream_count(reply) > 0 && stream_read_entry(reply, 0, &entry) < 0)
        err = refuse(claim, ERR_MALFORMED, "its last entry was not written by a head",
                     "choose another --name, or look who else uses this key");
    store_reply_free(reply);
    return err;
}

static int choose_epoch(struct claim *claim)
{
    struct redisReply *reply;
    struct log_id top = {0, 0};
    int err;

    stream_ask_top(claim->store, claim->key);
    err = store_wait(claim->store, claim->until_ms, &reply);
    if (err < 0)
        return err;
    err = stream_read_top(reply, &top);
    if (err == ERR_DENIED)
        err = refused_by_redis(claim, reply);
    else if (err == ERR_MALFORMED)
        err = refuse(claim, err, "this key is not a stream",
                     "choose another --name, or look who else uses this key");
    else if (err == 0)
        err = check_last(claim);
    else if (err == ERR_NOT_FOUND)
        err = 0;
    store_reply_free(reply);
    if (err == 0 && top.epoch == UINT64_MAX)
        err = refuse(claim, ERR_MALFORMED, "its top id leaves no room for another epoch",
                     "another --name, or another Redis");
    if (err == 0)
        claim->epoch = top.epoch + 1;
    return err;
}

/* Redis says that the id is taken: by us, with an answer that got lost, or by another. */
static int whose_epoch(const struct claim *claim)
{
    struct log_id id = {claim->epoch, 0};
    struct redisReply *reply;
    struct stream_entry entry;
    int err;

    stream_ask_range(claim->store, claim->key, id, id, 1);
    err = store_wait(claim->store, claim->until_ms, &reply);
    if (err < 0)
        return err;
    if (stream_count(reply) < 0)
        err = refused_by_redis(claim, reply);
    else if (stream_read_entry(reply, 0, &entry) < 0 || !entry.takeover ||
             !span_equal(entry.boot, claim->boot))
        err = refuse(claim, ERR_FENCED, "another head has just taken over", NULL);
    store_reply_free(reply);
    return err;
}

static int take_epoch(const struct claim *claim)
{
    char id[LOG_ID_BYTES];
    struct span words[8] = {span_text("XADD"), claim->key};
    struct redisReply *reply;
    size_t count = 2;
    int err;

    if (claim->known)
        words[count++] = span_text("NOMKSTREAM");
    words[count++] = log_id_print((struct log_id){claim->epoch, 0}, id);
    words[count++] = span_text(STREAM_TAKEOVER);
    words[count++] = claim->who;
    words[count++] = span_text(STREAM_BOOT);
    words[count++] = claim->boot;
    FAILPOINT("claim");
    err = store_call(claim->store, claim->until_ms, words, count, &reply);
    if (err < 0)
        return err;
    if (reply->type == REDIS_REPLY_NIL)
        err = refuse(claim, ERR_AMNESIA, "the log is gone",
                     "restore the data of this Redis, then start the head again");
    else if (store_reply_is_error(reply, "ERR") &&
             strstr(reply->str, "ID specified in XADD") != NULL)
        err = whose_epoch(claim);
    else if (reply->type != REDIS_REPLY_STRING && reply->type != REDIS_REPLY_STATUS)
        err = refused_by_redis(claim, reply);
    store_reply_free(reply);
    return err;
}

static int claim_once(struct claim *claim)
{
    int err = store_is_open(claim->store) ? 0 : store_connect(claim->store, claim->until_ms);

    if (err == 0 && claim->epoch == 0)
        err = choose_epoch(claim);
    if (err == 0)
        err = take_epoch(claim);
    return err;
}

int stream_claim(struct store *store, const char *name, const char *who, const char *boot,
                 uint64_t until_ms, uint64_t *epoch, struct trouble *trouble)
{
    char key[STORE_KEY_BYTES];
    struct claim claim = {.store = store,
                          .key = store_key(key, name, "log"),
                          .who = span_text(who),
                          .boot = span_text(boot),
                          .until_ms = until_ms,
                          .epoch = *epoch,
                          .known = *epoch > 1,
                          .trouble = trouble};
    int err;

    trouble->what[0] = '\0';
    while ((err = claim_once(&claim)) == ERR_CLOSED || err == ERR_AGAIN) {
        if (clock_ms() >= until_ms)
            break;
        (void)poll(NULL, 0, RETRY_MS);
    }
    if (err == 0)
        *epoch = claim.epoch;
    else if (trouble->what[0] == '\0')
        (void)refuse(&claim, err == ERR_AGAIN ? ERR_TIMEOUT : err, store_error(store),
                     "is Redis up, and is its address right?");
    return err == ERR_AGAIN ? ERR_TIMEOUT : err;
}
