/* links: head */
#include <check.h>
#include <string.h>

#include "common/err.h"
#include "common/json.h"
#include "common/value.h"
#include "head/core/core.h"
#include "head/query.h"
#include "tests/lib/run_suite.h"

static struct view *view;
static struct core *core;
static struct arena arena;

static void setup(void)
{
    arena_init(&arena);
    view = view_new(NULL);
    core = core_new();
}

static void teardown(void)
{
    core_free(core);
    view_free(view);
    arena_fini(&arena);
}

static struct span packed_spec(const char *text)
{
    struct json_error error;
    struct value value;
    struct buf packed = {0};
    struct span out;

    ck_assert_int_eq(json_read(span_text(text), &arena, &value, &error), 0);
    value_pack(&value, &packed);
    out = arena_copy(&arena, buf_span(&packed));
    buf_fini(&packed);
    return out;
}

static void apply_experiment(uint32_t total, uint32_t created)
{
    struct effect effect = {.type = EFFECT_EXPERIMENT};

    effect.experiment = (struct effect_experiment){
        .experiment = 1,
        .name = span_text("e"),
        .total = total,
        .created = created,
        .folder = span_text("/tmp/e"),
        .spec = packed_spec("{\"run\": {\"command\": \"true\"}, \"metric\": \"loss\", "
                            "\"mode\": \"min\", \"local_dir\": \"/tmp\"}"),
    };
    view_apply(view, &effect);
}

static void apply_trial(uint32_t number, enum trial_state state, double best)
{
    struct effect effect = {.type = EFFECT_TRIAL};

    effect.trial = (struct effect_trial){.experiment = 1,
                                         .trial = number,
                                         .state = state,
                                         .attempt = 1,
                                         .node = NUMBER_NONE,
                                         .has_best = best >= 0,
                                         .best = best};
    if (view_experiment(view, 1) == NULL ||
        view_trial(view_experiment(view, 1), number, &arena) == NULL) {
        effect.trial.id = span_text("abcdef01");
        effect.trial.name = span_text(arena_printf(&arena, "e_%u", number));
        effect.trial.tag = span_text(arena_printf(&arena, "%u", number));
    }
    view_apply(view, &effect);
}

START_TEST(rows_come_in_the_order_of_their_change)
{
    struct msg_trials ask = {.experiment = 1};
    struct msg_trial_rows rows;
    const struct msg_trial_row *row;
    bool nothing;

    apply_experiment(3, 3);
    for (uint32_t i = 0; i < 3; i++)
        apply_trial(i, TRIAL_PENDING, -1);
    apply_trial(0, TRIAL_RUNNING, -1);
    ck_assert_int_eq(query_trials(view, &ask, &arena, &rows, &nothing), 0);
    ck_assert_uint_eq(rows.rows.count, 3);
    row = rows.rows.items;
    ck_assert_uint_eq(row[0].trial, 1);
    ck_assert_uint_eq(row[2].trial, 0);
    ck_assert(span_is(row[2].state, "RUNNING"));
    ck_assert(!rows.more);

    ask.after_version = rows.version;
    ck_assert_int_eq(query_trials(view, &ask, &arena, &rows, &nothing), 0);
    ck_assert(nothing);
    apply_trial(2, TRIAL_STARTING, -1);
    ck_assert_int_eq(query_trials(view, &ask, &arena, &rows, &nothing), 0);
    ck_assert_uint_eq(rows.rows.count, 1);
    row = rows.rows.items;
    ck_assert_uint_eq(row[0].trial, 2);
}
END_TEST

START_TEST(a_page_goes_on_where_the_one_before_ended)
{
    struct msg_trials ask = {.experiment = 1, .limit = 2};
    struct msg_trial_rows rows;
    uint32_t seen = 0;
    bool nothing;

    apply_experiment(5, 5);
    for (uint32_t i = 0; i < 5; i++)
        apply_trial(i, TRIAL_PENDING, -1);
    do {
        ck_assert_int_eq(query_trials(view, &ask, &arena, &rows, &nothing), 0);
        seen += rows.rows.count;
        ask.after_version = rows.version;
    } while (rows.more);
    ck_assert_uint_eq(seen, 5);
}
END_TEST

