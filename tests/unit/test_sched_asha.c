/* links: core */
#include <check.h>
#include <math.h>
#include <string.h>

#include "common/limits.h"
#include "common/rng.h"
#include "head/core/rungs.h"
#include "head/core/sched.h"
#include "tests/lib/run_suite.h"

enum { A, B, C, D, E };

static struct spec spec;
static struct sched_view view;
static struct tape tape;
static struct arena arena;
static struct buf text;
static void *asha;
static bool imaged; /* every step goes through an image */

static void setup(void)
{
    spec = (struct spec){
        .scheduler =
            {
                .type = "async_hyperband",
                .time_attr = "training_iteration",
                .metric = "score",
                .mode = MODE_MAX,
                .semantics = SEMANTICS_TUNE_07,
            },
    };
    text = (struct buf){0};
    arena = (struct arena){0};
    tape_init(&tape);
    asha = NULL;
    imaged = false;
}

static void teardown(void)
{
    sched_asha.free(asha);
    tape_fini(&tape);
    arena_fini(&arena);
    buf_fini(&text);
}

static void begin(double grace, double max_t, double factor, uint32_t brackets)
{
    sched_asha.free(asha);
    spec.scheduler.grace_period = grace;
    spec.scheduler.max_t = max_t;
    spec.scheduler.reduction_factor = factor;
    spec.scheduler.brackets = brackets;
    tape_record(&tape);
    asha = sched_asha.new(&spec, 1, &view, &tape);
}

/* Goes on with one made from the image of the last, which has the same image. */
static void through_an_image(void)
{
    struct buf image = {0}, again = {0};
    struct cursor cursor;
    void *other = sched_asha.new(&spec, 1, &view, &tape);

    sched_asha.save(asha, &image);
    cursor_init(&cursor, buf_span(&image));
    ck_assert(sched_asha.load(other, &cursor));
    ck_assert_ptr_eq(cursor.at, cursor.end);
    sched_asha.save(other, &again);
    ck_assert(span_equal(buf_span(&image), buf_span(&again)));
    sched_asha.free(asha);
    asha = other;
    buf_fini(&image);
    buf_fini(&again);
}

static void add(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        sched_asha.add(asha, i);
}

static enum action feed(const struct judged *judged)
{
    struct sched_verdict verdict;

    sched_asha.result(asha, judged, &arena, &verdict);
    ck_assert_uint_eq(verdict.other_count, 0);
    if (imaged)
        through_an_image();
    return verdict.action;
}

static enum action result(uint32_t trial, double time, double reward)
{
    const struct judged judged = {
        .trial = trial, .has_time = true, .has_reward = true, .time = time, .reward = reward};

    return feed(&judged);
}

static void complete(uint32_t trial, double time, double reward)
{
    const struct judged judged = {
        .trial = trial, .has_time = true, .has_reward = true, .time = time, .reward = reward};
    struct sched_verdict verdict;

    sched_asha.complete(asha, &judged, &arena, &verdict);
    ck_assert_int_eq(verdict.action, ACTION_CONTINUE);
    if (imaged)
        through_an_image();
}

static void error(uint32_t trial)
{
    struct sched_verdict verdict;

    sched_asha.error(asha, trial, &arena, &verdict);
    ck_assert_int_eq(verdict.action, ACTION_CONTINUE);
}

#define GOES_ON(trial, time, reward)    ck_assert_int_eq(result(trial, time, reward), ACTION_CONTINUE)
#define IS_STOPPED(trial, time, reward) ck_assert_int_eq(result(trial, time, reward), ACTION_STOP)

static void shows(const char *want)
{
    buf_reset(&text);
    sched_asha.debug(asha, &text);
    ck_assert_str_eq(buf_text(&text), want);
}

static const char *explained(uint32_t trial)
{
    buf_reset(&text);
    sched_asha.explain(asha, trial, &text);
    return buf_text(&text);
}

#define HORIZON(trial) sched_asha.horizon(asha, trial)

/* The vectors that were recorded from Tune. _i: with every step through an image. */

