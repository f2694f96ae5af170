#include "head/core/tpe_face.h"

#include <math.h>
#include <stdlib.h>

#include "common/xalloc.h"

/* Domains of so many values have a table of what each is worth to each. */
#define TABLE_MOST 64u

/* A logarithmic domain of more values has one of so many of its lowest, whose cells are the wide
 * ones, by so many steps between places on the scale. */
#define LOWEST 64u
#define NODES  64u

static bool is_few(const struct tpe_dimension *dimension)
{
    double count = tpe_scale_count(&dimension->scale);

    return dimension->kind == TPE_NUMBER && count > 0 && count <= TABLE_MOST;
}

/* Many values, the lowest of which have wide cells. */
static bool is_uneven(const struct tpe_dimension *dimension)
{
    return dimension->kind == TPE_NUMBER && dimension->scale.log &&
           tpe_scale_count(&dimension->scale) > TABLE_MOST;
}

static uint32_t line_size(const struct tpe_dimension *dimension)
{
    return is_few(dimension) ? (uint32_t)tpe_scale_count(&dimension->scale) : NODES + 1;
}

static uint32_t line_count(const struct tpe_dimension *dimension)
{
    return is_few(dimension) ? (uint32_t)tpe_scale_count(&dimension->scale) : LOWEST;
}

/* Which of the values it is. */
static double value_index(const struct tpe_scale *scale, double value)
{
    double index = rint(value / scale->step) - scale->first;
    double last = scale->last - scale->first;

    return index < 0 ? 0 : index > last ? last : index;
}

/* Where the kernel of a line's place stands. */
static double line_place(const struct tpe_dimension *dimension, uint32_t at)
{
    const struct tpe_scale *scale = &dimension->scale;

    if (is_few(dimension))
        return tpe_scale_place(scale, (scale->first + at) * scale->step);
    return scale->low + scale->width * at / NODES;
}

void tpe_face_init(struct tpe_face *face, const struct tpe_dimension *dimension)
{
    *face = (struct tpe_face){.dimension = dimension};
    if (dimension->kind == TPE_NUMBER)
        face->prior = tpe_bell_prior(&dimension->scale);
    else
        face->prior_other = -log(dimension->count);
    if (is_few(dimension) || is_uneven(dimension))
        face->table =
            xcalloc((size_t)line_count(dimension) * line_size(dimension), sizeof(*face->table));
}

void tpe_face_fini(struct tpe_face *face)
{
    free(face->table);
    free(face->seen);
    free(face->place);
    free(face->mass);
}

void tpe_face_reserve(struct tpe_face *face, uint32_t kernels)
{
    face->seen = xrealloc(face->seen, kernels, sizeof(*face->seen));
    face->place = xrealloc(face->place, kernels, sizeof(*face->place));
    face->mass = xrealloc(face->mass, kernels, sizeof(*face->mass));
}

double tpe_face_number(const struct tpe_dimension *dimension, double number)
{
    if (isnan(number) || dimension->kind != TPE_NUMBER)
        return number;
    if (is_few(dimension))
        return value_index(&dimension->scale, number);
    return tpe_scale_place(&dimension->scale, number);
}

bool tpe_face_has_mass(const struct tpe_face *face)
{
    return face->dimension->kind == TPE_NUMBER && face->dimension->scale.bounded &&
           !is_few(face->dimension);
}

void tpe_face_spread(struct tpe_face *face, uint32_t known, double part, uint32_t together)
{
    const struct tpe_dimension *dimension = face->dimension;
    double narrowest = dimension->scale.width / (known < 98 ? known + 2.0 : 100.0);
    double scott = pow(known + 1.0, -1.0 / (together + 4.0));

    face->known = known;
    if (dimension->kind != TPE_NUMBER) {
        face->pick = tpe_pick_of(dimension->count, known);
        face->same = log(face->pick.same);
        face->other = log(face->pick.other);
        return;
    }
    face->spread = part * dimension->scale.width * scott;
    face->spread = face->spread > narrowest ? face->spread : narrowest;
    face->sharp = M_SQRT1_2 / face->spread;
    for (uint32_t value = 0; face->table != NULL && value < line_count(dimension); value++)
        face->table[(size_t)value * line_size(dimension)] = NAN;
}

void tpe_face_set(struct tpe_face *face, uint32_t kernel, double number, double mass)
{
    const struct tpe_dimension *dimension = face->dimension;

    if (dimension->kind != TPE_NUMBER || is_few(dimension)) {
        face->seen[kernel] = isnan(number) ? NUMBER_NONE : (uint32_t)number;
        return;
    }
    face->place[kernel] = (number - dimension->scale.middle) * face->sharp;
    face->mass[kernel] = mass;
}

double tpe_face_base(const struct tpe_face *face, uint32_t kernel)
{
    return -face->place[kernel] * face->place[kernel] - face->mass[kernel];
}

double tpe_face_prior(const struct tpe_face *face, double value)
{
    return face->dimension->kind == TPE_NUMBER
               ? tpe_bell_log(&face->dimension->scale, &face->prior, value)
               : face->prior_other;
}