START_TEST(the_best_come_first)
{
    struct msg_best ask = {.experiment = 1, .count = 2};
    struct msg_trial_rows rows;
    const struct msg_trial_row *row;

    apply_experiment(4, 4);
    apply_trial(0, TRIAL_DONE, 0.5);
    apply_trial(1, TRIAL_DONE, 0.1);
    apply_trial(2, TRIAL_DONE, -1);
    apply_trial(3, TRIAL_DONE, 0.1);
    ck_assert_int_eq(query_best(view, &ask, &arena, &rows), 0);
    ck_assert_uint_eq(rows.rows.count, 2);
    row = rows.rows.items;
    ck_assert_uint_eq(row[0].trial, 1);
    ck_assert_uint_eq(row[1].trial, 3);
}
END_TEST

/* The reference's example: RUNNING 16, TERMINATED 1, PENDING 31 get limits 10, 1, 10. */
START_TEST(a_status_is_cut_as_tune_cuts_it)
{
    struct msg_status ask = {.experiment = 1};
    struct msg_status_reply reply;
    const struct msg_status_group *group;

    apply_experiment(48, 48);
    for (uint32_t i = 0; i < 48; i++)
        apply_trial(i, i < 16 ? TRIAL_RUNNING : i == 16 ? TRIAL_DONE : TRIAL_PENDING, -1);
    ck_assert_int_eq(query_status(view, core, &ask, true, &arena, &reply), 0);
    ck_assert_uint_eq(reply.groups.count, 3);
    group = reply.groups.items;
    ck_assert(span_is(group[0].state, "RUNNING"));
    ck_assert_uint_eq(group[0].rows.count, 10);
    ck_assert_uint_eq(group[0].shown_first, 5);
    ck_assert_uint_eq(group[1].count, 1);
    ck_assert_uint_eq(group[1].rows.count, 1);
    ck_assert_uint_eq(group[2].count, 31);
    ck_assert_uint_eq(group[2].rows.count, 10);
    ck_assert_uint_eq(((const struct msg_trial_row *)group[2].rows.items)[9].trial, 47);

    ask.whole = true;
    ck_assert_int_eq(query_status(view, core, &ask, true, &arena, &reply), 0);
    group = reply.groups.items;
    ck_assert_uint_eq(group[2].rows.count, 31);
}
END_TEST

START_TEST(trials_that_are_not_proposed_yet_are_pending)
{
    struct msg_status ask = {.experiment = 1};
    struct msg_status_reply reply;
    const struct msg_status_group *group;

    apply_experiment(100, 2);
    apply_trial(0, TRIAL_RUNNING, -1);
    apply_trial(1, TRIAL_PENDING, -1);
    ck_assert_int_eq(query_status(view, core, &ask, true, &arena, &reply), 0);
    group = reply.groups.items;
    ck_assert_uint_eq(group[1].count, 99);
    ck_assert_uint_eq(group[1].rows.count, 1);
}
END_TEST

START_TEST(what_is_not_there_is_not_found)
{
    struct msg_status status = {.experiment = 7};
    struct msg_show show = {.experiment = 1, .trial = 3};
    struct msg_status_reply reply;
    struct msg_show_reply shown;

    apply_experiment(1, 1);
    ck_assert_int_eq(query_status(view, core, &status, true, &arena, &reply), ERR_NOT_FOUND);
    ck_assert_int_eq(query_show(view, core, &show, &arena, &shown), ERR_NOT_FOUND);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("query");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, rows_come_in_the_order_of_their_change);
    tcase_add_test(tc, a_page_goes_on_where_the_one_before_ended);
    tcase_add_test(tc, the_best_come_first);
    tcase_add_test(tc, a_status_is_cut_as_tune_cuts_it);
    tcase_add_test(tc, trials_that_are_not_proposed_yet_are_pending);
    tcase_add_test(tc, what_is_not_there_is_not_found);
    suite_add_tcase(s, tc);
    return s;
}
