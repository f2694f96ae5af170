#include "common/manifest.h"

#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/pack.h"

#define FORMAT     1u
#define MODES      0755u
#define ITEMS_MOST (4u + 6u * LIMIT_CHECKPOINT_FILES)

static bool component_is_fine(const char *at, size_t size)
{
    if (size == 0 || (size == 1 && at[0] == '.') || (size == 2 && at[0] == '.' && at[1] == '.'))
        return false;
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)at[i] < 0x20 || at[i] == 0x7f || at[i] == '\\')
            return false;
    return true;
}

bool manifest_path_is_fine(struct span path)
{
    const char *at = path.data;
    size_t left = path.size;
    uint32_t depth = 0;

    if (path.size == 0 || path.size > LIMIT_CHECKPOINT_PATH || !cursor_text_is_utf8(path))
        return false;
    for (;;) {
        const char *slash = memchr(at, '/', left);
        size_t size = slash != NULL ? (size_t)(slash - at) : left;

        if (!component_is_fine(at, size) || ++depth > LIMIT_CHECKPOINT_DEPTH)
            return false;
        if (slash == NULL)
            return true;
        at += size + 1;
        left -= size + 1;
    }
}

uint32_t manifest_chunks(uint64_t size)
{
    return (uint32_t)((size + LIMIT_CHUNK_BYTES - 1) / LIMIT_CHUNK_BYTES);
}

void manifest_begin(struct buf *out, uint32_t count)
{
    pack_list(out, 2);
    pack_uint(out, FORMAT);
    pack_list(out, count);
}

void manifest_add(struct buf *out, const struct manifest_entry *entry)
{
    pack_list(out, 5);
    pack_string(out, entry->path);
    pack_bool(out, entry->folder);
    pack_uint(out, entry->mode & MODES);
    pack_uint(out, entry->size);
    pack_bytes(out, entry->hashes);
}

static bool head_read(struct cursor *cursor, uint32_t *entries)
{
    uint32_t parts, format;

    return cursor_list(cursor, &parts) && parts == 2 && cursor_u32(cursor, &format) &&
           format == FORMAT && cursor_list(cursor, entries);
}

static bool entry_read(struct cursor *cursor, struct manifest_entry *out)
{
    uint32_t parts;

    return cursor_list(cursor, &parts) && parts == 5 && cursor_text(cursor, &out->path) &&
           cursor_bool(cursor, &out->folder) && cursor_u32(cursor, &out->mode) &&
           cursor_uint(cursor, &out->size) && cursor_bytes(cursor, &out->hashes);
}

/* Whether a comes before b. */
static bool path_is_before(struct span a, struct span b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size > 0 ? memcmp(a.data, b.data, size) : 0;

    return order < 0 || (order == 0 && a.size < b.size);
}

static int entry_check(const struct manifest_entry *entry, struct span before)
{
    if (!manifest_path_is_fine(entry->path) || (entry->mode & ~MODES) != 0 ||
        (before.size > 0 && !path_is_before(before, entry->path)))
        return ERR_MALFORMED;
    if (entry->size > LIMIT_CHECKPOINT_BYTES)
        return ERR_TOO_BIG;
    if (entry->folder && entry->size > 0)
        return ERR_MALFORMED;
    return entry->hashes.size == (size_t)manifest_chunks(entry->size) * LIMIT_HASH_BYTES
               ? 0
               : ERR_MALFORMED;
}

int manifest_check(struct span bytes, struct manifest_summary *out)
{
    static const struct cursor_limits limits = {
        .depth = 3, .items = ITEMS_MOST, .text_bytes = LIMIT_MANIFEST_BYTES};
    struct manifest_summary summary = {0};
    struct span before = {0};
    struct cursor cursor;
    int err;

    if (bytes.size > LIMIT_MANIFEST_BYTES)
        return ERR_TOO_BIG;
    err = cursor_scan(bytes, &limits);
    if (err < 0)
        return err;
    cursor_init(&cursor, bytes);
    if (!head_read(&cursor, &summary.entries))
        return ERR_MALFORMED;
    if (summary.entries > LIMIT_CHECKPOINT_FILES)
        return ERR_TOO_BIG;
    for (uint32_t i = 0; i < summary.entries; i++) {
        struct manifest_entry entry;

        if (!entry_read(&cursor, &entry))
            return ERR_MALFORMED;
        err = entry_check(&entry, before);
        if (err < 0)
            return err;
        before = entry.path;
        summary.bytes += entry.size;
        summary.chunks += manifest_chunks(entry.size);
        if (summary.bytes > LIMIT_CHECKPOINT_BYTES)
            return ERR_TOO_BIG;
    }
    *out = summary;
    return 0;
}

void manifest_open(struct manifest_reader *reader, struct span bytes)
{
    cursor_init(&reader->cursor, bytes);
    if (!head_read(&reader->cursor, &reader->left))
        reader->left = 0;
}

bool manifest_next(struct manifest_reader *reader, struct manifest_entry *out)
{
    if (reader->left == 0)
        return false;
    reader->left--;
    return entry_read(&reader->cursor, out);
}
