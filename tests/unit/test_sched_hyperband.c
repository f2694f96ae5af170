/* links: core */
/* What HyperBand decides: Tune's vector, and where Tune is not sound. _i: with every step through
 * an image. */
#include "tests/lib/run_suite.h"
#include "tests/unit/hyperband_rig.h"

START_TEST(tunes_vector)
{
    static const double rewards[] = {3, 1, 4, 1, 5, 9, 2};

    imaged = _i == 1;
    begin(9, 3, false);
    add_all(13);
    for (uint32_t i = 0; i < 7; i++) {
        WAITS(5 + i, 3, rewards[i]);
        others_are("");
    }
    GOES_ON(12, 3, 6);
    others_are("6- 8- 11- 5- 7- 9+ 10+");
    shows("Using HyperBand: num_stopped=5 total_brackets=2\n"
          "Round #0:\n"
          "  Bracket(Max Size (n)=5, Milestone (r)=9, completed=0.0%): {RUNNING: 5} \n"
          "  Bracket(Max Size (n)=3, Milestone (r)=9, completed=57.1%): "
          "{PENDING: 2, RUNNING: 1, TERMINATED: 5} \n");
    WAITS(9, 9, 1);
    WAITS(10, 9, 2);
    IS_STOPPED(12, 9, 3);
    others_are("9- 10-");
    ck_assert(strstr(explained(12), "At training_iteration 9.0, the last milestone") != NULL);
    ck_assert(strstr(explained(6), "At training_iteration 3.0 it was number 8 of 8: it was "
                                   "stopped. Its score was 1.0.") != NULL);
}
END_TEST

START_TEST(of_equals_the_last_win)
{
    imaged = _i == 1;
    begin(9, 3, false);
    add_all(13);
    for (uint32_t trial = 5; trial < 12; trial++)
        WAITS(trial, 3, 7);
    GOES_ON(12, 3, 7);
    others_are("5- 6- 7- 8- 9- 10+ 11+");
}
END_TEST

/* The smallest bracket fills first; those that are too small to be are passed over. */
START_TEST(brackets_fill_in_order)
{
    imaged = _i == 1;
    begin(9, 3, false);
    add_all(33);
    ck_assert_double_eq(HORIZON(0), 9);
    ck_assert_double_eq(HORIZON(5), 3);
    ck_assert_double_eq(HORIZON(13), 1);
    ck_assert_double_eq(HORIZON(28), 9); /* the next round */
    ck_assert(isinf(HORIZON(33)) && HORIZON(33) < 0);
    ck_assert(strstr(explained(28), "bracket 1 of round 1.") != NULL);
    shows("Using HyperBand: num_stopped=0 total_brackets=6\n"
          "Round #0:\n"
          "  Bracket(Max Size (n)=5, Milestone (r)=9, completed=0.0%): {RUNNING: 5} \n"
          "  Bracket(Max Size (n)=8, Milestone (r)=3, completed=0.0%): {RUNNING: 8} \n"
          "  Bracket(Max Size (n)=15, Milestone (r)=1, completed=0.0%): {RUNNING: 15} \n"
          "  None\n"
          "  None\n"
          "Round #1:\n"
          "  Bracket(Max Size (n)=5, Milestone (r)=9, completed=0.0%): {RUNNING: 5} \n");
}
END_TEST

/* In the bracket of 15 at 1, 4, 9: the four that go on, too, have overshot; Tune would leave them
 * paused for ever. */
START_TEST(who_overshoots_is_judged_again)
{
    imaged = _i == 1;
    begin(9, 3, false);
    add_all(28);
    for (uint32_t i = 13; i < 27; i++)
        WAITS(i, 5, i);
    IS_STOPPED(27, 5, 0); /* 15 become 5, these 2, which are at 5 of 9 */
    others_are("13- 14- 15- 16- 17- 18- 19- 20- 21- 22- 23- 24- 25+ 26+");
    WAITS(25, 9, 1);
    IS_STOPPED(26, 12, 1);
    others_are("25-");
}
END_TEST

