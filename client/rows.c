#include "client/rows.h"

#include <string.h>

#include "common/spec.h"

/* What builds a map, a line a field. */
struct fields {
    struct value_builder map;
    struct arena *arena;
};

static void begin(struct fields *fields, struct arena *arena)
{
    fields->arena = arena;
    value_builder_map(&fields->map, arena);
}

static void put(struct fields *fields, const char *key, struct value value)
{
    value_builder_append(&fields->map, key, value);
}

/* An empty text is null: there is none. */
static void put_text(struct fields *fields, const char *key, struct span text)
{
    put(fields, key,
        text.size > 0 ? value_text(fields->arena, arena_text(fields->arena, text)) : value_null());
}

static void put_int(struct fields *fields, const char *key, uint64_t number)
{
    put(fields, key, value_int((int64_t)number));
}

/* A time that has not come is null. */
static void put_time(struct fields *fields, const char *key, uint64_t ms)
{
    put(fields, key, ms > 0 ? value_int((int64_t)ms) : value_null());
}

const char *rows_mode(uint32_t mode)
{
    return mode == MODE_MIN ? "min" : "max";
}

struct value rows_unpacked(struct span packed, struct arena *arena)
{
    struct cursor cursor;
    struct value value;

    cursor_init(&cursor, packed);
    if (packed.size == 0 || value_unpack(&cursor, arena, &value) != 0)
        return value_null();
    return value;
}

struct value rows_experiment(const struct msg_experiment_row *row, struct arena *arena)
{
    struct fields fields;

    begin(&fields, arena);
    put_int(&fields, "experiment", row->experiment);
    put_text(&fields, "name", row->name);
    put_text(&fields, "state", row->state);
    put_text(&fields, "owner", row->owner);
    put_time(&fields, "submitted_ms", row->submitted_ms);
    put_time(&fields, "ended_ms", row->ended_ms);
    put(&fields, "total", row->total == UINT32_MAX ? value_null() : value_int((int64_t)row->total));
    put_int(&fields, "created", row->created);
    put_int(&fields, "pending", row->pending);
    put_int(&fields, "running", row->running);
    put_int(&fields, "paused", row->paused);
    put_int(&fields, "terminated", row->terminated);
    put_int(&fields, "error", row->error);
    put_int(&fields, "results", row->results);
    put_text(&fields, "folder", row->folder);
    put_text(&fields, "metric", row->metric);
    put_text(&fields, "mode", span_text(rows_mode(row->mode)));
    put_text(&fields, "why", row->why);
    return value_builder_done(&fields.map);
}

struct value rows_trial(const struct msg_trial_row *row, struct arena *arena)
{
    struct fields fields;

    begin(&fields, arena);
    put_int(&fields, "experiment", row->experiment);
    put_int(&fields, "trial", row->trial);
    put_text(&fields, "id", row->id);
    put_text(&fields, "name", row->name);
    put_text(&fields, "tag", row->tag);
    put_text(&fields, "state", row->state);
    put_int(&fields, "attempt", row->attempt);
    put_int(&fields, "failures", row->failures);
    put_text(&fields, "node", row->node);
    put_text(&fields, "hostname", row->hostname);
    put(&fields, "pid", row->pid > 0 ? value_int(row->pid) : value_null());
    put_time(&fields, "started_ms", row->started_ms);
    put_time(&fields, "ended_ms", row->ended_ms);
    put_int(&fields, "results", row->results);
    put_text(&fields, "reason", row->reason);
    put(&fields, "status", value_int(row->status));
    put_text(&fields, "text", row->text);
    put(&fields, "best", row->has_best ? value_double(row->best) : value_null());
    put(&fields, "best_at", row->has_best ? value_int(row->best_at) : value_null());
    put_text(&fields, "folder", row->folder);
    put_text(&fields, "resources", row->summary);
    put(&fields, "config", rows_unpacked(row->config, arena));
    put(&fields, "last_result", rows_unpacked(row->last, arena));
    return value_builder_done(&fields.map);
}

static struct value attempt_value(const struct msg_attempt_row *row, struct arena *arena)
{
    struct fields fields;

