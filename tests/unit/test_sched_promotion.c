/* links: core */
/* What the promotion form of ASHA decides. _i: with every step through an image. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "head/core/promote.h"
#include "head/core/sched.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/sched_rig.h"

#define MOST_TRIALS 64u

static struct spec spec;
static struct sched_view view;
static struct tape tape;
static struct arena arena;
static struct buf text;
static void *self;
static bool imaged;
static bool paused[MOST_TRIALS];
static uint32_t pending[MOST_TRIALS];
static uint32_t pending_count;

static void setup(void)
{
    spec = (struct spec){.scheduler = {.type = scheduler_type_find("asha") + 1,
                                       .time_attr = "training_iteration",
                                       .metric = "loss",
                                       .mode = MODE_MIN,
                                       .semantics = SEMANTICS_TUNE_2}};
    ck_assert_str_eq(spec.scheduler.type->form, "promotion");
    ck_assert_ptr_eq(sched_find(spec.scheduler.type), &sched_promotion);
    text = (struct buf){0};
    arena = (struct arena){0};
    tape_init(&tape);
    tape_record(&tape);
    self = NULL;
    imaged = false;
    pending_count = 0;
    memset(paused, 0, sizeof(paused));
}

static void teardown(void)
{
    sched_promotion.free(self);
    tape_fini(&tape);
    arena_fini(&arena);
    buf_fini(&text);
}

/* In the order of the row in common/schedulers.def. */
static void begin(double grace, double max_t, double factor, uint32_t brackets)
{
    const double numbers[SCHEDULER_KEYS] = {max_t, grace, factor, brackets};

    sched_promotion.free(self);
    memcpy(spec.scheduler.numbers, numbers, sizeof(numbers));
    tape_record(&tape);
    self = sched_promotion.new(&spec, 1, &view, &tape);
}

static void through_an_image(void)
{
    if (imaged)
        self = sched_through_an_image(&sched_promotion, self, &spec, &view, &tape);
}

static void add(uint32_t trial)
{
    sched_promotion.add(self, trial);
    pending[pending_count++] = trial;
    through_an_image();
}

static void add_all(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        add(i);
}

static bool fits(void *context, uint32_t trial)
{
    (void)context;
    (void)trial;
    return true;
}

static bool is_paused(void *context, uint32_t trial)
{
    (void)context;
    return paused[trial];
}

/* As the core does it: who is chosen runs. */
static uint32_t choose(void)
{
    const struct sched_candidates candidates = {
        .fits = fits, .is_paused = is_paused, .pending = pending, .pending_count = pending_count};
    uint32_t trial = sched_promotion.choose(self, &candidates);

    through_an_image();
    if (trial == NUMBER_NONE)
        return trial;
    paused[trial] = false;
    for (uint32_t i = 0; i < pending_count; i++) {
        if (pending[i] != trial)
            continue;
        memmove(&pending[i], &pending[i + 1], (pending_count - i - 1) * sizeof(*pending));
        pending_count--;
        break;
    }
    return trial;
}

/* A loss: turned, as the core does. */
static enum action result(uint32_t trial, double time, double loss)
{
    const struct judged judged = {
        .trial = trial, .has_time = true, .has_reward = true, .time = time, .reward = -loss};
    struct sched_verdict verdict;

    sched_promotion.result(self, &judged, &arena, &verdict);
    ck_assert_uint_eq(verdict.other_count, 0);
    paused[trial] = verdict.action == ACTION_PAUSE;
    through_an_image();
    return verdict.action;
}

static void shows(const char *want)
{
    buf_reset(&text);
    sched_promotion.debug(self, &text);
    ck_assert_str_eq(buf_text(&text), want);
}

static const char *explained(uint32_t trial)
{
    buf_reset(&text);
    sched_promotion.explain(self, trial, &text);
    return buf_text(&text);
}

#define GOES_ON(trial, time, loss)    ck_assert_int_eq(result(trial, time, loss), ACTION_CONTINUE)
#define WAITS(trial, time, loss)      ck_assert_int_eq(result(trial, time, loss), ACTION_PAUSE)
#define IS_STOPPED(trial, time, loss) ck_assert_int_eq(result(trial, time, loss), ACTION_STOP)
#define IS_CHOSEN(trial)              ck_assert_uint_eq(choose(), trial)
#define HORIZON(trial)                sched_promotion.horizon(self, trial)

/* Figure 1 of the paper: r 1, R 9, eta 3, one worker, trial i has loss i. Nine at 1, three at 3,
 * one at 9; and it does not wait for the nine before it sends the first on. */
