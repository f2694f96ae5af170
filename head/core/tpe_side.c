#include "head/core/tpe_side.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

/* Domains of so many values have a table of what each is worth to each. */
#define TABLE_MOST 64.0

/* What is so much less than the largest of a sum, as logarithms, changes nothing of it that
 * matters. */
#define NEGLIGIBLE 25.0

static bool has_table(const struct tpe_dimension *dimension)
{
    double count = tpe_scale_count(&dimension->scale);

    return dimension->kind == TPE_NUMBER && count > 0 && count <= TABLE_MOST;
}

static double *row_places(const struct tpe_row *row, const struct tpe_space *space)
{
    return row->numbers + space->count;
}

static double *row_masses(const struct tpe_row *row, const struct tpe_space *space)
{
    return row->numbers + 2 * (size_t)space->count;
}

/* Which of a table's values it is. */
static double table_index(const struct tpe_scale *scale, double value)
{
    double index = rint(value / scale->step) - scale->first;
    double last = scale->last - scale->first;

    return index < 0 ? 0 : index > last ? last : index;
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
        const struct tpe_dimension *dimension = &space->dimensions[i];

        row->numbers[i] = numbers[i];
        if (isnan(numbers[i]) || dimension->kind != TPE_NUMBER)
            places[i] = numbers[i];
        else if (has_table(dimension))
            places[i] = table_index(&dimension->scale, numbers[i]);
        else
            places[i] = tpe_scale_place(&dimension->scale, numbers[i]);
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
    for (uint32_t i = 0; i < space->count; i++) {
        const struct tpe_dimension *dimension = &space->dimensions[i];
        size_t count = (size_t)tpe_scale_count(&dimension->scale);

        if (dimension->kind == TPE_NUMBER)
            side->faces[i].prior = tpe_bell_prior(&dimension->scale);
        else
            side->faces[i].prior_other = -log(dimension->count);
        if (has_table(dimension))
            side->faces[i].table = xcalloc(count * count, sizeof(double));
    }
}

void tpe_side_fini(struct tpe_side *side)
{
    for (uint32_t i = 0; i < side->space->count; i++) {
        free(side->faces[i].place);
        free(side->faces[i].table);
        free(side->faces[i].mass);
    }
    free(side->faces);
    free(side->weight);
    free(side->chance);
    free(side->sum);
}

