#include "head/pulse.h"

#include "common/limits.h"

#define GAP_MS 1000u /* between two looks; after a longer one nobody knows what was missed */

void pulse_begin(struct pulse *pulse, uint64_t now_ms)
{
    *pulse = (struct pulse){.changed_ms = now_ms, .looked_ms = now_ms};
}

bool pulse_look(struct pulse *pulse, uint64_t now_ms, struct log_id last, struct log_id beat)
{
    bool changed = log_id_compare(last, pulse->last) != 0 ||
                   (beat.epoch >= last.epoch && log_id_compare(beat, pulse->beat) != 0);

    if (changed || now_ms - pulse->looked_ms > GAP_MS)
        pulse->changed_ms = now_ms;
    pulse->last = last;
    pulse->beat = beat;
    pulse->looked_ms = now_ms;
    return now_ms - pulse->changed_ms >= LIMIT_SILENT_MS;
}
