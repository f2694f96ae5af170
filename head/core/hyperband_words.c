/* What HyperBand says of itself and its trials. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "head/core/hyperband_inside.h"
#include "head/core/sched_common.h"

/* Labels of trials' states, in the order of the alphabet; how many there are of each. */
static const enum trial_state shown_states[] = {TRIAL_FAILED, TRIAL_PAUSED, TRIAL_PENDING,
                                                TRIAL_RUNNING, TRIAL_DONE};
#define SHOWN_STATES (sizeof(shown_states) / sizeof(shown_states[0]))

static void count_states(const struct hyperband *hyperband, uint32_t (*counts)[SHOWN_STATES],
                         uint32_t first)
{
    for (uint32_t trial = 0; trial < hyperband->note_count; trial++) {
        const struct note *note = &hyperband->notes[trial];
        const char *label;

        if (note->what == NOTE_NONE || note->bracket < first)
            continue;
        label = trial_state_label(hyperband->view.state(hyperband->view.core, trial));
        for (size_t i = 0; i < SHOWN_STATES; i++)
            counts[note->bracket - first][i] +=
                strcmp(label, trial_state_label(shown_states[i])) == 0;
    }
}

static void print_bracket(const struct bracket *bracket, const uint32_t *counts, struct buf *out)
{
    const char *between = "";

    if (bracket->size.n == 0) {
        buf_append_text(out, "  None\n");
        return;
    }
    buf_printf(out, "  Bracket(Max Size (n)=%.0f, Milestone (r)=%.15g, completed=%.1f%%): {",
               bracket->size.n, bracket->size.milestone, 100 * bracket_done(bracket));
    for (size_t i = 0; i < SHOWN_STATES; i++) {
        if (counts[i] == 0)
            continue;
        buf_printf(out, "%s%s: %u", between, trial_state_label(shown_states[i]), counts[i]);
        between = ", ";
    }
    buf_append_text(out, "} \n");
}

/* Rounds of which nothing is left are over: there may be thousands. */
static uint32_t first_round(const struct hyperband *hyperband)
{
    uint32_t bracket = 0;

    while (bracket < hyperband->bracket_count && (hyperband->brackets[bracket].size.n == 0 ||
                                                  bracket_has_ended(&hyperband->brackets[bracket])))
        bracket++;
    if (bracket == hyperband->bracket_count && bracket > 0)
        bracket--; /* all are: the last one is shown */
    return bracket / hyperband->keys.round;
}

void hyperband_debug(const void *self, struct buf *out)
{
    const struct hyperband *hyperband = self;
    uint32_t round = first_round(hyperband);
    uint32_t first = round * hyperband->keys.round;
    uint32_t(*counts)[SHOWN_STATES] =
        xcalloc(hyperband->bracket_count - first + 1u, sizeof(*counts));

    buf_printf(out, "Using HyperBand: num_stopped=%" PRIu64 " total_brackets=%u\n",
               hyperband->stopped, hyperband->bracket_count);
    if (round > 0)
        buf_printf(out, "Rounds before #%u: all ended\n", round);
    count_states(hyperband, counts, first);
    for (uint32_t i = first; i < hyperband->bracket_count; i++) {
        if (i % hyperband->keys.round == 0)
            buf_printf(out, "Round #%u:\n", i / hyperband->keys.round);
        print_bracket(&hyperband->brackets[i], counts[i - first], out);
    }
    free(counts);
}

static void explain_judged(const struct hyperband *hyperband, const struct note *note,
                           struct buf *out)
{
    buf_printf(out, " At %s ", hyperband->spec->time_attr);
    sched_put_number(out, note->milestone);
    if (note->what == NOTE_WAITS) {
        buf_append_text(out, " it waits for the others of its bracket.");
    } else if (note->what == NOTE_LAST) {
        buf_append_text(out, ", the last milestone, it was stopped with all that were left.");
    } else {
        buf_printf(out, " it was number %u of %u: ", note->rank, note->of);
        buf_append_text(out, note->what == NOTE_KEPT ? "it went on." : "it was stopped.");
    }
    if (note->what == NOTE_KEPT)
        return; /* its reward is of later */
    buf_printf(out, " Its %s was ", hyperband->spec->metric);
    sched_put_number(out, sched_shown(hyperband->spec, note->reward));
    buf_append_char(out, '.');
}

void hyperband_explain(const void *self, uint32_t trial, struct buf *out)
{
    const struct hyperband *hyperband = self;
    const struct note *note = trial < hyperband->note_count ? &hyperband->notes[trial] : NULL;

    if (note == NULL || note->what == NOTE_NONE) {
        buf_append_text(out, "The hyperband scheduler has not met this trial.");
        return;
    }
    buf_printf(out, "The hyperband scheduler had it in bracket %u of round %u.",
               note->bracket % hyperband->keys.round + 1u, note->bracket / hyperband->keys.round);
    if (note->what == NOTE_RUNS)
        buf_append_text(out, " It has not come to a milestone.");
    else if (note->what == NOTE_LEFT)
        buf_append_text(out, " It left before its bracket was over.");
    else
        explain_judged(hyperband, note, out);
}
