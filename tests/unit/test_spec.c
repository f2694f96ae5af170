#include "tests/lib/run_suite.h"
#include "tests/unit/spec_rig.h"

START_TEST(defaults_are_filled_in)
{
    check_parses("{'run': {'native': '/x/libsigmoid.so'}}");
    ck_assert_str_eq(spec.name, "sigmoid");
    ck_assert_str_eq(spec.run_name, "sigmoid");
    ck_assert_int_eq(spec.run_kind, RUN_NATIVE);
    ck_assert_uint_eq(spec.num_samples, 1);
    ck_assert_str_eq(spec.search.type, "random");
    ck_assert(!spec.search.has_seed);
    ck_assert_str_eq(spec.scheduler.type->name, "fifo");
    ck_assert_str_eq(spec.scheduler.metric, "episode_reward_mean");
    ck_assert_str_eq(spec.scheduler.time_attr, "training_iteration");
    ck_assert_uint_eq(spec.stop_count, 0);
    ck_assert_int_eq(spec.resources.cpu, RESOURCE_ONE);
    ck_assert_int_eq(spec.resources.gpu, 0);
    ck_assert_int_eq(spec.start, START_ZYGOTE);
    ck_assert_int_eq(spec.max_failures, 0);
    ck_assert_uint_eq(spec.time_limit_ms, 0);
    ck_assert_uint_eq(spec.report_timeout_ms, 0);
    ck_assert_uint_eq(spec.files, 7);
    ck_assert_str_eq(spec.local_dir, "~/assay_results");
    ck_assert_int_eq(spec.config.type, VALUE_MAP);
    ck_assert_ptr_null(spec.trial_name);
    ck_assert_ptr_null(spec.metric);
    ck_assert_uint_eq(spec.checkpoint_freq, 0);
    ck_assert(!spec.checkpoint_at_end);
    ck_assert_uint_eq(spec.keep_checkpoints, 2);
    ck_assert_str_eq(spec.checkpoint_score, "training_iteration");
    ck_assert(!spec.checkpoint_score_min);
    check_parses("{'run': {'command': 'true'}, 'name': null, 'stop': null}");
    ck_assert_int_eq(spec.start, START_EXEC);
}
END_TEST

/* The example of the manual, as far as these keys go. */
START_TEST(everything_is_read)
{
    const struct resource_custom *custom;

    check_parses(
        "{'name': 'asynchyperband_test', 'run': {'native': 'libsigmoid.so'}, "
        "'config': {'width': {'randint': [10, 100]}, 'act': {'grid_search': ['relu', 'tanh']}}, "
        "'num_samples': 30, 'search': {'type': 'random', 'seed': 1}, "
        "'scheduler': {'type': 'asha', 'time_attr': 'training_iteration', "
        "'reward_attr': 'episode_reward_mean', 'grace_period': 5, 'max_t': 100}, "
        "'stop': {'training_iteration': 99999, 'loss': {'min': 0.1, 'max': 5}, 'acc': {'max': 1}}, "
        "'resources_per_trial': {'cpu': 2, 'gpu': 0.5, 'memory': '1G', "
        "'custom_resources': {'z': 1, 'licence': 2.5}}, 'max_concurrent': 8, 'start': 'exec', "
        "'max_failures': -1, 'time_limit': '1h30m', 'report_timeout': 90, 'priority': -3, "
        "'metric': 'loss', 'mode': 'min', "
        "'on_result': 'python3 logger.py', 'files': ['result', 'params'], 'local_dir': '/r', "
        "'trial_name': '{run}_{id}_123', 'env': {'A': '1', 'B': 2, 'C': 0.5}, 'code': '.'}");
    ck_assert_str_eq(spec.name, "asynchyperband_test");
    ck_assert_uint_eq(spec.num_samples, 30);
    ck_assert(spec.search.has_seed && spec.search.seed == 1);
    ck_assert_str_eq(spec.scheduler.type->name, "async_hyperband");
    ck_assert_str_eq(spec.scheduler.metric, "episode_reward_mean");
    ck_assert_int_eq(spec.scheduler.mode, MODE_MAX);
    ck_assert_int_eq(spec.scheduler.semantics, SEMANTICS_TUNE_07);
    ck_assert_double_eq(spec_scheduler_number(&spec.scheduler, "grace_period"), 5);
    ck_assert_double_eq(spec_scheduler_number(&spec.scheduler, "reduction_factor"), 4);
    ck_assert_uint_eq(spec.stop_count, 4);
    ck_assert_uint_eq(spec.stop[0].side, STOP_AT_LEAST);
    ck_assert(span_is(spec.stop[1].metric, "loss"));
    ck_assert_uint_eq(spec.stop[1].side, STOP_AT_MOST);
    ck_assert_double_eq(spec.stop[1].bound, 0.1);
    ck_assert_uint_eq(spec.stop[2].side, STOP_AT_LEAST);
    ck_assert_int_eq(spec.resources.cpu, 20000);
    ck_assert_int_eq(spec.resources.gpu, 5000);
    ck_assert_int_eq(spec.resources.memory_bytes, 1 << 30);
    ck_assert_uint_eq(spec.resources.custom.count, 2);
    custom = spec.resources.custom.items;
    ck_assert(span_is(custom[0].name, "licence") && custom[0].amount == 25000);
    ck_assert_uint_eq(spec.max_concurrent, 8);
    ck_assert_int_eq(spec.start, START_EXEC);
    ck_assert_int_eq(spec.max_failures, -1);
    ck_assert_uint_eq(spec.time_limit_ms, 5400000);
    ck_assert_uint_eq(spec.report_timeout_ms, 90000);
    ck_assert_int_eq(spec.priority, -3);
    ck_assert_str_eq(spec.metric, "loss");
    ck_assert_int_eq(spec.mode, MODE_MIN);
    ck_assert_uint_eq(spec.files, FILES_PARAMS | FILES_RESULT);
    ck_assert_uint_eq(spec.env_count, 3);
    ck_assert_str_eq(spec.env[1].value, "2");
    ck_assert_str_eq(spec.env[2].value, "0.5");
    ck_assert_str_eq(spec.code, ".");
}
END_TEST

