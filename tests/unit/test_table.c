/* links: common */
#include <stdbool.h>
#include <stdio.h>

#include "common/rng.h"
#include "common/table.h"
#include "tests/lib/run_suite.h"

#define KEYS 2000

START_TEST(put_get_remove)
{
    struct table *table = table_new();
    int a, b;

    ck_assert_ptr_null(table_get(table, span_text("x")));
    ck_assert_ptr_null(table_remove(table, span_text("x")));
    ck_assert_ptr_null(table_put(table, span_text("x"), &a));
    ck_assert_ptr_eq(table_put(table, span_text("x"), &b), &a);
    ck_assert_ptr_null(table_put(table, (struct span){0}, &a));
    ck_assert_ptr_eq(table_get(table, span_text("x")), &b);
    ck_assert_ptr_eq(table_get(table, span_text("")), &a);
    ck_assert_uint_eq(table_count(table), 2);
    ck_assert_ptr_eq(table_remove(table, span_text("x")), &b);
    ck_assert_ptr_null(table_get(table, span_text("x")));
    ck_assert_uint_eq(table_count(table), 1);
    table_free(table);
    table_free(NULL);
}
END_TEST

START_TEST(keys_are_copied)
{
    struct table *table = table_new();
    char key[] = "a key that is longer than sixteen bytes";
    int value;

    (void)table_put(table, span_text(key), &value);
    key[0] = 'b';
    ck_assert_ptr_null(table_get(table, span_text(key)));
    key[0] = 'a';
    ck_assert_ptr_eq(table_get(table, span_text(key)), &value);
    ck_assert_ptr_null(table_get(table, span_of(key, 38)));
    table_free(table);
}
END_TEST

/* Against a plain array: removals leave the others where they can be found. */
START_TEST(many_random_moves_agree_with_an_array)
{
    struct table *table = table_new();
    struct rng rng = {.seed = 7};
    static int values[KEYS];
    static bool there[KEYS];
    size_t count = 0;
    bool good = true;

    memset(there, 0, sizeof(there));
    /* A check writes to its parent: one a move would take longer than the move. */
    for (int move = 0; move < 200000 && good; move++) {
        uint64_t key = rng_next_below(&rng, KEYS);
        void *expected = there[key] ? &values[key] : NULL;

        good = table_get_u64(table, key) == expected;
        if (rng_next_below(&rng, 2) == 0) {
            good = good && table_put_u64(table, key, &values[key]) == expected;
            count += expected == NULL;
            there[key] = true;
        } else {
            good = good && table_remove_u64(table, key) == expected;
            count -= expected != NULL;
            there[key] = false;
        }
        good = good && table_count(table) == count;
    }
    ck_assert(good);
    table_free(table);
}
END_TEST

START_TEST(long_keys_grow_and_go)
{
    struct table *table = table_new();
    static int values[KEYS];
    char key[64];

    for (int i = 0; i < KEYS; i++) {
        (void)snprintf(key, sizeof(key), "experiment-with-a-long-name/%d", i);
        ck_assert_ptr_null(table_put(table, span_text(key), &values[i]));
    }
    for (int i = 0; i < KEYS; i++) {
        (void)snprintf(key, sizeof(key), "experiment-with-a-long-name/%d", i);
        ck_assert_ptr_eq(table_get(table, span_text(key)), &values[i]);
        if (i % 2 == 0)
            ck_assert_ptr_eq(table_remove(table, span_text(key)), &values[i]);
    }
    ck_assert_uint_eq(table_count(table), KEYS / 2);
    table_free(table);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("table");
    TCase *tcase = tcase_create("table");

    tcase_add_test(tcase, put_get_remove);
    tcase_add_test(tcase, keys_are_copied);
    tcase_add_test(tcase, many_random_moves_agree_with_an_array);
    tcase_add_test(tcase, long_keys_grow_and_go);
    suite_add_tcase(suite, tcase);
    return suite;
}
