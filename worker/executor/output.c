#include "worker/executor/output.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cursor.h"
#include "common/err.h"
#include "common/limits.h"
#include "common/sys/fs.h"
#include "worker/executor/workdir.h"

#define KEEP_FIRST (LIMIT_LOG_BYTES / 2)
#define KEEP_TAIL  (LIMIT_LOG_BYTES / 4)
#define SEND_BYTES 65536u

void output_init(struct output *output, const char *dir, const char *name)
{
    *output = (struct output){.dir = dir, .name = name, .fd = -1, .tail_fd = -1};
}

void output_fini(struct output *output)
{
    if (output->fd >= 0)
        (void)close(output->fd);
    if (output->tail_fd >= 0)
        (void)close(output->tail_fd);
    buf_fini(&output->last);
    output->fd = output->tail_fd = -1;
}

/* DIR/NAME and a suffix; false where that is too long for a path. */
static bool output_path(const struct output *output, const char *suffix, char *out)
{
    int size = snprintf(out, LIMIT_PATH_BYTES, "%s/%s%s", output->dir, output->name, suffix);

    return size > 0 && (unsigned)size < LIMIT_PATH_BYTES;
}

static int file_open(const struct output *output, const char *suffix, int flags)
{
    char path[LIMIT_PATH_BYTES];

    if (!output_path(output, suffix, path))
        return -1;
    return workdir_file_open(path, O_RDWR | O_APPEND | flags);
}

static bool first_open(struct output *output)
{
    struct stat status;

    if (output->fd >= 0)
        return true;
    output->fd = file_open(output, "", 0);
    if (output->fd < 0 || fstat(output->fd, &status) < 0)
        return false;
    output->base = (uint64_t)status.st_size;
    return true;
}

static void first_write(struct output *output, struct span bytes)
{
    if (bytes.size == 0 || output->failed)
        return;
    if (!first_open(output) || fs_write_all(output->fd, bytes.data, bytes.size) < 0) {
        output->failed = true;
        return;
    }
    output->kept += bytes.size;
}

static void tail_turn(struct output *output)
{
    char path[LIMIT_PATH_BYTES], old[LIMIT_PATH_BYTES];

    if (output->tail_fd >= 0)
        (void)close(output->tail_fd);
    output->tail_fd = -1;
    output->tail_size = 0;
    if (output_path(output, ".tail", path) && output_path(output, ".tail.1", old))
        (void)rename(path, old); /* there is none to rename at first */
}

static void tail_write(struct output *output, struct span bytes)
{
    if (bytes.size == 0 || output->failed)
        return;
    if (output->tail_fd < 0 || output->tail_size + bytes.size > KEEP_TAIL) {
        if (output->tail_fd >= 0)
            tail_turn(output);
        output->tail_fd = file_open(output, ".tail", O_TRUNC);
    }
    if (output->tail_fd < 0 || fs_write_all(output->tail_fd, bytes.data, bytes.size) < 0)
        output->failed = true;
    else
        output->tail_size += bytes.size;
}

static void last_keep(struct output *output, struct span bytes)
{
    if (bytes.size > LIMIT_STDERR_TAIL)
        bytes =
            span_of((const char *)bytes.data + bytes.size - LIMIT_STDERR_TAIL, LIMIT_STDERR_TAIL);
    if (output->last.size + bytes.size > 4 * (size_t)LIMIT_STDERR_TAIL)
        buf_consume(&output->last, output->last.size - LIMIT_STDERR_TAIL);
    buf_append_span(&output->last, bytes);
}

void output_write(struct output *output, struct span bytes)
{
    size_t first = output->total >= KEEP_FIRST                ? 0
                   : KEEP_FIRST - output->total >= bytes.size ? bytes.size
                                                              : KEEP_FIRST - output->total;

    first_write(output, span_of(bytes.data, first));
    tail_write(output, span_of((const char *)bytes.data + first, bytes.size - first));
    last_keep(output, bytes);
    output->total += bytes.size;
}

void output_end(struct output *output)
{
    output->ended = true;
    if (output->tail_fd >= 0)
        (void)close(output->tail_fd);
    output->tail_fd = -1;
}

/* The line that stands for what the head is not sent. */
static void notice(const struct output *output, struct buf *out)
{
    char host[256] = "";

    (void)gethostname(host, sizeof(host) - 1);
    if (output->failed) {
        buf_printf(out,
                   "\n[assay: %" PRIu64 " more bytes were written, and are not all kept: %s/%s "
                   "could not be written on %s]\n",
                   output->total - output->kept, output->dir, output->name, host);
        return;
    }
    buf_printf(out,
               "\n[assay: %" PRIu64
               " more bytes were written; the last of them are in %s/%s.tail on %s]\n",
               output->total - output->kept, output->dir, output->name, host);
}

bool output_unsent(const struct output *output)
{
    return output->sent < output->kept ||
           (output->ended && output->sent == output->kept && output->total > output->kept);
}

void output_read(struct output *output, struct buf *out)
{
    size_t want = output->kept - output->sent < SEND_BYTES ? (size_t)(output->kept - output->sent)
                                                           : SEND_BYTES;
    ssize_t got;

    buf_reset(out);
    if (output->sent >= output->kept) {
        notice(output, out);
        return;
    }
    got = pread(output->fd, buf_reserve(out, want), want, (off_t)(output->base + output->sent));
    if (got > 0)
        out->size = (size_t)got;
    else
        output_refuse(output); /* somebody cut the file: there is nothing to send */
}

void output_acknowledge(struct output *output, size_t size)
{
    output->sent += size;
}

void output_refuse(struct output *output)
{
    output->sent = UINT64_MAX;
}

void output_remove(struct output *output)
{
    char path[LIMIT_PATH_BYTES];

    if (output->fd >= 0 && output->total == output->kept && output_path(output, "", path))
        (void)unlink(path);
}

void output_last(const struct output *output, size_t most_bytes, struct buf *out)
{
    const char *begin = (const char *)output->last.data;
    size_t size = output->last.size;
    size_t from = out->size;

    if (size > most_bytes) {
        const char *line = memchr(begin + size - most_bytes, '\n', most_bytes);

        /* From the beginning of a line, unless it is all one. */
        if (line == NULL || line + 1 == begin + size)
            line = begin + size - most_bytes;
        else
            line++;
        size -= (size_t)(line - begin);
        begin = line;
    }
    while (size > 0 && (begin[size - 1] == '\n' || begin[size - 1] == '\r'))
        size--;
    if (size == 0)
        return;
    buf_append(out, begin, size);
    output_clean(out, from);
}

void output_clean(struct buf *text, size_t from)
{
    size_t size = text->size - from;

    if (size == 0 || (cursor_text_is_utf8(span_of(text->data + from, size)) &&
                      memchr(text->data + from, 0, size) == NULL))
        return;
    for (size_t i = from; i < text->size; i++)
        if (text->data[i] == 0 || text->data[i] >= 0x80)
            text->data[i] = '?';
}