START_TEST(checkpoints_are_asked_for)
{
    check_parses("{" NATIVE ", 'checkpoint_freq': 5, 'checkpoint_at_end': true, "
                 "'keep_checkpoints_num': 3, 'checkpoint_score_attr': 'min-loss'}");
    ck_assert_uint_eq(spec.checkpoint_freq, 5);
    ck_assert(spec.checkpoint_at_end);
    ck_assert_uint_eq(spec.keep_checkpoints, 3);
    ck_assert_str_eq(spec.checkpoint_score, "loss");
    ck_assert(spec.checkpoint_score_min);
    check_parses("{" NATIVE ", 'checkpoint_score_attr': 'max-acc'}");
    ck_assert_str_eq(spec.checkpoint_score, "acc");
    ck_assert(!spec.checkpoint_score_min);
    check_parses("{" NATIVE ", 'checkpoint_score_attr': 'minimum'}");
    ck_assert_str_eq(spec.checkpoint_score, "minimum");
}
END_TEST

START_TEST(async_hyperband_has_the_defaults_of_its_semantics)
{
    check_parses("{" NATIVE ", 'scheduler': {'type': 'asha', 'reward_attr': 'r'}}");
    ck_assert_int_eq(spec.scheduler.semantics, SEMANTICS_TUNE_07);
    ck_assert_str_eq(spec.scheduler.metric, "r");
    ck_assert_double_eq(spec_scheduler_number(&spec.scheduler, "grace_period"), 10);
    ck_assert_double_eq(spec_scheduler_number(&spec.scheduler, "max_t"), 100);
    check_parses("{" NATIVE ", 'scheduler': {'type': 'async_hyperband', 'metric': 'm', "
                 "'mode': 'min'}}");
    ck_assert_int_eq(spec.scheduler.semantics, SEMANTICS_TUNE_2);
    ck_assert_int_eq(spec.scheduler.mode, MODE_MIN);
    ck_assert_double_eq(spec_scheduler_number(&spec.scheduler, "grace_period"), 1);
    ck_assert_double_eq(spec_scheduler_number(&spec.scheduler, "reduction_factor"), 4);
    ck_assert_double_eq(spec_scheduler_number(&spec.scheduler, "brackets"), 1);
    check_parses("{" NATIVE ", 'scheduler': 'asha', 'metric': 'm', 'mode': 'max'}");
    ck_assert_str_eq(spec.scheduler.metric, "m");
    check_parses("{" NATIVE ", 'scheduler': {'type': 'asha', 'semantics': 'tune-0.7'}}");
    ck_assert_str_eq(spec.scheduler.metric, "episode_reward_mean");
    ck_assert_double_eq(spec_scheduler_number(&spec.scheduler, "grace_period"), 10);
    check_parses("{" NATIVE ", 'scheduler': {'type': 'asha', 'reward_attr': 'r', "
                 "'semantics': 'tune-2'}}");
    ck_assert_double_eq(spec_scheduler_number(&spec.scheduler, "grace_period"), 1);
    ck_assert_int_eq(spec.scheduler.mode, MODE_MAX);
    check_parses("{" NATIVE ", 'mode': 'min', 'metric': 'm', 'scheduler': {'type': 'asha', "
                 "'reward_attr': 'r'}}");
    ck_assert_int_eq(spec.scheduler.mode, MODE_MAX);
}
END_TEST

