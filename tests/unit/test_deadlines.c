/* links: common */
#include "common/deadlines.h"
#include "common/rng.h"
#include "tests/lib/run_suite.h"

#define IDS 200

START_TEST(come_out_by_time_then_by_order_of_setting)
{
    struct deadlines *deadlines = deadlines_new();
    uint64_t id = 99;

    ck_assert_uint_eq(deadlines_next_ms(deadlines), DEADLINE_NEVER);
    deadlines_set(deadlines, 1, 30);
    deadlines_set(deadlines, 2, 10);
    deadlines_set(deadlines, 3, 30);
    deadlines_set(deadlines, 4, 20);
    deadlines_set(deadlines, 1, 30); /* set anew: now behind 3 */
    ck_assert_uint_eq(deadlines_next_ms(deadlines), 10);
    ck_assert(!deadlines_pop(deadlines, 9, &id));
    ck_assert_uint_eq(id, 99);
    ck_assert(deadlines_pop(deadlines, 10, &id) && id == 2);
    ck_assert(deadlines_pop(deadlines, 100, &id) && id == 4);
    ck_assert(deadlines_pop(deadlines, 100, &id) && id == 3);
    ck_assert(deadlines_pop(deadlines, 100, &id) && id == 1);
    ck_assert(!deadlines_pop(deadlines, 100, &id));
    deadlines_free(deadlines);
    deadlines_free(NULL);
}
END_TEST

START_TEST(replace_and_cancel)
{
    struct deadlines *deadlines = deadlines_new();
    uint64_t id;

    deadlines_set(deadlines, 1, 10);
    deadlines_set(deadlines, 1, 50);
    deadlines_cancel(deadlines, 2);
    ck_assert_uint_eq(deadlines_next_ms(deadlines), 50);
    deadlines_set(deadlines, 2, 60);
    deadlines_cancel(deadlines, 1);
    ck_assert(deadlines_pop(deadlines, 60, &id) && id == 2);
    ck_assert_uint_eq(deadlines_next_ms(deadlines), DEADLINE_NEVER);
    deadlines_free(deadlines);
}
END_TEST

/* Against an array that is searched. */
START_TEST(random_moves_agree_with_a_search)
{
    struct deadlines *deadlines = deadlines_new();
    struct rng rng = {.seed = 11};
    uint64_t at[IDS], order[IDS], next_order = 0;

    for (int i = 0; i < IDS; i++)
        at[i] = DEADLINE_NEVER;
    for (int move = 0; move < 50000; move++) {
        uint64_t id = rng_next_below(&rng, IDS);
        uint64_t popped = IDS;
        int first = -1;

        switch (rng_next_below(&rng, 4)) {
        case 0:
        case 1:
            at[id] = rng_next_below(&rng, 100);
            order[id] = next_order++;
            deadlines_set(deadlines, id, at[id]);
            break;
        case 2:
            at[id] = DEADLINE_NEVER;
            deadlines_cancel(deadlines, id);
            break;
        default:
            for (int i = 0; i < IDS; i++) {
                if (at[i] != DEADLINE_NEVER && (first < 0 || at[i] < at[first] ||
                                                (at[i] == at[first] && order[i] < order[first])))
                    first = i;
            }
            ck_assert_int_eq(deadlines_pop(deadlines, 100, &popped), first >= 0);
            if (first < 0)
                break;
            ck_assert_uint_eq(popped, (uint64_t)first);
            at[first] = DEADLINE_NEVER;
        }
    }
    deadlines_free(deadlines);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("deadlines");
    TCase *tcase = tcase_create("deadlines");

    tcase_add_test(tcase, come_out_by_time_then_by_order_of_setting);
    tcase_add_test(tcase, replace_and_cancel);
    tcase_add_test(tcase, random_moves_agree_with_a_search);
    suite_add_tcase(suite, tcase);
    return suite;
}
