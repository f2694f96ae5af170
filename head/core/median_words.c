/* What the median rule says of itself and its trials. */
#include <inttypes.h>

#include "head/core/median_inside.h"
#include "head/core/sched_common.h"

void median_debug(const void *self, struct buf *out)
{
    const struct median *median = self;

    buf_printf(out, "Using MedianStoppingRule: num_stopped=%" PRIu64 ".\n", median->stopped);
}

/* What makes another trial one that it is compared with. */
static const char *had_done(const struct median *median)
{
    return median->old ? "ended" : "come so far";
}

static void explain_judged(const struct median *median, const struct median_note *note,
                           struct buf *out)
{
    bool cut = note->what == NOTE_CUT;

    buf_printf(out, " its best %s was ", median->spec->metric);
    sched_put_number(out, sched_shown(median->spec, note->best));
    buf_append_text(out, cut ? ", worse than " : ", not worse than ");
    sched_put_number(out, sched_shown(median->spec, note->median));
    buf_printf(out, ", the median of the others that had %s (%u): ", had_done(median),
               note->others);
    if (!cut)
        buf_append_text(out, "it went on.");
    else if (median->hard)
        buf_append_text(out, "it was stopped.");
    else
        buf_append_text(out, "it was paused, and is not judged again.");
}

void median_explain(const void *self, uint32_t trial, struct buf *out)
{
    const struct median *median = self;
    const struct median_note *note = trial < median->note_count ? &median->notes[trial] : NULL;

    if (note == NULL || (note->what == NOTE_NONE && note->run == NULL)) {
        buf_append_text(out, "The median scheduler has not met this trial, or never judged it.");
        return;
    }
    if (note->what == NOTE_NONE) {
        buf_append_text(out, "The median scheduler has not judged it yet.");
        return;
    }
    buf_printf(out, "The median scheduler judged it last at %s ", median->spec->time_attr);
    sched_put_number(out, note->time);
    buf_append_char(out, ':');
    if (note->what == NOTE_EARLY) {
        buf_append_text(out, " it was within the grace period, ");
        sched_put_number(out, median->grace_period);
        buf_append_char(out, '.');
    } else if (note->what == NOTE_FEW || note->what == NOTE_YIELDED) {
        buf_printf(out, " of the others %u had %s, and it takes %u: it %s.", note->others,
                   had_done(median), median->min_samples,
                   note->what == NOTE_FEW ? "went on" : "made room for trials that waited");
    } else {
        explain_judged(median, note, out);
    }
}
