/* buf.h - bytes that grow at the end. Owns its memory; {0} is an empty one. */
#ifndef COMMON_BUF_H
#define COMMON_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "common/span.h"

struct buf {
    uint8_t *data; /* owned */
    size_t size;
    size_t capacity;
};

void buf_init(struct buf *buf);
void buf_fini(struct buf *buf);

/* Forget the content, keep the memory. */
void buf_reset(struct buf *buf);

/* Room for size more bytes behind the content; returns where to write them, which does not count
 * them yet: add to buf->size what was written. */
uint8_t *buf_reserve(struct buf *buf, size_t size);

void buf_append(struct buf *buf, const void *data, size_t size);
void buf_append_span(struct buf *buf, struct span bytes);
void buf_append_text(struct buf *buf, const char *text);
void buf_append_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *buf, const char *format, va_list args);

/* Take count bytes off the front, moving the rest down. */
void buf_consume(struct buf *buf, size_t count);

/* The content as text: a terminator stands behind it, which size does not count. */
const char *buf_text(struct buf *buf);

static inline struct span buf_span(const struct buf *buf)
{
    return (struct span){buf->data, buf->size};
}

#endif
