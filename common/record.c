#include "common/record.h"

#include <assert.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/pack.h"

/* Lists around a result's metrics: the record, and the result in it. */
#define DEPTH_ABOVE_METRICS 2u

static const struct field record_start_fields[] = {
    FIELD(record_start, pid, FIELD_I64, 0),
    FIELD(record_start, unix_ms, FIELD_U64, 0),
};

const struct schema record_start_schema = SCHEMA(record_start, RECORD_START, record_start_fields);

static const struct field record_end_fields[] = {
    FIELD(record_end, reason, FIELD_U32, END_REASON_COUNT - 1),
    FIELD(record_end, status, FIELD_I64, 0),
    FIELD(record_end, unix_ms, FIELD_U64, 0),
    FIELD(record_end, text, FIELD_TEXT, LIMIT_END_TEXT),
};

const struct schema record_end_schema = SCHEMA(record_end, RECORD_END, record_end_fields);

static const struct field record_mark_fields[] = {
    FIELD(record_mark, number, FIELD_U64, 0),
    FIELD(record_mark, other, FIELD_U64, 0),
    FIELD_OF(record_mark, counters, FIELD_RECORD, 0, counters_schema),
};

const struct schema record_mark_schema = SCHEMA(record_mark, RECORD_MARK, record_mark_fields);

static const struct field record_checkpoint_fields[] = {
    FIELD(record_checkpoint, number, FIELD_U64, 0),
    FIELD(record_checkpoint, manifest, FIELD_BYTES, LIMIT_HASH_BYTES),
    FIELD(record_checkpoint, bytes, FIELD_U64, 0),
};

const struct schema record_checkpoint_schema =
    SCHEMA(record_checkpoint, RECORD_CHECKPOINT, record_checkpoint_fields);

static const struct cursor_limits record_limits = {
    .depth = LIMIT_RESULT_DEPTH + DEPTH_ABOVE_METRICS,
    .items = LIMIT_RECORD_BYTES,
    .text_bytes = LIMIT_RESULT_BYTES,
};

const char *end_reason_name(uint32_t reason)
{
    static const char *const names[END_REASON_COUNT] = {
        [END_COMPLETED] = "completed",
        [END_STOPPED] = "stopped",
        [END_EXIT] = "exit",
        [END_SIGNAL] = "signal",
        [END_PROTOCOL] = "protocol",
        [END_START] = "start",
        [END_EXECUTOR_LOST] = "executor_lost",
        [END_NODE_LOST] = "node_lost",
        [END_OOM] = "oom",
        [END_TIME_LIMIT] = "time_limit",
        [END_REPORT_TIMEOUT] = "report_timeout",
        [END_DISK_FULL] = "disk_full",
        [END_CHECKPOINT] = "checkpoint",
    };

    return reason < END_REASON_COUNT && names[reason] != NULL ? names[reason] : "unknown";
}

bool end_reason_is_failure(uint32_t reason)
{
    return reason == END_EXIT || reason == END_SIGNAL || reason == END_PROTOCOL ||
           reason == END_START || reason == END_OOM || reason == END_TIME_LIMIT ||
           reason == END_REPORT_TIMEOUT;
}

bool end_reason_may_pass(uint32_t reason)
{
    return reason != END_TIME_LIMIT;
}

bool end_reason_is_infrastructure(uint32_t reason)
{
    return reason == END_EXECUTOR_LOST || reason == END_NODE_LOST || reason == END_DISK_FULL ||
           reason == END_CHECKPOINT;
}

static void pack_flat(const struct schema *schema, const void *fields, struct buf *out)
{
    pack_list(out, (uint32_t)schema->field_count + 1);
    pack_uint(out, schema->type);
    schema_pack_fields(schema, fields, out);
}

void record_pack(const struct record *record, struct buf *out)
{
    switch (record->kind) {
    case RECORD_START:
        pack_flat(&record_start_schema, &record->start, out);
        return;
    case RECORD_RESULT:
        assert(record->result.metrics.size <= LIMIT_RESULT_BYTES);
        pack_list(out, 2);
        pack_uint(out, RECORD_RESULT);
        result_pack(&record->result, out);
        return;
    case RECORD_END:
        pack_flat(&record_end_schema, &record->end, out);
        return;
    case RECORD_MARK:
        pack_flat(&record_mark_schema, &record->mark, out);
        return;
    case RECORD_CHECKPOINT:
        pack_flat(&record_checkpoint_schema, &record->checkpoint, out);
        return;
    }
    assert(!"a kind of record");
}

