#include "head/core/tpe_face.h"

#include <math.h>
#include <stdlib.h>

#include "common/xalloc.h"

/* A logarithmic domain of many values has a table of so many of its lowest, whose cells are the
 * wide ones, by so many steps between places on the scale. */
#define LOWEST 64u
#define NODES  64u

static bool is_few(const struct tpe_dimension *dimension)
{
    return dimension->kind == TPE_NUMBER && dimension->few;
}

/* Many values, the lowest of which have wide cells. */
static bool is_uneven(const struct tpe_dimension *dimension)
{
    return dimension->kind == TPE_NUMBER && !dimension->few && dimension->scale.log &&
           dimension->scale.step > 0;
}

static uint32_t line_size(const struct tpe_dimension *dimension)
{
    return is_few(dimension) ? (uint32_t)tpe_scale_count(&dimension->scale) : NODES + 1;
}

static uint32_t line_count(const struct tpe_dimension *dimension)
{
    return is_few(dimension) ? (uint32_t)tpe_scale_count(&dimension->scale) : LOWEST;
}

/* Where the kernel of a line's place stands. */
static double line_place(const struct tpe_dimension *dimension, uint32_t at)
{
    const struct tpe_scale *scale = &dimension->scale;

    if (is_few(dimension))
        return tpe_scale_place(scale, tpe_scale_nth(scale, at));
    return scale->low + scale->width * at / NODES;
}

void tpe_face_init(struct tpe_face *face, const struct tpe_dimension *dimension)
{
    uint32_t size = line_size(dimension);

    *face = (struct tpe_face){.dimension = dimension};
    if (!is_few(dimension) && !is_uneven(dimension))
        return;
    face->table = xcalloc((size_t)line_count(dimension) * size, sizeof(*face->table));
    face->masses = xcalloc(size, sizeof(*face->masses));
}

void tpe_face_fini(struct tpe_face *face)
{
    free(face->table);
    free(face->masses);
    free(face->seen);
    free(face->beyond);
    free(face->place);
    free(face->mass);
    free(face->base);
}

void tpe_face_reserve(struct tpe_face *face, uint32_t kernels)
{
    face->seen = xrealloc(face->seen, kernels, sizeof(*face->seen));
    face->beyond = xrealloc(face->beyond, kernels, sizeof(*face->beyond));
    face->place = xrealloc(face->place, kernels, sizeof(*face->place));
    face->mass = xrealloc(face->mass, kernels, sizeof(*face->mass));
    face->base = xrealloc(face->base, kernels, sizeof(*face->base));
}

double tpe_face_number(const struct tpe_dimension *dimension, double number)
{
    if (isnan(number) || dimension->kind != TPE_NUMBER)
        return number;
    if (is_few(dimension))
        return tpe_scale_index(&dimension->scale, number);
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
    face->height = tpe_bell_height(face->spread);
    face->sharp = M_SQRT1_2 / face->spread;
    if (face->table == NULL)
        return;
    face->masses[0] = NAN;
    for (uint32_t value = 0; value < line_count(dimension); value++)
        face->table[(size_t)value * line_size(dimension)] = NAN;
}

static double kernel_place(const struct tpe_face *face, uint32_t kernel)
{
    return face->dimension->scale.middle + face->place[kernel] / face->sharp;
}

/* Between which nodes a kernel stands. */
static void find_nodes(struct tpe_face *face, uint32_t kernel)
{
    const struct tpe_scale *scale = &face->dimension->scale;
    double at = (kernel_place(face, kernel) - scale->low) / scale->width * NODES;
    uint32_t node = at > 0 ? (uint32_t)at : 0;

    face->seen[kernel] = node < NODES ? node : NODES - 1;
    face->beyond[kernel] = at - face->seen[kernel];
}

double tpe_face_set(struct tpe_face *face, uint32_t kernel, double number, double mass)
{
    const struct tpe_dimension *dimension = face->dimension;
    double place;

    if (dimension->kind != TPE_NUMBER || dimension->few) {
        face->seen[kernel] = isnan(number) ? NUMBER_NONE : (uint32_t)number;
        return 0;
    }
    place = (number - dimension->scale.middle) * face->sharp;
    face->place[kernel] = place;
    face->mass[kernel] = mass;
    face->base[kernel] = face->plain ? -place * place - mass : 0;
    if (face->table != NULL)
        find_nodes(face, kernel);
    return face->base[kernel];
}

static void add_choice(const struct tpe_face *face, const struct tpe_look *look, uint32_t kernels,
                       double *sum)
{
    for (uint32_t k = 0; k < kernels && !face->lacking; k++)
        sum[k] += face->seen[k] == look->index ? face->same : face->other;
    for (uint32_t k = 0; k < kernels && face->lacking; k++)
        sum[k] += face->seen[k] == look->index   ? face->same
                  : face->seen[k] == NUMBER_NONE ? look->prior
                                                 : face->other;
}

