#include "common/spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/spec_read.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static int read_experiment_name(struct spec_reader *reader, const struct value *value)
{
    return spec_read_name(reader, value, &reader->spec->name);
}

static int read_config(struct spec_reader *reader, const struct value *value)
{
    struct space_error error = {0};
    struct variable *variables;
    uint32_t count;

    if (value->type != VALUE_MAP)
        return spec_refuse(reader, "", "must be a map, not %s", value_type_name(value->type));
    if (domain_is_marker(value))
        return spec_refuse(reader, "give the values inside it markers",
                           "must be a map of values, not one marker");
    if (space_variables(value, "config", reader->arena, &variables, &count, &error) < 0)
        return spec_refuse_space(reader, &error);
    reader->spec->config = *value;
    return 0;
}

static int read_num_samples(struct spec_reader *reader, const struct value *value)
{
    int64_t number = 0;
    int err = 0;

    if (value->type != VALUE_INT || value->integer != 0)
        err = spec_read_int(reader, value, 1, LIMIT_SAMPLES, &number);
    if (err == 0)
        reader->spec->num_samples = (uint32_t)number;
    return err;
}

/* What a bound may be: a number, or a map that says its side. */
static int read_bound(struct spec_reader *reader, const char *metric, enum stop_side side,
                      const struct value *value)
{
    struct spec *spec = reader->spec;
    double bound;
    int err = spec_read_number(reader, value, &bound);

    if (err < 0)
        return err;
    if (spec->stop_count == LIMIT_STOP_RULES)
        return spec_refuse(reader, "", "is one rule more than %u", LIMIT_STOP_RULES);
    spec->stop[spec->stop_count++] = (struct stop_rule){span_text(metric), side, bound};
    return 0;
}

static int read_sides(struct spec_reader *reader, const char *metric, const struct value *map)
{
    static const char mend[] = "write {max: X} to stop at X and above, {min: X} for at and below";

    if (domain_is_marker(map))
        return spec_refuse(reader, "write a number", "markers are read in config only");
    if (map->count == 0)
        return spec_refuse(reader, mend, "has no bound");
    for (uint32_t i = 0; i < map->count; i++) {
        const char *key = map->members[i].key;
        size_t size = spec_enter(reader, key);
        int err;

        if (strcmp(key, "max") != 0 && strcmp(key, "min") != 0)
            return spec_refuse(reader, mend, "a bound has no key '%s'", key);
        err = read_bound(reader, metric, key[1] == 'a' ? STOP_AT_LEAST : STOP_AT_MOST,
                         &map->members[i].value);
        if (err < 0)
            return err;
        spec_leave(reader, size);
    }
    return 0;
}

static int read_stop(struct spec_reader *reader, const struct value *value)
{
    if (value->type != VALUE_MAP)
        return spec_refuse(reader, "write {training_iteration: 100}",
                           "must be a map of metrics and bounds");
    reader->spec->stop = arena_alloc(reader->arena, LIMIT_STOP_RULES * sizeof(struct stop_rule));
    for (uint32_t i = 0; i < value->count; i++) {
        const struct member *member = &value->members[i];
        size_t size = spec_enter(reader, member->key);
        int err = spec_check_key(reader, member->key);

        if (err < 0)
            return err;
        if (member->value.type == VALUE_MAP)
            err = read_sides(reader, member->key, &member->value);
        else
            err = read_bound(reader, member->key, STOP_AT_LEAST, &member->value);
        if (err < 0)
            return err;
        spec_leave(reader, size);
    }
    return 0;
}

static int read_max_concurrent(struct spec_reader *reader, const struct value *value)
{
    int64_t number;
    int err = spec_read_int(reader, value, 0, LIMIT_SAMPLES, &number);

    if (err == 0)
        reader->spec->max_concurrent = (uint32_t)number;
    return err;
}