START_TEST(one_that_has_overshot_waits_for_the_others)
{
    imaged = _i == 1;
    begin(9, 3, false);
    add_all(13);
    for (uint32_t trial = 5; trial < 12; trial++)
        WAITS(trial, 3, trial);
    WAITS(12, 10, 100); /* is kept, and past 9 */
    others_are("5- 6- 7- 8- 9- 10+ 11+");
    WAITS(10, 9, 1);
    IS_STOPPED(11, 9, 1);
    others_are("10- 12-");
}
END_TEST

/* Who leaves is not waited for, and what it leaves may be judged. */
START_TEST(one_that_fails_is_not_waited_for)
{
    imaged = _i == 1;
    begin(9, 3, false);
    add_all(13);
    for (uint32_t trial = 5; trial < 12; trial++)
        WAITS(trial, 3, trial);
    fails(12);
    others_are("5- 6- 7- 8- 9+ 10+ 11+");
    fails(9);
    fails(10);
    others_are("");
    IS_STOPPED(11, 9, 0);
    ck_assert(strstr(explained(10), "left before its bracket was over") != NULL);
}
END_TEST

/* Added again: its place is kept, and the others wait. */
START_TEST(one_that_begins_again_is_waited_for)
{
    imaged = _i == 1;
    begin(9, 3, false);
    add_all(13);
    WAITS(5, 3, 100);
    add(5);
    for (uint32_t trial = 6; trial < 13; trial++)
        WAITS(trial, 3, trial);
    ck_assert_double_eq(HORIZON(5), 3);
    GOES_ON(5, 1, 50);
    GOES_ON(5, 3, 60);
    others_are("6- 7- 8- 9- 10- 11+ 12+");
}
END_TEST

START_TEST(nan_is_worst_and_nothing_says_nothing)
{
    const struct judged no_reward = {.trial = 5, .has_time = true, .time = 3};
    const struct judged no_time = {.trial = 5, .has_reward = true, .reward = 3};

    imaged = _i == 1;
    begin(9, 3, false);
    add_all(13);
    sched_hyperband.result(hyperband, &no_reward, &arena, &verdict);
    ck_assert_int_eq(verdict.action, ACTION_CONTINUE);
    sched_hyperband.result(hyperband, &no_time, &arena, &verdict);
    ck_assert_int_eq(verdict.action, ACTION_CONTINUE);
    GOES_ON(5, (double)NAN, 3);
    for (uint32_t trial = 5; trial < 10; trial++)
        WAITS(trial, 3, (double)(trial % 2 == 0 ? NAN : -INFINITY));
    WAITS(10, 3, (double)NAN);
    WAITS(11, 3, -5);
    GOES_ON(12, 3, (double)INFINITY);
    others_are("6- 8- 10- 5- 7- 9+ 11+");
}
END_TEST

/* After a halving nobody joins, though there is room for one. */
START_TEST(nobody_joins_late)
{
    imaged = _i == 1;
    begin(9, 3, false);
    add_all(8);
    for (uint32_t trial = 5; trial < 7; trial++)
        WAITS(trial, 3, trial);
    GOES_ON(7, 3, 7);
    others_are("5+ 6+"); /* three of eight places were taken: all go on */
    add(8);
    ck_assert_double_eq(HORIZON(8), 1);
}
END_TEST

static bool every(void *context, uint32_t trial)
{
    (void)context;
    (void)trial;
    return true;
}

START_TEST(chooses_by_round_and_by_what_is_done)
{
    static const uint32_t pending[] = {30, 20, 6, 5, 2};
    struct sched_candidates candidates = {.pending = pending, .pending_count = 5};

    imaged = _i == 1;
    begin(9, 3, false);
    add_all(33);
    candidates.fits = every;
    ck_assert_uint_eq(sched_hyperband.choose(hyperband, &candidates), 2);
    GOES_ON(0, 1, 1); /* 1 of 45 */
    ck_assert_uint_eq(sched_hyperband.choose(hyperband, &candidates), 5);
    GOES_ON(7, 2, 1); /* 2 of 42 */
    ck_assert_uint_eq(sched_hyperband.choose(hyperband, &candidates), 20);
    candidates.pending_count = 1;
    ck_assert_uint_eq(sched_hyperband.choose(hyperband, &candidates), 30);
    candidates.pending_count = 0;
    ck_assert_uint_eq(sched_hyperband.choose(hyperband, &candidates), NUMBER_NONE);
}
END_TEST