START_TEST(a_scheduler_may_have_forms_and_words)
{
    check_parses("{" NATIVE ", 'scheduler': {'type': 'asha', 'reward_attr': 'r'}}");
    ck_assert_str_eq(spec.scheduler.type->form, "stopping");
    check_parses("{" NATIVE ", 'scheduler': {'type': 'asha', 'form': null, 'reward_attr': 'r'}}");
    ck_assert_str_eq(spec.scheduler.type->form, "stopping");
    check_parses("{" NATIVE ", 'scheduler': {'form': 'promotion', 'type': 'async_hyperband', "
                 "'reward_attr': 'r', 'max_t': 27}}");
    ck_assert_str_eq(spec.scheduler.type->name, "async_hyperband");
    ck_assert_str_eq(spec.scheduler.type->form, "promotion");
    ck_assert_double_eq(spec_scheduler_number(&spec.scheduler, "max_t"), 27);
    ck_assert_double_eq(spec_scheduler_number(&spec.scheduler, "grace_period"), 10);
    check_parses("{" NATIVE ", 'scheduler': {'type': 'hyperband', 'reward_attr': 'r'}}");
    ck_assert_double_eq(spec_scheduler_number(&spec.scheduler, "sizes"), 0);
    ck_assert_double_eq(spec_scheduler_number(&spec.scheduler, "max_t"), 81);
    check_parses("{" NATIVE ", 'scheduler': {'type': 'hyperband', 'reward_attr': 'r', "
                 "'sizes': 'paper'}}");
    ck_assert_double_eq(spec_scheduler_number(&spec.scheduler, "sizes"), 1);
}
END_TEST

START_TEST(median_has_a_time_and_a_truth_of_its_own)
{
    check_parses("{" NATIVE ", 'scheduler': {'type': 'median', 'reward_attr': 'r'}}");
    ck_assert_str_eq(spec.scheduler.time_attr, "time_total_s");
    ck_assert_double_eq(spec_scheduler_number(&spec.scheduler, "grace_period"), 60);
    ck_assert_double_eq(spec_scheduler_number(&spec.scheduler, "min_samples_required"), 3);
    ck_assert_double_eq(spec_scheduler_number(&spec.scheduler, "min_time_slice"), 0);
    ck_assert_double_eq(spec_scheduler_number(&spec.scheduler, "hard_stop"), 1);
    check_parses("{" NATIVE ", 'scheduler': {'type': 'median_stopping_rule', 'metric': 'm', "
                 "'mode': 'min', 'time_attr': 't', 'hard_stop': false, 'grace_period': 0, "
                 "'min_time_slice': 2.5}}");
    ck_assert_str_eq(spec.scheduler.time_attr, "t");
    ck_assert_double_eq(spec_scheduler_number(&spec.scheduler, "hard_stop"), 0);
    ck_assert_double_eq(spec_scheduler_number(&spec.scheduler, "min_time_slice"), 2.5);
    check_parses("{" NATIVE ", 'scheduler': {'type': 'median', 'reward_attr': 'r', "
                 "'hard_stop': 'true'}}");
    ck_assert_double_eq(spec_scheduler_number(&spec.scheduler, "hard_stop"), 1);
#define MEDIAN(keys) "{" NATIVE ", 'scheduler': {'type': 'median', 'reward_attr': 'r', " keys "}}"
    check_refused(MEDIAN("'hard_stop': 'no'"), "scheduler.hard_stop", "'no' is not known");
    check_refused(MEDIAN("'hard_stop': 1"), "scheduler.hard_stop", "must be");
    check_refused(MEDIAN("'grace_period': -1"), "scheduler", "grace_period must not be below 0");
    check_refused(MEDIAN("'min_samples_required': 0"), "scheduler.min_samples_required", "1");
    check_refused(MEDIAN("'min_time_slice': 1"), "scheduler", "goes with semantics tune-2 only");
    check_refused(MEDIAN("'semantics': 'tune-2', 'min_time_slice': -1"), "scheduler",
                  "min_time_slice must not be below 0");
    check_refused("{" NATIVE ", 'scheduler': {'type': 'hyperband', 'reward_attr': 'r', "
                  "'sizes': true}}",
                  "scheduler.sizes", "'true' is not known");
#undef MEDIAN
}
END_TEST

