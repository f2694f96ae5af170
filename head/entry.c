#include "head/entry.h"

#include <assert.h>
#include <string.h>
#include <zlib.h>

#include "common/cursor.h"
#include "common/err.h"
#include "common/pack.h"
#include "head/core/core.h"

#define MARK        "ASY1"
#define MARK_BYTES  4u
#define FRONT_BYTES 12u

/* Numbers that are known only at the end take their widest form, so that there is room for them:
 * a list of five, u32 rules, u64 time, u32 count, and the head of 32-bit sized bytes. */
#define RULES_AT  (FRONT_BYTES + 1u)
#define NOW_AT    (RULES_AT + 5u)
#define COUNT_AT  (NOW_AT + 9u)
#define SIZE_AT   (COUNT_AT + 5u)
#define EVENTS_AT (SIZE_AT + 5u)

static void put_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void put_u64(uint8_t *at, uint64_t value)
{
    put_u32(at, (uint32_t)(value >> 32));
    put_u32(at + 4, (uint32_t)value);
}

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t checksum(const uint8_t *data, size_t size)
{
    return (uint32_t)crc32_z(0, data, size);
}

void entry_begin(struct buf *out, uint64_t now_ms)
{
    uint8_t *at;

    assert(out->size == 0);
    at = buf_reserve(out, EVENTS_AT);
    memcpy(at, MARK, MARK_BYTES);
    at[FRONT_BYTES] = 0x95;
    at[RULES_AT] = 0xce;
    put_u32(at + RULES_AT + 1, CORE_RULES);
    at[NOW_AT] = 0xcf;
    put_u64(at + NOW_AT + 1, now_ms);
    at[COUNT_AT] = 0xce;
    at[SIZE_AT] = 0xc6;
    out->size = EVENTS_AT;
}

size_t entry_event_bytes(const struct buf *out)
{
    assert(out->size >= EVENTS_AT);
    return out->size - EVENTS_AT;
}

void entry_end(struct buf *out, uint32_t count, struct span tape)
{
    size_t events = entry_event_bytes(out);

    assert(events <= UINT32_MAX && tape.size <= UINT32_MAX - events - 1024);
    put_u32(out->data + COUNT_AT + 1, count);
    put_u32(out->data + SIZE_AT + 1, (uint32_t)events);
    pack_bytes(out, tape);
    put_u32(out->data + MARK_BYTES, (uint32_t)(out->size - FRONT_BYTES));
    put_u32(out->data + MARK_BYTES + 4, checksum(out->data + FRONT_BYTES, out->size - FRONT_BYTES));
}

int entry_read(struct span bytes, struct entry *out)
{
    const uint8_t *at = bytes.data;
    struct cursor cursor;
    struct entry entry;
    uint32_t fields;

    if (bytes.size < FRONT_BYTES || memcmp(at, MARK, MARK_BYTES) != 0 ||
        get_u32(at + MARK_BYTES) != bytes.size - FRONT_BYTES ||
        get_u32(at + MARK_BYTES + 4) != checksum(at + FRONT_BYTES, bytes.size - FRONT_BYTES))
        return ERR_MALFORMED;
    cursor_init(&cursor, span_of(at + FRONT_BYTES, bytes.size - FRONT_BYTES));
    if (!cursor_list(&cursor, &fields) || fields != 5 || !cursor_u32(&cursor, &entry.rules) ||
        !cursor_uint(&cursor, &entry.now_ms) || !cursor_u32(&cursor, &entry.count) ||
        !cursor_bytes(&cursor, &entry.events) || !cursor_bytes(&cursor, &entry.tape) ||
        cursor.at != cursor.end)
        return ERR_MALFORMED;
    *out = entry;
    return 0;
}
