/* links: core common */
/* What PBT decides, at the scheduler's own door. _i: with every step through an image. */
#include <math.h>
#include <string.h>

#include "head/core/sched.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/sched_rig.h"
#include "tests/unit/spec_rig.h"

#define MOST_TRIALS 64u

static struct sched_view view;
static struct tape tape;
static struct buf text;
static struct buf packed;
static void *self;
static bool imaged;
static bool somebody_waits;
static bool saved[MOST_TRIALS];
static bool paused[MOST_TRIALS];
static struct sched_verdict verdict;

static struct span config_of(void *core, uint32_t trial)
{
    (void)core;
    buf_reset(&packed);
    value_pack(&(struct value){.type = VALUE_MAP,
                               .count = 1,
                               .members = &(struct member){.key = "lr", .value = value_int(trial)}},
               &packed);
    return buf_span(&packed);
}

static bool is_waiting(void *core)
{
    (void)core;
    return somebody_waits;
}

static bool has_saved(void *core, uint32_t trial)
{
    (void)core;
    return saved[trial];
}

static void begin(const char *more)
{
    setup();
    view = (struct sched_view){.config = config_of, .waiting = is_waiting, .saved = has_saved};
    text = packed = (struct buf){0};
    tape_init(&tape);
    tape_record(&tape);
    check_parses(arena_printf(&arena,
                              "{" NATIVE ", 'config': {'lr': 1}, 'scheduler': {'type': 'pbt', "
                              "'time_attr': 't', 'perturbation_interval': 2, "
                              "'resample_probability': 0, "
                              "'hyperparam_mutations': {'lr': {'uniform': [0, 1000]}}%s}}",
                              more));
    self = sched_pbt.new(&spec, 1, &view, &tape);
    imaged = false;
    somebody_waits = false;
    memset(paused, 0, sizeof(paused));
    for (uint32_t i = 0; i < MOST_TRIALS; i++)
        saved[i] = true;
}

static void begin_pbt(void)
{
    begin(", 'reward_attr': 'm'");
}

static void end_pbt(void)
{
    sched_pbt.free(self);
    tape_fini(&tape);
    buf_fini(&text);
    buf_fini(&packed);
    teardown();
}

static void through_an_image(void)
{
    if (imaged)
        self = sched_through_an_image(&sched_pbt, self, &spec, &view, &tape);
}

static void add_all(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        sched_pbt.add(self, i);
    through_an_image();
}

static enum action result(uint32_t trial, double time, double reward)
{
    const struct judged judged = {
        .trial = trial, .has_time = true, .has_reward = true, .time = time, .reward = reward};

    sched_pbt.result(self, &judged, &arena, &verdict);
    ck_assert_uint_eq(verdict.other_count, 0);
    through_an_image();
    return verdict.action;
}

static void complete(uint32_t trial)
{
    const struct judged judged = {.trial = trial};
    struct sched_verdict none;

    sched_pbt.complete(self, &judged, &arena, &none);
    ck_assert_int_eq(none.action, ACTION_CONTINUE);
    through_an_image();
}

static const char *words_of(uint32_t trial)
{
    buf_reset(&text);
    sched_pbt.explain(self, trial, &text);
    return buf_text(&text);
}

static void check_debug(const char *line)
{
    buf_reset(&text);
    sched_pbt.debug(self, &text);
    ck_assert_str_eq(buf_text(&text), line);
}

static double new_lr(void)
{
    struct cursor cursor;
    struct value config;

    cursor_init(&cursor, verdict.config);
    ck_assert_int_eq(value_unpack(&cursor, &arena, &config), 0);
    return value_number(value_get(&config, "lr"));
}

