#include "head/store/rows.h"

#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/fs.h"
#include "common/xalloc.h"
#include "head/store/images_inside.h"

#define CHUNK      IMAGES_CHUNK_BYTES
#define KIND_BYTES 48u /* "ended:", two numbers and a slash */

struct written {
    uint32_t experiment;
    uint64_t size;
    uint32_t crc; /* of so many bytes */
};

struct rows {
    char name[STORE_NAME_BYTES + 1];
    uint64_t epoch;
    struct written *items; /* owned */
    size_t count;
    uint8_t *block; /* owned; of CHUNK bytes */
};

struct rows *rows_new(const char *name, uint64_t epoch)
{
    struct rows *rows = xcalloc(1, sizeof(*rows));

    (void)snprintf(rows->name, sizeof(rows->name), "%s", name);
    rows->epoch = epoch;
    rows->block = xmalloc(CHUNK);
    return rows;
}

void rows_free(struct rows *rows)
{
    if (rows == NULL)
        return;
    free(rows->items);
    free(rows->block);
    free(rows);
}

static struct span kind_of(char out[KIND_BYTES], uint64_t epoch, uint32_t experiment)
{
    (void)snprintf(out, KIND_BYTES, "ended:%" PRIu64 "/%" PRIu32, epoch, experiment);
    return span_text(out);
}

static bool kind_read(struct span field, uint64_t *epoch, uint32_t *experiment)
{
    char text[KIND_BYTES];
    int end = 0;

    (void)snprintf(text, sizeof(text), "%.*s", SPAN(field));
    return field.size < sizeof(text) &&
           sscanf(text, "ended:%" SCNu64 "/%" SCNu32 "%n", epoch, experiment, &end) == 2 &&
           text[end] == '\0';
}

static int file_trouble(struct trouble *trouble, const char *what)
{
    return trouble_set(trouble, ERR_IO, "rows of ended trials",
                       "make room on the disk of the head's data", "%s: %s", what, strerror(errno));
}

