/* median_rig.h - one median rule and what a test does with it. */
#ifndef TESTS_MEDIAN_RIG_H
#define TESTS_MEDIAN_RIG_H

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "head/core/sched.h"
#include "tests/unit/sched_rig.h"

enum { A, B, C, D, E };

static struct spec spec;
static struct tape tape;
static struct arena arena;
static struct buf text;
static void *median;
static bool imaged;      /* every step goes through an image */
static bool others_wait; /* somebody is pending or paused */

static inline bool view_waiting(void *core)
{
    (void)core;
    return others_wait;
}

static const struct sched_view view = {.waiting = view_waiting};

static inline void setup(void)
{
    spec = (struct spec){.scheduler = {.type = scheduler_type_find("median"),
                                       .time_attr = "time_total_s",
                                       .metric = "score",
                                       .mode = MODE_MAX,
                                       .semantics = SEMANTICS_TUNE_07}};
    text = (struct buf){0};
    arena = (struct arena){0};
    tape_init(&tape);
    median = NULL;
    imaged = false;
    others_wait = false;
}

static inline void teardown(void)
{
    sched_median.free(median);
    tape_fini(&tape);
    arena_fini(&arena);
    buf_fini(&text);
}

/* In the order of the row in common/schedulers.def. */
static inline void begin(double grace, uint32_t samples, double slice, bool hard)
{
    const double numbers[SCHEDULER_KEYS] = {grace, samples, slice, hard};

    sched_median.free(median);
    memcpy(spec.scheduler.numbers, numbers, sizeof(numbers));
    median = sched_median.new(&spec, 1, &view, &tape);
}

static inline void begin_new(double grace, uint32_t samples, double slice, bool hard)
{
    spec.scheduler.semantics = SEMANTICS_TUNE_2;
    begin(grace, samples, slice, hard);
}

/* Goes on with one made from the image of the last, which has the same image. */
static inline void through_an_image(void)
{
    if (imaged)
        median = sched_through_an_image(&sched_median, median, &spec, &view, &tape);
}

static inline void add(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        sched_median.add(median, i);
    through_an_image();
}

static inline enum action feed(const struct judged *judged)
{
    struct sched_verdict verdict;

    sched_median.result(median, judged, &arena, &verdict);
    ck_assert_uint_eq(verdict.other_count, 0);
    through_an_image();
    return verdict.action;
}

static inline struct judged judged_of(uint32_t trial, double time, double reward)
{
    return (struct judged){
        .trial = trial, .has_time = true, .has_reward = true, .time = time, .reward = reward};
}

static inline enum action result(uint32_t trial, double time, double reward)
{
    const struct judged judged = judged_of(trial, time, reward);

    return feed(&judged);
}

static inline void complete(uint32_t trial, double time, double reward)
{
    const struct judged judged = judged_of(trial, time, reward);
    struct sched_verdict verdict;

    sched_median.complete(median, &judged, &arena, &verdict);
    ck_assert_int_eq(verdict.action, ACTION_CONTINUE);
    through_an_image();
}

static inline void error(uint32_t trial)
{
    struct sched_verdict verdict;

    sched_median.error(median, trial, &arena, &verdict);
    ck_assert_int_eq(verdict.action, ACTION_CONTINUE);
    through_an_image();
}

static inline bool fits(void *context, uint32_t trial)
{
    (void)context;
    (void)trial;
    return true;
}

static inline uint32_t first_paused(void *context)
{
    return *(const uint32_t *)context;
}

/* Whom it chooses where this one is pending (NUMBER_NONE: nobody), and that one paused. */
static inline uint32_t chosen(uint32_t pending, uint32_t paused)
{
    const struct sched_candidates candidates = {.context = &paused,
                                                .fits = fits,
                                                .pending = &pending,
                                                .pending_count = pending != NUMBER_NONE,
                                                .first_paused = first_paused};
    uint32_t trial = sched_median.choose(median, &candidates);

    through_an_image();
    return trial;
}

static inline void stopped_are(uint32_t count)
{
    char want[64];

    (void)snprintf(want, sizeof(want), "Using MedianStoppingRule: num_stopped=%u.\n", count);
    buf_reset(&text);
    sched_median.debug(median, &text);
    ck_assert_str_eq(buf_text(&text), want);
}

static inline const char *explained(uint32_t trial)
{
    buf_reset(&text);
    sched_median.explain(median, trial, &text);
    return buf_text(&text);
}

#define SAYS(trial, words)                                                                         \
    ck_assert_msg(strstr(explained(trial), words) != NULL, "%s", buf_text(&text))

#define GOES_ON(trial, time, reward)    ck_assert_int_eq(result(trial, time, reward), ACTION_CONTINUE)
#define IS_STOPPED(trial, time, reward) ck_assert_int_eq(result(trial, time, reward), ACTION_STOP)
#define IS_PAUSED(trial, time, reward)  ck_assert_int_eq(result(trial, time, reward), ACTION_PAUSE)
#define HORIZON(trial)                  sched_median.horizon(median, trial)

#endif
