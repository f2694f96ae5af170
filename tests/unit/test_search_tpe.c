/* links: core */
#include <math.h>
#include <stdlib.h>

#include "head/core/search.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/spec_rig.h"

#define TRIALS 100u
#define SEEDS  20u

static const struct search_ops *ops;
static void *search;
static struct arena scratch;
static struct buf packed;

static void begin(const char *type, const char *config, uint64_t seed)
{
    check_parses(arena_printf(&arena,
                              "{" NATIVE ", 'metric': 'v', 'mode': 'min', 'num_samples': %u, "
                              "'search': '%s', 'config': %s}",
                              TRIALS, type, config));
    if (search != NULL)
        ops->free(search);
    ops = search_find(type);
    ck_assert_ptr_nonnull(ops);
    search = ops->new (&spec, seed);
}

static void setup_search(void)
{
    setup();
    search = NULL;
    scratch = (struct arena){0};
    packed = (struct buf){0};
}

static void teardown_search(void)
{
    if (search != NULL)
        ops->free(search);
    buf_fini(&packed);
    arena_fini(&scratch);
    teardown();
}

/* Good until the next. */
static const struct proposal *propose(uint32_t trial)
{
    static struct proposal proposal;

    ck_assert_int_eq(ops->propose(search, trial, &scratch, &proposal), SEARCH_PROPOSED);
    buf_reset(&packed);
    value_pack(&proposal.config, &packed);
    if (ops->pending != NULL)
        ops->pending(search, trial, buf_span(&packed));
    return &proposal;
}

/* Lower is better. */
static void tell(uint32_t trial, double loss)
{
    const struct observation observation = {.value = -loss, .time = 1, .ended = true};

    if (ops->observe != NULL)
        ops->observe(search, trial, &observation);
}

static double number(const struct value *config, const char *key)
{
    const struct value *value = value_get(config, key);

    ck_assert_ptr_nonnull(value);
    return value_number(value);
}

static double square(double x)
{
    return x * x;
}

static double quadratic_loss(const struct value *config)
{
    double sum = 0;

    for (uint32_t i = 0; i < config->count; i++)
        sum += square(value_number(&config->members[i].value) - 0.3 - 0.1 * i);
    return sum;
}

static double mixed_loss(const struct value *config)
{
    const struct value *act = value_get(config, "act");

    return square(log10(number(config, "lr")) + 2.5) + square(number(config, "width") - 70) / 900 +
           square(number(config, "drop") - 0.4) * 4 + (strcmp(act->text, "gelu") == 0 ? 0 : 0.6);
}

static double branch_loss(const struct value *config)
{
    const struct value *net = value_get(config, "net");
    const struct value *depth = value_get(net, "depth");

    return square(log10(number(config, "lr")) + 3) +
           (depth != NULL ? square(value_number(depth) - 7) / 8 + square(number(net, "skip") - 0.8)
                          : 0.7 + square(number(net, "width") - 20) / 400);
}

static const struct problem {
    const char *config;
    double (*loss)(const struct value *config);
    double most; /* the mean best loss, of random's */
} problems[] = {
    {"{'a': {'uniform': [0, 1]}, 'b': {'uniform': [0, 1]}}", quadratic_loss, 0.5},
    {"{'a': {'uniform': [0, 1]}, 'b': {'uniform': [0, 1]}, 'c': {'uniform': [0, 1]}, "
     "'d': {'uniform': [0, 1]}, 'e': {'uniform': [0, 1]}}",
     quadratic_loss, 0.5},
    {"{'lr': {'loguniform': [0.00001, 1]}, 'width': {'qrandint': [10, 200, 10]}, "
     "'drop': {'quniform': [0, 0.9, 0.1]}, 'act': {'choice': ['relu', 'tanh', 'gelu', 'elu']}}",
     mixed_loss, 0.5},
    {"{'lr': {'loguniform': [0.00001, 1]}, 'net': {'choice': [{'width': {'randint': [1, 100]}}, "
     "{'depth': {'randint': [1, 20]}, 'skip': {'uniform': [0, 1]}}]}}",
     branch_loss, 0.5},
};

#define PROBLEMS ((int)(sizeof(problems) / sizeof(problems[0])))

static double best_of(const struct problem *problem, uint32_t in_flight)
{
    double losses[TRIALS], best = INFINITY;
    uint32_t told = 0;

    for (uint32_t trial = 0; trial < TRIALS; trial++) {
        const struct proposal *proposal;

        arena_reset(&scratch);
        proposal = propose(trial);
        losses[trial] = problem->loss(&proposal->config);
        best = losses[trial] < best ? losses[trial] : best;
        for (; told + in_flight <= trial + 1; told++)
            tell(told, losses[told]);
    }
    return best;
}

