#include <assert.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/pack.h"
#include "proto/messages.h"

#define HEAD_ITEMS 3u /* protocol, type, request id */

static const struct schema *const schemas[] = {
#define MESSAGE(name, number, ...) [MSG_##number] = &msg_##name##_schema,
#include "proto/messages.def"
#undef MESSAGE
};

#define TYPE_COUNT (sizeof(schemas) / sizeof(schemas[0]))

static const struct cursor_limits frame_limits = {
    .depth = LIMIT_MESSAGE_DEPTH,
    .items = LIMIT_MESSAGE_ITEMS,
    .text_bytes = LIMIT_MESSAGE_BYTES,
};

/* Bytes that have one size and no other; a table's limit only says the most. */
struct exact {
    enum msg_type type;
    size_t offset;
    size_t size;
    bool may_be_empty;
    const char *field;
};

#define EXACT(message, number, member, bytes, empty)                                               \
    {                                                                                              \
        MSG_##number, offsetof(struct message, member), bytes, empty, #member                      \
    }

static const struct exact exacts[] = {
    EXACT(msg_join, JOIN, token, LIMIT_TOKEN_ID, false),
    EXACT(msg_join, JOIN, secret, LIMIT_TOKEN_SECRET, false),
    EXACT(msg_experiment, EXPERIMENT, code, LIMIT_HASH_BYTES, true),
    EXACT(msg_blob_get, BLOB_GET, hash, LIMIT_HASH_BYTES, false),
    EXACT(msg_blob_chunk, BLOB_CHUNK, hash, LIMIT_HASH_BYTES, false),
    EXACT(msg_blob_put, BLOB_PUT, hash, LIMIT_HASH_BYTES, false),
    EXACT(msg_blob_ask, BLOB_ASK, hash, LIMIT_HASH_BYTES, false),
    EXACT(msg_blob_state, BLOB_STATE, hash, LIMIT_HASH_BYTES, false),
    EXACT(msg_submit, SUBMIT, submission, LIMIT_SUBMISSION, false),
    EXACT(msg_submit, SUBMIT, code, LIMIT_HASH_BYTES, true),
};

const struct schema *message_schema(uint32_t type)
{
    return type < TYPE_COUNT ? schemas[type] : NULL;
}

static int refuse(struct schema_error *error, int err, const char *field, const char *what)
{
    if (error != NULL)
        *error = (struct schema_error){.field = field, .what = what};
    return err;
}

void message_pack(enum msg_type type, uint64_t request, const void *body, struct buf *out)
{
    const struct schema *schema = message_schema(type);

    assert(schema != NULL);
    buf_reset(out);
    pack_list(out, (uint32_t)schema->field_count + HEAD_ITEMS);
    pack_uint(out, PROTOCOL_VERSION);
    pack_uint(out, type);
    pack_uint(out, request);
    schema_pack_fields(schema, body, out);
}

/* What stands before the fields. */
struct head {
    uint32_t count; /* fields behind it */
    uint32_t protocol;
    uint32_t type;
    uint64_t request;
};

static bool head_read(struct cursor *cursor, struct head *out)
{
    struct head head;

    if (!cursor_list(cursor, &head.count) || head.count < HEAD_ITEMS ||
        !cursor_u32(cursor, &head.protocol) || !cursor_u32(cursor, &head.type) ||
        !cursor_uint(cursor, &head.request))
        return false;
    head.count -= HEAD_ITEMS;
    *out = head;
    return true;
}

bool message_peek(struct span frame, uint32_t *type, uint64_t *request)
{
    struct cursor cursor;
    struct head head;

    cursor_init(&cursor, frame);
    if (!head_read(&cursor, &head))
        return false;
    *type = head.type;
    *request = head.request;
    return true;
}

static int exact_check(enum msg_type type, const void *body, struct schema_error *error)
{
    for (size_t i = 0; i < sizeof(exacts) / sizeof(exacts[0]); i++) {
        const struct exact *exact = &exacts[i];
        const struct span *bytes;

        if (exact->type != type)
            continue;
        bytes = (const struct span *)(const void *)((const char *)body + exact->offset);
        if (bytes->size != exact->size && !(exact->may_be_empty && bytes->size == 0))
            return refuse(error, ERR_MALFORMED, exact->field, "not the size that it must have");
    }
    return 0;
}

/* The fields of a frame whose head was read and that was scanned. */
static int body_unpack(const struct head *head, struct cursor *cursor, struct arena *arena,
                       struct message *out, struct schema_error *error)
{
    const struct schema *schema = message_schema(head->type);
    void *body;
    int err;

    if (head->protocol != PROTOCOL_VERSION)
        return refuse(error, ERR_VERSION, "protocol", "another version");
    if (schema == NULL)
        return refuse(error, ERR_MALFORMED, "type", "no such message");
    body = arena_alloc(arena, schema->size);
    err = schema_unpack_fields(schema, cursor, head->count, arena, body, error);
    if (err < 0)
        return err;
    err = exact_check((enum msg_type)head->type, body, error);
    if (err < 0)
        return err;
    out->type = (enum msg_type)head->type;
    out->body = body;
    return 0;
}

int message_unpack(struct span frame, struct arena *arena, struct message *out,
                   struct schema_error *error)
{
    struct cursor cursor;
    struct head head;
    bool has_head;
    int err;

    /* The head is a few bytes whatever follows, and even a frame that is refused should be answered
     * under its request id. */
    cursor_init(&cursor, frame);
    has_head = head_read(&cursor, &head);
    *out = (struct message){.request = has_head ? head.request : 0};
    if (frame.size > LIMIT_MESSAGE_BYTES)
        return refuse(error, ERR_TOO_BIG, "message", "over its limit");
    err = cursor_scan(frame, &frame_limits);
    if (err < 0)
        return refuse(error, err, "message",
                      err == ERR_TOO_BIG ? "over a limit" : "not one whole msgpack item");
    if (!has_head)
        return refuse(error, ERR_MALFORMED, "message", "does not begin as a message");
    return body_unpack(&head, &cursor, arena, out, error);
}

/* A copy of the body without what no log may hold, or the body itself. */
union disguise {
    struct msg_join join;
    struct msg_token token;
};

static const void *body_to_show(const struct message *message, union disguise *disguise)
{
    switch (message->type) {
    case MSG_JOIN:
        disguise->join = *(const struct msg_join *)message->body;
        disguise->join.secret = (struct span){0};
        return &disguise->join;
    case MSG_TOKEN:
        disguise->token = *(const struct msg_token *)message->body;
        disguise->token.token = span_text("hidden");
        return &disguise->token;
    default:
        return message->body;
    }
}

void message_print(const struct message *message, struct buf *out)
{
    const struct schema *schema = message_schema(message->type);
    union disguise disguise;

    assert(schema != NULL);
    buf_printf(out, "%llu ", (unsigned long long)message->request);
    schema_print(schema, body_to_show(message, &disguise), out);
}

void message_describe(struct buf *out)
{
    const char *comma = "";

    buf_printf(out, "{\"protocol\": %u, \"messages\": [", PROTOCOL_VERSION);
    for (uint32_t type = 0; type < TYPE_COUNT; type++) {
        if (schemas[type] == NULL)
            continue;
        buf_printf(out, "%s\n", comma);
        schema_describe(schemas[type], out);
        comma = ",";
    }
    buf_append_text(out, "\n]}\n");
}
