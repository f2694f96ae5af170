/* links: common */
#include <stdio.h>

#include "common/pack.h"
#include "common/unique.h"
#include "tests/lib/run_suite.h"

static struct arena arena;

static bool is_unique(const struct buf *packed)
{
    bool unique = unique_keys(buf_span(packed), &arena);

    arena_reset(&arena);
    return unique;
}

/* {"k0": 0, ...}, the last of them with the name of `as`. */
static void pack_keys(uint32_t count, uint32_t as, struct buf *out)
{
    char name[16];

    pack_map(out, count);
    for (uint32_t i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "k%u", i + 1 < count ? i : as);
        pack_text(out, name);
        pack_int(out, i);
    }
}

START_TEST(a_key_twice_is_found_whatever_the_size)
{
    static const uint32_t counts[] = {2, 3, 15, 16, 17, 18, 500, 5000};
    struct buf packed = {0};

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        uint32_t count = counts[i];

        buf_reset(&packed);
        pack_keys(count, count - 1, &packed);
        ck_assert(is_unique(&packed));
        for (uint32_t as = 0; as < count - 1; as += 1 + count / 7) {
            buf_reset(&packed);
            pack_keys(count, as, &packed);
            ck_assert(!is_unique(&packed));
        }
    }
    buf_fini(&packed);
}
END_TEST

START_TEST(the_same_key_in_two_maps_is_fine)
{
    struct buf packed = {0};

    pack_map(&packed, 2);
    pack_text(&packed, "a");
    pack_keys(3, 2, &packed);
    pack_text(&packed, "k0");
    pack_list(&packed, 2);
    pack_keys(3, 2, &packed);
    pack_keys(20, 19, &packed);
    ck_assert(is_unique(&packed));
    buf_fini(&packed);
}
END_TEST

START_TEST(one_deep_inside_is_found)
{
    struct buf packed = {0};

    pack_map(&packed, 2);
    pack_text(&packed, "a");
    pack_int(&packed, 1);
    pack_text(&packed, "b");
    pack_list(&packed, 2);
    pack_nil(&packed);
    pack_keys(3, 0, &packed);
    ck_assert(!is_unique(&packed));
    buf_fini(&packed);
}
END_TEST

START_TEST(keys_are_compared_whole)
{
    struct buf packed = {0};

    pack_map(&packed, 4);
    for (int i = 0; i < 4; i++) {
        pack_text(&packed, ((const char *[]){"", "a", "aa", "ab"})[i]);
        pack_nil(&packed);
    }
    ck_assert(is_unique(&packed));
    buf_reset(&packed);
    pack_map(&packed, 2);
    for (int i = 0; i < 2; i++) {
        pack_text(&packed, "");
        pack_nil(&packed);
    }
    ck_assert(!is_unique(&packed));
    buf_reset(&packed);
    pack_double(&packed, 1.5);
    ck_assert(is_unique(&packed));
    buf_fini(&packed);
    arena_fini(&arena);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("unique");
    TCase *tc = tcase_create("all");

    tcase_add_test(tc, a_key_twice_is_found_whatever_the_size);
    tcase_add_test(tc, the_same_key_in_two_maps_is_fine);
    tcase_add_test(tc, one_deep_inside_is_found);
    tcase_add_test(tc, keys_are_compared_whole);
    suite_add_tcase(s, tc);
    return s;
}
