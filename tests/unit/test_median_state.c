/* links: core */
/* The median rule against its formula, written down plainly; what it costs; images of it. */
#include "head/core/median_inside.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/median_rig.h"

#define TRIALS  40u
#define RESULTS 30u

/* ---- the formula ---- */

struct said {
    double time;
    double reward;
};

/* All that a trial reported, in the order in which it came. */
static struct {
    struct said said[RESULTS];
    uint32_t count;
    bool ended;
    bool stopped;
} trials[TRIALS];

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The mean of a trial's results up to a time, from the grace period on under 2. */
static double mean_of(uint32_t trial, double time)
{
    double sum = 0;
    uint32_t count = 0;

    for (uint32_t i = 0; i < trials[trial].count; i++) {
        const struct said *said = &trials[trial].said[i];

        if (said->time > time || (spec.scheduler.semantics == SEMANTICS_TUNE_2 &&
                                  said->time < spec.scheduler.numbers[0]))
            continue;
        sum += said->reward;
        count++;
    }
    return count > 0 ? sum / count : (double)NAN;
}

static bool is_compared(uint32_t trial, uint32_t other, double time)
{
    if (other == trial || trials[other].count == 0)
        return false;
    if (spec.scheduler.semantics == SEMANTICS_TUNE_07)
        return trials[other].ended;
    return trials[other].said[trials[other].count - 1].time >= time &&
           isfinite(mean_of(other, time));
}

/* What a result that is among those of the trial means. Rewards are small whole numbers, and sums
 * of them exact, so that their order is no matter. */
static bool formula_stops(uint32_t trial, double time)
{
    bool old = spec.scheduler.semantics == SEMANTICS_TUNE_07;
    double means[TRIALS], best = (double)-INFINITY, middle;
    uint32_t count = 0;

    if (old ? time <= spec.scheduler.numbers[0] : time < spec.scheduler.numbers[0])
        return false;
    for (uint32_t other = 0; other < TRIALS; other++) {
        if (!is_compared(trial, other, time))
            continue;
        means[count] = mean_of(other, time);
        if (isnan(means[count]))
            return false;
        count++;
    }
    if (count < (uint32_t)spec.scheduler.numbers[1])
        return false;
    qsort(means, count, sizeof(*means), by_number);
    middle = (means[(count - 1) / 2] + means[count / 2]) / 2;
    for (uint32_t i = 0; i < trials[trial].count; i++)
        if (trials[trial].said[i].reward > best)
            best = trials[trial].said[i].reward;
    return best < middle;
}

/* Mostly the next whole number, sometimes the same time again, one before, or one in between. */
static double next_time(struct rng *rng, double last)
{
    switch (rng_next_below(rng, 12)) {
    case 0:
        return last;
    case 1:
        return last - (double)rng_next_below(rng, 3);
    case 2:
        return last + rng_next_unit(rng);
    case 3:
        return last + 1 + (double)rng_next_below(rng, 3);
    default:
        return floor(last) + 1;
    }
}

static void one_result(struct rng *rng, uint32_t trial)
{
    uint32_t count = trials[trial].count;
    double last = count > 0 ? trials[trial].said[count - 1].time : 0;
    const struct said said = {next_time(rng, last), (double)rng_next_below(rng, 64)};

    /* The same once more at its end counts once; here no end is the same once more. */
    if (count > 0 && said.time == last && said.reward == trials[trial].said[count - 1].reward)
        return;
    trials[trial].said[trials[trial].count++] = said;
    if (trials[trial].count == RESULTS || rng_next_below(rng, 25) == 0) {
        complete(trial, said.time, said.reward);
        trials[trial].ended = true;
        return;
    }
    trials[trial].stopped = formula_stops(trial, said.time);
    ck_assert_msg((result(trial, said.time, said.reward) == ACTION_STOP) == trials[trial].stopped,
                  "trial %u at %g: %s", trial, said.time, explained(trial));
}

