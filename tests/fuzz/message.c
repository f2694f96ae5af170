/* Frames off the wire, of every plane: what was taken packs to the same message again, and becomes
 * an event that the log gives back. */
#include <assert.h>

#include "common/err.h"
#include "head/wire.h"
#include "proto/roles.h"
#include "tests/fuzz/target.h"

static struct arena arena;
static struct buf first, second, text;

/* What the head makes of reports is what it will find in its log. */
static void check_event(const struct event *event)
{
    struct event again = {0};
    struct cursor cursor;

    buf_reset(&first);
    buf_reset(&second);
    event_pack(event, &first);
    cursor_init(&cursor, buf_span(&first));
    assert(event_unpack(&cursor, &arena, &again) == 0 && cursor.at == cursor.end);
    event_pack(&again, &second);
    assert(span_equal(buf_span(&first), buf_span(&second)));
}

static void check_reports(const struct msg_reports *reports)
{
    const struct msg_batch *batches = reports->batches.items;

    for (uint32_t i = 0; i < reports->batches.count; i++) {
        struct event event = {0};

        if (wire_batch(&batches[i], 2, &event) == 0)
            check_event(&event);
    }
}

static void check_events(const struct message *message)
{
    const struct msg_register who = {.name = span_text("n"), .hostname = span_text("h")};
    struct event event = {0};

    assert(message_schema(message->type) != NULL);
    switch (message->type) {
    case MSG_SUBMIT:
        wire_submit(message->body, 3, &event);
        break;
    case MSG_STOP:
        wire_stop(message->body, 3, &event);
        break;
    case MSG_REMOVE:
        wire_remove(message->body, 3, &event);
        break;
    case MSG_PAUSE:
        wire_pause(message->body, 3, &event);
        break;
    case MSG_RESUME:
        wire_resume(message->body, 3, &event);
        break;
    case MSG_DRAIN:
        wire_drain(message->body, &event);
        break;
    case MSG_READY:
        wire_ready(&who, message->body, 2, &arena, &event);
        break;
    case MSG_REPORTS:
        check_reports(message->body);
        return;
    default:
        return;
    }
    check_event(&event);
}

static void check_again(const struct message *message)
{
    struct schema_error error;
    struct message again;

    message_pack(message->type, message->request, message->body, &first);
    assert(message_unpack(buf_span(&first), &arena, &again, &error) == 0);
    assert(again.type == message->type && again.request == message->request);
    message_pack(again.type, again.request, again.body, &second);
    assert(span_equal(buf_span(&first), buf_span(&second)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span frame = span_of(data, size);
    struct schema_error error;
    struct message message;
    uint64_t request;
    uint32_t type;
    bool peeked = message_peek(frame, &type, &request);
    int err = message_unpack(frame, &arena, &message, &error);

    for (uint32_t role = PRINCIPAL_NONE; peeked && role < PRINCIPAL_ROLE_COUNT; role++)
        assert(!role_allowed(role, type) || message_schema(type) != NULL);
    if (err == 0) {
        assert(peeked && type == message.type && request == message.request);
        buf_reset(&text);
        message_print(&message, &text);
        check_again(&message);
        check_events(&message);
    } else {
        assert(error.field != NULL && error.what != NULL);
    }
    arena_reset(&arena);
    return 0;
}
