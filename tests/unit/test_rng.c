/* links: common */
#include "common/rng.h"
#include "tests/lib/run_suite.h"

static const struct {
    uint32_t counter[4];
    uint32_t key[2];
    uint32_t out[4];
} vectors[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

START_TEST(published_vectors)
{
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        uint32_t out[4];

        rng_philox(vectors[i].counter, vectors[i].key, out);
        for (int word = 0; word < 4; word++)
            ck_assert_uint_eq(out[word], vectors[i].out[word]);
    }
    ck_assert_uint_eq(rng_u64(0, 0, 0), 0xe169c58d6627e8d5u);
}
END_TEST

START_TEST(a_draw_is_a_function_of_its_place)
{
    struct rng rng = {.seed = 42, .stream = 7};

    for (uint64_t i = 0; i < 100; i++)
        ck_assert_uint_eq(rng_next(&rng), rng_u64(42, 7, i));
    ck_assert_uint_eq(rng.index, 100);
    ck_assert(rng_u64(42, 7, 0) != rng_u64(42, 8, 0));
    ck_assert(rng_u64(42, 7, 0) != rng_u64(43, 7, 0));
    ck_assert(rng_u64(42, 1u, 0) != rng_u64(42, (uint64_t)1 << 32, 0));
}
END_TEST

START_TEST(units_fill_their_range)
{
    double sum = 0;

    for (uint64_t i = 0; i < 100000; i++) {
        double unit = rng_unit(1, 2, i);

        ck_assert(unit >= 0 && unit < 1);
        sum += unit;
    }
    ck_assert(sum > 49500 && sum < 50500);
}
END_TEST

START_TEST(below_is_below_and_even)
{
    struct rng rng = {.seed = 4};
    uint32_t counts[6] = {0};
    uint64_t large = (uint64_t)3 << 62; /* a quarter of the draws are drawn again */
    uint64_t thirds = 0;

    for (int i = 0; i < 60000; i++)
        counts[rng_next_below(&rng, 6)]++;
    for (int i = 0; i < 6; i++)
        ck_assert(counts[i] > 9500 && counts[i] < 10500);
    for (int i = 0; i < 10000; i++) {
        uint64_t draw = rng_next_below(&rng, large);

        ck_assert_uint_lt(draw, large);
        thirds += draw % 3 == 0; /* every second one, if none were drawn again */
    }
    ck_assert(thirds > 3100 && thirds < 3570);
    ck_assert_uint_eq(rng.index, 70000);
    ck_assert_uint_eq(rng_below(1, 1, 1, 1), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("rng");
    TCase *tcase = tcase_create("rng");

    tcase_add_test(tcase, published_vectors);
    tcase_add_test(tcase, a_draw_is_a_function_of_its_place);
    tcase_add_test(tcase, units_fill_their_range);
    tcase_add_test(tcase, below_is_below_and_even);
    suite_add_tcase(suite, tcase);
    return suite;
}
