/* links: core */
#include <check.h>
#include <math.h>
#include <string.h>

#include "common/json.h"
#include "common/limits.h"
#include "head/core/halton.h"
#include "head/core/search.h"
#include "head/core/sobol.h"
#include "tests/lib/run_suite.h"

#define SEEDS 10

static const char *const names[] = {"halton", "sobol"};

static struct arena arena;
static struct spec spec;

static void setup(void)
{
    arena_init(&arena);
    spec = (struct spec){.num_samples = 1};
}

static void teardown(void)
{
    arena_fini(&arena);
}

/* JSON with ' for ". */
static void read_space(const char *quoted)
{
    struct json_error error;
    char *json = arena_strdup(&arena, quoted);

    for (char *at = json; *at != '\0'; at++)
        if (*at == '\'')
            *at = '"';
    ck_assert_msg(json_read(span_text(json), &arena, &spec.config, &error) == 0, "%s", error.what);
}

/* The value at a dotted path of the proposals of trials 0, 1, 2...; NULL where it is not there. */
static void values_of(const char *search, uint64_t seed, const char *path, uint32_t count,
                      const struct value **out)
{
    const struct search_ops *ops = search_find(search);
    void *self = ops->new (&spec, seed);

    for (uint32_t i = 0; i < count; i++) {
        struct proposal proposal;
        struct value *config = arena_alloc(&arena, sizeof(*config));
        char *rest = arena_strdup(&arena, path);
        char *key;

        ck_assert_int_eq(ops->propose(self, i, &arena, &proposal), SEARCH_PROPOSED);
        *config = proposal.config;
        out[i] = config;
        while (out[i] != NULL && (key = strsep(&rest, ".")) != NULL)
            out[i] = value_get(out[i], key);
    }
    ops->free(self);
}

static void numbers_of(const char *search, uint64_t seed, const char *path, uint32_t count,
                       double *out)
{
    const struct value **values = arena_alloc(&arena, count * sizeof(const struct value *));

    values_of(search, seed, path, count, values);
    for (uint32_t i = 0; i < count; i++)
        out[i] = values[i] != NULL ? value_number(values[i]) : NAN;
}

/* Whether of so many numbers each interval of [0, 1) of that length has one. */
static bool is_even(const double *numbers, uint32_t count)
{
    bool *hit = arena_zalloc(&arena, count * sizeof(*hit));

    for (uint32_t i = 0; i < count; i++) {
        uint32_t interval = (uint32_t)(numbers[i] * count);

        if (interval >= count || hit[interval])
            return false;
        hit[interval] = true;
    }
    return true;
}

/* From scipy.stats.qmc.Sobol(scramble=False), which has the table of Joe and Kuo, too. */
START_TEST(sobol_points_are_the_known_ones)
{
    static const uint32_t indexes[] = {1, 2, 3, 7, 100, 2047};
    static const struct {
        uint32_t dimension;
        uint32_t bits[6];
    } rows[] = {
        {0, {0x80000000, 0xc0000000, 0x40000000, 0x20000000, 0x6a000000, 0x00200000}},
        {1, {0x80000000, 0x40000000, 0xc0000000, 0xa0000000, 0x42000000, 0xa0a00000}},
        {2, {0x80000000, 0x40000000, 0xc0000000, 0x60000000, 0xc6000000, 0xee600000}},
        {3, {0x80000000, 0x40000000, 0xc0000000, 0x20000000, 0xba000000, 0x59e00000}},
        {9, {0x80000000, 0xc0000000, 0x40000000, 0xe0000000, 0xb2000000, 0x72200000}},
        {49, {0x80000000, 0xc0000000, 0x40000000, 0x20000000, 0xaa000000, 0xc1600000}},
        {127, {0x80000000, 0x40000000, 0xc0000000, 0x60000000, 0x76000000, 0x05a00000}},
        {255, {0x80000000, 0xc0000000, 0x40000000, 0x20000000, 0x92000000, 0x7ae00000}},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_uint_eq(sobol_bits(rows[i].dimension, 0), 0);
        for (size_t k = 0; k < 6; k++)
            ck_assert_uint_eq(sobol_bits(rows[i].dimension, indexes[k]), rows[i].bits[k]);
    }
}
END_TEST

