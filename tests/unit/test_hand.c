/* links: core */
#include "common/json.h"
#include "head/core/hand.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/core_rig.h"

static struct rig rig;
static struct arena arena; /* of a test */

static void hand_setup(void)
{
    rig_init(&rig);
    rig_principals(&rig);
}

static void hand_teardown(void)
{
    rig_fini(&rig);
    arena_fini(&arena);
}

/* JSON with ' for ". */
static struct value *quoted(const char *json)
{
    struct value *out = arena_alloc(&arena, sizeof(*out));
    char *copy = arena_strdup(&arena, json);
    struct json_error wrong;

    for (char *at = copy; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    ck_assert_msg(json_read(span_text(copy), &arena, out, &wrong) == 0, "%s", wrong.what);
    return out;
}

static enum core_answer submit(const char *json, bool by_hand)
{
    static const uint8_t id[LIMIT_SUBMISSION] = {7};
    struct buf packed = {0};
    struct event event = {
        .type = EVENT_SUBMIT,
        .now_ms = rig.now_ms,
        .submit = {.submission = span_of(id, sizeof(id)), .principal = 3, .by_hand = by_hand}};
    enum core_answer answer;

    value_pack(quoted(json), &packed);
    event.submit.spec = buf_span(&packed);
    rig_reset(&rig);
    answer = core_step(rig.core, &event, &rig.tape, &rig.effects);
    buf_fini(&packed);
    return answer;
}

static enum core_asked ask(uint32_t *trial)
{
    const struct core_ask order = {.experiment = 1, .node = 2};
    enum core_asked answer;

    rig_reset(&rig);
    answer = core_ask(rig.core, &order, rig.now_ms, &rig.tape, &rig.effects);
    ck_assert_msg(core_check(rig.core) == NULL, "%s", core_check(rig.core));
    if (answer == ASKED_TRIAL)
        *trial = rig_effect(&rig, EFFECT_LAUNCH, 0)->launch.trial;
    return answer;
}

static enum core_added add(uint32_t *trial)
{
    const struct value config = {.type = VALUE_MAP};
    const struct core_add order = {.experiment = 1, .config = &config};
    enum core_added answer;

