/* links: core */
/* What schedulers may do with checkpoints: no scheduler that is built does it yet, so one stands
 * here in the place of the experiment's own. */
#include "head/core/state.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/core_rig.h"

static struct rig rig;
static enum action next_action;
static struct sched_other others[1];
static uint32_t other_count;
static uint32_t chosen;
static bool seen_paused; /* the one that is to be chosen */

static void judge(void *self, const struct judged *judged, struct arena *arena,
                  struct sched_verdict *out)
{
    (void)self;
    (void)judged;
    (void)arena;
    out->action = next_action;
    out->others = others;
    out->other_count = other_count;
    other_count = 0;
}

static uint32_t choose(void *self, const struct sched_candidates *candidates)
{
    (void)self;
    if (chosen != NUMBER_NONE && candidates->is_paused(candidates->context, chosen)) {
        seen_paused = true;
        return chosen;
    }
    return candidates->pending_count > 0 ? candidates->pending[0] : NUMBER_NONE;
}

static struct sched_ops ops;

/* One node of one cpu, an experiment of two trials, of which the first runs. */
static void setup(void)
{
    rig_init(&rig);
    rig_principals(&rig);
    ck_assert(rig_turn(&rig, "node_back principal=2 name=n hostname=h incarnation=1 "
                             "capacity={cpu=10000} credit=8") == CORE_ADMITTED);
    rig_submit(&rig, 1, 2, "");
    ops = *core_experiment(rig.core, 1)->sched;
    ops.result = judge;
    ops.choose = choose;
    core_experiment(rig.core, 1)->sched = &ops;
    next_action = ACTION_CONTINUE;
    other_count = 0;
    chosen = NUMBER_NONE;
    seen_paused = false;
}

static void teardown(void)
{
    rig_fini(&rig);
}

static void report(uint32_t trial, uint32_t attempt, uint64_t seq, const struct record *records,
                   uint32_t count)
{
    rig_report(&rig, trial, attempt, seq, records, count);
}

static const uint8_t empty_map[] = {0x80};

static void begins(uint32_t trial, uint32_t attempt)
{
    const struct record records[] = {{.kind = RECORD_START}};

    report(trial, attempt, 1, records, 1);
}

static void results(uint32_t trial, uint32_t attempt, uint64_t seq, int64_t iteration)
{
    const struct record records[] = {
        {.kind = RECORD_RESULT,
         .result = {.metrics = {empty_map, 1}, .training_iteration = iteration}}};

    report(trial, attempt, seq, records, 1);
}

static void leaves(uint32_t trial, uint32_t attempt, uint64_t seq)
{
    static const uint8_t hash[LIMIT_HASH_BYTES] = {7};
    const struct record records[] = {
        {.kind = RECORD_MARK, .mark = {.number = 1, .counters = {.training_iteration = 1}}},
        {.kind = RECORD_CHECKPOINT,
         .checkpoint = {.number = 1, .manifest = {hash, sizeof(hash)}, .bytes = 5}},
        {.kind = RECORD_END, .end = {.reason = END_STOPPED}}};

    report(trial, attempt, seq, records, 3);
}

static enum trial_state state_of(uint32_t trial)
{
    return experiment_trial(core_experiment(rig.core, 1), trial)->state;
}

static uint32_t last_action(void)
{
    uint32_t count = rig_count(&rig, EFFECT_VERDICT);

    return rig_effect(&rig, EFFECT_VERDICT, count - 1)->verdict.action;
}

/* The first is paused at its result: the second gets its slot. */
static void pause_first(void)
{
    begins(0, 1);
    next_action = ACTION_PAUSE;
    results(0, 1, 2, 1);
    next_action = ACTION_CONTINUE;
    ck_assert_uint_eq(last_action(), ACTION_PAUSE);
    ck_assert_int_eq(state_of(0), TRIAL_PAUSING);
    leaves(0, 1, 3);
    ck_assert_int_eq(state_of(0), TRIAL_PAUSED);
    ck_assert_int_eq(state_of(1), TRIAL_STARTING);
}

START_TEST(a_scheduler_pauses_and_resumes)
{
    pause_first();
    begins(1, 1);
    others[0] = (struct sched_other){.trial = 0, .action = ACTION_CONTINUE};
    other_count = 1;
    results(1, 1, 2, 1);
    ck_assert_int_eq(state_of(0), TRIAL_STARTING); /* leased ahead, behind the other one */
}
END_TEST