START_TEST(long_vector)
{
    imaged = _i == 1;
    begin(1, 9, 3, 1);
    add(5);
    GOES_ON(A, 1, 10);
    GOES_ON(B, 1, 20);
    IS_STOPPED(C, 1, 5);
    GOES_ON(D, 1, 15);
    GOES_ON(A, 2, 11);
    GOES_ON(B, 3, 25);
    shows("Using AsyncHyperBand: num_stopped=1\n"
          "Bracket: Iter 9.000: None | Iter 3.000: 25.0 | Iter 1.000: 15.0\n");
    IS_STOPPED(A, 3, 12);
    shows("Using AsyncHyperBand: num_stopped=2\n"
          "Bracket: Iter 9.000: None | Iter 3.000: 20.666666666666668 | Iter 1.000: 15.0\n");
    GOES_ON(D, 3, 24);
    GOES_ON(E, 1, 30);
    shows("Using AsyncHyperBand: num_stopped=2\n"
          "Bracket: Iter 9.000: None | Iter 3.000: 24.333333333333332 |"
          " Iter 1.000: 18.333333333333336\n");
    IS_STOPPED(E, 5, 18);
    IS_STOPPED(B, 9, 1);
    GOES_ON(D, 8, 3);
    shows("Using AsyncHyperBand: num_stopped=4\n"
          "Bracket: Iter 9.000: None | Iter 3.000: 24.0 | Iter 1.000: 18.333333333333336\n");
}
END_TEST

START_TEST(small_vector)
{
    imaged = _i == 1;
    begin(1, 10, 2, 1);
    add(3);
    GOES_ON(A, 1, 2);
    GOES_ON(B, 1, 4);
    shows("Using AsyncHyperBand: num_stopped=0\nBracket: Iter 8.000: None | Iter 4.000: None |"
          " Iter 2.000: None | Iter 1.000: 3.0\n");
    IS_STOPPED(C, 1, 1);
    shows("Using AsyncHyperBand: num_stopped=1\nBracket: Iter 8.000: None | Iter 4.000: None |"
          " Iter 2.000: None | Iter 1.000: 2.0\n");
}
END_TEST

/* Tune's own tests: A reports 0, 100, ... 900 at 0 to 9, B reports 450 at 0 to 4. */
static void feed_two(void)
{
    for (int i = 0; i < 10; i++)
        GOES_ON(A, i, i * 100);
    for (int i = 0; i < 5; i++)
        GOES_ON(B, i, 450);
}

START_TEST(upstream_on_complete)
{
    begin(10, 10, 4, 1);
    add(3);
    feed_two();
    complete(C, 10, 1000);
    shows("Using AsyncHyperBand: num_stopped=0\nBracket: Iter 10.000: 1000.0\n");
    IS_STOPPED(B, 101, 0);
}
END_TEST

START_TEST(upstream_grace_period)
{
    begin(2.5, 100, 3, 1);
    add(3);
    feed_two();
    complete(A, 10, 1000);
    complete(B, 10, 1000);
    GOES_ON(C, 1, 10);
    GOES_ON(C, 2, 10);
    ck_assert_double_eq(HORIZON(C), 2.5);
    IS_STOPPED(C, 3, 10);
    ck_assert_str_eq(explained(C),
                     "The async_hyperband scheduler had it in bracket 1 of 1. At the rung"
                     " training_iteration 2.500 its score was 10.0, worse than the cut-off 400.0:"
                     " it was stopped.");
}
END_TEST

START_TEST(upstream_all_completes)
{
    begin(10, 10, 4, 10);
    add(10);
    for (uint32_t i = 0; i < 10; i++)
        IS_STOPPED(i, 10, -1);
    shows("Using AsyncHyperBand: num_stopped=10\nBracket: Iter 10.000: None\nBracket: \n"
          "Bracket: \nBracket: \nBracket: \nBracket: \nBracket: \nBracket: \nBracket: \n"
          "Bracket: \n");
}
END_TEST

/* There it is one trial that reports on after its stop; a cluster has none such, so it is two: the
 * second joins where the first was stopped. */
START_TEST(upstream_uses_percentile)
{
    begin(1, 10, 2, 1);
    add(4);
    feed_two();
    complete(A, 10, 1000);
    complete(B, 10, 1000);
    IS_STOPPED(C, 1, 260); /* cut-off 275 */
    IS_STOPPED(C, 2, 260);
    IS_STOPPED(D, 2, 260); /* cut-off 325 */
    ck_assert_ptr_nonnull(strstr(explained(C), "cut-off 275.0"));
    ck_assert_ptr_nonnull(strstr(explained(D), "cut-off 325.0"));
}
END_TEST

