/* warm_start.h - what `warm_start` of a file names, read: trials of another experiment, or rows of
 * a table, as a list of {config, value} in its place, which the head can learn from with nobody to
 * ask. */
#ifndef CLIENT_WARM_START_H
#define CLIENT_WARM_START_H

#include "common/value.h"

struct warm_start_place {
    const char *base;    /* the folder that a table's path starts from */
    const char *address; /* of the head that knows the experiment; NULL: as for reading commands */
    const char *token_file; /* NULL */
};

/* A text or number is replaced: one that ends with .csv or .jsonl is a table, any other selects an
 * experiment. What does not fit the configuration, or has no value of the metric, is left out, and
 * it is said how many are; of more than LIMIT_WARM the best tenth stays, and as many of the others,
 * evenly spaced. Anything that spec_parse refuses is left to it. 0, or an exit status and it was
 * said why.
 */
int warm_start_read(struct value *experiment, const struct warm_start_place *place,
                    struct arena *arena);

#endif
