#include "head/core/event.h"

#include <stddef.h>
#include <string.h>

#include "common/err.h"
#include "common/pack.h"
#include "head/core/trace.h"

#define KEY_BYTES   32u
#define TOKEN_BYTES 8u

static const struct field submit_fields[] = {
    FIELD(event_submit, submission, FIELD_BYTES, 16),
    FIELD(event_submit, principal, FIELD_U32, 0),
    FIELD(event_submit, spec, FIELD_PACKED, LIMIT_SPEC_BYTES),
    FIELD(event_submit, code, FIELD_BYTES, 32),
};

static const struct field stop_fields[] = {
    FIELD(event_stop, experiment, FIELD_U32, 0),
    FIELD(event_stop, trial, FIELD_U32, 0),
    FIELD(event_stop, principal, FIELD_U32, 0),
};

static const struct field remove_fields[] = {
    FIELD(event_remove, experiment, FIELD_U32, 0),
    FIELD(event_remove, principal, FIELD_U32, 0),
};

static const struct field held_fields[] = {
    FIELD(held_attempt, experiment, FIELD_U32, 0),
    FIELD(held_attempt, trial, FIELD_U32, 0),
    FIELD(held_attempt, attempt, FIELD_U32, 0),
    FIELD(held_attempt, last_seq, FIELD_U64, 0),
};
static const struct schema held_schema = SCHEMA(held_attempt, 0, held_fields);

