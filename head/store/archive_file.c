/* Names and bytes of an archive's files. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/err.h"
#include "common/sys/fs.h"
#include "common/xalloc.h"
#include "head/store/archive_inside.h"

#define SUFFIX ".assaylog"

static void put_u32(uint32_t number, struct buf *out)
{
    const uint8_t bytes[] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
                             (uint8_t)(number >> 8), (uint8_t)number};

    buf_append(out, bytes, sizeof(bytes));
}

static void put_u64(uint64_t number, struct buf *out)
{
    put_u32((uint32_t)(number >> 32), out);
    put_u32((uint32_t)number, out);
}

void archive_put_head(const char *name, struct buf *out)
{
    size_t from = out->size;

    buf_append(out, ARCHIVE_MAGIC, ARCHIVE_MAGIC_BYTES);
    put_u32(ARCHIVE_FORMAT, out);
    put_u32((uint32_t)strlen(name), out);
    buf_append_text(out, name);
    put_u32((uint32_t)crc32_z(0, out->data + from, out->size - from), out);
}

static uint32_t entry_head(const struct stream_entry *entry, struct buf *out)
{
    size_t from = out->size;
    uLong crc;

    put_u32((uint32_t)entry->bytes.size, out);
    put_u32((uint32_t)entry->boot.size, out);
    put_u64(entry->id.epoch, out);
    put_u64(entry->id.n, out);
    put_u32(entry->takeover, out);
    crc = crc32_z(0, out->data + from, out->size - from);
    if (entry->bytes.size > 0) /* of nothing it would begin anew */
        crc = crc32_z(crc, entry->bytes.data, entry->bytes.size);
    if (entry->boot.size > 0)
        crc = crc32_z(crc, entry->boot.data, entry->boot.size);
    put_u32((uint32_t)crc, out);
    return (uint32_t)crc;
}

uint32_t archive_entry_crc(const struct stream_entry *entry)
{
    struct buf head = {0};
    uint32_t crc = entry_head(entry, &head);

    buf_fini(&head);
    return crc;
}

void archive_put_entry(const struct stream_entry *entry, struct buf *out)
{
    (void)entry_head(entry, out);
    buf_append_span(out, entry->bytes);
    buf_append_span(out, entry->boot);
}

bool archive_follows(struct log_id last, struct log_id id)
{
    return id.n == 0 ? id.epoch == last.epoch + 1 : id.epoch == last.epoch && id.n == last.n + 1;
}

int archive_path(const char *folder, const struct archive_file *file, char *out)
{
    char first[LOG_ID_BYTES], last[LOG_ID_BYTES];
    char name[STORE_NAME_BYTES + 2 * LOG_ID_BYTES + 32];

    (void)log_id_print(file->first, first);
    (void)log_id_print(file->last, last);
    (void)snprintf(name, sizeof(name), "%08" PRIu64 ".%s.%s_%s" SUFFIX, file->number, file->name,
                   first, last);
    return fs_join(out, folder, name);
}

/* Digits, to a dot. */
static const char *read_number(const char *text, uint64_t *out)
{
    uint64_t number = 0;
    const char *at = text;

    for (; *at >= '0' && *at <= '9' && number < UINT64_MAX / 16; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    if (at == text || *at != '.')
        return NULL;
    *out = number;
    return at + 1;
}

/* The name may have dots in it, ids have none. */
static bool read_name(const char *text, struct archive_file *out)
{
    const char *name = read_number(text, &out->number);
    const char *end = strstr(text, SUFFIX);
    const char *ids, *dash;

    if (name == NULL || end == NULL || strcmp(end, SUFFIX) != 0 || end <= name)
        return false;
    ids = memrchr(name, '.', (size_t)(end - name));
    if (ids == NULL || (size_t)(ids - name) > STORE_NAME_BYTES)
        return false;
    memcpy(out->name, name, (size_t)(ids - name));
    out->name[ids - name] = '\0';
    ids++;
    dash = memchr(ids, '_', (size_t)(end - ids));
    return dash != NULL && store_name_is_good(out->name) &&
           log_id_parse(span_of(ids, (size_t)(dash - ids)), &out->first) &&
           log_id_parse(span_of(dash + 1, (size_t)(end - dash - 1)), &out->last) &&
           log_id_compare(out->first, out->last) <= 0;
}

static int by_number(const void *a, const void *b)
{
    uint64_t left = ((const struct archive_file *)a)->number;
    uint64_t right = ((const struct archive_file *)b)->number;

    return (left > right) - (left < right);
}

static int check_owner(const char *folder, char *name, const struct archive_file *file,
                       struct trouble *trouble)
{
    if (name[0] == '\0')
        memcpy(name, file->name, sizeof(file->name));
    if (strcmp(name, file->name) == 0)
        return 0;
    return trouble_set(trouble, ERR_EXISTS, "log archive", "name a folder of its own for it",
                       "%s holds the log of the cluster %s, not of %s", folder, file->name, name);
}

int archive_list(const char *folder, char *name, struct archive_files *out, struct trouble *trouble)
{
    DIR *dir = opendir(folder);
    struct archive_files files = {0};
    struct archive_file file;
    const struct dirent *item;
    int err = 0;

    if (dir == NULL) {
        err = err_from_errno();
        return trouble_set(trouble, err, "log archive", NULL, "%s: %s", folder, err_text(err));
    }
    while (err == 0 && (item = readdir(dir)) != NULL) {
        if (!read_name(item->d_name, &file))
            continue;
        err = check_owner(folder, name, &file, trouble);
        files.items = xrealloc(files.items, files.count + 1, sizeof(*files.items));
        files.items[files.count++] = file;
    }
    (void)closedir(dir);
    if (err < 0) {
        archive_files_fini(&files);
        return err;
    }
    if (files.count > 1)
        qsort(files.items, files.count, sizeof(*files.items), by_number);
    *out = files;
    return 0;
}

void archive_files_fini(struct archive_files *files)
{
    free(files->items);
    *files = (struct archive_files){0};
}
