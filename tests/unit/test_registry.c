/* links: core */
#include "tests/lib/run_suite.h"
#include "tests/unit/core_rig.h"

#define TOKEN "token_create id=%016x secret_hash=%064x role=%u uses=%u expires_ms=%u principal=1"

static struct rig rig;

static void setup(void)
{
    rig_init(&rig);
    rig_principals(&rig);
}

static void teardown(void)
{
    rig_fini(&rig);
}

static enum core_answer create(unsigned id, unsigned role, unsigned uses, unsigned expires_ms)
{
    char line[256];

    (void)snprintf(line, sizeof(line), TOKEN, id, 9u, role, uses, expires_ms);
    return rig_step(&rig, line);
}

static enum core_answer join(unsigned id, unsigned secret, unsigned key)
{
    char line[256];

    (void)snprintf(line, sizeof(line), "join token=%016x secret_hash=%064x key=%064x name=n", id,
                   secret, key);
    return rig_step(&rig, line);
}

static uint32_t reply_code(void)
{
    return rig_effect(&rig, EFFECT_REPLY, 0)->reply.code;
}

START_TEST(a_token_lets_in_as_many_as_it_says)
{
    ck_assert(create(1, ROLE_WORKER, 2, 5000) == CORE_ADMITTED);
    ck_assert(join(1, 9, 100) == CORE_ADMITTED);
    ck_assert_uint_eq(rig_effect(&rig, EFFECT_PRINCIPAL, 0)->principal.principal, 5);
    ck_assert_uint_eq(rig_effect(&rig, EFFECT_TOKEN, 0)->token.uses_left, 1);
    ck_assert(join(1, 9, 101) == CORE_ADMITTED);
    ck_assert(join(1, 9, 102) == CORE_REFUSED);
    ck_assert_uint_eq(reply_code(), REPLY_DENIED);
    ck_assert(core_role(rig.core, 5) == ROLE_WORKER && core_role(rig.core, 6) == ROLE_WORKER);
    ck_assert(core_role(rig.core, 7) == ROLE_NONE && core_role(rig.core, 0) == ROLE_NONE);
}
END_TEST

START_TEST(a_known_key_gets_its_number_again)
{
    ck_assert(create(1, ROLE_WORKER, 1, 5000) == CORE_ADMITTED);
    ck_assert(join(1, 9, 100) == CORE_ADMITTED);
    ck_assert(join(1, 9, 100) == CORE_REFUSED);
    ck_assert_uint_eq(reply_code(), REPLY_OK);
    ck_assert_uint_eq(rig_effect(&rig, EFFECT_REPLY, 0)->reply.experiment, 5);
    ck_assert_uint_eq(rig_effect(&rig, EFFECT_REPLY, 0)->reply.role, ROLE_WORKER);
    ck_assert_uint_eq(rig_effect(&rig, EFFECT_REPLY, 0)->reply.origin, 7);
}
END_TEST

/* Every way to fail is answered with the same words. */
START_TEST(failures_are_alike)
{
    struct span why = {0};
    char kept[256] = "";

    ck_assert(create(1, ROLE_WORKER, 1, 5000) == CORE_ADMITTED);
    ck_assert(create(2, ROLE_WORKER, 1, 1000) == CORE_ADMITTED);
    ck_assert(create(3, ROLE_WORKER, 1, 5000) == CORE_ADMITTED);
    ck_assert(rig_step(&rig, "token_revoke id=0000000000000003") == CORE_ADMITTED);
    for (int i = 0; i < 4; i++) {
        static const unsigned ids[] = {1, 2, 3, 4};
        static const unsigned secrets[] = {8, 9, 9, 9};

        ck_assert(join(ids[i], secrets[i], 100) == CORE_REFUSED);
        ck_assert_uint_eq(reply_code(), REPLY_DENIED);
        why = rig_effect(&rig, EFFECT_REPLY, 0)->reply.why;
        if (i == 0)
            (void)snprintf(kept, sizeof(kept), "%.*s", SPAN(why));
        ck_assert(span_is(why, kept));
    }
}
END_TEST

START_TEST(tokens_expire_with_the_time_of_the_turn)
{
    ck_assert(create(1, ROLE_SUBMIT, 9, 2000) == CORE_ADMITTED);
    rig.now_ms = 1999;
    ck_assert(join(1, 9, 100) == CORE_ADMITTED);
    rig.now_ms = 2000;
    ck_assert(join(1, 9, 101) == CORE_REFUSED);
}
END_TEST

