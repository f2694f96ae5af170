/* An archive that is written. */
#include "head/store/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/sys/failpoint.h"
#include "common/sys/fs.h"
#include "common/xalloc.h"
#include "head/store/archive_inside.h"

#define GATHER_BYTES (1u << 20) /* written at once */

struct archive {
    char *folder; /* owned */
    int lock;
    uint64_t number; /* of the last file */
    bool unsynced;   /* its name may not be on the disk */
    struct archive_end sealed;
    struct archive_end reached; /* with what was added behind it */

    int fd; /* of the file that was begun; -1: none was */
    char new_path[LIMIT_PATH_BYTES];
    struct archive_file file; /* what it will be */
    uint64_t bytes;           /* of it, those gathered included */
    struct buf gathered;
};

static int fail(const struct archive *archive, struct trouble *trouble)
{
    int err = err_from_errno();

    return trouble_set(trouble, err, "log archive",
                       err == ERR_FULL ? "make room there" : "see what is wrong with that folder",
                       "%s: %s", archive->folder, strerror(errno));
}

void archive_forget(struct archive *archive)
{
    if (archive->fd >= 0) {
        fs_close(archive->fd);
        (void)unlink(archive->new_path); /* written over, else */
    }
    archive->fd = -1;
    archive->bytes = 0;
    archive->reached = archive->sealed;
    buf_reset(&archive->gathered);
}

