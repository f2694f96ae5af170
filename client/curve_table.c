/* curve_table.c - curves that were measured once. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client/curves_inside.h"
#include "common/err.h"
#include "common/limits.h"
#include "common/table.h"
#include "common/xalloc.h"
#include "head/core/event.h"

/* Of draws: the order in which curves are taken, and which of those that are the same. */
#define STREAM_ORDER 1u
#define STREAM_SAME  2u

static const char *const trial_columns[] = {"trial", "trial_id", "trial_name"};

/* A column that says whose a row is. */
struct key_column {
    const char *name; /* in a configuration; NULL: it only tells trials apart */
    uint32_t column;
    double low; /* of its numbers */
    double high;
};

struct curve {
    uint32_t first; /* into rows */
    uint32_t count;
    uint32_t next; /* another one of the same configuration, NUMBER_NONE: none */
};

/* Those of one configuration. */
struct same {
    uint32_t first;
    uint32_t count;
};

struct table_curves {
    struct curves face;
    struct arena arena;
    const struct table_file *table;
    const char *path;

    struct key_column *keys; /* owned */
    uint32_t key_count;
    uint32_t config_keys; /* so many of them, the first, are in configurations */
    uint32_t iteration;
    uint32_t step_time;
    uint32_t total_time; /* columns; NUMBER_NONE: there is none */
    uint32_t *metrics;   /* owned; columns */
    uint32_t metric_count;

    uint32_t *rows;       /* owned; by curve, then by iteration */
    struct curve *curves; /* owned */
    uint32_t count;
    struct table *same; /* a packed configuration's keys -> struct same, in arena */

    uint32_t *order; /* owned; of the curves, where nothing says which trial's is which */
    uint32_t *given; /* owned; by trial */
    uint32_t given_room;
    uint64_t seed;
    uint64_t gave;  /* in all */
    uint64_t other; /* of those, another configuration's */
    struct buf packed;
};

static struct table_curves *of(struct curves *curves)
{
    return (struct table_curves *)(void *)curves;
}

static const struct value *cell(const struct table_curves *self, uint32_t row, uint32_t column)
{
    return table_file_cell(self->table, row, column);
}

/* ---- making them ---- */

/* So that 1 and 1.0 are the same. */
static void pack_key(const struct value *value, struct buf *out)
{
    struct value number;

    if (value != NULL && value_is_number(value)) {
        number = value_double(value_number(value));
        value = &number;
    }
    if (value != NULL)
        value_pack(value, out);
    else
        buf_append_char(out, '\0');
}

static struct span row_key(struct table_curves *self, uint32_t row, uint32_t count)
{
    buf_reset(&self->packed);
    for (uint32_t i = 0; i < count; i++)
        pack_key(cell(self, row, self->keys[i].column), &self->packed);
    return buf_span(&self->packed);
}

static void add_key(struct table_curves *self, const char *name, uint32_t column)
{
    struct key_column *key = &self->keys[self->key_count++];

    *key = (struct key_column){
        .name = name, .column = column, .low = (double)INFINITY, .high = -(double)INFINITY};
    for (uint32_t row = 0; row < self->table->row_count; row++) {
        const struct value *value = cell(self, row, column);

        if (!value_is_number(value))
            continue;
        if (value_number(value) < key->low)
            key->low = value_number(value);
        if (value_number(value) > key->high)
            key->high = value_number(value);
    }
}

static void find_key_columns(struct table_curves *self, const struct value *space)
{
    struct curve_key *keys =
        arena_alloc(&self->arena, LIMIT_TABLE_COLUMNS * sizeof(struct curve_key));
    uint32_t count = curve_keys(space, &self->arena, keys, LIMIT_TABLE_COLUMNS);

    self->keys = xcalloc(count + 1, sizeof(*self->keys)); /* and one that tells trials apart */
    for (uint32_t i = 0; i < count; i++) {
        uint32_t column = table_file_column(self->table, keys[i].name);

        if (column == NUMBER_NONE)
            column = table_file_column(self->table,
                                       arena_printf(&self->arena, "config/%s", keys[i].name));
        if (column != NUMBER_NONE)
            add_key(self, keys[i].name, column);
    }
    self->config_keys = self->key_count;
    for (size_t i = 0; i < sizeof(trial_columns) / sizeof(trial_columns[0]); i++) {
        uint32_t column = table_file_column(self->table, trial_columns[i]);

        if (column != NUMBER_NONE) {
            add_key(self, NULL, column);
            break;
        }
    }
}

static bool is_told_apart_by(const struct table_curves *self, uint32_t column)
{
    const char *name = self->table->names[column];

    for (uint32_t i = 0; i < self->key_count; i++)
        if (self->keys[i].column == column)
            return true;
    for (size_t i = 0; i < sizeof(trial_columns) / sizeof(trial_columns[0]); i++)
        if (strcmp(name, trial_columns[i]) == 0)
            return true;
    return column == self->iteration || column == self->step_time || column == self->total_time ||
           strncmp(name, "config/", strlen("config/")) == 0;
}

static void find_metrics(struct table_curves *self)
{
    self->metrics = xcalloc(self->table->column_count + 1, sizeof(*self->metrics));
    for (uint32_t column = 0; column < self->table->column_count; column++) {
        bool numbers = false;

        if (is_told_apart_by(self, column))
            continue;
        for (uint32_t row = 0; row < self->table->row_count && !numbers; row++)
            numbers = value_is_number(cell(self, row, column));
        if (numbers)
            self->metrics[self->metric_count++] = column;
    }
}

struct placed {
    uint32_t curve;
    uint32_t row;
    double iteration;
};

