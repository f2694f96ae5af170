#include "head/store/images.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/err.h"
#include "common/sys/clock.h"
#include "head/store/stream.h"

#define ANSWER_MS    30000u
#define CHUNK_BYTES  (256u << 10)
#define TRIM_ENTRIES 512u /* cut at a time */
#define FIELD_PREFIX "image:"

struct manifest {
    uint64_t size;
    uint32_t crc;
    uint32_t format;
};

/* Ask one thing. ERR_DENIED where the answer is an error. */
static int ask(struct store *store, const struct span *words, size_t count,
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

/* The same where only success counts. */
static int tell(struct store *store, const struct span *words, size_t count,
                struct trouble *trouble)
{
    struct redisReply *reply;
    int err = ask(store, words, count, &reply, trouble);

    if (err == 0)
        store_reply_free(reply);
    return err;
}

static struct span image_key(char *out, const char *name, struct log_id id)
{
    char text[LOG_ID_BYTES];
    char kind[LOG_ID_BYTES + 8];

    (void)log_id_print(id, text);
    (void)snprintf(kind, sizeof(kind), FIELD_PREFIX "%s", text);
    return store_key(out, name, kind);
}

/* The field of the hash `head`. */
static struct span image_field(char out[LOG_ID_BYTES + 8], struct log_id id)
{
    char text[LOG_ID_BYTES];

    (void)log_id_print(id, text);
    (void)snprintf(out, LOG_ID_BYTES + 8, FIELD_PREFIX "%s", text);
    return span_text(out);
}

static bool field_id(struct span field, struct log_id *id)
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

static int forget(struct store *store, const char *name, struct log_id id, struct trouble *trouble)
{
    char key[STORE_KEY_BYTES];
    char head[STORE_KEY_BYTES];
    char field[LOG_ID_BYTES + 8];
    int err = tell(store, STORE_WORDS(span_text("UNLINK"), image_key(key, name, id)), trouble);

    if (err == 0)
        err = tell(
            store,
            STORE_WORDS(span_text("HDEL"), store_key(head, name, "head"), image_field(field, id)),
            trouble);
    return err;
}

static int ask_all(struct store *store, const char *name, struct redisReply **reply,
                   struct trouble *trouble)
{
    char head[STORE_KEY_BYTES];
    int err = ask(store, STORE_WORDS(span_text("HGETALL"), store_key(head, name, "head")), reply,
                  trouble);

    if (err == 0 && ((*reply)->type != REDIS_REPLY_ARRAY || (*reply)->elements % 2 != 0)) {
        store_reply_free(*reply);
        err = trouble_set(trouble, ERR_MALFORMED, "image in Redis", NULL, "an odd answer");
    }
    return err;
}

int images_find(struct store *store, const char *name, bool tidy, bool *found, struct log_id *id,
                struct trouble *trouble)
{
    struct redisReply *reply;
    int err = ask_all(store, name, &reply, trouble);

    *found = false;
    if (err < 0)
        return err;
    for (size_t i = 0; err == 0 && i + 1 < reply->elements; i += 2) {
        struct log_id at;

        if (!field_id(store_reply_text(reply->element[i]), &at))
            continue;
        if (store_reply_text(reply->element[i + 1]).size == 0) {
            err = tidy ? forget(store, name, at, trouble) : 0;
        } else if (!*found || log_id_compare(at, *id) > 0) {
            *found = true;
            *id = at;
        }
    }
    store_reply_free(reply);
    return err;
}

static int bad_image(struct trouble *trouble, int err, struct log_id id, const char *why)
{
    char text[LOG_ID_BYTES];

    (void)log_id_print(id, text);
    return trouble_set(trouble, err, "image of the log",
                       err == ERR_VERSION ? "go on with the version of Assay that wrote it"
                                          : "restore the data of this Redis from a backup",
                       "image %s: %s", text, why);
}

static int read_manifest(struct store *store, const char *name, struct log_id id,
                         struct manifest *out, struct trouble *trouble)
{
    char head[STORE_KEY_BYTES];
    char field[LOG_ID_BYTES + 8];
    struct redisReply *reply;
    int err =
        ask(store,
            STORE_WORDS(span_text("HGET"), store_key(head, name, "head"), image_field(field, id)),
            &reply, trouble);

    if (err < 0)
        return err;
    if (!manifest_parse(store_reply_text(reply), out))
        err = bad_image(trouble, ERR_MALFORMED, id, "what the head's row says of it is none");
    else if (out->format != IMAGES_FORMAT)
        err = bad_image(trouble, ERR_VERSION, id, "it has the format of another version");
    store_reply_free(reply);
    return err;
}

static int read_chunk(struct store *store, struct span key, struct log_id id, uint64_t number,
                      struct buf *out, struct trouble *trouble)
{
    char field[24];
    struct redisReply *reply;
    int err;

    (void)snprintf(field, sizeof(field), "%" PRIu64, number);
    err = ask(store, STORE_WORDS(span_text("HGET"), key, span_text(field)), &reply, trouble);
    if (err < 0)
        return err;
    if (reply->type == REDIS_REPLY_STRING && reply->len > 0)
        buf_append(out, reply->str, reply->len);
    else
        err = bad_image(trouble, ERR_MALFORMED, id, "a part of it is missing");
    store_reply_free(reply);
    return err;
}

static int read_chunks(struct store *store, const char *name, struct log_id id,
                       const struct manifest *manifest, struct buf *out, struct trouble *trouble)
{
    char key_bytes[STORE_KEY_BYTES];
    struct span key = image_key(key_bytes, name, id);
    size_t from = out->size;
    int err = 0;

    for (uint64_t i = 0; err == 0 && out->size - from < manifest->size; i++)
        err = read_chunk(store, key, id, i, out, trouble);
    if (err == 0 && (out->size - from != manifest->size ||
                     crc32_z(0, out->data + from, out->size - from) != manifest->crc))
        err = bad_image(trouble, ERR_MALFORMED, id, "it is damaged");
    return err;
}

int images_read(struct store *store, const char *name, struct log_id id, struct buf *out,
                struct trouble *trouble)
{
    struct manifest manifest;
    int err = read_manifest(store, name, id, &manifest, trouble);

    return err < 0 ? err : read_chunks(store, name, id, &manifest, out, trouble);
}

static int write_chunk(struct store *store, struct span key, uint64_t number, struct span bytes,
                       struct trouble *trouble)
{
    char field[24];

    (void)snprintf(field, sizeof(field), "%" PRIu64, number);
    return tell(store, STORE_WORDS(span_text("HSET"), key, span_text(field), bytes), trouble);
}

/* An image may be many megabytes: only a chunk of it is copied at a time. */
static int write_chunks(struct store *store, struct span key, const struct span *parts,
                        size_t count, struct trouble *trouble)
{
    struct buf chunk = {0};
    uint64_t number = 0;
    int err = 0;

    for (size_t i = 0; err == 0 && i < count; i++) {
        const uint8_t *at = parts[i].data;
        size_t left = parts[i].size;

        while (err == 0 && left > 0) {
            size_t room = CHUNK_BYTES - chunk.size;
            size_t size = left < room ? left : room;

            buf_append(&chunk, at, size);
            at += size;
            left -= size;
            if (chunk.size < CHUNK_BYTES)
                continue;
            err = write_chunk(store, key, number++, buf_span(&chunk), trouble);
            buf_reset(&chunk);
        }
    }
    if (err == 0 && chunk.size > 0)
        err = write_chunk(store, key, number, buf_span(&chunk), trouble);
    buf_fini(&chunk);
    return err;
}

static struct manifest manifest_of(const struct span *parts, size_t count)
{
    struct manifest manifest = {.format = IMAGES_FORMAT};

    for (size_t i = 0; i < count; i++) {
        if (parts[i].size == 0) /* zlib would begin anew */
            continue;
        manifest.size += parts[i].size;
        manifest.crc = (uint32_t)crc32_z(manifest.crc, parts[i].data, parts[i].size);
    }
    return manifest;
}

static bool is_whole(struct store *store, const char *name, struct log_id id,
                     const struct manifest *manifest)
{
    struct manifest there;
    struct trouble trouble;

    return read_manifest(store, name, id, &there, &trouble) == 0 && there.size == manifest->size &&
           there.crc == manifest->crc && there.format == manifest->format;
}

/* Read back what was written, a part at a time: an image may be many megabytes. */
static int check_chunks(struct store *store, const char *name, struct log_id id,
                        const struct manifest *manifest, struct trouble *trouble)
{
    char key_bytes[STORE_KEY_BYTES];
    struct span key = image_key(key_bytes, name, id);
    struct buf chunk = {0};
    uint64_t size = 0;
    uint32_t crc = 0;
    int err = 0;

    for (uint64_t i = 0; err == 0 && size < manifest->size; i++) {
        buf_reset(&chunk);
        err = read_chunk(store, key, id, i, &chunk, trouble);
        crc = (uint32_t)crc32_z(crc, chunk.data, chunk.size);
        size += chunk.size;
    }
    buf_fini(&chunk);
    if (err == 0 && (size != manifest->size || crc != manifest->crc))
        err = bad_image(trouble, ERR_MALFORMED, id, "it is damaged");
    return err;
}

/* A Redis that is full takes no entry either while half an image lies there. */
static void forget_half(struct store *store, const char *name, struct log_id id)
{
    struct trouble trouble;

    (void)forget(store, name, id, &trouble); /* else the next start does */
}

int images_write(struct store *store, const char *name, struct log_id id, const struct span *parts,
                 size_t count, struct trouble *trouble)
{
    const struct manifest manifest = manifest_of(parts, count);
    char key_bytes[STORE_KEY_BYTES];
    char head_bytes[STORE_KEY_BYTES];
    char field_bytes[LOG_ID_BYTES + 8];
    struct span key = image_key(key_bytes, name, id);
    struct span head = store_key(head_bytes, name, "head");
    struct span field = image_field(field_bytes, id);
    char text[96];
    int err;

    /* The log behind it may be cut already: what is whole is left as it is. */
    if (is_whole(store, name, id, &manifest))
        return 0;
    err = tell(store, STORE_WORDS(span_text("HSET"), head, field, span_text("")), trouble);
    if (err == 0)
        err = write_chunks(store, key, parts, count, trouble);
    if (err == 0)
        err = check_chunks(store, name, id, &manifest, trouble);
    (void)snprintf(text, sizeof(text), "format %" PRIu32 " size %" PRIu64 " crc %" PRIx32,
                   manifest.format, manifest.size, manifest.crc);
    if (err == 0)
        err = tell(store, STORE_WORDS(span_text("HSET"), head, field, span_text(text)), trouble);
    if (err < 0)
        forget_half(store, name, id);
    return err;
}

/* The log's first entry, or its last. ERR_NOT_FOUND: it is empty. */
static int log_edge(struct store *store, struct span log, bool last, struct log_id *out,
                    struct trouble *trouble)
{
    struct redisReply *reply;
    struct stream_entry entry;
    int err = last ? ask(store,
                         STORE_WORDS(span_text("XREVRANGE"), log, span_text("+"), span_text("-"),
                                     span_text("COUNT"), span_text("1")),
                         &reply, trouble)
                   : ask(store,
                         STORE_WORDS(span_text("XRANGE"), log, span_text("-"), span_text("+"),
                                     span_text("COUNT"), span_text("1")),
                         &reply, trouble);

    if (err < 0)
        return err;
    if (stream_count(reply) == 0)
        err = ERR_NOT_FOUND;
    else if (stream_read_entry(reply, 0, &entry) < 0)
        err = trouble_set(trouble, ERR_MALFORMED, "log", NULL, "it has an entry that is none");
    else
        *out = entry.id;
    store_reply_free(reply);
    return err;
}

static int cut_log(struct store *store, const char *name, struct log_id id, struct trouble *trouble)
{
    char key_bytes[STORE_KEY_BYTES];
    struct span log = store_key(key_bytes, name, "log");
    struct log_id first;
    int err;

    while ((err = log_edge(store, log, false, &first, trouble)) == 0 &&
           log_id_compare(first, id) <= 0) {
        struct log_id keep = {first.epoch, first.n + TRIM_ENTRIES};
        char text[LOG_ID_BYTES];

        if (log_id_compare(keep, id) > 0)
            keep = (struct log_id){id.epoch, id.n + 1};
        err = tell(store,
                   STORE_WORDS(span_text("XTRIM"), log, span_text("MINID"), span_text("="),
                               log_id_print(keep, text)),
                   trouble);
        if (err < 0)
            break;
    }
    return err == ERR_NOT_FOUND ? 0 : err;
}

static int forget_before(struct store *store, const char *name, struct log_id id,
                         struct trouble *trouble)
{
    struct redisReply *reply;
    int err = ask_all(store, name, &reply, trouble);

    if (err < 0)
        return err;
    for (size_t i = 0; err == 0 && i + 1 < reply->elements; i += 2) {
        struct log_id at;

        if (field_id(store_reply_text(reply->element[i]), &at) && log_id_compare(at, id) < 0)
            err = forget(store, name, at, trouble);
    }
    store_reply_free(reply);
    return err;
}

int images_trim(struct store *store, const char *name, struct log_id id, uint64_t epoch,
                struct trouble *trouble)
{
    char key_bytes[STORE_KEY_BYTES];
    struct log_id top;
    int err = log_edge(store, store_key(key_bytes, name, "log"), true, &top, trouble);

    if (err == 0 && top.epoch > epoch)
        err = trouble_set(trouble, ERR_FENCED, "log", NULL, "another head leads");
    if (err == 0)
        err = cut_log(store, name, id, trouble);
    if (err == 0 || err == ERR_NOT_FOUND)
        err = forget_before(store, name, id, trouble);
    return err;
}