START_TEST(upstream_alternate_metrics)
{
    begin(1, 100, 4, 1);
    add(2);
    feed_two();
    complete(A, 10, 1000);
    GOES_ON(B, 5, 450);
    GOES_ON(B, 6, 0);
}
END_TEST

START_TEST(rung_tables)
{
    static const struct {
        double grace, max_t, factor;
        const char *line;
    } rows[] = {
        {10, 100, 4, "Iter 40.000: None | Iter 10.000: None"},
        {10, 100, 3, "Iter 90.000: None | Iter 30.000: None | Iter 10.000: None"},
        {5, 100, 4, "Iter 80.000: None | Iter 20.000: None | Iter 5.000: None"},
        {5, 100, 3, "Iter 45.000: None | Iter 15.000: None | Iter 5.000: None"},
        {1, 100, 4, "Iter 64.000: None | Iter 16.000: None | Iter 4.000: None | Iter 1.000: None"},
        {1, 81, 3,
         "Iter 81.000: None | Iter 27.000: None | Iter 9.000: None | Iter 3.000: None |"
         " Iter 1.000: None"},
        {1, 10, 2, "Iter 8.000: None | Iter 4.000: None | Iter 2.000: None | Iter 1.000: None"},
        {2.5, 100, 3,
         "Iter 67.500: None | Iter 22.500: None | Iter 7.500: None | Iter 2.500: None"},
        {7, 7, 4, "Iter 7.000: None"},
        {1, 1.5, 2, "Iter 1.000: None"},
        /* Exact powers: six rungs and four, whatever the logs say. */
        {1, 243, 3,
         "Iter 243.000: None | Iter 81.000: None | Iter 27.000: None | Iter 9.000: None |"
         " Iter 3.000: None | Iter 1.000: None"},
        {1, 1000, 10,
         "Iter 1000.000: None | Iter 100.000: None | Iter 10.000: None | Iter 1.000: None"},
    };

    begin(rows[_i].grace, rows[_i].max_t, rows[_i].factor, 1);
    shows(
        arena_printf(&arena, "Using AsyncHyperBand: num_stopped=0\nBracket: %s\n", rows[_i].line));
}
END_TEST

START_TEST(every_exact_power_has_its_rung)
{
    for (uint32_t factor = 2; factor <= 12; factor++) {
        double max_t = factor;

        for (uint32_t power = 1; power <= 8; power++, max_t *= factor) {
            struct rungs *rungs;

            spec.scheduler.grace_period = 1;
            spec.scheduler.reduction_factor = factor;
            spec.scheduler.max_t = max_t;
            spec.scheduler.brackets = 1;
            tape_record(&tape);
            rungs = rungs_new(&spec.scheduler, &tape);
            ck_assert_uint_eq(rungs_count(rungs), power + 1);
            ck_assert_double_eq(rungs_milestone(rungs, power), max_t);
            rungs_free(rungs);
        }
    }
}
END_TEST

/* The lines of the example output that began the project. */
START_TEST(three_brackets_drop_low_rungs)
{
    begin(5, 100, 3, 3);
    shows("Using AsyncHyperBand: num_stopped=0\n"
          "Bracket: Iter 45.000: None | Iter 15.000: None | Iter 5.000: None\n"
          "Bracket: Iter 45.000: None | Iter 15.000: None\n"
          "Bracket: Iter 45.000: None\n");
    begin(5, 44, 3, 4);
    shows("Using AsyncHyperBand: num_stopped=0\nBracket: Iter 15.000: None | Iter 5.000: None\n"
          "Bracket: Iter 15.000: None\nBracket: \nBracket: \n");
}
END_TEST