static double mean_best(const char *type, const struct problem *problem, uint32_t in_flight)
{
    double sum = 0;

    for (uint32_t seed = 0; seed < SEEDS; seed++) {
        begin(type, problem->config, seed);
        sum += best_of(problem, in_flight);
    }
    return sum / SEEDS;
}

/* Each trial after the one before, and with eight in flight. */
START_TEST(finds_more_than_random)
{
    const struct problem *problem = &problems[_i / 2];
    double random = mean_best("random", problem, 1);
    double tpe = mean_best("tpe", problem, _i % 2 == 0 ? 1 : 8);

    ck_assert_msg(tpe < problem->most * random, "%g, random %g", tpe, random);
}
END_TEST

/* The first ones are random's of the same seed; the next are not. */
START_TEST(begins_as_random_does)
{
    struct value random[11];
    bool same = true;

    begin("random", problems[2].config, 5);
    for (uint32_t i = 0; i < 11; i++)
        random[i] = value_copy(&propose(i)->config, &arena);
    begin("tpe", problems[2].config, 5);
    for (uint32_t i = 0; i < 11; i++) {
        const struct proposal *proposal = propose(i);

        same = value_equal(&proposal->config, &random[i]);
        ck_assert(same || i == 10);
        tell(i, mixed_loss(&proposal->config));
    }
    ck_assert(!same);
}
END_TEST

static void save_and_load(void)
{
    struct buf state = {0};
    struct buf again = {0};
    struct cursor cursor;

    ops->save(search, &state);
    ops->free(search);
    search = ops->new (&spec, 3);
    cursor_init(&cursor, buf_span(&state));
    ck_assert(ops->load(search, &cursor));
    ops->save(search, &again);
    ck_assert(span_equal(buf_span(&state), buf_span(&again)));
    buf_fini(&state);
    buf_fini(&again);
}

/* The same seed and the same results: the same proposals, also with a save and load before each. */
START_TEST(save_and_load_change_nothing)
{
    const struct problem *problem = &problems[_i];
    struct value first[60];

    for (uint32_t round = 0; round < 3; round++) {
        begin("tpe", problem->config, 3);
        for (uint32_t trial = 0; trial < 60; trial++) {
            const struct proposal *proposal;

            if (round == 2)
                save_and_load();
            proposal = propose(trial);
            if (round == 0)
                first[trial] = value_copy(&proposal->config, &arena);
            ck_assert(value_equal(&proposal->config, &first[trial]));
            if (trial >= 4 && (trial - 4) % 9 == 8)
                ops->error(search, trial - 4);
            else if (trial >= 4)
                tell(trial - 4,
                     (trial - 4) % 13 == 12 ? (double)NAN : problem->loss(&first[trial - 4]));
        }
    }
}
END_TEST

/* Every grid point as often, in random's order, and at each what is good there. */
START_TEST(grids_are_walked)
{
    uint32_t near = 0;

    for (uint32_t i = 0; i < 400; i++) {
        const struct proposal *proposal;
        uint32_t trial = i % 100;
        const char *act;
        double x;

        if (trial == 0)
            begin("tpe", "{'act': {'grid_search': ['relu', 'tanh']}, 'x': {'uniform': [0, 1]}}", i);
        proposal = propose(trial);
        act = value_get(&proposal->config, "act")->text;
        x = number(&proposal->config, "x");
        ck_assert_str_eq(act, trial % 2 == 0 ? "relu" : "tanh");
        ck_assert_ptr_nonnull(strstr(proposal->tag, act));
        near += trial >= 40 && (x < 0.5) == (trial % 2 == 0);
        tell(trial, square(x - (trial % 2 == 0 ? 0.2 : 0.8)));
    }
    ck_assert_uint_eq(ops->total(search), 2 * TRIALS);
    ck_assert_uint_ge(near, 150); /* of 240, where 120 would be by chance */
}
END_TEST

/* The tag says what is in the configuration. */
START_TEST(tags_are_as_randoms)
{
    begin("tpe", "{'b': {'randint': [0, 9]}, 'a': {'choice': ['x', {'n': {'randint': [0, 5]}}]}}",
          2);
    for (uint32_t trial = 0; trial < 40; trial++) {
        const struct proposal *proposal = propose(trial);
        const char *vars = space_tag(&spec.config, &proposal->config, &scratch);

        ck_assert_int_eq(value_get(&proposal->config, "b")->type, VALUE_INT);
        ck_assert_int_eq(atoi(proposal->tag), (int)trial);
        if (value_get(&proposal->config, "a")->type == VALUE_TEXT)
            ck_assert_str_eq(strchr(proposal->tag, '_') + 1, vars);
        else
            ck_assert_ptr_nonnull(strstr(proposal->tag, "n="));
        tell(trial, number(&proposal->config, "b"));
    }
}
END_TEST

