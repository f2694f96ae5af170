/* spec_scheduler.c - the scheduler's section of an experiment. */
#include <string.h>

#include "common/err.h"
#include "common/spec_read.h"

#define DEFAULT_METRIC "episode_reward_mean" /* Tune 0.7's */

static int read_type(struct spec_reader *reader, const struct value *value)
{
    static const char *const words[] = {"fifo", "async_hyperband", "asha"};
    uint32_t index;
    int err = spec_read_word(reader, value, words, 3, &index);

    if (err < 0)
        return err;
    reader->spec->scheduler.type = index == 0 ? "fifo" : "async_hyperband";
    return 0;
}

/* Read before the others, to know whose keys they are. */
static int read_nothing(struct spec_reader *reader, const struct value *value)
{
    (void)reader;
    (void)value;
    return 0;
}

static int read_time_attr(struct spec_reader *reader, const struct value *value)
{
    return spec_read_text(reader, value, LIMIT_NAME_BYTES, &reader->spec->scheduler.time_attr);
}

static int read_reward_attr(struct spec_reader *reader, const struct value *value)
{
    if (reader->spec->scheduler.metric != NULL)
        return spec_refuse(reader, "take one of them away", "says the same as metric");
    reader->has_reward_attr = true;
    return spec_read_text(reader, value, LIMIT_NAME_BYTES, &reader->spec->scheduler.metric);
}

static int read_metric(struct spec_reader *reader, const struct value *value)
{
    if (reader->has_reward_attr)
        return spec_refuse(reader, "take one of them away", "says the same as reward_attr");
    return spec_read_text(reader, value, LIMIT_NAME_BYTES, &reader->spec->scheduler.metric);
}

static int read_mode(struct spec_reader *reader, const struct value *value)
{
    reader->has_scheduler_mode = true;
    return spec_read_mode(reader, value, &reader->spec->scheduler.mode);
}

static int read_semantics(struct spec_reader *reader, const struct value *value)
{
    static const char *const words[] = {"tune-2", "tune-0.7"};
    uint32_t index;
    int err = spec_read_word(reader, value, words, 2, &index);

    if (err < 0)
        return err;
    reader->has_semantics = true;
    reader->spec->scheduler.semantics = index == 0 ? SEMANTICS_TUNE_2 : SEMANTICS_TUNE_07;
    return 0;
}

static int read_max_t(struct spec_reader *reader, const struct value *value)
{
    int err = spec_read_number(reader, value, &reader->spec->scheduler.max_t);

    if (err < 0)
        return err;
    if (!(reader->spec->scheduler.max_t > 0))
        return spec_refuse(reader, "", "must be above 0");
    reader->has_max_t = true;
    return 0;
}

static int read_grace_period(struct spec_reader *reader, const struct value *value)
{
    int err = spec_read_number(reader, value, &reader->spec->scheduler.grace_period);

    if (err < 0)
        return err;
    if (!(reader->spec->scheduler.grace_period > 0))
        return spec_refuse(reader, "", "must be above 0");
    reader->has_grace_period = true;
    return 0;
}

static int read_reduction_factor(struct spec_reader *reader, const struct value *value)
{
    int err = spec_read_number(reader, value, &reader->spec->scheduler.reduction_factor);

    if (err < 0)
        return err;
    if (!(reader->spec->scheduler.reduction_factor > 1))
        return spec_refuse(reader, "", "must be above 1");
    reader->has_reduction_factor = true;
    return 0;
}

static int read_brackets(struct spec_reader *reader, const struct value *value)
{
    int64_t brackets;
    int err = spec_read_int(reader, value, 1, LIMIT_BRACKETS, &brackets);

    if (err < 0)
        return err;
    reader->spec->scheduler.brackets = (uint32_t)brackets;
    reader->has_brackets = true;
    return 0;
}

static const struct spec_key fifo_keys[] = {
    {"type", read_nothing},
};

