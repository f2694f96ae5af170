/* links: core */
#include <check.h>
#include <string.h>

#include "common/json.h"
#include "head/core/search_first.h"
#include "tests/lib/run_suite.h"

static struct arena arena;
static struct buf text;
static struct spec spec;
static struct value points;
static const struct search_ops *ops;
static void *search;

static void setup(void)
{
    arena_init(&arena);
    text = (struct buf){0};
    spec = (struct spec){.num_samples = 1};
    search = NULL;
}

static void teardown(void)
{
    if (search != NULL)
        ops->free(search);
    arena_fini(&arena);
    buf_fini(&text);
}

static struct value read_json(const char *quoted)
{
    struct json_error error;
    struct value out;
    char *json = arena_strdup(&arena, quoted);

    for (char *at = json; *at != '\0'; at++)
        if (*at == '\'')
            *at = '"';
    ck_assert_msg(json_read(span_text(json), &arena, &out, &error) == 0, "%s", error.what);
    return out;
}

static void begin(const char *name, const char *config, uint32_t samples, uint64_t seed)
{
    if (search != NULL)
        ops->free(search);
    spec.search.type = name;
    ops = search_of(&spec);
    ck_assert_ptr_nonnull(ops);
    spec.config = read_json(config);
    spec.num_samples = samples;
    spec.first_trials = 0;
    for (uint32_t i = 0; spec.first_points != NULL && i < spec.first_points->count; i++)
        spec.first_trials +=
            (uint32_t)space_points_given(&spec.config, &spec.first_points->items[i]);
    search = ops->new (&spec, seed);
}

static void give(const char *json)
{
    points = read_json(json);
    spec.search.points = &points;
}

/* Points that are tried first, in front of the searcher; before begin. */
static void give_first(const char *json)
{
    static struct value first;

    first = read_json(json);
    spec.first_points = &first;
}

static const char *config_of(const struct value *config)
{
    buf_reset(&text);
    json_write(config, JSON_LINE, &text);
    return buf_text(&text);
}

static void expect(uint32_t trial, const char *tag, const char *config)
{
    struct proposal proposal;
    struct value want = read_json(config);

    ck_assert_int_eq(ops->propose(search, trial, &arena, &proposal), SEARCH_PROPOSED);
    ck_assert_str_eq(proposal.tag, tag);
    ck_assert_msg(value_equal(&proposal.config, &want), "%s", config_of(&proposal.config));
}

static void expect_end(uint32_t total)
{
    struct proposal proposal;

    ck_assert_uint_eq(ops->total(search), total);
    ck_assert_int_eq(ops->propose(search, total, &arena, &proposal), SEARCH_DONE);
    ck_assert_int_eq(ops->propose(search, UINT32_MAX - 1, &arena, &proposal), SEARCH_DONE);
}

/* _i: random and grid walk alike. */
START_TEST(samples_times_grid_in_tunes_order)
{
    const char *name = _i == 0 ? "random" : "grid";

    begin(name, "{'g': {'grid_search': [1, 2]}, 'c': 7}", 2, 1);
    expect(0, "0_g=1", "{'g': 1, 'c': 7}");
    expect(1, "1_g=2", "{'g': 2, 'c': 7}");
    expect(2, "2_g=1", "{'g': 1, 'c': 7}");
    expect(3, "3_g=2", "{'g': 2, 'c': 7}");
    expect_end(4);

    begin(name, "{'foo': {'grid_search': [1, 2, 3]}, 'bar': {'grid_search': [true, false]}}", 1, 1);
    expect(0, "0_bar=True,foo=1", "{'foo': 1, 'bar': true}");
    expect(1, "1_bar=False,foo=1", "{'foo': 1, 'bar': false}");
    expect(2, "2_bar=True,foo=2", "{'foo': 2, 'bar': true}");
    expect(5, "5_bar=False,foo=3", "{'foo': 3, 'bar': false}");
    expect_end(6);
}
END_TEST