/* 0.665 0.245 0.090 */
START_TEST(bracket_chances)
{
    struct rungs *rungs;

    begin(5, 100, 3, 3);
    tape_record(&tape);
    rungs = rungs_new(&spec.scheduler, &tape);
    ck_assert_uint_eq(rungs_bracket(rungs, 0), 0);
    ck_assert_uint_eq(rungs_bracket(rungs, 0.6652), 0);
    ck_assert_uint_eq(rungs_bracket(rungs, 0.6653), 1);
    ck_assert_uint_eq(rungs_bracket(rungs, 0.9099), 1);
    ck_assert_uint_eq(rungs_bracket(rungs, 0.9100), 2);
    ck_assert_uint_eq(rungs_bracket(rungs, 1 - 0x1p-53), 2);
    rungs_free(rungs);
}
END_TEST

static uint32_t bracket_of(uint32_t trial)
{
    const char *at = strstr(explained(trial), "bracket ");

    ck_assert_ptr_nonnull(at);
    return (uint32_t)(at[8] - '1');
}

START_TEST(brackets_are_drawn_for_the_trial)
{
    uint32_t brackets[3000], counts[3] = {0}, moved = 0;

    begin(5, 100, 3, 3);
    add(3000);
    for (uint32_t i = 0; i < 3000; i++) {
        brackets[i] = bracket_of(i);
        counts[brackets[i]]++;
    }
    ck_assert_uint_gt(counts[0], 1900);
    ck_assert_uint_lt(counts[0], 2090);
    ck_assert_uint_gt(counts[1], 650);
    ck_assert_uint_gt(counts[2], 200);

    begin(5, 100, 3, 3);
    for (uint32_t i = 3000; i-- > 0;)
        sched_asha.add(asha, i);
    for (uint32_t i = 0; i < 3000; i++)
        ck_assert_uint_eq(bracket_of(i), brackets[i]);

    /* Added again after a failure: drawn again. */
    add(3000);
    for (uint32_t i = 0; i < 3000; i++)
        moved += bracket_of(i) != brackets[i];
    ck_assert_uint_gt(moved, 1000);
}
END_TEST

/* Another processor's libm may say something else: a replay takes what was decided. */
START_TEST(replay_takes_the_plan_from_the_tape)
{
    struct buf decided = {0};
    struct tape replay;

    begin(5, 100, 3, 2);
    sched_asha.free(asha);
    buf_append_span(&decided, buf_span(&tape.written));
    tape_init(&replay);
    tape_replay(&replay, buf_span(&decided));
    spec.scheduler.grace_period = 4; /* would have other milestones */
    asha = sched_asha.new(&spec, 1, &view, &replay);
    ck_assert(tape_ended_well(&replay));
    shows("Using AsyncHyperBand: num_stopped=0\n"
          "Bracket: Iter 45.000: None | Iter 15.000: None | Iter 5.000: None\n"
          "Bracket: Iter 45.000: None | Iter 15.000: None\n");
    tape_fini(&replay);
    buf_fini(&decided);
}
END_TEST

/* Quirk Q3: one that jumps over rungs is filed into the lower ones by its later results. */
START_TEST(late_filing_under_07)
{
    imaged = _i == 1;
    begin(1, 100, 3, 1);
    add(3);
    GOES_ON(A, 1, 50);
    GOES_ON(A, 3, 50);
    ck_assert_double_eq(HORIZON(A), 9);
    GOES_ON(B, 10, 40);
    ck_assert(HORIZON(B) == (double)-INFINITY);
    shows("Using AsyncHyperBand: num_stopped=0\nBracket: Iter 81.000: None | Iter 27.000: None |"
          " Iter 9.000: 40.0 | Iter 3.000: 50.0 | Iter 1.000: 50.0\n");
    IS_STOPPED(B, 11, 41); /* at rung 3 */
    ck_assert_ptr_nonnull(strstr(explained(B), "training_iteration 3.000 its score was 41.0"));
    GOES_ON(C, 10, 60);
    GOES_ON(C, 11, 60);
    ck_assert(HORIZON(C) == (double)-INFINITY);
    GOES_ON(C, 12, 60);
    ck_assert_double_eq(HORIZON(C), 27);
}
END_TEST

