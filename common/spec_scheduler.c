/* spec_scheduler.c - the scheduler's section of an experiment. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/spec_read.h"

#define DEFAULT_METRIC "episode_reward_mean" /* Tune 0.7's */

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* The rungs of the widest bracket: grace_period * reduction_factor^k up to max_t. */
static int check_asha(struct spec_reader *reader, const struct spec_scheduler *scheduler)
{
    double max_t = spec_scheduler_number(scheduler, "max_t");
    double grace_period = spec_scheduler_number(scheduler, "grace_period");
    double rung = grace_period;
    uint32_t count = 0;

    if (max_t < grace_period)
        return spec_refuse(reader, "", "max_t (%g) must not be below grace_period (%g)", max_t,
                           grace_period);
    while (rung <= max_t && count <= LIMIT_RUNGS) {
        rung *= spec_scheduler_number(scheduler, "reduction_factor");
        count++;
    }
    if (count > LIMIT_RUNGS)
        return spec_refuse(reader, "write a higher reduction_factor or grace_period",
                           "makes more than %u rungs", LIMIT_RUNGS);
    return 0;
}

/* Sizes of brackets are powers of reduction_factor about max_t: exact as long as they are small. */
static int check_hyperband(struct spec_reader *reader, const struct spec_scheduler *scheduler)
{
    double max_t = spec_scheduler_number(scheduler, "max_t");

    if (spec_scheduler_number(scheduler, "reduction_factor") < 2)
        return spec_refuse(reader, "", "reduction_factor must be at least 2");
    if (max_t < 1 || max_t > LIMIT_HYPERBAND_MAX_T)
        return spec_refuse(reader, "choose another time_attr", "max_t (%g) must be from 1 to %g",
                           max_t, LIMIT_HYPERBAND_MAX_T);
    return 0;
}

static int check_median(struct spec_reader *reader, const struct spec_scheduler *scheduler)
{
    double slice = spec_scheduler_number(scheduler, "min_time_slice");

    if (spec_scheduler_number(scheduler, "grace_period") < 0)
        return spec_refuse(reader, "", "grace_period must not be below 0");
    if (slice < 0)
        return spec_refuse(reader, "", "min_time_slice must not be below 0");
    if (slice > 0 && scheduler->semantics == SEMANTICS_TUNE_07)
        return spec_refuse(reader, "write metric and mode in place of reward_attr",
                           "min_time_slice goes with semantics tune-2 only");
    return 0;
}

/* Chances and shares are within their bounds, and there is something to explore. */
static int check_pbt(struct spec_reader *reader, const struct spec_scheduler *scheduler)
{
    double resample = spec_scheduler_number(scheduler, "resample_probability");
    double quantile = spec_scheduler_number(scheduler, "quantile_fraction");

    if (resample < 0 || resample > 1)
        return spec_refuse(reader, "", "resample_probability (%g) must be from 0 to 1", resample);
    if (quantile > 0.5)
        return spec_refuse(reader, "", "quantile_fraction (%g) must be at most 0.5", quantile);
    return spec_check_mutations(reader, scheduler);
}