/* Four: the best one saves, the worst takes over from it; nobody is judged inside an interval. */
static void best_and_worst(void)
{
    add_all(4);
    ck_assert_double_eq(sched_pbt.horizon(self, 0), 2);
    ck_assert_int_eq(result(0, 1, 9), ACTION_CONTINUE);
    ck_assert_int_eq(result(0, 2, 1), ACTION_CONTINUE); /* alone: neither */
    ck_assert_double_eq(sched_pbt.horizon(self, 0), 4);
    ck_assert_int_eq(result(3, 3, 4), ACTION_SAVE); /* of two */
    ck_assert_int_eq(result(2, 2, 3), ACTION_CONTINUE);
    ck_assert_int_eq(result(1, 2, 2), ACTION_CONTINUE);
    ck_assert_int_eq(result(0, 3, 0), ACTION_CONTINUE);
    check_debug("PopulationBasedTraining: 1 checkpoints, 0 perturbs\n");
    ck_assert_int_eq(result(0, 4, 1), ACTION_EXPLOIT);
    ck_assert_uint_eq(verdict.donor, 3);
    ck_assert(new_lr() == 3 || new_lr() == 2); /* 3.6 and 2.4, cut off, as 3 is whole */
    ck_assert(strncmp(verdict.tag, "@perturbed[lr=", 14) == 0);
    /* It is where its donor was. */
    ck_assert_double_eq(sched_pbt.horizon(self, 0), 5);
    ck_assert_int_eq(result(0, 4, 9), ACTION_CONTINUE);
    check_debug("PopulationBasedTraining: 1 checkpoints, 1 perturbs\n");
    ck_assert_str_eq(words_of(0),
                     "The pbt scheduler has ranked it 2 times. At t 4.0 its m was 1.0, number 4 of "
                     "the 4 in the population: among the worst, so it took over from trial 3.");
    ck_assert_str_eq(words_of(3),
                     "The pbt scheduler has ranked it 1 times. At t 3.0 its m was 4.0, number 1 of "
                     "the 2 in the population: among the best, so it was saved for others to go on "
                     "from.");
}

/* Who was not among the best when it was last ranked, or has nothing, gives nothing. */
static void a_donor_has_saved(void)
{
    add_all(4);
    (void)result(0, 2, 5); /* alone */
    (void)result(1, 2, 4); /* worst of two: 0 never saved */
    ck_assert_int_eq(verdict.action, ACTION_CONTINUE);
    ck_assert_str_eq(words_of(1),
                     "The pbt scheduler has ranked it 1 times. At t 2.0 its m was 4.0, number 2 of "
                     "the 2 in the population: among the worst. It was to take over from trial 0, "
                     "which had nothing saved, and went on.");
    ck_assert_int_eq(result(0, 4, 5), ACTION_SAVE);
    saved[0] = false;
    ck_assert_int_eq(result(1, 4, 4), ACTION_CONTINUE);
    saved[0] = true;
    ck_assert_int_eq(result(1, 6, 4), ACTION_EXPLOIT);
}

