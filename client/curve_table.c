/* curve_table.c - curves that were measured once: which one a trial has, and its steps. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client/curve_table_inside.h"
#include "common/xalloc.h"
#include "head/core/event.h"

/* Of draws: the order in which curves are taken, and which of those that are the same. */
#define STREAM_ORDER 1u
#define STREAM_SAME  2u

static struct table_curves *of(struct curves *curves)
{
    return (struct table_curves *)(void *)curves;
}

static void table_destroy(struct curves *curves)
{
    struct table_curves *self = of(curves);

    free(self->keys);
    free(self->metrics);
    free(self->rows);
    free(self->curves);
    free(self->order);
    free(self->given);
    table_free(self->same);
    buf_fini(&self->packed);
    arena_fini(&self->arena);
    free(self);
}

static void table_begin(struct curves *curves, uint64_t seed)
{
    struct table_curves *self = of(curves);
    struct rng rng = {.seed = seed, .stream = STREAM_ORDER};

    for (uint32_t i = 0; i < self->count; i++) {
        uint32_t other = (uint32_t)rng_next_below(&rng, i + 1);

        self->order[i] = self->order[other];
        self->order[other] = i;
    }
    self->seed = seed;
    self->gave = self->other = 0;
}

/* How far a configuration is from a curve's; gives up past best. */
static double distance(const struct table_curves *self, uint32_t row, const struct value *config,
                       double best)
{
    double sum = 0;

    for (uint32_t i = 0; i < self->config_keys && sum < best; i++) {
        const struct key_column *key = &self->keys[i];
        const struct value *one = curve_cell(self, row, key->column);
        const struct value *other = curve_key_value(config, key->name);
        double part = 1;

        if (other != NULL && value_is_number(one) && value_is_number(other)) {
            part = fabs(value_number(one) - value_number(other));
            if (part > 0)
                part = key->high > key->low ? part / (key->high - key->low) : 1;
        } else if (other != NULL ? value_equal(one, other) : one->type == VALUE_NULL) {
            part = 0;
        }
        sum += part;
    }
    return sum;
}

static uint32_t nearest(const struct table_curves *self, const struct value *config)
{
    double best = (double)INFINITY;
    uint32_t curve = 0;

    for (uint32_t i = 0; i < self->count; i++) {
        double far = distance(self, self->rows[self->curves[i].first], config, best);

        if (far < best) {
            best = far;
            curve = i;
        }
    }
    return curve;
}

static uint32_t choose(struct table_curves *self, uint32_t trial, const struct value *config)
{
    static const struct value null = {.type = VALUE_NULL};
    const struct same *same;
    uint32_t curve;

    self->gave++;
    if (self->config_keys == 0)
        return self->order[trial % self->count];
    buf_reset(&self->packed);
    for (uint32_t i = 0; i < self->config_keys; i++) {
        const struct value *value = curve_key_value(config, self->keys[i].name);

        curve_rows_pack(value != NULL ? value : &null, &self->packed);
    }
    same = table_get(self->same, buf_span(&self->packed));
    if (same == NULL) {
        self->other++;
        return nearest(self, config);
    }
    curve = same->first;
    for (uint64_t skip = rng_below(self->seed, STREAM_SAME, trial, same->count); skip > 0; skip--)
        curve = self->curves[curve].next;
    return curve;
}

static void table_give(struct curves *curves, uint32_t trial, const struct value *config)
{
    struct table_curves *self = of(curves);

    if (trial >= self->given_room) {
        self->given_room = trial * 2 + 64;
        self->given = xrealloc(self->given, self->given_room, sizeof(*self->given));
    }
    self->given[trial] = choose(self, trial, config);
}