START_TEST(the_papers_toy)
{
    imaged = _i == 1;
    begin(1, 9, 3, 1);
    add_all(9);
    IS_CHOSEN(0);
    ck_assert_double_eq(HORIZON(0), 1);
    WAITS(0, 1, 0);
    IS_CHOSEN(1);
    WAITS(1, 1, 1);
    IS_CHOSEN(2);
    WAITS(2, 1, 2);
    IS_CHOSEN(0); /* the best of three */
    ck_assert_double_eq(HORIZON(0), 3);
    WAITS(0, 3, 0);
    for (uint32_t trial = 3; trial < 6; trial++) {
        IS_CHOSEN(trial);
        WAITS(trial, 1, trial);
    }
    IS_CHOSEN(1);
    WAITS(1, 3, 1);
    for (uint32_t trial = 6; trial < 9; trial++) {
        IS_CHOSEN(trial);
        WAITS(trial, 1, trial);
    }
    IS_CHOSEN(2);
    WAITS(2, 3, 2);
    IS_CHOSEN(0); /* the best of three at 3 */
    ck_assert_double_eq(HORIZON(0), 9);
    shows("Using AsyncHyperBand (promotion): num_finished=0\n"
          "Bracket: Iter 3.000: 1 of 3 | Iter 1.000: 3 of 9\n");
    IS_STOPPED(0, 9, 0);
    ck_assert_uint_eq(choose(), NUMBER_NONE);
    ck_assert_str_eq(explained(2), "The async_hyperband scheduler (promotion) had it in bracket 1 "
                                   "of 1. At the rung training_iteration 3.000 its loss was 2.0: "
                                   "it has not come to be among the best 1 of 3 there.");
    ck_assert_ptr_nonnull(strstr(explained(0), "stopped at training_iteration 9.0: max_t is 9.0"));
}
END_TEST

/* It would pause, and be chosen at once: it goes on. */
START_TEST(who_is_next_does_not_pause)
{
    imaged = _i == 1;
    begin(1, 9, 3, 1);
    add_all(4);
    WAITS(0, 1, 5);
    WAITS(1, 1, 6);
    GOES_ON(2, 1, 1);
    ck_assert_double_eq(HORIZON(2), 3);
    ck_assert_ptr_nonnull(strstr(explained(2), "was 1.0, among the best 1 of 3: it went on."));
    GOES_ON(3, 1, 0); /* of four one may, and this one is it now */
}
END_TEST

/* As the paper has it, more may go than the share, where better ones come later. */
START_TEST(a_better_one_goes_though_one_has_gone)
{
    imaged = _i == 1;
    begin(1, 9, 2, 1);
    add_all(4);
    pending_count = 0;
    WAITS(0, 1, 5);
    GOES_ON(1, 1, 4);
    GOES_ON(2, 1, 3); /* of three one may: the best, and it has not gone */
    WAITS(3, 1, 9);
    ck_assert_uint_eq(choose(), NUMBER_NONE); /* the best two of four have gone */
}
END_TEST

/* One on a higher rung goes first. */
START_TEST(the_highest_rung_first)
{
    imaged = _i == 1;
    begin(1, 100, 2, 1);
    add_all(8);
    pending_count = 0;
    WAITS(0, 1, 10);
    GOES_ON(1, 1, 9);
    WAITS(1, 2, 9);
    WAITS(2, 1, 20);
    GOES_ON(3, 1, 8);
    WAITS(3, 2, 20); /* worse than 1 at 2: of two one may go on, and that is 1 */
    WAITS(4, 1, 30);
    WAITS(5, 1, 31); /* now 0 is among the best three of six at 1 */
    IS_CHOSEN(1);
    ck_assert_double_eq(HORIZON(1), 4);
    IS_CHOSEN(0);
    ck_assert_double_eq(HORIZON(0), 2);
    ck_assert_uint_eq(choose(), NUMBER_NONE);
}
END_TEST

START_TEST(who_is_gone_is_not_chosen)
{
    struct sched_verdict verdict;

    imaged = _i == 1;
    begin(1, 9, 2, 1);
    add_all(5);
    pending_count = 0;
    WAITS(0, 1, 3);
    WAITS(1, 1, 4);    /* the better one of the two waits */
    paused[0] = false; /* is on its way to pause */
    ck_assert_uint_eq(choose(), NUMBER_NONE);
    sched_promotion.error(self, 0, &arena, &verdict);
    through_an_image();
    ck_assert_uint_eq(choose(), NUMBER_NONE); /* its record counts all the same */
    WAITS(2, 1, 9);
    WAITS(3, 1, 8);
    IS_CHOSEN(1); /* the second of four */
    ck_assert_uint_eq(choose(), NUMBER_NONE);
}
END_TEST