START_TEST(a_scheduler_chooses_one_that_it_has_paused)
{
    const struct record ends[] = {{.kind = RECORD_END}};

    pause_first();
    begins(1, 1);
    ck_assert_int_eq(state_of(0), TRIAL_PAUSED);
    chosen = 0;
    report(1, 1, 2, ends, 1);
    ck_assert(seen_paused);
    ck_assert_int_eq(state_of(0), TRIAL_STARTING);
    ck_assert_uint_eq(rig_effect(&rig, EFFECT_LAUNCH, 0)->launch.checkpoint.size, LIMIT_HASH_BYTES);
}
END_TEST

/* What a person has paused as well is nobody's to choose, until the person lets it go. */
START_TEST(a_person_goes_before_the_scheduler)
{
    const struct record ends[] = {{.kind = RECORD_END}};

    pause_first();
    begins(1, 1);
    ck_assert(rig_turn(&rig, "pause experiment=1 trial=0 principal=3") == CORE_ADMITTED);
    chosen = 0;
    report(1, 1, 2, ends, 1);
    ck_assert_int_eq(state_of(0), TRIAL_PAUSED);
    ck_assert(rig_turn(&rig, "resume experiment=1 trial=0 principal=3") == CORE_ADMITTED);
    ck_assert_int_eq(state_of(0), TRIAL_STARTING);
}
END_TEST

/* Nothing runs, and nothing is to come: who is paused by the scheduler, and not chosen, is stopped;
 * not while a person has paused one. */
START_TEST(what_only_waits_for_itself_is_stopped)
{
    const struct record ends[] = {{.kind = RECORD_END}};

    pause_first();
    begins(1, 1);
    ck_assert(rig_turn(&rig, "pause experiment=1 trial=0 principal=3") == CORE_ADMITTED);
    report(1, 1, 2, ends, 1);
    ck_assert_int_eq(state_of(0), TRIAL_PAUSED);
    ck_assert(rig_turn(&rig, "resume experiment=1 trial=0 principal=3") == CORE_ADMITTED);
    ck_assert_int_eq(core_experiment(rig.core, 1)->rows[0].state, TRIAL_STOPPED);
    ck_assert_int_eq(core_experiment(rig.core, 1)->state, EXPERIMENT_DONE);
}
END_TEST

/* Its node is lost while it saves: nothing of that pause is left but the checkpoint before. */
START_TEST(a_pause_that_was_not_finished_is_none)
{
    begins(0, 1);
    next_action = ACTION_PAUSE;
    results(0, 1, 2, 1);
    next_action = ACTION_CONTINUE;
    ck_assert(rig_turn(&rig, "node_lost node=2 reason=gone") == CORE_ADMITTED);
    ck_assert_int_eq(state_of(0), TRIAL_PENDING);
}
END_TEST

START_TEST(a_persons_pause_outlives_the_node)
{
    begins(0, 1);
    ck_assert(rig_turn(&rig, "pause experiment=1 trial=0 principal=3") == CORE_ADMITTED);
    ck_assert_int_eq(state_of(0), TRIAL_PAUSING);
    ck_assert(rig_turn(&rig, "node_lost node=2 reason=gone") == CORE_ADMITTED);
    ck_assert_int_eq(state_of(0), TRIAL_PAUSED);
}
END_TEST

START_TEST(a_scheduler_has_one_saved)
{
    begins(0, 1);
    next_action = ACTION_SAVE;
    results(0, 1, 2, 1);
    next_action = ACTION_CONTINUE;
    ck_assert_uint_eq(last_action(), ACTION_SAVE);
    ck_assert_int_eq(state_of(0), TRIAL_RUNNING);
    /* Said until a checkpoint is begun. */
    results(0, 1, 3, 2);
    ck_assert_uint_eq(last_action(), ACTION_SAVE);
    report(0, 1, 4, &(struct record){.kind = RECORD_MARK, .mark = {.number = 1}}, 1);
    ck_assert_uint_eq(last_action(), ACTION_CONTINUE);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("pause");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, a_scheduler_pauses_and_resumes);
    tcase_add_test(all, a_scheduler_chooses_one_that_it_has_paused);
    tcase_add_test(all, a_person_goes_before_the_scheduler);
    tcase_add_test(all, what_only_waits_for_itself_is_stopped);
    tcase_add_test(all, a_pause_that_was_not_finished_is_none);
    tcase_add_test(all, a_persons_pause_outlives_the_node);
    tcase_add_test(all, a_scheduler_has_one_saved);
    suite_add_tcase(suite, all);
    return suite;
}
