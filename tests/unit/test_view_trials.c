/* links: head */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/rng.h"
#include "common/sys/fs.h"
#include "head/view.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/core_rig.h"

static char folder[64];
static struct rig rig;
static struct view *view;
static struct arena arena;

static void setup(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/test-view-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    rig_init(&rig);
    rig_principals(&rig);
    rig_submit(&rig, 1, 40, "");
    view = view_new(folder);
    for (size_t i = 0; i < rig.effects.count; i++)
        view_apply(view, &rig.effects.items[i]);
}

static void teardown(void)
{
    view_free(view);
    rig_fini(&rig);
    arena_fini(&arena);
    (void)fs_remove_tree(folder);
}

static struct view_experiment *experiment(void)
{
    return view_experiment(view, 1);
}

static void apply(uint32_t number, enum trial_state state, double best)
{
    struct effect effect = {.type = EFFECT_TRIAL};
    char id[16], name[32];

    (void)snprintf(id, sizeof(id), "%08x", number);
    (void)snprintf(name, sizeof(name), "trial_%u", number);
    effect.trial = (struct effect_trial){
        .experiment = 1,
        .trial = number,
        .state = state,
        .attempt = 1,
        .node = 3,
        .has_best = true,
        .best = best,
        .id = span_text(id),
        .name = span_text(name),
        .tag = span_text("tag"),
        .folder = span_text("folder"),
        .config = span_of("\x80", 1),
        .last = span_text("last"),
        .text = trial_is_final(state) ? span_text("why it ended") : (struct span){0},
    };
    view_apply(view, &effect);
}

START_TEST(an_ended_row_reads_as_it_was)
{
    const struct view_trial *row;

    apply(2, TRIAL_RUNNING, 1);
    row = view_trial(experiment(), 2, &arena);
    ck_assert_uint_eq(row->state, TRIAL_RUNNING);
    apply(2, TRIAL_FAILED, 2.5);
    for (int written = 0; written < 2; written++) {
        row = view_trial(experiment(), 2, &arena);
        ck_assert_ptr_nonnull(row);
        ck_assert_uint_eq(row->state, TRIAL_FAILED);
        ck_assert(row->best == 2.5 && row->has_best && row->node == 3);
        ck_assert(span_is(row->name, "trial_2") && span_is(row->id, "00000002"));
        ck_assert(span_is(row->text, "why it ended") && span_is(row->last, "last"));
        ck_assert(view_flush(view));
    }
    ck_assert_ptr_null(view_trial(experiment(), 1000, &arena));
    ck_assert_str_eq(view_slot_label(&experiment()->slots[2]), "ERROR");
}
END_TEST

/* Live and ended rows in one order, as a plain list of versions has them. */
START_TEST(changes_come_in_order_whether_ended_or_not)
{
    struct rng rng = {.seed = 5};
    uint64_t versions[40] = {0};

    for (int step = 0; step < 400; step++) {
        uint32_t number = (uint32_t)rng_next_below(&rng, 40);
        bool ends = rng_next_below(&rng, 3) == 0;
        struct view_changes changes;
        struct view_change change;
        uint64_t after = rng_next_below(&rng, experiment()->version + 1);
        uint64_t last = after;
        uint32_t count = 0, expected = 0;

        /* One that has ended may go on after all. */
        apply(number, ends ? TRIAL_DONE : TRIAL_RUNNING, (double)step);
        versions[number] = experiment()->version;
        for (uint32_t i = 0; i < 40; i++)
            expected += versions[i] > after;
        view_changes_after(experiment(), after, &changes);
        while (view_changes_next(&changes, &change)) {
            ck_assert_uint_gt(change.version, last);
            last = change.version;
            /* Rows that were never touched here are of the experiment's beginning. */
            if (versions[change.trial] == 0)
                continue;
            ck_assert_uint_eq(change.version, versions[change.trial]);
            count++;
        }
        ck_assert_uint_eq(count, expected);
    }
}
END_TEST

static void check_same(const struct view_trial *a, const struct view_trial *b)
{
    ck_assert_uint_eq(a->version, b->version);
    ck_assert_uint_eq(a->state, b->state);
    ck_assert(a->best == b->best);
    ck_assert(span_equal(a->name, b->name) && span_equal(a->config, b->config));
    ck_assert(span_equal(a->last, b->last) && span_equal(a->text, b->text));
    ck_assert_str_eq(a->experiment_id, b->experiment_id);
}

START_TEST(a_view_comes_back_with_an_image)
{
    struct buf saved = {0};
    struct view *copy;
    const struct view_experiment *other;

    for (uint32_t i = 0; i < 30; i++)
        apply(i, i % 3 == 0 ? TRIAL_DONE : TRIAL_RUNNING, i);
    apply(3, TRIAL_RUNNING, 50); /* went on */
    ck_assert(view_flush(view));
    view_save(view, &saved);
    apply(31, TRIAL_DONE, 1); /* after the image */
    ck_assert(view_flush(view));
    copy = view_new(folder);
    ck_assert_int_eq(view_load(copy, rig.core, buf_span(&saved)), 0);
    other = view_experiment(copy, 1);
    for (uint32_t i = 0; i < 30; i++)
        check_same(view_trial(experiment(), i, &arena), view_trial(other, i, &arena));
    ck_assert(other->slots[31].state != TRIAL_DONE);
    ck_assert_uint_eq(other->version, experiment()->version - 1);
    view_free(copy);
    for (size_t cut = 0; cut < saved.size; cut += 7) {
        copy = view_new(folder);
        ck_assert_int_lt(view_load(copy, rig.core, span_of(saved.data, cut)), 0);
        view_free(copy);
    }
    buf_fini(&saved);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("view_trials");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, an_ended_row_reads_as_it_was);
    tcase_add_test(tc, changes_come_in_order_whether_ended_or_not);
    tcase_add_test(tc, a_view_comes_back_with_an_image);
    suite_add_tcase(s, tc);
    return s;
}
