/* links: core */
/* What is known beforehand: which lists are taken, and that tpe learns from them. */
#include <math.h>

#include "common/json.h"
#include "common/spec.h"
#include "head/core/search.h"
#include "tests/lib/run_suite.h"

static struct arena arena;
static struct spec spec;
static struct spec_error error;

static void teardown(void)
{
    arena_fini(&arena);
}

static int parse(const char *more)
{
    char *json = arena_printf(&arena,
                              "{'name': 'e', 'run': {'command': 'x'}, 'metric': 'loss', 'mode': "
                              "'min', 'num_samples': 50, "
                              "'config': {'x': {'uniform': [0, 1]}, 'net': {'choice': [{'kind': "
                              "'cnn', 'depth': {'randint': "
                              "[1, 9]}}, {'kind': 'mlp'}]}}%s}",
                              more);
    struct json_error wrong;
    struct value *value = arena_alloc(&arena, sizeof(*value));

    for (char *at = json; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    ck_assert_msg(json_read(span_text(json), &arena, value, &wrong) == 0, "%s", wrong.what);
    error = (struct spec_error){0};
    return spec_parse(value, &arena, &spec, &error);
}

START_TEST(a_list_of_configurations_with_values_is_taken)
{
    ck_assert_msg(
        parse(", 'search': 'tpe', 'warm_start': [{'config': {'x': 0.5}, 'value': 1}, "
              "{'config': {'x': 1, 'net': {'kind': 'cnn', 'depth': 3}}, 'value': -2.5}]") == 0,
        "%s: %s", error.path, error.what);
    ck_assert_ptr_nonnull(spec.warm_start);
    ck_assert_uint_eq(spec.warm_start->count, 2);
    ck_assert_int_eq(parse(", 'search': 'tpe', 'warm_start': []"), 0);
    ck_assert_ptr_null(spec.warm_start);
    ck_assert_int_eq(parse(", 'search': 'random', 'warm_start': null"), 0);
}
END_TEST

static void check_refused(const char *more, const char *path, const char *what)
{
    ck_assert_msg(parse(more) < 0, "%s is taken", more);
    ck_assert_str_eq(error.path, path);
    ck_assert_msg(strstr(error.what, what) != NULL, "%s: %s", more, error.what);
}

START_TEST(all_else_is_refused)
{
    check_refused(", 'search': 'tpe', 'warm_start': 'last'", "warm_start", "is not read here");
    check_refused(", 'search': 'tpe', 'warm_start': {}", "warm_start", "must name");
    check_refused(", 'search': 'tpe', 'warm_start': [1]", "warm_start.0",
                  "a map of config and value");
    check_refused(", 'search': 'tpe', 'warm_start': [{'config': {}, 'value': 1}, {'value': 1}]",
                  "warm_start.1", "a map of config and value");
    check_refused(", 'search': 'tpe', 'warm_start': [{'config': 1, 'value': 1}]", "warm_start.0",
                  "config must be a map");
    check_refused(", 'search': 'tpe', 'warm_start': [{'config': {}, 'value': NaN}]", "warm_start.0",
                  "a finite number");
    check_refused(", 'search': 'tpe', 'warm_start': [{'config': {'x': 2}, 'value': 1}]",
                  "warm_start.0.config.x", "");
    check_refused(", 'search': 'random', 'warm_start': [{'config': {'x': 1}, 'value': 1}]",
                  "warm_start", "random does not learn");
}
END_TEST

/* 60 of them, the best at 0.7: what is proposed first is near it, which nothing at random is. */
static double mean_distance(bool warm)
{
    struct buf more = {0};
    const struct search_ops *ops;
    double sum = 0;
    void *self;

    buf_append_text(&more, ", 'search': {'type': 'tpe', 'seed': 3}");
    if (warm) {
        buf_append_text(&more, ", 'warm_start': [");
        for (int i = 0; i < 60; i++)
            buf_printf(&more, "%s{'config': {'x': %g, 'net': {'kind': 'mlp'}}, 'value': %g}",
                       i > 0 ? ", " : "", i / 60.0, fabs(i / 60.0 - 0.7));
        buf_append_char(&more, ']');
    }
    ck_assert_msg(parse(buf_text(&more)) == 0, "%s: %s", error.path, error.what);
    buf_fini(&more);
    ops = search_of(&spec);
    self = ops->new (&spec, 3);
    for (uint32_t i = 0; i < 10; i++) {
        struct proposal proposal;

        ck_assert(ops->propose(self, i, &arena, &proposal) == SEARCH_PROPOSED);
        sum += fabs(value_get(&proposal.config, "x")->number - 0.7);
    }
    ops->free(self);
    return sum / 10;
}

START_TEST(tpe_begins_with_what_is_known)
{
    ck_assert_double_lt(mean_distance(true), 0.12);
    ck_assert_double_gt(mean_distance(false), 0.15);
}
END_TEST

/* An image has what was known once. */
START_TEST(an_image_goes_on_where_it_was)
{
    const struct observation observation = {.value = -0.2, .time = 1, .ended = true};
    struct buf image = {0}, again = {0}, packed = {0};
    const struct search_ops *ops;
    struct proposal one, other;
    struct cursor cursor;
    void *self, *copy;

    ck_assert_int_eq(
        parse(", 'search': {'type': 'tpe', 'seed': 3, 'startup': 1}, 'warm_start': "
              "[{'config': {'x': 0.5}, 'value': 1}, {'config': {'x': 0.25}, 'value': 2}]"),
        0);
    ops = search_of(&spec);
    self = ops->new (&spec, 3);
    ck_assert(ops->propose(self, 0, &arena, &one) == SEARCH_PROPOSED);
    value_pack(&one.config, &packed);
    ops->pending(self, 0, buf_span(&packed));
    ops->observe(self, 0, &observation);
    ops->save(self, &image);
    copy = ops->new (&spec, 3);
    cursor_init(&cursor, buf_span(&image));
    ck_assert(ops->load(copy, &cursor));
    ops->save(copy, &again);
    ck_assert(span_equal(buf_span(&image), buf_span(&again)));
    ck_assert(ops->propose(self, 1, &arena, &one) == SEARCH_PROPOSED);
    ck_assert(ops->propose(copy, 1, &arena, &other) == SEARCH_PROPOSED);
    ck_assert(value_equal(&one.config, &other.config));
    ops->free(self);
    ops->free(copy);
    buf_fini(&image);
    buf_fini(&again);
    buf_fini(&packed);
}
END_TEST

Suite *suite(void)
{
    Suite *all = suite_create("spec_warm");
    TCase *cases = tcase_create("spec_warm");

    tcase_add_checked_fixture(cases, NULL, teardown);
    tcase_add_test(cases, a_list_of_configurations_with_values_is_taken);
    tcase_add_test(cases, all_else_is_refused);
    tcase_add_test(cases, tpe_begins_with_what_is_known);
    tcase_add_test(cases, an_image_goes_on_where_it_was);
    suite_add_tcase(all, cases);
    return all;
}