START_TEST(constants_alone_have_a_bare_number)
{
    begin("random", "{'a': 1, 'b': {'c': 'x'}}", 3, 1);
    expect(0, "0", "{'a': 1, 'b': {'c': 'x'}}");
    expect(2, "2", "{'a': 1, 'b': {'c': 'x'}}");
    expect_end(3);
}
END_TEST

START_TEST(nothing_asked_nothing_proposed)
{
    begin("random", "{'a': 1}", 0, 1);
    expect_end(0);
    begin("random", "{'a': {'grid_search': []}}", 5, 1);
    expect_end(0);
}
END_TEST

/* The same numbers in whatever order they are asked for, others for another seed or trial. */
START_TEST(draws_belong_to_the_trial)
{
    const char *space = "{'u': {'uniform': [0, 1]}, 'g': {'grid_search': [1, 2]}}";
    struct proposal forward[6], proposal;
    void *other;

    begin("random", space, 3, 42);
    for (uint32_t i = 0; i < 6; i++)
        ck_assert_int_eq(ops->propose(search, i, &arena, &forward[i]), SEARCH_PROPOSED);
    other = ops->new (&spec, 42);
    for (uint32_t i = 6; i-- > 0;) {
        ck_assert_int_eq(ops->propose(other, i, &arena, &proposal), SEARCH_PROPOSED);
        ck_assert(value_equal(&proposal.config, &forward[i].config));
        ck_assert_str_eq(proposal.tag, forward[i].tag);
        for (uint32_t j = 0; j < i; j++)
            ck_assert(!value_equal(value_get(&forward[i].config, "u"),
                                   value_get(&forward[j].config, "u")));
    }
    ops->free(other);
    begin("random", space, 3, 43);
    ck_assert_int_eq(ops->propose(search, 0, &arena, &proposal), SEARCH_PROPOSED);
    ck_assert(!value_equal(&proposal.config, &forward[0].config));
}
END_TEST

START_TEST(list_goes_in_order_and_repeats)
{
    give("[{'width': 50, 'height': 5}, {'width': 60, 'height': 6}]");
    begin("list", "{'width': {'randint': [0, 100]}, 'height': {'randint': [0, 10]}, 'c': 'x'}", 2,
          1);
    expect(0, "0_height=5,width=50", "{'width': 50, 'height': 5, 'c': 'x'}");
    expect(1, "1_height=6,width=60", "{'width': 60, 'height': 6, 'c': 'x'}");
    expect(2, "2_height=5,width=50", "{'width': 50, 'height': 5, 'c': 'x'}");
    expect(3, "3_height=6,width=60", "{'width': 60, 'height': 6, 'c': 'x'}");
    expect_end(4);
}
END_TEST

START_TEST(list_points_lie_over_the_constants)
{
    give("[{'net': {'size': 3}}, {'c': 1, 'new': null}, {}]");
    begin("list", "{'net': {'size': 1, 'depth': 2}, 'c': 0}", 1, 1);
    expect(0, "0", "{'net': {'size': 3, 'depth': 2}, 'c': 0}");
    expect(1, "1", "{'net': {'size': 1, 'depth': 2}, 'c': 1, 'new': null}");
    expect(2, "2", "{'net': {'size': 1, 'depth': 2}, 'c': 0}");
    expect_end(3);
}
END_TEST

/* A grid that a point leaves open is walked for it, before the next point. */
START_TEST(list_fills_what_is_open)
{
    struct proposal proposal;

    give("[{'u': 0.5}, {'g': 7}]");
    begin("list", "{'g': {'grid_search': [1, 2]}, 'u': {'uniform': [2, 3]}}", 2, 1);
    expect(0, "0_g=1,u=0.5", "{'g': 1, 'u': 0.5}");
    expect(1, "1_g=2,u=0.5", "{'g': 2, 'u': 0.5}");
    ck_assert_int_eq(ops->propose(search, 2, &arena, &proposal), SEARCH_PROPOSED);
    ck_assert_int_eq(value_get(&proposal.config, "g")->integer, 7);
    ck_assert(value_get(&proposal.config, "u")->number >= 2);
    expect(3, "3_g=1,u=0.5", "{'g': 1, 'u': 0.5}");
    expect_end(6);
}
END_TEST

