#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "common/err.h"
#include "common/sys/clock.h"
#include "head/store/images_inside.h"
#include "head/store/stream.h"

#define ANSWER_MS    30000u
#define FIELD_PREFIX "image:"
#define START_PREFIX "start:"

int images_ask(struct store *store, const struct span *words, size_t count,
               struct redisReply **reply, struct trouble *trouble)
{
    int err = 0;

    if (!store_is_open(store))
        err = store_connect(store, clock_ms() + ANSWER_MS);
    if (err == 0)
        err = store_call(store, clock_ms() + ANSWER_MS, words, count, reply);
    if (err < 0)
        return trouble_set(trouble, err, "image in Redis", NULL, "%s", store_error(store));
    if (!store_reply_is_error(*reply, NULL))
        return 0;
    (void)trouble_set(trouble, ERR_DENIED, "image in Redis", NULL, "%.*s",
                      SPAN(store_reply_text(*reply)));
    store_reply_free(*reply);
    return ERR_DENIED;
}

int images_tell(struct store *store, const struct span *words, size_t count,
                struct trouble *trouble)
{
    struct redisReply *reply;
    int err = images_ask(store, words, count, &reply, trouble);

    if (err == 0)
        store_reply_free(reply);
    return err;
}

struct span images_key(char *out, const char *name, struct log_id id)
{
    char text[LOG_ID_BYTES];
    char kind[IMAGES_FIELD_BYTES];

    (void)log_id_print(id, text);
    (void)snprintf(kind, sizeof(kind), FIELD_PREFIX "%s", text);
    return store_key(out, name, kind);
}

struct span images_field(char out[IMAGES_FIELD_BYTES], struct log_id id)
{
    char text[LOG_ID_BYTES];

    (void)log_id_print(id, text);
    (void)snprintf(out, IMAGES_FIELD_BYTES, FIELD_PREFIX "%s", text);
    return span_text(out);
}

bool images_field_id(struct span field, struct log_id *id)
{
    size_t prefix = strlen(FIELD_PREFIX);

    return field.size > prefix && memcmp(field.data, FIELD_PREFIX, prefix) == 0 &&
           log_id_parse(span_of((const char *)field.data + prefix, field.size - prefix), id);
}

static bool manifest_parse(struct span text, struct manifest *out)
{
    char line[96];
    int end = 0;

    (void)snprintf(line, sizeof(line), "%.*s", SPAN(text));
    return text.size < sizeof(line) &&
           sscanf(line, "format %" SCNu32 " size %" SCNu64 " crc %" SCNx32 "%n", &out->format,
                  &out->size, &out->crc, &end) == 3 &&
           line[end] == '\0';
}

int images_unset(struct store *store, const char *name, struct span field, struct trouble *trouble)
{
    char head[STORE_KEY_BYTES];

    return images_tell(store, STORE_WORDS(span_text("HDEL"), store_key(head, name, "head"), field),
                       trouble);
}

int images_forget(struct store *store, const char *name, struct log_id id, struct trouble *trouble)
{
    char key[STORE_KEY_BYTES];
    char field[IMAGES_FIELD_BYTES];
    int err =
        images_tell(store, STORE_WORDS(span_text("UNLINK"), images_key(key, name, id)), trouble);

    return err == 0 ? images_unset(store, name, images_field(field, id), trouble) : err;
}

int images_ask_all(struct store *store, const char *name, struct redisReply **reply,
                   struct trouble *trouble)
{
    char head[STORE_KEY_BYTES];
    int err = images_ask(store, STORE_WORDS(span_text("HGETALL"), store_key(head, name, "head")),
                         reply, trouble);

    if (err == 0 && ((*reply)->type != REDIS_REPLY_ARRAY || (*reply)->elements % 2 != 0)) {
        store_reply_free(*reply);
        err = trouble_set(trouble, ERR_MALFORMED, "image in Redis", NULL, "an odd answer");
    }
    return err;
}

bool images_start_epoch(struct span field, uint64_t *epoch)
{
    char text[32];
    int end = 0;

    (void)snprintf(text, sizeof(text), "%.*s", SPAN(field));
    return field.size < sizeof(text) &&
           sscanf(text, START_PREFIX "%" SCNu64 "%n", epoch, &end) == 1 && text[end] == '\0';
}

/* With what the newest head began that has said so; epoch 0: none has. */
struct start {
    uint64_t epoch;
    struct log_id id; /* 0-0: with the log's beginning */
};

static struct start newest_start(const struct redisReply *all)
{
    struct start start = {0};

    for (size_t i = 0; i + 1 < all->elements; i += 2) {
        struct start one;

        if (images_start_epoch(store_reply_text(all->element[i]), &one.epoch) &&
            log_id_parse(store_reply_text(all->element[i + 1]), &one.id) && one.epoch > start.epoch)
            start = one;
    }
    return start;
}

int images_find(struct store *store, const char *name, bool *found, struct log_id *id,
                struct trouble *trouble)
{
    struct redisReply *reply;
    struct start start;
    int err = images_ask_all(store, name, &reply, trouble);

    *found = false;
    if (err < 0)
        return err;
    start = newest_start(reply);
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        struct log_id at;

