/* links: common */
#include <stdint.h>

#include "common/arena.h"
#include "tests/lib/run_suite.h"

START_TEST(allocations_are_aligned_and_apart)
{
    struct arena arena = {0};
    char *a = arena_alloc(&arena, 1);
    char *b = arena_alloc(&arena, 3);
    char *none = arena_alloc(&arena, 0);

    ck_assert_uint_eq((uintptr_t)a % 16, 0);
    ck_assert_uint_eq((uintptr_t)b % 16, 0);
    ck_assert(a != b);
    ck_assert_ptr_nonnull(none);
    arena_fini(&arena);
}
END_TEST

START_TEST(a_reset_keeps_the_blocks)
{
    struct arena arena;
    size_t capacity;

    arena_init(&arena);
    ck_assert_uint_eq(arena_capacity(&arena), 0);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 10000; i++)
            memset(arena_alloc(&arena, 40), 0xee, 40);
        if (round == 0)
            capacity = arena_capacity(&arena);
        ck_assert_uint_eq(arena_capacity(&arena), capacity);
        arena_reset(&arena);
    }
    arena_fini(&arena);
}
END_TEST

START_TEST(something_large_goes_between_kept_blocks)
{
    struct arena arena = {0};
    char *large;
    bool zero = true;

    (void)arena_alloc(&arena, 4000);
    (void)arena_alloc(&arena, 4000);
    arena_reset(&arena);
    (void)arena_alloc(&arena, 4000);
    large = arena_zalloc(&arena, 3u << 20);
    for (size_t i = 0; i < 3u << 20; i++)
        zero = zero && large[i] == 0;
    ck_assert(zero);
    memset(arena_alloc(&arena, 5000), 1, 5000);
    ck_assert_int_eq(large[0], 0);
    ck_assert_int_eq(large[(3u << 20) - 1], 0);
    arena_fini(&arena);
}
END_TEST

START_TEST(texts_are_copied_and_terminated)
{
    struct arena arena = {0};
    struct span copy = arena_copy(&arena, span_of("abc", 2));

    ck_assert_str_eq(arena_text(&arena, span_of("hello", 4)), "hell");
    ck_assert_str_eq(arena_text(&arena, (struct span){0}), "");
    ck_assert_str_eq(arena_strdup(&arena, "x"), "x");
    ck_assert_str_eq(arena_printf(&arena, "%s-%d", "trial", 17), "trial-17");
    ck_assert(span_is(copy, "ab"));
    arena_fini(&arena);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("arena");
    TCase *tcase = tcase_create("arena");

    tcase_add_test(tcase, allocations_are_aligned_and_apart);
    tcase_add_test(tcase, a_reset_keeps_the_blocks);
    tcase_add_test(tcase, something_large_goes_between_kept_blocks);
    tcase_add_test(tcase, texts_are_copied_and_terminated);
    suite_add_tcase(suite, tcase);
    return suite;
}