static void reserve(struct tpe_side *side, uint32_t count)
{
    size_t kernels;

    if (side->weight != NULL && count <= side->capacity)
        return;
    side->capacity = count + count / 2 + 16;
    for (uint32_t i = 0; i < side->space->count; i++) {
        struct tpe_face *face = &side->faces[i];

        face->place = xrealloc(face->place, side->capacity, sizeof(double));
        face->mass = xrealloc(face->mass, side->capacity, sizeof(double));
    }
    kernels = (size_t)side->capacity + 1;
    side->weight = xrealloc(side->weight, kernels, sizeof(double));
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

static void forget_table(const struct tpe_dimension *dimension, double *table)
{
    uint32_t count = (uint32_t)tpe_scale_count(&dimension->scale);

    for (uint32_t value = 0; value < count; value++)
        table[value * count] = NAN;
}

/* Bandwidths for so many kernels. */
static void set_spread(struct tpe_side *side, uint32_t i, uint32_t known)
{
    const struct tpe_dimension *dimension = &side->space->dimensions[i];
    struct tpe_face *face = &side->faces[i];
    double narrowest = dimension->scale.width / (known < 98 ? known + 2.0 : 100.0);
    double scott = pow(known + 1.0, -1.0 / (side->space->together + 4.0));

    face->known = known;
    if (dimension->kind != TPE_NUMBER) {
        face->pick = tpe_pick_of(dimension->count, known);
        face->same = log(face->pick.same);
        face->other = log(face->pick.other);
        return;
    }
    face->spread = side->part * dimension->scale.width * scott;
    face->spread = face->spread > narrowest ? face->spread : narrowest;
    if (face->table != NULL)
        forget_table(dimension, face->table);
}

/* Whether masses are wanted of a dimension. */
static bool has_mass(const struct tpe_dimension *dimension)
{
    return dimension->kind == TPE_NUMBER && dimension->scale.bounded && !has_table(dimension);
}

static void row_prepare(struct tpe_side *side, struct tpe_row *row)
{
    const struct tpe_space *space = side->space;
    const double *places = row_places(row, space);

    if (row->stamp == side->stamp)
        return;
    row->stamp = side->stamp;
    for (uint32_t i = 0; i < space->count; i++) {
        if (!has_mass(&space->dimensions[i]) || isnan(places[i]))
            continue;
        row_masses(row, space)[i] =
            tpe_bell_at(&space->dimensions[i].scale, places[i], side->faces[i].spread).mass;
    }
}

static void count_known(struct tpe_side *side, struct tpe_row *const *rows, uint32_t count)
{
    bool changed = false;

    for (uint32_t i = 0; i < side->space->count; i++) {
        struct tpe_face *face = &side->faces[i];
        uint32_t known = 0;

        for (uint32_t k = 0; k < count; k++)
            known += isnan(rows[k]->numbers[i]) ? 0 : 1;
        face->lacking = known < count;
        known = rounded(known);
        if (known == face->known && side->made)
            continue;
        set_spread(side, i, known);
        changed = true;
    }
    if (changed)
        side->stamp += 2;
    side->made = true;
}

void tpe_side_make(struct tpe_side *side, struct tpe_row *const *rows, const double *weights,
                   uint32_t count, double prior)
{
    const struct tpe_space *space = side->space;
    double all = prior;

    reserve(side, count);
    count_known(side, rows, count);
    side->count = count;
    for (uint32_t k = 0; k < count; k++) {
        row_prepare(side, rows[k]);
        all += weights[k];
    }
    for (uint32_t k = 0; k < count; k++)
        side->weight[k] = log(weights[k] / all);
    side->weight[count] = log(prior / all);
    for (uint32_t i = 0; i < space->count; i++) {
        struct tpe_face *face = &side->faces[i];

        for (uint32_t k = 0; k < count; k++)
            face->place[k] = row_places(rows[k], space)[i];
        for (uint32_t k = 0; k < count && has_mass(&space->dimensions[i]); k++)
            face->mass[k] = row_masses(rows[k], space)[i];
    }
}

static double prior_log(const struct tpe_dimension *dimension, const struct tpe_face *face,
                        double value)
{
    return dimension->kind == TPE_NUMBER ? tpe_bell_log(&dimension->scale, &face->prior, value)
                                         : face->prior_other;
}

/* What a value is worth to kernels, by what they have seen. */
static const double *table_line(const struct tpe_dimension *dimension, const struct tpe_face *face,
                                double value)
{
    const struct tpe_scale *scale = &dimension->scale;
    uint32_t count = (uint32_t)tpe_scale_count(scale);
    double *line = face->table + (size_t)table_index(scale, value) * count;

    for (uint32_t seen = 0; isnan(line[0]) && seen < count; seen++) {
        /* The first comes last: it says whether they are there. */
        uint32_t at = count - 1 - seen;
        double middle = tpe_scale_place(scale, (scale->first + at) * scale->step);
        struct tpe_bell bell = tpe_bell_at(scale, middle, face->spread);

        line[at] = tpe_bell_log(scale, &bell, value);
    }
    return line;
}

static void add_choice(const struct tpe_side *side, const struct tpe_face *face, double value,
                       double *sum)
{
    for (uint32_t k = 0; k < side->count; k++)
        sum[k] += face->place[k] == value ? face->same
                  : isnan(face->place[k]) ? face->prior_other
                                          : face->other;
}

static void add_table(const struct tpe_side *side, const struct tpe_face *face, const double *line,
                      double prior, double *sum)
{
    for (uint32_t k = 0; k < side->count; k++)
        sum[k] += isnan(face->place[k]) ? prior : line[(uint32_t)face->place[k]];
}

static void add_cells(const struct tpe_side *side, uint32_t i, double value, double *sum)
{
    const struct tpe_dimension *dimension = &side->space->dimensions[i];
    const struct tpe_face *face = &side->faces[i];
    double prior = prior_log(dimension, face, value);

    for (uint32_t k = 0; k < side->count; k++) {
        struct tpe_bell bell = {face->place[k], face->spread, face->mass[k]};

        sum[k] += isnan(bell.middle) ? prior : tpe_bell_log(&dimension->scale, &bell, value);
    }
}

static void add_bells(const struct tpe_side *side, uint32_t i, double value, double *sum)
{
    const struct tpe_dimension *dimension = &side->space->dimensions[i];
    const struct tpe_face *face = &side->faces[i];
    const struct tpe_scale *scale = &dimension->scale;
    struct tpe_bell bell = {.middle = tpe_scale_place(scale, value), .spread = face->spread};
    double top = tpe_bell_log(scale, &bell, value); /* of a kernel that stands there, uncut */
    double sharp = M_SQRT1_2 / face->spread;
    const double *place = face->place;
    const double *mass = face->mass;

    if (face->lacking) {
        double prior = prior_log(dimension, face, value);

        for (uint32_t k = 0; k < side->count; k++) {
            double away = (bell.middle - place[k]) * sharp;

            sum[k] += isnan(place[k]) ? prior : top - away * away - (scale->bounded ? mass[k] : 0);
        }
        return;
    }
    if (!scale->bounded) {
        for (uint32_t k = 0; k < side->count; k++) {
            double away = (bell.middle - place[k]) * sharp;

            sum[k] += top - away * away;
        }
        return;
    }
    for (uint32_t k = 0; k < side->count; k++) {
        double away = (bell.middle - place[k]) * sharp;

        sum[k] += top - away * away - mass[k];
    }
}

/* What a dimension's value is worth to each kernel, added to the sums. */
static void add_dimension(const struct tpe_side *side, uint32_t i, double value, double *sum)
{
    const struct tpe_dimension *dimension = &side->space->dimensions[i];
    const struct tpe_face *face = &side->faces[i];

    if (dimension->kind != TPE_NUMBER)
        add_choice(side, face, value, sum);
    else if (face->table != NULL)
        add_table(side, face, table_line(dimension, face, value),
                  face->lacking ? prior_log(dimension, face, value) : 0, sum);
    else if (tpe_scale_is_wide(&dimension->scale, value, face->spread))
        add_cells(side, i, value, sum);
    else
        add_bells(side, i, value, sum);
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

double tpe_side_log(struct tpe_side *side, const double *numbers)
{
    const struct tpe_space *space = side->space;

    memcpy(side->sum, side->weight, (side->count + (size_t)1) * sizeof(*side->sum));
    for (uint32_t i = 0; i < space->count; i++) {
        if (!tpe_space_has(space, numbers, i) || isnan(numbers[i]))
            continue;
        add_dimension(side, i, numbers[i], side->sum);
        side->sum[side->count] += prior_log(&space->dimensions[i], &side->faces[i], numbers[i]);
    }
    return log_of_sum(side->sum, side->count + (size_t)1);
}

void tpe_side_give(struct tpe_side *side, const double *given)
{
    const struct tpe_space *space = side->space;
    double most, all = 0;

    memcpy(side->sum, side->weight, (side->count + (size_t)1) * sizeof(*side->sum));
    for (uint32_t i = 0; i < space->count; i++) {
        if (space->dimensions[i].kind != TPE_GRID || isnan(given[i]))
            continue;
        add_choice(side, &side->faces[i], given[i], side->sum);
        side->sum[side->count] += side->faces[i].prior_other;
    }
    most = log_of_sum(side->sum, side->count + (size_t)1);
    for (uint32_t k = 0; k <= side->count; k++) {
        all += exp(side->sum[k] - most);
        side->chance[k] = all;
    }
}

/* The first kernel whose sum of chances is above a random number: the prior where rounding leaves
 * none. */
static uint32_t draw_kernel(const struct tpe_side *side, struct rng *rng)
{
    double at = rng_next_unit(rng) * side->chance[side->count];
    uint32_t k = 0;

    while (k < side->count && side->chance[k] <= at)
        k++;
    return k;
}

static double draw_number(const struct tpe_side *side, uint32_t i, uint32_t kernel, struct rng *rng)
{
    const struct tpe_dimension *dimension = &side->space->dimensions[i];
    const struct tpe_face *face = &side->faces[i];
    const struct tpe_scale *scale = &dimension->scale;
    double place = kernel == side->count ? (double)NAN : face->place[kernel];
    struct tpe_bell bell = face->prior;

    if (dimension->kind != TPE_NUMBER && isnan(place))
        return (double)rng_next_below(rng, dimension->count);
    if (dimension->kind != TPE_NUMBER)
        return tpe_pick_draw(&face->pick, (uint32_t)place, rng);
    if (!isnan(place)) {
        bell.middle = has_table(dimension)
                          ? tpe_scale_place(scale, (scale->first + place) * scale->step)
                          : place;
        bell.spread = face->spread;
    }
    return tpe_bell_draw(scale, &bell, rng);
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
            numbers[i] =
                tpe_space_has(space, numbers, i) ? draw_number(side, i, kernel, rng) : (double)NAN;
    }
}
