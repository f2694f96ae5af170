/* An archive read back. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "common/err.h"
#include "common/sys/fs.h"
#include "head/store/archive_inside.h"

#define KEEP "keep a copy of it, and put the file back from a backup"

struct reading {
    FILE *file;
    const char *path;
    uint64_t left; /* bytes of the file that were not read */
    struct buf bytes;
    struct trouble *trouble;
};

__attribute__((format(printf, 3, 4))) static int bad(const struct reading *reading, int err,
                                                     const char *format, ...)
{
    char why[256];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    return trouble_set(reading->trouble, err, "log archive",
                       err == ERR_VERSION     ? "read it with the version of Assay that wrote it"
                       : err == ERR_MALFORMED ? KEEP
                                              : NULL,
                       "%s: %s", reading->path, why);
}

static uint32_t get_u32(const uint8_t *in)
{
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

static uint64_t get_u64(const uint8_t *in)
{
    return (uint64_t)get_u32(in) << 32 | get_u32(in + 4);
}

/* So many more, behind what was read of it. */
static int read_more(struct reading *reading, uint64_t size)
{
    if (size > reading->left)
        return bad(reading, ERR_MALFORMED, "it is cut off, or damaged");
    errno = 0;
    if (fread(buf_reserve(&reading->bytes, size), 1, size, reading->file) != size)
        return errno != 0 ? bad(reading, err_from_errno(), "%s", strerror(errno))
                          : bad(reading, ERR_MALFORMED, "it is cut off");
    reading->bytes.size += size;
    reading->left -= size;
    return 0;
}

static int read_head(struct reading *reading, const char *name)
{
    const size_t fixed = ARCHIVE_MAGIC_BYTES + 8;
    uint32_t size;
    const uint8_t *at;
    int err = read_more(reading, fixed);

    if (err < 0)
        return err;
    at = reading->bytes.data;
    if (memcmp(at, ARCHIVE_MAGIC, ARCHIVE_MAGIC_BYTES) != 0)
        return bad(reading, ERR_MALFORMED, "it is none, or its beginning is damaged");
    if (get_u32(at + ARCHIVE_MAGIC_BYTES) != ARCHIVE_FORMAT)
        return bad(reading, ERR_VERSION, "it is of format %u, and this program reads %u",
                   get_u32(at + ARCHIVE_MAGIC_BYTES), ARCHIVE_FORMAT);
    size = get_u32(at + ARCHIVE_MAGIC_BYTES + 4);
    if (size > STORE_NAME_BYTES)
        return bad(reading, ERR_MALFORMED, "its beginning is damaged");
    err = read_more(reading, size + 4);
    if (err < 0)
        return err;
    at = reading->bytes.data;
    if ((uint32_t)crc32_z(0, at, fixed + size) != get_u32(at + fixed + size))
        return bad(reading, ERR_MALFORMED, "its beginning is damaged");
    if (!span_is(span_of(at + fixed, size), name))
        return bad(reading, ERR_EXISTS, "it holds the log of another cluster than its name says");
    return 0;
}

/* The next one, borrowed until the one after it. */
static int read_entry(struct reading *reading, struct log_id before, struct stream_entry *out,
                      uint32_t *crc)
{
    char id[LOG_ID_BYTES];
    const uint8_t *at;
    uint32_t size, boot, takeover;
    int err;

    buf_reset(&reading->bytes);
    err = read_more(reading, ARCHIVE_ENTRY_BYTES);
    if (err < 0)
        return err;
    at = reading->bytes.data;
    size = get_u32(at);
    boot = get_u32(at + 4);
    out->id = (struct log_id){get_u64(at + 8), get_u64(at + 16)};
    takeover = get_u32(at + 24);
    out->takeover = takeover == 1;
    *crc = get_u32(at + ARCHIVE_CRC_AT);
    err = read_more(reading, (uint64_t)size + boot);
    if (err < 0)
        return err;
    at = reading->bytes.data + ARCHIVE_ENTRY_BYTES;
    out->bytes = span_of(at, size);
    out->boot = span_of(at + size, boot);
    if (takeover <= 1 && archive_entry_crc(out) == *crc)
        return 0;
    (void)log_id_print(before, id);
    return bad(reading, ERR_MALFORMED, "it is damaged behind the entry %s", id);
}

static int read_entries(struct reading *reading, const struct archive_file *file,
                        archive_take_fn *take, void *context, struct archive_end *out)
{
    struct stream_entry entry = {.id = file->first};
    struct log_id last = file->first;
    bool first = true;
    uint32_t crc = 0;
    int err = 0;

    while (err == 0 && reading->left > 0) {
        err = read_entry(reading, last, &entry, &crc);
        if (err == 0 &&
            (first ? log_id_compare(entry.id, file->first) != 0 : !archive_follows(last, entry.id)))
            err = bad(reading, ERR_MALFORMED, "its entries are not in a row");
        if (err == 0 && take != NULL)
            err = take(context, &entry, reading->trouble);
        if (err == 0)
            *out = (struct archive_end){entry.id, crc};
        last = entry.id;
        first = false;
    }
    if (err == 0 && (first || log_id_compare(last, file->last) != 0))
        err = bad(reading, ERR_MALFORMED, "it ends before the entry that its name ends with");
    return err;
}

int archive_read_file(const char *folder, const struct archive_file *file, archive_take_fn *take,
                      void *context, struct archive_end *out, struct trouble *trouble)
{
    char path[LIMIT_PATH_BYTES];
    struct reading reading = {.path = path, .trouble = trouble};
    struct stat st;
    int err = archive_path(folder, file, path);

    if (err < 0)
        return trouble_set(trouble, err, "log archive", NULL, "%s: its name is too long", folder);
    reading.file = fopen(path, "rbe");
    if (reading.file == NULL || fstat(fileno(reading.file), &st) != 0)
        err = bad(&reading, err_from_errno(), "%s", strerror(errno));
    if (err == 0) {
        reading.left = (uint64_t)st.st_size;
        err = read_head(&reading, file->name);
    }
    if (err == 0)
        err = read_entries(&reading, file, take, context, out);
    if (reading.file != NULL)
        (void)fclose(reading.file); /* it was read only */
    buf_fini(&reading.bytes);
    return err;
}

/* Files and entries between them, as names tell. */
static int check_row(const char *folder, const struct archive_files *files, struct trouble *trouble)
{
    char before[LOG_ID_BYTES], behind[LOG_ID_BYTES];

    for (size_t i = 0; i < files->count; i++) {
        const struct archive_file *file = &files->items[i];

        if (file->number != i + 1)
            return trouble_set(trouble, ERR_MALFORMED, "log archive", KEEP,
                               "%s: the file %08zu is missing, or is there twice", folder,
                               file->number > i + 1 ? i + 1 : i);
        if (i == 0 || archive_follows(file[-1].last, file->first))
            continue;
        (void)log_id_print(file[-1].last, before);
        (void)log_id_print(file->first, behind);
        return trouble_set(trouble, ERR_MALFORMED, "log archive", KEEP,
                           "%s: there is a gap between the entries %s and %s", folder, before,
                           behind);
    }
    return 0;
}

int archive_read(const char *folder, char *name, archive_take_fn *take, void *context,
                 struct archive_end *out, struct trouble *trouble)
{
    struct archive_files files = {0};
    int err = archive_list(folder, name, &files, trouble);

    *out = (struct archive_end){0};
    if (err == 0 && files.count == 0)
        err = trouble_set(trouble, ERR_NOT_FOUND, "log archive",
                          "name the folder that a head was given with --log-archive",
                          "%s holds no part of a log", folder);
    if (err == 0)
        err = check_row(folder, &files, trouble);
    for (size_t i = 0; err == 0 && i < files.count; i++)
        err = archive_read_file(folder, &files.items[i], take, context, out, trouble);
    archive_files_fini(&files);
    return err;
}