static const struct spec_key async_hyperband_keys[] = {
    {"type", read_nothing},
    {"time_attr", read_time_attr},
    {"reward_attr", read_reward_attr},
    {"metric", read_metric},
    {"mode", read_mode},
    {"semantics", read_semantics},
    {"max_t", read_max_t},
    {"grace_period", read_grace_period},
    {"reduction_factor", read_reduction_factor},
    {"brackets", read_brackets},
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

int spec_read_scheduler(struct spec_reader *reader, const struct value *value)
{
    const struct value *type = value_get(value, "type");
    size_t size;
    int err;

    if (value->type == VALUE_TEXT)
        return read_type(reader, value);
    if (type == NULL)
        return spec_refuse(reader, "write {type: async_hyperband, ...}, or a name alone",
                           "must be a name, or a map with a type");
    size = spec_enter(reader, "type");
    err = read_type(reader, type);
    if (err < 0)
        return err;
    spec_leave(reader, size);
    if (strcmp(reader->spec->scheduler.type, "fifo") == 0)
        return spec_read_map(reader, value, "the scheduler fifo", fifo_keys, COUNT(fifo_keys));
    return spec_read_map(reader, value, "the scheduler async_hyperband", async_hyperband_keys,
                         COUNT(async_hyperband_keys));
}

/* The rungs of the widest bracket: grace_period * reduction_factor^k up to max_t. */
static bool rungs_are_too_many(const struct spec_scheduler *scheduler)
{
    double rung = scheduler->grace_period;
    uint32_t count = 0;

    while (rung <= scheduler->max_t && count <= LIMIT_RUNGS) {
        rung *= scheduler->reduction_factor;
        count++;
    }
    return count > LIMIT_RUNGS;
}

static void fill_in_numbers(struct spec_reader *reader)
{
    struct spec_scheduler *scheduler = &reader->spec->scheduler;

    if (!reader->has_max_t)
        scheduler->max_t = 100;
    if (!reader->has_grace_period)
        scheduler->grace_period = scheduler->semantics == SEMANTICS_TUNE_07 ? 10 : 1;
    if (!reader->has_reduction_factor)
        scheduler->reduction_factor = 4;
    if (!reader->has_brackets)
        scheduler->brackets = 1;
    if (scheduler->time_attr == NULL)
        scheduler->time_attr = "training_iteration";
}

/* The section's own word, the top level's, or what Tune took. */
static int fill_in_metric(struct spec_reader *reader)
{
    struct spec_scheduler *scheduler = &reader->spec->scheduler;
    bool judges = strcmp(scheduler->type, "fifo") != 0;

    if (reader->has_reward_attr && reader->has_scheduler_mode)
        return spec_refuse(reader, "write metric in place of reward_attr",
                           "reward_attr is always maximised: mode does not go with it");
    if (reader->has_reward_attr)
        return 0;
    if (scheduler->metric == NULL)
        scheduler->metric = reader->spec->metric;
    if (scheduler->metric == NULL) {
        if (judges && scheduler->semantics == SEMANTICS_TUNE_2)
            return spec_refuse(reader, "write metric: NAME and mode: max or min",
                               "needs a metric to judge by");
        scheduler->metric = DEFAULT_METRIC;
    }
    if (reader->has_scheduler_mode)
        return 0;
    scheduler->mode = reader->spec->mode;
    if (judges && scheduler->semantics == SEMANTICS_TUNE_2 && !reader->has_mode)
        return spec_refuse(reader, "write mode: max or mode: min beside metric",
                           "does not say whether %s is to grow or to shrink", scheduler->metric);
    return 0;
}

int spec_finish_scheduler(struct spec_reader *reader)
{
    struct spec_scheduler *scheduler = &reader->spec->scheduler;
    size_t size = spec_enter(reader, "scheduler");
    int err;

    if (!reader->has_semantics)
        scheduler->semantics = reader->has_reward_attr ? SEMANTICS_TUNE_07 : SEMANTICS_TUNE_2;
    fill_in_numbers(reader);
    err = fill_in_metric(reader);
    if (err < 0)
        return err;
    if (scheduler->max_t < scheduler->grace_period)
        return spec_refuse(reader, "", "max_t (%g) must not be below grace_period (%g)",
                           scheduler->max_t, scheduler->grace_period);
    if (rungs_are_too_many(scheduler))
        return spec_refuse(reader, "write a higher reduction_factor or grace_period",
                           "makes more than %u rungs", LIMIT_RUNGS);
    spec_leave(reader, size);
    return 0;
}
