/* The checker's way through what was committed: one event after the other, with its effects. */
#include <string.h>

#include "common/action.h"
#include "common/xalloc.h"
#include "tests/sim/host.h"
#include "tests/sim/ledger.h"

/* Every lease of a node may end now; those that held says not. */
static void expect_leaving(struct checker *checker, uint32_t number, bool all)
{
    struct check_node *node = ledger_node(checker, number);

    for (uint32_t i = 0; i < node->count; i++) {
        struct check_trial *trial =
            ledger_trial(checker, node->leases[i].who.experiment, node->leases[i].who.trial);

        trial->may_leave = true;
        trial->must_leave = all;
    }
    if (all)
        node->lost = true;
}

static void forget_leaving(struct checker *checker)
{
    for (uint32_t e = 0; e < checker->experiment_count; e++) {
        struct check_experiment *experiment = &checker->experiments[e];

        for (uint32_t i = 0; i < experiment->trial_count && !experiment->removed; i++) {
            struct check_trial *trial = &experiment->trials[i];

            if (trial->must_leave && trial->live)
                world_fail(checker->world, "I5: %u/%u keeps its lease when it is over", e, i);
            trial->may_leave = trial->must_leave = trial->broken = trial->recalled = false;
            for (uint32_t k = 0; k < trial->saved_count; k++)
                if (!trial->saved[k].told)
                    world_fail(checker->world, "I14: %u/%u: a checkpoint came, and is not kept", e,
                               i);
        }
    }
}

/* ---- effects ---- */

static void take_launch(struct checker *checker, const struct effect_launch *launch, bool ahead)
{
    struct check_experiment *experiment = ledger_experiment(checker, launch->experiment);
    struct check_trial *trial = ledger_trial(checker, launch->experiment, launch->trial);
    uint32_t most;

    if (!experiment->known || experiment->done) {
        world_fail(checker->world, "%u/%u is launched without an experiment", launch->experiment,
                   launch->trial);
        return;
    }
    if (launch->again) {
        if (!trial->live || trial->count != launch->attempt || trial->node != launch->node ||
            trial->attempts[launch->attempt - 1].hw > 0)
            world_fail(checker->world, "I3: %u/%u attempt %u is launched again on node %u",
                       launch->experiment, launch->trial, launch->attempt, launch->node);
        return;
    }
    if (experiment->paused)
        world_fail(checker->world, "%u/%u is launched while its experiment is paused",
                   launch->experiment, launch->trial);
    if (trial->live || launch->attempt != trial->count + 1 || trial->closed)
        world_fail(checker->world, "I3: %u/%u is launched as attempt %u behind %u%s",
                   launch->experiment, launch->trial, launch->attempt, trial->count,
                   trial->live ? ", which has not ended" : "");
    most = checker->world->plan.experiments[experiment->plan].spec.max_concurrent;
    experiment->leases++;
    if (most > 0 && experiment->leases > most)
        world_fail(checker->world, "experiment %u: more than max_concurrent %u are leased",
                   launch->experiment, most);
    trial->attempts = xrealloc(trial->attempts, trial->count + 1, sizeof(*trial->attempts));
    trial->attempts[trial->count++] = (struct check_attempt){0};
    saved_launched(checker, launch, trial, &trial->attempts[trial->count - 1]);
    trial->live = true;
    trial->node = launch->node;
    lease_launched(checker, launch, ahead);
}

static void take_attempt(struct checker *checker, const struct effect_attempt *effect)
{
    struct check_trial *trial = ledger_trial(checker, effect->experiment, effect->trial);
    struct check_attempt *attempt;

    if (!trial->live || trial->count != effect->attempt ||
        trial->attempts[effect->attempt - 1].opened || trial->closed ||
        effect->rows != trial->attempts[effect->attempt - 1].base) {
        world_fail(checker->world, "I3: %u/%u attempt %u opens files out of its turn",
                   effect->experiment, effect->trial, effect->attempt);
        return;
    }
    attempt = &trial->attempts[effect->attempt - 1];
    attempt->opened = true;
}

