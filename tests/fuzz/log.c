/* Turns of the head: events that are checked as the wire checks them, judged, written as a log
 * entry and replayed; and a replay against a tape that says anything.
 *
 * An input is two bytes (how many bytes of events follow), events one behind the other, and the
 * tape for the second replay. */
#include <assert.h>
#include <string.h>

#include "common/limits.h"
#include "common/record.h"
#include "head/core/core.h"
#include "head/entry.h"
#include "tests/fuzz/target.h"

#define NOW_MS UINT64_C(1700000000000)

static const struct cursor_limits frame_limits = {
    .depth = LIMIT_MESSAGE_DEPTH,
    .items = LIMIT_MESSAGE_ITEMS,
    .text_bytes = LIMIT_MESSAGE_BYTES,
};

static struct arena arena;
static struct effects effects;
static struct tape tape;
static struct buf entry_bytes, image;

/* The next event, if it is one that may come off the wire. */
static bool event_next(struct cursor *cursor, struct event *event)
{
    const uint8_t *begin = cursor->at;
    struct span item;
    struct cursor whole = *cursor;

    if (!cursor_skip(&whole, &item) || cursor_scan(item, &frame_limits) != 0)
        return false;
    if (event_unpack(cursor, &arena, event) != 0)
        return false;
    assert(cursor->at == begin + item.size);
    event->now_ms = NOW_MS;
    return event->type != EVENT_REPORT ||
           record_check(event->report.records, event->report.count, event->report.first_seq) == 0;
}

static void check_printing(const struct event *event)
{
    struct buf line = {0};

    event_print(event, &line);
    for (size_t i = 0; i < effects.count; i++)
        effect_print(&effects.items[i], &line);
    buf_fini(&line);
}

static uint32_t judge(struct core *core, struct span events)
{
    struct cursor cursor;
    struct event event = {.origin = 7};
    uint32_t admitted = 0;

    cursor_init(&cursor, events);
    tape_record(&tape);
    buf_reset(&entry_bytes);
    entry_begin(&entry_bytes, NOW_MS);
    while (event_next(&cursor, &event)) {
        uint64_t before = core_digest(core);
        bool taken = core_step(core, &event, &tape, &effects) == CORE_ADMITTED;

        assert(core_check(core) == NULL);
        assert(taken || core_digest(core) == before);
        if (taken)
            event_pack(&event, &entry_bytes);
        admitted += taken;
        check_printing(&event);
    }
    core_place(core, NOW_MS, &tape, &effects);
    assert(core_check(core) == NULL);
    entry_end(&entry_bytes, admitted, buf_span(&tape.written));
    return admitted;
}

/* False where it stops, as the head's replay does. */
static bool replay(struct core *core, const struct entry *entry, struct span decided)
{
    struct cursor cursor;
    struct event event = {0};

    cursor_init(&cursor, entry->events);
    tape_replay(&tape, decided);
    for (uint32_t i = 0; i < entry->count; i++) {
        assert(event_unpack(&cursor, &arena, &event) == 0);
        event.now_ms = entry->now_ms;
        if (core_step(core, &event, &tape, &effects) != CORE_ADMITTED || tape.diverged)
            return false;
    }
    assert(cursor.at == cursor.end);
    core_place(core, entry->now_ms, &tape, &effects);
    return tape_ended_well(&tape);
}

static void check_replays(const struct core *core, struct span hostile)
{
    struct core *copy = core_new();
    struct entry entry;

    assert(entry_read(buf_span(&entry_bytes), &entry) == 0);
    assert(replay(copy, &entry, entry.tape));
    assert(core_digest(copy) == core_digest(core));
    core_free(copy);

    copy = core_new();
    buf_reset(&image);
    core_save(core, &image);
    assert(core_load(copy, buf_span(&image)) == 0);
    assert(core_digest(copy) == core_digest(core));
    core_free(copy);

    copy = core_new();
    (void)replay(copy, &entry, hostile);
    core_free(copy);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    effects_init(&effects, &arena);
    tape_init(&tape);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct core *core;
    struct entry entry;
    size_t events;

    (void)entry_read(span_of(data, size), &entry);
    if (size < 2)
        return 0;
    events = (size_t)data[0] << 8 | data[1];
    data += 2;
    size -= 2;
    if (events > size)
        events = size;
    core = core_new();
    (void)judge(core, span_of(data, events));
    check_replays(core, span_of(data + events, size - events));
    core_free(core);
    effects_reset(&effects);
    arena_reset(&arena);
    return 0;
}