/* Lost while it paused: it comes to its rung again, and is not recorded twice. */
START_TEST(one_that_begins_again_is_recorded_once)
{
    imaged = _i == 1;
    begin(1, 9, 2, 1);
    add_all(2);
    pending_count = 0;
    WAITS(0, 1, 3);
    add(0);
    IS_CHOSEN(0);
    ck_assert_double_eq(HORIZON(0), 1);
    WAITS(0, 1, 2);
    shows("Using AsyncHyperBand (promotion): num_finished=0\n"
          "Bracket: Iter 8.000: 0 of 0 | Iter 4.000: 0 of 0 | Iter 2.000: 0 of 0 | "
          "Iter 1.000: 0 of 1\n");
}
END_TEST

START_TEST(nan_never_goes_and_nothing_says_nothing)
{
    const struct judged no_reward = {.trial = 0, .has_time = true, .time = 1};
    struct sched_verdict verdict;

    imaged = _i == 1;
    begin(1, 9, 2, 1);
    add_all(5);
    pending_count = 0;
    sched_promotion.result(self, &no_reward, &arena, &verdict);
    ck_assert_int_eq(verdict.action, ACTION_CONTINUE);
    WAITS(0, 1, (double)NAN);
    WAITS(1, 1, (double)NAN);
    WAITS(2, 1, (double)NAN);
    WAITS(3, 1, (double)NAN);
    ck_assert_uint_eq(choose(), NUMBER_NONE);
    GOES_ON(4, 1, 1000);
}
END_TEST

/* Time jumps: recorded where it has come to, not below. */
START_TEST(a_jump_counts_at_the_highest_rung)
{
    imaged = _i == 1;
    begin(1, 9, 2, 1);
    add_all(1);
    WAITS(0, 5, 1);
    shows("Using AsyncHyperBand (promotion): num_finished=0\n"
          "Bracket: Iter 8.000: 0 of 0 | Iter 4.000: 0 of 1 | Iter 2.000: 0 of 0 | "
          "Iter 1.000: 0 of 0\n");
    ck_assert(isinf(HORIZON(0)) && HORIZON(0) < 0);
}
END_TEST

/* Brackets above the highest rung have none: their trials run to max_t. */
START_TEST(a_bracket_may_have_no_rungs)
{
    imaged = _i == 1;
    begin(1, 3, 2, 4); /* rungs 1 and 2 */
    for (uint32_t trial = 0; trial < MOST_TRIALS; trial++) {
        add(trial);
        pending_count = 0;
        if (HORIZON(trial) < 3)
            continue;
        GOES_ON(trial, 2, 1);
        ck_assert_double_eq(HORIZON(trial), 3);
        IS_STOPPED(trial, 3, 1);
        return;
    }
    ck_abort_msg("no trial was drawn to such a bracket");
}
END_TEST

START_TEST(refuses_what_is_no_image)
{
    struct buf image = {0};

    begin(1, 9, 3, 2);
    add_all(12);
    for (uint32_t trial = 0; trial < 12; trial++)
        (void)result(trial, 3, trial);
    sched_promotion.save(self, &image);
    for (size_t at = 0; at < image.size; at++) {
        for (int bit = 0; bit < 8; bit++) {
            void *other = sched_promotion.new(&spec, 1, &view, &tape);
            struct cursor cursor;

            image.data[at] ^= (uint8_t)(1 << bit);
            cursor_init(&cursor, buf_span(&image));
            if (sched_promotion.load(other, &cursor)) { /* then it can be worked with */
                const struct sched_candidates candidates = {.fits = fits, .is_paused = is_paused};
                const struct judged judged = {
                    .trial = 3, .has_time = true, .has_reward = true, .time = 4};
                struct sched_verdict verdict;

                (void)sched_promotion.choose(other, &candidates);
                sched_promotion.result(other, &judged, &arena, &verdict);
                buf_reset(&text);
                sched_promotion.explain(other, 3, &text);
            }
            sched_promotion.free(other);
            image.data[at] ^= (uint8_t)(1 << bit);
        }
    }
    buf_fini(&image);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("sched_promotion");
    TCase *tcase = tcase_create("sched_promotion");

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, the_papers_toy, 0, 2);
    tcase_add_loop_test(tcase, who_is_next_does_not_pause, 0, 2);
    tcase_add_loop_test(tcase, a_better_one_goes_though_one_has_gone, 0, 2);
    tcase_add_loop_test(tcase, the_highest_rung_first, 0, 2);
    tcase_add_loop_test(tcase, who_is_gone_is_not_chosen, 0, 2);
    tcase_add_loop_test(tcase, one_that_begins_again_is_recorded_once, 0, 2);
    tcase_add_loop_test(tcase, nan_never_goes_and_nothing_says_nothing, 0, 2);
    tcase_add_loop_test(tcase, a_jump_counts_at_the_highest_rung, 0, 2);
    tcase_add_loop_test(tcase, a_bracket_may_have_no_rungs, 0, 2);
    tcase_add_test(tcase, refuses_what_is_no_image);
    suite_add_tcase(suite, tcase);
    return suite;
}