static void take_verdict(struct checker *checker, const struct effect_verdict *effect,
                         struct expected *expected)
{
    const struct whose who = {effect->experiment, effect->trial, effect->attempt};
    struct check_attempt *attempt = ledger_attempt(checker, &who);

    if (attempt != NULL && effect->action == ACTION_STOP)
        attempt->told_stop = true;
    if (effect->action == ACTION_FENCED && expected->fences > 0)
        expected->fences--;
    if (effect->acked_seq > (attempt != NULL ? attempt->hw : 0))
        world_fail(checker->world,
                   "I1: %u/%u attempt %u: %llu would be acknowledged, %llu is there",
                   who.experiment, who.trial, who.attempt, (unsigned long long)effect->acked_seq,
                   attempt != NULL ? (unsigned long long)attempt->hw : 0ull);
    if (expected->is_report && memcmp(&who, &expected->who, sizeof(who)) == 0) {
        expected->told_verdict = true;
        if (effect->acked_seq != expected->hw)
            world_fail(checker->world, "I2: %u/%u: %llu is acknowledged of %llu", who.experiment,
                       who.trial, (unsigned long long)effect->acked_seq,
                       (unsigned long long)expected->hw);
    }
}

static void take_close(struct checker *checker, const struct effect_close *effect)
{
    struct check_trial *trial = ledger_trial(checker, effect->experiment, effect->trial);

    if (trial->closed || !trial_is_final((enum trial_state)trial->state))
        world_fail(checker->world, "%u/%u: its files are closed out of their turn",
                   effect->experiment, effect->trial);
    trial->closed = true;
}

static uint32_t find_plan(const struct checker *checker, struct span spec)
{
    const struct plan *plan = &checker->world->plan;

    for (uint32_t i = 0; i < plan->experiment_count; i++)
        if (span_equal(plan->experiments[i].packed, spec))
            return i;
    return UINT32_MAX;
}

static void first_row(struct checker *checker, const struct effect_experiment *row,
                      struct span submission)
{
    struct check_experiment *experiment = ledger_experiment(checker, row->experiment);

    experiment->plan = find_plan(checker, row->spec);
    if (experiment->known || experiment->plan == UINT32_MAX)
        world_fail(checker->world, "I8: experiment %u begins twice, or is nobody's",
                   row->experiment);
    if (submission.size != sizeof(experiment->submission)) {
        world_fail(checker->world, "I8: experiment %u begins without a submission",
                   row->experiment);
        return;
    }
    memcpy(experiment->submission, submission.data, submission.size);
    for (uint32_t i = 1; i < checker->experiment_count; i++)
        if (i != row->experiment && checker->experiments[i].known &&
            !checker->experiments[i].removed &&
            memcmp(checker->experiments[i].submission, submission.data, submission.size) == 0)
            world_fail(checker->world, "I8: experiments %u and %u are one submission", i,
                       row->experiment);
    experiment->known = experiment->plan != UINT32_MAX;
}

#define AT_ONCE "failed as soon as" /* of an experiment that burns (head/core/burn.c) */

/* What the plan says that it may cost. */
static void check_budget(struct checker *checker, const struct effect_experiment *row,
                         const struct check_experiment *experiment)
{
    const struct spec_budget *most =
        &checker->world->plan.experiments[experiment->plan].spec.budget;
    bool runs = row->state == EXPERIMENT_RUNNING;

    if (most->trials > 0 && row->created > most->trials)
        world_fail(checker->world, "experiment %u has %u trials, its budget %u", row->experiment,
                   row->created, most->trials);
    if (runs && most->max_failed > 0 && row->counts[TRIAL_FAILED] >= most->max_failed)
        world_fail(checker->world, "experiment %u goes on behind %u failed trials", row->experiment,
                   row->counts[TRIAL_FAILED]);
    if (runs && experiment->met)
        world_fail(checker->world, "experiment %u goes on behind its target", row->experiment);
}