static const struct field node_back_fields[] = {
    FIELD(event_node_back, principal, FIELD_U32, 0),
    FIELD(event_node_back, name, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(event_node_back, hostname, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(event_node_back, node_ip, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(event_node_back, incarnation, FIELD_U64, 0),
    FIELD_OF(event_node_back, capacity, FIELD_RECORD, 0, resources_schema),
    FIELD(event_node_back, gpus, FIELD_U32, LIMIT_GPUS),
    FIELD(event_node_back, credit, FIELD_U32, LIMIT_LEASES),
    FIELD(event_node_back, shares_results, FIELD_BOOL, 0),
    FIELD_OF(event_node_back, held, FIELD_LIST, LIMIT_LEASES, held_schema),
};

static const struct field node_lost_fields[] = {
    FIELD(event_node_lost, node, FIELD_U32, 0),
    FIELD(event_node_lost, reason, FIELD_TEXT, LIMIT_TEXT_BYTES),
};

static const struct field drain_fields[] = {
    FIELD(event_drain, node, FIELD_U32, 0),
    FIELD(event_drain, on, FIELD_BOOL, 0),
};

static const struct field report_fields[] = {
    FIELD(event_report, node, FIELD_U32, 0),
    FIELD(event_report, experiment, FIELD_U32, 0),
    FIELD(event_report, trial, FIELD_U32, 0),
    FIELD(event_report, attempt, FIELD_U32, 0),
    FIELD(event_report, first_seq, FIELD_U64, 0),
    FIELD(event_report, count, FIELD_U32, LIMIT_BATCH_RECORDS),
    FIELD(event_report, records, FIELD_BYTES, LIMIT_BATCH_BYTES),
};

static const struct field principal_add_fields[] = {
    FIELD(event_principal_add, key, FIELD_BYTES, KEY_BYTES),
    FIELD(event_principal_add, role, FIELD_U32, ROLE_COUNT - 1),
    FIELD(event_principal_add, name, FIELD_TEXT, LIMIT_NAME_BYTES),
};

static const struct field token_create_fields[] = {
    FIELD(event_token_create, id, FIELD_BYTES, TOKEN_BYTES),
    FIELD(event_token_create, secret_hash, FIELD_BYTES, KEY_BYTES),
    FIELD(event_token_create, role, FIELD_U32, ROLE_COUNT - 1),
    FIELD(event_token_create, uses, FIELD_U32, 0),
    FIELD(event_token_create, expires_ms, FIELD_U64, 0),
    FIELD(event_token_create, principal, FIELD_U32, 0),
};

static const struct field token_revoke_fields[] = {
    FIELD(event_token_revoke, id, FIELD_BYTES, TOKEN_BYTES),
};

static const struct field join_fields[] = {
    FIELD(event_join, token, FIELD_BYTES, TOKEN_BYTES),
    FIELD(event_join, secret_hash, FIELD_BYTES, KEY_BYTES),
    FIELD(event_join, key, FIELD_BYTES, KEY_BYTES),
    FIELD(event_join, name, FIELD_TEXT, LIMIT_NAME_BYTES),
};

static const struct field tick_fields[] = {
    FIELD(event_tick, nothing, FIELD_U32, 0),
};

static const struct field node_disk_fields[] = {
    FIELD(event_node_disk, node, FIELD_U32, 0),
    FIELD(event_node_disk, full, FIELD_BOOL, 0),
};

static const struct field pause_fields[] = {
    FIELD(event_pause, experiment, FIELD_U32, 0),
    FIELD(event_pause, trial, FIELD_U32, 0),
    FIELD(event_pause, principal, FIELD_U32, 0),
};

static const struct field extend_fields[] = {
    FIELD(event_extend, experiment, FIELD_U32, 0),
    FIELD(event_extend, principal, FIELD_U32, 0),
    FIELD(event_extend, samples, FIELD_U32, LIMIT_SAMPLES),
    FIELD(event_extend, total, FIELD_U32, 0),
    FIELD(event_extend, stop, FIELD_PACKED, LIMIT_SPEC_BYTES),
};

static const struct field suggest_fields[] = {
    FIELD(event_suggest, experiment, FIELD_U32, 0),
    FIELD(event_suggest, principal, FIELD_U32, 0),
    FIELD(event_suggest, number, FIELD_U64, 0),
    FIELD(event_suggest, config, FIELD_PACKED, LIMIT_CONFIG_BYTES),
};

static const struct field recall_fields[] = {
    FIELD(event_recall, experiment, FIELD_U32, 0),
    FIELD(event_recall, trial, FIELD_U32, 0),
    FIELD(event_recall, name, FIELD_TEXT, LIMIT_TEXT_BYTES),
    FIELD(event_recall, tag, FIELD_TEXT, LIMIT_TEXT_BYTES),
    FIELD(event_recall, folder, FIELD_TEXT, LIMIT_PATH_BYTES),
    FIELD(event_recall, config, FIELD_PACKED, LIMIT_CONFIG_BYTES),
    FIELD(event_recall, last, FIELD_PACKED, LIMIT_BATCH_BYTES),
    FIELD(event_recall, results, FIELD_U64, 0),
    FIELD(event_recall, status, FIELD_I64, 0),
    FIELD(event_recall, has_best, FIELD_BOOL, 0),
    FIELD(event_recall, best, FIELD_F64, 0),
    FIELD(event_recall, best_at, FIELD_I64, 0),
};

#define ROW(number, text, member, table)                                                           \
    [number] = {text, number, sizeof(((struct event *)NULL)->member), table,                       \
                sizeof(table) / sizeof((table)[0])}

static const struct schema schemas[] = {
    ROW(EVENT_SUBMIT, "submit", submit, submit_fields),
    ROW(EVENT_STOP, "stop", stop, stop_fields),
    ROW(EVENT_REMOVE, "remove", remove, remove_fields),
    ROW(EVENT_NODE_BACK, "node_back", node_back, node_back_fields),
    ROW(EVENT_NODE_LOST, "node_lost", node_lost, node_lost_fields),
    ROW(EVENT_DRAIN, "drain", drain, drain_fields),
    ROW(EVENT_REPORT, "report", report, report_fields),
    ROW(EVENT_PRINCIPAL_ADD, "principal_add", principal_add, principal_add_fields),
    ROW(EVENT_TOKEN_CREATE, "token_create", token_create, token_create_fields),
    ROW(EVENT_TOKEN_REVOKE, "token_revoke", token_revoke, token_revoke_fields),
    ROW(EVENT_JOIN, "join", join, join_fields),
    ROW(EVENT_TICK, "tick", tick, tick_fields),
    ROW(EVENT_PAUSE, "pause", pause, pause_fields),
    ROW(EVENT_RESUME, "resume", pause, pause_fields),
    ROW(EVENT_EXTEND, "extend", extend, extend_fields),
    ROW(EVENT_RECALL, "recall", recall, recall_fields),
    ROW(EVENT_NODE_DISK, "node_disk", node_disk, node_disk_fields),
    ROW(EVENT_SUGGEST, "suggest", suggest, suggest_fields),
};

#define SCHEMA_COUNT (sizeof(schemas) / sizeof(schemas[0]))

const struct schema *event_schema(uint32_t type)
{
    return type < SCHEMA_COUNT && schemas[type].name != NULL ? &schemas[type] : NULL;
}

/* All members of the union begin where it begins. */
static void *event_record(struct event *event)
{
    return &event->submit;
}

static const void *event_record_const(const struct event *event)
{
    return &event->submit;
}

void event_pack(const struct event *event, struct buf *out)
{
    pack_list(out, 2);
    pack_uint(out, event->type);
    schema_pack(event_schema(event->type), event_record_const(event), out);
}

int event_unpack(struct cursor *cursor, struct arena *arena, struct event *out)
{
    struct event event = {.now_ms = out->now_ms, .origin = out->origin};
    uint32_t count, type;
    int err;

    if (!cursor_list(cursor, &count) || count != 2 || !cursor_u32(cursor, &type) ||
        event_schema(type) == NULL)
        return ERR_MALFORMED;
    event.type = (enum event_type)type;
    err = schema_unpack(event_schema(type), cursor, arena, event_record(&event), NULL);
    if (err < 0)
        return err;
    *out = event;
    return 0;
}

void event_print(const struct event *event, struct buf *out)
{
    trace_print(event_schema(event->type), event_record_const(event), out);
}

int event_parse(const char *line, struct arena *arena, struct event *out,
                struct schema_error *error)
{
    struct event event = {.now_ms = out->now_ms, .origin = out->origin};
    size_t size = strcspn(line, " ");
    int err;

    for (uint32_t i = 1; i < SCHEMA_COUNT; i++) {
        if (schemas[i].name == NULL || !span_is(span_of(line, size), schemas[i].name))
            continue;
        event.type = (enum event_type)i;
        err = schema_parse(&schemas[i], line + size, arena, event_record(&event), error);
        if (err == 0)
            *out = event;
        return err;
    }
    if (error != NULL)
        *error = (struct schema_error){"event", "no such event"};
    return ERR_MALFORMED;
}
