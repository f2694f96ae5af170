/* What the promotion form says of itself and of a trial. */
#include <inttypes.h>

#include "head/core/promotion_inside.h"
#include "head/core/sched_common.h"

/* "Bracket: Iter 4.000: 1 of 3 | Iter 1.000: 3 of 12": how many have gone on. */
void promotion_debug(const void *self, struct buf *out)
{
    const struct promotion *promotion = self;

    buf_printf(out, "Using AsyncHyperBand (promotion): num_finished=%" PRIu64 "\n",
               promotion->done);
    for (uint32_t bracket = 0; bracket < promotion->keys.brackets; bracket++) {
        buf_append_text(out, "Bracket: ");
        for (uint32_t rung = promotion->rung_count; rung-- > bracket;) {
            const struct promote *records = promotion_records(promotion, bracket, rung);

            buf_printf(out, "Iter %.3f: %u of %u%s", rungs_milestone(promotion->rungs, rung),
                       promote_gone(records), promote_count(records), rung > bracket ? " | " : "");
        }
        buf_append_char(out, '\n');
    }
}

static void explain_rung(const struct promotion *promotion, const struct note *note,
                         struct buf *out)
{
    const struct promote *records = promotion_records(promotion, note->bracket, note->next - 1u);

    buf_printf(out, " At the rung %s %.3f its %s was ", promotion->spec->time_attr,
               rungs_milestone(promotion->rungs, note->next - 1u), promotion->spec->metric);
    sched_put_number(out, sched_shown(promotion->spec, note->value));
    if (note->of > 0)
        buf_printf(out, ", among the best %u of %u: it went on.", note->gone, note->of);
    else if (note->what == NOTE_WAITS)
        buf_printf(out, ": it has not come to be among the best %u of %u there.",
                   promote_quota(records), promote_count(records));
    else
        buf_append_text(out, " when it ended.");
}

void promotion_explain(const void *self, uint32_t trial, struct buf *out)
{
    const struct promotion *promotion = self;
    const struct note *note = trial < promotion->note_count ? &promotion->notes[trial] : NULL;

    if (note == NULL || note->what == NOTE_NONE) {
        buf_append_text(out, "The async_hyperband scheduler has not met this trial.");
        return;
    }
    buf_printf(out, "The async_hyperband scheduler (promotion) had it in bracket %u of %u.",
               note->bracket + 1u, promotion->keys.brackets);
    if (note->what == NOTE_MAX) {
        buf_printf(out, " It was stopped at %s ", promotion->spec->time_attr);
        sched_put_number(out, note->time);
        buf_append_text(out, ": max_t is ");
        sched_put_number(out, promotion->keys.max_t);
        buf_append_char(out, '.');
    } else if (note->next > note->bracket) {
        explain_rung(promotion, note, out);
    } else {
        buf_append_text(out, " It came to no rung.");
    }
}
