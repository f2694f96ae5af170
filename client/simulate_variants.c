/* simulate_variants.c - the same experiment under the other schedulers. */
#include <math.h>
#include <string.h>

#include "client/simulate_page.h"

#define VARIANTS_MOST 32u

struct maker {
    const struct value *experiment;
    const struct spec *spec;
    double max_t; /* NaN: nothing says it */
    bool stops;   /* a rule of stop ends trials there, or before */
    struct arena *arena;
};

static const char *label_of(const struct scheduler_type *type, struct arena *arena)
{
    return type->form != NULL ? arena_printf(arena, "%s, %s", type->name, type->form) : type->name;
}

static bool is_of_time(const struct stop_rule *rule, const struct spec *spec)
{
    return rule->side == STOP_AT_LEAST && rule->metric.size == strlen(spec->scheduler.time_attr) &&
           memcmp(rule->metric.data, spec->scheduler.time_attr, rule->metric.size) == 0;
}

/* A key of the own scheduler; NaN where it has none of the name. */
static double own_number(const struct spec_scheduler *own, const char *key)
{
    return scheduler_type_has(own->type, key) ? spec_scheduler_number(own, key) : (double)NAN;
}

static double find_max_t(const struct spec *spec, int64_t longest)
{
    double max_t = own_number(&spec->scheduler, "max_t");

    for (uint32_t i = 0; i < spec->stop_count && isnan(max_t); i++)
        if (is_of_time(&spec->stop[i], spec))
            max_t = spec->stop[i].bound;
    return isnan(max_t) && longest > 0 ? (double)longest : max_t;
}

/* What a key has under another scheduler; NaN: what it has when nobody says. */
static double number_of(const struct maker *maker, const struct scheduler_key *key)
{
    double number = own_number(&maker->spec->scheduler, key->name);

    if (isnan(number) && strcmp(key->name, "max_t") == 0)
        return maker->max_t;
    if (isnan(number) && strcmp(key->name, "grace_period") == 0)
        return 1;
    return number;
}

static struct value number_value(double number)
{
    return number == floor(number) && fabs(number) < 1e15 ? value_int((int64_t)number)
                                                          : value_double(number);
}

static struct value section_of(const struct maker *maker, const struct scheduler_type *type)
{
    const struct spec_scheduler *own = &maker->spec->scheduler;
    struct arena *arena = maker->arena;
    struct value_builder map;

    value_builder_map(&map, arena);
    value_builder_set(&map, "type", value_text(arena, type->name));
    if (type->form != NULL)
        value_builder_set(&map, "form", value_text(arena, type->form));
    if (type->judges) {
        value_builder_set(&map, "time_attr", value_text(arena, own->time_attr));
        value_builder_set(&map, "metric", value_text(arena, spec_metric(maker->spec)));
        value_builder_set(&map, "mode",
                          value_text(arena, spec_mode(maker->spec) == MODE_MIN ? "min" : "max"));
    }
    for (uint32_t i = 0; i < SCHEDULER_KEYS && type->keys[i].name != NULL; i++) {
        const struct scheduler_key *key = &type->keys[i];
        double number = number_of(maker, key);

        if (!isnan(number) && key->words[0] == NULL && key->read == NULL)
            value_builder_set(&map, key->name, number_value(number));
    }
    return value_builder_done(&map);
}

static bool needs_more(const struct scheduler_type *type)
{
    for (uint32_t i = 0; i < SCHEDULER_KEYS && type->keys[i].name != NULL; i++)
        if (type->keys[i].read != NULL)
            return true;
    return false;
}

static void make(const struct maker *maker, const struct scheduler_type *type, struct variant *out)
{
    struct value section = section_of(maker, type);
    struct spec_error error;
    struct spec spec;
    int err;

    *out = (struct variant){.label = label_of(type, maker->arena), .type = type};
    err = value_set_path(maker->experiment, "scheduler", section, maker->arena, &out->experiment);
    /* Who knows no max_t lets trials run as far, and no further. */
    if (err == 0 && !maker->stops && !isnan(maker->max_t) && !scheduler_type_has(type, "max_t"))
        err =
            value_set_path(&out->experiment,
                           arena_printf(maker->arena, "stop.%s", maker->spec->scheduler.time_attr),
                           number_value(maker->max_t), maker->arena, &out->experiment);
    if (err != 0 || spec_parse(&out->experiment, maker->arena, &spec, &error) < 0)
        out->why_not = arena_printf(maker->arena, "%s: %s", error.path, error.what);
}

void variants_make(const struct value *experiment, const struct spec *spec, int64_t longest,
                   bool others, struct arena *arena, struct variant **out, uint32_t *count)
{
    struct maker maker = {
        .experiment = experiment, .spec = spec, .max_t = find_max_t(spec, longest), .arena = arena};
    struct variant *variants = arena_zalloc(arena, VARIANTS_MOST * sizeof(*variants));
    const struct scheduler_type *type;

    for (uint32_t i = 0; i < spec->stop_count; i++)
        maker.stops |= is_of_time(&spec->stop[i], spec) && !(spec->stop[i].bound > maker.max_t);
    variants[0] = (struct variant){.label = label_of(spec->scheduler.type, arena),
                                   .own = true,
                                   .type = spec->scheduler.type,
                                   .experiment = *experiment};
    *out = variants;
    *count = 1;
    for (size_t i = 0; others && *count < VARIANTS_MOST && (type = scheduler_type_row(i)) != NULL;
         i++)
        if (type != spec->scheduler.type && !needs_more(type))
            make(&maker, type, &variants[(*count)++]);
}