static void add_choice(const struct tpe_face *face, double value, uint32_t kernels, double *sum)
{
    uint32_t chosen = (uint32_t)value;

    for (uint32_t k = 0; k < kernels && !face->lacking; k++)
        sum[k] += face->seen[k] == chosen ? face->same : face->other;
    for (uint32_t k = 0; k < kernels && face->lacking; k++)
        sum[k] += face->seen[k] == chosen        ? face->same
                  : face->seen[k] == NUMBER_NONE ? face->prior_other
                                                 : face->other;
}

/* What a value is worth to kernels, by where they stand; NULL where there is no table of it. */
static const double *find_line(const struct tpe_face *face, double value)
{
    const struct tpe_dimension *dimension = face->dimension;
    double index = value_index(&dimension->scale, value);
    uint32_t size = line_size(dimension);
    double *line;

    if (index >= line_count(dimension))
        return NULL;
    line = face->table + (size_t)index * size;
    if (!isnan(line[0]))
        return line;
    for (uint32_t at = 0; at < size; at++) {
        struct tpe_bell bell =
            tpe_bell_at(&dimension->scale, line_place(dimension, at), face->spread);

        line[at] = tpe_bell_log(&dimension->scale, &bell, value);
    }
    return line;
}

static void add_table(const struct tpe_face *face, double value, uint32_t kernels, double *sum)
{
    const double *line = find_line(face, value);
    double prior;

    if (!face->lacking) {
        for (uint32_t k = 0; k < kernels; k++)
            sum[k] += line[face->seen[k]];
        return;
    }
    prior = tpe_face_prior(face, value);
    for (uint32_t k = 0; k < kernels; k++)
        sum[k] += face->seen[k] == NUMBER_NONE ? prior : line[face->seen[k]];
}

static double kernel_place(const struct tpe_face *face, uint32_t kernel)
{
    return face->dimension->scale.middle + face->place[kernel] / face->sharp;
}

/* Between two nodes of a line. */
static double interpolate(const struct tpe_scale *scale, const double *line, double place)
{
    double at = (place - scale->low) / scale->width * NODES;
    uint32_t node = at > 0 ? (uint32_t)at : 0;

    node = node < NODES ? node : NODES - 1;
    return line[node] + (line[node + 1] - line[node]) * (at - node);
}

/* A value whose cell is wide. */
static void add_cells(const struct tpe_face *face, double value, uint32_t kernels, double *sum)
{
    const struct tpe_scale *scale = &face->dimension->scale;
    const double *line = face->table != NULL ? find_line(face, value) : NULL;
    double prior = face->lacking ? tpe_face_prior(face, value) : 0;

    for (uint32_t k = 0; k < kernels; k++) {
        struct tpe_bell bell = {kernel_place(face, k), face->spread, face->mass[k]};

        if (isnan(bell.middle)) {
            sum[k] += prior;
            continue;
        }
        sum[k] += line != NULL ? interpolate(scale, line, bell.middle)
                               : tpe_bell_log(scale, &bell, value);
        if (face->plain)
            sum[k] -= tpe_face_base(face, k);
    }
}

static void add_bells(const struct tpe_face *face, double value, uint32_t kernels, double *sum)
{
    const struct tpe_scale *scale = &face->dimension->scale;
    double place = tpe_scale_place(scale, value);
    double at = (place - scale->middle) * face->sharp;
    /* What a kernel gives that stands there and is not cut off. */
    double top = tpe_bell_log(scale, &(struct tpe_bell){place, face->spread, 0}, value);
    double prior = face->lacking ? tpe_face_prior(face, value) : 0;

    if (face->plain) {
        double twice = 2 * at;

        top -= at * at;
        for (uint32_t k = 0; k < kernels; k++)
            sum[k] += top + twice * face->place[k];
        return;
    }
    for (uint32_t k = 0; k < kernels; k++) {
        double away = at - face->place[k];

        sum[k] += isnan(away) ? prior : top - away * away - face->mass[k];
    }
}

void tpe_face_add(const struct tpe_face *face, double value, uint32_t kernels, double *sum)
{
    const struct tpe_dimension *dimension = face->dimension;

    if (dimension->kind != TPE_NUMBER)
        add_choice(face, value, kernels, sum);
    else if (is_few(dimension))
        add_table(face, value, kernels, sum);
    else if (tpe_scale_is_wide(&dimension->scale, value, face->spread))
        add_cells(face, value, kernels, sum);
    else
        add_bells(face, value, kernels, sum);
}

double tpe_face_draw(const struct tpe_face *face, uint32_t kernel, struct rng *rng)
{
    const struct tpe_dimension *dimension = face->dimension;
    bool has_seen = dimension->kind != TPE_NUMBER || is_few(dimension);
    uint32_t seen = kernel != NUMBER_NONE && has_seen ? face->seen[kernel] : NUMBER_NONE;
    double place = kernel != NUMBER_NONE && !has_seen ? kernel_place(face, kernel) : (double)NAN;
    struct tpe_bell bell = face->prior;

    if (dimension->kind != TPE_NUMBER && seen == NUMBER_NONE)
        return (double)rng_next_below(rng, dimension->count);
    if (dimension->kind != TPE_NUMBER)
        return tpe_pick_draw(&face->pick, seen, rng);
    if (seen != NUMBER_NONE)
        place = line_place(dimension, seen);
    if (!isnan(place))
        bell = (struct tpe_bell){.middle = place, .spread = face->spread};
    return tpe_bell_draw(&dimension->scale, &bell, rng);
}
