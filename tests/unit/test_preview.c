/* links: core */
/* What is told beforehand is what the core makes of the same spec. */
#include "common/json.h"
#include "common/pack.h"
#include "head/core/preview.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/core_rig.h"

static struct rig rig;
static struct arena arena;
static struct buf packed;
static struct preview *preview;

static void setup(void)
{
    rig_init(&rig);
    rig_principals(&rig);
    arena_init(&arena);
    packed = (struct buf){0};
    preview = NULL;
}

static void teardown(void)
{
    preview_free(preview);
    buf_fini(&packed);
    arena_fini(&arena);
    rig_fini(&rig);
}

static void look(const char *json, uint64_t seed)
{
    struct json_error wrong;
    struct spec_error error = {0};
    struct value spec;

    ck_assert_msg(json_read(span_text(json), &arena, &spec, &wrong) == 0, "%s", wrong.what);
    buf_reset(&packed);
    value_pack(&spec, &packed);
    preview_free(preview);
    preview = preview_new(buf_span(&packed), seed, &error);
    ck_assert_msg(preview != NULL, "%s: %s", error.path, error.what);
}

static void submit(const char *json)
{
    const char *line =
        arena_printf(&arena, "submit submission=%032x principal=3 spec=%s", 1u, json);

    ck_assert(rig_turn(&rig, line) == CORE_ADMITTED);
}

static const char *const specs[] = {
    "{\"name\":\"a\",\"run\":{\"command\":\"t.py\"},\"num_samples\":3,\"search\":{\"seed\":5},"
    "\"config\":{\"x\":{\"uniform\":[0,1]},\"y\":{\"z\":{\"grid_search\":[1,\"b/c\"]}}}}",
    "{\"name\":\"b\",\"run\":{\"command\":\"t.py\"},\"trial_name\":\"{run}-{n}-{tag}\","
    "\"search\":{\"type\":\"list\",\"seed\":5,\"points\":[{\"x\":1},{\"y\":{\"z\":\"w\"}}]},"
    "\"config\":{\"x\":{\"randint\":[2,9]},\"y\":0},\"num_samples\":2}",
};

START_TEST(trials_are_those_of_the_core)
{
    uint32_t total;

    look(specs[_i], 99);
    submit(specs[_i]);
    total = preview_total(preview);
    ck_assert_uint_ge(total, 4);
    ck_assert_uint_eq(preview_known(preview), total);
    ck_assert_uint_eq(rig_effect(&rig, EFFECT_EXPERIMENT, 0)->experiment.total, total);
    ck_assert_uint_eq(rig_count(&rig, EFFECT_TRIAL), total);
    for (uint32_t i = 0; i < total; i++) {
        const struct effect_trial *row = &rig_effect(&rig, EFFECT_TRIAL, i)->trial;
        struct previewed trial;

        ck_assert_uint_eq(row->trial, i);
        ck_assert(preview_trial(preview, i, &arena, &trial));
        buf_reset(&packed);
        value_pack(&trial.config, &packed);
        ck_assert(span_equal(buf_span(&packed), row->config));
        ck_assert(span_is(row->tag, trial.tag));
        ck_assert(span_is(row->name, trial.name));
    }
}
END_TEST

START_TEST(the_specs_seed_beats_the_one_that_is_offered)
{
    look(specs[0], 99);
    ck_assert_uint_eq(preview_seed(preview), 5);
    look("{\"name\":\"a\",\"run\":{\"command\":\"t.py\"},\"local_dir\":\"/r\"}", 99);
    ck_assert_uint_eq(preview_seed(preview), 99);
    ck_assert_str_eq(preview_folder(preview), "/r/a");
}
END_TEST

START_TEST(an_id_is_not_made_up)
{
    struct previewed trial;

    look("{\"name\":\"a\",\"run\":{\"command\":\"t.py\"},\"trial_name\":\"{run}_{id}_{n}\"}", 1);
    ck_assert(preview_trial(preview, 0, &arena, &trial));
    ck_assert_str_eq(trial.name, "t_{id}_0");
}
END_TEST

START_TEST(names_and_tags_are_cut_as_the_cores)
{
    char spec[2048];
    char name[506]; /* and a tag behind it */
    struct previewed trial;

    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    (void)snprintf(spec, sizeof(spec),
                   "{\"name\":\"a\",\"run\":{\"command\":\"t.py\"},\"trial_name\":\"%s{tag}\","
                   "\"config\":{\"long_name\":{\"grid_search\":[1]}}}",
                   name);
    look(spec, 1);
    submit(spec);
    ck_assert(preview_trial(preview, 0, &arena, &trial));
    ck_assert_uint_eq(strlen(trial.name), LIMIT_TRIAL_NAME);
    ck_assert(span_is(rig_effect(&rig, EFFECT_TRIAL, 0)->trial.name, trial.name));
}
END_TEST

START_TEST(what_is_no_spec_is_refused)
{
    struct spec_error error = {0};

    pack_uint(&packed, 3);
    ck_assert_ptr_null(preview_new(buf_span(&packed), 1, &error));
    ck_assert(error.what[0] != '\0');
}
END_TEST

START_TEST(the_forecast_is_of_all_trials)
{
    struct forecast forecast;

    look("{\"name\":\"a\",\"run\":{\"command\":\"t.py\"},\"num_samples\":4,"
         "\"config\":{\"x\":{\"grid_search\":[1,2,3]}},\"stop\":{\"training_iteration\":10}}",
         1);
    preview_forecast(preview, &arena, &forecast);
    ck_assert_double_eq(forecast.worst, 120);
}
END_TEST

Suite *suite(void)
{
    Suite *all = suite_create("preview");
    TCase *cases = tcase_create("preview");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, trials_are_those_of_the_core, 0, 2);
    tcase_add_test(cases, the_specs_seed_beats_the_one_that_is_offered);
    tcase_add_test(cases, an_id_is_not_made_up);
    tcase_add_test(cases, names_and_tags_are_cut_as_the_cores);
    tcase_add_test(cases, what_is_no_spec_is_refused);
    tcase_add_test(cases, the_forecast_is_of_all_trials);
    suite_add_tcase(all, cases);
    return all;
}