    begin(&fields, arena);
    put_int(&fields, "attempt", row->attempt);
    put_text(&fields, "node", row->node);
    put(&fields, "from_iteration", row->restored ? value_int(row->from_iteration) : value_null());
    put_time(&fields, "started_ms",
             row->ran_ms > 0 && row->ended_ms > row->ran_ms ? row->ended_ms - row->ran_ms : 0);
    put_time(&fields, "ended_ms", row->ended_ms);
    put_text(&fields, "reason", row->reason);
    put(&fields, "status", value_int(row->status));
    put_int(&fields, "results", row->results);
    return value_builder_done(&fields.map);
}

struct value rows_shown_trial(const struct msg_show_reply *reply, struct arena *arena)
{
    const struct msg_attempt_row *attempts = reply->attempts.items;
    struct value trial = rows_trial(reply->trials.items, arena);
    struct value_builder list;
    struct fields fields;

    value_builder_list(&list, arena);
    for (uint32_t i = 0; i < reply->attempts.count; i++)
        value_builder_add(&list, attempt_value(&attempts[i], arena));
    begin(&fields, arena);
    for (uint32_t i = 0; i < trial.count; i++)
        put(&fields, trial.members[i].key, trial.members[i].value);
    put(&fields, "attempts", value_builder_done(&list));
    return value_builder_done(&fields.map);
}

struct value rows_trials(const struct msg_trial_row *rows, uint32_t count, struct arena *arena)
{
    struct value_builder list;

    value_builder_list(&list, arena);
    for (uint32_t i = 0; i < count; i++)
        value_builder_add(&list, rows_trial(&rows[i], arena));
    return value_builder_done(&list);
}

struct value rows_resources(const struct resources *resources, double gpus, struct arena *arena)
{
    const struct resource_custom *custom = resources->custom.items;
    struct fields fields;

    begin(&fields, arena);
    put(&fields, "cpu", value_double((double)resources->cpu / RESOURCE_ONE));
    put(&fields, "gpu", value_double(gpus));
    put(&fields, "memory_bytes", value_int(resources->memory_bytes));
    for (uint32_t i = 0; i < resources->custom.count; i++)
        value_builder_set(&fields.map, arena_text(arena, custom[i].name),
                          value_double((double)custom[i].amount / RESOURCE_ONE));
    return value_builder_done(&fields.map);
}

struct value rows_node(const struct msg_node_row *row, struct arena *arena)
{
    struct fields fields;

    begin(&fields, arena);
    put_int(&fields, "node", row->node);
    put_text(&fields, "name", row->name);
    put_text(&fields, "hostname", row->hostname);
    put_text(&fields, "node_ip", row->node_ip);
    put_text(&fields, "state", row->state);
    put(&fields, "capacity", rows_resources(&row->capacity, (double)row->gpus, arena));
    put(&fields, "used", rows_resources(&row->used, (double)row->used.gpu / RESOURCE_ONE, arena));
    put_int(&fields, "running", row->running);
    put_int(&fields, "ahead", row->ahead);
    put_int(&fields, "heard_ms_ago", row->heard_ms_ago);
    return value_builder_done(&fields.map);
}

struct value rows_token(const struct msg_token_row *row, struct arena *arena)
{
    struct fields fields;

    begin(&fields, arena);
    put_text(&fields, "id", row->id);
    put_text(&fields, "role", row->role);
    put_int(&fields, "uses_left", row->uses_left);
    put_time(&fields, "expires_ms", row->expires_ms);
    put(&fields, "revoked", value_bool(row->revoked));
    return value_builder_done(&fields.map);
}

static struct value usage_value(const struct record_list *list, struct arena *arena)
{
    const struct msg_usage *usage = list->items;
    struct value_builder map;

    value_builder_map(&map, arena);
    for (uint32_t i = 0; i < list->count; i++) {
        struct fields fields;

        begin(&fields, arena);
        put(&fields, "used", value_double(usage[i].used));
        put(&fields, "total", value_double(usage[i].total));
        value_builder_set(&map, arena_text(arena, usage[i].name), value_builder_done(&fields.map));
    }
    return value_builder_done(&map);
}

struct value rows_status(const struct msg_status_reply *status, struct arena *arena)
{
    const struct msg_status_group *groups = status->groups.items;
    struct value_builder counts;
    struct value_builder shown;
    struct fields fields;

