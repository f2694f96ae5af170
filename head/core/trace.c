#include "head/core/trace.h"

#include <assert.h>
#include <string.h>

#define TRACE_FIELDS 40 /* of the widest table of events and effects */

static bool bytes_are_zero(const void *bytes, size_t size)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < size; i++)
        if (at[i] != 0)
            return false;
    return true;
}

static bool record_is_zero(const struct schema *schema, const void *record);

static bool field_is_zero(const struct field *field, const void *at)
{
    switch (field->kind) {
    case FIELD_BOOL:
        return !*(const bool *)at;
    case FIELD_U32:
        return *(const uint32_t *)at == 0;
    case FIELD_U64:
    case FIELD_I64:
    case FIELD_F64:
        return bytes_are_zero(at, sizeof(uint64_t));
    case FIELD_TEXT:
    case FIELD_BYTES:
    case FIELD_PACKED:
        return ((const struct span *)at)->size == 0;
    case FIELD_RECORD:
        return record_is_zero(field->item, at);
    case FIELD_LIST:
        return ((const struct record_list *)at)->count == 0;
    }
    return false;
}

static bool record_is_zero(const struct schema *schema, const void *record)
{
    for (size_t i = 0; i < schema->field_count; i++)
        if (!field_is_zero(&schema->fields[i], (const char *)record + schema->fields[i].offset))
            return false;
    return true;
}

void trace_print(const struct schema *schema, const void *record, struct buf *out)
{
    struct field fields[TRACE_FIELDS];
    struct schema brief = *schema;

    assert(schema->field_count <= TRACE_FIELDS);
    brief.fields = fields;
    brief.field_count = 0;
    for (size_t i = 0; i < schema->field_count; i++)
        if (!field_is_zero(&schema->fields[i], (const char *)record + schema->fields[i].offset))
            fields[brief.field_count++] = schema->fields[i];
    schema_print(&brief, record, out);
}