START_TEST(schedulers_are_checked)
{
#define SCHEDULER(text) "{" NATIVE ", 'scheduler': " text "}"
    check_refused(SCHEDULER("'assha'"), "scheduler", "'assha' is not known");
    ck_assert_str_eq(error.mend, "did you mean asha?");
    check_refused(SCHEDULER("{'max_t': 5}"), "scheduler", "a map with a type");
    check_refused(SCHEDULER("{'type': 'fifo', 'max_t': 5}"), "scheduler.max_t",
                  "fifo has no key 'max_t'");
    check_refused(SCHEDULER("{'type': 'asha', 'gracePeriod': 5}"), "scheduler.gracePeriod",
                  "has no key");
    ck_assert_str_eq(error.mend, "did you mean grace_period?");
    check_refused(SCHEDULER("'asha'"), "scheduler", "needs a metric");
    check_refused(SCHEDULER("{'type': 'asha', 'metric': 'loss'}"), "scheduler", "to grow");
    check_refused(SCHEDULER("{'type': 'asha', 'metric': 'a', 'reward_attr': 'a'}"),
                  "scheduler.reward_attr", "same as metric");
    check_refused(SCHEDULER("{'type': 'asha', 'reward_attr': 'a', 'mode': 'min'}"), "scheduler",
                  "always maximised");
#define ASHA(text)      SCHEDULER("{'type': 'asha', 'reward_attr': 'r', " text "}")
#define HYPERBAND(text) SCHEDULER("{'type': 'hyperband', 'reward_attr': 'r', " text "}")
    check_refused(ASHA("'max_t': 5"), "scheduler", "must not be below grace_period (10)");
    check_refused(ASHA("'max_t': 0"), "scheduler.max_t", "above 0");
    check_refused(ASHA("'max_t': NaN"), "scheduler.max_t", "finite");
    check_refused(ASHA("'grace_period': -1"), "scheduler.grace_period", "above 0");
    check_refused(ASHA("'reduction_factor': 1"), "scheduler.reduction_factor", "above 1");
    check_refused(ASHA("'reduction_factor': 1.001"), "scheduler", "more than 64 rungs");
    check_refused(ASHA("'brackets': 0"), "scheduler.brackets", "from 1 to 64");
    check_refused(ASHA("'brackets': 65"), "scheduler.brackets", "from 1 to 64");
    check_refused(ASHA("'semantics': 'tune'"), "scheduler.semantics", "not known");
    check_refused(ASHA("'time_attr': ''"), "scheduler.time_attr", "empty");
    check_refused(ASHA("'form': 'halving'"), "scheduler.form", "'halving' is not known");
    check_refused(ASHA("'form': 3"), "scheduler.form", "");
    check_refused(SCHEDULER("{'type': 'fifo', 'form': 'stopping'}"), "scheduler.form", "no key");
    check_refused(HYPERBAND("'sizes': 'papers'"), "scheduler.sizes", "'papers' is not known");
    check_refused(HYPERBAND("'reduction_factor': 1"), "scheduler", "at least 2");
    check_refused(HYPERBAND("'reduction_factor': 2.5"), "scheduler.reduction_factor", "");
    check_refused(HYPERBAND("'max_t': 0.5"), "scheduler", "from 1 to 1e+12");
    check_refused(HYPERBAND("'max_t': 2e12"), "scheduler", "from 1 to 1e+12");
    check_refused(HYPERBAND("'grace_period': 1"), "scheduler.grace_period", "no key");
}
END_TEST