static void take_experiment(struct checker *checker, const struct effect_experiment *row,
                            const struct expected *expected)
{
    struct check_experiment *experiment = ledger_experiment(checker, row->experiment);
    uint64_t sum = 0;

    if (row->spec.size > 0 && !experiment->extending)
        first_row(checker, row, expected->submission);
    experiment->extending = false;
    experiment->total = row->total;
    if (experiment->done)
        world_fail(checker->world, "experiment %u goes on behind its end", row->experiment);
    for (uint32_t i = 0; i < TRIAL_STATE_COUNT; i++)
        sum += row->counts[i];
    if (sum != row->created || (row->spec.size == 0 && row->created != experiment->created))
        world_fail(checker->world, "I7: experiment %u: %llu in its states, %u created, %u told",
                   row->experiment, (unsigned long long)sum, row->created, experiment->created);
    experiment->results = row->results;
    experiment->ended = experiment->ended || row->why.size > 0;
    experiment->burnt =
        experiment->burnt || memmem(row->why.data, row->why.size, AT_ONCE, strlen(AT_ONCE)) != NULL;
    if (experiment->known)
        check_budget(checker, row, experiment);
    if (row->state != EXPERIMENT_DONE)
        return;
    experiment->done = true;
    for (uint32_t i = 0; i < experiment->trial_count; i++)
        if (!trial_is_final((enum trial_state)experiment->trials[i].state))
            world_fail(checker->world, "I7: experiment %u is done before trial %u", row->experiment,
                       i);
    /* A searcher that is asked late has proposed fewer where somebody ended it. */
    if (!experiment->stopped && !experiment->ended && row->total != row->created)
        world_fail(checker->world, "I7: experiment %u is done with %u of %u trials",
                   row->experiment, row->created, row->total);
}

static void take_effect(struct checker *checker, const struct effect *effects, size_t at,
                        size_t count, struct expected *expected)
{
    const struct effect *effect = &effects[at];
    bool ahead;

    switch (effect->type) {
    case EFFECT_LAUNCH:
        /* Its row comes next. */
        ahead =
            at + 1 < count && effects[at + 1].type == EFFECT_TRIAL && effects[at + 1].trial.ahead;
        take_launch(checker, &effect->launch, ahead);
        return;
    case EFFECT_VERDICT:
        take_verdict(checker, &effect->verdict, expected);
        return;
    case EFFECT_RELEASE:
        if (!checker_is_done(checker, effect->release.experiment))
            world_fail(checker->world, "experiment %u is released and has not ended",
                       effect->release.experiment);
        ledger_experiment(checker, effect->release.experiment)->removed |= effect->release.removed;
        return;
    case EFFECT_EXPERIMENT:
        take_experiment(checker, &effect->experiment, expected);
        return;
    case EFFECT_TRIAL:
        row_take(checker, &effect->trial);
        return;
    case EFFECT_NODE:
        lease_node_row(checker, &effect->node);
        return;
    case EFFECT_ATTEMPT:
        take_attempt(checker, &effect->attempt);
        return;
    case EFFECT_RESULTS:
        report_rows(checker, &effect->results, expected);
        return;
    case EFFECT_CHECKPOINT:
        saved_told(checker, &effect->checkpoint);
        return;
    case EFFECT_CLOSE:
        take_close(checker, &effect->close);
        return;
    default:
        return;
    }
}

static uint32_t count_fences(struct checker *checker, const struct event_node_back *back)
{
    const struct held_attempt *held = back->held.items;
    uint32_t fences = 0;

    for (uint32_t i = 0; i < back->held.count; i++) {
        const struct whose who = {held[i].experiment, held[i].trial, held[i].attempt};
        const struct check_trial *trial = ledger_attempt(checker, &who) != NULL
                                              ? ledger_trial(checker, who.experiment, who.trial)
                                              : NULL;

        fences += trial == NULL || !trial->live || trial->count != who.attempt ||
                  trial->node != back->principal;
    }
    return fences;
}

static void describe_node(struct checker *checker, const struct event_node_back *back)
{
    struct check_node *node = ledger_node(checker, back->principal);

    node->known = true;
    node->capacity = back->capacity;
    node->gpus = back->gpus;
    node->credit = back->credit;
    node->capacity.custom = (struct record_list){0};
    node->licences = lease_custom(&back->capacity);
}

