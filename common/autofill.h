/* autofill.h - the fields that no program has to report: counts, sums and times.
 *
 * Pure: the executor, the simulator and `drive` fill in the same numbers for the same reports. The
 * counters are part of every checkpoint, so an attempt that restores goes on counting. Source:
 * the reference's 4.1. */
#ifndef COMMON_AUTOFILL_H
#define COMMON_AUTOFILL_H

#include "common/counters.h"
#include "common/result.h"

struct autofill {
    int64_t training_iteration;
    int64_t timesteps_total;
    int64_t episodes_total;
    bool has_timesteps;
    bool has_episodes;
    double time_total_s;
    /* since this attempt began or was restored */
    double time_since_restore;
    int64_t timesteps_since_restore;
    int64_t iterations_since_restore;
    double last_s;          /* when the report before was made, on the caller's monotonic clock */
    struct span checkpoint; /* that the last report named; borrowed from it; empty: none */
};

/* A fresh attempt that starts at now_s; from: the counters of what it goes on from, NULL: from
 * scratch. */
void autofill_start(struct autofill *fill, double now_s, const struct counters *from);

/* What a checkpoint that is taken now carries. */
void autofill_counters(const struct autofill *fill, struct counters *out);

/* Make *out of a report (a packed map, scanned). Keys that are always filled in (4.1) are taken out
 * of the program's map; that copy, when one is needed, is made in scratch, which is reset first and
 * must outlive *out. So is a text named checkpoint, which becomes fill->checkpoint. A `done` of the
 * program is folded into out->done. NaN and infinite metrics are kept. Returns 0, or ERR_MALFORMED
 * where the report is no map with text keys. */
int autofill_report(struct autofill *fill, struct span report, double now_s, int64_t unix_s,
                    struct buf *scratch, struct result *out);

#endif
