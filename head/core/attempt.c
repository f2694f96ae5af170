#include "head/core/attempt.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "common/rng.h"
#include "head/core/burn.h"
#include "head/core/rest.h"
#include "head/core/state.h"
#include "head/core/streams.h"

/* How much the newest length counts in the mean of lengths: exact in binary. */
#define MEAN_WEIGHT 0.125

/* Of a trial whose next result is judged behind what is in plateau. */
static double horizon_from(const struct trial *trial, const struct plateau *plateau)
{
    const struct experiment *experiment = trial->experiment;
    double scheduler = experiment->sched->horizon(experiment->scheduler, trial->number);
    double still = plateau_horizon(&experiment->spec, plateau);

    return still < scheduler ? still : scheduler;
}

double attempt_horizon(const struct trial *trial)
{
    return horizon_from(trial, &trial->plateau);
}

/* A double as a number of the tape: bit for bit. */
static uint64_t bits_of(double number)
{
    uint64_t bits;

    memcpy(&bits, &number, sizeof(bits));
    return bits;
}

static struct record_list device_list(const struct gpu_share *share, struct arena *arena)
{
    struct gpu_device *devices = arena_alloc(arena, share->count * sizeof(*devices));

    for (uint32_t i = 0; i < share->count; i++)
        devices[i].device = share->device[i];
    return (struct record_list){devices, share->count};
}

static void tell_launch(struct step *step, const struct trial *trial, bool again)
{
    const struct experiment *experiment = trial->experiment;
    struct arena *arena = step->effects->arena;
    struct effect_launch *launch = &effects_add(step->effects, EFFECT_LAUNCH)->launch;
    const struct checkpoint *latest = checkpoints_latest(&trial->checkpoints);
    /* Where it is to begin; it may have got further. */
    const struct plateau plateau =
        latest != NULL ? checkpoint_plateau(latest) : (struct plateau){0};
    const uint64_t decided[] = {trial->node->number, experiment->number, trial->number,
                                trial->attempt, trial->ahead};

    launch->node = trial->node->number;
    launch->experiment = experiment->number;
    launch->trial = trial->number;
    launch->attempt = trial->attempt;
    launch->trial_id = arena_copy(arena, span_text(trial->id));
    launch->trial_name = arena_copy(arena, span_text(trial->name));
    launch->folder = arena_copy(arena, span_text(trial->folder));
    launch->config = arena_copy(arena, buf_span(&trial->config));
    launch->resources = resources_copy(&experiment->spec.resources, arena);
    launch->gpus = device_list(&trial->gpus, arena);
    launch->horizon = horizon_from(trial, &plateau);
    launch->seed = rng_u64(experiment->seed, STREAM_PROGRAM + trial->number, 0);
    launch->again = again;
    if (latest != NULL) {
        launch->checkpoint = arena_copy(arena, span_of(latest->manifest, LIMIT_HASH_BYTES));
        launch->counters = latest->counters;
    }
    tape_confirm(step->tape, "launch", decided, sizeof(decided) / sizeof(decided[0]));
}

/* With what its next attempt begins. */
static void note_beginning(struct trial *trial)
{
    const struct checkpoint *latest = checkpoints_latest(&trial->checkpoints);

    trial->restored = latest != NULL;
    trial->from_iteration = latest != NULL ? latest->counters.training_iteration : 0;
}

void attempt_launch(struct step *step, struct trial *trial, struct node *node, bool ahead)
{
    bool queued = queue_remove(&trial->experiment->pending, trial->number);

    assert(queued || trial->pause == PAUSE_BY_SCHEDULER); /* who has chosen it now */
    assert(trial->exploit == NULL);
    trial_order(trial, TRIAL_PLACE);
    trial->pause = 0;
    trial->save = false;
    trial->moves = false;
    checkpoint_forget_marks(trial);
    trial->attempt++;
    trial->hw = 0;
    trial->pid = 0;
    trial->started_ms = 0;
    trial->began_ms = 0;
    trial->closed = false;
    trial->done = false;
    note_beginning(trial);
    if (trial->folder == NULL)
        trial->folder = experiment_trial_folder(trial->experiment, trial, step->now_ms);
    node_lease(node, trial, ahead);
    core_node_changed(step->core, node);
    tell_launch(step, trial, false);
    trial_tell(trial, false, 0, (struct span){0}, step->effects);
}

