/* Trials of an extended experiment that are to go on: the core has kept little of them, the view's
 * row has the rest. */
#include "common/sys/log.h"
#include "head/shell.h"

static void fill(const struct view_trial *row, struct event_recall *recall)
{
    recall->name = row->name;
    recall->tag = row->tag;
    recall->folder = row->folder;
    recall->config = row->config;
    recall->last = row->last;
    recall->results = row->results;
    recall->status = row->status;
    recall->has_best = row->has_best;
    recall->best = row->best;
    recall->best_at = row->best_at;
}

void shell_recall(struct head *head)
{
    struct event event = {.type = EVENT_RECALL};
    struct event_recall *recall = &event.recall;

    while (turns_ready(head->turns) &&
           core_recall(head->core, &recall->experiment, &recall->trial)) {
        const struct view_experiment *experiment = view_experiment(head->view, recall->experiment);
        const struct view_trial *row =
            experiment != NULL ? view_trial(experiment, recall->trial, turns_arena(head->turns))
                               : NULL;

        if (row != NULL && !trial_is_final((enum trial_state)row->state))
            return; /* its end is not committed yet */
        if (row != NULL)
            fill(row, recall);
        else
            log_line(LOG_WARNING, "recall", "trial %u/%u cannot go on: its row cannot be read",
                     recall->experiment, recall->trial);
        shell_step(head, &event);
        event = (struct event){.type = EVENT_RECALL};
    }
}
