/* links: client */
#include <check.h>
#include <string.h>

#include "client/status_block.h"
#include "common/json.h"
#include "tests/lib/run_suite.h"

static struct arena arena;

/* A packed map from JSON. */
static struct span packed(const char *json)
{
    struct json_error error;
    struct value value;
    struct buf bytes = {0};
    struct span out;

    ck_assert_int_eq(json_read(span_text(json), &arena, &value, &error), 0);
    value_pack(&value, &bytes);
    out = arena_copy(&arena, buf_span(&bytes));
    buf_fini(&bytes);
    return out;
}

static struct msg_trial_row row(const char *name, const char *state, const char *last)
{
    struct msg_trial_row made = {.name = span_text(name),
                                 .state = span_text(state),
                                 .summary = span_text("1 CPUs, 0 GPUs"),
                                 .folder = span_text("/r/e/t")};

    if (last != NULL)
        made.last = packed(last);
    return made;
}

static const char *progress(const struct msg_trial_row *trial)
{
    struct buf text = {0};
    const char *out;

    status_progress(trial, span_text("here"), &arena, &text);
    out = arena_strdup(&arena, buf_text(&text));
    buf_fini(&text);
    return out;
}

static const char *block(const struct msg_status_reply *status)
{
    struct buf text = {0};
    const char *out;

    status_block(status, &arena, &text);
    out = arena_strdup(&arena, buf_text(&text));
    buf_fini(&text);
    return out;
}

static struct msg_usage usage[] = {
    {{"CPUs", 4}, 1, 8}, {{"GPUs", 4}, 0.5, 2}, {{"licence", 7}, 2, 3}, {{"disk", 4}, 0, 1}};

static struct msg_status_reply reply(void)
{
    return (struct msg_status_reply){.experiment = {.folder = span_text("/r/hyperband_test")},
                                     .scheduler = span_text("Using FIFO scheduling algorithm.\n"),
                                     .usage = {.items = usage, .count = 2},
                                     .memory_used = 3940000000u,
                                     .memory_total = 16800000000u,
                                     .nodes = 1,
                                     .hostname = span_text("here")};
}

START_TEST(before_anything)
{
    struct msg_status_reply status = reply();

    ck_assert_str_eq(block(&status), "== Status ==\n"
                                     "Using FIFO scheduling algorithm.\n"
                                     "Resources requested: 1/8 CPUs, 0.5/2 GPUs\n"
                                     "Memory usage on this node: 3.9/16.8 GB\n"
                                     "\n");
    status.nodes = 0;
    status.memory_used = 16000000000u;
    ck_assert_str_eq(block(&status),
                     "== Status ==\n"
                     "Using FIFO scheduling algorithm.\n"
                     "Resources requested: ?\n"
                     "Memory usage on this node: 16.0/16.8 GB: ***LOW MEMORY*** less than a tenth "
                     "of this machine's memory is free; programs may be killed for it\n"
                     "\n");
}
END_TEST

START_TEST(groups)
{
    struct msg_trial_row running[] = {row("T_0", "RUNNING", NULL), row("T_1", "RUNNING", NULL),
                                      row("T_9", "RUNNING", NULL)};
    struct msg_trial_row pending[] = {row("T_3", "PENDING", NULL)};
    struct msg_status_group all[] = {
        {span_text("RUNNING"), 14, 2, {running, 3}},
        {span_text("PENDING"), 1, 1, {pending, 1}},
    };
    struct msg_status_reply status = reply();

    status.usage.count = 4;
    status.groups = (struct record_list){all, 2};
    ck_assert_str_eq(block(&status),
                     "== Status ==\n"
                     "Using FIFO scheduling algorithm.\n"
                     "Resources requested: 1/8 CPUs, 0.5/2 GPUs (2/3 licence, 0/1 disk)\n"
                     "Memory usage on this node: 3.9/16.8 GB\n"
                     "Result logdir: /r/hyperband_test\n"
                     "Number of trials: 15 ({'RUNNING': 14, 'PENDING': 1})\n"
                     "PENDING trials:\n"
                     " - T_3:\tPENDING\n"
                     "RUNNING trials:\n"
                     " - T_0:\tRUNNING\n"
                     " - T_1:\tRUNNING\n"
                     "  ... 11 not shown\n"
                     " - T_9:\tRUNNING\n"
                     "\n");
}
END_TEST

START_TEST(trials_without_rows)
{
    struct msg_trial_row pending[] = {row("T_3", "PENDING", NULL)};
    struct msg_status_group all[] = {{span_text("PENDING"), 30, 1, {pending, 1}}};
    struct msg_status_reply status = reply();

    status.groups = (struct record_list){all, 1};
    ck_assert_ptr_nonnull(
        strstr(block(&status), "PENDING trials:\n - T_3:\tPENDING\n  ... 29 not shown\n\n"));
}
END_TEST

START_TEST(progress_of_trials)
{
    struct msg_trial_row none = row("T", "PENDING", NULL);
    struct msg_trial_row here =
        row("T", "RUNNING",
            "{\"hostname\": \"here\", \"pid\": 6778, \"time_total_s\": 12.9, "
            "\"training_iteration\": 5, \"timesteps_total\": null, \"episode_reward_mean\": 0.6}");
    struct msg_trial_row there =
        row("T", "ERROR",
            "{\"hostname\": \"n2\", \"pid\": 7, \"time_total_s\": 0.2, \"training_iteration\": "
            "100, \"timesteps_total\": 1000, \"episode_reward_mean\": 84.0, \"mean_loss\": "
            "0.06321, \"mean_accuracy\": 1234.5}");

    there.failures = 2;
    ck_assert_str_eq(progress(&none), "PENDING");
    ck_assert_str_eq(progress(&here),
                     "RUNNING, [1 CPUs, 0 GPUs], [pid=6778], 12 s, 5 iter, 0.6 rew");
    ck_assert_str_eq(progress(&there),
                     "ERROR, 2 failures: /r/e/t/stderr, [1 CPUs, 0 GPUs], [n2 pid=7], 0 s, 100 "
                     "iter, 1000 ts, 84 rew, 0.0632 loss, 1.23e+03 acc");
}
END_TEST

static void forget(void)
{
    arena_fini(&arena);
    arena_init(&arena);
}

Suite *suite(void)
{
    Suite *s = suite_create("status_block");
    TCase *c = tcase_create("status_block");

    tcase_add_checked_fixture(c, NULL, forget);
    tcase_add_test(c, before_anything);
    tcase_add_test(c, groups);
    tcase_add_test(c, trials_without_rows);
    tcase_add_test(c, progress_of_trials);
    suite_add_tcase(s, c);
    return s;
}
