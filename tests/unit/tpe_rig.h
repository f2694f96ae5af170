/* tpe_rig.h - spaces for the tests of TPE's parts. */
#ifndef TESTS_TPE_RIG_H
#define TESTS_TPE_RIG_H

#include <check.h>
#include <math.h>

#include "common/json.h"
#include "head/core/tpe_past.h"

static struct arena arena;
static struct value config;
static struct tpe_space space;

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

static void open_space(const char *json)
{
    config = quoted(json);
    tpe_space_init(&space, &config);
}

#endif
