/* span.h - borrowed bytes: where they are and how many. Never owns, never zero-terminated. */
#ifndef COMMON_SPAN_H
#define COMMON_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
    const void *data;
    size_t size;
};

/* The text without its terminator; NULL gives the empty span. */
static inline struct span span_text(const char *text)
{
    return (struct span){text, text != NULL ? strlen(text) : 0};
}

static inline struct span span_of(const void *data, size_t size)
{
    return (struct span){data, size};
}

static inline bool span_equal(struct span a, struct span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool span_is(struct span a, const char *text)
{
    return span_equal(a, span_text(text));
}

static inline bool span_ends_with(struct span a, const char *text)
{
    struct span end = span_text(text);

    return a.size >= end.size &&
           span_equal(span_of((const char *)a.data + (a.size - end.size), end.size), end);
}

/* For printf: printf("%.*s", SPAN(s)). */
#define SPAN(s) (int)(s).size, (const char *)(s).data

#endif