START_TEST(empty_list_ends_at_once)
{
    give("[]");
    begin("list", "{'a': 1}", 4, 1);
    expect_end(0);
}
END_TEST

/* _i: whichever searcher follows, the points come first, in their order, and count as samples. */
START_TEST(first_points_come_first)
{
    static const char *const names[] = {"random", "grid", "halton", "sobol"};
    const char *space = "{'w': {'randint': [0, 100]}, 'n': {'h': {'uniform': [0, 1]}, 'c': 'x'}}";
    struct proposal proposal;

    give_first("[{'w': 50, 'n': {'h': 0.5}}, {'n': {'h': 0, 'c': 'x'}, 'w': 60}]");
    begin(names[_i], space, 4, 1);
    ck_assert(ops->ahead);
    expect(0, "0_h=0.5,w=50", "{'w': 50, 'n': {'h': 0.5, 'c': 'x'}}");
    expect(1, "1_h=0.0,w=60", "{'w': 60, 'n': {'h': 0.0, 'c': 'x'}}");
    ck_assert_int_eq(ops->propose(search, 2, &arena, &proposal), SEARCH_PROPOSED);
    ck_assert_int_eq(strncmp(proposal.tag, "2_h=", 4), 0);
    expect_end(4);
}
END_TEST

/* _i: what a point leaves open, and all that follows, is what the searcher would have proposed. */
START_TEST(first_points_change_nothing_else)
{
    static const char *const names[] = {"random", "halton", "sobol"};
    const char *space = "{'u': {'uniform': [0, 1]}, 'w': {'randint': [0, 1000000]}}";
    struct proposal plain[4], proposal;

    begin(names[_i], space, 4, 9);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_int_eq(ops->propose(search, i, &arena, &plain[i]), SEARCH_PROPOSED);
    give_first("[{'w': 5}, {}]");
    begin(names[_i], space, 4, 9);
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_int_eq(ops->propose(search, i, &arena, &proposal), SEARCH_PROPOSED);
        ck_assert(value_equal(value_get(&proposal.config, "u"), value_get(&plain[i].config, "u")));
        if (i > 0)
            ck_assert_msg(value_equal(&proposal.config, &plain[i].config), "%u", i);
        if (i > 0)
            ck_assert_str_eq(proposal.tag, plain[i].tag);
    }
}
END_TEST

/* A point that leaves a grid open is tried with all of it, one that names a value with that alone;
 * then the searcher begins the grid where it begins. */
START_TEST(first_points_and_grids)
{
    give_first("[{'g': 2, 'h': 'x'}, {'h': 'y'}]");
    begin("grid", "{'g': {'grid_search': [1, 2, 3]}, 'h': {'grid_search': ['x', 'y']}}", 3, 1);
    expect(0, "0_g=2,h=x", "{'g': 2, 'h': 'x'}");
    expect(1, "1_g=1,h=y", "{'g': 1, 'h': 'y'}");
    expect(2, "2_g=2,h=y", "{'g': 2, 'h': 'y'}");
    expect(3, "3_g=3,h=y", "{'g': 3, 'h': 'y'}");
    expect(4, "4_g=1,h=x", "{'g': 1, 'h': 'x'}");
    expect(5, "5_g=2,h=x", "{'g': 2, 'h': 'x'}");
    expect(9, "9_g=3,h=y", "{'g': 3, 'h': 'y'}");
    expect_end(10);
    /* As in Tune, where the points are all of the samples nothing is walked besides. */
    give_first("[{'g': 2}]");
    begin("grid", "{'g': {'grid_search': [1, 2, 3]}}", 1, 1);
    expect(0, "0_g=2", "{'g': 2}");
    expect_end(1);
}
END_TEST

static void expect_suggested(uint32_t trial, const char *suggested, const char *tag,
                             const char *config)
{
    struct value given = read_json(suggested);

    ops->suggest(search, &given);
    expect(trial, tag, config);
}

/* Each suggestion is good for one; of what it leaves open grids are walked and the rest is drawn as
 * random draws it. */
