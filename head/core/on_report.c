/* What an attempt reports: exactly once, in order, from where it is leased. */
#include <assert.h>

#include "common/record.h"
#include "head/core/attempt.h"
#include "head/core/state.h"

/* What came of one report. */
struct intake {
    const uint8_t *from; /* of the records that hold its new results */
    const uint8_t *to;
    uint32_t count;
    uint64_t first_row;
    bool final;
    struct result last;
    bool ended;
    struct record_end end;
};

/* An answer that leaves no trace: it is not on the tape. */
static enum core_answer answer(struct step *step, const struct event_report *report,
                               uint64_t acked_seq, enum action action, double horizon)
{
    struct effect_verdict *verdict = &effects_add(step->effects, EFFECT_VERDICT)->verdict;

    verdict->node = report->node;
    verdict->experiment = report->experiment;
    verdict->trial = report->trial;
    verdict->attempt = report->attempt;
    verdict->acked_seq = acked_seq;
    verdict->action = action;
    verdict->horizon = horizon;
    return CORE_REFUSED;
}

static void judge_metric(const struct experiment *experiment, struct trial *trial,
                         const struct result *result)
{
    const struct spec *spec = &experiment->spec;
    const char *metric = spec_metric(spec);
    enum metric_mode mode = spec_mode(spec);
    double value;

    trial->has_sought = result_number(result, metric, &value);
    if (!trial->has_sought)
        return;
    trial->sought = mode == MODE_MIN ? -value : value;
    /* NaN is better than nothing and worse than any number: no comparison with it holds. */
    if (value != value ||
        (trial->has_best && (mode == MODE_MIN ? value >= trial->best : value <= trial->best)))
        return;
    trial->has_best = true;
    trial->best = value;
    trial->best_at = result->training_iteration;
}

static void remember(const struct experiment *experiment, struct trial *trial,
                     const struct result *result)
{
    const struct spec_scheduler *keys = &experiment->spec.scheduler;
    struct judged judged = {.trial = trial->number};

    judged.has_time = result_number(result, keys->time_attr, &judged.time);
    judged.has_reward = result_number(result, keys->metric, &judged.reward);
    if (judged.has_reward && keys->mode == MODE_MIN)
        judged.reward = -judged.reward;
    trial->last = judged;
    trial->has_last = true;
    judge_metric(experiment, trial, result);
}

/* The verdict at the end of the report says it. */
static void pause_here(struct trial *trial, enum pause_by by)
{
    trial->pause |= (uint32_t)by;
    if (trial->state == TRIAL_RUNNING)
        trial_order(trial, TRIAL_PAUSE);
}

/* Whether this is its last result, by a rule of its experiment or its own word. */
static bool is_last(struct trial *trial, const struct result *result)
{
    const struct spec_plateau *rule = &trial->experiment->spec.plateau;

    if (result->done) {
        trial->done = true;
        return true;
    }
    if (rule->patience == 0 || !plateau_take(rule, result, &trial->plateau))
        return false;
    trial->cause = CAUSE_PLATEAU;
    trial_order(trial, TRIAL_STOP);
    return true;
}

static void judge(struct step *step, struct trial *trial, const struct result *result)
{
    struct experiment *experiment = trial->experiment;
    struct sched_verdict verdict = {0};

    if (is_last(trial, result)) {
        trial->closed = true;
        attempt_observe(step, trial, true, false);
        experiment->sched->complete(experiment->scheduler, &trial->last, step->scratch, &verdict);
        attempt_obey(step, experiment, &verdict);
        return;
    }
    experiment->sched->result(experiment->scheduler, &trial->last, step->scratch, &verdict);
    switch ((int)verdict.action) {
    case ACTION_CONTINUE:
        break;
    case ACTION_SAVE:
        trial->save = true;
        break;
    case ACTION_PAUSE:
        if (verdict.donor != NUMBER_NONE)
            (void)exploit_begin(step, trial, &verdict);
        pause_here(trial, PAUSE_BY_SCHEDULER);
        break;
    case ACTION_EXPLOIT:
        trial->moves = exploit_begin(step, trial, &verdict);
        if (trial->moves)
            pause_here(trial, PAUSE_BY_DONOR);
        break;
    case ACTION_STOP:
        trial->closed = true;
        trial->cause = CAUSE_SCHEDULER;
        trial_order(trial, TRIAL_STOP);
        break;
    default:
        assert(!"a verdict on a result");
    }
    attempt_observe(step, trial, trial->closed, trial->closed);
    attempt_obey(step, experiment, &verdict);
}

