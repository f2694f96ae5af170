#include "client/warm_start.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client/curves_inside.h"
#include "client/flat.h"
#include "client/rows.h"
#include "client/say.h"
#include "client/source.h"
#include "client/table_file.h"
#include "common/limits.h"
#include "common/spec.h"
#include "common/table.h"
#include "common/xalloc.h"
#include "head/core/event.h"

#define KEYS_MOST 1024u
#define BEST_KEPT (LIMIT_WARM / 10)

struct observed {
    struct value config;
    double value;
    uint32_t order;
    bool kept;
};

struct reader {
    const char *what; /* as the file says it */
    const char *metric;
    bool least; /* is best */
    const struct value *space;
    struct curve_key *keys; /* those that are chosen, in the arena */
    uint32_t key_count;
    struct observed *items; /* owned */
    uint32_t count;
    uint32_t room;
    uint32_t seen;
    struct arena *arena;
};

/* ---- what is taken ---- */

/* What of a configuration is chosen in this space. */
static struct value part_of(const struct reader *reader, const struct value *config)
{
    struct value_builder empty;
    struct value out;

    value_builder_map(&empty, reader->arena);
    out = value_builder_done(&empty);
    for (uint32_t i = 0; i < reader->key_count; i++) {
        const struct value *flat = value_get(config, reader->keys[i].name);
        const struct value *value =
            flat != NULL ? flat : curve_key_value(config, reader->keys[i].name);
        char *path = arena_strdup(reader->arena, reader->keys[i].name);

        for (char *at = path; *at != '\0'; at++)
            *at = *at == '/' ? '.' : *at;
        if (value != NULL && value->type != VALUE_NULL)
            (void)value_set_path(&out, path, *value, reader->arena, &out);
    }
    return out;
}

static void take(struct reader *reader, const struct value *config, double value)
{
    struct value part = part_of(reader, config);
    struct space_error error;

    reader->seen++;
    if (!isfinite(value) || part.count == 0 ||
        space_check_given(reader->space, &part, "config", &error) < 0)
        return;
    if (reader->count == reader->room) {
        reader->room = reader->room * 2 + 64;
        reader->items = xrealloc(reader->items, reader->room, sizeof(*reader->items));
    }
    reader->items[reader->count] = (struct observed){.config = part, .value = value};
    reader->items[reader->count].order = reader->count;
    reader->count++;
}

/* ---- an experiment ---- */

static int read_rows(struct reader *reader, struct source *source)
{
    struct msg_trial_row *rows;
    struct pick pick;
    uint32_t count;
    int rc = source_pick_experiment(source, reader->what, reader->arena, &pick);

    if (rc == 0)
        rc = source_trials(source, pick.experiment.experiment, reader->arena, &rows, &count);
    for (uint32_t i = 0; rc == 0 && i < count; i++) {
        struct value config = rows_unpacked(rows[i].config, reader->arena);
        struct value last = rows_unpacked(rows[i].last, reader->arena);
        double value = (double)NAN;

        if (!span_is(rows[i].state, "TERMINATED"))
            continue;
        (void)flat_number(&last, reader->metric, &value);
        take(reader, &config, value);
    }
    return rc;
}

static int read_experiment(struct reader *reader, const struct warm_start_place *place)
{
    struct source *source;
    int rc = source_open(place->address, place->token_file, reader->what, &source);

    if (rc != 0)
        return rc;
    rc = read_rows(reader, source);
    source_close(source);
    return rc;
}

/* ---- a table ---- */

/* The last row of each trial is what came of it. */
static void find_last_rows(const struct table_file *table, uint32_t trial, bool *last)
{
    struct table *rows = table_new();
    struct buf key = {0};

    for (uint32_t row = table->row_count; row-- > 0;) {
        last[row] = true;
        if (trial == NUMBER_NONE)
            continue;
        buf_reset(&key);
        value_pack(table_file_cell(table, row, trial), &key);
        last[row] = table_put(rows, buf_span(&key), table->cells) == NULL;
    }
    buf_fini(&key);
    table_free(rows);
}

static struct value config_of(const struct reader *reader, const struct table_file *table,
                              const uint32_t *columns, uint32_t row)
{
    struct value_builder map;

    /* Flat, by the names of the keys: part_of looks for those. */
    value_builder_map(&map, reader->arena);
    for (uint32_t i = 0; i < reader->key_count; i++)
        value_builder_append(&map, reader->keys[i].name, *table_file_cell(table, row, columns[i]));
    return value_builder_done(&map);
}

static int take_table(struct reader *reader, const struct table_file *table)
{
    uint32_t *columns =
        arena_alloc(reader->arena, (reader->key_count + (size_t)1) * sizeof(*columns));
    uint32_t metric = table_file_find(table, "last_result", reader->metric);
    bool *last = xcalloc(table->row_count, sizeof(*last));
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < reader->key_count; i++) {
        columns[i] = table_file_find(table, "config", reader->keys[i].name);
        if (columns[i] == NUMBER_NONE)
            rc = say(EXIT_USAGE, reader->what, "call its columns as the keys of config",
                     "it has no column %s", reader->keys[i].name);
    }
    if (rc == 0 && metric == NUMBER_NONE)
        rc = say(EXIT_USAGE, reader->what, "call the column of the metric so",
                 "it has no column %s", reader->metric);
    find_last_rows(table, table_file_column(table, "trial"), last);
    for (uint32_t row = 0; rc == 0 && row < table->row_count; row++) {
        const struct value *value = table_file_cell(table, row, metric);
        struct value config = config_of(reader, table, columns, row);

        if (last[row])
            take(reader, &config, value_is_number(value) ? value_number(value) : (double)NAN);
    }
    free(last);
    return rc;
}