START_TEST(dead_tokens_make_room)
{
    for (unsigned i = 1; i <= LIMIT_TOKENS; i++)
        ck_assert(create(i, ROLE_WORKER, 1, i == 1 ? 2000 : 5000) == CORE_ADMITTED);
    ck_assert(create(LIMIT_TOKENS + 1, ROLE_WORKER, 1, 5000) == CORE_REFUSED);
    ck_assert_uint_eq(reply_code(), REPLY_LIMIT);
    rig.now_ms = 3000;
    ck_assert(create(LIMIT_TOKENS + 1, ROLE_WORKER, 1, 5000) == CORE_ADMITTED);
    ck_assert(join(LIMIT_TOKENS + 1, 9, 100) == CORE_ADMITTED);
    ck_assert(join(2, 9, 101) == CORE_ADMITTED);
}
END_TEST

START_TEST(a_revoked_key_is_out)
{
    char line[160];

    (void)snprintf(line, sizeof(line), "principal_add key=%064x role=0 name=p3", 3);
    ck_assert(rig_step(&rig, line) == CORE_ADMITTED);
    ck_assert(rig_effect(&rig, EFFECT_PRINCIPAL, 0)->principal.revoked);
    ck_assert(core_role(rig.core, 3) == ROLE_NONE);
    ck_assert(create(1, ROLE_WORKER, 1, 5000) == CORE_ADMITTED);
    ck_assert(join(1, 9, 3) == CORE_REFUSED);
    (void)snprintf(line, sizeof(line), "principal_add key=%064x role=2 name=p3", 3);
    ck_assert(rig_step(&rig, line) == CORE_ADMITTED);
    ck_assert_uint_eq(rig_effect(&rig, EFFECT_PRINCIPAL, 0)->principal.principal, 3);
    ck_assert(rig_step(&rig, line) == CORE_REFUSED);
}
END_TEST

static unsigned revoked_keys(void)
{
    unsigned count = 0;

    for (size_t i = 0; i < rig.effects.count; i++)
        count +=
            rig.effects.items[i].type == EFFECT_PRINCIPAL && rig.effects.items[i].principal.revoked;
    return count;
}

START_TEST(a_revoked_token_takes_its_keys_along)
{
    ck_assert(create(1, ROLE_SUBMIT, 2, 5000) == CORE_ADMITTED);
    ck_assert(create(2, ROLE_SUBMIT, 1, 5000) == CORE_ADMITTED);
    ck_assert(join(1, 9, 100) == CORE_ADMITTED);
    ck_assert(join(2, 9, 101) == CORE_ADMITTED);
    ck_assert(join(1, 9, 102) == CORE_ADMITTED);
    ck_assert(rig_step(&rig, "token_revoke id=0000000000000001") == CORE_ADMITTED);
    ck_assert_uint_eq(reply_code(), REPLY_OK);
    ck_assert_uint_eq(revoked_keys(), 2);
    ck_assert(core_role(rig.core, 5) == ROLE_NONE && core_role(rig.core, 7) == ROLE_NONE);
    ck_assert(core_role(rig.core, 6) == ROLE_SUBMIT);
    ck_assert(rig_step(&rig, "token_revoke id=0000000000000001") == CORE_REFUSED);
    ck_assert_uint_eq(reply_code(), REPLY_OK);
    ck_assert(join(2, 9, 100) == CORE_REFUSED); /* the key is out, whatever it shows */
    ck_assert_uint_eq(reply_code(), REPLY_DENIED);
}
END_TEST

START_TEST(a_forgotten_token_still_takes_its_keys_along)
{
    ck_assert(create(1, ROLE_READ, 1, 2000) == CORE_ADMITTED);
    ck_assert(join(1, 9, 100) == CORE_ADMITTED);
    for (unsigned i = 2; i <= LIMIT_TOKENS + 1; i++)
        ck_assert(create(i, ROLE_WORKER, 1, 5000) == CORE_ADMITTED);
    ck_assert(rig_step(&rig, "token_revoke id=0000000000000001") == CORE_ADMITTED);
    ck_assert_uint_eq(revoked_keys(), 1);
    ck_assert(core_role(rig.core, 5) == ROLE_NONE);
}
END_TEST

