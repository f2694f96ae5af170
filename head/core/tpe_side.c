#include "head/core/tpe_side.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

/* What is so much less than the largest of a sum, as logarithms, changes nothing of it that
 * matters: 500 of them are less than a part in ten thousand. */
#define NEGLIGIBLE 16.0

static double *row_places(const struct tpe_row *row, const struct tpe_space *space)
{
    return row->numbers + space->count;
}

static double *row_masses(const struct tpe_row *row, const struct tpe_space *space)
{
    return row->numbers + 2 * (size_t)space->count;
}

uint64_t tpe_row_hash(const struct tpe_space *space, const double *numbers)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    uint64_t bits;

    for (uint32_t i = 0; i < space->count; i++) {
        if (isnan(numbers[i]))
            continue;
        memcpy(&bits, &numbers[i], sizeof(bits));
        hash = (hash ^ i) * UINT64_C(0x100000001b3);
        hash = (hash ^ bits ^ bits >> 29) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    return hash;
}

void tpe_row_init(struct tpe_row *row, const struct tpe_space *space, const double *numbers)
{
    double *places;

    row->stamp = 0;
    row->hash = tpe_row_hash(space, numbers);
    row->numbers = xcalloc(3 * (size_t)space->count + 1, sizeof(*row->numbers));
    places = row_places(row, space);
    for (uint32_t i = 0; i < space->count; i++) {
        row->numbers[i] = numbers[i];
        places[i] = tpe_face_number(&space->dimensions[i], numbers[i]);
    }
}

void tpe_row_fini(struct tpe_row *row)
{
    free(row->numbers);
}

void tpe_side_init(struct tpe_side *side, const struct tpe_space *space, double part,
                   uint64_t stamp)
{
    *side = (struct tpe_side){.space = space, .part = part, .stamp = stamp};
    side->faces = xcalloc(space->count + (size_t)1, sizeof(*side->faces));
    for (uint32_t i = 0; i < space->count; i++)
        tpe_face_init(&side->faces[i], &space->dimensions[i]);
}

void tpe_side_fini(struct tpe_side *side)
{
    for (uint32_t i = 0; i < side->space->count; i++)
        tpe_face_fini(&side->faces[i]);
    free(side->faces);
    free(side->weight);
    free(side->base);
    free(side->chance);
    free(side->sum);
}

static void reserve(struct tpe_side *side, uint32_t count)
{
    size_t kernels;

    if (side->weight != NULL && count <= side->capacity)
        return;
    side->capacity = count + count / 2 + 16;
    for (uint32_t i = 0; i < side->space->count; i++)
        tpe_face_reserve(&side->faces[i], side->capacity);
    kernels = (size_t)side->capacity + 1;
    side->weight = xrealloc(side->weight, kernels, sizeof(double));
    side->base = xrealloc(side->base, kernels, sizeof(double));
    side->chance = xrealloc(side->chance, kernels, sizeof(double));
    side->sum = xrealloc(side->sum, kernels, sizeof(double));
}

/* Many kernels are counted in eighths of a power of two: bandwidths, and all that is computed with
 * them, then stay as they are for a while. */
static uint32_t rounded(uint32_t count)
{
    uint32_t unit = 1;

    while (count / unit >= 16)
        unit *= 2;
    return count / unit * unit;
}

static void set_spreads(struct tpe_side *side, struct tpe_row *const *rows, uint32_t count)
{
    bool changed = false;

    for (uint32_t i = 0; i < side->space->count; i++) {
        struct tpe_face *face = &side->faces[i];
        uint32_t known = 0;

        for (uint32_t k = 0; k < count; k++)
            known += isnan(rows[k]->numbers[i]) ? 0 : 1;
        face->lacking = known < count;
        face->plain = !face->lacking && face->dimension->parent == NUMBER_NONE &&
                      face->dimension->kind == TPE_NUMBER &&
                      (face->table == NULL || tpe_face_has_mass(face));
        known = rounded(known);
        if (known == face->known && side->made)
            continue;
        tpe_face_spread(face, known, side->part, side->space->together);
        changed = true;
    }
    if (changed)
        side->stamp += 2;
    side->made = true;
}