static int placed_order(const void *a, const void *b)
{
    const struct placed *left = a, *right = b;

    if (left->curve != right->curve)
        return left->curve < right->curve ? -1 : 1;
    if (left->iteration != right->iteration)
        return left->iteration < right->iteration ? -1 : 1;
    return left->row < right->row ? -1 : left->row > right->row;
}

/* The curve of a row; a new one where it is the first of it, or nothing tells whose it is. */
static uint32_t curve_of(struct table_curves *self, struct table *known, uint32_t row)
{
    struct span key = row_key(self, row, self->key_count);
    void *one = self->key_count > 0 ? table_get(known, key) : NULL;

    if (one == NULL) {
        one = (void *)(uintptr_t)(++self->count);
        if (self->key_count > 0)
            (void)table_put(known, key, one);
    }
    return (uint32_t)(uintptr_t)one - 1;
}

static void join_same(struct table_curves *self)
{
    for (uint32_t i = self->count; i-- > 0;) {
        struct curve *curve = &self->curves[i];
        struct span key = row_key(self, self->rows[curve->first], self->config_keys);
        struct same *same = table_get(self->same, key);

        if (same == NULL) {
            same = arena_alloc(&self->arena, sizeof(*same));
            *same = (struct same){.first = NUMBER_NONE};
            (void)table_put(self->same, key, same);
        }
        curve->next = same->first;
        same->first = i;
        same->count++;
    }
}

static int sort_rows(struct table_curves *self, struct trouble *trouble)
{
    uint32_t total = self->table->row_count;
    struct placed *placed = xcalloc(total, sizeof(*placed));
    struct table *known = table_new();
    int err = 0;

    for (uint32_t row = 0; row < total && err == 0; row++) {
        const struct value *iteration =
            self->iteration != NUMBER_NONE ? cell(self, row, self->iteration) : NULL;

        placed[row] =
            (struct placed){.curve = curve_of(self, known, row), .row = row, .iteration = row};
        if (iteration != NULL && iteration->type != VALUE_INT)
            err = trouble_set(trouble, ERR_MALFORMED, self->path,
                              "number the results of a trial: 1, 2, 3",
                              "training_iteration of row %u is no whole number", row + 1);
        else if (iteration != NULL)
            placed[row].iteration = (double)iteration->integer;
    }
    qsort(placed, total, sizeof(*placed), placed_order);
    self->rows = xcalloc(total, sizeof(*self->rows));
    self->curves = xcalloc(self->count, sizeof(*self->curves));
    for (uint32_t i = 0; i < total && err == 0; i++) {
        struct curve *curve = &self->curves[placed[i].curve];

        if (i > 0 && placed[i].curve == placed[i - 1].curve &&
            placed[i].iteration == placed[i - 1].iteration)
            err = trouble_set(trouble, ERR_MALFORMED, self->path,
                              "tell them apart by a column `trial`",
                              "rows %u and %u are the same result of the same trial",
                              placed[i - 1].row + 1, placed[i].row + 1);
        if (curve->count++ == 0)
            curve->first = i;
        self->rows[i] = placed[i].row;
    }
    free(placed);
    table_free(known);
    if (err == 0)
        join_same(self);
    return err;
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

/* ---- giving them out ---- */

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
        const struct value *one = cell(self, row, key->column);
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

        pack_key(value != NULL ? value : &null, &self->packed);
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

static int64_t iteration_of(const struct table_curves *self, const struct curve *curve, uint32_t i)
{
    return self->iteration == NUMBER_NONE
               ? (int64_t)i + 1
               : cell(self, self->rows[curve->first + i], self->iteration)->integer;
}

/* The first of a curve past an iteration, by halves. */
static uint32_t first_past(const struct table_curves *self, const struct curve *curve, int64_t past)
{
    uint32_t low = 0;
    uint32_t high = curve->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (iteration_of(self, curve, middle) > past)
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
        seconds = number_or(cell(self, row, self->step_time), 1);
    else if (self->total_time != NUMBER_NONE)
        seconds =
            number_or(cell(self, row, self->total_time), 0) -
            (i > 0 ? number_or(cell(self, self->rows[curve->first + i - 1], self->total_time), 0)
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
        const struct value *value = cell(self, self->rows[curve->first + i], self->metrics[k]);

        if (value->type != VALUE_NULL)
            value_builder_append(&map, self->table->names[self->metrics[k]], *value);
    }
    value_builder_append(&map, "training_iteration", value_int(iteration_of(self, curve, i)));
    out->metrics = value_builder_done(&map);
    out->last = i + 1 == curve->count;
}

static int64_t table_longest(const struct curves *curves)
{
    const struct table_curves *self = (const struct table_curves *)(const void *)curves;
    int64_t longest = 0;

    for (uint32_t i = 0; i < self->count; i++) {
        int64_t last = iteration_of(self, &self->curves[i], self->curves[i].count - 1);

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
    int err = 0;

    self->face.ops = &table_ops;
    self->table = table;
    self->path = path;
    self->same = table_new();
    self->iteration = table_file_column(table, "training_iteration");
    self->step_time = table_file_column(table, "time_this_iter_s");
    self->total_time = table_file_column(table, "time_total_s");
    find_key_columns(self, space);
    find_metrics(self);
    if (self->key_count == 0 && self->iteration != NUMBER_NONE)
        err = trouble_set(trouble, ERR_MALFORMED, path,
                          "call its columns as the keys of config, or give it a column `trial`",
                          "nothing in it says which trial a row is of");
    if (err == 0)
        err = sort_rows(self, trouble);
    if (err != 0) {
        table_destroy(&self->face);
        return NULL;
    }
    self->order = xcalloc(self->count, sizeof(*self->order));
    return &self->face;
}