/* The node of a worker whose key is none any more is lost with it. */
static void expect_revoked(struct checker *checker, const struct event_principal_add *add)
{
    const struct world *world = checker->world;

    for (uint32_t i = 0; i < world->plan.host_count && add->role != ROLE_WORKER; i++) {
        const struct host *host = host_at(world, i);

        if (host->principal != 0 && span_equal(add->key, span_of(host->key, sizeof(host->key))) &&
            ledger_node(checker, host->principal)->known)
            expect_leaving(checker, host->principal, true);
    }
}

static void expect_pause(struct checker *checker, const struct event *event)
{
    if (event->type == EVENT_STOP && event->stop.trial == NUMBER_NONE) {
        ledger_experiment(checker, event->stop.experiment)->paused = false;
        ledger_experiment(checker, event->stop.experiment)->stopped = true;
    }
    if ((event->type == EVENT_PAUSE || event->type == EVENT_RESUME) &&
        event->pause.trial == NUMBER_NONE)
        ledger_experiment(checker, event->pause.experiment)->paused = event->type == EVENT_PAUSE;
}

static void expect_extended(struct checker *checker, const struct event *event)
{
    if (event->type == EVENT_EXTEND) {
        struct check_experiment *experiment = ledger_experiment(checker, event->extend.experiment);

        experiment->paused &= !experiment->done;
        experiment->done = false;
        experiment->extending = true;
        experiment->extended = true;
    } else if (event->type == EVENT_RECALL) {
        ledger_trial(checker, event->recall.experiment, event->recall.trial)->recalled = true;
    }
}

/* Sent again, it is the one that was taken before. */
static void expect_suggested(struct checker *checker, const struct event *event)
{
    struct check_experiment *experiment;

    if (event->type != EVENT_SUGGEST)
        return;
    experiment = ledger_experiment(checker, event->suggest.experiment);
    if (event->suggest.number <= experiment->suggestion)
        world_fail(checker->world, "I8: a suggestion for experiment %u is taken twice",
                   event->suggest.experiment);
    experiment->suggestion = event->suggest.number;
}

static void before(struct checker *checker, const struct event *event, struct expected *expected,
                   uint64_t *hashes)
{
    expect_pause(checker, event);
    expect_extended(checker, event);
    expect_suggested(checker, event);
    if (event->type == EVENT_SUBMIT)
        expected->submission = event->submit.submission;
    if (event->type == EVENT_REPORT)
        report_expect(checker, &event->report, expected, hashes);
    if (event->type == EVENT_NODE_LOST)
        expect_leaving(checker, event->node_lost.node, true);
    if (event->type == EVENT_PRINCIPAL_ADD)
        expect_revoked(checker, &event->principal_add);
    if (event->type == EVENT_NODE_BACK) {
        expected->fences = count_fences(checker, &event->node_back);
        ledger_node(checker, event->node_back.principal)->lost = false;
        expect_leaving(checker, event->node_back.principal, false);
    }
    if (event->type == EVENT_DRAIN)
        ledger_node(checker, event->drain.node)->draining = event->drain.on;
}

void checker_take(struct checker *checker, const struct event *event, bool admitted,
                  const struct effect *effects, size_t count)
{
    uint64_t hashes[RESULTS_MOST];
    struct expected expected = {0};
    bool begun = event != NULL && admitted;

    if (begun)
        before(checker, event, &expected, hashes);
    for (size_t i = 0; i < count && !checker->world->failed; i++) {
        if (event != NULL && !admitted && effects[i].type != EFFECT_REPLY &&
            effects[i].type != EFFECT_VERDICT)
            world_fail(checker->world, "a refused event has an effect of type %u", effects[i].type);
        take_effect(checker, effects, i, count, &expected);
    }
    if (checker->world->failed || !begun)
        return;
    if (expected.is_report &&
        (!expected.told_verdict || (expected.count > 0 && !expected.told_results)))
        world_fail(checker->world, "I2: a report of %u/%u is taken without a word",
                   expected.who.experiment, expected.who.trial);
    if (expected.fences > 0)
        world_fail(checker->world, "I3: node %u keeps attempts that are not its own",
                   event->node_back.principal);
    if (event->type == EVENT_NODE_BACK)
        describe_node(checker, &event->node_back);
    forget_leaving(checker);
}
