/* curve_table_inside.h - a table of curves, as curve_rows.c makes it of rows and curve_table.c
 * gives them to trials; for these two only. */
#ifndef CLIENT_CURVE_TABLE_INSIDE_H
#define CLIENT_CURVE_TABLE_INSIDE_H

#include "client/curves_inside.h"
#include "common/table.h"

/* A column that says whose a row is. */
struct key_column {
    const char *name; /* in a configuration; NULL: it only tells trials apart */
    uint32_t column;
    double low; /* of its numbers */
    double high;
};

struct curve {
    uint32_t first; /* into rows */
    uint32_t count;
    uint32_t next; /* another one of the same configuration, NUMBER_NONE: none */
};

/* Those of one configuration. */
struct same {
    uint32_t first;
    uint32_t count;
};

struct table_curves {
    struct curves face;
    struct arena arena;
    const struct table_file *table;
    const char *path;

    struct key_column *keys; /* owned */
    uint32_t key_count;
    uint32_t config_keys; /* so many of them, the first, are in configurations */
    uint32_t iteration;
    uint32_t step_time;
    uint32_t total_time; /* columns; NUMBER_NONE: there is none */
    uint32_t *metrics;   /* owned; columns */
    uint32_t metric_count;

    uint32_t *rows;       /* owned; by curve, then by iteration */
    struct curve *curves; /* owned */
    uint32_t count;
    struct table *same; /* a packed configuration's keys -> struct same, in arena */

    uint32_t *order; /* owned; of the curves, where nothing says which trial's is which */
    uint32_t *given; /* owned; by trial */
    uint32_t given_room;
    uint64_t seed;
    uint64_t gave;  /* in all */
    uint64_t other; /* of those, another configuration's */
    struct buf packed;
};

static inline const struct value *curve_cell(const struct table_curves *self, uint32_t row,
                                             uint32_t column)
{
    return table_file_cell(self->table, row, column);
}

/* In curve_rows.c.
 *
 * Which columns say whose a row is, which result it is and how long it took, and which are metrics;
 * then which rows are of which curve, in their order. 0, or ERR_MALFORMED with *trouble filled. */
int curve_rows_sort(struct table_curves *self, const struct value *space, struct trouble *trouble);

/* Part of a key of self->same: so that 1 and 1.0 are the same. */
void curve_rows_pack(const struct value *value, struct buf *out);

/* Which result the i-th row of a curve is. */
int64_t curve_rows_iteration(const struct table_curves *self, const struct curve *curve,
                             uint32_t i);

#endif