static int read_start(struct spec_reader *reader, const struct value *value)
{
    static const char *const words[] = {"zygote", "exec"};
    uint32_t index;
    int err = spec_read_word(reader, value, words, COUNT(words), &index);

    if (err < 0)
        return err;
    reader->has_start = true;
    reader->spec->start = index == 0 ? START_ZYGOTE : START_EXEC;
    return 0;
}

static int read_max_failures(struct spec_reader *reader, const struct value *value)
{
    int64_t number;
    int err = spec_read_int(reader, value, -1, INT32_MAX, &number);

    if (err == 0)
        reader->spec->max_failures = (int32_t)number;
    return err;
}

static int read_time_limit(struct spec_reader *reader, const struct value *value)
{
    return spec_read_duration(reader, value, &reader->spec->time_limit_ms);
}

static int read_report_timeout(struct spec_reader *reader, const struct value *value)
{
    return spec_read_duration(reader, value, &reader->spec->report_timeout_ms);
}

static int read_priority(struct spec_reader *reader, const struct value *value)
{
    int64_t number;
    int err = spec_read_int(reader, value, INT32_MIN, INT32_MAX, &number);

    if (err == 0)
        reader->spec->priority = (int32_t)number;
    return err;
}

static int read_metric(struct spec_reader *reader, const struct value *value)
{
    return spec_read_text(reader, value, LIMIT_NAME_BYTES, &reader->spec->metric);
}

static int read_mode(struct spec_reader *reader, const struct value *value)
{
    reader->has_mode = true;
    return spec_read_mode(reader, value, &reader->spec->mode);
}

static int read_on_result(struct spec_reader *reader, const struct value *value)
{
    return spec_read_lines(reader, value, LIMIT_TEXT_BYTES, &reader->spec->on_result);
}

static int read_files(struct spec_reader *reader, const struct value *value)
{
    static const char *const words[] = {"params", "result", "progress"};
    uint32_t files = 0;

    if (value->type != VALUE_LIST)
        return spec_refuse(reader, "write [params, result, progress]", "must be a list");
    for (uint32_t i = 0; i < value->count; i++) {
        char text[16];
        size_t size;
        uint32_t index;
        int err;

        (void)snprintf(text, sizeof(text), "%u", i);
        size = spec_enter(reader, text);
        err = spec_read_word(reader, &value->items[i], words, COUNT(words), &index);
        if (err < 0)
            return err;
        files |= 1u << index;
        spec_leave(reader, size);
    }
    reader->spec->files = files;
    return 0;
}

static int read_local_dir(struct spec_reader *reader, const struct value *value)
{
    return spec_read_text(reader, value, LIMIT_PATH_BYTES, &reader->spec->local_dir);
}

static int read_trial_name(struct spec_reader *reader, const struct value *value)
{
    int err = spec_read_text(reader, value, LIMIT_TRIAL_NAME, &reader->spec->trial_name);

    return err < 0 ? err : spec_check_trial_name(reader, reader->spec->trial_name);
}

static int read_code(struct spec_reader *reader, const struct value *value)
{
    return spec_read_text(reader, value, LIMIT_PATH_BYTES, &reader->spec->code);
}

/* All that an experiment may say. */
static const struct spec_key spec_keys[] = {
    {"name", read_experiment_name},
    {"run", spec_read_run},
    {"config", read_config},
    {"num_samples", read_num_samples},
    {"search", spec_read_search},
    {"points_to_evaluate", spec_read_points_to_evaluate},
    {"warm_start", spec_read_warm_start},
    {"scheduler", spec_read_scheduler},
    {"stop", read_stop},
    {"budget", spec_read_budget},
    {"plateau", spec_read_plateau},
    {"resources_per_trial", spec_read_resources},
    {"max_concurrent", read_max_concurrent},
    {"start", read_start},
    {"max_failures", read_max_failures},
    {"time_limit", read_time_limit},
    {"report_timeout", read_report_timeout},
    {"priority", read_priority},
    {"metric", read_metric},
    {"mode", read_mode},
    {"on_result", read_on_result},
    {"files", read_files},
    {"local_dir", read_local_dir},
    {"trial_name", read_trial_name},
    {"env", spec_read_env},
    {"code", read_code},
    {"checkpoint_freq", spec_read_checkpoint_freq},
    {"checkpoint_at_end", spec_read_checkpoint_at_end},
    {"keep_checkpoints_num", spec_read_keep_checkpoints},
    {"checkpoint_score_attr", spec_read_checkpoint_score},
};