        if (!images_field_id(store_reply_text(reply->element[i]), &at) ||
            store_reply_text(reply->element[i + 1]).size == 0 ||
            (at.epoch < start.epoch && log_id_compare(at, start.id) != 0) ||
            (*found && log_id_compare(at, *id) < 0))
            continue;
        *found = true;
        *id = at;
    }
    store_reply_free(reply);
    if (!*found && start.id.epoch > 0)
        return images_bad(trouble, ERR_MALFORMED, start.id,
                          "the last head began with it, and it is gone");
    return 0;
}

/* More is known of than what this epoch is behind: a later head has that from the log, or the log
 * has forgotten it. */
static int who_is_later(struct store *store, const char *name, uint64_t epoch,
                        struct trouble *trouble)
{
    char key[STORE_KEY_BYTES];
    struct redisReply *reply;
    struct log_id top = {0, 0};
    int err = images_ask(
        store, STORE_WORDS(span_text("XINFO"), span_text("STREAM"), store_key(key, name, "log")),
        &reply, trouble);

    if (err < 0)
        return err;
    (void)stream_read_top(reply, &top);
    store_reply_free(reply);
    if (top.epoch > epoch)
        return trouble_set(trouble, ERR_FENCED, "log", NULL, "another head leads");
    return trouble_set(trouble, ERR_AMNESIA, "AMNESIA",
                       "restore the data of this Redis, then start the head again",
                       "the log ends before what its images tell of");
}

int images_start(struct store *store, const char *name, uint64_t epoch, struct log_id id,
                 struct trouble *trouble)
{
    char head[STORE_KEY_BYTES];
    char field[IMAGES_FIELD_BYTES];
    char text[LOG_ID_BYTES];
    struct redisReply *reply;
    int err;

    (void)snprintf(field, sizeof(field), START_PREFIX "%" PRIu64, epoch);
    err = images_tell(store,
                      STORE_WORDS(span_text("HSET"), store_key(head, name, "head"),
                                  span_text(field), log_id_print(id, text)),
                      trouble);
    if (err == 0)
        err = images_ask_all(store, name, &reply, trouble);
    if (err < 0)
        return err;
    if (newest_start(reply).epoch > epoch || id.epoch >= epoch)
        err = who_is_later(store, name, epoch, trouble);
    for (size_t i = 0; err == 0 && i + 1 < reply->elements; i += 2) {
        struct span one = store_reply_text(reply->element[i]);
        uint64_t before;
        struct log_id at;

        if (images_start_epoch(one, &before) && before < epoch)
            err = images_unset(store, name, one, trouble);
        else if (images_field_id(one, &at) && at.epoch < epoch &&
                 store_reply_text(reply->element[i + 1]).size == 0)
            err = images_forget(store, name, at, trouble);
    }
    store_reply_free(reply);
    return err;
}

int images_bad(struct trouble *trouble, int err, struct log_id id, const char *why)
{
    char text[LOG_ID_BYTES];

    (void)log_id_print(id, text);
    return trouble_set(trouble, err, "image of the log",
                       err == ERR_VERSION ? "go on with the version of Assay that wrote it"
                                          : "restore the data of this Redis from a backup",
                       "image %s: %s", text, why);
}

int images_manifest(struct store *store, const char *name, struct log_id id, struct manifest *out,
                    struct trouble *trouble)
{
    char head[STORE_KEY_BYTES];
    char field[IMAGES_FIELD_BYTES];
    struct redisReply *reply;
    int err = images_ask(
        store,
        STORE_WORDS(span_text("HGET"), store_key(head, name, "head"), images_field(field, id)),
        &reply, trouble);

    if (err < 0)
        return err;
    if (!manifest_parse(store_reply_text(reply), out))
        err = images_bad(trouble, ERR_MALFORMED, id, "what the head's row says of it is none");
    else if (out->format == 0 || out->format > IMAGES_FORMAT)
        err = images_bad(trouble, ERR_VERSION, id, "it has the format of a newer version");
    store_reply_free(reply);
    return err;
}

int images_chunk(struct store *store, struct span key, struct log_id id, uint64_t number,
                 struct buf *out, struct trouble *trouble)
{
    char field[24];
    struct redisReply *reply;
    int err;

    (void)snprintf(field, sizeof(field), "%" PRIu64, number);
    err = images_ask(store, STORE_WORDS(span_text("HGET"), key, span_text(field)), &reply, trouble);
    if (err < 0)
        return err;
    if (reply->type == REDIS_REPLY_STRING && reply->len > 0)
        buf_append(out, reply->str, reply->len);
    else
        err = images_bad(trouble, ERR_MALFORMED, id, "a part of it is missing");
    store_reply_free(reply);
    return err;
}

static int read_chunks(struct store *store, const char *name, struct log_id id,
                       const struct manifest *manifest, struct buf *out, struct trouble *trouble)
{
    char key_bytes[STORE_KEY_BYTES];
    struct span key = images_key(key_bytes, name, id);
    size_t from = out->size;
    int err = 0;

    for (uint64_t i = 0; err == 0 && out->size - from < manifest->size; i++)
        err = images_chunk(store, key, id, i, out, trouble);
    if (err == 0 && (out->size - from != manifest->size ||
                     crc32_z(0, out->data + from, out->size - from) != manifest->crc))
        err = images_bad(trouble, ERR_MALFORMED, id, "it is damaged");
    return err;
}

int images_read(struct store *store, const char *name, struct log_id id, struct buf *out,
                struct trouble *trouble)
{
    struct manifest manifest;
    int err = images_manifest(store, name, id, &manifest, trouble);

    return err < 0 ? err : read_chunks(store, name, id, &manifest, out, trouble);
}
