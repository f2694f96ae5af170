#include "head/store/images.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <zlib.h>

#include "common/err.h"
#include "head/store/images_inside.h"
#include "head/store/stream.h"

#define TRIM_ENTRIES 512u /* cut at a time */

static int write_chunk(struct store *store, struct span key, uint64_t number, struct span bytes,
                       struct trouble *trouble)
{
    char field[24];

    (void)snprintf(field, sizeof(field), "%" PRIu64, number);
    return images_tell(store, STORE_WORDS(span_text("HSET"), key, span_text(field), bytes),
                       trouble);
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
            size_t room = IMAGES_CHUNK_BYTES - chunk.size;
            size_t size = left < room ? left : room;

            buf_append(&chunk, at, size);
            at += size;
            left -= size;
            if (chunk.size < IMAGES_CHUNK_BYTES)
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

    return images_manifest(store, name, id, &there, &trouble) == 0 &&
           there.size == manifest->size && there.crc == manifest->crc &&
           there.format == manifest->format;
}

/* Read back what was written, a part at a time: an image may be many megabytes. */
static int check_chunks(struct store *store, const char *name, struct log_id id,
                        const struct manifest *manifest, struct trouble *trouble)
{
    char key_bytes[STORE_KEY_BYTES];
    struct span key = images_key(key_bytes, name, id);
    struct buf chunk = {0};
    uint64_t size = 0;
    uint32_t crc = 0;
    int err = 0;

    for (uint64_t i = 0; err == 0 && size < manifest->size; i++) {
        buf_reset(&chunk);
        err = images_chunk(store, key, id, i, &chunk, trouble);
        crc = (uint32_t)crc32_z(crc, chunk.data, chunk.size);
        size += chunk.size;
    }
    buf_fini(&chunk);
    if (err == 0 && (size != manifest->size || crc != manifest->crc))
        err = images_bad(trouble, ERR_MALFORMED, id, "it is damaged");
    return err;
}

/* A Redis that is full takes no entry either while half an image lies there. */
static void forget_half(struct store *store, const char *name, struct log_id id)
{
    struct trouble trouble;

    (void)images_forget(store, name, id, &trouble); /* else the next start does */
}

int images_write(struct store *store, const char *name, struct log_id id, const struct span *parts,
                 size_t count, struct trouble *trouble)
{
    const struct manifest manifest = manifest_of(parts, count);
    char key_bytes[STORE_KEY_BYTES];
    char head_bytes[STORE_KEY_BYTES];
    char field_bytes[IMAGES_FIELD_BYTES];
    struct span key = images_key(key_bytes, name, id);
    struct span head = store_key(head_bytes, name, "head");
    struct span field = images_field(field_bytes, id);
    char text[96];
    int err;

    /* The log behind it may be cut already: what is whole is left as it is. */
    if (is_whole(store, name, id, &manifest))
        return 0;
    err = images_tell(store, STORE_WORDS(span_text("HSET"), head, field, span_text("")), trouble);
    if (err == 0)
        err = write_chunks(store, key, parts, count, trouble);
    if (err == 0)
        err = check_chunks(store, name, id, &manifest, trouble);
    (void)snprintf(text, sizeof(text), "format %" PRIu32 " size %" PRIu64 " crc %" PRIx32,
                   manifest.format, manifest.size, manifest.crc);
    if (err == 0)
        err = images_tell(store, STORE_WORDS(span_text("HSET"), head, field, span_text(text)),
                          trouble);
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
    int err = last ? images_ask(store,
                                STORE_WORDS(span_text("XREVRANGE"), log, span_text("+"),
                                            span_text("-"), span_text("COUNT"), span_text("1")),
                                &reply, trouble)
                   : images_ask(store,
                                STORE_WORDS(span_text("XRANGE"), log, span_text("-"),
                                            span_text("+"), span_text("COUNT"), span_text("1")),
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
        err = images_tell(store,
                          STORE_WORDS(span_text("XTRIM"), log, span_text("MINID"), span_text("="),
                                      log_id_print(keep, text)),
                          trouble);
        if (err < 0)
            break;
    }
    return err == ERR_NOT_FOUND ? 0 : err;
}

int images_forget_before(struct store *store, const char *name, struct log_id id,
                         struct trouble *trouble)
{
    struct redisReply *reply;
    int err = images_ask_all(store, name, &reply, trouble);

    if (err < 0)
        return err;
    for (size_t i = 0; err == 0 && i + 1 < reply->elements; i += 2) {
        struct log_id at;

        if (images_field_id(store_reply_text(reply->element[i]), &at) && log_id_compare(at, id) < 0)
            err = images_forget(store, name, at, trouble);
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
        err = images_forget_before(store, name, id, trouble);
    return err;
}