/* Results behind the last one are acknowledged, and that is all. */
static void take_result(struct step *step, struct trial *trial, const struct result *result,
                        struct span bytes, struct intake *intake)
{
    if (trial->closed)
        return;
    if (intake->count++ == 0) {
        intake->from = bytes.data;
        intake->first_row = trial->rows;
    }
    intake->to = (const uint8_t *)bytes.data + bytes.size;
    intake->last = *result;
    trial->rows++;
    trial->experiment->results++;
    trial->experiment->changed = true;
    remember(trial->experiment, trial, result);
    budget_take_result(step, trial);
    /* One that a person stops is not judged any more. */
    if (trial->state != TRIAL_STOPPING)
        judge(step, trial, result);
    else if (result->done)
        trial->closed = trial->done = true;
    intake->final = trial->closed;
}

static void take(struct step *step, struct trial *trial, const struct event_report *report,
                 struct intake *intake)
{
    /* An executor that could not say START first. */
    const struct record_start unknown = {0};
    struct cursor cursor;

    cursor_init(&cursor, report->records);
    for (uint32_t i = 0; i < report->count; i++) {
        const uint8_t *begin = cursor.at;
        struct record record;
        int err = record_unpack(&cursor, &record);

        assert(err == 0); /* record_check has been over them */
        if (report->first_seq + i <= trial->hw)
            continue;
        trial->hw++;
        if (trial->hw == 1 && record.kind != RECORD_START && record.kind != RECORD_END)
            attempt_begin(step, trial, &unknown);
        switch (record.kind) {
        case RECORD_START:
            attempt_begin(step, trial, &record.start);
            break;
        case RECORD_RESULT:
            take_result(step, trial, &record.result, span_of(begin, (size_t)(cursor.at - begin)),
                        intake);
            break;
        case RECORD_MARK:
            checkpoint_mark(trial, &record.mark, intake->count > 0 ? &intake->last : NULL);
            break;
        case RECORD_CHECKPOINT:
            checkpoint_commit(step, trial, &record.checkpoint);
            break;
        case RECORD_END:
            intake->ended = true;
            intake->end = record.end;
            break;
        }
    }
}

static void tell_results(struct step *step, const struct trial *trial, const struct intake *intake)
{
    struct effect_results *results = &effects_add(step->effects, EFFECT_RESULTS)->results;

    results->experiment = trial->experiment->number;
    results->trial = trial->number;
    results->attempt = trial->attempt;
    results->first_row = intake->first_row;
    results->count = intake->count;
    results->records = span_of(intake->from, (size_t)(intake->to - intake->from));
    results->final = intake->final;
}

static void accept(struct step *step, struct trial *trial, const struct event_report *report)
{
    struct intake intake = {0};

    take(step, trial, report, &intake);
    if (intake.count > 0) {
        buf_reset(&trial->last_result);
        result_pack(&intake.last, &trial->last_result);
        tell_results(step, trial, &intake);
    }
    trial->ending = intake.ended;
    attempt_verdict(step, trial);
    trial->ending = false;
    if (intake.ended) {
        attempt_end(step, trial, &intake.end);
        return;
    }
    exploit_look(step, trial);
    trial_tell(trial, false, 0, (struct span){0}, step->effects);
}

/* Of an attempt that is over: what was accepted of it is acknowledged again, the rest is too late.
 */
static enum core_answer answer_over(struct step *step, const struct event_report *report,
                                    uint32_t attempt, uint64_t hw)
{
    if (report->attempt == attempt && report->first_seq + report->count <= hw + 1)
        return answer(step, report, hw, ACTION_STOP, 0);
    return answer(step, report, 0, ACTION_FENCED, 0);
}

enum core_answer on_report(struct step *step, const struct event_report *report)
{
    const struct experiment *experiment = core_experiment(step->core, report->experiment);
    struct trial *trial;
    enum action action;
    double horizon = 0;

    if (experiment == NULL || report->trial >= experiment->created)
        return answer(step, report, 0, ACTION_FENCED, 0);
    trial = trial_row_live(&experiment->rows[report->trial]);
    if (trial == NULL)
        return answer_over(step, report, experiment->rows[report->trial].attempt,
                           experiment->rows[report->trial].hw);
    if (trial->node == NULL)
        return answer_over(step, report, trial->attempt, trial->hw);
    if (trial->attempt != report->attempt || trial->node->number != report->node)
        return answer(step, report, 0, ACTION_FENCED, 0);

    action = trial_action(trial);
    if (action == ACTION_CONTINUE || action == ACTION_SAVE)
        horizon = attempt_horizon(trial);
    if (report->first_seq > trial->hw + 1)
        return answer(step, report, trial->hw, ACTION_RESEND, horizon);
    if (report->first_seq + report->count <= trial->hw + 1)
        return answer(step, report, trial->hw, action, horizon);
    accept(step, trial, report);
    return CORE_ADMITTED;
}
