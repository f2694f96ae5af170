#include "head/sink/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/limits.h"
#include "common/sys/fs.h"
#include "common/table.h"
#include "common/xalloc.h"

/* Where an attempt after the first begins in its file. */
struct base {
    struct base *next;
    uint64_t offset;
};

struct output {
    struct table *bases; /* by folder, stream and attempt */
    struct base *all;
};

struct output *output_new(void)
{
    struct output *output = xcalloc(1, sizeof(*output));

    output->bases = table_new();
    return output;
}

void output_free(struct output *output)
{
    if (output == NULL)
        return;
    while (output->all != NULL) {
        struct base *next = output->all->next;

        free(output->all);
        output->all = next;
    }
    table_free(output->bases);
    free(output);
}

/* First seen at its offset: what is in the file before belongs to the attempts before, also after
 * this program was started again in the middle. */
static uint64_t base_of(struct output *output, const char *path, uint32_t attempt, uint64_t offset,
                        uint64_t file_bytes)
{
    struct base *base;
    struct buf key;

    if (attempt <= 1)
        return 0;
    buf_init(&key);
    buf_printf(&key, "%s %u", path, attempt);
    base = table_get(output->bases, buf_span(&key));
    if (base == NULL) {
        base = xcalloc(1, sizeof(*base));
        base->offset = file_bytes > offset ? file_bytes - offset : 0;
        base->next = output->all;
        output->all = base;
        (void)table_put(output->bases, buf_span(&key), base);
    }
    buf_fini(&key);
    return base->offset;
}

void output_write(struct output *output, const char *folder, uint32_t attempt, uint32_t stream,
                  uint64_t offset, struct span bytes, char *trouble, size_t size)
{
    char path[LIMIT_PATH_BYTES];
    const uint8_t *at = bytes.data;
    size_t left = bytes.size;
    struct stat st;
    off_t place;
    int fd;

    if (fs_join(path, folder, stream == 0 ? "stdout" : "stderr") != 0)
        return;
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    /* Output may come before the trial's first result made its folder. */
    if (fd < 0 && errno == ENOENT && fs_make_dirs(folder, 0755) == 0)
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0 || fstat(fd, &st) != 0) {
        (void)snprintf(trouble, size, "cannot write %s: %s", path, strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        return;
    }
    place = (off_t)(base_of(output, path, attempt, offset, (uint64_t)st.st_size) + offset);
    while (left > 0) {
        ssize_t put = pwrite(fd, at, left, place);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            (void)snprintf(trouble, size, "cannot write %s: %s", path, strerror(errno));
            break;
        }
        at += put;
        place += put;
        left -= (size_t)put;
    }
    (void)close(fd);
}
