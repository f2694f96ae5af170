/* export_csv.c - an experiment as a table: a row a trial, or a row a result. What its columns are
 * is only known when everything was seen once, so everything is looked at twice. */
#include <stdlib.h>
#include <string.h>

#include "client/csv_table.h"
#include "client/export.h"
#include "client/flat.h"
#include "client/results_each.h"
#include "client/rows.h"
#include "client/say.h"
#include "common/limits.h"
#include "common/xalloc.h"

#define PIECE_BYTES 65536u

struct writer {
    struct csv_table *table;
    struct outlet *outlet;
    struct buf text;
    bool naming; /* the first look: columns */
    bool lacks;  /* it named too many, or one that the first look had not seen */
};

static void take_leaf(const char *path, const struct value *value, void *context)
{
    struct writer *writer = context;

    if (writer->naming)
        writer->lacks |= !csv_table_column(writer->table, path);
    else
        writer->lacks |= !csv_table_cell(writer->table, path, value);
}

static void end_row(struct writer *writer)
{
    csv_table_row(writer->table, &writer->text);
    if (writer->text.size >= PIECE_BYTES)
        outlet_take(writer->outlet, &writer->text);
}

static void end_naming(struct writer *writer)
{
    csv_table_head(writer->table, &writer->text);
    writer->naming = false;
}

static int too_many(void)
{
    return say(EXIT_REFUSED, "--csv", "--json", "these results have more than %u names",
               LIMIT_EXPORT_COLUMNS);
}

/* What a trial's row has, less what only maps have a place for. */
static void take_fields(struct writer *writer, const struct value *row, bool config, bool last,
                        struct arena *arena)
{
    for (uint32_t i = 0; i < row->count; i++) {
        const struct member *member = &row->members[i];
        bool is_last = strcmp(member->key, "last_result") == 0;

        if (strcmp(member->key, "config") == 0) {
            if (config)
                flat_walk(&member->value, "config", arena, take_leaf, writer);
        } else if (!is_last) {
            if (config)
                take_leaf(member->key, &member->value, writer);
        } else if (last) {
            for (uint32_t k = 0; member->value.type == VALUE_MAP && k < member->value.count; k++) {
                struct value one = {.type = VALUE_MAP, .count = 1};

                one.members = &member->value.members[k];
                if (strcmp(one.members->key, "config") != 0)
                    flat_walk(&one, "last_result", arena, take_leaf, writer);
            }
        }
    }
}

static void take_row(struct writer *writer, const struct msg_trial_row *row, bool config, bool last,
                     struct arena *arena)
{
    struct value value;

    arena_reset(arena);
    value = rows_trial(row, arena);
    take_fields(writer, &value, config, last, arena);
}

static int write_trials(const struct export *of, struct writer *writer)
{
    const struct msg_trial_row nobody = {0};
    struct arena arena = {0};

    take_row(writer, &nobody, true, false, &arena);
    for (uint32_t i = 0; i < of->count; i++)
        take_row(writer, &of->rows[i], true, false, &arena);
    for (uint32_t i = 0; i < of->count; i++)
        take_row(writer, &of->rows[i], false, true, &arena);
    if (!writer->lacks) {
        end_naming(writer);
        for (uint32_t i = 0; i < of->count && !outlet_failed(writer->outlet); i++) {
            take_row(writer, &of->rows[i], true, true, &arena);
            end_row(writer);
        }
    }
    arena_fini(&arena);
    return writer->lacks ? too_many() : 0;
}

/* What stands in each row of a trial's results beside them. */
static const char *const own[] = {"trial", "id", "name"};

#define OWN (sizeof(own) / sizeof(own[0]))

struct look {
    struct writer *writer;
    const struct msg_trial_row *row;
    struct arena arena;
};

static bool take_result(const struct value *result, void *context)
{
    struct look *look = context;
    struct writer *writer = look->writer;
    struct arena *arena = &look->arena;
    const struct value beside[OWN] = {
        value_int(look->row->trial),
        value_text(arena, arena_text(arena, look->row->id)),
        value_text(arena, arena_text(arena, look->row->name)),
    };

    for (size_t i = 0; i < OWN; i++)
        take_leaf(own[i], &beside[i], writer);
    for (uint32_t i = 0; i < result->count; i++) {
        struct value one = {.type = VALUE_MAP, .count = 1};
        bool taken = false;

        one.members = &result->members[i];
        for (size_t k = 0; k < OWN; k++)
            taken |= strcmp(own[k], one.members->key) == 0;
        flat_walk(&one, taken ? "result" : "", arena, take_leaf, writer);
    }
    if (!writer->naming)
        end_row(writer);
    arena_reset(arena);
    return !writer->lacks && !outlet_failed(writer->outlet);
}

/* counts: how many results of each trial; the first look says, the second goes as far. */
static int look_at_results(const struct export *of, struct writer *writer, uint64_t *counts)
{
    struct look look = {.writer = writer};
    int rc = 0;

    for (uint32_t i = 0; i < of->count && rc == 0 && !writer->lacks; i++) {
        uint64_t most = writer->naming ? UINT64_MAX : counts[i];
        uint64_t count;

        look.row = &of->rows[i];
        rc = results_each(of->source, of->status.experiment.experiment, look.row->trial, most,
                          take_result, &look, &count);
        if (rc == 0 && !outlet_failed(writer->outlet))
            writer->lacks |= !writer->naming && count < most;
        counts[i] = count;
    }
    arena_fini(&look.arena);
    return rc;
}

static int write_results(const struct export *of, struct writer *writer)
{
    uint64_t *counts = xcalloc(of->count + 1u, sizeof(*counts));
    const struct value none = value_null();
    int rc;

    for (size_t i = 0; i < OWN; i++)
        take_leaf(own[i], &none, writer);
    rc = look_at_results(of, writer, counts);
    if (rc == 0 && writer->lacks)
        rc = too_many();
    if (rc == 0) {
        end_naming(writer);
        rc = look_at_results(of, writer, counts);
    }
    if (rc == 0 && writer->lacks)
        rc = say(EXIT_REFUSED, "--csv", "again",
                 "results were taken back while they were read: a trial began anew");
    free(counts);
    return rc;
}

int export_csv(const struct export *of, struct outlet *outlet)
{
    struct writer writer = {.table = csv_table_new(), .outlet = outlet, .naming = true};
    int rc = of->results ? write_results(of, &writer) : write_trials(of, &writer);

    outlet_take(outlet, &writer.text);
    buf_fini(&writer.text);
    csv_table_free(writer.table);
    return rc;
}