/* Even seeds under 0.7, and some with all steps through images. */
static void compare_with_formula(uint32_t seed)
{
    struct rng rng = {.seed = seed};
    uint32_t live = 20, stopped = 0;

    imaged = seed % 20 < 2;
    spec.scheduler.semantics = seed % 2 == 0 ? SEMANTICS_TUNE_07 : SEMANTICS_TUNE_2;
    begin((double)rng_next_below(&rng, 4), 1 + (uint32_t)rng_next_below(&rng, 4), 0, true);
    memset(trials, 0, sizeof(trials));
    add(TRIALS);
    while (live > 0) {
        uint32_t trial = (uint32_t)rng_next_below(&rng, TRIALS);

        if (trials[trial].ended || trials[trial].stopped)
            continue;
        one_result(&rng, trial);
        live = 0;
        for (uint32_t i = 0; i < TRIALS; i++)
            live += !trials[i].ended && !trials[i].stopped;
    }
    for (uint32_t i = 0; i < TRIALS; i++)
        stopped += trials[i].stopped;
    stopped_are(stopped);
}

START_TEST(decides_as_the_formula)
{
    for (uint32_t seed = 0; seed < 60; seed++)
        compare_with_formula(seed);
}
END_TEST

/* ---- what it costs ---- */

static uint64_t looks(void)
{
    return medians_looks(((struct median *)median)->others);
}

static uint64_t held_points(void)
{
    return medians_points(((struct median *)median)->others);
}

/* Single values that are looked at, a result, over many trials that report at the same times: as
 * few at the end as at the beginning. Of ten trials one in turn is longer, one shorter, one reports
 * every third time alone. */
static double looks_of(uint32_t first, uint32_t last, struct rng *rng)
{
    uint64_t before = looks(), results = 0;

    for (uint32_t trial = first; trial < last; trial++) {
        uint32_t end = trial % 10 == 0 ? 120 : trial % 10 == 1 ? 7 : 60;
        uint32_t step = trial % 10 == 2 ? 3 : 1;

        sched_median.add(median, trial);
        for (uint32_t t = 1; t < end; t += step, results++)
            if (result(trial, t, (double)t + rng_next_unit(rng)) == ACTION_STOP)
                break;
        complete(trial, end, end);
    }
    return (double)(looks() - before) / (double)results;
}

START_TEST(a_result_costs_the_same_at_the_end)
{
    struct rng rng = {.seed = 3};
    double tenths[10];

    spec.scheduler.semantics = _i == 0 ? SEMANTICS_TUNE_07 : SEMANTICS_TUNE_2;
    begin(5, 3, 0, true);
    for (uint32_t i = 0; i < 10; i++)
        tenths[i] = looks_of(100 * i, 100 * (i + 1), &rng);
    ck_assert_msg(tenths[9] <= 1.2 * tenths[1] && tenths[9] < 12, "%g, then %g", tenths[1],
                  tenths[9]);
    ck_assert_uint_gt(held_points(), 50);
}
END_TEST

/* One that is further than all others need not ask them. */
START_TEST(beyond_all_others_it_costs_nothing)
{
    uint64_t before;

    spec.scheduler.semantics = _i == 0 ? SEMANTICS_TUNE_07 : SEMANTICS_TUNE_2;
    begin(0, 3, 0, true);
    add(100);
    for (uint32_t trial = 0; trial < 99; trial++)
        complete(trial, 5, 1);
    GOES_ON(99, 1, 7);
    before = looks();
    for (uint32_t t = 6; t < 1006; t++)
        GOES_ON(99, t, 7);
    ck_assert_uint_le(looks() - before, 99 + 2 * 1000);
}
END_TEST

/* No two trials report at the same time: everyone is asked each time, and no point is made, but
 * where somebody is further than all. */
START_TEST(times_of_ones_own_make_no_points)
{
    struct rng rng = {.seed = 4};

    spec.scheduler.semantics = _i == 0 ? SEMANTICS_TUNE_07 : SEMANTICS_TUNE_2;
    begin(0, 1, 0, true);
    for (uint32_t trial = 0; trial < 50; trial++) {
        double time = 0;

        sched_median.add(median, trial);
        for (uint32_t i = 0; i < 20; i++) {
            time += rng_next_unit(&rng) + 0x1p-40;
            (void)result(trial, time, 1);
        }
        complete(trial, time + 1, 1);
    }
    ck_assert_uint_le(held_points(), _i == 0 ? 5 : 0);
}
END_TEST