static void row_prepare(const struct tpe_side *side, struct tpe_row *row)
{
    const struct tpe_space *space = side->space;
    const double *places = row_places(row, space);

    if (row->stamp == side->stamp)
        return;
    row->stamp = side->stamp;
    for (uint32_t i = 0; i < space->count; i++)
        if (tpe_face_has_mass(&side->faces[i]) && !isnan(places[i]))
            row_masses(row, space)[i] =
                tpe_bell_mass(&space->dimensions[i].scale, places[i], side->faces[i].spread);
}

void tpe_side_make(struct tpe_side *side, struct tpe_row *const *rows, const double *weights,
                   uint32_t count, double prior)
{
    const struct tpe_space *space = side->space;
    double all = prior;

    reserve(side, count);
    set_spreads(side, rows, count);
    side->count = count;
    for (uint32_t k = 0; k < count; k++) {
        row_prepare(side, rows[k]);
        all += weights[k];
    }
    for (uint32_t k = 0; k < count; k++) {
        const double *places = row_places(rows[k], space), *masses = row_masses(rows[k], space);

        side->weight[k] = log(weights[k] / all);
        side->base[k] = side->weight[k];
        for (uint32_t i = 0; i < space->count; i++)
            side->base[k] += tpe_face_set(&side->faces[i], k, places[i], masses[i]);
    }
    side->weight[count] = side->base[count] = log(prior / all);
}

static double log_of_sum(const double *sum, size_t count)
{
    double most = sum[0], all = 0;

    for (size_t k = 1; k < count; k++)
        most = sum[k] > most ? sum[k] : most;
    for (size_t k = 0; k < count; k++)
        if (sum[k] > most - NEGLIGIBLE)
            all += exp(sum[k] - most);
    return most + log(all);
}

double tpe_side_log(struct tpe_side *side, const struct tpe_look *looks)
{
    memcpy(side->sum, side->base, (side->count + (size_t)1) * sizeof(*side->sum));
    for (uint32_t i = 0; i < side->space->count; i++) {
        if (!looks[i].there)
            continue;
        tpe_face_add(&side->faces[i], &looks[i], side->count, side->sum);
        side->sum[side->count] += looks[i].prior;
    }
    return log_of_sum(side->sum, side->count + (size_t)1);
}

void tpe_side_give(struct tpe_side *side, const double *given)
{
    const struct tpe_space *space = side->space;
    double most, all = 0;

    memcpy(side->sum, side->weight, (side->count + (size_t)1) * sizeof(*side->sum));
    for (uint32_t i = 0; i < space->count; i++) {
        struct tpe_look look;

        if (space->dimensions[i].kind != TPE_GRID || isnan(given[i]))
            continue;
        look = tpe_look_at(&space->dimensions[i], given[i]);
        tpe_face_add(&side->faces[i], &look, side->count, side->sum);
        side->sum[side->count] += look.prior;
    }
    most = log_of_sum(side->sum, side->count + (size_t)1);
    for (uint32_t k = 0; k <= side->count; k++) {
        all += exp(side->sum[k] - most);
        side->chance[k] = all;
    }
}

/* The first kernel whose sum of chances is above a random number; NUMBER_NONE: the prior, also
 * where rounding leaves none. */
static uint32_t draw_kernel(const struct tpe_side *side, struct rng *rng)
{
    double at = rng_next_unit(rng) * side->chance[side->count];
    uint32_t k = 0;

    while (k < side->count && side->chance[k] <= at)
        k++;
    return k < side->count ? k : NUMBER_NONE;
}

void tpe_side_draw(const struct tpe_side *side, const double *given, struct rng *rng,
                   double *numbers)
{
    const struct tpe_space *space = side->space;
    uint32_t kernel = draw_kernel(side, rng);

    for (uint32_t i = 0; i < space->count; i++) {
        if (space->dimensions[i].kind == TPE_GRID)
            numbers[i] = given[i];
        else
            numbers[i] = tpe_space_has(space, numbers, i)
                             ? tpe_face_draw(&side->faces[i], kernel, rng)
                             : (double)NAN;
    }
}
