#include "head/core/tpe_look.h"

#include <math.h>

/* Of more values than can be counted the last ones are all the same: nobody has a table of them. */
static uint32_t value_index(const struct tpe_scale *scale, double number)
{
    double index = scale->step > 0 ? tpe_scale_index(scale, number) : 0;

    return index < NUMBER_NONE ? (uint32_t)index : NUMBER_NONE;
}

struct tpe_look tpe_look_at(const struct tpe_dimension *dimension, double number)
{
    struct tpe_look look = {.there = true};

    if (dimension->kind != TPE_NUMBER) {
        look.index = (uint32_t)number;
        look.prior = dimension->prior_other;
        return look;
    }
    look.index = value_index(&dimension->scale, number);
    if (dimension->few) {
        look.prior = dimension->priors[look.index];
    } else {
        look.spot = tpe_spot_of(&dimension->scale, number);
        look.prior = tpe_bell_log(&dimension->prior, &look.spot);
    }
    return look;
}

void tpe_look_at_row(const struct tpe_space *space, const double *row, struct tpe_look *looks)
{
    for (uint32_t i = 0; i < space->count; i++) {
        looks[i].there = false;
        if (tpe_space_has(space, row, i) && !isnan(row[i]))
            looks[i] = tpe_look_at(&space->dimensions[i], row[i]);
    }
}