/* Many short trials behind a few long ones: points are given up before they take more than their
 * share, and what is decided is the same. */
START_TEST(points_have_their_limit)
{
    struct median *self;

    begin(0, 1, 0, true);
    add(2);
    for (uint32_t trial = 0; trial < 2; trial++) {
        for (uint32_t t = 1; t < 4000; t++)
            (void)result(trial, t, t);
        complete(trial, 4000, 4000);
    }
    sched_median.add(median, 2);
    for (uint32_t t = 1; t < 4000; t++)
        GOES_ON(2, t, t);
    ck_assert_uint_gt(held_points(), 3000);
    self = median;
    for (uint32_t trial = 3; trial < 300; trial++) {
        sched_median.add(median, trial);
        complete(trial, 1, 0.25);
        ck_assert_uint_le(held_points() * (trial - 1),
                          LIMIT_MEDIAN_VALUES + LIMIT_MEDIAN_SHARE * self->results);
    }
    ck_assert_uint_lt(held_points(), 1000);
    GOES_ON(2, 4000, 1);
    SAYS(2, "0.25, the median of the others that had ended (299)");
}
END_TEST

/* ---- images ---- */

/* A step, an image and a step are two steps. */
START_TEST(images_in_the_middle)
{
    struct buf with = {0}, without = {0};

    spec.scheduler.semantics = _i % 2 == 0 ? SEMANTICS_TUNE_07 : SEMANTICS_TUNE_2;
    for (int pass = 0; pass < 2; pass++) {
        struct rng rng = {.seed = 9};

        begin(2, 2, 0, _i < 2);
        for (uint32_t trial = 0; trial < 60; trial++) {
            uint64_t steps = rng_next_below(&rng, 25);

            sched_median.add(median, trial);
            for (uint64_t step = 1; step <= steps; step++)
                if (result(trial, (double)step, rng_next_unit(&rng)) == ACTION_STOP)
                    break;
            if (trial % 5 == 0)
                error(trial);
            else if (trial % 3 == 0)
                complete(trial, (double)steps + 1, 0.5);
            imaged = pass == 1 && trial % 7 == 0;
            through_an_image();
            imaged = false;
        }
        sched_median.save(median, pass == 0 ? &without : &with);
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

    spec.scheduler.semantics = _i == 0 ? SEMANTICS_TUNE_07 : SEMANTICS_TUNE_2;
    begin(0, 1, 0, false);
    add(4);
    GOES_ON(A, 1, 5);
    complete(A, 2, 5);
    GOES_ON(B, 2, 6);
    IS_PAUSED(C, 2, 4);
    sched_median.save(median, &image);
    for (size_t at = 0; at < image.size; at++) {
        begin(0, 1, 0, false);
        cursor_init(&cursor, span_of(image.data, at));
        ck_assert(!sched_median.load(median, &cursor));
        begin(0, 1, 0, false);
        image.data[at] ^= (uint8_t)(1 << (at % 8));
        cursor_init(&cursor, buf_span(&image));
        if (sched_median.load(median, &cursor)) {
            for (uint32_t trial = 0; trial < 4; trial++) {
                (void)result(trial, 2, 3);
                (void)result(trial, 1, 3);
                (void)explained(trial);
                sched_median.add(median, trial);
                complete(trial, 2, 2);
            }
        }
        image.data[at] ^= (uint8_t)(1 << (at % 8));
    }
    buf_fini(&image);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("median_state");
    TCase *tc = tcase_create("all");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, decides_as_the_formula);
    tcase_add_loop_test(tc, a_result_costs_the_same_at_the_end, 0, 2);
    tcase_add_loop_test(tc, beyond_all_others_it_costs_nothing, 0, 2);
    tcase_add_loop_test(tc, times_of_ones_own_make_no_points, 0, 2);
    tcase_add_test(tc, points_have_their_limit);
    tcase_add_loop_test(tc, images_in_the_middle, 0, 4);
    tcase_add_loop_test(tc, damaged_images_do_no_harm, 0, 2);
    suite_add_tcase(s, tc);
    return s;
}