void attempt_launch_again(struct step *step, const struct trial *trial)
{
    tell_launch(step, trial, true);
}

void attempt_begin(struct step *step, struct trial *trial, const struct record_start *start)
{
    const struct experiment *experiment = trial->experiment;
    uint64_t seed = experiment->seed ^ experiment->submitted_ms;
    uint64_t stream = STREAM_EXPERIMENT_ID + trial->number;
    struct arena *arena = step->effects->arena;
    struct effect_attempt *attempt;
    uint64_t stood = trial->rows;

    /* The program of a trial that was stopped meanwhile may have started all the same. */
    (void)trial_report(trial, TRIAL_STARTED);
    trial->begun = true;
    trial->pid = start->pid;
    trial->started_ms = step->now_ms;
    trial->began_ms = start->unix_ms;
    checkpoint_restore(trial);

    attempt = &effects_add(step->effects, EFFECT_ATTEMPT)->attempt;
    attempt->experiment = experiment->number;
    attempt->trial = trial->number;
    attempt->attempt = trial->attempt;
    attempt->rows = trial->rows;
    attempt->stood = stood;
    attempt->trial_folder = arena_copy(arena, span_text(trial->folder));
    attempt->experiment_folder = arena_copy(arena, span_text(experiment->folder));
    attempt->config = arena_copy(arena, buf_span(&trial->config));
    attempt->experiment_id = span_text(arena_printf(
        arena, "%016" PRIx64 "%016" PRIx64, rng_u64(seed, stream, 0), rng_u64(seed, stream, 1)));
    attempt->hostname = arena_copy(arena, span_text(trial->node->hostname));
    attempt->node_ip = arena_copy(arena, span_text(trial->node->node_ip));
    attempt->pid = trial->pid;
    attempt->files = experiment->spec.files;
}

void attempt_observe(struct step *step, const struct trial *trial, bool ended, bool early)
{
    struct experiment *experiment = trial->experiment;
    struct observation observation = {
        .value = trial->has_sought ? trial->sought : (double)NAN,
        .time = trial->has_last && trial->last.has_time ? trial->last.time : 0,
        .ended = ended,
        .early = early,
    };

    if (experiment->search->observe == NULL || trial->added)
        return;
    experiment->search->observe(experiment->searcher, trial_proposal(trial), &observation);
    experiment->search_waits = false;
    step->core->wants_place = true;
}

/* Nothing waits for it: it is taken when the program gets to it. */
static void attempt_save(struct step *step, struct trial *trial)
{
    if (trial->state != TRIAL_RUNNING || trial->closed)
        return;
    trial->save = true;
    attempt_verdict(step, trial);
}

void attempt_obey(struct step *step, const struct experiment *experiment,
                  const struct sched_verdict *verdict)
{
    for (uint32_t i = 0; i < verdict->other_count; i++) {
        struct trial *other = experiment_trial(experiment, verdict->others[i].trial);

        if (other == NULL)
            continue;
        switch ((int)verdict->others[i].action) {
        case ACTION_STOP:
            attempt_stop(step, other, CAUSE_SCHEDULER);
            break;
        case ACTION_PAUSE:
            attempt_pause(step, other, PAUSE_BY_SCHEDULER);
            break;
        case ACTION_CONTINUE:
            attempt_resume(step, other, PAUSE_BY_SCHEDULER);
            break;
        case ACTION_SAVE:
            attempt_save(step, other);
            break;
        default:
            assert(!"something that can be done with another trial");
        }
    }
}

/* No more results of it, and not for the scheduler's own word. */
static void tell_scheduler_left(struct step *step, const struct trial *trial)
{
    const struct experiment *experiment = trial->experiment;
    struct sched_verdict verdict = {0};

    experiment->sched->error(experiment->scheduler, trial->number, step->scratch, &verdict);
    attempt_obey(step, experiment, &verdict);
}

