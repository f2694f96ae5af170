/* links: core */
/* What a value is worth to kernels, computed many at a time and from tables: bit for bit what comes
 * out one by one. A replay elsewhere, and the next version, must propose the same. */
#include <stdlib.h>

#include "tests/lib/run_suite.h"
#include "tests/unit/tpe_rig.h"

#define KERNELS_MOST 41u
#define VALUES       60u

/* As in tpe_face.c. */
#define LOWEST 64u
#define NODES  64u

static struct tpe_side side;
static struct tpe_row rows[KERNELS_MOST];
static uint32_t row_count;
static uint32_t wide_lines, wide_cells, narrow; /* that were looked at */

static void setup(void)
{
    arena_init(&arena);
}

/* The kernel of a place of a table. */
static double table_log(const struct tpe_face *face, double middle, const struct tpe_spot *spot)
{
    const struct tpe_scale *scale = &face->dimension->scale;
    const struct tpe_bell bell = {middle, face->spread, face->height,
                                  tpe_bell_mass(scale, middle, face->spread)};

    return tpe_bell_log(&bell, spot);
}

static double node_log(const struct tpe_face *face, uint32_t node, const struct tpe_spot *spot)
{
    const struct tpe_scale *scale = &face->dimension->scale;

    return table_log(face, scale->low + scale->width * node / NODES, spot);
}

static double add_few(const struct tpe_face *face, const struct tpe_look *look, uint32_t k,
                      double sum)
{
    const struct tpe_scale *scale = &face->dimension->scale;
    struct tpe_spot spot = tpe_spot_of(scale, tpe_scale_nth(scale, look->index));
    double middle;

    if (face->seen[k] == NUMBER_NONE)
        return sum + look->prior;
    middle = tpe_scale_place(scale, tpe_scale_nth(scale, face->seen[k]));
    return sum + table_log(face, middle, &spot);
}

/* Its cell is wide. */
static double add_wide(const struct tpe_face *face, const struct tpe_look *look, uint32_t k,
                       double sum)
{
    const struct tpe_scale *scale = &face->dimension->scale;
    const struct tpe_bell bell = {scale->middle + face->place[k] / face->sharp, face->spread,
                                  face->height, face->mass[k]};
    double from, to;

    if (isnan(face->place[k])) {
        sum += look->prior;
    } else if (scale->log && look->index < LOWEST) {
        wide_lines++;
        from = node_log(face, face->seen[k], &look->spot);
        to = node_log(face, face->seen[k] + 1, &look->spot);
        sum += from + (to - from) * face->beyond[k];
    } else {
        wide_cells++;
        sum += tpe_bell_log(&bell, &look->spot);
    }
    return sum - face->base[k];
}

static double add_narrow(const struct tpe_face *face, const struct tpe_look *look, uint32_t k,
                         double sum)
{
    double at = (look->spot.place - face->dimension->scale.middle) * face->sharp;
    double top = look->spot.part - face->height;
    double away = at - face->place[k];

    narrow++;
    if (face->plain)
        return sum + ((top - at * at) + 2 * at * face->place[k]);
    return sum + (isnan(away) ? look->prior : top - away * away - face->mass[k]);
}

static double add_one(const struct tpe_face *face, const struct tpe_look *look, uint32_t k,
                      double sum)
{
    if (face->dimension->kind != TPE_NUMBER)
        return sum + (face->seen[k] == look->index   ? face->same
                      : face->seen[k] == NUMBER_NONE ? look->prior
                                                     : face->other);
    if (face->dimension->few)
        return add_few(face, look, k, sum);
    if (tpe_spot_is_wide(&look->spot, face->spread))
        return add_wide(face, look, k, sum);
    return add_narrow(face, look, k, sum);
}

static void check_value(const struct tpe_face *face, const struct tpe_look *look, struct rng *rng)
{
    double together[KERNELS_MOST], single[KERNELS_MOST];

    for (uint32_t k = 0; k < row_count; k++)
        together[k] = single[k] = -10 * rng_next_unit(rng);
    tpe_face_add(face, look, row_count, together);
    for (uint32_t k = 0; k < row_count; k++) {
        single[k] = add_one(face, look, k, single[k]);
        ck_assert_msg(memcmp(&single[k], &together[k], sizeof(single[k])) == 0,
                      "kernel %u of %u: %.17g alone, %.17g with others", k, row_count, single[k],
                      together[k]);
    }
}

/* Drawn by random, as trials of the space are. */
static void draw_row(struct rng *rng, double *numbers)
{
    struct value drawn;
    const char *vars;

    ck_assert_int_eq(space_variant(&config, 0, rng, &arena, &drawn, &vars), 0);
    tpe_space_read(&space, &drawn, numbers);
}

static void check_kernels(uint32_t count, struct rng *rng)
{
    struct tpe_row *list[KERNELS_MOST];
    struct tpe_look looks[4];
    double weights[KERNELS_MOST];
    double numbers[4];

    ck_assert_uint_le(space.count, 4);
    tpe_side_init(&side, &space, 0.1, 1);
    for (row_count = 0; row_count < count; row_count++) {
        draw_row(rng, numbers);
        tpe_row_init(&rows[row_count], &space, numbers);
        list[row_count] = &rows[row_count];
        weights[row_count] = 1;
    }
    tpe_side_make(&side, list, weights, row_count, 1);
    for (uint32_t i = 0; i < VALUES; i++) {
        draw_row(rng, numbers);
        tpe_look_at_row(&space, numbers, looks);
        for (uint32_t d = 0; d < space.count; d++)
            if (looks[d].there)
                check_value(&side.faces[d], &looks[d], rng);
    }
    for (uint32_t i = 0; i < row_count; i++)
        tpe_row_fini(&rows[i]);
    tpe_side_fini(&side);
}

/* Every kind of domain, which all trials have, and which some have not. */
START_TEST(many_at_a_time_are_one_by_one)
{
    static const char *const domains[] = {
        "{'uniform': [0, 1]}",
        "{'loguniform': [0.0001, 1]}",
        "{'quniform': [0, 1, 0.01]}",
        "{'quniform': [0, 10, 0.001]}",
        "{'qloguniform': [1, 9, 0.1]}",
        "{'qloguniform': [0.01, 10, 0.01]}",
        "{'randint': [0, 90]}",
        "{'randint': [0, 100000]}",
        "{'randint': [0, 600]}",
        "{'lograndint': [1, 60]}",
        "{'lograndint': [1, 10000]}",
        "{'qrandint': [0, 4000, 5]}",
        "{'randn': [0, 1]}",
        "{'choice': [1, 2, 3, 4, 5]}",
    };
    static const uint32_t counts[] = {1, 2, 3, 4, 7, 16, KERNELS_MOST};
    struct rng rng = {.seed = 1};

    for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++)
        for (uint32_t lacking = 0; lacking < 2; lacking++) {
            open_space(arena_printf(
                &arena, lacking != 0 ? "{'c': {'choice': [1, {'x': %s}]}}" : "{'x': %s}",
                domains[i]));
            for (size_t k = 0; k < sizeof(counts) / sizeof(counts[0]); k++)
                check_kernels(counts[k], &rng);
            tpe_space_fini(&space);
        }
    ck_assert_uint_gt(wide_lines, 1000);
    ck_assert_uint_gt(wide_cells, 100);
    ck_assert_uint_gt(narrow, 1000);
}
END_TEST

static void teardown(void)
{
    arena_fini(&arena);
}

Suite *suite(void)
{
    Suite *suite = suite_create("tpe_face");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, many_at_a_time_are_one_by_one);
    suite_add_tcase(suite, all);
    return suite;
}