/* Bytes of a file at a place, all of them. */
static bool read_at(int fd, uint8_t *out, size_t size, uint64_t at)
{
    while (size > 0) {
        ssize_t got = pread(fd, out, size, (off_t)at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            errno = ENODATA;
        if (got <= 0)
            return false;
        out += got;
        at += (uint64_t)got;
        size -= (size_t)got;
    }
    return true;
}

/* What was written of an experiment; where nothing was, that there will be something is said. */
static int begin(struct rows *rows, struct store *store, uint32_t experiment, size_t *index,
                 struct trouble *trouble)
{
    char head[STORE_KEY_BYTES];
    char kind[KIND_BYTES];
    int err;

    for (*index = 0; *index < rows->count; ++*index)
        if (rows->items[*index].experiment == experiment)
            return 0;
    err = images_tell(store,
                      STORE_WORDS(span_text("HSET"), store_key(head, rows->name, "head"),
                                  kind_of(kind, rows->epoch, experiment), span_text("")),
                      trouble);
    if (err < 0)
        return err;
    rows->items = xrealloc(rows->items, rows->count + 1, sizeof(*rows->items));
    rows->items[rows->count++] = (struct written){.experiment = experiment};
    return 0;
}

int rows_write(struct rows *rows, struct store *store, uint32_t experiment, int fd, uint64_t size,
               struct rows_part *out, struct trouble *trouble)
{
    char key[STORE_KEY_BYTES];
    char kind[KIND_BYTES];
    struct span hash;
    size_t index;
    int err = begin(rows, store, experiment, &index, trouble);

    (void)kind_of(kind, rows->epoch, experiment);
    hash = store_key(key, rows->name, kind);
    while (err == 0 && rows->items[index].size < size) {
        struct written *written = &rows->items[index];
        uint64_t number = written->size / CHUNK;
        uint64_t from = number * CHUNK; /* a last part that was short is written anew */
        size_t bytes = size - from < CHUNK ? (size_t)(size - from) : CHUNK;
        size_t known = (size_t)(written->size - from);
        char field[24];

        (void)snprintf(field, sizeof(field), "%" PRIu64, number);
        if (!read_at(fd, rows->block, bytes, from))
            return file_trouble(trouble, "reading them back");
        err = images_tell(
            store,
            STORE_WORDS(span_text("HSET"), hash, span_text(field), span_of(rows->block, bytes)),
            trouble);
        if (err < 0)
            break;
        written->crc = (uint32_t)crc32_z(written->crc, rows->block + known, bytes - known);
        written->size = from + bytes;
    }
    if (err == 0)
        *out = (struct rows_part){.experiment = experiment,
                                  .size = rows->items[index].size,
                                  .crc = rows->items[index].crc};
    return err;
}

static bool has_part(const struct rows_part *parts, size_t count, uint32_t experiment)
{
    for (size_t i = 0; i < count; i++)
        if (parts[i].experiment == experiment)
            return true;
    return false;
}

static void unlist(struct rows *rows, uint32_t experiment)
{
    for (size_t i = 0; i < rows->count; i++)
        if (rows->items[i].experiment == experiment)
            rows->items[i--] = rows->items[--rows->count];
}

int rows_forget(struct rows *rows, struct store *store, const struct rows_part *parts, size_t count,
                struct trouble *trouble)
{
    struct redisReply *reply;
    int err = images_ask_all(store, rows->name, &reply, trouble);

    if (err < 0)
        return err;
    for (size_t i = 0; err == 0 && i + 1 < reply->elements; i += 2) {
        struct span field = store_reply_text(reply->element[i]);
        char kind[KIND_BYTES];
        char key[STORE_KEY_BYTES];
        uint64_t epoch;
        uint32_t experiment;

        if (!kind_read(field, &epoch, &experiment) || epoch > rows->epoch ||
            (epoch == rows->epoch && has_part(parts, count, experiment)))
            continue;
        (void)kind_of(kind, epoch, experiment);
        err = images_tell(store, STORE_WORDS(span_text("UNLINK"), store_key(key, rows->name, kind)),
                          trouble);
        if (err == 0)
            err = images_unset(store, rows->name, field, trouble);
        if (err == 0 && epoch == rows->epoch)
            unlist(rows, experiment);
    }
    store_reply_free(reply);
    return err;
}

/* Whether a file begins with these bytes. */
static bool is_there(const char *path, const struct rows_part *part)
{
    uint8_t *block = xmalloc(CHUNK);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    uint64_t at = 0;
    uint32_t crc = 0;
    bool good = fd >= 0;

    while (good && at < part->size) {
        size_t bytes = part->size - at < CHUNK ? (size_t)(part->size - at) : CHUNK;

        good = read_at(fd, block, bytes, at);
        if (good)
            crc = (uint32_t)crc32_z(crc, block, bytes);
        at += bytes;
    }
    fs_close(fd);
    free(block);
    return good && crc == part->crc;
}

static int fetch_chunks(struct store *store, struct span key, const struct rows_part *part, int fd,
                        struct trouble *trouble)
{
    uint64_t size = 0;
    uint32_t crc = 0;
    int err = 0;

    for (uint64_t i = 0; err == 0 && size < part->size; i++) {
        struct redisReply *reply;
        struct span bytes;
        char field[24];

        (void)snprintf(field, sizeof(field), "%" PRIu64, i);
        err = images_ask(store, STORE_WORDS(span_text("HGET"), key, span_text(field)), &reply,
                         trouble);
        if (err < 0)
            return err;
        bytes = reply->type == REDIS_REPLY_STRING ? store_reply_text(reply) : span_of(NULL, 0);
        if (bytes.size > part->size - size) /* what came behind the image */
            bytes.size = (size_t)(part->size - size);
        if (bytes.size == 0)
            err = trouble_set(trouble, ERR_MALFORMED, "rows of ended trials", NULL,
                              "a part of them is missing in Redis");
        else if (fs_write_all(fd, bytes.data, bytes.size) != 0)
            err = file_trouble(trouble, "writing them");
        else
            crc = (uint32_t)crc32_z(crc, bytes.data, bytes.size);
        size += bytes.size;
        store_reply_free(reply);
    }
    if (err == 0 && crc != part->crc)
        err = trouble_set(trouble, ERR_MALFORMED, "rows of ended trials", NULL,
                          "they are damaged in Redis");
    return err;
}

int rows_fetch(struct store *store, const char *name, uint64_t epoch, const struct rows_part *part,
               const char *folder, struct trouble *trouble)
{
    char path[LIMIT_PATH_BYTES];
    char fresh[LIMIT_PATH_BYTES];
    char key[STORE_KEY_BYTES];
    char kind[KIND_BYTES];
    int err;
    int fd;

    if ((size_t)snprintf(path, sizeof(path), "%s/%" PRIu32, folder, part->experiment) >=
            sizeof(path) ||
        (size_t)snprintf(fresh, sizeof(fresh), "%s/.new", folder) >= sizeof(fresh))
        return trouble_set(trouble, ERR_TOO_BIG, "rows of ended trials", NULL,
                           "the folder's path is too long");
    if (is_there(path, part))
        return 0;
    if (fs_make_dirs(folder, 0700) != 0)
        return file_trouble(trouble, folder);
    fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return file_trouble(trouble, fresh);
    (void)kind_of(kind, epoch, part->experiment);
    err = fetch_chunks(store, store_key(key, name, kind), part, fd, trouble);
    fs_close(fd);
    if (err == 0 && rename(fresh, path) != 0)
        err = file_trouble(trouble, path);
    if (err < 0)
        (void)unlink(fresh);
    return err;
}