START_TEST(no_late_filing_under_2)
{
    imaged = _i == 1;
    spec.scheduler.semantics = SEMANTICS_TUNE_2;
    begin(1, 100, 3, 1);
    add(2);
    GOES_ON(A, 1, 50);
    GOES_ON(A, 3, 50);
    GOES_ON(B, 10, 40);
    ck_assert_double_eq(HORIZON(B), 27);
    GOES_ON(B, 11, 1);
    GOES_ON(B, 4, 1); /* back in time: what is below is decided */
    GOES_ON(B, 12, 1);
    shows("Using AsyncHyperBand: num_stopped=0\nBracket: Iter 81.000: None | Iter 27.000: None |"
          " Iter 9.000: 40.0 | Iter 3.000: 50.0 | Iter 1.000: 50.0\n");
}
END_TEST

START_TEST(repeated_times_count_once)
{
    spec.scheduler.semantics = _i == 1 ? SEMANTICS_TUNE_2 : SEMANTICS_TUNE_07;
    begin(1, 10, 2, 1);
    add(2);
    GOES_ON(A, 1, 5);
    GOES_ON(A, 1, 1);
    GOES_ON(B, 1, 6);
    GOES_ON(B, 1, 0);
    shows("Using AsyncHyperBand: num_stopped=0\nBracket: Iter 8.000: None | Iter 4.000: None |"
          " Iter 2.000: None | Iter 1.000: 5.5\n");
}
END_TEST

START_TEST(ties_go_on)
{
    begin(1, 10, 2, 1);
    add(4);
    for (uint32_t i = 0; i < 4; i++)
        GOES_ON(i, 1, 5);
}
END_TEST

/* _i: 0.7, where a NaN in a rung stops its stopping; 2, where it stays out and is the worst. */
START_TEST(nan_rewards)
{
    bool old = _i == 0;

    imaged = true;
    spec.scheduler.semantics = old ? SEMANTICS_TUNE_07 : SEMANTICS_TUNE_2;
    begin(1, 10, 4, 1);
    add(5);
    GOES_ON(A, 1, (double)NAN);
    shows(arena_printf(&arena,
                       "Using AsyncHyperBand: num_stopped=0\n"
                       "Bracket: Iter 4.000: None | Iter 1.000: %s\n",
                       old ? "nan" : "None"));
    GOES_ON(B, 1, 9);
    ck_assert_int_eq(result(C, 1, 1), old ? ACTION_CONTINUE : ACTION_STOP);
    ck_assert_int_eq(result(D, 1, (double)NAN), old ? ACTION_CONTINUE : ACTION_STOP);
    GOES_ON(A, 2, 0);
    ck_assert_double_eq(HORIZON(A), 4);
}
END_TEST

START_TEST(infinite_rewards)
{
    spec.scheduler.semantics = _i == 1 ? SEMANTICS_TUNE_2 : SEMANTICS_TUNE_07;
    begin(1, 10, 2, 1);
    add(5);
    GOES_ON(A, 1, (double)-INFINITY);
    GOES_ON(B, 1, (double)-INFINITY);
    GOES_ON(C, 1, 7);
    GOES_ON(D, 1, 8);
    GOES_ON(E, 1, (double)-INFINITY); /* the cut-off is -inf or no number: stops nobody */
}
END_TEST

START_TEST(results_that_say_nothing)
{
    const bool old = _i == 0;
    struct judged judged = {.trial = B, .has_reward = true, .reward = 1};

    spec.scheduler.semantics = old ? SEMANTICS_TUNE_07 : SEMANTICS_TUNE_2;
    begin(1, 10, 2, 1);
    add(2);
    GOES_ON(A, 1, 5);
    ck_assert_int_eq(feed(&judged), ACTION_CONTINUE); /* no time */
    judged.has_time = true;
    judged.time = (double)NAN;
    ck_assert_int_eq(feed(&judged), ACTION_CONTINUE);
    ck_assert_double_eq(HORIZON(B), 1);
    judged.time = 1;
    judged.has_reward = false;
    ck_assert_int_eq(feed(&judged), ACTION_CONTINUE);
    ck_assert(HORIZON(B) == (double)-INFINITY); /* its rung is still open */
    judged.time = 10;
    ck_assert_int_eq(feed(&judged), old ? ACTION_STOP : ACTION_CONTINUE);
    shows(arena_printf(&arena,
                       "Using AsyncHyperBand: num_stopped=%d\nBracket: Iter 8.000: None |"
                       " Iter 4.000: None | Iter 2.000: None | Iter 1.000: 5.0\n",
                       old));
}
END_TEST

