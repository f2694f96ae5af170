#include "head/redisd_tail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/limits.h"
#include "common/sys/fs.h"
#include "common/sys/log.h"

#define FOLDER         "appendonlydir"
#define MANIFEST       FOLDER "/appendonly.aof.manifest"
#define MANIFEST_BYTES 65536u
#define KEPT           "torn"

/* More than the server writes before it syncs: an entry, and rows of people's. */
#define TORN_BYTES (16u << 20)

/* And before it has synced anything at all. */
#define FIRST_BYTES 4096u

struct file {
    char path[LIMIT_PATH_BYTES];
    const char *bytes; /* mapped */
    size_t size;
};

/* A number behind mark, with its line's end. */
static bool take_number(const struct file *file, size_t *at, char mark, size_t *out)
{
    size_t number = 0;
    size_t i = *at + 1;

    if (i >= file->size || file->bytes[*at] != mark)
        return false;
    for (; i < file->size && file->bytes[i] >= '0' && file->bytes[i] <= '9'; i++) {
        if (number > SIZE_MAX / 16)
            return false;
        number = number * 10 + (size_t)(file->bytes[i] - '0');
    }
    if (i == *at + 1 || file->size - i < 2 || memcmp(file->bytes + i, "\r\n", 2) != 0)
        return false;
    *at = i + 2;
    *out = number;
    return true;
}

/* A whole command at *at: *at is behind it then. */
static bool take_command(const struct file *file, size_t *at)
{
    size_t here = *at;
    size_t words;

    if (!take_number(file, &here, '*', &words) || words == 0)
        return false;
    for (size_t i = 0; i < words; i++) {
        size_t size;

        if (!take_number(file, &here, '$', &size) || file->size - here < 2 ||
            size > file->size - here - 2 || memcmp(file->bytes + here + size, "\r\n", 2) != 0)
            return false;
        here += size + 2;
    }
    *at = here;
    return true;
}

/* Whether a whole command stands anywhere behind at: it came later than what is broken, and may
 * have been acknowledged. */
static bool holds_command(const struct file *file, size_t at)
{
    while (at < file->size) {
        const char *star = memchr(file->bytes + at, '*', file->size - at);
        size_t end;

        if (star == NULL)
            return false;
        end = (size_t)(star - file->bytes);
        at = end + 1;
        if (take_command(file, &end))
            return true;
    }
    return false;
}

static int file_failed(const char *path, struct trouble *trouble)
{
    return trouble_set(trouble, err_from_errno(), "redis-server's log", NULL, "%s: %s", path,
                       strerror(errno));
}

/* What is cut off is kept: somebody may want to look at it. */
static int put_aside(const char *dir, const struct file *file, size_t end, struct trouble *trouble)
{
    char path[LIMIT_PATH_BYTES];
    int fd;
    int err = fs_join(path, dir, KEPT);

    if (err == 0)
        err = fs_write_atomic(path, 0600, file->bytes + end, file->size - end);
    if (err < 0)
        return trouble_set(trouble, err, "redis-server's log", "make room on the disk",
                           "%s/" KEPT ": %s", dir, err_text(err));
    fd = open(file->path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)end) < 0 || fsync(fd) < 0)
        err = file_failed(file->path, trouble);
    if (fd >= 0)
        (void)close(fd);
    if (err == 0)
        log_line(
            LOG_WARNING, "log-torn",
            "the log ended in the middle of a write that nobody was told of; its %zu bytes are "
            "in %s file=%s",
            file->size - end, path, file->path);
    return err;
}

static int look_at(const char *dir, const struct file *file, struct trouble *trouble)
{
    size_t end = 0;

    while (end < file->size && take_command(file, &end))
        ;
    if (end == file->size)
        return 0;
    if (file->size - end > (end > 0 ? TORN_BYTES : FIRST_BYTES) || holds_command(file, end + 1))
        return trouble_set(trouble, ERR_MALFORMED, "redis-server's log",
                           "put back a backup of the data directory; or look at a copy with "
                           "redis-check-aof: what stands behind would be lost",
                           "%s is damaged at byte %zu of %zu", file->path, end, file->size);
    return put_aside(dir, file, end, trouble);
}

/* The last of the files that grow; ERR_NOT_FOUND: there is none yet. */
static int find_file(const char *dir, struct file *file)
{
    char path[LIMIT_PATH_BYTES];
    struct buf text = {0};
    int err = fs_join(path, dir, MANIFEST);

    if (err == 0)
        err = fs_read(path, MANIFEST_BYTES, &text);
    file->path[0] = '\0';
    for (const char *line = err == 0 ? buf_text(&text) : ""; *line != '\0';) {
        size_t size = strcspn(line, "\n");
        char name[256];
        char type;

        if (sscanf(line, "file %255[^ \n] seq %*u type %c", name, &type) == 2 && type == 'i' &&
            snprintf(path, sizeof(path), "%s/" FOLDER, dir) < (int)sizeof(path))
            err = fs_join(file->path, path, name);
        line += size + (line[size] == '\n');
    }
    buf_fini(&text);
    if (err == 0 && file->path[0] == '\0')
        err = ERR_NOT_FOUND;
    return err;
}

int redisd_tail_mend(const char *dir, struct trouble *trouble)
{
    struct file file = {0};
    struct stat status;
    void *bytes = MAP_FAILED;
    int fd;
    int err = find_file(dir, &file);

    if (err == ERR_NOT_FOUND)
        return 0;
    if (err < 0)
        return trouble_set(trouble, err, "redis-server's log", NULL, "%s/" MANIFEST ": %s", dir,
                           err_text(err));
    fd = open(file.path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return 0; /* redis-server says what it thinks of that */
    if (fd < 0 || fstat(fd, &status) < 0)
        err = file_failed(file.path, trouble);
    else if (status.st_size > 0)
        bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (err == 0 && status.st_size > 0 && bytes == MAP_FAILED)
        err = file_failed(file.path, trouble);
    if (fd >= 0)
        (void)close(fd);
    if (err < 0 || status.st_size == 0)
        return err;
    file.bytes = bytes;
    file.size = (size_t)status.st_size;
    err = look_at(dir, &file, trouble);
    (void)munmap(bytes, file.size);
    return err;
}