static int begin(struct archive *archive)
{
    archive->fd =
        open(archive->new_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (archive->fd < 0)
        return -1;
    archive->file.number = archive->number + 1;
    archive_put_head(archive->file.name, &archive->gathered);
    return 0;
}

static int flush(struct archive *archive)
{
    if (fs_write_all(archive->fd, archive->gathered.data, archive->gathered.size) != 0)
        return -1;
    buf_reset(&archive->gathered);
    return 0;
}

/* A folder that cannot be written to is found at the start, not when the log is to be cut. */
static int try_folder(struct archive *archive, struct trouble *trouble)
{
    int rc = begin(archive);

    if (rc == 0)
        rc = flush(archive);
    if (rc != 0)
        rc = fail(archive, trouble);
    archive_forget(archive);
    return rc;
}

static int lock_folder(struct archive *archive, struct trouble *trouble)
{
    char path[LIMIT_PATH_BYTES];

    if (fs_make_dirs(archive->folder, 0700) != 0)
        return fail(archive, trouble);
    if (fs_join(path, archive->folder, ARCHIVE_LOCK) != 0 ||
        fs_join(archive->new_path, archive->folder, ARCHIVE_NEW) != 0)
        return trouble_set(trouble, ERR_TOO_BIG, "log archive", NULL, "%s: its name is too long",
                           archive->folder);
    archive->lock = fs_lock(path);
    if (archive->lock == ERR_AGAIN)
        return trouble_set(trouble, ERR_AGAIN, "log archive", "name a folder of its own for it",
                           "another head writes to %s", archive->folder);
    return archive->lock < 0 ? fail(archive, trouble) : 0;
}

/* Where it ends: its last file is read for it. */
static int find_end(struct archive *archive, struct trouble *trouble)
{
    struct archive_files files = {0};
    int err = archive_list(archive->folder, archive->file.name, &files, trouble);

    if (err == 0 && files.count > 0) {
        const struct archive_file *last = &files.items[files.count - 1];

        archive->number = last->number;
        err = archive_read_file(archive->folder, last, NULL, NULL, &archive->sealed, trouble);
        archive->reached = archive->sealed;
    }
    archive_files_fini(&files);
    return err;
}

int archive_open(const char *folder, const char *name, struct archive **out,
                 struct trouble *trouble)
{
    struct archive *archive = xcalloc(1, sizeof(*archive));
    int err;

    archive->folder = xstrdup(folder);
    archive->lock = archive->fd = -1;
    (void)snprintf(archive->file.name, sizeof(archive->file.name), "%s", name);
    err = lock_folder(archive, trouble);
    if (err == 0)
        err = find_end(archive, trouble);
    if (err == 0)
        err = try_folder(archive, trouble);
    if (err < 0) {
        archive_close(archive);
        return err;
    }
    *out = archive;
    return 0;
}

void archive_close(struct archive *archive)
{
    if (archive == NULL)
        return;
    archive_forget(archive);
    if (archive->lock >= 0)
        (void)close(archive->lock);
    buf_fini(&archive->gathered);
    free(archive->folder);
    free(archive);
}

struct archive_end archive_end(const struct archive *archive)
{
    return archive->sealed;
}

uint64_t archive_unsealed(const struct archive *archive)
{
    return archive->bytes;
}

static int not_next(const struct archive *archive, const struct stream_entry *entry,
                    const char *what, struct trouble *trouble)
{
    char last[LOG_ID_BYTES], id[LOG_ID_BYTES];

    (void)log_id_print(archive->reached.id, last);
    (void)log_id_print(entry->id, id);
    return trouble_set(
        trouble, ERR_MALFORMED, "log archive", "name another folder with --log-archive",
        "%s ends with the entry %s, and the log has %s: %s", archive->folder, last, id, what);
}

int archive_add(struct archive *archive, const struct stream_entry *entry, struct trouble *trouble)
{
    const struct archive_end *last = &archive->reached;
    uint32_t crc = archive_entry_crc(entry);
    int order = log_id_compare(entry->id, last->id);

    if (last->id.epoch > 0 && order == 0 && crc != last->crc)
        return not_next(archive, entry, "it is another cluster's", trouble);
    if (last->id.epoch > 0 && order <= 0)
        return 0;
    if (last->id.epoch > 0 && !archive_follows(last->id, entry->id))
        return not_next(archive, entry, "entries are missing between them", trouble);
    if (archive->fd < 0 && begin(archive) != 0)
        return fail(archive, trouble);
    if (archive->bytes == 0)
        archive->file.first = entry->id;
    archive_put_entry(entry, &archive->gathered);
    archive->bytes += ARCHIVE_ENTRY_BYTES + entry->bytes.size + entry->boot.size;
    archive->file.last = entry->id;
    archive->reached = (struct archive_end){entry->id, crc};
    if (archive->gathered.size >= GATHER_BYTES && flush(archive) != 0) {
        int err = fail(archive, trouble);

        archive_forget(archive);
        return err;
    }
    return 0;
}

/* The name last: whoever finds it finds all of it. */
static int seal(struct archive *archive, const char *path)
{
    int rc = flush(archive);

    if (rc == 0)
        rc = fsync(archive->fd);
    FAILPOINT("archive-synced");
    if (rc == 0)
        rc = rename(archive->new_path, path);
    return rc;
}

static int sync_name(struct archive *archive, struct trouble *trouble)
{
    if (!archive->unsynced)
        return 0;
    if (fs_sync_dir(archive->folder) != 0)
        return fail(archive, trouble);
    archive->unsynced = false;
    return 0;
}

int archive_seal(struct archive *archive, struct trouble *trouble)
{
    char path[LIMIT_PATH_BYTES];
    int err = 0;

    if (archive->bytes == 0)
        return sync_name(archive, trouble);
    if (archive_path(archive->folder, &archive->file, path) != 0)
        err = trouble_set(trouble, ERR_TOO_BIG, "log archive", NULL, "%s: its name is too long",
                          archive->folder);
    else if (seal(archive, path) != 0)
        err = fail(archive, trouble);
    if (err < 0) {
        archive_forget(archive);
        return err;
    }
    /* It has its name: what comes next goes on behind it, whatever the disk says now. */
    (void)close(archive->fd);
    archive->fd = -1;
    archive->bytes = 0;
    archive->number = archive->file.number;
    archive->sealed = archive->reached;
    archive->unsynced = true;
    FAILPOINT("archive-sealed");
    return sync_name(archive, trouble);
}
