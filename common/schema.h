/* schema.h - records described by tables: a C struct, and a row a field.
 *
 * Wire messages, the core's events and effects, and spool records are all written, read, limited
 * and printed by the functions here, so a field is added in one place. Packed, a record is a
 * msgpack list of its fields in table order. A reader takes more fields than it knows (a newer
 * writer) and leaves those that are missing at the end zero, if they are marked optional. */
#ifndef COMMON_SCHEMA_H
#define COMMON_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/cursor.h"

enum field_kind {
    FIELD_BOOL,   /* bool */
    FIELD_U32,    /* uint32_t; limit: the highest value, 0: any */
    FIELD_U64,    /* uint64_t */
    FIELD_I64,    /* int64_t */
    FIELD_F64,    /* double */
    FIELD_TEXT,   /* struct span of UTF-8; limit: bytes */
    FIELD_BYTES,  /* struct span; limit: bytes */
    FIELD_PACKED, /* struct span of one whole msgpack item, kept packed; limit: bytes. The empty
                     span is none, and is nil when packed; nil is read as the empty span */
    FIELD_RECORD, /* a struct in place, described by item */
    FIELD_LIST    /* struct record_list of records described by item; limit: count */
};

struct schema;

/* A limit of 0 is no limit of the field's own. */
struct field {
    const char *name;
    enum field_kind kind;
    size_t offset;
    uint32_t limit;
    const struct schema *item; /* for FIELD_RECORD and FIELD_LIST */
    bool optional;             /* may be missing at the end: zero then */
};

struct schema {
    const char *name;
    uint32_t type; /* number on the wire or in the log; 0 for a record inside another */
    size_t size;   /* of the struct */
    const struct field *fields;
    size_t field_count;
};

/* Records beside one another; items points to count structs of the item schema's size. */
struct record_list {
    void *items;
    uint32_t count;
};

struct schema_error {
    const char *field; /* name of the field, or of the schema */
    const char *what;  /* constant text: what is wrong */
};

#define FIELD(message, member, kind, limit)                                                        \
    {                                                                                              \
#member, kind, offsetof(struct message, member), limit, NULL, false                        \
    }
#define FIELD_LATER(message, member, kind, limit)                                                  \
    {                                                                                              \
#member, kind, offsetof(struct message, member), limit, NULL, true                         \
    }
#define FIELD_OF(message, member, kind, limit, schema)                                             \
    {                                                                                              \
#member, kind, offsetof(struct message, member), limit, &(schema), false                   \
    }
#define FIELD_OF_LATER(message, member, kind, limit, schema)                                       \
    {                                                                                              \
#member, kind, offsetof(struct message, member), limit, &(schema), true                    \
    }
#define SCHEMA(struct_name, type_number, table)                                                    \
    {                                                                                              \
#struct_name, type_number, sizeof(struct struct_name), table,                              \
            sizeof(table) / sizeof((table)[0])                                                     \
    }

/* Asserts the limits: what is written here was checked before. */
void schema_pack(const struct schema *schema, const void *record, struct buf *out);

/* Texts and bytes are borrowed from the cursor's bytes; lists live in the arena. Limits are checked
 * before anything is allocated. Returns 0, ERR_MALFORMED or ERR_TOO_BIG with *error filled (may be
 * NULL); *record is only complete on success. */
int schema_unpack(const struct schema *schema, struct cursor *cursor, struct arena *arena,
                  void *record, struct schema_error *error);

/* The same without the list around the fields, for records whose fields stand in a list together
 * with something else; count is how many items are there. arena may be NULL for a table without
 * lists. */
void schema_pack_fields(const struct schema *schema, const void *record, struct buf *out);
int schema_unpack_fields(const struct schema *schema, struct cursor *cursor, uint32_t count,
                         struct arena *arena, void *record, struct schema_error *error);

/* The text forms are in schema_text.c.
 *
 * One line of text: `name field=value field=value list=[{field=value} ...]`. Packed values print as
 * JSON, bytes as hex, texts bare where they are plain words, else quoted as in JSON ("" for the
 * empty one). No newline. */
void schema_print(const struct schema *schema, const void *record, struct buf *out);

/* The reverse of schema_print, for traces: reads fields in any order behind the name; missing ones
 * are zero. text is the part behind the record's name. Values in the arena, texts with a terminator
 * behind them. Returns 0 or ERR_MALFORMED with *error filled (may be NULL). */
int schema_parse(const struct schema *schema, const char *text, struct arena *arena, void *record,
                 struct schema_error *error);

/* A JSON object that describes the table:
 * {"name","type","fields":[{"name","kind","limit","optional" and, for records and lists, "item":
 * such an object}]}. */
void schema_describe(const struct schema *schema, struct buf *out);

#endif
