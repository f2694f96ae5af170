/* curve_rows.c - which rows of a table are which curve's. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client/curve_table_inside.h"
#include "common/err.h"
#include "common/limits.h"
#include "common/xalloc.h"
#include "head/core/event.h"

static const char *const trial_columns[] = {"trial", "trial_id", "trial_name"};

void curve_rows_pack(const struct value *value, struct buf *out)
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
        curve_rows_pack(curve_cell(self, row, self->keys[i].column), &self->packed);
    return buf_span(&self->packed);
}

static void add_key(struct table_curves *self, const char *name, uint32_t column)
{
    struct key_column *key = &self->keys[self->key_count++];

    *key = (struct key_column){
        .name = name, .column = column, .low = (double)INFINITY, .high = -(double)INFINITY};
    for (uint32_t row = 0; row < self->table->row_count; row++) {
        const struct value *value = curve_cell(self, row, column);

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
        uint32_t column = table_file_find(self->table, "config", keys[i].name);

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
           strncmp(name, "config/", strlen("config/")) == 0 ||
           strncmp(name, "config.", strlen("config.")) == 0;
}

static void find_metrics(struct table_curves *self)
{
    self->metrics = xcalloc(self->table->column_count + 1, sizeof(*self->metrics));
    for (uint32_t column = 0; column < self->table->column_count; column++) {
        bool numbers = false;

        if (is_told_apart_by(self, column))
            continue;
        for (uint32_t row = 0; row < self->table->row_count && !numbers; row++)
            numbers = value_is_number(curve_cell(self, row, column));
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
            self->iteration != NUMBER_NONE ? curve_cell(self, row, self->iteration) : NULL;

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

int64_t curve_rows_iteration(const struct table_curves *self, const struct curve *curve, uint32_t i)
{
    return self->iteration == NUMBER_NONE
               ? (int64_t)i + 1
               : curve_cell(self, self->rows[curve->first + i], self->iteration)->integer;
}

int curve_rows_sort(struct table_curves *self, const struct value *space, struct trouble *trouble)
{
    self->iteration = table_file_column(self->table, "training_iteration");
    self->step_time = table_file_column(self->table, "time_this_iter_s");
    self->total_time = table_file_column(self->table, "time_total_s");
    find_key_columns(self, space);
    find_metrics(self);
    if (self->key_count == 0 && self->iteration != NUMBER_NONE)
        return trouble_set(trouble, ERR_MALFORMED, self->path,
                           "call its columns as the keys of config, or give it a column `trial`",
                           "nothing in it says which trial a row is of");
    return sort_rows(self, trouble);
}