START_TEST(unknown_keys_name_the_nearest)
{
    check_refused("{" NATIVE ", 'num_sample': 3}", "num_sample", "no key 'num_sample'");
    ck_assert_str_eq(error.mend, "did you mean num_samples?");
    check_refused("{" NATIVE ", 'point_to_evaluate': []}", "point_to_evaluate", "no key");
    ck_assert_str_eq(error.mend, "did you mean points_to_evaluate?");
    check_refused("{'run': {'pyton': 'a:b'}}", "run.pyton", "run has no key 'pyton'");
    ck_assert_str_eq(error.mend, "did you mean python?");
    check_refused("{" NATIVE ", 'resources_per_trial': {'gpus': 1}}", "resources_per_trial.gpus",
                  "no key 'gpus'");
    ck_assert_str_eq(error.mend, "did you mean gpu?");
    check_refused("{" NATIVE ", 'search': {'sed': 1}}", "search.sed", "no key");
    check_refused("{" NATIVE ", 'zzzzzzzzzz': 1}", "zzzzzzzzzz", "no key");
    ck_assert_ptr_nonnull(strstr(error.mend, "one of: name, run, config"));
}
END_TEST

/* What stands beside a sound `run`. */
static const struct {
    const char *text;
    const char *path;
    const char *what;
} bad_values[] = {
    {"'name': ''", "name", "empty"},
    {"'name': 'a/b'", "name", "'/'"},
    {"'name': '..'", "name", "'..'"},
    {"'name': 'a\\nb'", "name", "one line"},
    {"'name': 'a\\u001bb'", "name", "control"},
    {"'name': 5", "name", "must be a text"},
    {"'num_samples': -1", "num_samples", "from 1 to"},
    {"'num_samples': 1.5", "num_samples", "whole"},
    {"'num_samples': 1e12", "num_samples", "from 1 to"},
    {"'num_samples': 60000000, 'config': {'a': {'grid_search': [1, 2]}}", "num_samples",
     "more than 100000000 trials"},
    {"'config': 5", "config", "map"},
    {"'config': {'choice': [{}]}", "config", "not one marker"},
    {"'config': {'a': {'uniform': [1, 0]}}", "config.a", "lower bound"},
    {"'search': 'tpee'", "search", "not known"},
    {"'search': {'seed': -1}", "search.seed", "from 0"},
    {"'search': 'list'", "search", "needs points"},
    {"'search': {'points': [{}]}", "search", "takes no points"},
    {"'search': {'type': 'list', 'points': []}", "search.points", "list of"},
    {"'search': {'type': 'list', 'points': [{}, 5]}", "search.points.1", "map"},
    {"'search': {'type': 'list', 'points': [{'a': {'uniform': [0, 1]}}]}", "search.points.0",
     "left to choose"},
    {"'stop': 5", "stop", "map"},
    {"'stop': {'a': 'x'}", "stop.a", "number"},
    {"'stop': {'a': NaN}", "stop.a", "finite"},
    {"'stop': {'a': {'least': 1}}", "stop.a.least", "no key"},
    {"'stop': {'a': {}}", "stop.a", "no bound"},
    {"'stop': {'a': {'grid_search': [1, 2]}}", "stop.a", "in config only"},
    {"'stop': {'': 1}", "stop.", "1 to 128"},
    {"'resources_per_trial': {'cpu': -1}", "resources_per_trial.cpu", "from 0"},
    {"'resources_per_trial': {'cpu': 1e-9}", "resources_per_trial.cpu", "smallest"},
    {"'resources_per_trial': {'gpu': 1.5}", "resources_per_trial.gpu", "some devices"},
    {"'resources_per_trial': {'gpu': 65}", "resources_per_trial.gpu", "at most 64"},
    {"'resources_per_trial': {'memory': '5X'}", "resources_per_trial.memory", "no amount"},
    {"'resources_per_trial': {'memory': 'G'}", "resources_per_trial.memory", "no amount"},
    {"'resources_per_trial': {'memory': '1.2.3G'}", "resources_per_trial.memory", "no amount"},
    {"'resources_per_trial': {'memory': '1Gx'}", "resources_per_trial.memory", "no amount"},
    {"'resources_per_trial': {'memory': '99999T'}", "resources_per_trial.memory", "1e15"},
    {"'resources_per_trial': {'custom_resources': {'a': 'b'}}",
     "resources_per_trial.custom_resources.a", "number"},
    {"'resources_per_trial': {'custom_resources': {'a/b': 1}}",
     "resources_per_trial.custom_resources.a/b", "'/'"},
    {"'max_concurrent': -1", "max_concurrent", "from 0"},
    {"'start': 'fork'", "start", "not known"},
    {"'max_failures': -2", "max_failures", "from -1"},
    {"'time_limit': 'soon'", "time_limit", "no duration"},
    {"'time_limit': 0", "time_limit", "longer than nothing"},
    {"'time_limit': -5", "time_limit", "no duration"},
    {"'time_limit': 1.5", "time_limit", "must be a duration"},
    {"'report_timeout': '30m1h'", "report_timeout", "no duration"},
    {"'report_timeout': '20000d'", "report_timeout", "no duration"},
    {"'priority': 3000000000", "priority", "from -2147483648"},
    {"'mode': 'maximum'", "mode", "not known"},
    {"'files': 'result'", "files", "list"},
    {"'files': ['result', 'csv']", "files.1", "not known"},
    {"'trial_name': '{run}_{ID}'", "trial_name", "unknown place at '{ID}'"},
    {"'trial_name': '{run}'", "trial_name", "same name"},
    {"'env': {'A B': '1'}", "env.A B", "no name"},
    {"'env': {'1A': '1'}", "env.1A", "no name"},
    {"'env': {'ASSAY_TRIAL_ID': '1'}", "env.ASSAY_TRIAL_ID", "set by Assay"},
    {"'env': {'A': true}", "env.A", "must be a text"},
    {"'on_result': 5", "on_result", "must be a text"},
    {"'checkpoint_freq': -1", "checkpoint_freq", "from 0"},
    {"'checkpoint_freq': 'often'", "checkpoint_freq", "number"},
    {"'checkpoint_at_end': 1", "checkpoint_at_end", "true or false"},
    {"'keep_checkpoints_num': 0", "keep_checkpoints_num", "from 1"},
    {"'keep_checkpoints_num': 65", "keep_checkpoints_num", "to 64"},
    {"'checkpoint_score_attr': 'min-'", "checkpoint_score_attr", "names no field"},
    {"'checkpoint_score_attr': 5", "checkpoint_score_attr", "must be a text"},
};