/* The mirrored digits, as the papers print them. */
START_TEST(halton_points_are_the_known_ones)
{
    static const double rows[][3] = {
        {0, 0, 0},
        {1. / 2, 1. / 3, 1. / 5},
        {1. / 4, 2. / 3, 2. / 5},
        {3. / 4, 1. / 9, 3. / 5},
        {1. / 8, 4. / 9, 4. / 5},
        {5. / 8, 7. / 9, 1. / 25},
        {3. / 8, 2. / 9, 6. / 25},
        {7. / 8, 5. / 9, 11. / 25},
    };
    struct halton *halton = halton_new(LIMIT_DIMENSIONS, 1);

    for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (uint32_t j = 0; j < 3; j++)
            ck_assert_double_eq_tol(halton_plain(halton, j, i), rows[i][j], 1e-15);
    ck_assert_uint_eq(halton_base(halton, 0), 2);
    ck_assert_uint_eq(halton_base(halton, 5), 13);
    ck_assert_uint_eq(halton_base(halton, LIMIT_DIMENSIONS - 1), 1619); /* the 256th prime */
    halton_free(halton);
}
END_TEST

static double scrambled(uint64_t seed, uint32_t dimension, uint32_t index)
{
    return (sobol_scramble(sobol_bits(dimension, index), seed, dimension) + 0.5) * 0x1p-32;
}

/* In each dimension, of which we look at some, every block of 2^m points is even. */
START_TEST(scrambled_sobol_is_even_in_every_dimension)
{
    double numbers[256];

    for (uint32_t j = 0; j < LIMIT_DIMENSIONS; j += 1 + j / 8) {
        for (uint32_t i = 0; i < 256; i++)
            numbers[i] = scrambled(7, j, i);
        for (uint32_t count = 2; count <= 256; count *= 2)
            for (uint32_t at = 0; at < 256; at += count)
                ck_assert_msg(is_even(&numbers[at], count), "dimension %u: %u from %u", j, count,
                              at);
    }
}
END_TEST

/* The first two dimensions are a (0, m, 2)-net: every box of volume 2^-m has one of 2^m points. */
START_TEST(scrambled_sobol_stays_a_net)
{
    const uint32_t m = 8;

    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        for (uint32_t wide = 0; wide <= m; wide++) {
            bool hit[256] = {false};

            for (uint32_t i = 0; i < 256; i++) {
                uint32_t x = (uint32_t)(scrambled(seed, 0, i) * (1u << wide));
                uint32_t y = (uint32_t)(scrambled(seed, 1, i) * (1u << (m - wide)));
                uint32_t box = x << (m - wide) | y;

                ck_assert_msg(!hit[box], "seed %llu, 2^%u wide", (unsigned long long)seed, wide);
                hit[box] = true;
            }
        }
    }
}
END_TEST

static uint32_t alike(uint32_t a, uint32_t b)
{
    uint32_t bits = 0;

    while (bits < 32 && (a ^ b) >> (31 - bits) == 0)
        bits++;
    return bits;
}

/* Nested: what two points have alike in front they have alike afterwards, and what follows is
 * scrambled apart. A shift would leave all of their difference. */
START_TEST(scrambling_goes_by_what_stands_before)
{
    uint32_t shifted = 0;

    for (uint32_t i = 0; i < 64; i++) {
        for (uint32_t k = 0; k < i; k++) {
            uint32_t a = sobol_bits(4, i), b = sobol_bits(4, k);
            uint32_t c = sobol_scramble(a, 3, 4), d = sobol_scramble(b, 3, 4);

            ck_assert_uint_eq(alike(a, b), alike(c, d));
            shifted += (a ^ b) == (c ^ d) ? 1u : 0u;
        }
    }
    ck_assert_uint_lt(shifted, 5); /* of 2016 */
}
END_TEST