START_TEST(horizon_is_the_next_rung)
{
    begin(1, 9, 3, 1);
    add(1);
    ck_assert_double_eq(HORIZON(A), 1);
    GOES_ON(A, 0.5, 1);
    ck_assert_double_eq(HORIZON(A), 1);
    GOES_ON(A, 1, 1);
    ck_assert_double_eq(HORIZON(A), 3);
    GOES_ON(A, 3, 1);
    ck_assert_double_eq(HORIZON(A), 9);
    begin(1, 8, 3, 1);
    add(1);
    GOES_ON(A, 1, 1);
    GOES_ON(A, 3, 1);
    ck_assert_double_eq(HORIZON(A), 8); /* max_t */
    ck_assert(HORIZON(7) == (double)-INFINITY);
}
END_TEST

/* Inside its horizon nothing but CONTINUE is said, whatever comes: else trials would run too far.
 */
START_TEST(horizon_is_honest)
{
    struct rng rng = {.seed = 3, .stream = (uint64_t)_i};

    spec.scheduler.semantics = _i % 2 == 1 ? SEMANTICS_TUNE_2 : SEMANTICS_TUNE_07;
    begin(1, 100, _i % 3 == 0 ? 2.5 : 3, 3);
    add(40);
    for (uint32_t step = 0; step < 4000; step++) {
        uint32_t trial = (uint32_t)rng_next_below(&rng, 40);
        double time = (double)rng_next_below(&rng, 105);
        double horizon = HORIZON(trial);

        if (result(trial, time, rng_next_unit(&rng)) == ACTION_STOP) {
            ck_assert_msg(time >= horizon, "%g stopped within %g", time, horizon);
            sched_asha.add(asha, trial);
        }
        if (step % 500 == 0)
            through_an_image();
    }
}
END_TEST

/* What a trial left at a rung stays when it begins anew after a failure, and is not left twice. */
START_TEST(retries_are_recorded_once)
{
    imaged = true;
    begin(1, 10, 2, 1);
    add(2);
    GOES_ON(A, 1, 5);
    GOES_ON(A, 2, 5);
    sched_asha.add(asha, A);
    ck_assert_double_eq(HORIZON(A), 4);
    GOES_ON(A, 1, 0);
    GOES_ON(A, 2, 0);
    shows("Using AsyncHyperBand: num_stopped=0\nBracket: Iter 8.000: None | Iter 4.000: None |"
          " Iter 2.000: 5.0 | Iter 1.000: 5.0\n");
    GOES_ON(A, 4, 5);
}
END_TEST

START_TEST(the_ended_keep_a_note)
{
    begin(1, 10, 2, 1);
    add(5);
    GOES_ON(A, 1, 5);
    complete(A, 2, 6);
    GOES_ON(B, 1, 7);
    error(B);
    error(B);
    IS_STOPPED(C, 12, 1);
    error(D);
    through_an_image();
    ck_assert_str_eq(explained(A), "The async_hyperband scheduler had it in bracket 1 of 1. At the"
                                   " rung training_iteration 2.000 its score was 6.0 when it"
                                   " ended: recorded, for those that come after it.");
    ck_assert_ptr_nonnull(strstr(explained(B), "not worse than the cut-off 5.0: it went on."));
    ck_assert_ptr_nonnull(
        strstr(explained(C), "It was stopped at training_iteration 12.0: max_t is 10.0."));
    ck_assert_ptr_nonnull(strstr(explained(D), "It was judged at no rung."));
    ck_assert_ptr_nonnull(strstr(explained(9), "has not met"));
    ck_assert(HORIZON(A) == (double)-INFINITY);
    IS_STOPPED(A, 3, 9); /* late: it counts no more */
    complete(A, 4, 9);
    shows("Using AsyncHyperBand: num_stopped=1\nBracket: Iter 8.000: None | Iter 4.000: None |"
          " Iter 2.000: 6.0 | Iter 1.000: 6.0\n");
}
END_TEST