START_TEST(bad_values_are_refused)
{
    char json[512];

    for (size_t i = 0; i < sizeof(bad_values) / sizeof(bad_values[0]); i++) {
        (void)snprintf(json, sizeof(json), "{" NATIVE ", %s}", bad_values[i].text);
        check_refused(json, bad_values[i].path, bad_values[i].what);
    }
    check_refused("[1]", "", "is a map");
    check_refused("{}", "", "what to run");
    check_refused("{'run': 'train.py'}", "run", "what to run");
    check_refused("{'run': {}}", "run", "what to run");
    check_refused("{'run': {'native': 'a', 'command': 'b'}}", "run.command", "both");
    check_refused("{'run': {'command': 'true'}, 'start': 'zygote'}", "start", "fresh process");
}
END_TEST

START_TEST(memory_is_read)
{
    static const struct {
        const char *text;
        int64_t bytes;
    } rows[] = {{"1000", 1000},      {"'1000'", 1000},      {"'512M'", 512 << 20},
                {"'1.5K'", 1536},    {"'2GiB'", 2LL << 30}, {"'2GB'", 2LL << 30},
                {"'1T'", 1LL << 40}, {"'7B'", 7},           {"0", 0}};
    char json[256];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        (void)snprintf(json, sizeof(json), "{" NATIVE ", 'resources_per_trial': {'memory': %s}}",
                       rows[i].text);
        check_parses(json);
        ck_assert_int_eq(spec.resources.memory_bytes, rows[i].bytes);
    }
}
END_TEST

