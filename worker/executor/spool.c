#include "worker/executor/spool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/failpoint.h"
#include "common/sys/fs.h"
#include "common/sys/log.h"
#include "common/xalloc.h"

#define TAIL_WRITE 65536u  /* written at once */
#define TAIL_MOST  262144u /* kept where the disk takes nothing, before the program must wait */
#define READ_BYTES 262144u /* read back at once; a record and its frame always fit */

struct frame {
    uint32_t size;
    uint32_t crc;
};

void spool_init(struct spool *spool, const char *path)
{
    *spool = (struct spool){.path = xstrdup(path), .fd = -1};
}

void spool_fini(struct spool *spool)
{
    if (spool->fd >= 0)
        (void)close(spool->fd);
    buf_fini(&spool->window.bytes);
    buf_fini(&spool->window.ends);
    buf_fini(&spool->tail);
    free(spool->path);
    *spool = (struct spool){.fd = -1};
}

static size_t window_count(const struct spool_window *window)
{
    return window->ends.size / sizeof(size_t);
}

/* Where record number index of the window (the acknowledged ones at its front count) begins. */
static size_t window_begin(const struct spool_window *window, size_t index)
{
    size_t begin = 0;

    if (index > 0)
        memcpy(&begin, window->ends.data + (index - 1) * sizeof(begin), sizeof(begin));
    return begin;
}

static size_t window_bytes(const struct spool_window *window)
{
    return window->bytes.size - window_begin(window, window->first);
}

static void window_add(struct spool_window *window, struct span record)
{
    size_t end;

    buf_append_span(&window->bytes, record);
    end = window->bytes.size;
    buf_append(&window->ends, &end, sizeof(end));
}

/* Take the acknowledged ones off the front, when that moves less than it frees. */
static void window_trim(struct spool_window *window)
{
    size_t begin = window_begin(window, window->first);

    if (window->first == window_count(window)) {
        buf_reset(&window->bytes);
        buf_reset(&window->ends);
    } else if (begin >= window->bytes.size - begin) {
        buf_consume(&window->bytes, begin);
        buf_consume(&window->ends, window->first * sizeof(size_t));
        for (size_t i = 0; i < window_count(window); i++) {
            size_t end;

            memcpy(&end, window->ends.data + i * sizeof(end), sizeof(end));
            end -= begin;
            memcpy(window->ends.data + i * sizeof(end), &end, sizeof(end));
        }
    } else {
        return;
    }
    window->first = 0;
}

