/* hyperband_rig.h - one HyperBand scheduler and what a test does with it: each of its trials in a
 * state of its own, which follows what the scheduler says. */
#ifndef TESTS_HYPERBAND_RIG_H
#define TESTS_HYPERBAND_RIG_H

#include <check.h>
#include <math.h>
#include <string.h>

#include "head/core/sched.h"
#include "tests/unit/sched_rig.h"

#define MOST_TRIALS 256u

static struct spec spec;
static struct tape tape;
static struct arena arena;
static struct buf text;
static void *hyperband;
static bool imaged; /* every step goes through an image */
static enum trial_state states[MOST_TRIALS];
static struct sched_verdict verdict; /* of the last call */

static inline enum trial_state state_of(void *core, uint32_t trial)
{
    (void)core;
    return states[trial];
}

static struct sched_view view = {.state = state_of};

static inline void setup(void)
{
    spec = (struct spec){.scheduler = {.type = scheduler_type_find("hyperband"),
                                       .time_attr = "training_iteration",
                                       .metric = "score",
                                       .mode = MODE_MAX,
                                       .semantics = SEMANTICS_TUNE_07}};
    text = (struct buf){0};
    arena = (struct arena){0};
    tape_init(&tape);
    tape_record(&tape);
    hyperband = NULL;
    imaged = false;
    memset(states, 0, sizeof(states));
}

static inline void teardown(void)
{
    sched_hyperband.free(hyperband);
    tape_fini(&tape);
    arena_fini(&arena);
    buf_fini(&text);
}

/* In the order of the row in common/schedulers.def. */
static inline void begin(double max_t, double eta, bool paper)
{
    const double numbers[SCHEDULER_KEYS] = {max_t, eta, paper};

    sched_hyperband.free(hyperband);
    memcpy(spec.scheduler.numbers, numbers, sizeof(numbers));
    hyperband = sched_hyperband.new(&spec, 1, &view, &tape);
}

/* Goes on with one made from the image of the last, which has the same image. */
static inline void through_an_image(void)
{
    if (imaged)
        hyperband = sched_through_an_image(&sched_hyperband, hyperband, &spec, &view, &tape);
}

static inline void add(uint32_t trial)
{
    sched_hyperband.add(hyperband, trial);
    states[trial] = TRIAL_RUNNING;
    through_an_image();
}

static inline void add_all(uint32_t count)
{
    for (uint32_t trial = 0; trial < count; trial++)
        add(trial);
}

static inline void obey(void)
{
    for (uint32_t i = 0; i < verdict.other_count; i++)
        states[verdict.others[i].trial] =
            verdict.others[i].action == ACTION_STOP ? TRIAL_STOPPED : TRIAL_PENDING;
    through_an_image();
}

static inline enum action result(uint32_t trial, double time, double reward)
{
    const struct judged judged = {
        .trial = trial, .has_time = true, .has_reward = true, .time = time, .reward = reward};

    sched_hyperband.result(hyperband, &judged, &arena, &verdict);
    states[trial] = verdict.action == ACTION_PAUSE  ? TRIAL_PAUSED
                    : verdict.action == ACTION_STOP ? TRIAL_STOPPED
                                                    : TRIAL_RUNNING;
    obey();
    return verdict.action;
}

static inline void fails(uint32_t trial)
{
    sched_hyperband.error(hyperband, trial, &arena, &verdict);
    states[trial] = TRIAL_FAILED;
    obey();
}

/* "6- 8- 9+": who is stopped and who goes on beside the one that was judged, in this order. */
static inline void others_are(const char *want)
{
    buf_reset(&text);
    for (uint32_t i = 0; i < verdict.other_count; i++)
        buf_printf(&text, "%s%u%c", i > 0 ? " " : "", verdict.others[i].trial,
                   verdict.others[i].action == ACTION_STOP ? '-' : '+');
    ck_assert_str_eq(buf_text(&text), want);
}

static inline void shows(const char *want)
{
    buf_reset(&text);
    sched_hyperband.debug(hyperband, &text);
    ck_assert_str_eq(buf_text(&text), want);
}

static inline const char *explained(uint32_t trial)
{
    buf_reset(&text);
    sched_hyperband.explain(hyperband, trial, &text);
    return buf_text(&text);
}

#define GOES_ON(trial, time, reward)    ck_assert_int_eq(result(trial, time, reward), ACTION_CONTINUE)
#define WAITS(trial, time, reward)      ck_assert_int_eq(result(trial, time, reward), ACTION_PAUSE)
#define IS_STOPPED(trial, time, reward) ck_assert_int_eq(result(trial, time, reward), ACTION_STOP)
#define HORIZON(trial)                  sched_hyperband.horizon(hyperband, trial)

#endif
