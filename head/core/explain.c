/* Why a trial is where it is, in sentences. */
#include <inttypes.h>

#include "common/number.h"
#include "common/record.h"
#include "head/core/state.h"

static void explain_scheduler(const struct experiment *experiment, uint32_t number, struct buf *out)
{
    size_t before = out->size;

    experiment->sched->explain(experiment->scheduler, number, out);
    if (out->size > before && out->data[out->size - 1] != '\n')
        buf_append_char(out, '\n');
}

static uint32_t fitting_nodes(const struct core *core, const struct resources *need, uint32_t *open)
{
    uint32_t fitting = 0;

    *open = 0;
    for (uint32_t i = 0; i < core->node_count; i++) {
        const struct node *node = core->nodes[i];

        *open += !node->lost && !node->draining && !node->full;
        fitting += !node->lost && !node->draining && !node->full && node_could_fit(node, need);
    }
    return fitting;
}

static uint32_t place_in_queue(const struct experiment *experiment, uint32_t number)
{
    const uint32_t *items = queue_items(&experiment->pending);
    uint32_t place = 0;

    while (place < experiment->pending.count && items[place] != number)
        place++;
    return place;
}

static void explain_pending(const struct core *core, const struct trial *trial, struct buf *out)
{
    const struct experiment *experiment = trial->experiment;
    uint32_t most = experiment->spec.max_concurrent;
    uint32_t place = place_in_queue(experiment, trial->number);
    uint32_t open, fitting;

    if (trial->wake_ms > 0) {
        buf_append_text(out, "It rests before it is tried again, longer after each failure.\n");
        return;
    }
    buf_append_text(out, "It waits to be started");
    if (place > 0)
        buf_printf(out, ", behind %u others of its experiment", place);
    buf_append_text(out, ".\n");
    fitting = fitting_nodes(core, &experiment->spec.resources, &open);
    if (experiment->paused)
        buf_printf(out, "Its experiment is paused. It goes on after: assay resume %u\n",
                   experiment->number);
    if (most > 0 && experiment->leases >= most)
        buf_printf(out, "max_concurrent is %u, and as many of its experiment run.\n", most);
    if (open == 0) {
        buf_append_text(out, "There is no node that takes trials.\n");
    } else if (fitting == 0) {
        buf_append_text(out, "No node is large enough: a trial needs ");
        resources_summary(&experiment->spec.resources, out);
        buf_append_text(out, ".\n");
    } else if (experiment->blocked) {
        buf_printf(out, "None of the %u nodes that could take it has room now.\n", fitting);
    }
}

/* "exit with status 3". */
static void explain_reason(uint32_t reason, int64_t status, struct buf *out)
{
    buf_append_text(out, end_reason_name(reason));
    if (reason == END_EXIT)
        buf_printf(out, " with status %d", (int)status);
    else if (reason == END_SIGNAL)
        buf_printf(out, " %d", (int)status);
}

static void explain_past(const struct core *core, const struct record_list *list, struct buf *out)
{
    const struct past *past = list->items;

    for (uint32_t i = 0; i < list->count; i++) {
        const struct node *node = core_node(core, past[i].node);

        buf_printf(out, "Attempt %u", past[i].attempt);
        if (past[i].node != NUMBER_NONE)
            buf_printf(out, " on node %u (%s)", past[i].node, node != NULL ? node->name : "");
        if (past[i].ran_ms > 0)
            buf_printf(out, " ran for %.1f s and", (double)past[i].ran_ms / 1000);
        buf_append_text(out, " ended: ");
        explain_reason(past[i].reason, past[i].status, out);
        buf_append_text(out, ".\n");
    }
}

/* What the next attempt begins with. */
static void explain_checkpoint(const struct trial *trial, struct buf *out)
{
    const struct checkpoint *latest = checkpoints_latest(&trial->checkpoints);

    if (trial->broken > 0)
        buf_printf(out, "%u of its checkpoints %s broken, and given up for the one before.\n",
                   trial->broken, trial->broken == 1 ? "was" : "were");
    if (latest != NULL)
        buf_printf(out,
                   "Its latest checkpoint is of iteration %" PRId64 " (attempt %u, %" PRIu64
                   " bytes): its next attempt goes on from there.\n",
                   latest->counters.training_iteration, latest->attempt, latest->bytes);
    else if (trial->attempt > 0)
        buf_append_text(out, "It has no checkpoint: another attempt begins from scratch.\n");
}

static void explain_paused(const struct trial *trial, struct buf *out)
{
    bool person = (trial->pause & PAUSE_BY_PERSON) != 0;

    if (trial->exploit != NULL)
        buf_printf(out, "It waits for a checkpoint of trial %u, to go on from there.\n",
                   trial->exploit->donor);
    if (trial->pause == PAUSE_BY_DONOR)
        return;
    buf_printf(out, "It was paused by %s, and holds no resources.\n",
               person ? "a person" : "the scheduler");
    if (person && trial->experiment->paused)
        buf_printf(out, "It goes on after: assay resume %u\n", trial->experiment->number);
    else if (person)
        buf_printf(out, "It goes on after: assay resume %u/%u\n", trial->experiment->number,
                   trial->number);
}

