#include "client/saved.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "client/rows.h"
#include "common/err.h"
#include "common/json.h"
#include "common/sys/fs.h"
#include "common/sys/home.h"

#define NAME        "experiment.json"
#define LAST        "last_run"
#define FILE_MOST   (1u << 30)
#define TRIALS_MOST 100000u /* more are read from their own folders */

static void put_status(const struct msg_status_reply *status, struct value_builder *map,
                       struct arena *arena)
{
    struct value parts = rows_status(status, arena);
    static const char *const kept[] = {"scheduler", "resources", "memory_used", "memory_total",
                                       "nodes"};

    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        const struct value *part = value_get(&parts, kept[i]);

        value_builder_set(map, kept[i], part != NULL ? *part : value_null());
    }
    value_builder_set(map, "hostname", value_text(arena, arena_text(arena, status->hostname)));
}

int saved_write(const char *folder, const struct msg_status_reply *status, const struct value *spec,
                const struct msg_trial_row *rows, uint32_t count, struct arena *arena)
{
    char path[LIMIT_PATH_BYTES];
    struct value_builder map;
    struct value whole;
    struct buf text = {0};
    int err = fs_make_dirs(folder, 0755);

    if (err == 0)
        err = fs_join(path, folder, NAME);
    if (err != 0)
        return err;
    value_builder_map(&map, arena);
    value_builder_set(&map, "version", value_int(1));
    value_builder_set(&map, "experiment", rows_experiment(&status->experiment, arena));
    value_builder_set(&map, "spec", *spec);
    put_status(status, &map, arena);
    value_builder_set(&map, "trials",
                      rows != NULL && count <= TRIALS_MOST ? rows_trials(rows, count, arena)
                                                           : value_null());
    whole = value_builder_done(&map);
    json_write(&whole, JSON_LINE, &text);
    buf_append_char(&text, '\n');
    err = fs_write_atomic(path, 0644, text.data, text.size);
    buf_fini(&text);
    return err;
}

static uint64_t number_of(const struct value *map, const char *key)
{
    const struct value *value = value_get(map, key);

    return value != NULL && value->type == VALUE_INT && value->integer > 0
               ? (uint64_t)value->integer
               : 0;
}

static struct span text_of(const struct value *map, const char *key)
{
    const struct value *value = value_get(map, key);

    if (value == NULL || value->type != VALUE_TEXT)
        return (struct span){0};
    return span_of(value->text, value->count);
}

static double amount_of(const struct value *map, const char *key)
{
    const struct value *value = value_get(map, key);

    return value != NULL && value_is_number(value) ? value_number(value) : 0;
}

static void read_status(const struct value *whole, struct arena *arena,
                        struct msg_status_reply *out)
{
    const struct value *resources = value_get(whole, "resources");
    uint32_t count = resources != NULL && resources->type == VALUE_MAP ? resources->count : 0;
    struct msg_usage *usage = arena_alloc(arena, count * sizeof(*usage));

    for (uint32_t i = 0; i < count; i++)
        usage[i] = (struct msg_usage){
            .name = span_text(resources->members[i].key),
            .used = amount_of(&resources->members[i].value, "used"),
            .total = amount_of(&resources->members[i].value, "total"),
        };
    *out = (struct msg_status_reply){
        .scheduler = text_of(whole, "scheduler"),
        .usage = {.items = usage, .count = count},
        .memory_used = number_of(whole, "memory_used"),
        .memory_total = number_of(whole, "memory_total"),
        .nodes = (uint32_t)number_of(whole, "nodes"),
        .committing = true,
        .hostname = text_of(whole, "hostname"),
    };
}

