#include <check.h>
#include <math.h>
#include <stdio.h>

#include "common/err.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/space.h"
#include "common/tag.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/space_rig.h"

/* The tag of a variant. */
static const char *tag_at(const char *space, uint64_t point)
{
    struct value config = quoted(space), out;
    struct rng rng = {.seed = 1};
    const char *vars = NULL;

    ck_assert_msg(space_variant(&config, point, &rng, &arena, &out, &vars) == 0, "%s", space);
    return vars;
}

static void check_tags(const char *space, const char *const *tags, uint64_t count)
{
    struct value config = quoted(space), out;
    struct rng rng = {.seed = 1};
    const char *vars;

    ck_assert_uint_eq(space_points(&config), count);
    for (uint64_t i = 0; i < count; i++)
        ck_assert_str_eq(tag_at(space, i), tags[i]);
    ck_assert_int_eq(space_variant(&config, count, &rng, &arena, &out, &vars), ERR_NOT_FOUND);
}

START_TEST(plain_configurations_have_one_variant)
{
    struct value config = quoted("{'a': 1, 'b': {'c': [1, 2]}, 'd': {'size': [1, 2]}}"), out;
    struct rng rng = {.seed = 1};
    const char *vars;

    ck_assert_uint_eq(space_points(&config), 1);
    ck_assert_int_eq(space_variant(&config, 0, &rng, &arena, &out, &vars), 0);
    ck_assert_str_eq(vars, "");
    ck_assert(value_equal(&config, &out));
    ck_assert_int_eq(space_variant(&config, 1, &rng, &arena, &out, &vars), ERR_NOT_FOUND);
    ck_assert_uint_eq(rng.index, 0);
}
END_TEST

/* The vectors of the reference's 5.3 and 11.2: bar varies fastest though foo is written first. */
START_TEST(the_first_path_varies_fastest)
{
    static const char *const one[] = {"g=1", "g=2"};
    static const char *const two[] = {"bar=True,foo=1",  "bar=False,foo=1", "bar=True,foo=2",
                                      "bar=False,foo=2", "bar=True,foo=3",  "bar=False,foo=3"};

    check_tags("{'g': {'grid_search': [1, 2]}}", one, 2);
    check_tags("{'foo': {'grid_search': [1, 2, 3]}, 'bar': {'grid_search': [true, false]}}", two,
               6);
}
END_TEST

START_TEST(grids_stand_in_lists_and_deep_maps)
{
    static const char *const list[] = {"nn_layers_0=16", "nn_layers_0=64"};
    static const char *const deep[] = {"0_size=5", "0_size=6"};
    static const char *const order[] = {"l_2=1,l_10=3", "l_2=2,l_10=3", "l_2=1,l_10=4",
                                        "l_2=2,l_10=4"};

    check_tags("{'nn_layers': [{'grid_search': [16, 64]}, 8]}", list, 2);
    check_tags("{'layers': [{'size': {'grid_search': [5, 6]}}]}", deep, 2);
    check_tags("{'l': [0, 0, {'grid_search': [1, 2]}, 0, 0, 0, 0, 0, 0, 0, "
               "{'grid_search': [3, 4]}]}",
               order, 4);
}
END_TEST

START_TEST(tags_print_values_as_python_does)
{
    static const struct {
        const char *value;
        const char *tag;
    } rows[] = {
        {"0.12345678", "x=0.12346"},
        {"10.0", "x=10.0"},
        {"12345.0", "x=1.2345e+04"},
        {"1e-05", "x=1e-05"},
        {"100000.0", "x=1e+05"},
        {"0.3333333333333333", "x=0.33333"},
        {"true", "x=True"},
        {"null", "x=None"},
        {"'a/b'", "x=a_b"},
        {"[1, 2.5]", "x=[1, 2.5]"},
        {"{'a': 1}", "x={'a': 1}"},
        {"1234567", "x=1234567"},
        {"[0.12345678, 'p/q', false]", "x=[0.12345678, 'p_q', False]"},
        {"'line\\nbreak'", "x=line_break"},
        {"['a\\nb']", "x=['a\\nb']"},
        {"-0.0", "x=-0.0"},
        {"''", "x="},
    };
    char space[128];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)snprintf(space, sizeof(space), "{'x': {'grid_search': [%s]}}", rows[i].value);
        ck_assert_str_eq(tag_at(space, 0), rows[i].tag);
    }
    ck_assert_str_eq(tag_at("{'a/b': {'grid_search': [1]}}", 0), "a_b=1");
}
END_TEST

/* Python chooses the quotes that need no escape. */
START_TEST(tags_quote_as_repr)
{
    struct value config = value("{\"x\": {\"grid_search\": [[\"it's\"], [\"a'b\\\"c\"]]}}"), out;
    struct rng rng = {0};
    const char *vars;

    ck_assert_int_eq(space_variant(&config, 0, &rng, &arena, &out, &vars), 0);
    ck_assert_str_eq(vars, "x=[\"it's\"]");
    ck_assert_int_eq(space_variant(&config, 1, &rng, &arena, &out, &vars), 0);
    ck_assert_str_eq(vars, "x=['a\\'b\"c']");
}
END_TEST

