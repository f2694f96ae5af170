/* links: core */
/* A schedule of configurations: what the scheduler pbt_replay makes of one, and how the core brings
 * it about. Each step goes through an image. */
#include <math.h>

#include "common/json.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/exploit_rig.h"

#define REPLAY                                                                                     \
    ",\"scheduler\":{\"type\":\"pbt_replay\",\"policy\":[{\"at\":2,\"config\":{\"x\":4}},"         \
    "{\"at\":4,\"config\":{\"y\":\"k\",\"x\":8}},{\"at\":4,\"config\":{\"x\":16}}]}"

#define CONFIG_4  "{\"x\": 4}"
#define CONFIG_16 "{\"x\": 16, \"y\": \"k\"}"

static void setup(void)
{
    rig_init(&rig);
    rig_principals(&rig);
    ck_assert(rig_turn(&rig, "node_back principal=2 name=n hostname=h incarnation=1 "
                             "capacity={cpu=10000} credit=8") == CORE_ADMITTED);
    rig_submit(&rig, 1, 1, REPLAY);
}

static void teardown(void)
{
    rig_fini(&rig);
}

static bool is_config(struct span packed, const char *expected)
{
    struct buf text = {0};
    struct cursor cursor;
    bool is;

    cursor_init(&cursor, packed);
    ck_assert(json_write_packed(&cursor, &text));
    is = strcmp(buf_text(&text), expected) == 0;
    buf_fini(&text);
    return is;
}

/* What the next attempt was launched with; from: its checkpoint's first byte, 0 for none. */
static void check_launched(uint32_t attempt, const char *config, uint8_t from)
{
    const struct effect_launch *launch = &rig_effect(&rig, EFFECT_LAUNCH, 0)->launch;

    ck_assert_uint_eq(launch->attempt, attempt);
    ck_assert_uint_eq(
        launch->checkpoint.size > 0 ? ((const uint8_t *)launch->checkpoint.data)[0] : 0, from);
    if (config != NULL)
        ck_assert(is_config(launch->config, config));
    else
        ck_assert(!is_config(launch->config, CONFIG_4));
}

static double horizon(void)
{
    for (size_t i = 0; i < rig.effects.count; i++)
        if (rig.effects.items[i].type == EFFECT_VERDICT)
            return rig.effects.items[i].verdict.horizon;
    ck_abort_msg("no verdict");
}

static void saves(uint32_t attempt, uint64_t seq, int64_t iteration)
{
    mark(0, attempt, seq, iteration);
    bytes_come(0, attempt, seq + 1);
}

/* The first change has been asked for. */
static void up_to_the_change(void)
{
    begins(0, 1);
    result(0, 1, 2, 1, 1);
    ck_assert_uint_eq(action_for(0), ACTION_CONTINUE);
    ck_assert_double_eq(horizon(), 2);
    result(0, 1, 3, 2, 1);
    ck_assert_uint_eq(action_for(0), ACTION_PAUSE);
}

START_TEST(it_changes_when_it_is_time)
{
    const struct effect_exploit *told;

    up_to_the_change();
    saves(1, 4, 2);
    ends(0, 1, 6, END_STOPPED);
    check_launched(2, CONFIG_4, 1);
    ck_assert_int_eq(rig_effect(&rig, EFFECT_LAUNCH, 0)->launch.counters.training_iteration, 2);
    told = &rig_effect(&rig, EFFECT_EXPLOIT, 0)->exploit;
    ck_assert_uint_eq(told->donor, 0);
    ck_assert_int_eq(told->donor_iteration, 2);
    ck_assert_uint_eq(told->files, 0); /* nobody took over from anybody */
    ck_assert_ptr_nonnull(strstr(trial_of(0)->tag, "@perturbed[x=4]"));

    /* Two at once are one. */
    begins(0, 2);
    result(0, 2, 2, 3, 1);
    ck_assert_uint_eq(action_for(0), ACTION_CONTINUE);
    ck_assert_double_eq(horizon(), 4);
    result(0, 2, 3, 4, 1);
    ck_assert_uint_eq(action_for(0), ACTION_PAUSE);
    saves(2, 4, 4);
    ends(0, 2, 6, END_STOPPED);
    check_launched(3, CONFIG_16, 1);
    ck_assert_ptr_nonnull(strstr(trial_of(0)->tag, "@perturbed[x=16]"));

    begins(0, 3);
    result(0, 3, 2, 5, 1);
    ck_assert_uint_eq(action_for(0), ACTION_CONTINUE);
    ck_assert(isinf(horizon()));
    ck_assert_uint_eq(trial_of(0)->rows, 5);
    ck_assert_uint_eq(trial_of(0)->failures, 0);
}
END_TEST

