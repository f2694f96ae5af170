/* spec_budget.c - what an experiment may cost in all, and when a trial whose metric stands still is
 * stopped. */
#include <math.h>
#include <string.h>

#include "common/limits.h"
#include "common/spec_read.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static int read_time(struct spec_reader *reader, const struct value *value)
{
    return spec_read_duration(reader, value, &reader->spec->budget.time_ms);
}

static int read_count(struct spec_reader *reader, const struct value *value, uint32_t *out)
{
    int64_t number;
    int err = spec_read_int(reader, value, 1, LIMIT_SAMPLES, &number);

    if (err == 0)
        *out = (uint32_t)number;
    return err;
}

static int read_trials(struct spec_reader *reader, const struct value *value)
{
    return read_count(reader, value, &reader->spec->budget.trials);
}

static int read_no_improvement(struct spec_reader *reader, const struct value *value)
{
    return read_count(reader, value, &reader->spec->budget.no_improvement);
}

static int read_max_failed(struct spec_reader *reader, const struct value *value)
{
    return read_count(reader, value, &reader->spec->budget.max_failed);
}

static int read_target(struct spec_reader *reader, const struct value *value)
{
    int err = spec_read_number(reader, value, &reader->spec->budget.target);

    if (err == 0)
        reader->spec->budget.has_target = true;
    return err;
}

int spec_read_budget(struct spec_reader *reader, const struct value *value)
{
    static const struct spec_key keys[] = {{"time", read_time},
                                           {"trials", read_trials},
                                           {"no_improvement", read_no_improvement},
                                           {"target", read_target},
                                           {"max_failed", read_max_failed}};
    static const char mend[] = "write {time: 1d}, {trials: 500}, or several of time, trials, "
                               "no_improvement, target, max_failed";
    const struct spec_budget *budget = &reader->spec->budget;
    int err;

    if (value->type != VALUE_MAP)
        return spec_refuse(reader, mend, "must be a map of bounds, not %s",
                           value_type_name(value->type));
    err = spec_read_map(reader, value, "budget", keys, COUNT(keys));
    if (err < 0)
        return err;
    if (budget->time_ms == 0 && budget->trials == 0 && budget->no_improvement == 0 &&
        !budget->has_target && budget->max_failed == 0)
        return spec_refuse(reader, mend, "has no bound");
    return 0;
}

static int read_plateau_metric(struct spec_reader *reader, const struct value *value)
{
    int err = spec_read_text(reader, value, LIMIT_NAME_BYTES, &reader->spec->plateau.metric);

    return err < 0 ? err : spec_check_key(reader, reader->spec->plateau.metric);
}

static int read_patience(struct spec_reader *reader, const struct value *value)
{
    return read_count(reader, value, &reader->spec->plateau.patience);
}

static int read_delta(struct spec_reader *reader, const struct value *value)
{
    double *delta = &reader->spec->plateau.delta;
    int err = spec_read_number(reader, value, delta);

    if (err == 0 && *delta < 0)
        return spec_refuse(reader, "write 0 for any move, or 0.001", "must be 0 or more");
    return err;
}

int spec_read_plateau(struct spec_reader *reader, const struct value *value)
{
    static const struct spec_key keys[] = {
        {"metric", read_plateau_metric}, {"patience", read_patience}, {"delta", read_delta}};
    static const char mend[] = "write {metric: loss, patience: 5, delta: 0.001}";
    int err;

    if (value->type != VALUE_MAP)
        return spec_refuse(reader, mend, "must be a map, not %s", value_type_name(value->type));
    err = spec_read_map(reader, value, "plateau", keys, COUNT(keys));
    if (err < 0)
        return err;
    if (reader->spec->plateau.patience == 0)
        return spec_refuse(reader, mend,
                           "does not say after how many results (patience) a trial is stopped");
    return 0;
}

/* What `best` goes by; NULL where nobody has named anything. */
static const char *metric_of(const struct spec *spec)
{
    if (spec->metric != NULL)
        return spec->metric;
    return spec->scheduler.type->judges ? spec->scheduler.metric : NULL;
}

/* Whether somebody has said if it is to grow or to shrink. A scheduler that judges has made sure of
 * its own. */
static bool mode_is_said(const struct spec_reader *reader)
{
    const struct spec *spec = reader->spec;

    return spec->metric == NULL || reader->has_mode ||
           (reader->has_reward_attr && strcmp(spec->metric, spec->scheduler.metric) == 0);
}

static int finish_budget(struct spec_reader *reader)
{
    const struct spec *spec = reader->spec;
    const char *key = spec->budget.has_target ? "target" : "no_improvement";
    size_t outer, inner;

    if (!spec->budget.has_target && spec->budget.no_improvement == 0)
        return 0;
    outer = spec_enter(reader, "budget");
    inner = spec_enter(reader, key);
    if (metric_of(spec) == NULL)
        return spec_refuse(reader, "write metric: NAME and mode: max or min",
                           "needs a metric to go by");
    if (!mode_is_said(reader))
        return spec_refuse(reader, "write mode: max or mode: min beside metric",
                           "has to know whether %s is to grow or to shrink", spec->metric);
    spec_leave(reader, inner);
    spec_leave(reader, outer);
    return 0;
}

/* A rule that nothing meets, NaN being no bound: whoever looks at the rules asks for its metric. */
static void watch_metric(struct spec_reader *reader)
{
    struct spec *spec = reader->spec;

    if (spec->stop == NULL)
        spec->stop = arena_alloc(reader->arena, sizeof(struct stop_rule));
    spec->stop[spec->watched_count++] =
        (struct stop_rule){span_text(spec->plateau.metric), STOP_AT_LEAST, (double)NAN};
}

static int finish_plateau(struct spec_reader *reader)
{
    struct spec *spec = reader->spec;
    struct spec_plateau *plateau = &spec->plateau;
    const char *metric = metric_of(spec);
    enum metric_mode mode = spec_mode(spec);
    size_t size;

    if (plateau->patience == 0)
        return 0;
    size = spec_enter(reader, "plateau");
    if (plateau->metric == NULL)
        plateau->metric = metric;
    if (plateau->metric == NULL)
        return spec_refuse(reader, "write metric: NAME in it", "needs a metric to look at");
    if (spec->stop_count == LIMIT_STOP_RULES)
        return spec_refuse(reader, "", "is one rule more than %u, with those of stop",
                           LIMIT_STOP_RULES);
    if (metric != NULL && strcmp(plateau->metric, metric) == 0 && mode_is_said(reader))
        plateau->side = mode == MODE_MIN ? PLATEAU_DOWN : PLATEAU_UP;
    watch_metric(reader);
    spec_leave(reader, size);
    return 0;
}

int spec_finish_budget(struct spec_reader *reader)
{
    int err = finish_budget(reader);

    reader->spec->watched_count = reader->spec->stop_count;
    return err < 0 ? err : finish_plateau(reader);
}
