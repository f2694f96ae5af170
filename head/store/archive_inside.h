/* archive_inside.h - what the files of an archive share. */
#ifndef STORE_ARCHIVE_INSIDE_H
#define STORE_ARCHIVE_INSIDE_H

#include "common/buf.h"
#include "common/limits.h"
#include "head/store/archive.h"

#define ARCHIVE_MAGIC       "ASSAYLOG"
#define ARCHIVE_MAGIC_BYTES 8u
#define ARCHIVE_ENTRY_BYTES 32u /* before an entry's own */
#define ARCHIVE_CRC_AT      28u /* of these */
#define ARCHIVE_NEW         ".new"
#define ARCHIVE_LOCK        ".lock"

/* A file as its name tells. */
struct archive_file {
    uint64_t number;
    char name[STORE_NAME_BYTES + 1];
    struct log_id first;
    struct log_id last;
};

/* Those of a folder, by number. */
struct archive_files {
    struct archive_file *items; /* owned */
    size_t count;
};

/* name: whose they have to be; empty: that of the first is filled in. Other things that lie there
 * are passed over. 0, ERR_EXISTS and what the disk says. */
int archive_list(const char *folder, char *name, struct archive_files *out,
                 struct trouble *trouble);
void archive_files_fini(struct archive_files *files);

/* Into out, of LIMIT_PATH_BYTES. */
int archive_path(const char *folder, const struct archive_file *file, char *out);

/* Whether an entry of this id comes behind the other one in a log: the next of its epoch, or what
 * takes the next one (stream_claim). */
bool archive_follows(struct log_id last, struct log_id id);

/* The head of a file, and of an entry; behind out. */
void archive_put_head(const char *name, struct buf *out);
void archive_put_entry(const struct stream_entry *entry, struct buf *out);

/* The CRC that stands with an entry. */
uint32_t archive_entry_crc(const struct stream_entry *entry);

/* Read one file. take may be NULL. */
int archive_read_file(const char *folder, const struct archive_file *file, archive_take_fn *take,
                      void *context, struct archive_end *out, struct trouble *trouble);

#endif
