/* links: core */
#include <stdlib.h>

#include "common/err.h"
#include "common/rng.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/core_rig.h"

static struct rig rig;
static struct buf image;

/* A core with a bit of everything. */
static void setup(void)
{
    rig_init(&rig);
    rig_principals(&rig);
    buf_init(&image);
    ck_assert(rig_turn(&rig, "token_create id=0011223344556677 secret_hash="
                             "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff "
                             "role=1 uses=3 expires_ms=5000 principal=1") == CORE_ADMITTED);
    rig_submit(&rig, 1, 7, "");
    rig_submit(&rig, 2, 5,
               ",\"resources_per_trial\":{\"cpu\":1,\"gpu\":0.5,"
               "\"custom_resources\":{\"licence\":1}}");
    rig_submit(&rig, 3, 9,
               ",\"scheduler\":{\"type\":\"async_hyperband\",\"metric\":\"m\","
               "\"mode\":\"max\",\"max_t\":9}");
    ck_assert(rig_turn(&rig, "node_back principal=2 name=n hostname=h node_ip=i incarnation=3 "
                             "capacity={cpu=60000 custom=[{name=licence amount=20000}]} gpus=2 "
                             "credit=9") == CORE_ADMITTED);
    ck_assert(rig_turn(&rig, "stop experiment=1 trial=6 principal=3") == CORE_ADMITTED);
    core_save(rig.core, &image);
}

static void teardown(void)
{
    rig_fini(&rig);
    buf_fini(&image);
}

START_TEST(a_loaded_core_is_the_same)
{
    struct core *copy = core_new();
    struct buf again = {0};

    ck_assert_int_eq(core_load(copy, buf_span(&image)), 0);
    core_save(copy, &again);
    ck_assert(span_equal(buf_span(&image), buf_span(&again)));
    ck_assert(core_digest(copy) == core_digest(rig.core));
    ck_assert(core_check(copy) == NULL);
    core_free(copy);
    buf_fini(&again);
}
END_TEST

START_TEST(a_description_tells_everything)
{
    struct core *copy = core_new();

    rig_reset(&rig);
    ck_assert_int_eq(core_load(copy, buf_span(&image)), 0);
    core_describe(copy, &rig.effects);
    core_free(copy);
    ck_assert_uint_eq(rig_count(&rig, EFFECT_PRINCIPAL), 4);
    ck_assert_uint_eq(rig_count(&rig, EFFECT_TOKEN), 1);
    ck_assert_uint_eq(rig_count(&rig, EFFECT_NODE), 1);
    ck_assert_uint_eq(rig_count(&rig, EFFECT_EXPERIMENT), 3);
    ck_assert_uint_eq(rig_count(&rig, EFFECT_TRIAL), 6 + 5 + 9);
    ck_assert_uint_gt(rig_effect(&rig, EFFECT_EXPERIMENT, 2)->experiment.spec.size, 0);
    ck_assert_uint_eq(rig_effect(&rig, EFFECT_TRIAL, 0)->trial.id.size, 8);
}
END_TEST

START_TEST(an_image_that_is_cut_off_is_refused)
{
    for (size_t size = 0; size < image.size; size += 1 + size / 200) {
        struct core *copy = core_new();

        ck_assert_int_eq(core_load(copy, span_of(image.data, size)), ERR_MALFORMED);
        core_free(copy);
    }
}
END_TEST

START_TEST(another_version_is_told_apart)
{
    const uint8_t format_99[] = {0x97, 99, 0, 0, 0, 0, 0, 0};
    struct core *copy = core_new();

    ck_assert_int_eq(core_load(copy, span_of(format_99, sizeof(format_99))), ERR_VERSION);
    core_free(copy);
}
END_TEST

/* One byte is another: either it is found, or the core that comes out is sound. */
START_TEST(damage_never_breaks_the_ledger)
{
    for (uint32_t i = 0; i < 3000; i++) {
        size_t at = rng_below(1, 0, i, image.size);
        uint8_t kept = image.data[at];
        struct core *copy = core_new();

        image.data[at] = (uint8_t)rng_u64(1, 1, i);
        if (core_load(copy, buf_span(&image)) == 0)
            ck_assert(core_check(copy) == NULL);
        image.data[at] = kept;
        core_free(copy);
    }
}
END_TEST

START_TEST(digests_differ_with_the_state)
{
    uint64_t before = core_digest(rig.core);

    ck_assert(rig_turn(&rig, "drain node=2 on=true") == CORE_ADMITTED);
    ck_assert(core_digest(rig.core) != before);
    ck_assert(rig_turn(&rig, "drain node=2") == CORE_ADMITTED);
}
END_TEST

/* What is refused changes no byte. */
START_TEST(refusals_leave_no_trace)
{
    static const char *const lines[] = {
        "tick",
        "stop experiment=1 trial=6 principal=3",
        "stop experiment=1 trial=4294967295 principal=4",
        "remove experiment=1 principal=3",
        "node_lost node=9 reason=x",
        "node_back principal=3 name=n credit=1",
        "drain node=2",
        "report node=2 experiment=1 trial=0 attempt=9 first_seq=1",
        "report node=2 experiment=1 trial=0 attempt=1 first_seq=9",
        "submit submission=00112233445566778899aabbccddeeff principal=3 spec={}",
        "token_revoke id=0000000000000000",
    };
    uint64_t before = core_digest(rig.core);

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        ck_assert_msg(rig_step(&rig, lines[i]) == CORE_REFUSED, "%s", lines[i]);
        ck_assert_msg(core_digest(rig.core) == before, "%s", lines[i]);
        ck_assert_uint_eq(rig.tape.written.size, 0);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("image");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_loaded_core_is_the_same);
    tcase_add_test(tc, a_description_tells_everything);
    tcase_add_test(tc, an_image_that_is_cut_off_is_refused);
    tcase_add_test(tc, another_version_is_told_apart);
    tcase_add_test(tc, damage_never_breaks_the_ledger);
    tcase_add_test(tc, digests_differ_with_the_state);
    tcase_add_test(tc, refusals_leave_no_trace);
    suite_add_tcase(s, tc);
    return s;
}