/* Null as a value is "not there" to readers of rows. */
static int read_whole(const struct value *whole, struct arena *arena, struct saved *out)
{
    const struct value *experiment = value_get(whole, "experiment");
    const struct value *trials = value_get(whole, "trials");
    const struct value *spec = value_get(whole, "spec");

    if (experiment == NULL || experiment->type != VALUE_MAP)
        return ERR_MALFORMED;
    rows_experiment_read(experiment, &out->experiment);
    if (out->experiment.name.size == 0)
        return ERR_MALFORMED;
    read_status(whole, arena, &out->status);
    out->spec = spec != NULL ? *spec : value_null();
    if (trials == NULL || trials->type != VALUE_LIST)
        return 0;
    out->trials = arena_alloc(arena, trials->count * sizeof(*out->trials));
    out->count = trials->count;
    for (uint32_t i = 0; i < trials->count; i++) {
        rows_trial_read(&trials->items[i], arena, &out->trials[i]);
        if (out->trials[i].state.size == 0)
            return ERR_MALFORMED;
    }
    return 0;
}

int saved_read(const char *folder, struct arena *arena, struct saved *out)
{
    char path[LIMIT_PATH_BYTES];
    struct saved saved = {0};
    struct json_error error;
    struct buf text = {0};
    struct value whole;
    int err = fs_join(path, folder, NAME);

    if (err == 0 && !fs_is_file(path))
        err = ERR_NOT_FOUND;
    if (err == 0)
        err = fs_read(path, FILE_MOST, &text);
    if (err == 0)
        err = json_read(buf_span(&text), arena, &whole, &error);
    if (err == 0)
        err = read_whole(&whole, arena, &saved);
    buf_fini(&text);
    if (err != 0)
        saved = (struct saved){0}; /* missing or damaged: the trials' own files are still there */
    if (saved.trials == NULL)
        err = saved_walk(folder, arena, &saved);
    if (err == 0)
        *out = saved;
    return err;
}

/* The trials of a state, in order of their numbers. */
static void fill_group(const struct saved *saved, struct msg_status_group *group,
                       struct arena *arena)
{
    struct msg_trial_row *rows = arena_alloc(arena, saved->count * sizeof(*rows));

    for (uint32_t i = 0; i < saved->count; i++)
        if (span_equal(saved->trials[i].state, group->state))
            rows[group->rows.count++] = saved->trials[i];
    group->rows.items = rows;
    group->count = group->rows.count;
    group->shown_first = group->rows.count;
}

void saved_status(const struct saved *saved, struct arena *arena, struct msg_status_reply *out)
{
    struct msg_status_group *groups =
        arena_zalloc(arena, LIMIT_STATUS_GROUPS * sizeof(struct msg_status_group));
    uint32_t used = 0;

    for (uint32_t i = 0; i < saved->count; i++) {
        uint32_t at = 0;

        while (at < used && !span_equal(groups[at].state, saved->trials[i].state))
            at++;
        if (at == used && used < LIMIT_STATUS_GROUPS)
            groups[used++].state = saved->trials[i].state;
    }
    for (uint32_t i = 0; i < used; i++)
        fill_group(saved, &groups[i], arena);
    *out = saved->status;
    out->experiment = saved->experiment;
    out->groups = (struct record_list){.items = groups, .count = used};
}

bool saved_last(struct arena *arena, const char **folder)
{
    char path[LIMIT_PATH_BYTES];
    const char *home = home_dir();
    struct buf text = {0};
    bool found = false;

    if (home != NULL && fs_join(path, home, LAST) == 0 &&
        fs_read(path, LIMIT_PATH_BYTES, &text) == 0 && text.size > 1 &&
        memchr(text.data, 0, text.size) == NULL) {
        if (text.data[text.size - 1] == '\n')
            text.size--;
        *folder = arena_text(arena, buf_span(&text));
        found = true;
    }
    buf_fini(&text);
    return found;
}

int saved_set_last(const char *folder)
{
    char path[LIMIT_PATH_BYTES];
    const char *home = home_dir();
    struct buf text = {0};
    int err = home == NULL ? ERR_IO : fs_join(path, home, LAST);

    if (err != 0)
        return err;
    buf_printf(&text, "%s\n", folder);
    err = fs_write_atomic(path, 0600, text.data, text.size);
    buf_fini(&text);
    return err;
}