static int result_read(struct cursor *cursor, uint32_t count, struct result *out)
{
    int err;

    if (count < 1)
        return ERR_MALFORMED;
    err = result_unpack(cursor, out);
    if (err < 0)
        return err;
    for (uint32_t i = 1; i < count; i++)
        if (!cursor_skip(cursor, NULL))
            return ERR_MALFORMED;
    return out->metrics.size <= LIMIT_RESULT_BYTES ? 0 : ERR_TOO_BIG;
}

int record_unpack(struct cursor *cursor, struct record *out)
{
    struct record record = {0};
    uint32_t count, kind;
    int err;

    if (!cursor_list(cursor, &count) || count < 1 || !cursor_u32(cursor, &kind))
        return ERR_MALFORMED;
    count--;
    switch (kind) {
    case RECORD_START:
        err = schema_unpack_fields(&record_start_schema, cursor, count, NULL, &record.start, NULL);
        break;
    case RECORD_RESULT:
        err = result_read(cursor, count, &record.result);
        break;
    case RECORD_END:
        err = schema_unpack_fields(&record_end_schema, cursor, count, NULL, &record.end, NULL);
        break;
    case RECORD_MARK:
        err = schema_unpack_fields(&record_mark_schema, cursor, count, NULL, &record.mark, NULL);
        break;
    case RECORD_CHECKPOINT:
        err = schema_unpack_fields(&record_checkpoint_schema, cursor, count, NULL,
                                   &record.checkpoint, NULL);
        if (err == 0 && record.checkpoint.manifest.size != LIMIT_HASH_BYTES)
            err = ERR_MALFORMED;
        break;
    default:
        err = ERR_MALFORMED;
    }
    if (err < 0)
        return err;
    record.kind = (enum record_kind)kind;
    *out = record;
    return 0;
}

/* A program names its metrics, so their number is its to choose: up to here. */
static int metrics_check(struct span metrics)
{
    struct cursor cursor;
    uint32_t pairs;

    cursor_init(&cursor, metrics);
    if (!cursor_map(&cursor, &pairs))
        return ERR_MALFORMED;
    return pairs <= LIMIT_RESULT_KEYS ? 0 : ERR_TOO_BIG;
}

/* The next record, of which nothing is known. It is read first, which finds its end and touches
 * each byte once, and scanned then. */
static int record_check_next(struct cursor *cursor, struct record *out)
{
    const uint8_t *begin = cursor->at;
    struct span bytes;
    int err;

    err = record_unpack(cursor, out);
    if (err < 0)
        return err;
    bytes = span_of(begin, (size_t)(cursor->at - begin));
    if (bytes.size > LIMIT_RECORD_BYTES)
        return ERR_TOO_BIG;
    err = cursor_scan(bytes, &record_limits);
    if (err < 0)
        return err;
    return out->kind == RECORD_RESULT ? metrics_check(out->result.metrics) : 0;
}

int record_check(struct span bytes, uint32_t count, uint64_t first_seq)
{
    struct cursor cursor;
    struct record record;

    if (bytes.size > LIMIT_BATCH_BYTES || count > LIMIT_BATCH_RECORDS)
        return ERR_TOO_BIG;
    if (first_seq == 0 || first_seq > UINT64_MAX - count)
        return ERR_MALFORMED;
    cursor_init(&cursor, bytes);
    for (uint32_t i = 0; i < count; i++) {
        int err = record_check_next(&cursor, &record);

        if (err < 0)
            return err;
        if (record.kind == RECORD_START && first_seq + i != 1)
            return ERR_MALFORMED;
        if (record.kind == RECORD_END && i + 1 < count)
            return ERR_MALFORMED;
    }
    return cursor.at == cursor.end ? 0 : ERR_MALFORMED;
}