/* Rounds that are over are not shown one by one. */
START_TEST(old_rounds_are_one_line)
{
    imaged = _i == 1;
    begin(1, 3, false); /* rounds of five */
    add_all(11);
    for (uint32_t trial = 0; trial < 4; trial++)
        WAITS(trial, 1, 0);
    IS_STOPPED(4, 1, 0);
    shows("Using HyperBand: num_stopped=0 total_brackets=11\n"
          "Rounds before #1: all ended\n"
          "Round #1:\n"
          "  Bracket(Max Size (n)=5, Milestone (r)=1, completed=0.0%): {RUNNING: 5} \n"
          "  None\n  None\n  None\n  None\n"
          "Round #2:\n"
          "  Bracket(Max Size (n)=5, Milestone (r)=1, completed=0.0%): {RUNNING: 1} \n");
}
END_TEST

START_TEST(the_papers_brackets)
{
    imaged = _i == 1;
    begin(9, 3, true); /* 9@1 3@3 1@9, 5@3 1@9, 3@9 */
    add_all(14);
    ck_assert_double_eq(HORIZON(0), 1);
    ck_assert_double_eq(HORIZON(9), 3);
    ck_assert_double_eq(HORIZON(13), 3);
    for (uint32_t trial = 0; trial < 8; trial++)
        WAITS(trial, 1, trial);
    GOES_ON(8, 1, 8);
    others_are("0- 1- 2- 3- 4- 5- 6+ 7+");
    WAITS(6, 3, 9);
    WAITS(7, 3, 1);
    IS_STOPPED(8, 3, 2);
    others_are("7- 6+");
    IS_STOPPED(6, 9, 0);
}
END_TEST

/* An image from disk may hold anything. */
START_TEST(refuses_what_is_no_image)
{
    struct buf image = {0};

    begin(9, 3, false);
    add_all(13);
    WAITS(5, 3, 1);
    sched_hyperband.save(hyperband, &image);
    for (size_t at = 0; at < image.size; at++) {
        for (int bit = 0; bit < 8; bit++) {
            void *other = sched_hyperband.new(&spec, 1, &view, &tape);
            struct cursor cursor;

            image.data[at] ^= (uint8_t)(1 << bit);
            cursor_init(&cursor, buf_span(&image));
            if (sched_hyperband.load(other, &cursor)) { /* then it can be worked with */
                const struct judged judged = {
                    .trial = 6, .has_time = true, .has_reward = true, .time = 3};

                sched_hyperband.result(other, &judged, &arena, &verdict);
                sched_hyperband.add(other, 40);
            }
            sched_hyperband.free(other);
            image.data[at] ^= (uint8_t)(1 << bit);
        }
    }
    for (size_t size = 0; size < image.size; size++) {
        void *other = sched_hyperband.new(&spec, 1, &view, &tape);
        struct cursor cursor;

        cursor_init(&cursor, span_of(image.data, size));
        ck_assert(!sched_hyperband.load(other, &cursor));
        sched_hyperband.free(other);
    }
    buf_fini(&image);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("sched_hyperband");
    TCase *tcase = tcase_create("sched_hyperband");

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, tunes_vector, 0, 2);
    tcase_add_loop_test(tcase, of_equals_the_last_win, 0, 2);
    tcase_add_loop_test(tcase, brackets_fill_in_order, 0, 2);
    tcase_add_loop_test(tcase, who_overshoots_is_judged_again, 0, 2);
    tcase_add_loop_test(tcase, one_that_has_overshot_waits_for_the_others, 0, 2);
    tcase_add_loop_test(tcase, one_that_fails_is_not_waited_for, 0, 2);
    tcase_add_loop_test(tcase, one_that_begins_again_is_waited_for, 0, 2);
    tcase_add_loop_test(tcase, nan_is_worst_and_nothing_says_nothing, 0, 2);
    tcase_add_loop_test(tcase, nobody_joins_late, 0, 2);
    tcase_add_loop_test(tcase, chooses_by_round_and_by_what_is_done, 0, 2);
    tcase_add_loop_test(tcase, old_rounds_are_one_line, 0, 2);
    tcase_add_loop_test(tcase, the_papers_brackets, 0, 2);
    tcase_add_test(tcase, refuses_what_is_no_image);
    suite_add_tcase(suite, tcase);
    return suite;
}