    rig_reset(&rig);
    answer = core_add(rig.core, &order, rig.now_ms, &rig.tape, &rig.effects);
    ck_assert_msg(core_check(rig.core) == NULL, "%s", core_check(rig.core));
    if (answer == ADD_DONE)
        *trial = rig_effect(&rig, EFFECT_TRIAL, 0)->trial.trial;
    return answer;
}

/* Of as much as it likes. */
static void node(const char *credit)
{
    char line[160];

    (void)snprintf(line, sizeof(line), "node_back principal=2 name=n credit=%s capacity={cpu=%d}",
                   credit, 1000 * RESOURCE_ONE);
    ck_assert(rig_step(&rig, line) == CORE_ADMITTED);
}

START_TEST(one_at_a_time)
{
    uint32_t trial = 9;

    rig_submit(&rig, 1, 2, "");
    node("8");
    ck_assert(ask(&trial) == ASKED_TRIAL && trial == 0);
    ck_assert_uint_eq(rig_count(&rig, EFFECT_LAUNCH), 1);
    ck_assert(ask(&trial) == ASKED_TRIAL && trial == 1);
    ck_assert(ask(&trial) == ASKED_NONE);
    for (int i = 0; i < 2; i++) {
        char line[160];

        (void)snprintf(line, sizeof(line), "stop experiment=1 trial=%d principal=1", i);
        ck_assert(rig_step(&rig, line) == CORE_ADMITTED);
    }
    ck_assert(ask(&trial) == ASKED_NONE); /* they are on their way */
    ck_assert(rig_step(&rig, "node_lost node=2 reason=x") == CORE_ADMITTED);
    ck_assert(ask(&trial) == ASKED_DONE);
}
END_TEST

START_TEST(a_node_that_is_full_gets_none)
{
    uint32_t trial;

    rig_submit(&rig, 1, 2, "");
    node("1");
    ck_assert(ask(&trial) == ASKED_TRIAL);
    ck_assert(ask(&trial) == ASKED_NONE);
}
END_TEST

/* Save, load and go on equals going on: what was added among others stays told apart. */
START_TEST(what_was_added_is_in_the_image)
{
    uint32_t trial = 0;
    struct buf image = {0};
    struct core *copy = core_new();

    ck_assert(submit("{'run': {'command': 'x'}, 'num_samples': 400, 'search': {'seed': 1}, "
                     "'config': {'x': {'grid_search': [0, 1]}}}",
                     true) == CORE_ADMITTED);
    node("1000");
    ck_assert(add(&trial) == ADD_DONE && trial == 256);
    core_save(rig.core, &image);
    ck_assert_int_eq(core_load(copy, buf_span(&image)), 0);
    ck_assert(core_digest(copy) == core_digest(rig.core));
    core_free(rig.core);
    rig.core = copy;
    for (uint32_t i = 0; i < 801; i++) {
        const struct effect_launch *launch;
        const struct value *chosen;
        struct cursor cursor;
        struct value config;

        ck_assert(ask(&trial) == ASKED_TRIAL && trial == i);
        launch = &rig_effect(&rig, EFFECT_LAUNCH, 0)->launch;
        cursor_init(&cursor, launch->config);
        ck_assert_int_eq(value_unpack(&cursor, &arena, &config), 0);
        chosen = value_get(&config, "x");
        ck_assert((chosen == NULL) == (i == 256));
        if (chosen != NULL) /* no point of the grid is passed over */
            ck_assert_int_eq(chosen->integer, (i > 256 ? i - 1 : i) % 2);
    }
    ck_assert(ask(&trial) == ASKED_NONE);
    buf_fini(&image);
}
END_TEST

/* No head takes one of which nothing would ever run; a second extension of one is no crash. */
START_TEST(only_by_hand_may_there_be_none)
{
    static const char none[] = "{'run': {'command': 'x'}, 'num_samples': 0}";
    uint32_t trial = 0;

    ck_assert(submit(none, false) == CORE_REFUSED);
    ck_assert_uint_eq(rig_effect(&rig, EFFECT_REPLY, 0)->reply.code, REPLY_INVALID);
    ck_assert(submit(none, true) == CORE_ADMITTED);
    node("8");
    ck_assert(ask(&trial) == ASKED_DONE);
    ck_assert(add(&trial) == ADD_DONE && trial == 0);
    ck_assert(ask(&trial) == ASKED_TRIAL && trial == 0);
    ck_assert(rig_step(&rig, "extend experiment=1 principal=3 samples=2 total=9") == CORE_REFUSED);
}
END_TEST

/* What debug counts is to be had as a number, of every scheduler. */
START_TEST(who_counts_has_figures)
{
    uint32_t counting = 0;

    for (size_t i = 0; scheduler_type_name(i) != NULL; i++) {
        const char *name = scheduler_type_name(i);
        const char *more = strcmp(name, "pbt") == 0 ? ", 'hyperparam_mutations': {'x': [1, 2]}"
                           : strcmp(name, "pbt_replay") == 0
                               ? ", 'policy': [{'at': 1, 'config': {'x': 2}}]"
                               : "";
        const char *json = arena_printf(
            &arena,
            "{'run': {'command': 'x'}, 'config': {'x': 1}, 'metric': 'r', 'mode': 'max', "
            "'scheduler': {'type': '%s'%s}}",
            name, more);
        const struct sched_view view = {0};
        struct sched_figures figures = {.stopped = 9};
        const struct sched_ops *ops;
        struct spec_error error;
        struct buf text = {0};
        struct spec spec;
        void *self;

        ck_assert_int_eq(spec_parse(quoted(json), &arena, &spec, &error), 0);
        ops = sched_find(spec.scheduler.type);
        rig_reset(&rig);
        self = ops->new (&spec, 1, &view, &rig.tape);
        ops->debug(self, &text);
        if (strstr(buf_text(&text), "num_stopped=") != NULL) {
            ck_assert_msg(ops->figures != NULL, "%s", scheduler_type_name(i));
            ops->figures(self, &arena, &figures);
            ck_assert_uint_eq(figures.stopped, 0);
            counting++;
        }
        ops->free(self);
        buf_fini(&text);
    }
    ck_assert_uint_ge(counting, 2);
}
END_TEST

Suite *suite(void)
{
    Suite *all = suite_create("hand");
    TCase *tests = tcase_create("all");

    tcase_add_checked_fixture(tests, hand_setup, hand_teardown);
    tcase_add_test(tests, one_at_a_time);
    tcase_add_test(tests, a_node_that_is_full_gets_none);
    tcase_add_test(tests, what_was_added_is_in_the_image);
    tcase_add_test(tests, only_by_hand_may_there_be_none);
    tcase_add_test(tests, who_counts_has_figures);
    suite_add_tcase(all, tests);
    return all;
}
