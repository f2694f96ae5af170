#include "common/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

#define BUF_FIRST 64u

void buf_init(struct buf *buf)
{
    *buf = (struct buf){0};
}

void buf_fini(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){0};
}

void buf_reset(struct buf *buf)
{
    buf->size = 0;
}

uint8_t *buf_reserve(struct buf *buf, size_t size)
{
    size_t need;

    /* An empty one gets memory too, so that what comes back is never NULL. */
    if (buf->data != NULL && buf->capacity - buf->size >= size)
        return buf->data + buf->size;
    assert(size <= SIZE_MAX / 4 && buf->size <= SIZE_MAX / 4);
    need = buf->size + size;
    if (buf->capacity == 0)
        buf->capacity = BUF_FIRST;
    while (buf->capacity < need)
        buf->capacity *= 2;
    buf->data = xrealloc(buf->data, buf->capacity, 1);
    return buf->data + buf->size;
}

void buf_append(struct buf *buf, const void *data, size_t size)
{
    if (size == 0)
        return;
    memcpy(buf_reserve(buf, size), data, size);
    buf->size += size;
}

void buf_append_span(struct buf *buf, struct span bytes)
{
    buf_append(buf, bytes.data, bytes.size);
}

void buf_append_text(struct buf *buf, const char *text)
{
    buf_append(buf, text, strlen(text));
}

void buf_append_char(struct buf *buf, char c)
{
    *buf_reserve(buf, 1) = (uint8_t)c;
    buf->size++;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_vprintf(buf, format, args);
    va_end(args);
}

void buf_vprintf(struct buf *buf, const char *format, va_list args)
{
    va_list again;
    int size;

    va_copy(again, args);
    size = vsnprintf(NULL, 0, format, again);
    va_end(again);
    assert(size >= 0);
    (void)vsnprintf((char *)buf_reserve(buf, (size_t)size + 1), (size_t)size + 1, format, args);
    buf->size += (size_t)size;
}

void buf_consume(struct buf *buf, size_t count)
{
    assert(count <= buf->size);
    buf->size -= count;
    if (count > 0 && buf->size > 0)
        memmove(buf->data, buf->data + count, buf->size);
}

const char *buf_text(struct buf *buf)
{
    *buf_reserve(buf, 1) = '\0';
    return (const char *)buf->data;
}