START_TEST(a_revoked_workers_trials_are_run_elsewhere)
{
    static const char submit[] =
        "submit submission=00112233445566778899aabbccddeeff principal=3 "
        "spec={\"name\":\"e\",\"run\":{\"command\":\"true\"},\"local_dir\":\"/x\"}";
    const struct effect *launch;
    const struct effect *row;
    struct buf image = {0};

    ck_assert(create(1, ROLE_WORKER, 1, 5000) == CORE_ADMITTED);
    ck_assert(join(1, 9, 100) == CORE_ADMITTED);
    ck_assert(rig_turn(&rig, "node_back principal=5 name=n capacity={cpu=10000} credit=1") ==
              CORE_ADMITTED);
    ck_assert(rig_turn(&rig, submit) == CORE_ADMITTED);
    launch = rig_effect(&rig, EFFECT_LAUNCH, 0);
    ck_assert_uint_eq(launch->launch.node, 5);
    ck_assert(rig_turn(&rig, "node_back principal=2 name=m capacity={cpu=10000} credit=1") ==
              CORE_ADMITTED);

    /* Whose token it was is in the image, too. */
    core_save(rig.core, &image);
    core_free(rig.core);
    rig.core = core_new();
    ck_assert_int_eq(core_load(rig.core, buf_span(&image)), 0);
    buf_fini(&image);

    ck_assert(rig_turn(&rig, "token_revoke id=0000000000000001") == CORE_ADMITTED);
    launch = rig_effect(&rig, EFFECT_LAUNCH, 0);
    ck_assert_uint_eq(launch->launch.node, 2);
    ck_assert_uint_eq(launch->launch.attempt, 2);
    row = rig_effect(&rig, EFFECT_NODE, 0);
    ck_assert(row->node.node != 5 || row->node.state == NODE_LOST);
    /* What it still says counts for nothing. */
    ck_assert(rig_step(&rig, "report node=5 experiment=1 trial=0 attempt=1 first_seq=1") ==
              CORE_REFUSED);
    ck_assert(rig_step(&rig, "node_back principal=5 name=n capacity={cpu=10000} credit=1") ==
              CORE_REFUSED);
}
END_TEST

START_TEST(a_revoked_admins_tokens_let_nobody_in)
{
    char line[256];

    ck_assert(create(1, ROLE_ADMIN, 1, 5000) == CORE_ADMITTED);
    ck_assert(join(1, 9, 100) == CORE_ADMITTED);
    (void)snprintf(line, sizeof(line),
                   "token_create id=%016x secret_hash=%064x role=%u uses=9 expires_ms=5000 "
                   "principal=5",
                   2u, 9u, ROLE_WORKER);
    ck_assert(rig_step(&rig, line) == CORE_ADMITTED);
    ck_assert(join(2, 9, 101) == CORE_ADMITTED);
    ck_assert(rig_step(&rig, "token_revoke id=0000000000000001") == CORE_ADMITTED);
    ck_assert(join(2, 9, 102) == CORE_REFUSED);
    ck_assert(core_role(rig.core, 6) == ROLE_WORKER); /* who is in stays */
}
END_TEST

START_TEST(damaged_requests_are_refused)
{
    ck_assert(rig_step(&rig, "principal_add key=aabb role=1 name=x") == CORE_REFUSED);
    ck_assert(rig_step(&rig, "join token=01 secret_hash=02 key=03 name=x") == CORE_REFUSED);
    ck_assert(create(1, ROLE_NONE, 1, 5000) == CORE_REFUSED);
    ck_assert(create(1, ROLE_WORKER, 0, 5000) == CORE_REFUSED);
    ck_assert(create(1, ROLE_WORKER, 1, 5000) == CORE_ADMITTED);
    ck_assert(create(1, ROLE_WORKER, 1, 5000) == CORE_REFUSED);
    ck_assert_uint_eq(reply_code(), REPLY_CONFLICT);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("registry");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_token_lets_in_as_many_as_it_says);
    tcase_add_test(tc, a_known_key_gets_its_number_again);
    tcase_add_test(tc, failures_are_alike);
    tcase_add_test(tc, tokens_expire_with_the_time_of_the_turn);
    tcase_add_test(tc, dead_tokens_make_room);
    tcase_add_test(tc, a_revoked_key_is_out);
    tcase_add_test(tc, a_revoked_token_takes_its_keys_along);
    tcase_add_test(tc, a_forgotten_token_still_takes_its_keys_along);
    tcase_add_test(tc, a_revoked_workers_trials_are_run_elsewhere);
    tcase_add_test(tc, a_revoked_admins_tokens_let_nobody_in);
    tcase_add_test(tc, damaged_requests_are_refused);
    suite_add_tcase(s, tc);
    return s;
}
