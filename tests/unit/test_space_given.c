/* links: common */
#include <check.h>
#include <string.h>

#include "common/err.h"
#include "common/json.h"
#include "common/space.h"
#include "tests/lib/run_suite.h"

static struct arena arena;
static struct space_error error;

static void setup(void)
{
    arena_init(&arena);
}

static void teardown(void)
{
    arena_fini(&arena);
}

/* JSON with ' for ". */
static struct value quoted(const char *text)
{
    struct json_error wrong;
    struct value out;
    char *json = arena_strdup(&arena, text);

    for (char *at = json; *at != '\0'; at++)
        if (*at == '\'')
            *at = '"';
    ck_assert_msg(json_read(span_text(json), &arena, &out, &wrong) == 0, "%s: %s", text,
                  wrong.what);
    return out;
}

/* Draws the middle of a domain, and counts. */
static struct value draw_middle(void *context, const struct domain *domain, struct arena *unused)
{
    (void)unused;
    ++*(uint32_t *)context;
    return domain_at(domain, 0.5);
}

static void expect(const char *space, const char *given, uint64_t point, const char *config,
                   const char *tag, uint32_t draws)
{
    struct value whole = quoted(space), part = quoted(given), want = quoted(config), out;
    uint32_t drawn = 0;
    const struct space_source source = {draw_middle, &drawn};
    struct buf text = {0};
    const char *vars = NULL;

    ck_assert_msg(space_check_given(&whole, &part, "p", &error) == 0, "%s: %s: %s", given,
                  error.path, error.what);
    ck_assert_int_eq(space_variant_from(&whole, &part, point, &source, &arena, &out, &vars), 0);
    json_write(&out, JSON_LINE, &text);
    ck_assert_msg(value_equal(&out, &want), "%s", buf_text(&text));
    ck_assert_str_eq(vars, tag);
    ck_assert_uint_eq(drawn, draws);
    buf_fini(&text);
}

static uint64_t points(const char *space, const char *given)
{
    struct value whole = quoted(space), part = quoted(given);

    return space_points_given(&whole, &part);
}

static void expect_refused(const char *space, const char *given, const char *path, const char *what,
                           const char *mend)
{
    struct value whole = quoted(space), part = quoted(given);

    error = (struct space_error){0};
    ck_assert_msg(space_check_given(&whole, &part, "p", &error) == ERR_MALFORMED, "%s", given);
    ck_assert_str_eq(error.path, path);
    ck_assert_str_eq(error.what, what);
    ck_assert_str_eq(error.mend, mend);
}

START_TEST(what_is_named_is_taken_and_the_rest_drawn)
{
    const char *space = "{'lr': {'uniform': [0, 1]}, 'net': {'size': {'randint': [0, 10]}, 'c': 7},"
                        " 'l': [{'choice': ['a', 'b']}, 3]}";

    expect(space, "{'lr': 0.25, 'net': {'size': 3}, 'l': ['b', 3]}", 0,
           "{'lr': 0.25, 'net': {'size': 3, 'c': 7}, 'l': ['b', 3]}", "l_0=b,lr=0.25,size=3", 0);
    expect(space, "{'net': {'c': 7.0}}", 0,
           "{'lr': 0.5, 'net': {'size': 5, 'c': 7}, 'l': ['b', 3]}", "l_0=b,lr=0.5,size=5", 3);
    expect(space, "{}", 0, "{'lr': 0.5, 'net': {'size': 5, 'c': 7}, 'l': ['b', 3]}",
           "l_0=b,lr=0.5,size=5", 3);
}
END_TEST

