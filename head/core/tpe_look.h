/* tpe_look.h - a number of a configuration as the kernels of both sides look at it.
 *
 * A candidate is looked at by hundreds of kernels. What of it depends on none of them, logarithms
 * above all, is computed here, once. */
#ifndef CORE_TPE_LOOK_H
#define CORE_TPE_LOOK_H

#include "head/core/tpe_space.h"

struct tpe_look {
    bool there;           /* the configuration has the dimension */
    uint32_t index;       /* which value it is; of continuous ones no use */
    double prior;         /* logarithm of what it is worth to the prior */
    struct tpe_spot spot; /* of a number that is not one of few */
};

struct tpe_look tpe_look_at(const struct tpe_dimension *dimension, double number);

/* At all of a row: looks has room for as many as there are dimensions. */
void tpe_look_at_row(const struct tpe_space *space, const double *row, struct tpe_look *looks);

#endif