/* _i: a variation. */
START_TEST(scrambled_halton_is_even_in_every_base)
{
    struct halton *halton = halton_new(LIMIT_DIMENSIONS, 7);
    double *numbers = arena_alloc(&arena, 2000 * sizeof(*numbers));

    for (uint32_t j = 0; j < LIMIT_DIMENSIONS; j += 1 + j / 8) {
        uint32_t base = halton_base(halton, j);

        for (uint32_t i = 0; i < 2000; i++)
            numbers[i] = halton_at(halton, j, i, (uint64_t)_i);
        for (uint32_t count = base; count <= 2000; count *= base)
            for (uint32_t at = 0; at + count <= 2000; at += count)
                ck_assert_msg(is_even(&numbers[at], count), "base %u: %u from %u", base, count, at);
    }
    halton_free(halton);
}
END_TEST

/* The permutations of a dimension are its own, and those of digits behind the last one as well. */
START_TEST(halton_dimensions_do_not_shift)
{
    struct halton *few = halton_new(2, 3), *many = halton_new(9, 3), *other = halton_new(2, 4);

    for (uint32_t i = 0; i < 20; i++) {
        ck_assert_double_eq(halton_at(few, 1, i, 0), halton_at(many, 1, i, 0));
        ck_assert_double_ne(halton_at(few, 1, i, 0), halton_at(other, 1, i, 0));
        ck_assert_double_ne(halton_at(few, 1, i, 0), halton_at(few, 1, i, 1));
    }
    halton_free(few);
    halton_free(many);
    halton_free(other);
}
END_TEST

/* Each point is uniform over the seeds: of 16 intervals each has a sixteenth, within five
 * deviations (of 4096 draws: 256 and 15.5). _i: which searcher. */
START_TEST(a_point_is_uniform_over_the_seeds)
{
    for (uint32_t index = 0; index < 3; index++) {
        uint32_t counts[16] = {0};

        for (uint64_t seed = 0; seed < 4096; seed++) {
            struct halton *halton = _i == 0 ? halton_new(2, seed) : NULL;
            double at = _i == 0 ? halton_at(halton, 1, index, 0) : scrambled(seed, 1, index);

            counts[(uint32_t)(at * 16)]++;
            halton_free(halton);
        }
        for (uint32_t i = 0; i < 16; i++)
            ck_assert_msg(counts[i] > 178 && counts[i] < 334, "point %u: %u of 4096 in %u", index,
                          counts[i], i);
    }
}
END_TEST

/* Hickernell's centred L2 discrepancy (A generalized discrepancy and quadrature error bound; 1998),
 * squared. */
static double discrepancy(double (*points)[4], uint32_t count)
{
    double single = 0, pairs = 0;

    for (uint32_t i = 0; i < count; i++) {
        double product = 1;

        for (uint32_t j = 0; j < 4; j++) {
            double off = fabs(points[i][j] - 0.5);

            product *= 1 + off / 2 - off * off / 2;
        }
        single += product;
        for (uint32_t k = 0; k < count; k++) {
            product = 1;
            for (uint32_t j = 0; j < 4; j++)
                product *= 1 + fabs(points[i][j] - 0.5) / 2 + fabs(points[k][j] - 0.5) / 2 -
                           fabs(points[i][j] - points[k][j]) / 2;
            pairs += product;
        }
    }
    return pow(13.0 / 12, 4) - 2 * single / count + pairs / count / count;
}

static double discrepancy_of(const char *search, uint64_t seed)
{
    double(*points)[4] = arena_alloc(&arena, 256 * sizeof(*points));
    static const char *const keys[] = {"a", "b", "c", "d"};
    double numbers[256];

    for (uint32_t j = 0; j < 4; j++) {
        numbers_of(search, seed, keys[j], 256, numbers);
        for (uint32_t i = 0; i < 256; i++)
            points[i][j] = numbers[i];
    }
    return discrepancy(points, 256);
}