START_TEST(tags_are_sorted_by_full_path)
{
    ck_assert_str_eq(tag_at("{'z': {'a': {'grid_search': [1]}}, 'b': {'y': {'grid_search': [2]}},"
                            " 'c': {'grid_search': [3]}}",
                            0),
                     "y=2,c=3,a=1");
}
END_TEST

START_TEST(long_tags_are_cut_between_characters)
{
    char space[2048];
    const char *tag;
    size_t size = (size_t)snprintf(space, sizeof(space), "{'x': {'grid_search': ['");

    for (int i = 0; i < 400; i++)
        size += (size_t)snprintf(space + size, sizeof(space) - size, "\xc3\xa9");
    (void)snprintf(space + size, sizeof(space) - size, "']}}");
    tag = tag_at(space, 0);
    ck_assert_uint_eq(strlen(tag), LIMIT_TAG_BYTES);
    space[0] = '\0';
    ck_assert_uint_eq(tag_cut("a\xc3\xa9", 3, 2), 1);
    ck_assert_uint_eq(tag_cut("a\xc3\xa9", 3, 3), 3);
}
END_TEST

START_TEST(a_grid_in_a_grid_is_flattened)
{
    static const char *const same[] = {"g=1", "g=2", "g=3"};
    static const char *const below[] = {"g={'a': 1},a=1", "g={'a': 2},a=2", "g=7"};

    check_tags("{'g': {'grid_search': [{'grid_search': [1, 2]}, 3]}}", same, 3);
    check_tags("{'g': {'grid_search': [{'a': {'grid_search': [1, 2]}}, 7]}}", below, 3);
}
END_TEST

/* Every combination comes exactly once, whatever is nested where. */
START_TEST(nested_grids_count_right)
{
    const char *space = "{'a': {'grid_search': [1, {'grid_search': [2, 3]}]}, "
                        "'b': {'grid_search': [{'p': {'grid_search': [1, 2, 3]}}, "
                        "{'q': {'grid_search': [4, {'grid_search': [5, 6]}]}, "
                        "'r': {'grid_search': [0, 1]}}]}, 'c': {'grid_search': [8, 9]}}";
    struct value config = quoted(space);
    uint64_t points = space_points(&config);
    const char **tags = arena_alloc(&arena, 54 * sizeof(*tags));

    ck_assert_uint_eq(points, 3 * (3 + 3 * 2) * 2);
    for (uint64_t i = 0; i < points; i++) {
        tags[i] = tag_at(space, i);
        for (uint64_t j = 0; j < i; j++)
            ck_assert_str_ne(tags[i], tags[j]);
    }
}
END_TEST

START_TEST(values_may_be_drawn_below_a_choice)
{
    struct value config = quoted("{'o': {'choice': [{'k': 'sgd', 'lr': {'uniform': [1, 2]}}]}}");
    struct rng rng = {.seed = 5};
    struct value out;
    const struct value *lr;
    const char *vars;

    ck_assert_uint_eq(space_points(&config), 1);
    ck_assert_int_eq(space_variant(&config, 0, &rng, &arena, &out, &vars), 0);
    lr = value_get(value_get(&out, "o"), "lr");
    ck_assert_int_eq(lr->type, VALUE_DOUBLE);
    ck_assert(lr->number >= 1 && lr->number < 2);
    ck_assert_uint_eq(rng.index, 2);
    ck_assert_msg(strstr(vars, "o={'k': 'sgd', 'lr': 1.") == vars, "%s", vars);
    ck_assert_ptr_nonnull(strstr(vars, "},lr=1."));
}
END_TEST

START_TEST(draws_follow_the_writing_and_repeat)
{
    struct value config = quoted("{'z': {'uniform': [0, 1]}, 'a': {'uniform': [0, 1]}}"), out;
    struct rng rng = {.seed = 9, .stream = 3};
    const char *vars;

    ck_assert_int_eq(space_variant(&config, 0, &rng, &arena, &out, &vars), 0);
    ck_assert_double_eq(value_get(&out, "z")->number, rng_unit(9, 3, 0));
    ck_assert_double_eq(value_get(&out, "a")->number, rng_unit(9, 3, 1));
}
END_TEST

/* Who chooses is asked for each domain that a variant has, and told which one by its marker. */
static struct value choose_last(void *context, const struct domain *domain, struct arena *place)
{
    const struct member **asked = context;

    (void)place;
    while (*asked != NULL)
        asked++;
    *asked = domain->marker;
    return domain->choices != NULL ? domain->choices->items[domain->choices->count - 1]
                                   : value_double(domain->low);
}