static uint64_t points_bytes_most(const struct value *points)
{
    uint64_t most = 0;

    for (uint32_t i = 0; points != NULL && i < points->count; i++) {
        uint64_t bytes = space_bytes_most(&points->items[i]);

        most = bytes > most ? bytes : most;
    }
    return most;
}

/* What only the whole can be too much of. */
static int check_sizes(struct spec_reader *reader)
{
    const struct spec *spec = reader->spec;
    uint64_t points = space_points(&spec->config);
    uint64_t listed = spec->search.points != NULL ? spec->search.points->count : 1;
    uint64_t bytes = space_bytes_most(&spec->config) + points_bytes_most(spec->search.points);
    size_t size;

    if (points > LIMIT_SAMPLES || points * listed > LIMIT_SAMPLES ||
        points * listed * spec->num_samples > LIMIT_SAMPLES) {
        size = spec_enter(reader, "num_samples");
        return spec_refuse(reader, "", "the grids and num_samples make more than %u trials",
                           LIMIT_SAMPLES);
    }
    if (bytes <= LIMIT_CONFIG_BYTES)
        return 0;
    size = spec_enter(reader, "config");
    (void)spec_refuse(reader, "put big data in a file, and its path here",
                      "one trial's configuration can have more than %u bytes", LIMIT_CONFIG_BYTES);
    spec_leave(reader, size);
    return ERR_TOO_BIG;
}

static int check_packed(struct spec_reader *reader, const struct value *value)
{
    struct buf packed = {0};
    size_t size;

    value_pack(value, &packed);
    size = packed.size;
    buf_fini(&packed);
    if (size <= LIMIT_SPEC_BYTES)
        return 0;
    (void)spec_refuse(reader, "", "an experiment has at most %u bytes", LIMIT_SPEC_BYTES);
    return ERR_TOO_BIG;
}

int spec_parse(const struct value *value, struct arena *arena, struct spec *out,
               struct spec_error *error)
{
    struct spec spec = {
        .config = {.type = VALUE_MAP},
        .num_samples = 1,
        .search = {.type = "random", .startup = 10, .candidates = 24, .timeout_ms = 10000},
        .scheduler = {.type = scheduler_type_find("fifo")},
        .resources = {.cpu = RESOURCE_ONE},
        .files = FILES_PARAMS | FILES_RESULT | FILES_PROGRESS,
        .local_dir = "~/assay_results",
        .keep_checkpoints = 2,
        .checkpoint_score = "training_iteration",
    };
    struct spec_reader reader = {.arena = arena, .spec = &spec, .error = error};
    int err = check_packed(&reader, value);

    if (err == 0)
        err = spec_read_map(&reader, value, "an experiment", spec_keys, COUNT(spec_keys));
    if (err == 0)
        err = check_sizes(&reader); /* first: what follows looks for names in the configuration */
    if (err == 0)
        err = spec_finish_space(&reader);
    if (err == 0)
        err = spec_finish_run(&reader);
    if (err == 0)
        err = spec_finish_scheduler(&reader);
    if (err == 0)
        err = spec_finish_search(&reader);
    if (err == 0)
        err = spec_finish_warm_start(&reader);
    if (err == 0)
        err = spec_finish_budget(&reader);
    if (err == 0)
        *out = spec;
    else
        spec_tame(error);
    return err;
}