/* Each becomes what the domain draws; the upper bound counts where fractions do. */
START_TEST(numbers_take_the_type_of_their_domain)
{
    expect("{'a': {'uniform': [0, 1]}}", "{'a': 1}", 0, "{'a': 1.0}", "a=1.0", 0);
    expect("{'a': {'loguniform': [0.1, 1]}}", "{'a': 0.1}", 0, "{'a': 0.1}", "a=0.1", 0);
    expect("{'a': {'quniform': [0, 0.3, 0.1]}}", "{'a': 0.30000000000000004}", 0,
           "{'a': 0.30000000000000004}", "a=0.3", 0);
    expect("{'a': {'qloguniform': [0.1, 1, 0.1]}}", "{'a': 0.2}", 0, "{'a': 0.2}", "a=0.2", 0);
    expect("{'a': {'randn': [0, 1]}}", "{'a': -99}", 0, "{'a': -99.0}", "a=-99.0", 0);
    expect("{'a': {'randint': [-5, 5]}}", "{'a': 4.0}", 0, "{'a': 4}", "a=4", 0);
    expect("{'a': {'lograndint': [1, 5]}}", "{'a': 1}", 0, "{'a': 1}", "a=1", 0);
    expect("{'a': {'qrandint': [10, 30, 10]}}", "{'a': 30}", 0, "{'a': 30}", "a=30", 0);
    expect("{'a': {'choice': [1, 2]}}", "{'a': 2.0}", 0, "{'a': 2}", "a=2", 0);
    expect("{'a': {'choice': [null, true]}}", "{'a': null}", 0, "{'a': null}", "a=None", 0);
}
END_TEST

/* A part of a value chooses it, or leaves those that have it; what is in it is open as elsewhere.
 */
START_TEST(values_that_hold_domains)
{
    const char *space = "{'o': {'choice': [{'n': 'sgd', 'm': {'uniform': [0, 1]}}, {'n': 'adam'}, "
                        "{'n': 'rms', 'm': {'uniform': [4, 8]}}]}}";

    expect(space, "{'o': {'n': 'rms'}}", 0, "{'o': {'n': 'rms', 'm': 6.0}}",
           "o={'n': 'rms', 'm': 6.0},m=6.0", 1);
    expect(space, "{'o': {'n': 'sgd', 'm': 1}}", 0, "{'o': {'n': 'sgd', 'm': 1.0}}",
           "o={'n': 'sgd', 'm': 1.0},m=1.0", 0);
    expect(space, "{'o': {'m': 5}}", 0, "{'o': {'n': 'rms', 'm': 5.0}}",
           "o={'n': 'rms', 'm': 5.0},m=5.0", 0);
    /* two of them have no m of their own to name: the middle one of those left is drawn */
    expect("{'o': {'choice': [{'d': 1, 'x': 1}, 'no', {'d': 1, 'x': 2}]}}", "{'o': {'d': 1}}", 0,
           "{'o': {'d': 1, 'x': 2}}", "o={'d': 1, 'x': 2}", 1);
    /* the very value before one that has more */
    expect("{'o': {'choice': [{'d': 1, 'x': 1}, {'d': 1}]}}", "{'o': {'d': 1}}", 0,
           "{'o': {'d': 1}}", "o={'d': 1}", 0);
    /* a marker for a value */
    expect("{'o': {'choice': ['x', {'randint': [0, 4]}]}}", "{'o': 3}", 0, "{'o': 3}", "o=3", 0);
}
END_TEST

START_TEST(grids_that_are_left_open_are_walked)
{
    const char *space = "{'g': {'grid_search': [1, 2, 2]}, 'h': {'grid_search': ['x', {'k': "
                        "{'grid_search': [7, 8]}}]}, 'u': {'uniform': [0, 1]}}";

    ck_assert_uint_eq(points(space, "{}"), 9);
    ck_assert_uint_eq(points(space, "{'u': 0}"), 9);
    ck_assert_uint_eq(points(space, "{'g': 2}"), 3); /* the first of those that are the same */
    ck_assert_uint_eq(points(space, "{'h': 'x'}"), 3);
    ck_assert_uint_eq(points(space, "{'h': {}}"), 6);
    ck_assert_uint_eq(points(space, "{'g': 1, 'h': {'k': 8}}"), 1);
    expect(space, "{'g': 2}", 0, "{'g': 2, 'h': 'x', 'u': 0.5}", "g=2,h=x,u=0.5", 1);
    expect(space, "{'g': 2}", 2, "{'g': 2, 'h': {'k': 8}, 'u': 0.5}", "g=2,h={'k': 8},k=8,u=0.5",
           1);
    expect(space, "{'h': {'k': 8}, 'u': 0}", 1, "{'g': 2, 'h': {'k': 8}, 'u': 0.0}",
           "g=2,h={'k': 8},k=8,u=0.0", 0);
}
END_TEST

