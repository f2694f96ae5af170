/* spec_rig.h - an experiment read from a line of JSON, for the tests of spec.h. */
#ifndef TESTS_SPEC_RIG_H
#define TESTS_SPEC_RIG_H

#include <check.h>
#include <stdio.h>

#include "common/err.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/spec.h"

#define NATIVE "'run': {'native': 'x.so'}"

static struct arena arena;
static struct spec spec;
static struct spec_error error;

static void setup(void)
{
    arena_init(&arena);
    spec = (struct spec){0};
    error = (struct spec_error){0};
}

static void teardown(void)
{
    arena_fini(&arena);
}

/* JSON with ' for ". */
static struct value quoted(const char *json)
{
    struct json_error wrong;
    struct value out;
    char *copy = arena_strdup(&arena, json);

    for (char *at = copy; *at != '\0'; at++)
        if (*at == '\'')
            *at = '"';
    ck_assert_msg(json_read(span_text(copy), &arena, &out, &wrong) == 0, "%s: %s", json,
                  wrong.what);
    return out;
}

static int parse(const char *json)
{
    struct value *value = arena_alloc(&arena, sizeof(*value));

    *value = quoted(json);
    return spec_parse(value, &arena, &spec, &error);
}

static void check_parses(const char *json)
{
    int err = parse(json);

    ck_assert_msg(err == 0, "%s: %s: %s", json, error.path, error.what);
}

static inline void check_refused(const char *json, const char *path, const char *what)
{
    spec.name = NULL;
    ck_assert_msg(parse(json) == ERR_MALFORMED, "%s", json);
    ck_assert_msg(strcmp(error.path, path) == 0, "%s: %s", json, error.path);
    ck_assert_msg(strstr(error.what, what) != NULL, "%s: %s", json, error.what);
    ck_assert_ptr_null(spec.name);
}

#endif