START_TEST(external_proposes_what_is_suggested)
{
    const char *space = "{'u': {'uniform': [0, 1]}, 'g': {'grid_search': [1, 2]}, 'c': 'x'}";
    struct value nothing = {.type = VALUE_MAP};
    struct proposal plain, proposal;

    begin("random", space, 2, 9);
    ck_assert_int_eq(ops->propose(search, 3, &arena, &plain), SEARCH_PROPOSED);
    begin("external", space, 2, 9);
    ck_assert_int_eq(ops->propose(search, 0, &arena, &proposal), SEARCH_WAIT);
    expect_suggested(0, "{'u': 0.5, 'g': 2}", "0_g=2,u=0.5", "{'u': 0.5, 'g': 2, 'c': 'x'}");
    ck_assert_int_eq(ops->propose(search, 1, &arena, &proposal), SEARCH_WAIT);
    expect_suggested(1, "{'u': 1}", "1_g=2,u=1.0", "{'u': 1.0, 'g': 2, 'c': 'x'}");
    expect_suggested(2, "{'u': 0, 'c': 'x'}", "2_g=1,u=0.0", "{'u': 0.0, 'g': 1, 'c': 'x'}");
    ops->suggest(search, &nothing);
    ck_assert_int_eq(ops->propose(search, 3, &arena, &proposal), SEARCH_PROPOSED);
    ck_assert(value_equal(&proposal.config, &plain.config));
    ck_assert_str_eq(proposal.tag, plain.tag);
    ops->suggest(search, &nothing);
    expect_end(4);
}
END_TEST

/* Where it may say more than config does, the tag names that, too. */
START_TEST(external_and_open)
{
    begin("external", "{'u': {'uniform': [0, 1]}, 'g': {'grid_search': [1, 2]}, 'c': 1}", 2, 9);
    spec.search.open = true;
    expect_suggested(0, "{'u': 0.5, 'n': {'m': 3}, 'c': 'x'}", "0_c=x,g=1,m=3,u=0.5",
                     "{'u': 0.5, 'g': 1, 'c': 'x', 'n': {'m': 3}}");
}
END_TEST

/* Points that are tried first need none, and use none up. */
START_TEST(external_behind_first_points)
{
    struct value given = read_json("{'u': 0.25}");
    struct proposal proposal;

    give_first("[{'u': 0.75}]");
    begin("external", "{'u': {'uniform': [0, 1]}}", 2, 9);
    ck_assert(!ops->ahead);
    expect(0, "0_u=0.75", "{'u': 0.75}");
    ck_assert_int_eq(ops->propose(search, 1, &arena, &proposal), SEARCH_WAIT);
    ops->suggest(search, &given);
    expect(1, "1_u=0.25", "{'u': 0.25}");
    expect_end(2);
}
END_TEST

/* A searcher that learns, and notes what it is told. */
static struct buf told;

static void *note_new(const struct spec *of, uint64_t seed)
{
    (void)seed;
    return (void *)(uintptr_t)of;
}

static void note_free(void *self)
{
    (void)self;
}

static uint32_t note_total(const void *self)
{
    const struct spec *of = self;

    return (uint32_t)space_points(&of->config) * of->num_samples;
}

static enum search_answer note_propose(void *self, uint32_t trial, struct arena *into,
                                       struct proposal *out)
{
    (void)self;
    buf_printf(&told, "ask %u;", trial);
    if (trial == 9)
        return SEARCH_WAIT;
    *out = (struct proposal){.config = {.type = VALUE_MAP},
                             .tag = arena_printf(into, "%u_2x=3", trial)};
    return SEARCH_PROPOSED;
}

static void note_pending(void *self, uint32_t trial, struct span config)
{
    (void)self;
    buf_printf(&told, "pending %u of %zu;", trial, config.size);
}

static void note_observe(void *self, uint32_t trial, const struct observation *observation)
{
    (void)self;
    buf_printf(&told, "%u is %g;", trial, observation->value);
}

static void note_error(void *self, uint32_t trial)
{
    (void)self;
    buf_printf(&told, "%u failed;", trial);
}

static void note_save(const void *self, struct buf *out)
{
    (void)self;
    buf_append_text(out, "state");
}