static const struct scheduler_type types[] = {
#define SCHEDULER(tag, title, other, ...)                                                          \
    {.symbol = #tag, .name = title, .other_name = other, __VA_ARGS__},
#include "common/schedulers.def"
#undef SCHEDULER
};

const struct scheduler_type *scheduler_type_find(const char *name)
{
    for (size_t i = 0; i < COUNT(types); i++)
        if (strcmp(types[i].name, name) == 0 ||
            (types[i].other_name != NULL && strcmp(types[i].other_name, name) == 0))
            return &types[i];
    return NULL;
}

const struct scheduler_type *scheduler_type_row(size_t i)
{
    return i < COUNT(types) ? &types[i] : NULL;
}

/* Which of a type's keys this is; SCHEDULER_KEYS where it is none. */
static uint32_t key_index(const struct scheduler_type *type, const char *name)
{
    for (uint32_t i = 0; i < SCHEDULER_KEYS && type->keys[i].name != NULL; i++)
        if (strcmp(type->keys[i].name, name) == 0)
            return i;
    return SCHEDULER_KEYS;
}

bool scheduler_type_has(const struct scheduler_type *type, const char *key)
{
    return key_index(type, key) < SCHEDULER_KEYS;
}

double spec_scheduler_number(const struct spec_scheduler *scheduler, const char *key)
{
    uint32_t index = key_index(scheduler->type, key);

    assert(index < SCHEDULER_KEYS);
    return scheduler->numbers[index];
}

/* Whether a row above has its names: it is another form of that one. */
static bool is_further_form(size_t row)
{
    return row > 0 && strcmp(types[row - 1].name, types[row].name) == 0;
}

const char *scheduler_type_name(size_t i)
{
    for (size_t t = 0; t < COUNT(types); t++) {
        if (is_further_form(t))
            continue;
        if (i-- == 0)
            return types[t].name;
        if (types[t].other_name != NULL && i-- == 0)
            return types[t].other_name;
    }
    return NULL;
}

static int read_type(struct spec_reader *reader, const struct value *value)
{
    const char *names[2 * COUNT(types)];
    size_t count = 0;
    uint32_t index;
    int err;

    while (scheduler_type_name(count) != NULL) {
        names[count] = scheduler_type_name(count);
        count++;
    }
    err = spec_read_word(reader, value, names, count, &index);
    if (err < 0)
        return err;
    reader->spec->scheduler.type = scheduler_type_find(names[index]);
    return 0;
}

/* Of several rows with the name of the type that was read: the one of this form. */
static int read_form(struct spec_reader *reader, const struct value *value)
{
    const struct scheduler_type *first = reader->spec->scheduler.type;
    const char *words[COUNT(types)];
    size_t count = 0;
    uint32_t index;
    int err;

    do {
        words[count] = first[count].form;
        count++;
    } while (first + count < types + COUNT(types) &&
             is_further_form((size_t)(first - types) + count));
    err = spec_read_word(reader, value, words, count, &index);
    if (err == 0)
        reader->spec->scheduler.type = first + index;
    return err;
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

static int read_key_word(struct spec_reader *reader, const struct value *value,
                         const struct scheduler_key *key, double *out)
{
    size_t count = 0;
    uint32_t index;
    int err;

    struct value word = *value;

    if (value->type == VALUE_BOOL)
        word = (struct value){.type = VALUE_TEXT,
                              .count = value->boolean ? 4 : 5,
                              .text = value->boolean ? "true" : "false"};
    while (count < SCHEDULER_WORDS && key->words[count] != NULL)
        count++;
    err = spec_read_word(reader, &word, key->words, count, &index);
    if (err == 0)
        *out = index;
    return err;
}

/* A key of the scheduler's own; the reader's path ends with its name. */
static int read_number(struct spec_reader *reader, const struct value *value)
{
    struct spec_scheduler *scheduler = &reader->spec->scheduler;
    const char *point = strrchr(reader->path, '.');
    uint32_t index = key_index(scheduler->type, point != NULL ? point + 1 : reader->path);
    const struct scheduler_key *key = &scheduler->type->keys[index];
    int64_t whole;
    int err;

    assert(index < SCHEDULER_KEYS);
    if (key->words[0] != NULL) {
        err = read_key_word(reader, value, key, &scheduler->numbers[index]);
    } else if (key->most > 0) {
        err = spec_read_int(reader, value, 1, key->most, &whole);
        scheduler->numbers[index] = (double)whole;
    } else {
        err = spec_read_number(reader, value, &scheduler->numbers[index]);
        if (err == 0 && !(scheduler->numbers[index] > key->above))
            return spec_refuse(reader, "", "must be above %g", key->above);
    }
    reader->has_number[index] = err == 0;
    return err;
}

/* A map by the keys of its type: those of all who judge, then its own. */
static int read_keys(struct spec_reader *reader, const struct value *value)
{
    static const struct spec_key common[] = {
        {"type", read_nothing},  {"time_attr", read_time_attr},
        {"metric", read_metric}, {"reward_attr", read_reward_attr},
        {"mode", read_mode},     {"semantics", read_semantics},
    };
    const struct scheduler_type *type = reader->spec->scheduler.type;
    struct spec_key keys[COUNT(common) + 1 + SCHEDULER_KEYS];
    size_t count = type->judges ? COUNT(common) : 1;
    char where[64];

    memcpy(keys, common, count * sizeof(keys[0]));
    if (type->form != NULL)
        keys[count++] = (struct spec_key){"form", read_nothing};
    for (uint32_t i = 0; i < SCHEDULER_KEYS && type->keys[i].name != NULL; i++)
        keys[count++] = (struct spec_key){
            type->keys[i].name, type->keys[i].read != NULL ? type->keys[i].read : read_number};
    (void)snprintf(where, sizeof(where), "the scheduler %s", type->name);
    return spec_read_map(reader, value, where, keys, count);
}

int spec_read_scheduler(struct spec_reader *reader, const struct value *value)
{
    const struct value *type = value_get(value, "type");
    const struct value *form = value_get(value, "form");
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
    if (form != NULL && form->type != VALUE_NULL && reader->spec->scheduler.type->form != NULL) {
        size = spec_enter(reader, "form");
        err = read_form(reader, form);
        if (err < 0)
            return err;
        spec_leave(reader, size);
    }
    return read_keys(reader, value);
}

static void fill_in_numbers(struct spec_reader *reader)
{
    struct spec_scheduler *scheduler = &reader->spec->scheduler;
    bool old = scheduler->semantics == SEMANTICS_TUNE_07;

    for (uint32_t i = 0; i < SCHEDULER_KEYS; i++) {
        const struct scheduler_key *key = &scheduler->type->keys[i];

        if (!reader->has_number[i])
            scheduler->numbers[i] = old && key->missing_07 > 0 ? key->missing_07 : key->missing;
    }
    if (scheduler->time_attr == NULL)
        scheduler->time_attr =
            scheduler->type->time_attr != NULL ? scheduler->type->time_attr : "training_iteration";
}

/* The section's own word, the top level's, or what Tune took. */
static int fill_in_metric(struct spec_reader *reader)
{
    struct spec_scheduler *scheduler = &reader->spec->scheduler;
    bool judges = scheduler->type->judges;

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
    if (scheduler->type->check != NULL)
        err = scheduler->type->check(reader, scheduler);
    if (err < 0)
        return err;
    spec_leave(reader, size);
    return 0;
}
