#include "client/simulation.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/drive_inside.h"
#include "common/deadlines.h"
#include "common/err.h"
#include "common/limits.h"
#include "common/normal.h"
#include "common/xalloc.h"

#define BEGINNING_MS 1000u /* of virtual time, as unix time */

/* Of draws, by job, and so anew when one begins again: how slow it is, and when it is lost. */
#define STREAM_SLOW 5u
#define STREAM_DROP 6u

struct worker {
    uint32_t trial; /* NUMBER_NONE: it is free */
    double slow;
    double at_ms;   /* when the step that it is at ends, or it is lost */
    double drop_ms; /* when the job is lost */
    uint64_t since_ms;
    double rung; /* the horizon that it is on its way to, in the scheduler's time */
    bool climbs; /* it was below it when it began */
};

struct simulation {
    const struct simulation_plan *plan;
    struct drive *drive;
    struct curves *curves;
    struct deadlines *due; /* of workers */
    struct worker *workers;
    uint32_t *idle; /* a stack of workers */
    uint32_t idle_count;
    uint32_t *worker_of; /* by trial, from 1; 0: it does not run */
    uint32_t worker_of_room;
    uint64_t now_ms;
    double max_t; /* of the scheduler; infinity */
    struct arena *arena;
    struct arena step_arena;
    struct simulated *out;
    uint32_t best_room;
    uint32_t best_trial;
    struct spec_error *error;
};

/* ---- workers ---- */

/* How many times as long as it should a job takes. */
static double draw_slow(const struct simulation_plan *plan, uint64_t job)
{
    double z = normal_of_two(rng_unit(plan->seed, STREAM_SLOW, job * 2),
                             rng_unit(plan->seed, STREAM_SLOW, job * 2 + 1));

    return 1 + plan->stragglers * fabs(z);
}

/* The seconds until it is lost: whole ones, each with the same chance. */
static double draw_drop_ms(const struct simulation_plan *plan, uint64_t job)
{
    double luck = 1 - rng_unit(plan->seed, STREAM_DROP, job);

    if (plan->drops <= 0)
        return (double)INFINITY;
    if (plan->drops >= 1)
        return 1000;
    return 1000 * ceil(log(luck) / log1p(-plan->drops));
}

static void occupy(struct simulation *simulation, uint32_t worker, uint32_t trial)
{
    if (trial >= simulation->worker_of_room) {
        uint32_t room = trial * 2 + 64;

        simulation->worker_of = xrealloc(simulation->worker_of, room, sizeof(uint32_t));
        for (uint32_t i = simulation->worker_of_room; i < room; i++)
            simulation->worker_of[i] = 0;
        simulation->worker_of_room = room;
    }
    simulation->worker_of[trial] = worker + 1;
    simulation->workers[worker].trial = trial;
}

static void release(struct simulation *simulation, uint32_t trial)
{
    uint32_t number = simulation->worker_of[trial] - 1;
    struct worker *worker = &simulation->workers[number];

    simulation->out->busy_ms += simulation->now_ms - worker->since_ms;
    simulation->worker_of[trial] = 0;
    worker->trial = NUMBER_NONE;
    deadlines_cancel(simulation->due, number);
    simulation->idle[simulation->idle_count++] = number;
}

/* Whoever does not run any more, of those that the line was about, leaves its worker. */
static void release_ended(struct simulation *simulation, uint32_t self)
{
    const struct drive *drive = simulation->drive;

    if (self != NUMBER_NONE && !trial_is_live(drive->trials[self]->state))
        release(simulation, self);
    for (uint32_t i = 0; i < drive->also_count; i++) {
        uint32_t trial = drive->also[i].trial;

        if (trial < simulation->worker_of_room && simulation->worker_of[trial] != 0 &&
            !trial_is_live(drive->trials[trial]->state))
            release(simulation, trial);
    }
}

static void begin_line(struct simulation *simulation, uint32_t self)
{
    arena_reset(&simulation->drive->turn);
    drive_begin_line(simulation->drive, simulation->now_ms, self);
}

/* Its next step; false where its curve has ended. */
static bool plan_step(struct simulation *simulation, uint32_t number)
{
    struct worker *worker = &simulation->workers[number];
    const struct driven *trial = simulation->drive->trials[worker->trial];
    double seconds;

    if (!curves_seconds(simulation->curves, worker->trial, trial->fill->training_iteration,
                        &seconds))
        return false;
    worker->at_ms += 1000 * seconds * worker->slow;
    if (worker->drop_ms < worker->at_ms)
        worker->at_ms = worker->drop_ms;
    deadlines_set(simulation->due, number, (uint64_t)ceil(worker->at_ms));
    return true;
}

/* A job: an attempt, on its way to its horizon; or, from scratch, what it does for one rung. */
static void begin_job(struct simulation *simulation, struct worker *worker)
{
    const struct simulation_plan *plan = simulation->plan;
    const struct driven *trial = simulation->drive->trials[worker->trial];
    uint64_t job = simulation->out->launches++;

    worker->slow = draw_slow(plan, job);
    worker->drop_ms = worker->at_ms + draw_drop_ms(plan, job);
    worker->rung = trial->horizon;
    worker->climbs = worker->rung > (double)trial->fill->training_iteration;
}

