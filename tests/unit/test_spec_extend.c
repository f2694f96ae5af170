/* links: common */
#include <string.h>

#include "common/err.h"
#include "common/json.h"
#include "common/spec.h"
#include "tests/lib/run_suite.h"

static struct arena arena;

static void setup(void)
{
    arena_init(&arena);
}

static void teardown(void)
{
    arena_fini(&arena);
}

static struct span packed(const char *json)
{
    struct json_error error;
    struct buf out = {0};
    struct value value;
    struct span copy;

    ck_assert_int_eq(json_read(span_text(json), &arena, &value, &error), 0);
    value_pack(&value, &out);
    copy = arena_copy(&arena, buf_span(&out));
    buf_fini(&out);
    return copy;
}

/* What comes of it, as JSON, or the path and the word of the error. */
static const char *extended(const char *spec, uint32_t samples, const char *stop)
{
    struct spec_error error = {0};
    struct buf out = {0}, text = {0};
    struct cursor cursor;
    struct value value;
    const char *said;
    int err = spec_extend(packed(spec), samples, stop != NULL ? packed(stop) : (struct span){0},
                          &arena, &out, &error);

    if (err == 0) {
        cursor_init(&cursor, buf_span(&out));
        ck_assert_int_eq(value_unpack(&cursor, &arena, &value), 0);
        json_write(&value, JSON_LINE, &text);
        said = arena_text(&arena, buf_span(&text));
    } else {
        said = arena_printf(&arena, "%s: %s", error.path, error.what);
    }
    buf_fini(&out);
    buf_fini(&text);
    return said;
}

START_TEST(samples_are_added)
{
    ck_assert_str_eq(extended("{\"name\": \"a\", \"num_samples\": 3}", 4, NULL),
                     "{\"name\": \"a\", \"num_samples\": 7}");
    ck_assert_str_eq(extended("{\"name\": \"a\"}", 4, NULL),
                     "{\"name\": \"a\", \"num_samples\": 5}");
}
END_TEST

START_TEST(rules_are_set_beside_the_others)
{
    ck_assert_str_eq(
        extended("{\"stop\": {\"a\": 1, \"b\": 2}, \"x\": 0}", 0, "{\"b\": 3, \"c\": 4}"),
        "{\"stop\": {\"a\": 1, \"b\": 3, \"c\": 4}, \"x\": 0}");
    ck_assert_str_eq(extended("{\"x\": 0}", 0, "{\"a\": 1}"), "{\"x\": 0, \"stop\": {\"a\": 1}}");
}
END_TEST

static bool same(const char *one, const char *other)
{
    struct json_error error;
    struct value a, b;

    ck_assert_int_eq(json_read(span_text(one), &arena, &a, &error), 0);
    ck_assert_int_eq(json_read(span_text(other), &arena, &b, &error), 0);
    return spec_same_but_extended(&a, &b);
}

START_TEST(what_was_extended_is_still_the_same)
{
    ck_assert(same("{\"x\": 1, \"num_samples\": 3}",
                   "{\"num_samples\": 7, \"stop\": {\"a\": 1}, \"x\": 1}"));
    ck_assert(!same("{\"x\": 1, \"num_samples\": 3}", "{\"num_samples\": 3, \"x\": 2}"));
    ck_assert(!same("{\"x\": 1}", "{\"x\": 1, \"y\": 2}"));
    ck_assert(!same("{\"x\": 1, \"y\": 2}", "{\"x\": 1}"));
    ck_assert(!same("[1]", "[1]"));
}
END_TEST

START_TEST(what_is_no_rule_is_refused)
{
    ck_assert_str_eq(extended("{\"x\": 0}", 0, "[1]"), "stop: must be a map of metrics and bounds");
    ck_assert_str_eq(extended("[1]", 1, NULL), ": is no map");
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("spec_extend");
    TCase *tcase = tcase_create("spec_extend");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, samples_are_added);
    tcase_add_test(tcase, rules_are_set_beside_the_others);
    tcase_add_test(tcase, what_was_extended_is_still_the_same);
    tcase_add_test(tcase, what_is_no_rule_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}