/* A space of 100: all are tried before one is tried again. */
START_TEST(nothing_is_tried_twice)
{
    bool seen[100] = {false};
    uint32_t twice = 0;

    begin("tpe", "{'a': {'randint': [0, 10]}, 'b': {'choice': [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]}}", 4);
    for (uint32_t trial = 0; trial < 80; trial++) {
        const struct proposal *proposal = propose(trial);
        double a = number(&proposal->config, "a"), b = number(&proposal->config, "b");

        twice += trial >= 10 && seen[(int)(10 * a + b)];
        seen[(int)(10 * a + b)] = true;
        tell(trial, square(a) + b);
    }
    ck_assert_uint_eq(twice, 0);
}
END_TEST

/* While trials run, what is proposed beside them is not all the same. */
START_TEST(those_that_run_are_kept_away_from)
{
    double nearest = INFINITY, last = -1;

    begin("tpe", "{'x': {'uniform': [0, 1]}}", 6);
    for (uint32_t trial = 0; trial < 20; trial++)
        tell(trial, square(number(&propose(trial)->config, "x") - 0.5));
    for (uint32_t trial = 20; trial < 28; trial++) {
        double x = number(&propose(trial)->config, "x");

        nearest = last >= 0 && fabs(x - last) < nearest ? fabs(x - last) : nearest;
        last = x;
    }
    ck_assert_double_gt(nearest, 0.005);
}
END_TEST

/* What failed, and what never said a number, is avoided; what a person stopped before it began is
 * no news. */
START_TEST(failures_are_avoided)
{
    uint32_t high = 0;

    begin("tpe", "{'x': {'uniform': [0, 1]}}", 8);
    for (uint32_t trial = 0; trial < 60; trial++) {
        double x = number(&propose(trial)->config, "x");

        if (x < 0.5)
            tell(trial, 1);
        else if (trial % 2 == 0)
            ops->error(search, trial);
        else
            tell(trial, (double)NAN);
        high += trial >= 20 && x >= 0.55;
    }
    ck_assert_uint_lt(high, 6);
}
END_TEST

/* Where all fail there is something to keep away from: the eleventh is not random's any more. */
START_TEST(failures_count)
{
    struct value random;

    begin("random", "{'x': {'uniform': [0, 1]}}", 8);
    random = value_copy(&propose(10)->config, &arena);
    begin("tpe", "{'x': {'uniform': [0, 1]}}", 8);
    for (uint32_t trial = 0; trial < 10; trial++) {
        (void)propose(trial);
        ops->error(search, trial);
    }
    ck_assert(!value_equal(&propose(10)->config, &random));
}
END_TEST

START_TEST(who_never_ran_is_no_news)
{
    const struct observation never = {.value = (double)NAN, .ended = true, .early = true};
    const struct observation running = {.value = 3, .time = 1};
    struct buf state = {0};
    struct buf later = {0};

    begin("tpe", "{'x': {'uniform': [0, 1]}}", 8);
    ops->save(search, &state);
    (void)propose(0);
    ops->observe(search, 0, &running);
    ops->observe(search, 0, &never);
    ops->save(search, &later);
    ck_assert(span_equal(buf_span(&state), buf_span(&later)));
    ops->observe(search, 17, &never); /* not there */
    ops->error(search, 17);
    buf_fini(&state);
    buf_fini(&later);
}
END_TEST

/* Configurations that somebody else wrote: in parts, of other types, out of bounds. */
START_TEST(learns_from_foreign_configurations)
{
    static const char *const foreign[] = {
        "{}",
        "{'lr': 'high', 'net': 3}",
        "{'lr': 1e9, 'net': {'depth': 400}}",
        "{'lr': -1}",
        "{'net': {'width': 3, 'depth': 3}, 'lr': 0.1, 'more': [1]}",
        "7"};

    begin("tpe", problems[3].config, 8);
    for (uint32_t trial = 0; trial < 30; trial++) {
        struct value config = quoted(foreign[trial % 6]);

        buf_reset(&packed);
        value_pack(&config, &packed);
        ops->pending(search, trial, buf_span(&packed));
        tell(trial, trial);
    }
    for (uint32_t trial = 30; trial < 40; trial++) {
        const struct proposal *proposal = propose(trial);

        ck_assert_double_ge(number(&proposal->config, "lr"), 0.00001);
        ck_assert_double_le(number(&proposal->config, "lr"), 1);
        tell(trial, branch_loss(&proposal->config));
    }
    ops->pending(search, 40, span_text("\xc1"));
}
END_TEST

