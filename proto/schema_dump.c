/* assay-schema - print the message tables: as schema.json, or with --markdown as the tables of
 * docs/PROTOCOL.md. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "proto/msg.h"
#include "proto/roles.h"

#define RECORDS_MOST 64u

/* The records met inside messages, each once, in the order of the first meeting. */
struct records {
    const struct schema *items[RECORDS_MOST];
    size_t count;
};

static int records_add(struct records *records, const struct schema *schema)
{
    for (size_t i = 0; i < records->count; i++)
        if (records->items[i] == schema)
            return 0;
    if (records->count == RECORDS_MOST)
        return -1;
    records->items[records->count++] = schema;
    return 0;
}

static int records_of(struct records *records, const struct schema *schema)
{
    for (size_t i = 0; i < schema->field_count; i++)
        if (schema->fields[i].item != NULL && records_add(records, schema->fields[i].item) < 0)
            return -1;
    return 0;
}

static void kind_write(const struct field *field, struct buf *out)
{
    static const char *const kinds[] = {
        [FIELD_BOOL] = "bool",   [FIELD_U32] = "u32",     [FIELD_U64] = "u64",
        [FIELD_I64] = "i64",     [FIELD_F64] = "f64",     [FIELD_TEXT] = "text",
        [FIELD_BYTES] = "bytes", [FIELD_PACKED] = "item", [FIELD_RECORD] = "",
        [FIELD_LIST] = "list of"};

    buf_append_text(out, kinds[field->kind]);
    if (field->kind == FIELD_LIST)
        buf_append_char(out, ' ');
    if (field->item != NULL)
        buf_printf(out, "*%s*", field->item->name);
    if (field->limit != 0)
        buf_printf(out, " <= %u", field->limit);
    if (field->optional)
        buf_append_text(out, ", may be missing");
}

static void fields_write(const struct schema *schema, struct buf *out)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        buf_printf(out, "%s`%s` ", i > 0 ? "; " : "", schema->fields[i].name);
        kind_write(&schema->fields[i], out);
    }
    buf_append_text(out, " |\n");
}

static void senders_write(uint32_t type, struct buf *out)
{
    const char *comma = "";

    if (role_allowed(PRINCIPAL_NONE, type)) {
        buf_append_text(out, "anybody");
        return;
    }
    for (uint32_t role = PRINCIPAL_NONE + 1; role < PRINCIPAL_ROLE_COUNT; role++) {
        if (!role_allowed(role, type))
            continue;
        buf_printf(out, "%s%s", comma, role_name(role));
        comma = ", ";
    }
    if (type == MSG_HEARTBEAT)
        buf_append_text(out, ", head");
    else if (*comma == '\0')
        buf_append_text(out, type == MSG_VACATED ? "executor" : "head");
}

/* "msg_blob_get" becomes BLOB_GET. */
static void name_write(const struct schema *schema, struct buf *out)
{
    for (const char *c = schema->name + strlen("msg_"); *c != '\0'; c++)
        buf_append_char(out, (char)toupper((unsigned char)*c));
}

static int markdown_write(struct buf *out)
{
    struct records records = {0};

    buf_append_text(out, "| number | message | who sends it | fields |\n|---|---|---|---|\n");
    for (uint32_t type = 0; type <= UINT8_MAX; type++) {
        const struct schema *schema = message_schema(type);

        if (schema == NULL)
            continue;
        buf_printf(out, "| %u | `", type);
        name_write(schema, out);
        buf_append_text(out, "` | ");
        senders_write(type, out);
        buf_append_text(out, " | ");
        fields_write(schema, out);
        if (records_of(&records, schema) < 0)
            return -1;
    }
    buf_append_text(out, "\nRecords inside messages, each a list of its fields:\n\n"
                         "| record | fields |\n|---|---|\n");
    for (size_t i = 0; i < records.count; i++) {
        buf_printf(out, "| *%s* | ", records.items[i]->name);
        fields_write(records.items[i], out);
        if (records_of(&records, records.items[i]) < 0)
            return -1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct buf out = {0};
    int status = 1;

    if (argc > 2 || (argc == 2 && strcmp(argv[1], "--markdown") != 0)) {
        (void)fprintf(stderr, "assay-schema: prints the message tables as JSON, or --markdown\n");
        return 2;
    }
    if (argc == 1) {
        message_describe(&out);
    } else if (markdown_write(&out) < 0) {
        (void)fprintf(stderr, "assay-schema: more records than RECORDS_MOST\n");
        goto out;
    }
    if (fwrite(out.data, 1, out.size, stdout) == out.size && fflush(stdout) == 0)
        status = 0;
out:
    buf_fini(&out);
    return status;
}
