/* The log in Redis, into an archive. */
#include <hiredis/hiredis.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/clock.h"
#include "head/store/archive_inside.h"

#define ANSWER_MS 30000u
#define PAGE      64u /* entries asked for at once */

static const struct log_id log_end = {UINT64_MAX, UINT64_MAX};

static int redis_failed(const struct store *store, int err, struct trouble *trouble)
{
    return trouble_set(trouble, err, "Redis", NULL, "%s", store_error(store));
}

/* Entries from first to last, no more than count. */
static int ask_range(struct store *store, const char *name, struct log_id first, struct log_id last,
                     uint32_t count, struct redisReply **out, struct trouble *trouble)
{
    char key[STORE_KEY_BYTES];
    struct redisReply *reply;
    int err = store_is_open(store) ? 0 : store_connect(store, clock_ms() + ANSWER_MS);

    if (err < 0)
        return redis_failed(store, err, trouble);
    stream_ask_range(store, store_key(key, name, "log"), first, last, count);
    err = store_wait(store, clock_ms() + ANSWER_MS, &reply);
    if (err < 0)
        return redis_failed(store, err, trouble);
    if (stream_count(reply) < 0) {
        struct span why = store_reply_text(reply);

        err = trouble_set(trouble, ERR_DENIED, "log in Redis", NULL, "%.*s", SPAN(why));
        store_reply_free(reply);
        return err;
    }
    *out = reply;
    return 0;
}

static struct log_id id_after(struct log_id id)
{
    return id.n == UINT64_MAX ? (struct log_id){id.epoch + 1, 0}
                              : (struct log_id){id.epoch, id.n + 1};
}

static int ask_top(struct store *store, const char *name, struct log_id *out,
                   struct trouble *trouble)
{
    char key[STORE_KEY_BYTES];
    struct redisReply *reply;
    int err;

    *out = (struct log_id){0};
    stream_ask_top(store, store_key(key, name, "log"));
    err = store_wait(store, clock_ms() + ANSWER_MS, &reply);
    if (err < 0)
        return redis_failed(store, err, trouble);
    err = stream_read_top(reply, out);
    store_reply_free(reply);
    if (err == 0 || err == ERR_NOT_FOUND)
        return 0;
    return trouble_set(trouble, err, "log in Redis", NULL, "its end is not to be had");
}

static int apart(const struct archive_end *end, struct log_id id, const char *what,
                 struct trouble *trouble)
{
    char last[LOG_ID_BYTES], other[LOG_ID_BYTES];

    (void)log_id_print(end->id, last);
    (void)log_id_print(id, other);
    return trouble_set(trouble, ERR_MALFORMED, "log archive", "name the folder of this log",
                       "it ends with the entry %s, and %s %s", last, what, other);
}

/* Its last entry stands in the log still: the same one? Else the next one has to follow it. */
static int check_first(const struct archive_end *end, const struct redisReply *reply,
                       struct trouble *trouble)
{
    struct stream_entry entry;

    if (stream_read_entry(reply, 0, &entry) < 0)
        return trouble_set(trouble, ERR_MALFORMED, "log", NULL, "it has an entry that is none");
    if (log_id_compare(entry.id, end->id) == 0)
        return archive_entry_crc(&entry) == end->crc
                   ? 0
                   : apart(end, entry.id, "another cluster's log has another entry", trouble);
    return archive_follows(end->id, entry.id)
               ? 0
               : apart(end, entry.id, "there is a gap before the log's first entry", trouble);
}

/* What is between the archive and the newest image has to be in the log. */
static int check_image(const struct archive_end *end, struct store *store, const char *name,
                       struct log_id image, struct trouble *trouble)
{
    struct redisReply *reply;
    int err;

    if (log_id_compare(image, end->id) <= 0)
        return 0;
    err = ask_range(store, name, image, image, 1, &reply, trouble);
    if (err < 0)
        return err;
    if (stream_count(reply) == 0)
        err = apart(end, image, "what the log had behind it was cut, up to", trouble);
    store_reply_free(reply);
    return err;
}

int archive_joins(const struct archive_end *end, struct store *store, const char *name,
                  struct log_id image, struct trouble *trouble)
{
    struct redisReply *reply;
    struct log_id top;
    int err;

    if (end->id.epoch == 0)
        return 0;
    err = check_image(end, store, name, image, trouble);
    if (err == 0)
        err = ask_range(store, name, end->id, log_end, 1, &reply, trouble);
    if (err < 0)
        return err;
    if (stream_count(reply) > 0) {
        err = check_first(end, reply, trouble);
        store_reply_free(reply);
        return err;
    }
    store_reply_free(reply);
    /* Nothing there, or behind it: then all of the log was cut, and it is where the archive is. */
    err = ask_top(store, name, &top, trouble);
    if (err < 0 || log_id_compare(top, end->id) == 0)
        return err;
    if (log_id_compare(top, end->id) < 0)
        return apart(end, top, "the log, which is another one, with", trouble);
    return apart(end, top, "what the log had behind it was cut, up to", trouble);
}

static int add_page(struct archive *archive, const struct redisReply *reply, struct log_id *at,
                    struct trouble *trouble)
{
    int64_t count = stream_count(reply);
    int err = 0;

    for (int64_t i = 0; err == 0 && i < count; i++) {
        struct stream_entry entry;

        if (stream_read_entry(reply, (size_t)i, &entry) < 0)
            return trouble_set(trouble, ERR_MALFORMED, "log", NULL, "it has an entry that is none");
        err = archive_add(archive, &entry, trouble);
        *at = entry.id;
    }
    if (err == 0 && archive_unsealed(archive) >= LIMIT_ARCHIVED)
        err = archive_seal(archive, trouble);
    return err;
}

int archive_take_log(struct archive *archive, struct store *store, const char *name,
                     struct log_id until, struct trouble *trouble)
{
    const struct archive_end end = archive_end(archive);
    struct log_id at = end.id;
    bool more = true;
    int err = archive_joins(&end, store, name, (struct log_id){0}, trouble);

    while (err == 0 && more && log_id_compare(at, until) < 0) {
        struct redisReply *reply;

        err = ask_range(store, name, id_after(at), until, PAGE, &reply, trouble);
        if (err < 0)
            break;
        more = stream_count(reply) > 0;
        err = add_page(archive, reply, &at, trouble);
        store_reply_free(reply);
    }
    if (err == 0)
        err = archive_seal(archive, trouble);
    if (err == 0 && log_id_compare(archive_end(archive).id, until) != 0)
        err = apart(&(struct archive_end){archive_end(archive).id, 0}, until,
                    "the log does not have the entries up to", trouble);
    if (err < 0)
        archive_forget(archive);
    return err;
}