START_TEST(a_space_without_choices_goes_on)
{
    begin("tpe", "{'a': 1, 'g': {'grid_search': [1, 2]}}", 8);
    for (uint32_t trial = 0; trial < 40; trial++) {
        (void)propose(trial);
        tell(trial, 1);
    }
}
END_TEST

/* Grids whose values look alike: what is proposed is still of the value that the grid is at. */
START_TEST(alike_values_of_a_grid_are_told_apart)
{
    begin("tpe", "{'g': {'grid_search': [{'x': {'uniform': [0, 5]}}, {'x': {'uniform': [2, 3]}}]}}",
          8);
    for (uint32_t trial = 0; trial < 60; trial++) {
        const struct proposal *proposal = propose(trial);
        double x = number(value_get(&proposal->config, "g"), "x");

        ck_assert(trial % 2 == 0 || (x >= 2 && x <= 3));
        tell(trial, x);
    }
}
END_TEST

#define TPE(keys, rest) "{" NATIVE ", 'search': {'type': 'tpe'" keys "}" rest "}"
#define LOSS            ", 'metric': 'loss', 'mode': 'min'"

START_TEST(its_keys_are_read)
{
    struct buf many = {0};

    check_parses(TPE("", LOSS));
    ck_assert_uint_eq(spec.search.startup, 10);
    ck_assert_uint_eq(spec.search.candidates, 24);
    check_parses(TPE(", 'startup': 1, 'candidates': 7, 'seed': 3", LOSS));
    ck_assert_uint_eq(spec.search.startup, 1);
    ck_assert_uint_eq(spec.search.candidates, 7);
    check_refused(TPE(", 'startup': 0", LOSS), "search.startup", "from 1");
    check_refused(TPE(", 'candidates': 5000", LOSS), "search.candidates", "4096");
    check_refused(TPE(", 'points': [{}]", LOSS), "search", "takes no points");
    check_refused("{" NATIVE ", 'search': {'type': 'random', 'startup': 3}}", "search",
                  "takes no startup");
    buf_append_text(&many, "{" NATIVE LOSS ", 'search': 'tpe', 'config': {'x': {'choice': [[");
    for (uint32_t i = 1; i < LIMIT_MODELLED; i++)
        buf_append_text(&many, "{'uniform': [0, 1]}, ");
    check_parses(arena_printf(&arena, "%s 1]]}}}", buf_text(&many)));
    check_refused(arena_printf(&arena, "%s {'randn': [0, 1]}]]}}}", buf_text(&many)), "search",
                  "at most 256 domains");
    buf_fini(&many);
}
END_TEST

/* The top level's, or that of a scheduler that judges. */
START_TEST(needs_a_metric)
{
    check_refused(TPE("", ""), "search", "needs a metric");
    check_refused(TPE("", ", 'metric': 'loss'"), "search", "to grow or to shrink");
    check_parses(TPE("", ", 'scheduler': {'type': 'asha', 'metric': 'acc', 'mode': 'max'}"));
    check_parses(TPE("", ", 'scheduler': {'type': 'asha', 'reward_attr': 'acc'}"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("search_tpe");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup_search, teardown_search);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, finds_more_than_random, 0, 2 * PROBLEMS);
    tcase_add_test(tc, begins_as_random_does);
    tcase_add_loop_test(tc, save_and_load_change_nothing, 0, PROBLEMS);
    tcase_add_test(tc, grids_are_walked);
    tcase_add_test(tc, tags_are_as_randoms);
    tcase_add_test(tc, nothing_is_tried_twice);
    tcase_add_test(tc, those_that_run_are_kept_away_from);
    tcase_add_test(tc, failures_are_avoided);
    tcase_add_test(tc, failures_count);
    tcase_add_test(tc, who_never_ran_is_no_news);
    tcase_add_test(tc, learns_from_foreign_configurations);
    tcase_add_test(tc, a_space_without_choices_goes_on);
    tcase_add_test(tc, alike_values_of_a_grid_are_told_apart);
    tcase_add_test(tc, its_keys_are_read);
    tcase_add_test(tc, needs_a_metric);
    suite_add_tcase(s, tc);
    return s;
}
