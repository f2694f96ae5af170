#include <check.h>
#include <math.h>

#include "common/resource.h"
#include "tests/lib/run_suite.h"

#define UNITS(n) ((int64_t)((n)*RESOURCE_ONE))

static struct arena arena;

static void setup(void)
{
    arena_init(&arena);
}

static void teardown(void)
{
    arena_fini(&arena);
}

static struct resources with_custom(const char *name, int64_t amount)
{
    struct resource_custom *item = arena_alloc(&arena, sizeof(*item));

    *item = (struct resource_custom){span_text(name), amount};
    return (struct resources){.custom = {item, 1}};
}

START_TEST(amounts_are_rounded_and_checked)
{
    int64_t amount = -7;

    ck_assert(resource_amount(1, &amount) && amount == 10000);
    ck_assert(resource_amount(0.1 + 0.2, &amount) && amount == 3000);
    ck_assert(resource_amount(0.00004, &amount) && amount == 0);
    ck_assert(resource_amount(0.00005, &amount) && amount == 1);
    amount = -7;
    ck_assert(!resource_amount(-0.5, &amount));
    ck_assert(!resource_amount(NAN, &amount));
    ck_assert(!resource_amount(INFINITY, &amount));
    ck_assert(!resource_amount(1.1e9, &amount));
    ck_assert_int_eq(amount, -7);
}
END_TEST

START_TEST(fits_up_to_the_last_unit)
{
    struct resources capacity = {.cpu = UNITS(4), .memory_bytes = 1000};
    struct resources used = {.cpu = UNITS(3), .memory_bytes = 400};
    struct resources need = {.cpu = UNITS(1), .memory_bytes = 600};
    struct gpu_pool pool = {0};

    ck_assert(resources_fit(&capacity, &used, &pool, &need));
    need.cpu++;
    ck_assert(!resources_fit(&capacity, &used, &pool, &need));
    need.cpu--;
    need.memory_bytes++;
    ck_assert(!resources_fit(&capacity, &used, &pool, &need));
}
END_TEST

START_TEST(custom_amounts_go_by_name)
{
    struct resources capacity = with_custom("licence", UNITS(3));
    struct resources two = with_custom("licence", UNITS(2));
    struct resources other = with_custom("disk", UNITS(1));
    struct resources used = {0};
    struct gpu_pool pool = {0};
    struct resource_custom *items;

    ck_assert(resources_fit(&capacity, &used, &pool, &two));
    resources_add(&used, &two, &arena);
    ck_assert(!resources_fit(&capacity, &used, &pool, &two));
    ck_assert(!resources_fit(&capacity, &used, &pool, &other));
    resources_add(&used, &other, &arena);
    items = used.custom.items;
    ck_assert_uint_eq(used.custom.count, 2);
    ck_assert(span_is(items[0].name, "disk") && span_is(items[1].name, "licence"));
    resources_subtract(&used, &two);
    ck_assert(resources_fit(&capacity, &used, &pool, &two));
}
END_TEST

START_TEST(sums_leave_no_dust)
{
    struct resources used = {0};
    struct resources need = {0};

    ck_assert(resource_amount(0.1, &need.cpu));
    for (int i = 0; i < 1000; i++)
        resources_add(&used, &need, &arena);
    ck_assert_int_eq(used.cpu, UNITS(100));
    for (int i = 0; i < 1000; i++)
        resources_subtract(&used, &need);
    ck_assert_int_eq(used.cpu, 0);
}
END_TEST

START_TEST(whole_gpus_are_free_devices)
{
    struct gpu_pool pool = {.count = 4};
    struct gpu_share one, two, none;

    pool.used[1] = 1;
    ck_assert(gpu_take(&pool, UNITS(2), &two));
    ck_assert_uint_eq(two.count, 2);
    ck_assert_uint_eq(two.device[0], 0);
    ck_assert_uint_eq(two.device[1], 2);
    ck_assert(!gpu_take(&pool, UNITS(2), &one));
    ck_assert(gpu_take(&pool, UNITS(1), &one));
    ck_assert_uint_eq(one.device[0], 3);
    gpu_give(&pool, &two);
    ck_assert_int_eq(pool.used[0] + pool.used[2], 0);
    ck_assert(gpu_take(&pool, 0, &none));
    ck_assert_uint_eq(none.count, 0);
}
END_TEST

START_TEST(fractions_fill_the_fullest_device)
{
    struct gpu_pool pool = {.count = 3};
    struct gpu_share share;

    pool.used[1] = 5000;
    pool.used[2] = 7500;
    ck_assert(gpu_take(&pool, 2500, &share));
    ck_assert_uint_eq(share.device[0], 2);
    ck_assert(gpu_take(&pool, 2500, &share));
    ck_assert_uint_eq(share.device[0], 1);
    ck_assert(gpu_take(&pool, 5000, &share));
    ck_assert_uint_eq(share.device[0], 0);
    ck_assert(!gpu_take(&pool, 6000, &share));
    ck_assert(!gpu_take(&pool, UNITS(1.5), &share));
}
END_TEST

START_TEST(fractions_are_never_spread)
{
    struct gpu_pool pool = {.count = 2, .used = {6000, 6000}};
    struct resources capacity = {0};
    struct resources need = {.gpu = 8000};

    ck_assert(!resources_fit(&capacity, &capacity, &pool, &need));
    need.gpu = 4000;
    ck_assert(resources_fit(&capacity, &capacity, &pool, &need));
}
END_TEST

START_TEST(summary_is_as_tunes)
{
    struct resources resources = with_custom("licence", UNITS(2));
    struct buf out = {0};

    resources.cpu = UNITS(1);
    resources.gpu = UNITS(0.5);
    resources_summary(&resources, &out);
    ck_assert_str_eq(buf_text(&out), "1 CPUs, 0.5 GPUs (2 licence)");
    buf_reset(&out);
    resources.custom.count = 0;
    resources_summary(&resources, &out);
    ck_assert_str_eq(buf_text(&out), "1 CPUs, 0.5 GPUs");
    buf_fini(&out);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("resource");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, amounts_are_rounded_and_checked);
    tcase_add_test(tc, fits_up_to_the_last_unit);
    tcase_add_test(tc, custom_amounts_go_by_name);
    tcase_add_test(tc, sums_leave_no_dust);
    tcase_add_test(tc, whole_gpus_are_free_devices);
    tcase_add_test(tc, fractions_fill_the_fullest_device);
    tcase_add_test(tc, fractions_are_never_spread);
    tcase_add_test(tc, summary_is_as_tunes);
    suite_add_tcase(s, tc);
    return s;
}