/* It has come to a rung and goes on at once: to where it was, again. */
static void begin_rung(struct simulation *simulation, struct worker *worker, double time)
{
    const struct driven *trial = simulation->drive->trials[worker->trial];
    bool comes = worker->climbs && time >= worker->rung;
    double seconds;

    if (!simulation->plan->from_scratch || !comes || trial->horizon <= worker->rung)
        return;
    begin_job(simulation, worker);
    for (int64_t i = 0; i < trial->fill->training_iteration; i++)
        if (curves_seconds(simulation->curves, worker->trial, i, &seconds))
            worker->at_ms += 1000 * seconds * worker->slow;
}

static void start(struct simulation *simulation)
{
    const struct drive *drive = simulation->drive;
    uint32_t number = simulation->idle[--simulation->idle_count];
    struct worker *worker = &simulation->workers[number];
    uint32_t trial = drive->launch.trial;
    struct cursor cursor;
    struct value config;
    int err;

    arena_reset(&simulation->step_arena);
    occupy(simulation, number, trial);
    worker->since_ms = simulation->now_ms;
    worker->at_ms = (double)simulation->now_ms;
    begin_job(simulation, worker);
    cursor_init(&cursor, drive->trials[trial]->config);
    err = value_unpack(&cursor, &simulation->step_arena, &config);
    assert(err == 0); /* the core packed it */
    curves_give(simulation->curves, trial, &config);
}

/* A trial whose curve has nothing more for it: it went on from its last step. */
static void exit_trial(struct simulation *simulation, uint32_t trial)
{
    begin_line(simulation, trial);
    drive_exit(simulation->drive, simulation->drive->trials[trial]);
    release_ended(simulation, trial);
}

/* Whether there is a trial for a worker. */
static bool take_trial(struct simulation *simulation)
{
    enum core_asked asked;
    uint32_t trial;

    begin_line(simulation, NUMBER_NONE);
    asked = drive_lease(simulation->drive, NULL, 0);
    release_ended(simulation, NUMBER_NONE);
    if (asked != ASKED_TRIAL)
        return false;
    trial = simulation->drive->launch.trial;
    start(simulation);
    if (!plan_step(simulation, simulation->worker_of[trial] - 1))
        exit_trial(simulation, trial);
    return true;
}

/* ---- results ---- */

static void look_at_best(struct simulation *simulation, const struct driven *trial)
{
    struct simulated *out = simulation->out;
    bool least = spec_mode(&simulation->drive->spec) == MODE_MIN;
    double best = out->best_count > 0 ? out->bests[out->best_count - 1].value : (double)NAN;

    if (!trial->has_best || isnan(trial->best) ||
        (out->best_count > 0 && !(least ? trial->best < best : trial->best > best)))
        return;
    if (out->best_count == simulation->best_room) {
        struct simulated_best *old = out->bests;

        simulation->best_room = simulation->best_room * 2 + 32;
        out->bests =
            arena_alloc(simulation->arena, simulation->best_room * sizeof(struct simulated_best));
        for (uint32_t i = 0; i < out->best_count; i++)
            out->bests[i] = old[i];
    }
    out->bests[out->best_count++] =
        (struct simulated_best){simulation->now_ms - BEGINNING_MS, trial->best};
    out->best_iteration = trial->best_at;
    simulation->best_trial = trial->number;
}

/* How far it is, in the scheduler's time. */
static double time_of(const struct drive *drive, const struct driven *trial,
                      const struct value *result)
{
    const char *name = drive->spec.scheduler.time_attr;
    const struct value *value = value_get(result, name);

    if (value != NULL && value_is_number(value))
        return value_number(value);
    return trial->fill != NULL && strcmp(name, "time_total_s") == 0 ? trial->fill->time_total_s : 0;
}

static int report(struct simulation *simulation, uint32_t number)
{
    struct worker *worker = &simulation->workers[number];
    struct drive *drive = simulation->drive;
    struct driven *trial = drive->trials[worker->trial];
    char why[DRIVE_WHY_BYTES];
    struct curve_step step;
    double time;

    arena_reset(&simulation->step_arena);
    curves_step(simulation->curves, trial->number, trial->fill->training_iteration,
                &simulation->step_arena, &step);
    begin_line(simulation, trial->number);
    if (!drive_result(drive, trial, &step.metrics, step.last, why)) {
        (void)snprintf(simulation->error->path, sizeof(simulation->error->path), "%s", trial->name);
        (void)snprintf(simulation->error->what, sizeof(simulation->error->what), "%.255s", why);
        (void)snprintf(simulation->error->mend, sizeof(simulation->error->mend),
                       "give its curve what the experiment's rules name");
        return ERR_MALFORMED;
    }
    simulation->out->results++;
    look_at_best(simulation, trial);
    time = time_of(drive, trial, &step.metrics);
    if (drive->done || time >= simulation->max_t)
        simulation->out->full++;
    release_ended(simulation, trial->number);
    if (worker->trial == trial->number)
        begin_rung(simulation, worker, time);
    return 0;
}