/* Its node is lost before it has saved: it goes on as it was, and is asked again. */
START_TEST(what_was_lost_on_the_way_is_asked_again)
{
    up_to_the_change();
    ck_assert(rig_turn(&rig, "node_lost node=2 reason=gone") == CORE_ADMITTED);
    ck_assert_ptr_null(strstr(trial_of(0)->tag, "@"));
    ck_assert(rig_turn(&rig, "node_back principal=2 name=n hostname=h incarnation=2 "
                             "capacity={cpu=10000} credit=8") == CORE_ADMITTED);
    check_launched(2, NULL, 0);
    ck_assert_double_eq(rig_effect(&rig, EFFECT_LAUNCH, 0)->launch.horizon, 2);
    begins(0, 2);
    result(0, 2, 2, 1, 1);
    ck_assert_uint_eq(action_for(0), ACTION_CONTINUE);
    result(0, 2, 3, 2, 1);
    ck_assert_uint_eq(action_for(0), ACTION_PAUSE);
    saves(2, 4, 2);
    ends(0, 2, 6, END_STOPPED);
    check_launched(3, CONFIG_4, 1);
}
END_TEST

/* The same with a failure that may be tried again, and a person's pause on the way. */
START_TEST(a_person_pauses_what_is_lost_on_the_way)
{
    up_to_the_change();
    ck_assert(rig_turn(&rig, "pause experiment=1 trial=0 principal=3") == CORE_ADMITTED);
    ck_assert(rig_turn(&rig, "node_lost node=2 reason=gone") == CORE_ADMITTED);
    ck_assert_int_eq(trial_of(0)->state, TRIAL_PAUSED);
    ck_assert_ptr_null(trial_of(0)->exploit);
    ck_assert(rig_turn(&rig, "node_back principal=2 name=n hostname=h incarnation=2 "
                             "capacity={cpu=10000} credit=8") == CORE_ADMITTED);
    ck_assert(rig_turn(&rig, "resume experiment=1 trial=0 principal=3") == CORE_ADMITTED);
    check_launched(2, NULL, 0);
    begins(0, 2);
    result(0, 2, 2, 2, 1);
    ck_assert_uint_eq(action_for(0), ACTION_PAUSE);
}
END_TEST

/* One that does not save begins anew with what it was to have, and is not asked for it again. */
START_TEST(who_does_not_save_begins_anew)
{
    up_to_the_change();
    ends(0, 1, 4, END_STOPPED);
    check_launched(2, CONFIG_4, 0);
    begins(0, 2);
    result(0, 2, 2, 1, 1);
    ck_assert_uint_eq(action_for(0), ACTION_CONTINUE);
    result(0, 2, 3, 2, 1);
    ck_assert_uint_eq(action_for(0), ACTION_CONTINUE);
    ck_assert_double_eq(horizon(), 4);
    result(0, 2, 4, 4, 1);
    ck_assert_uint_eq(action_for(0), ACTION_PAUSE);
}
END_TEST

/* It ends meanwhile, by a person's word: nothing is left of it. */
START_TEST(stopped_on_the_way)
{
    up_to_the_change();
    ck_assert(rig_turn(&rig, "stop experiment=1 trial=0 principal=3") == CORE_ADMITTED);
    ends(0, 1, 4, END_STOPPED);
    ck_assert_ptr_null(trial_of(0));
    ck_assert_uint_eq(rig_count(&rig, EFFECT_EXPLOIT), 0);
}
END_TEST

START_TEST(it_says_what_it_does)
{
    struct buf text = {0};

    begins(0, 1);
    ck_assert(core_explain(rig.core, 1, 0, &text));
    ck_assert_msg(strstr(buf_text(&text), "has asked for 0 of its 3 changes. The next one comes at "
                                          "training_iteration 2.0.") != NULL,
                  "%s", buf_text(&text));
    result(0, 1, 2, 2, 1);
    buf_reset(&text);
    ck_assert(core_explain(rig.core, 1, 0, &text));
    ck_assert_msg(strstr(buf_text(&text), "with another configuration; its program is saving") !=
                      NULL,
                  "%s", buf_text(&text));
    buf_reset(&text);
    ck_assert(core_status_text(rig.core, 1, &text));
    ck_assert_str_eq(buf_text(&text), "PopulationBasedTraining replay: Step 2.0, perturb 1\n");
    buf_fini(&text);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("pbt_replay");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, it_changes_when_it_is_time);
    tcase_add_test(all, what_was_lost_on_the_way_is_asked_again);
    tcase_add_test(all, a_person_pauses_what_is_lost_on_the_way);
    tcase_add_test(all, who_does_not_save_begins_anew);
    tcase_add_test(all, stopped_on_the_way);
    tcase_add_test(all, it_says_what_it_does);
    suite_add_tcase(suite, all);
    return suite;
}
