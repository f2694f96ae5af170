/* links: core */
/* What ASHA keeps: its brackets and rungs, what stays of trials, images of it. */
#include "tests/lib/run_suite.h"
#include "tests/unit/asha_rig.h"

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
            struct rungs_keys keys;
            struct rungs *rungs;

            set_keys(1, max_t, factor, 1);
            rungs_read_keys(&spec.scheduler, &keys);
            tape_record(&tape);
            rungs = rungs_new(&keys, &tape);
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
    struct rungs_keys keys;
    struct rungs *rungs;

    set_keys(5, 100, 3, 3);
    rungs_read_keys(&spec.scheduler, &keys);
    tape_record(&tape);
    rungs = rungs_new(&keys, &tape);
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
    set_keys(4, 100, 3, 2); /* would have other milestones */
    asha = sched_asha.new(&spec, 1, &view, &replay);
    ck_assert(tape_ended_well(&replay));
    shows("Using AsyncHyperBand: num_stopped=0\n"
          "Bracket: Iter 45.000: None | Iter 15.000: None | Iter 5.000: None\n"
          "Bracket: Iter 45.000: None | Iter 15.000: None\n");
    tape_fini(&replay);
    buf_fini(&decided);
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
    Suite *s = suite_create("asha_state");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, rung_tables, 0, 12);
    tcase_add_test(tc, every_exact_power_has_its_rung);
    tcase_add_test(tc, three_brackets_drop_low_rungs);
    tcase_add_test(tc, bracket_chances);
    tcase_add_test(tc, brackets_are_drawn_for_the_trial);
    tcase_add_test(tc, replay_takes_the_plan_from_the_tape);
    tcase_add_test(tc, the_ended_keep_a_note);
    tcase_add_test(tc, minimised_metrics_are_explained_as_reported);
    tcase_add_test(tc, images_in_the_middle);
    tcase_add_test(tc, damaged_images_do_no_harm);
    suite_add_tcase(s, tc);
    return s;
}
