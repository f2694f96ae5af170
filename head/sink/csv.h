/* csv.h - progress.csv as Tune writes it: Python's csv and str().
 *
 * The columns are the keys of the first result of a file; a later result's other keys are dropped
 * and missing ones left empty. Lines end in CRLF. Source: the reference's 7.4. */
#ifndef SINK_CSV_H
#define SINK_CSV_H

#include "common/buf.h"
#include "common/result.h"

struct csv {
    struct buf names; /* the program's own keys of the first result, packed texts */
    uint32_t name_count;
    bool own_done[4];       /* timesteps_total, episodes_total, training_iteration, neg_mean_loss:
                               among the program's own keys */
    bool has_neg_mean_loss; /* filled in, as a column of its own */
    bool begun;             /* the header was made */
    struct buf config;      /* the configuration as a field; made once */
};

void csv_init(struct csv *csv);
void csv_fini(struct csv *csv);

/* A new file, or a new attempt: the next result makes the columns. */
void csv_reset(struct csv *csv);

/* The header, if this is the first result and header is set, and the row, behind out. */
void csv_row(struct csv *csv, const struct result *result, const struct result_constants *constants,
             bool final, bool header, struct buf *out);

#endif