START_TEST(others_may_choose)
{
    struct value config = quoted("{'o': {'choice': [1, {'lr': {'uniform': [1, 2]}}]}, 'g': "
                                 "{'grid_search': [7, 8]}, 'r': {'randn': [3, 1]}}");
    const struct member *first[8] = {NULL}, *second[8] = {NULL};
    struct space_source source = {choose_last, first};
    struct value out, want = quoted("{'o': {'lr': 1.0}, 'g': 8, 'r': 3.0}");
    const char *vars;

    ck_assert_uint_eq(space_domains(&config), 4);
    ck_assert_int_eq(space_variant_from(&config, NULL, 1, &source, &arena, &out, &vars), 0);
    ck_assert(value_equal(&out, &want));
    source.context = second;
    ck_assert_int_eq(space_variant_from(&config, NULL, 0, &source, &arena, &out, &vars), 0);
    ck_assert_int_eq(memcmp(first, second, sizeof(first)), 0);
    ck_assert_str_eq(first[0]->key, "choice");
    ck_assert_str_eq(first[1]->key, "randn");
    ck_assert_str_eq(first[2]->key, "uniform");
    ck_assert_ptr_null(first[3]);
    ck_assert_int_eq(space_variant_from(&config, NULL, 2, &source, &arena, &out, &vars),
                     ERR_NOT_FOUND);
}
END_TEST

START_TEST(variables_are_listed_in_the_order_of_writing)
{
    struct value config = quoted("{'z': {'uniform': [0, 1]}, 'p': {'uniform': [0, 1], 'q': 1}, "
                                 "'l': [{'choice': [{'randint': [0, 2]}]}, "
                                 "{'y': {'randint': [0, 5]}}]}");
    struct variable *variables;
    uint32_t count;

    ck_assert_int_eq(space_variables(&config, "config", &arena, &variables, &count, &error), 0);
    ck_assert_uint_eq(count, 3);
    ck_assert_str_eq(variables[0].path[0].key, "z");
    ck_assert_int_eq(variables[1].domain.kind, DOMAIN_CHOICE);
    ck_assert_ptr_null(variables[1].path[1].key);
    ck_assert_uint_eq(variables[2].path_length, 3);
    ck_assert_uint_eq(variables[2].path[1].index, 1);
    ck_assert_str_eq(variables[2].path[2].key, "y");
}
END_TEST

START_TEST(limits_hold)
{
    struct buf json = {0};
    struct value config;
    struct variable *variables;
    uint32_t count;

    buf_append_text(&json, "[");
    for (unsigned i = 0; i <= LIMIT_VARIABLES; i++)
        buf_printf(&json, "%s{\"grid_search\": [1, 2]}", i ? "," : "");
    buf_append_text(&json, "]");
    config = value(buf_text(&json));
    ck_assert_int_eq(space_variables(&config, "config", &arena, &variables, &count, &error),
                     ERR_TOO_BIG);
    ck_assert_uint_eq(space_points(&config), UINT64_MAX);
    buf_fini(&json);
}
END_TEST

START_TEST(tags_of_given_configurations)
{
    struct value space = quoted("{'b': {'uniform': [0, 1]}, 'a': {'choice': [1, 2]}, 'c': 5}");
    struct value config = quoted("{'b': 0.5, 'a': 9, 'c': 7, 'd': 8}");
    struct value part = quoted("{'b': 0.5}");

    ck_assert_str_eq(space_tag(&space, &config, &arena), "a=9,b=0.5");
    ck_assert_str_eq(space_tag(&space, &part, &arena), "b=0.5");
}
END_TEST

START_TEST(the_biggest_variant_is_known)
{
    struct value config = quoted("{'a': {'choice': [1, 'a long text that is the longest one']}, "
                                 "'b': {'grid_search': [[1, 2, 3], 'x']}, 'c': null}");
    struct rng rng = {.seed = 2};
    struct value out;
    const char *vars;

    for (uint64_t i = 0; i < 20; i++) {
        ck_assert_int_eq(space_variant(&config, i % 2, &rng, &arena, &out, &vars), 0);
        buf_reset(&text);
        value_pack(&out, &text);
        ck_assert_uint_le(text.size, space_bytes_most(&config));
    }
    ck_assert_uint_lt(space_bytes_most(&config), 200);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("space");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, plain_configurations_have_one_variant);
    tcase_add_test(tc, the_first_path_varies_fastest);
    tcase_add_test(tc, grids_stand_in_lists_and_deep_maps);
    tcase_add_test(tc, tags_print_values_as_python_does);
    tcase_add_test(tc, tags_quote_as_repr);
    tcase_add_test(tc, tags_are_sorted_by_full_path);
    tcase_add_test(tc, long_tags_are_cut_between_characters);
    tcase_add_test(tc, a_grid_in_a_grid_is_flattened);
    tcase_add_test(tc, nested_grids_count_right);
    tcase_add_test(tc, values_may_be_drawn_below_a_choice);
    tcase_add_test(tc, draws_follow_the_writing_and_repeat);
    tcase_add_test(tc, others_may_choose);
    tcase_add_test(tc, variables_are_listed_in_the_order_of_writing);
    tcase_add_test(tc, limits_hold);
    tcase_add_test(tc, tags_of_given_configurations);
    tcase_add_test(tc, the_biggest_variant_is_known);
    suite_add_tcase(s, tc);
    return s;
}