/* Ended ones drop out; ties go by number; NaN is worst. */
static void who_is_ranked(void)
{
    add_all(3);
    ck_assert_int_eq(result(0, 2, (double)NAN), ACTION_CONTINUE);
    ck_assert_int_eq(result(1, 2, (double)-INFINITY), ACTION_SAVE);
    ck_assert_int_eq(result(0, 4, (double)NAN), ACTION_EXPLOIT);
    complete(0);
    ck_assert_int_eq(result(1, 4, 1), ACTION_CONTINUE); /* alone now */
    ck_assert_int_eq(result(2, 2, 1), ACTION_SAVE);     /* equal, and the higher number */
    ck_assert_int_eq(result(0, 9, 1), ACTION_STOP);     /* it was to report no more */
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

static uint32_t first_paused(void *context)
{
    (void)context;
    for (uint32_t i = 0; i < MOST_TRIALS; i++)
        if (paused[i])
            return i;
    return NUMBER_NONE;
}

static uint32_t choose(const uint32_t *pending, uint32_t count)
{
    const struct sched_candidates candidates = {.fits = fits,
                                                .pending = pending,
                                                .pending_count = count,
                                                .is_paused = is_paused,
                                                .first_paused = first_paused};

    return sched_pbt.choose(self, &candidates);
}

/* Where others wait, all make room at their interval; who is least far comes next. */
static void makes_room(void)
{
    const uint32_t pending[] = {3};

    add_all(4);
    somebody_waits = true;
    ck_assert_int_eq(result(0, 3, 1), ACTION_PAUSE);
    ck_assert_uint_eq(verdict.donor, NUMBER_NONE);
    paused[0] = true;
    ck_assert_uint_eq(choose(pending, 1), 3); /* it never began */
    ck_assert_uint_eq(choose(NULL, 0), 0);
    ck_assert_int_eq(result(1, 2, 2), ACTION_PAUSE);
    paused[1] = true;
    ck_assert_uint_eq(choose(NULL, 0), 1);
    paused[1] = false; /* a person has paused it as well */
    ck_assert_uint_eq(choose(NULL, 0), 0);
    paused[0] = false;
    ck_assert_uint_eq(choose(NULL, 0), NUMBER_NONE);
    /* The worst: paused, and it goes on from another. */
    ck_assert_int_eq(result(2, 2, 0), ACTION_PAUSE);
    ck_assert_uint_eq(verdict.donor, 1);
    ck_assert(verdict.config.size > 0);
}

static void incomplete_results_say_nothing(void)
{
    struct judged judged = {.trial = 0, .has_time = true, .time = 7};

    add_all(2);
    sched_pbt.result(self, &judged, &arena, &verdict);
    ck_assert_int_eq(verdict.action, ACTION_CONTINUE);
    judged = (struct judged){.trial = 0, .has_reward = true, .reward = 7};
    sched_pbt.result(self, &judged, &arena, &verdict);
    judged = (struct judged){
        .trial = 0, .has_time = true, .time = (double)NAN, .has_reward = true, .reward = 7};
    sched_pbt.result(self, &judged, &arena, &verdict);
    ck_assert_int_eq(verdict.action, ACTION_CONTINUE);
    ck_assert_str_eq(words_of(0), "The pbt scheduler has ranked it 0 times.");
}

static void (*const cases[])(void) = {best_and_worst, a_donor_has_saved, who_is_ranked, makes_room,
                                      incomplete_results_say_nothing};

#define CASES (sizeof(cases) / sizeof(cases[0]))

START_TEST(decides)
{
    cases[_i]();
}
END_TEST

START_TEST(decides_through_images)
{
    imaged = true;
    cases[_i]();
}
END_TEST

/* ceil(n / 4) at either end. */
START_TEST(quartiles)
{
    static const uint32_t sizes[] = {0, 0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4};

    for (uint32_t n = 2; n <= 13; n++) {
        uint32_t best = 0, worst = 0;

        end_pbt();
        begin_pbt();
        add_all(n);
        for (uint32_t i = 0; i < n; i++)
            (void)result(i, 2, i);
        for (uint32_t i = n; i-- > 0;) { /* those who may give come first */
            enum action action = result(i, 10, i);

            best += action == ACTION_SAVE;
            worst += action == ACTION_EXPLOIT;
        }
        ck_assert_msg(best == sizes[n] && worst == sizes[n], "of %u: %u and %u", n, best, worst);
    }
}
END_TEST

/* Lower is better, and the sentences say what the program said. */
START_TEST(minimises)
{
    end_pbt();
    begin(", 'metric': 'm', 'mode': 'min'");
    add_all(2);
    ck_assert_int_eq(result(0, 2, -5), ACTION_CONTINUE); /* turned by the core */
    ck_assert_int_eq(result(1, 2, -3), ACTION_SAVE);
    ck_assert_str_eq(words_of(1),
                     "The pbt scheduler has ranked it 1 times. At t 2.0 its m was 3.0, number 1 of "
                     "the 2 in the population: among the best, so it was saved for others to go on "
                     "from.");
}
END_TEST

/* The population moves to where its best are: the same from the same seed, else from another. */
START_TEST(donors_are_drawn_evenly)
{
    uint32_t times[8] = {0};

    add_all(8);
    for (uint32_t i = 0; i < 8; i++)
        (void)result(i, 2, i);
    for (uint32_t round = 2; round < 300; round++) {
        (void)result(6, round * 2, 6);
        (void)result(7, round * 2, 7);
        if (result(0, round * 2 + 2, 0) == ACTION_EXPLOIT)
            times[verdict.donor]++;
    }
    ck_assert_uint_eq(times[6] + times[7], 298);
    ck_assert(times[6] > 100 && times[7] > 100);
}
END_TEST

START_TEST(refuses_what_is_no_image)
{
    struct buf image = {0};

    add_all(5);
    somebody_waits = true;
    for (uint32_t i = 0; i < 5; i++)
        (void)result(i, 2, i);
    sched_pbt.save(self, &image);
    for (size_t at = 0; at < image.size; at++) {
        for (int bit = 0; bit < 8; bit++) {
            void *other = sched_pbt.new(&spec, 1, &view, &tape);
            struct cursor cursor;

            image.data[at] ^= (uint8_t)(1 << bit);
            cursor_init(&cursor, buf_span(&image));
            if (sched_pbt.load(other, &cursor)) { /* then it can be worked with */
                const struct judged judged = {
                    .trial = 2, .has_time = true, .has_reward = true, .time = 50};

                sched_pbt.result(other, &judged, &arena, &verdict);
            }
            sched_pbt.free(other);
            image.data[at] ^= (uint8_t)(1 << bit);
        }
    }
    buf_fini(&image);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("sched_pbt");
    TCase *all = tcase_create("all");

    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, begin_pbt, end_pbt);
    tcase_add_loop_test(all, decides, 0, CASES);
    tcase_add_loop_test(all, decides_through_images, 0, CASES);
    tcase_add_test(all, quartiles);
    tcase_add_test(all, minimises);
    tcase_add_test(all, donors_are_drawn_evenly);
    tcase_add_test(all, refuses_what_is_no_image);
    suite_add_tcase(suite, all);
    return suite;
}