/* For each seed, and by far: random points have about 9e-4. _i: which searcher. */
START_TEST(points_fill_the_cube_more_evenly_than_random_ones)
{
    read_space("{'a': {'uniform': [0, 1]}, 'b': {'uniform': [0, 1]}, "
               "'c': {'uniform': [0, 1]}, 'd': {'uniform': [0, 1]}}");
    spec.num_samples = 256;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        double random = discrepancy_of("random", seed);
        double ours = discrepancy_of(names[_i], seed);

        ck_assert_msg(ours * 4 < random, "seed %llu: %g, random %g", (unsigned long long)seed, ours,
                      random);
    }
}
END_TEST

START_TEST(a_seed_decides)
{
    double one[16], same[16], other[16], late;
    const struct search_ops *ops = search_find(names[_i]);
    struct proposal proposal;
    void *self;

    read_space("{'u': {'uniform': [0, 1]}, 'n': {'randn': [0, 1]}}");
    spec.num_samples = 16;
    numbers_of(names[_i], 5, "n", 16, one);
    numbers_of(names[_i], 5, "n", 16, same);
    numbers_of(names[_i], 6, "n", 16, other);
    for (uint32_t i = 0; i < 16; i++) {
        ck_assert_double_eq(one[i], same[i]);
        ck_assert_double_ne(one[i], other[i]);
    }
    self = ops->new (&spec, 5); /* in whatever order */
    ck_assert_int_eq(ops->propose(self, 15, &arena, &proposal), SEARCH_PROPOSED);
    late = value_number(value_get(&proposal.config, "n"));
    ck_assert_double_eq(late, one[15]);
    ck_assert_int_eq(strncmp(proposal.tag, "15_n=", 5), 0);
    ck_assert_uint_eq(ops->total(self), 16);
    ck_assert_int_eq(ops->propose(self, 16, &arena, &proposal), SEARCH_DONE);
    ops->free(self);
}
END_TEST

/* A domain's dimension is its place in the file, whatever was chosen around it. */
START_TEST(dimensions_belong_to_places)
{
    double flat[4][64], nested[4][64];
    static const char *const flat_paths[] = {"x", "y", "z", "b"};
    static const char *const paths[] = {"a.x", "a.y", "a.z", "b"};
    uint32_t seen = 0;

    spec.num_samples = 64;
    read_space("{'a': {'uniform': [0, 1]}, 'x': {'uniform': [0, 1]}, 'y': {'uniform': [0, 1]}, "
               "'z': {'uniform': [0, 1]}, 'b': {'uniform': [0, 1]}}");
    for (uint32_t j = 0; j < 4; j++)
        numbers_of(names[_i], 2, flat_paths[j], 64, flat[j]);
    read_space("{'a': {'choice': [{'x': {'uniform': [0, 1]}}, {'y': {'uniform': [0, 1]}, "
               "'z': {'uniform': [0, 1]}}]}, 'b': {'uniform': [0, 1]}}");
    for (uint32_t j = 0; j < 4; j++)
        numbers_of(names[_i], 2, paths[j], 64, nested[j]);
    for (uint32_t i = 0; i < 64; i++) {
        ck_assert_double_eq(nested[3][i], flat[3][i]);
        ck_assert(isnan(nested[0][i]) == !isnan(nested[1][i]));
        for (uint32_t j = 0; j < 3; j++) {
            ck_assert(isnan(nested[j][i]) || nested[j][i] == flat[j][i]);
            seen += isnan(nested[j][i]) ? 0u : 1u;
        }
    }
    ck_assert_uint_eq(seen, 32 + 2 * 32); /* both values of a come as often */
}
END_TEST