static void explain_live(const struct trial *trial, struct buf *out)
{
    const struct node *node = trial->node;

    buf_printf(out, "Its attempt %u is leased to node %u (%s).\n", trial->attempt, node->number,
               node->name);
    if (trial->ahead && trial->state == TRIAL_STARTING)
        buf_append_text(out, "It waits there until another trial has ended.\n");
    else if (trial->state == TRIAL_STARTING)
        buf_append_text(out, "The node has not said yet that it runs.\n");
    else if (trial->closed && trial->done)
        buf_append_text(out, "Its last result said done; its program is ending.\n");
    else if (trial->state == TRIAL_STOPPING)
        buf_printf(out, "It was stopped by %s; its program is ending.\n",
                   trial->cause == CAUSE_PERSON ? "a person"
                   : trial->cause == CAUSE_BURNT || trial->cause == CAUSE_BUDGET
                       ? "the end of its experiment"
                   : trial->cause == CAUSE_PLATEAU ? "its experiment's plateau"
                                                   : "the scheduler");
    else if (trial->state == TRIAL_PAUSING && trial->exploit != NULL &&
             trial->exploit->donor == trial->number)
        buf_append_text(out, "It is to go on with another configuration; its program is saving, or "
                             "ending.\n");
    else if (trial->state == TRIAL_PAUSING && (trial->pause & PAUSE_BY_DONOR) != 0)
        buf_printf(out, "It is to go on from a checkpoint of trial %u; its program is ending.\n",
                   trial->exploit->donor);
    else if (trial->state == TRIAL_PAUSING)
        buf_printf(out, "It is to be paused, by %s; its program is saving, or ending.\n",
                   (trial->pause & PAUSE_BY_PERSON) != 0 ? "a person" : "the scheduler");
    else
        buf_append_text(out, "It runs.\n");
}

static void explain_plateau(const struct spec_plateau *rule, struct buf *out)
{
    char digits[NUMBER_BYTES];
    size_t size = number_repr(rule->delta, digits);

    buf_printf(out, "It was stopped by its experiment's plateau: %u results in a row got %s no ",
               rule->patience, rule->metric);
    buf_printf(out, "further than by %.*s.\n", (int)size, digits);
}

static void explain_ended(const struct experiment *experiment, const struct trial_row *row,
                          struct buf *out)
{
    const struct trial_more *more = trial_row_more(row);

    if (row->state == TRIAL_FAILED)
        buf_printf(out, "It failed for good: %s.\n", end_reason_name(row->reason));
    else if (row->cause == CAUSE_PERSON)
        buf_append_text(out, "It was stopped by a person.\n");
    else if (row->cause == CAUSE_RECALLED)
        buf_append_text(out, "A stop rule has ended it; it is to go on, as its experiment was "
                             "extended.\n");
    else if (row->cause == CAUSE_PLATEAU)
        explain_plateau(&experiment->spec.plateau, out);
    else if (row->cause == CAUSE_BURNT || row->cause == CAUSE_BUDGET)
        buf_append_text(out, "It was stopped because its experiment was.\n");
    else if (row->cause == CAUSE_SCHEDULER)
        buf_append_text(out, "It was stopped by the scheduler.\n");
    else
        buf_append_text(out, "It ended by itself or by a stop rule.\n");
    if (row->attempt > 1)
        buf_printf(out, "It took %u attempts.\n", row->attempt);
    if (row->attempt > 1 && row->failures > 0)
        buf_printf(out, "Of these %u failed by themselves.\n", row->failures);
    if (more != NULL && more->checkpoints.count > 0)
        buf_printf(out, "Its latest checkpoint is of iteration %" PRId64 ".\n",
                   checkpoints_latest(&more->checkpoints)->counters.training_iteration);
}

const struct record_list *core_past(const struct core *core, uint32_t number, uint32_t trial_number)
{
    static const struct record_list none;
    const struct experiment *experiment = core_experiment(core, number);
    const struct trial_row *row;
    const struct trial *trial;

    if (experiment == NULL || trial_number >= experiment->created)
        return NULL;
    row = &experiment->rows[trial_number];
    trial = trial_row_live(row);
    if (trial != NULL)
        return &trial->past;
    return trial_row_more(row) != NULL ? &trial_row_more(row)->past : &none;
}

bool core_explain(const struct core *core, uint32_t number, uint32_t trial_number, struct buf *out)
{
    const struct experiment *experiment = core_experiment(core, number);
    const struct trial_row *row;
    const struct trial *trial;

    if (experiment == NULL || trial_number >= experiment->created)
        return false;
    row = &experiment->rows[trial_number];
    trial = trial_row_live(row);
    buf_printf(out, "Trial %u/%u is %s.\n", number, trial_number,
               trial_state_label(trial != NULL ? trial->state : (enum trial_state)row->state));
    if (trial == NULL)
        explain_ended(experiment, row, out);
    else if (trial->state == TRIAL_PAUSED)
        explain_paused(trial, out);
    else if (trial->node == NULL)
        explain_pending(core, trial, out);
    else
        explain_live(trial, out);
    explain_past(core, core_past(core, number, trial_number), out);
    if (experiment->why.size > 0)
        buf_printf(out, "Its experiment was ended: %.*s\n", SPAN(experiment->why));
    if (trial != NULL && (trial->pause != 0 || trial->broken > 0 || trial->checkpoints.count > 0))
        explain_checkpoint(trial, out);
    explain_scheduler(experiment, trial_number, out);
    return true;
}