/* The tail goes behind the file. Where the disk does not take it, it stays. */
static void tail_write(struct spool *spool)
{
    if (spool->fd < 0) {
        spool->fd = open(spool->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (spool->fd < 0)
            return;
        (void)unlink(spool->path); /* it goes with us, however we go */
    }
    if (lseek(spool->fd, (off_t)spool->written, SEEK_SET) < 0 ||
        fs_write_all(spool->fd, spool->tail.data, spool->tail.size) < 0)
        return; /* what was half written is written over */
    spool->written += spool->tail.size;
    FAILPOINT("spool-written");
    buf_reset(&spool->tail);
}

void spool_append(struct spool *spool, struct span record)
{
    struct frame frame;
    bool behind = spool->read_at < spool->written || spool->tail.size > 0;

    spool->last++;
    FAILPOINT("spool-append");
    if (!behind && window_bytes(&spool->window) + record.size <= LIMIT_WINDOW_BYTES) {
        window_add(&spool->window, record);
        return;
    }
    frame =
        (struct frame){(uint32_t)record.size, (uint32_t)crc32(0, record.data, (uInt)record.size)};
    buf_append(&spool->tail, &frame, sizeof(frame));
    buf_append_span(&spool->tail, record);
    if (spool->tail.size >= TAIL_WRITE && spool->written < LIMIT_SPOOL_BYTES)
        tail_write(spool);
}

bool spool_full(struct spool *spool)
{
    if (spool->tail.size < TAIL_MOST)
        return false;
    if (spool->written < LIMIT_SPOOL_BYTES)
        tail_write(spool); /* the disk may have room again */
    return spool->tail.size >= TAIL_MOST;
}

/* Move framed records into the window while it has room; how many bytes of them were used, or
 * ERR_MALFORMED. */
static ssize_t frames_take(struct spool *spool, struct span bytes)
{
    size_t at = 0;
    struct frame frame;

    while (bytes.size - at >= sizeof(frame)) {
        const uint8_t *record = (const uint8_t *)bytes.data + at + sizeof(frame);

        memcpy(&frame, (const uint8_t *)bytes.data + at, sizeof(frame));
        if (frame.size > bytes.size - at - sizeof(frame))
            break;
        if ((uint32_t)crc32(0, record, frame.size) != frame.crc)
            return ERR_MALFORMED;
        if (window_bytes(&spool->window) + frame.size > LIMIT_WINDOW_BYTES)
            break;
        window_add(&spool->window, span_of(record, frame.size));
        at += sizeof(frame) + frame.size;
    }
    return (ssize_t)at;
}

static int file_take(struct spool *spool)
{
    struct buf bytes = {0};
    ssize_t got, used = 0;

    while (spool->read_at < spool->written) {
        size_t want = spool->written - spool->read_at < READ_BYTES
                          ? (size_t)(spool->written - spool->read_at)
                          : READ_BYTES;

        buf_reset(&bytes);
        got = pread(spool->fd, buf_reserve(&bytes, want), want, (off_t)spool->read_at);
        used = got == (ssize_t)want ? frames_take(spool, span_of(bytes.data, want)) : ERR_IO;
        if (used == 0 && window_bytes(&spool->window) + LIMIT_RECORD_BYTES <= LIMIT_WINDOW_BYTES)
            used = ERR_MALFORMED; /* there is room, and no whole record comes */
        if (used <= 0)
            break;
        spool->read_at += (uint64_t)used;
    }
    buf_fini(&bytes);
    if (used < 0)
        return ERR_MALFORMED;
    if (spool->read_at == spool->written && spool->written > 0) {
        /* Where it cannot be cut it is written over. */
        if (ftruncate(spool->fd, 0) < 0)
            log_line(LOG_WARNING, "spool_kept", "a spool file cannot be cut: %s", strerror(errno));
        spool->read_at = spool->written = 0;
    }
    return 0;
}

/* Fill the window from the file, and from the tail once the file is empty. */
static int window_refill(struct spool *spool)
{
    int err = spool->written > 0 ? file_take(spool) : 0;
    ssize_t used;

    if (err < 0 || spool->read_at < spool->written || spool->tail.size == 0)
        return err;
    used = frames_take(spool, buf_span(&spool->tail));
    if (used < 0)
        return (int)used;
    buf_consume(&spool->tail, (size_t)used);
    return 0;
}

bool spool_has_unsent(const struct spool *spool)
{
    return spool->sent - spool->acked < window_count(&spool->window) - spool->window.first;
}

bool spool_take(struct spool *spool, size_t most_bytes, uint32_t most_count, uint64_t *first_seq,
                uint32_t *count, struct span *out)
{
    const struct spool_window *window = &spool->window;
    size_t index = window->first + (size_t)(spool->sent - spool->acked);
    size_t begin = window_begin(window, index);
    uint32_t taken = 0;

    if (!spool_has_unsent(spool))
        return false;
    while (taken < most_count && index + taken < window_count(window) &&
           (taken == 0 || window_begin(window, index + taken + 1) - begin <= most_bytes))
        taken++;
    *first_seq = spool->sent + 1;
    *count = taken;
    *out = span_of(window->bytes.data + begin, window_begin(window, index + taken) - begin);
    spool->sent += taken;
    return true;
}

/* What the file does not give back never was: the next record comes behind the window's. */
static void rest_forget(struct spool *spool)
{
    if (spool->fd >= 0)
        (void)close(spool->fd);
    spool->fd = -1;
    spool->read_at = spool->written = 0;
    buf_reset(&spool->tail);
    spool->last = spool->acked + window_count(&spool->window) - spool->window.first;
}

int spool_ack(struct spool *spool, uint64_t seq)
{
    int err;
    struct spool_window *window = &spool->window;
    size_t held = window_count(window) - window->first;
    size_t count;

    if (seq <= spool->acked)
        return 0;
    /* More than was ever sent is a peer's mistake: nothing beyond can be meant. */
    count = seq - spool->acked > held ? held : (size_t)(seq - spool->acked);
    window->first += count;
    spool->acked += count;
    if (spool->sent < spool->acked)
        spool->sent = spool->acked;
    window_trim(window);
    if (window_bytes(window) > LIMIT_WINDOW_BYTES / 2)
        return 0;
    err = window_refill(spool);
    if (err < 0)
        rest_forget(spool);
    return err;
}

void spool_forget(struct spool *spool, uint64_t seq)
{
    spool->window.first = window_count(&spool->window);
    window_trim(&spool->window);
    rest_forget(spool);
    spool->acked = spool->sent = spool->last = seq;
}

void spool_rewind(struct spool *spool)
{
    spool->sent = spool->acked;
}
