/* links: client */
/* The toy of the paper on population based training (Jaderberg et al., 2017, figure 2): neither
 * taking over alone nor exploring alone comes to the top of the hill 1.2 - a^2 - b^2, of which a
 * trial sees only 1.2 - h.a a^2 - h.b b^2. What it goes up may even lead away from it: h goes from
 * -2 to 1. Everything is decided by the scheduler itself, on the pipe of `assay drive`. */
#include "common/rng.h"
#include "head/core/explore.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/drive_rig.h"

#define TRIALS   8u
#define STEPS    400
#define INTERVAL 4
#define RATE     0.05
#define TOP      1.19
#define HALFWAY  0.4 /* of who sees one half: 1.2 - 0.9^2 is 0.39 */
#define LOST     1.1 /* of who sees now this, now that */
#define SEEDS    6u

#define HALVES                                                                                     \
    "'config': {'h': {'a': 0, 'b': 0}, 'still': 1}, 'search': {'type': 'list', 'seed': %u, "       \
    "'points': [{'h': {'a': 1, 'b': 0}}, {'h': {'a': 0, 'b': 1}}]}, 'num_samples': 4"
#define SCHEDULER                                                                                  \
    "'scheduler': {'type': 'pbt', 'time_attr': 'training_iteration', "                             \
    "'perturbation_interval': 4, 'resample_probability': 0.5, 'hyperparam_mutations': {%s}}"
#define EXPLORED "'h': {'a': {'uniform': [-2, 1]}, 'b': {'uniform': [-2, 1]}}"

struct climber {
    double a, b; /* where it is */
    double saved_a, saved_b;
    double ha, hb; /* what it sees */
};

static struct climber climbers[TRIALS];

static double step_up(struct climber *climber)
{
    climber->a -= RATE * 2 * climber->ha * climber->a;
    climber->b -= RATE * 2 * climber->hb * climber->b;
    return 1.2 - climber->a * climber->a - climber->b * climber->b;
}

static struct value read_json(const char *text)
{
    struct json_error wrong;
    struct value value;

    ck_assert_msg(json_read(span_text(drive_quoted(text)), &drive_arena, &value, &wrong) == 0,
                  "%s: %s", text, wrong.what);
    return value;
}

static void configure(struct climber *climber, const struct value *config)
{
    const struct value *h = value_get(config, "h");

    climber->ha = value_number(value_get(h, "a"));
    climber->hb = value_number(value_get(h, "b"));
}

static void begin_all(void)
{
    for (uint32_t i = 0; i < TRIALS; i++)
        climbers[i] = (struct climber){.a = 0.9, .b = 0.9};
}

/* A result of one, and what its scheduler says to it. */
static double report(struct drive *drive, uint32_t trial)
{
    struct climber *climber = &climbers[trial];
    double height = step_up(climber);
    struct value answer = read_json(drive_says(
        drive, arena_printf(&drive_arena, "{'op':'result','trial':'t%u','result':{'r':%.17g}}",
                            trial, height)));
    const struct value *from = value_get(&answer, "from");

    if (value_get(&answer, "also") != NULL) { /* it is to save */
        climber->saved_a = climber->a;
        climber->saved_b = climber->b;
    }
    if (from != NULL) {
        const struct climber *donor = &climbers[from->text[1] - '0'];

        climber->a = climber->saved_a = donor->saved_a;
        climber->b = climber->saved_b = donor->saved_b;
        configure(climber, value_get(&answer, "config"));
    }
    return height;
}

/* The height that the best of a population comes to. */
static double population(uint32_t seed, const char *mutations)
{
    struct drive *drive =
        drive_made(arena_printf(&drive_arena, ", " HALVES ", " SCHEDULER, seed, mutations));
    struct rng turns = {.seed = seed};
    double best = -1e9;

    begin_all();
    for (uint32_t i = 0; i < TRIALS; i++) {
        struct value asked = read_json(drive_says(drive, "{'op':'ask'}"));

        configure(&climbers[i], value_get(&asked, "config"));
    }
    /* Whose turn it is, chance says: so some are behind. */
    for (uint32_t step = 0; step < STEPS * TRIALS; step++) {
        double height = report(drive, (uint32_t)rng_next_below(&turns, TRIALS));

        best = height > best ? height : best;
    }
    drive_free(drive);
    return best;
}

/* The same where each explores for itself, at every interval. */
static double explorers(uint32_t seed)
{
    struct value *value = arena_alloc(&drive_arena, sizeof(*value));
    struct spec_error error;
    struct spec spec;
    double best = -1e9;

    *value = read_json(arena_printf(
        &drive_arena,
        "{'run': {'command': 'x'}, 'metric': 'r', 'mode': 'max', " HALVES ", " SCHEDULER "}", seed,
        EXPLORED));
    ck_assert_int_eq(spec_parse(value, &drive_arena, &spec, &error), 0);
    begin_all();
    for (uint32_t i = 0; i < TRIALS; i++) {
        struct rng rng = {.seed = seed, .stream = i};
        struct value config =
            read_json(i % 2 == 0 ? "{'h': {'a': 1, 'b': 0}}" : "{'h': {'a': 0, 'b': 1}}");

        configure(&climbers[i], &config);
        for (int step = 0; step < STEPS; step++) {
            double height = step_up(&climbers[i]);

            best = height > best ? height : best;
            if (step % INTERVAL != INTERVAL - 1)
                continue;
            config = explore(&spec.scheduler, &config, &rng, &drive_arena);
            configure(&climbers[i], &config);
        }
    }
    return best;
}

START_TEST(it_takes_both_to_reach_the_top)
{
    for (uint32_t seed = 1; seed <= SEEDS; seed++) {
        double both = population(seed, EXPLORED);
        double exploited = population(seed, "'still': [1]");
        double explored = explorers(seed);

        ck_assert_msg(both >= TOP, "seed %u: both come to %g", seed, both);
        ck_assert_msg(exploited < HALFWAY, "seed %u: exploiting comes to %g", seed, exploited);
        ck_assert_msg(explored < LOST, "seed %u: exploring comes to %g", seed, explored);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("pbt_toy");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, NULL, drive_rig_fini);
    tcase_add_test(all, it_takes_both_to_reach_the_top);
    suite_add_tcase(suite, all);
    return suite;
}