/* Every combination of the grids has points of its own, which are as even as without grids. */
START_TEST(each_point_of_a_grid_has_an_even_sequence)
{
    double numbers[2 * 81], of_one[81], of_other[81], longer[2 * 81];
    uint32_t count = _i == 0 ? 81 : 64; /* of u, which is in base 3 or 2 */

    read_space(
        "{'w': {'uniform': [0, 1]}, 'u': {'uniform': [0, 1]}, 'g': {'grid_search': [1, 2]}}");
    spec.num_samples = count;
    numbers_of(names[_i], 2, "u", 2 * count, numbers);
    for (uint32_t i = 0; i < count; i++) {
        of_one[i] = numbers[2 * i];
        of_other[i] = numbers[2 * i + 1];
    }
    ck_assert(is_even(of_one, count));
    ck_assert(is_even(of_other, count));
    ck_assert(memcmp(of_one, of_other, sizeof(of_one[0])) != 0);
    spec.num_samples = 1000; /* more of them later change nothing */
    numbers_of(names[_i], 2, "u", 2 * count, longer);
    ck_assert_int_eq(memcmp(numbers, longer, 2 * count * sizeof(numbers[0])), 0);
}
END_TEST

/* Each kind of domain, in whole rounds of the base of the one dimension there is (2). */
START_TEST(every_domain_stays_inside_and_is_even)
{
    static const struct {
        const char *marker;
        double low, high;
        uint32_t values; /* as often each; 0: not counted */
    } rows[] = {
        {"{'uniform': [-2, 3]}", -2, 3, 0},
        {"{'loguniform': [0.0001, 0.1]}", 0.0001, 0.1, 0},
        {"{'quniform': [0.05, 0.95, 0.1]}", 0.1, 0.9, 0},
        {"{'qloguniform': [0.001, 1, 0.001]}", 0.001, 1, 0},
        {"{'randn': [5, 2]}", -8, 18, 0}, /* the shortest interval ends at 6.4 deviations */
        {"{'randint': [-4, 4]}", -4, 3, 8},
        {"{'lograndint': [1, 100]}", 1, 99, 0},
        {"{'qrandint': [10, 40, 10]}", 10, 40, 4},
        {"{'choice': [3, 5, 7, 9]}", 3, 9, 4},
    };

    spec.num_samples = 256;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double numbers[256];

        read_space(arena_printf(&arena, "{'a': %s}", rows[i].marker));
        numbers_of(names[_i], 1, "a", 256, numbers);
        for (uint32_t k = 0; k < 256; k++) {
            uint32_t alike = 0;

            ck_assert_msg(numbers[k] >= rows[i].low - 1e-12 && numbers[k] <= rows[i].high + 1e-12,
                          "%s: %g", rows[i].marker, numbers[k]);
            for (uint32_t other = 0; other < 256; other++)
                alike += numbers[k] == numbers[other] ? 1u : 0u;
            if (rows[i].values > 0)
                ck_assert_msg(alike == 256 / rows[i].values, "%s: %g comes %u times",
                              rows[i].marker, numbers[k], alike);
        }
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("quasi");
    TCase *tc = tcase_create("all");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, sobol_points_are_the_known_ones);
    tcase_add_test(tc, halton_points_are_the_known_ones);
    tcase_add_test(tc, scrambled_sobol_is_even_in_every_dimension);
    tcase_add_test(tc, scrambled_sobol_stays_a_net);
    tcase_add_test(tc, scrambling_goes_by_what_stands_before);
    tcase_add_loop_test(tc, scrambled_halton_is_even_in_every_base, 0, 2);
    tcase_add_test(tc, halton_dimensions_do_not_shift);
    tcase_add_loop_test(tc, a_point_is_uniform_over_the_seeds, 0, 2);
    tcase_add_loop_test(tc, points_fill_the_cube_more_evenly_than_random_ones, 0, 2);
    tcase_add_loop_test(tc, a_seed_decides, 0, 2);
    tcase_add_loop_test(tc, dimensions_belong_to_places, 0, 2);
    tcase_add_loop_test(tc, each_point_of_a_grid_has_an_even_sequence, 0, 2);
    tcase_add_loop_test(tc, every_domain_stays_inside_and_is_even, 0, 2);
    suite_add_tcase(s, tc);
    return s;
}