START_TEST(too_much_is_refused)
{
    struct buf json = {0};

    buf_append_text(&json, "{" NATIVE ", 'config': {'a': '");
    for (unsigned i = 0; i < LIMIT_CONFIG_BYTES; i++)
        buf_append_char(&json, 'x');
    buf_append_text(&json, "'}}");
    ck_assert_int_eq(parse(buf_text(&json)), ERR_TOO_BIG);
    ck_assert_str_eq(error.path, "config");
    json.size -= 3;
    for (unsigned i = 0; i < LIMIT_SPEC_BYTES; i++)
        buf_append_char(&json, 'x');
    buf_append_text(&json, "'}}");
    ck_assert_int_eq(parse(buf_text(&json)), ERR_TOO_BIG);
    ck_assert_str_eq(error.path, "");
    buf_fini(&json);
}
END_TEST

/* A grid may be bigger than one trial's configuration. */
START_TEST(a_long_grid_is_no_big_configuration)
{
    struct buf json = {0};

    buf_append_text(&json, "{" NATIVE ", 'config': {'a': {'grid_search': ['x'");
    for (unsigned i = 0; i < 30000; i++)
        buf_printf(&json, ", 'value_%u'", i);
    buf_append_text(&json, "]}}}");
    check_parses(buf_text(&json));
    buf_fini(&json);
}
END_TEST

START_TEST(errors_hold_no_control_characters_and_no_half_ones)
{
    struct buf json = {0};

    check_refused("{" NATIVE ", 'a\\u001b[2Jb': 1}", "a?[2Jb", "'a?[2Jb'");
    for (int shift = 0; shift < 4; shift++) {
        size_t size;

        buf_reset(&json);
        buf_append_text(&json, "{" NATIVE ", '");
        for (int i = 0; i < shift; i++)
            buf_append_char(&json, 'x');
        for (int i = 0; i < 200; i++)
            buf_append_text(&json, "\xe2\x82\xac");
        buf_append_text(&json, "': 1}");
        ck_assert_int_eq(parse(buf_text(&json)), ERR_MALFORMED);
        size = strlen(error.path);
        ck_assert_uint_ge(size, 253);
        ck_assert_uint_eq((size - (size_t)shift) % 3, 0);
    }
    buf_fini(&json);
}
END_TEST

START_TEST(nearest_is_near)
{
    static const char *const names[] = {"num_samples", "scheduler", "search", "stop", "env"};

    ck_assert_str_eq(spec_nearest("num_sampels", names, 5), "num_samples");
    ck_assert_str_eq(spec_nearest("shceduler", names, 5), "scheduler");
    ck_assert_str_eq(spec_nearest("stpo", names, 5), "stop");
    ck_assert_str_eq(spec_nearest("envs", names, 5), "env");
    ck_assert_ptr_null(spec_nearest("x", names, 5));
    ck_assert_ptr_null(spec_nearest("resources", names, 5));
    ck_assert_ptr_null(spec_nearest("anything", names, 0));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("spec");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, defaults_are_filled_in);
    tcase_add_test(tc, everything_is_read);
    tcase_add_test(tc, checkpoints_are_asked_for);
    tcase_add_test(tc, async_hyperband_has_the_defaults_of_its_semantics);
    tcase_add_test(tc, a_scheduler_may_have_forms_and_words);
    tcase_add_test(tc, median_has_a_time_and_a_truth_of_its_own);
    tcase_add_test(tc, schedulers_are_checked);
    tcase_add_test(tc, unknown_keys_name_the_nearest);
    tcase_add_test(tc, bad_values_are_refused);
    tcase_add_test(tc, memory_is_read);
    tcase_add_test(tc, too_much_is_refused);
    tcase_add_test(tc, a_long_grid_is_no_big_configuration);
    tcase_add_test(tc, errors_hold_no_control_characters_and_no_half_ones);
    tcase_add_test(tc, nearest_is_near);
    suite_add_tcase(s, tc);
    return s;
}