static void tell_scheduler_complete(struct step *step, const struct trial *trial)
{
    const struct experiment *experiment = trial->experiment;
    const struct judged never = {.trial = trial->number};
    struct sched_verdict verdict = {0};

    experiment->sched->complete(experiment->scheduler, trial->has_last ? &trial->last : &never,
                                step->scratch, &verdict);
    attempt_obey(step, experiment, &verdict);
}

static void lease_end(struct step *step, struct trial *trial)
{
    struct experiment *experiment = trial->experiment;
    struct node *node = trial->node;

    if (trial->started_ms > 0) {
        double length_ms = (double)(step->now_ms - trial->started_ms);

        experiment->mean_ms +=
            experiment->has_mean ? (length_ms - experiment->mean_ms) * MEAN_WEIGHT : length_ms;
        experiment->has_mean = true;
    }
    node_release(node, trial);
    core_node_changed(step->core, node);
    core_node_fresh(step->core, node);
}

/* After a rest, which grows with the times that it went wrong. */
static void try_again(struct step *step, struct trial *trial, uint32_t times)
{
    struct experiment *experiment = trial->experiment;

    /* A scheduler's pause that was not finished is none; a person's holds. */
    trial->pause &= ~(uint32_t)PAUSE_BY_SCHEDULER;
    exploit_lost(trial);
    if (trial->state == TRIAL_PAUSING && trial->pause != 0) {
        attempt_suspend(step, trial);
        return;
    }
    trial_order(trial, trial->state == TRIAL_STARTING ? TRIAL_UNPLACE : TRIAL_RETRY);
    rest_begin(step, trial, times);
    experiment->sched->add(experiment->scheduler, trial->number);
}

/* No more attempts: scheduler and searcher are told. */
static void fail(struct step *step, struct trial *trial)
{
    struct experiment *experiment = trial->experiment;

    tell_scheduler_left(step, trial);
    if (experiment->search->error != NULL && !trial->added)
        experiment->search->error(experiment->searcher, trial_proposal(trial));
    experiment->search_waits = false;
    trial_order(trial, TRIAL_GIVE_UP);
}

/* It was lost, which is nobody's fault; but one that is, again and again, and gets no further, is
 * perhaps what takes its nodes down. A lease that only waited there had no part in it. */
static void end_lost(struct step *step, struct trial *trial, bool waited)
{
    if (trial->rows > trial->furthest) {
        trial->furthest = trial->rows;
        trial->losses = 0;
    }
    if (!waited)
        trial->losses++;
    if (trial->losses > LIMIT_LOSSES)
        fail(step, trial);
    else
        try_again(step, trial, waited ? 0 : trial->losses);
}

/* What an end that nobody had ordered means. */
static void end_unasked(struct step *step, struct trial *trial, const struct record_end *end)
{
    int32_t most = trial->experiment->spec.max_failures;

    if (!end_reason_is_failure(end->reason)) {
        attempt_observe(step, trial, true, false);
        tell_scheduler_complete(step, trial);
        trial_order(trial, TRIAL_EXITED);
        return;
    }
    if (end_reason_may_pass(end->reason) && !burn_has_ended(trial->experiment) &&
        (most < 0 || trial->failures <= (uint32_t)most))
        try_again(step, trial, trial->failures);
    else
        fail(step, trial);
}

/* How long the attempt ran; 0: it never began. Its node knows: what comes in one batch after a cut
 * may have taken an hour. */
static uint64_t ran_ms(const struct step *step, const struct trial *trial,
                       const struct record_end *end)
{
    uint64_t heard = trial->started_ms > 0 ? step->now_ms - trial->started_ms : 0;
    uint64_t said =
        trial->began_ms > 0 && end->unix_ms > trial->began_ms ? end->unix_ms - trial->began_ms : 0;

    return heard > said ? heard : said;
}

static void remember(const struct step *step, struct trial *trial, uint32_t node, uint64_t ran,
                     const struct record_end *end)
{
    const struct past past = {
        .attempt = trial->attempt,
        .reason = end->reason,
        .status = end->status,
        .node = node,
        .restored = trial->restored,
        .from_iteration = trial->from_iteration,
        .ran_ms = ran,
        .ended_ms = step->now_ms,
        /* One that never began has left what the attempts before it had. */
        .results = trial->started_ms > 0 ? trial->rows - trial->base_rows : 0,
    };

    past_add(&trial->past, &past);
}