/* The first of a curve past an iteration, by halves. */
static uint32_t first_past(const struct table_curves *self, const struct curve *curve, int64_t past)
{
    uint32_t low = 0;
    uint32_t high = curve->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (curve_rows_iteration(self, curve, middle) > past)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static double number_or(const struct value *value, double missing)
{
    return value_is_number(value) && isfinite(value_number(value)) ? value_number(value) : missing;
}

static double seconds_of(const struct table_curves *self, const struct curve *curve, uint32_t i)
{
    uint32_t row = self->rows[curve->first + i];
    double seconds = 1;

    if (self->step_time != NUMBER_NONE)
        seconds = number_or(curve_cell(self, row, self->step_time), 1);
    else if (self->total_time != NUMBER_NONE)
        seconds =
            number_or(curve_cell(self, row, self->total_time), 0) -
            (i > 0 ? number_or(curve_cell(self, self->rows[curve->first + i - 1], self->total_time),
                               0)
                   : 0);
    return seconds > 0 ? seconds : 0;
}

static bool table_seconds(struct curves *curves, uint32_t trial, int64_t past, double *out)
{
    struct table_curves *self = of(curves);
    const struct curve *curve = &self->curves[self->given[trial]];
    uint32_t i = first_past(self, curve, past);

    if (i == curve->count)
        return false;
    *out = seconds_of(self, curve, i);
    return true;
}

static void table_step(struct curves *curves, uint32_t trial, int64_t past, struct arena *arena,
                       struct curve_step *out)
{
    struct table_curves *self = of(curves);
    const struct curve *curve = &self->curves[self->given[trial]];
    uint32_t i = first_past(self, curve, past);
    struct value_builder map;

    value_builder_map(&map, arena);
    for (uint32_t k = 0; k < self->metric_count; k++) {
        const struct value *value =
            curve_cell(self, self->rows[curve->first + i], self->metrics[k]);

        if (value->type != VALUE_NULL)
            value_builder_append(&map, self->table->names[self->metrics[k]], *value);
    }
    value_builder_append(&map, "training_iteration",
                         value_int(curve_rows_iteration(self, curve, i)));
    out->metrics = value_builder_done(&map);
    out->last = i + 1 == curve->count;
}

static int64_t table_longest(const struct curves *curves)
{
    const struct table_curves *self = (const struct table_curves *)(const void *)curves;
    int64_t longest = 0;

    for (uint32_t i = 0; i < self->count; i++) {
        int64_t last = curve_rows_iteration(self, &self->curves[i], self->curves[i].count - 1);

        if (last > longest)
            longest = last;
    }
    return longest;
}

static void table_describe(const struct curves *curves, struct buf *out)
{
    const struct table_curves *self = (const struct table_curves *)(const void *)curves;
    uint32_t least = UINT32_MAX;
    uint32_t most = 0;

    for (uint32_t i = 0; i < self->count; i++) {
        if (self->curves[i].count < least)
            least = self->curves[i].count;
        if (self->curves[i].count > most)
            most = self->curves[i].count;
    }
    buf_printf(out, "%u curve%s of %u", self->count, self->count == 1 ? "" : "s", least);
    if (most > least)
        buf_printf(out, " to %u", most);
    buf_printf(out, " step%s from %s", most == 1 ? "" : "s", self->path);
    if (self->config_keys == 0)
        buf_append_text(out, ", taken in an order that the seed draws");
    else if (self->other > 0)
        buf_printf(out, "; %.0f %% of the configurations are not in it: the nearest was taken",
                   100 * (double)self->other / (double)self->gave);
}

static const struct curves_ops table_ops = {
    .begin = table_begin,
    .give = table_give,
    .seconds = table_seconds,
    .step = table_step,
    .describe = table_describe,
    .destroy = table_destroy,
    .longest = table_longest,
};

struct curves *curves_of_table(const struct table_file *table, const struct value *space,
                               const char *path, struct trouble *trouble)
{
    struct table_curves *self = xcalloc(1, sizeof(*self));

    self->face.ops = &table_ops;
    self->table = table;
    self->path = path;
    self->same = table_new();
    if (curve_rows_sort(self, space, trouble) != 0) {
        table_destroy(&self->face);
        return NULL;
    }
    self->order = xcalloc(self->count, sizeof(*self->order));
    return &self->face;
}