static void fill_masses(const struct tpe_face *face)
{
    const struct tpe_dimension *dimension = face->dimension;

    for (uint32_t at = 0; at < line_size(dimension); at++)
        face->masses[at] =
            tpe_bell_mass(&dimension->scale, line_place(dimension, at), face->spread);
}

/* What a value is worth to kernels, by where they stand; NULL where there is no table of it. */
static const double *find_line(const struct tpe_face *face, const struct tpe_look *look)
{
    const struct tpe_dimension *dimension = face->dimension;
    uint32_t size = line_size(dimension);
    struct tpe_spot spot = look->spot;
    double *line;

    if (face->table == NULL || look->index >= line_count(dimension))
        return NULL;
    line = face->table + (size_t)look->index * size;
    if (!isnan(line[0]))
        return line;
    if (isnan(face->masses[0]))
        fill_masses(face);
    if (is_few(dimension))
        spot = tpe_spot_of(&dimension->scale, tpe_scale_nth(&dimension->scale, look->index));
    for (uint32_t at = 0; at < size; at++) {
        struct tpe_bell bell = {line_place(dimension, at), face->spread, face->height,
                                face->masses[at]};

        line[at] = tpe_bell_log(&bell, &spot);
    }
    return line;
}

static void add_table(const struct tpe_face *face, const struct tpe_look *look, uint32_t kernels,
                      double *sum)
{
    const double *line = find_line(face, look);

    for (uint32_t k = 0; k < kernels && !face->lacking; k++)
        sum[k] += line[face->seen[k]];
    for (uint32_t k = 0; k < kernels && face->lacking; k++)
        sum[k] += face->seen[k] == NUMBER_NONE ? look->prior : line[face->seen[k]];
}

/* A value whose cell is wide, by its line: between two nodes. */
static void add_line(const struct tpe_face *face, const struct tpe_look *look, const double *line,
                     uint32_t kernels, double *sum)
{
    for (uint32_t k = 0; k < kernels && !face->lacking; k++) {
        const double *from = line + face->seen[k];

        sum[k] += from[0] + (from[1] - from[0]) * face->beyond[k];
        sum[k] -= face->base[k];
    }
    for (uint32_t k = 0; k < kernels && face->lacking; k++) {
        const double *from = line + face->seen[k];
        double beyond = face->beyond[k];

        sum[k] += isnan(beyond) ? look->prior : from[0] + (from[1] - from[0]) * beyond;
        sum[k] -= face->base[k];
    }
}

/* The same where it has none. */
static void add_cells(const struct tpe_face *face, const struct tpe_look *look, uint32_t kernels,
                      double *sum)
{
    for (uint32_t k = 0; k < kernels; k++) {
        struct tpe_bell bell = {kernel_place(face, k), face->spread, face->height, face->mass[k]};

        sum[k] += isnan(bell.middle) ? look->prior : tpe_bell_log(&bell, &look->spot);
        sum[k] -= face->base[k];
    }
}

static void add_bells(const struct tpe_face *face, const struct tpe_look *look, uint32_t kernels,
                      double *sum)
{
    double at = (look->spot.place - face->dimension->scale.middle) * face->sharp;
    /* What a kernel gives that stands there and is not cut off. */
    double top = look->spot.part - face->height;

    if (face->plain) {
        double twice = 2 * at;

        top -= at * at;
        for (uint32_t k = 0; k < kernels; k++)
            sum[k] += top + twice * face->place[k];
        return;
    }
    for (uint32_t k = 0; k < kernels; k++) {
        double away = at - face->place[k];

        sum[k] += isnan(away) ? look->prior : top - away * away - face->mass[k];
    }
}

void tpe_face_add(const struct tpe_face *face, const struct tpe_look *look, uint32_t kernels,
                  double *sum)
{
    const struct tpe_dimension *dimension = face->dimension;
    const double *line;

    if (dimension->kind != TPE_NUMBER) {
        add_choice(face, look, kernels, sum);
    } else if (dimension->few) {
        add_table(face, look, kernels, sum);
    } else if (tpe_spot_is_wide(&look->spot, face->spread)) {
        line = find_line(face, look);
        if (line != NULL)
            add_line(face, look, line, kernels, sum);
        else
            add_cells(face, look, kernels, sum);
    } else {
        add_bells(face, look, kernels, sum);
    }
}

double tpe_face_draw(const struct tpe_face *face, uint32_t kernel, struct rng *rng)
{
    const struct tpe_dimension *dimension = face->dimension;
    bool has_seen = dimension->kind != TPE_NUMBER || dimension->few;
    uint32_t seen = kernel != NUMBER_NONE && has_seen ? face->seen[kernel] : NUMBER_NONE;
    double place = kernel != NUMBER_NONE && !has_seen ? kernel_place(face, kernel) : (double)NAN;
    struct tpe_bell bell = dimension->prior;

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