static bool note_load(void *self, struct cursor *in)
{
    (void)self;
    return in->end - in->at == 5;
}

static const struct search_ops noting = {
    .name = "noting",
    .new = note_new,
    .free = note_free,
    .total = note_total,
    .propose = note_propose,
    .pending = note_pending,
    .observe = note_observe,
    .error = note_error,
    .save = note_save,
    .load = note_load,
};

/* To it every sample has all combinations of the grids: its numbers leave out what points do not
 * have. What it says and what it is told of is of the same trial. */
START_TEST(first_points_before_one_that_learns)
{
    const struct observation good = {.value = 2};
    struct proposal proposal;
    struct cursor cursor;
    struct buf saved = {0};

    told = (struct buf){0};
    give_first("[{'g': 3}, {}]");
    begin("random", "{'g': {'grid_search': [1, 2, 3]}}", 4, 1);
    ops->free(search);
    ops = &search_first;
    search = search_first_new(&spec, 1, &noting);
    ck_assert(!ops->ahead);
    ck_assert_uint_eq(ops->total(search), 1 + 3 + 2 * 3);
    expect(0, "0_g=3", "{'g': 3}");
    expect(3, "3_g=3", "{'g': 3}");
    ck_assert_int_eq(ops->propose(search, 4, &arena, &proposal), SEARCH_PROPOSED);
    ck_assert_str_eq(proposal.tag, "4_2x=3");
    ck_assert_int_eq(ops->propose(search, 7, &arena, &proposal), SEARCH_WAIT);
    ops->pending(search, 0, span_text("abc"));
    ops->observe(search, 1, &good);
    ops->observe(search, 3, &good);
    ops->error(search, 4);
    ck_assert_str_eq(buf_text(&told), "ask 6;ask 9;pending 0 of 3;3 is 2;5 is 2;6 failed;");
    ops->save(search, &saved);
    cursor_init(&cursor, buf_span(&saved));
    ck_assert(ops->load(search, &cursor));
    cursor_init(&cursor, span_text("no"));
    ck_assert(!ops->load(search, &cursor));
    ck_assert_int_eq(ops->propose(search, 10, &arena, &proposal), SEARCH_DONE);
    buf_fini(&saved);
    buf_fini(&told);
}
END_TEST

START_TEST(found_by_name)
{
    size_t count;
    const char *const *names = search_names(&count);

    ck_assert_uint_eq(count, 7);
    for (size_t i = 0; i < count; i++) {
        ck_assert_str_eq(search_find(names[i])->name, names[i]);
        /* Who learns is asked as late as can be. */
        ck_assert(search_find(names[i])->ahead == (search_find(names[i])->observe == NULL &&
                                                   search_find(names[i])->suggest == NULL));
        ck_assert(search_find(names[i])->ahead ==
                  (strcmp(names[i], "tpe") != 0 && strcmp(names[i], "external") != 0));
    }
    ck_assert_ptr_null(search_find("randon"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("search");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, samples_times_grid_in_tunes_order, 0, 2);
    tcase_add_test(tc, constants_alone_have_a_bare_number);
    tcase_add_test(tc, nothing_asked_nothing_proposed);
    tcase_add_test(tc, draws_belong_to_the_trial);
    tcase_add_test(tc, list_goes_in_order_and_repeats);
    tcase_add_test(tc, list_points_lie_over_the_constants);
    tcase_add_test(tc, list_fills_what_is_open);
    tcase_add_test(tc, empty_list_ends_at_once);
    tcase_add_loop_test(tc, first_points_come_first, 0, 4);
    tcase_add_loop_test(tc, first_points_change_nothing_else, 0, 3);
    tcase_add_test(tc, first_points_and_grids);
    tcase_add_test(tc, external_proposes_what_is_suggested);
    tcase_add_test(tc, external_and_open);
    tcase_add_test(tc, external_behind_first_points);
    tcase_add_test(tc, first_points_before_one_that_learns);
    tcase_add_test(tc, found_by_name);
    suite_add_tcase(s, tc);
    return s;
}
