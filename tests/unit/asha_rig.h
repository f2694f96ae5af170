/* asha_rig.h - one ASHA scheduler and what a test does with it. */
#ifndef TESTS_ASHA_RIG_H
#define TESTS_ASHA_RIG_H

#include <check.h>
#include <math.h>
#include <string.h>

#include "common/limits.h"
#include "common/rng.h"
#include "head/core/rungs.h"
#include "head/core/sched.h"
#include "tests/unit/sched_rig.h"

enum { A, B, C, D, E };

static struct spec spec;
static struct sched_view view;
static struct tape tape;
static struct arena arena;
static struct buf text;
static void *asha;
static bool imaged; /* every step goes through an image */

static inline void setup(void)
{
    spec = (struct spec){
        .scheduler =
            {
                .type = scheduler_type_find("async_hyperband"),
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

static inline void teardown(void)
{
    sched_asha.free(asha);
    tape_fini(&tape);
    arena_fini(&arena);
    buf_fini(&text);
}

/* In the order of the row in common/schedulers.def. */
static inline void set_keys(double grace, double max_t, double factor, uint32_t brackets)
{
    const double numbers[SCHEDULER_KEYS] = {max_t, grace, factor, brackets};

    spec.scheduler.type = scheduler_type_find("asha");
    memcpy(spec.scheduler.numbers, numbers, sizeof(numbers));
}

static inline void begin(double grace, double max_t, double factor, uint32_t brackets)
{
    sched_asha.free(asha);
    set_keys(grace, max_t, factor, brackets);
    tape_record(&tape);
    asha = sched_asha.new(&spec, 1, &view, &tape);
}

/* Goes on with one made from the image of the last, which has the same image. */
static inline void through_an_image(void)
{
    asha = sched_through_an_image(&sched_asha, asha, &spec, &view, &tape);
}

static inline void add(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        sched_asha.add(asha, i);
}

static inline enum action feed(const struct judged *judged)
{
    struct sched_verdict verdict;

    sched_asha.result(asha, judged, &arena, &verdict);
    ck_assert_uint_eq(verdict.other_count, 0);
    if (imaged)
        through_an_image();
    return verdict.action;
}

static inline enum action result(uint32_t trial, double time, double reward)
{
    const struct judged judged = {
        .trial = trial, .has_time = true, .has_reward = true, .time = time, .reward = reward};

    return feed(&judged);
}

static inline void complete(uint32_t trial, double time, double reward)
{
    const struct judged judged = {
        .trial = trial, .has_time = true, .has_reward = true, .time = time, .reward = reward};
    struct sched_verdict verdict;

    sched_asha.complete(asha, &judged, &arena, &verdict);
    ck_assert_int_eq(verdict.action, ACTION_CONTINUE);
    if (imaged)
        through_an_image();
}

static inline void error(uint32_t trial)
{
    struct sched_verdict verdict;

    sched_asha.error(asha, trial, &arena, &verdict);
    ck_assert_int_eq(verdict.action, ACTION_CONTINUE);
}

#define GOES_ON(trial, time, reward)    ck_assert_int_eq(result(trial, time, reward), ACTION_CONTINUE)
#define IS_STOPPED(trial, time, reward) ck_assert_int_eq(result(trial, time, reward), ACTION_STOP)

static inline void shows(const char *want)
{
    buf_reset(&text);
    sched_asha.debug(asha, &text);
    ck_assert_str_eq(buf_text(&text), want);
}

static inline const char *explained(uint32_t trial)
{
    buf_reset(&text);
    sched_asha.explain(asha, trial, &text);
    return buf_text(&text);
}

#define HORIZON(trial) sched_asha.horizon(asha, trial)

#endif
