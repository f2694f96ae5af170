/* space_rig.h - configurations read from a line of JSON, for the tests of space.h. */
#ifndef TESTS_SPACE_RIG_H
#define TESTS_SPACE_RIG_H

#include <check.h>

#include "common/json.h"
#include "common/space.h"

static struct arena arena;
static struct buf text;
static struct space_error error;

static inline void setup(void)
{
    arena_init(&arena);
    text = (struct buf){0};
}

static inline void teardown(void)
{
    arena_fini(&arena);
    buf_fini(&text);
}

static inline struct value value(const char *json)
{
    struct json_error wrong;
    struct value out;

    ck_assert_msg(json_read(span_text(json), &arena, &out, &wrong) == 0, "%s: %s", json,
                  wrong.what);
    return out;
}

static inline struct value quoted(const char *json)
{
    char *copy = arena_strdup(&arena, json);

    for (char *at = copy; *at != '\0'; at++)
        if (*at == '\'')
            *at = '"';
    return value(copy);
}

#endif