static int work(struct simulation *simulation, uint32_t number)
{
    struct worker *worker = &simulation->workers[number];
    uint32_t trial = worker->trial;
    int err;

    if (worker->drop_ms <= worker->at_ms) {
        simulation->out->drops++;
        begin_line(simulation, trial);
        drive_requeue(simulation->drive, simulation->drive->trials[trial]);
        release_ended(simulation, trial);
        return 0;
    }
    err = report(simulation, number);
    if (err == 0 && worker->trial == trial && !plan_step(simulation, number))
        exit_trial(simulation, trial);
    return err;
}

/* ---- all of it ---- */

static int run(struct simulation *simulation)
{
    uint64_t end_ms =
        simulation->plan->until_ms > 0 ? simulation->plan->until_ms + BEGINNING_MS : DEADLINE_NEVER;
    uint64_t worker, due_ms;
    int err = 0;

    while (err == 0) {
        while (simulation->idle_count > 0 && take_trial(simulation))
            continue;
        due_ms = deadlines_next_ms(simulation->due);
        if (due_ms == DEADLINE_NEVER || due_ms > end_ms)
            break;
        simulation->now_ms = due_ms;
        /* Steps may take no time at all: then this is where there is no end. */
        while (err == 0 && simulation->out->results < LIMIT_SIMULATED_RESULTS &&
               deadlines_pop(simulation->due, due_ms, &worker))
            err = work(simulation, (uint32_t)worker);
        if (err == 0 && simulation->out->results >= LIMIT_SIMULATED_RESULTS) {
            *simulation->error =
                (struct spec_error){.what = "there is no end to it",
                                    .mend = "--until 10d ends it, and so does a rule of stop"};
            err = ERR_TOO_BIG;
        }
    }
    if (end_ms != DEADLINE_NEVER && deadlines_next_ms(simulation->due) != DEADLINE_NEVER)
        simulation->now_ms = end_ms;
    return err;
}

static double max_t_of(const struct spec_scheduler *scheduler)
{
    return scheduler_type_has(scheduler->type, "max_t") ? spec_scheduler_number(scheduler, "max_t")
                                                        : (double)INFINITY;
}

static void finish(struct simulation *simulation)
{
    const struct drive *drive = simulation->drive;
    struct simulated *out = simulation->out;

    for (uint32_t i = 0; i < simulation->plan->workers; i++)
        if (simulation->workers[i].trial != NUMBER_NONE)
            out->busy_ms += simulation->now_ms - simulation->workers[i].since_ms;
    out->ended_ms = simulation->now_ms - BEGINNING_MS;
    for (uint32_t i = 0; i < drive->count; i++) {
        out->trials += drive->trials[i]->attempt > 0;
        out->left += !trial_is_final(drive->trials[i]->state);
    }
    if (out->best_count > 0) {
        const struct driven *best = drive->trials[simulation->best_trial];
        struct value *config = arena_alloc(simulation->arena, sizeof(*config));
        struct cursor cursor;
        int err;

        cursor_init(&cursor, best->config);
        err = value_unpack(&cursor, simulation->arena, config);
        assert(err == 0); /* the core packed it */
        out->best_config = config;
        out->best_trial = arena_strdup(simulation->arena, best->name);
    }
}

static void simulation_fini(struct simulation *simulation)
{
    drive_free(simulation->drive);
    deadlines_free(simulation->due);
    free(simulation->workers);
    free(simulation->idle);
    free(simulation->worker_of);
    arena_fini(&simulation->step_arena);
}

int simulation_run(const struct value *experiment, const struct simulation_plan *plan,
                   struct curves *curves, struct arena *arena, struct simulated *out,
                   struct spec_error *error)
{
    struct simulation simulation = {
        .plan = plan, .curves = curves, .arena = arena, .out = out, .error = error};
    int err;

    *out = (struct simulated){0};
    simulation.now_ms = BEGINNING_MS;
    simulation.drive = drive_begin(experiment, BEGINNING_MS, !plan->from_scratch, error);
    if (simulation.drive == NULL)
        return ERR_MALFORMED;
    simulation.max_t = max_t_of(&simulation.drive->spec.scheduler);
    simulation.due = deadlines_new();
    simulation.workers = xcalloc(plan->workers, sizeof(*simulation.workers));
    simulation.idle = xcalloc(plan->workers, sizeof(*simulation.idle));
    for (uint32_t i = plan->workers; i-- > 0;) {
        simulation.workers[i].trial = NUMBER_NONE;
        simulation.idle[simulation.idle_count++] = i;
    }
    curves_begin(curves, plan->seed);
    err = run(&simulation);
    if (err == 0)
        finish(&simulation);
    simulation_fini(&simulation);
    return err;
}

bool simulated_best_at(const struct simulated *run, uint64_t at_ms, double *out)
{
    uint32_t i = run->best_count;

    while (i > 0 && run->bests[i - 1].at_ms > at_ms)
        i--;
    if (i == 0)
        return false;
    *out = run->bests[i - 1].value;
    return true;
}