/* The same numbers of draws, each from the same place, whatever the walk has replaced around it. */
START_TEST(markers_are_told_apart_by_place)
{
    struct value space =
        quoted("{'a': {'grid_search': [{'choice': [1, {'x': {'uniform': [0, 1]}}]},"
               " 5]}, 'b': [{'randint': [0, 9]}]}");
    const struct member **markers;
    uint32_t count;

    ck_assert_int_eq(space_markers(&space, "config", 3, &arena, &markers, &count, &error), 0);
    ck_assert_uint_eq(count, 3);
    ck_assert_str_eq(markers[0]->key, "choice");
    ck_assert_str_eq(markers[1]->key, "uniform");
    ck_assert_str_eq(markers[2]->key, "randint");
    ck_assert_int_eq(space_markers(&space, "config", 2, &arena, &markers, &count, &error),
                     ERR_TOO_BIG);
    ck_assert_str_eq(error.path, "config.b.0");
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
    const char *space = "{'lr': {'loguniform': [0.001, 0.1]}, 'q': {'quniform': [0, 1, 0.25]}, "
                        "'n': {'randint': [10, 100]}, 'k': {'qrandint': [0, 8, 2]}, "
                        "'act': {'choice': ['relu', 'tanh']}, 'g': {'grid_search': [1, 2]}, "
                        "'net': {'depth': {'randint': [1, 4]}, 'wide': 64}, 'l': [1, "
                        "{'uniform': [0, 1]}], 'z': {'randn': [0, 1]}}";
    static const char leave[] = "leave it out, or make it something to choose in config";
    static const struct {
        const char *given, *path, *what, *mend;
    } rows[] = {
        {"{'lr': 0.2}", "p.lr", "must be from 0.001 to 0.1, as its loguniform says", ""},
        {"{'lr': 'x'}", "p.lr", "must be a number, not a text, as its loguniform says", ""},
        {"{'lr': {'uniform': [0, 1]}}", "p.lr",
         "must be a number, not a map, as its loguniform says", ""},
        {"{'q': 0.3}", "p.q", "must be a multiple of 0.25, as its quniform says", ""},
        {"{'q': 1.25}", "p.q", "must be from 0.0 to 1.0, as its quniform says", ""},
        {"{'n': 100}", "p.n", "must be from 10 to 99, as its randint says", ""},
        {"{'n': 9}", "p.n", "must be from 10 to 99, as its randint says", ""},
        {"{'n': 10.5}", "p.n", "must be a whole number, as its randint says", ""},
        {"{'n': true}", "p.n", "must be a number, not true or false, as its randint says", ""},
        {"{'k': 3}", "p.k", "must be a multiple of 2, as its qrandint says", ""},
        {"{'k': 10}", "p.k", "must be from 0 to 8, as its qrandint says", ""},
        {"{'z': 1e999}", "p.z", "must be a finite number, as its randn says", ""},
        {"{'act': 'relo'}", "p.act", "is none of the values of its choice",
         "one of: \"relu\", \"tanh\""},
        {"{'g': 3}", "p.g", "is none of the values of its grid_search", "one of: 1, 2"},
        {"{'g': true}", "p.g", "is none of the values of its grid_search", "one of: 1, 2"},
        {"{'net': {'dept': 2}}", "p.net.dept", "config has no key 'dept' there",
         "did you mean depth?"},
        {"{'zzzzzzzz': 2}", "p.zzzzzzzz", "config has no key 'zzzzzzzz' there", ""},
        {"{'net': {'wide': 65}}", "p.net.wide", "is not what config says: 64", leave},
        {"{'net': 5}", "p.net", "must be a map, as it is in config", ""},
        {"{'l': [1]}", "p.l", "must be a list of 2, as it is in config", ""},
        {"{'l': {'a': 1}}", "p.l", "must be a list of 2, as it is in config", ""},
        {"{'l': [2, 0.5]}", "p.l.0", "is not what config says: 1", leave},
        {"{'l': [1, 3]}", "p.l.1", "must be from 0.0 to 1.0, as its uniform says", ""},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect_refused(space, rows[i].given, rows[i].path, rows[i].what, rows[i].mend);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("space_given");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, what_is_named_is_taken_and_the_rest_drawn);
    tcase_add_test(tc, numbers_take_the_type_of_their_domain);
    tcase_add_test(tc, values_that_hold_domains);
    tcase_add_test(tc, grids_that_are_left_open_are_walked);
    tcase_add_test(tc, markers_are_told_apart_by_place);
    tcase_add_test(tc, what_does_not_fit_is_refused);
    suite_add_tcase(s, tc);
    return s;
}