START_TEST(minimised_metrics_are_explained_as_reported)
{
    spec.scheduler.mode = MODE_MIN;
    begin(1, 10, 2, 1);
    add(2);
    GOES_ON(A, 1, -0.25);
    IS_STOPPED(B, 1, -0.5);
    ck_assert_ptr_nonnull(strstr(explained(B), "was 0.5, worse than the cut-off 0.25"));
    shows("Using AsyncHyperBand: num_stopped=1\nBracket: Iter 8.000: None | Iter 4.000: None |"
          " Iter 2.000: None | Iter 1.000: -0.375\n");
}
END_TEST

/* Many trials through few live places: a step, an image and a step are two steps. */
START_TEST(images_in_the_middle)
{
    struct rng rng = {.seed = 9};
    struct buf with = {0}, without = {0};

    for (int pass = 0; pass < 2; pass++) {
        rng.index = 0;
        begin(1, 30, 3, 4);
        for (uint32_t trial = 0; trial < 300; trial++) {
            uint64_t steps = rng_next_below(&rng, 35);

            sched_asha.add(asha, trial);
            for (uint64_t step = 1; step <= steps; step++) {
                if (result(trial, (double)step, rng_next_unit(&rng)) == ACTION_STOP)
                    break;
            }
            if (trial % 3 == 0)
                complete(trial, (double)steps + 1, 0.5);
            if (pass == 1 && trial % 7 == 0)
                through_an_image();
        }
        sched_asha.save(asha, pass == 0 ? &without : &with);
    }
    ck_assert(span_equal(buf_span(&with), buf_span(&without)));
    buf_fini(&with);
    buf_fini(&without);
}
END_TEST

/* Any cut or turned byte gives a refusal or a state that can be used and freed. */
START_TEST(damaged_images_do_no_harm)
{
    struct buf image = {0};
    struct cursor cursor;

    begin(1, 10, 2, 2);
    add(4);
    GOES_ON(A, 1, 5);
    complete(B, 2, 6);
    sched_asha.save(asha, &image);
    for (size_t i = 0; i < image.size; i++) {
        begin(1, 10, 2, 2);
        cursor_init(&cursor, span_of(image.data, i));
        ck_assert(!sched_asha.load(asha, &cursor));

        begin(1, 10, 2, 2);
        image.data[i] ^= 0x11;
        cursor_init(&cursor, buf_span(&image));
        if (sched_asha.load(asha, &cursor)) {
            (void)result(A, 4, 3);
            for (uint32_t trial = 0; trial < 5; trial++)
                (void)explained(trial);
        }
        image.data[i] ^= 0x11;
    }
    buf_fini(&image);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("sched_asha");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, long_vector, 0, 2);
    tcase_add_loop_test(tc, small_vector, 0, 2);
    tcase_add_test(tc, upstream_on_complete);
    tcase_add_test(tc, upstream_grace_period);
    tcase_add_test(tc, upstream_all_completes);
    tcase_add_test(tc, upstream_uses_percentile);
    tcase_add_test(tc, upstream_alternate_metrics);
    tcase_add_loop_test(tc, rung_tables, 0, 12);
    tcase_add_test(tc, every_exact_power_has_its_rung);
    tcase_add_test(tc, three_brackets_drop_low_rungs);
    tcase_add_test(tc, bracket_chances);
    tcase_add_test(tc, brackets_are_drawn_for_the_trial);
    tcase_add_test(tc, replay_takes_the_plan_from_the_tape);
    tcase_add_loop_test(tc, late_filing_under_07, 0, 2);
    tcase_add_loop_test(tc, no_late_filing_under_2, 0, 2);
    tcase_add_loop_test(tc, repeated_times_count_once, 0, 2);
    tcase_add_test(tc, ties_go_on);
    tcase_add_loop_test(tc, nan_rewards, 0, 2);
    tcase_add_loop_test(tc, infinite_rewards, 0, 2);
    tcase_add_loop_test(tc, results_that_say_nothing, 0, 2);
    tcase_add_test(tc, horizon_is_the_next_rung);
    tcase_add_loop_test(tc, horizon_is_honest, 0, 6);
    tcase_add_test(tc, retries_are_recorded_once);
    tcase_add_test(tc, the_ended_keep_a_note);
    tcase_add_test(tc, minimised_metrics_are_explained_as_reported);
    tcase_add_test(tc, images_in_the_middle);
    tcase_add_test(tc, damaged_images_do_no_harm);
    suite_add_tcase(s, tc);
    return s;
}