    value_builder_map(&counts, arena);
    value_builder_list(&shown, arena);
    for (uint32_t i = 0; i < status->groups.count; i++) {
        const struct msg_trial_row *rows = groups[i].rows.items;

        value_builder_set(&counts, arena_text(arena, groups[i].state), value_int(groups[i].count));
        for (uint32_t k = 0; k < groups[i].rows.count; k++)
            value_builder_add(&shown, rows_trial(&rows[k], arena));
    }
    begin(&fields, arena);
    put(&fields, "experiment", rows_experiment(&status->experiment, arena));
    put_text(&fields, "scheduler", status->scheduler);
    put(&fields, "resources", usage_value(&status->usage, arena));
    put_int(&fields, "memory_used", status->memory_used);
    put_int(&fields, "memory_total", status->memory_total);
    put_int(&fields, "nodes", status->nodes);
    put(&fields, "committing", value_bool(status->committing));
    put(&fields, "states", value_builder_done(&counts));
    put(&fields, "trials", value_builder_done(&shown));
    return value_builder_done(&fields.map);
}

static struct span get_text(const struct value *map, const char *key)
{
    const struct value *value = value_get(map, key);

    if (value == NULL || value->type != VALUE_TEXT)
        return (struct span){0};
    return span_of(value->text, value->count);
}

static int64_t get_int(const struct value *map, const char *key)
{
    const struct value *value = value_get(map, key);

    return value != NULL && value->type == VALUE_INT ? value->integer : 0;
}

static uint32_t get_u32(const struct value *map, const char *key)
{
    int64_t number = get_int(map, key);

    return number >= 0 && number <= UINT32_MAX ? (uint32_t)number : 0;
}

static struct span get_packed(const struct value *map, const char *key, struct arena *arena)
{
    const struct value *value = value_get(map, key);
    struct buf packed = {0};
    struct span out;

    if (value == NULL || value->type != VALUE_MAP)
        return (struct span){0};
    value_pack(value, &packed);
    out = arena_copy(arena, buf_span(&packed));
    buf_fini(&packed);
    return out;
}

void rows_experiment_read(const struct value *value, struct msg_experiment_row *out)
{
    const struct value *total = value_get(value, "total");

    *out = (struct msg_experiment_row){
        .experiment = get_u32(value, "experiment"),
        .name = get_text(value, "name"),
        .state = get_text(value, "state"),
        .owner = get_text(value, "owner"),
        .submitted_ms = (uint64_t)get_int(value, "submitted_ms"),
        .ended_ms = (uint64_t)get_int(value, "ended_ms"),
        .total = total != NULL && total->type == VALUE_INT ? get_u32(value, "total") : UINT32_MAX,
        .created = get_u32(value, "created"),
        .pending = get_u32(value, "pending"),
        .running = get_u32(value, "running"),
        .paused = get_u32(value, "paused"),
        .terminated = get_u32(value, "terminated"),
        .error = get_u32(value, "error"),
        .results = (uint64_t)get_int(value, "results"),
        .folder = get_text(value, "folder"),
        .metric = get_text(value, "metric"),
        .mode = span_is(get_text(value, "mode"), "min") ? MODE_MIN : MODE_MAX,
        .why = get_text(value, "why"),
    };
}

void rows_trial_read(const struct value *value, struct arena *arena, struct msg_trial_row *out)
{
    const struct value *best = value_get(value, "best");

    *out = (struct msg_trial_row){
        .experiment = get_u32(value, "experiment"),
        .trial = get_u32(value, "trial"),
        .id = get_text(value, "id"),
        .name = get_text(value, "name"),
        .tag = get_text(value, "tag"),
        .state = get_text(value, "state"),
        .attempt = get_u32(value, "attempt"),
        .failures = get_u32(value, "failures"),
        .node = get_text(value, "node"),
        .hostname = get_text(value, "hostname"),
        .pid = get_int(value, "pid"),
        .started_ms = (uint64_t)get_int(value, "started_ms"),
        .ended_ms = (uint64_t)get_int(value, "ended_ms"),
        .results = (uint64_t)get_int(value, "results"),
        .reason = get_text(value, "reason"),
        .status = get_int(value, "status"),
        .text = get_text(value, "text"),
        .has_best = best != NULL && value_is_number(best),
        .best = best != NULL && value_is_number(best) ? value_number(best) : 0,
        .best_at = get_int(value, "best_at"),
        .folder = get_text(value, "folder"),
        .config = get_packed(value, "config", arena),
        .last = get_packed(value, "last_result", arena),
        .summary = get_text(value, "resources"),
    };
}