static int read_table(struct reader *reader, const struct warm_start_place *place)
{
    const char *path = reader->what[0] == '/' || place->base == NULL
                           ? reader->what
                           : arena_printf(reader->arena, "%s/%s", place->base, reader->what);
    struct trouble trouble = {0};
    struct table_file table;
    int rc;

    if (table_file_read(path, reader->arena, &table, &trouble) != 0)
        return say_trouble(EXIT_USAGE, trouble.what, &trouble);
    rc = take_table(reader, &table);
    table_file_fini(&table);
    return rc;
}

/* ---- what is handed in ---- */

static int worse_first(const void *a, const void *b)
{
    const struct observed *const *left = a, *const *right = b;

    if ((*left)->value != (*right)->value)
        return (*left)->value < (*right)->value ? -1 : 1;
    return (*left)->order < (*right)->order ? -1 : (*left)->order > (*right)->order;
}

/* All, or so many that the list has room for. */
static void choose(struct reader *reader)
{
    struct observed **sorted = xcalloc(reader->count + 1u, sizeof(*sorted));
    uint32_t others, wanted = LIMIT_WARM - BEST_KEPT;

    for (uint32_t i = 0; i < reader->count; i++) {
        sorted[i] = &reader->items[i];
        reader->items[i].kept = reader->count <= LIMIT_WARM;
    }
    if (reader->count > LIMIT_WARM) {
        qsort(sorted, reader->count, sizeof(struct observed *), worse_first);
        for (uint32_t i = 0; i < BEST_KEPT; i++)
            sorted[reader->least ? i : reader->count - 1 - i]->kept = true;
        others = reader->count - BEST_KEPT;
        for (uint32_t i = 0; i < wanted; i++) {
            uint32_t at = (uint32_t)((uint64_t)others * i / wanted);

            sorted[reader->least ? BEST_KEPT + at : at]->kept = true;
        }
    }
    free(sorted);
}

static struct value list_of(const struct reader *reader)
{
    struct value_builder list, map;

    value_builder_list(&list, reader->arena);
    for (uint32_t i = 0; i < reader->count; i++) {
        if (!reader->items[i].kept)
            continue;
        value_builder_map(&map, reader->arena);
        value_builder_append(&map, "config", reader->items[i].config);
        value_builder_append(&map, "value", value_double(reader->items[i].value));
        value_builder_add(&list, value_builder_done(&map));
    }
    return value_builder_done(&list);
}

static int put_list(struct reader *reader, struct value *experiment)
{
    struct value list, out;

    if (reader->count == 0)
        return say(EXIT_USAGE, reader->what, "name one with the same config and metric",
                   "none of its %u trials fits config and has %s", reader->seen, reader->metric);
    choose(reader);
    list = list_of(reader);
    if (value_set_path(experiment, "warm_start", list, reader->arena, &out) == 0)
        *experiment = out;
    say_note("warm_start: %u of %u trials of %s are learned from", list.count, reader->seen,
             reader->what);
    if (reader->count < reader->seen)
        return say(0, reader->what, "the domains of config say what fits",
                   "%u of its %u trials do not fit config, or have no %s: they are left out",
                   reader->seen - reader->count, reader->seen, reader->metric);
    return 0;
}

static void find_keys(struct reader *reader)
{
    struct curve_key *keys = arena_alloc(reader->arena, KEYS_MOST * sizeof(*keys));
    uint32_t count = curve_keys(reader->space, reader->arena, keys, KEYS_MOST);

    reader->keys = keys;
    for (uint32_t i = 0; i < count; i++)
        if (space_domains(keys[i].marker) > 0)
            keys[reader->key_count++] = keys[i];
}

int warm_start_read(struct value *experiment, const struct warm_start_place *place,
                    struct arena *arena)
{
    const struct value *given = value_get(experiment, "warm_start");
    struct reader reader = {.arena = arena};
    struct spec_error error;
    struct value without;
    struct spec spec;
    int rc;

    if (given == NULL || (given->type != VALUE_TEXT && given->type != VALUE_INT))
        return 0;
    reader.what = given->type == VALUE_TEXT
                      ? given->text
                      : arena_printf(arena, "%lld", (long long)given->integer);
    if (value_set_path(experiment, "warm_start", value_null(), arena, &without) != 0)
        return 0;
    if (spec_parse(&without, arena, &spec, &error) < 0) {
        *experiment = without; /* what else is wrong with it is said first */
        return 0;
    }
    reader.metric = spec_metric(&spec);
    reader.least = spec_mode(&spec) == MODE_MIN;
    reader.space = &spec.config;
    find_keys(&reader);
    rc = span_ends_with(span_text(reader.what), ".csv") ||
                 span_ends_with(span_text(reader.what), ".jsonl")
             ? read_table(&reader, place)
             : read_experiment(&reader, place);
    if (rc == 0)
        rc = put_list(&reader, experiment);
    free(reader.items);
    return rc;
}