void attempt_end(struct step *step, struct trial *trial, const struct record_end *end)
{
    struct experiment *experiment = trial->experiment;
    uint32_t node = trial->node->number;
    uint64_t ran = ran_ms(step, trial, end);
    bool waited = trial->ahead && trial->hw == 0;
    bool burnt = false;

    lease_end(step, trial);
    trial->reason = end->reason;
    trial->status = end->status;
    remember(step, trial, node, ran, end);
    if (trial->closed || trial->state == TRIAL_STOPPING) {
        trial_order(trial, TRIAL_EXITED);
    } else if (trial->state == TRIAL_PAUSING && end->reason == END_STOPPED) {
        attempt_suspend(step, trial);
    } else if (end->reason == END_CHECKPOINT) {
        checkpoint_give_up(step, trial); /* one less each time: this ends */
        try_again(step, trial, 0);
    } else if (end_reason_is_infrastructure(end->reason)) {
        end_lost(step, trial, waited);
    } else if (end_reason_is_failure(end->reason)) {
        trial->failures++;
        burnt = burn_add(step, trial, node, ran, end);
        end_unasked(step, trial, end);
    } else {
        burn_forget(experiment);
        end_unasked(step, trial, end);
    }
    if (trial_is_final(trial->state)) {
        experiment_bury(step, trial, end->text);
    } else {
        exploit_look(step, trial);
        trial_tell(trial, false, 0, end->text, step->effects);
    }
    if (burnt)
        burn_stop(step, experiment);
}

void attempt_fail(struct step *step, struct trial *trial, struct span text)
{
    lease_end(step, trial);
    trial->failures++;
    trial->reason = END_EXIT;
    fail(step, trial);
    experiment_bury(step, trial, text);
}

void attempt_requeue(struct step *step, struct trial *trial)
{
    lease_end(step, trial);
    trial->reason = END_NODE_LOST;
    try_again(step, trial, 0);
    trial_tell(trial, false, 0, (struct span){0}, step->effects);
}

void attempt_give_up(struct step *step, struct trial *trial, struct span text)
{
    if (!queue_remove(&trial->experiment->pending, trial->number))
        (void)rest_cancel(trial->experiment, trial);
    fail(step, trial);
    step->core->wants_place = true;
    experiment_bury(step, trial, text);
}

void attempt_stop(struct step *step, struct trial *trial, enum stop_cause cause)
{
    if (trial->closed || trial->state == TRIAL_STOPPING)
        return;
    trial->cause = cause;
    trial_order(trial, TRIAL_STOP);
    attempt_observe(step, trial, true, true);
    if (cause != CAUSE_SCHEDULER)
        tell_scheduler_left(step, trial);
    if (trial->node != NULL) {
        attempt_verdict(step, trial);
        trial_tell(trial, false, 0, (struct span){0}, step->effects);
        return;
    }
    if (!queue_remove(&trial->experiment->pending, trial->number))
        (void)rest_cancel(trial->experiment, trial);
    trial->reason = END_STOPPED;
    step->core->wants_place = true;
    experiment_bury(step, trial, (struct span){0});
}

void attempt_verdict(struct step *step, const struct trial *trial)
{
    struct effect_verdict *verdict = &effects_add(step->effects, EFFECT_VERDICT)->verdict;

    verdict->node = trial->node->number;
    verdict->experiment = trial->experiment->number;
    verdict->trial = trial->number;
    verdict->attempt = trial->attempt;
    verdict->acked_seq = trial->hw;
    verdict->action = trial_action(trial);
    if (verdict->action == ACTION_CONTINUE || verdict->action == ACTION_SAVE)
        verdict->horizon = attempt_horizon(trial);

    const uint64_t decided[] = {verdict->experiment, verdict->trial,  verdict->attempt,
                                verdict->acked_seq,  verdict->action, bits_of(verdict->horizon)};
    tape_confirm(step->tape, "verdict", decided, sizeof(decided) / sizeof(decided[0]));
}
