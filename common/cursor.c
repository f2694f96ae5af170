#include "common/cursor.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "common/err.h"

#define SCAN_DEPTH 64u /* the deepest limit that a scan can be given */

/* One item without what is inside it. */
struct item {
    enum cursor_type type;
    uint32_t count; /* items of a list, pairs of a map, bytes of a text */
    union {
        bool boolean;
        int64_t integer;
        uint64_t natural;
        double number;
        const uint8_t *data;
    };
};

/* A big-endian number of 1, 2, 4 or 8 bytes. */
static inline uint64_t load(const uint8_t *at, unsigned size)
{
    uint64_t eight;
    uint32_t four;

    switch (size) {
    case 8:
        memcpy(&eight, at, sizeof(eight));
        return be64toh(eight);
    case 4:
        memcpy(&four, at, sizeof(four));
        return be32toh(four);
    case 2:
        return (uint64_t)at[0] << 8 | at[1];
    default:
        return at[0];
    }
}

static double load_double(const uint8_t *at)
{
    uint64_t bits = load(at, 8);
    double number;

    memcpy(&number, &bits, sizeof(number));
    return number;
}

static double load_float(const uint8_t *at)
{
    uint32_t bits = (uint32_t)load(at, 4);
    float number;

    memcpy(&number, &bits, sizeof(number));
    return (double)number;
}

static int64_t load_signed(const uint8_t *at, unsigned size)
{
    unsigned unused = 64 - size * 8;

    return (int64_t)(load(at, size) << unused) >> unused;
}

static void item_natural(struct item *item, uint64_t natural)
{
    item->natural = natural;
    item->type = natural > INT64_MAX ? CURSOR_UINT : CURSOR_INT;
}

/* How many bytes behind the first one hold the size or the number of an item 0xc0 to 0xdf; 0xff
 * where we do not take it (0xc1 and extensions). */
static const uint8_t tail_bytes[32] = {0,    0xff, 0,    0, 1, 2, 4, 0xff, 0xff, 0xff, 4,
                                       8,    1,    2,    4, 8, 1, 2, 4,    8,    0xff, 0xff,
                                       0xff, 0xff, 0xff, 1, 2, 4, 2, 4,    2,    4};

/* The items 0xc0 to 0xdf; their `tail` bytes are at `at` and are there. */
static void item_tagged(struct item *item, uint8_t tag, const uint8_t *at, unsigned tail)
{
    switch (tag) {
    case 0xc0:
        item->type = CURSOR_NIL;
        break;
    case 0xc2:
    case 0xc3:
        item->type = CURSOR_BOOL;
        item->boolean = tag == 0xc3;
        break;
    case 0xca:
        item->type = CURSOR_DOUBLE;
        item->number = load_float(at);
        break;
    case 0xcb:
        item->type = CURSOR_DOUBLE;
        item->number = load_double(at);
        break;
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
        item_natural(item, load(at, tail));
        break;
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
        item->type = CURSOR_INT;
        item->integer = load_signed(at, tail);
        break;
    default: /* 0xc4-c6 bytes, 0xd9-db text, 0xdc-dd list, 0xde-df map */
        item->type = tag < 0xd0   ? CURSOR_BYTES
                     : tag < 0xdc ? CURSOR_TEXT
                     : tag < 0xde ? CURSOR_LIST
                                  : CURSOR_MAP;
        item->count = (uint32_t)load(at, tail);
    }
}

/* Read an item's head, and a text whole; returns where the next one begins, or NULL. A container
 * that claims more items than bytes are left is refused here, so that nobody sizes memory by it. */
static const uint8_t *item_read(struct item *item, const uint8_t *at, const uint8_t *end)
{
    uint8_t tag;
    size_t left;

    if (at == end)
        return NULL;
    tag = *at++;
    if (tag < 0x80 || tag >= 0xe0) {
        item->type = CURSOR_INT;
        item->integer = (int8_t)tag;
        return at;
    }
    if (tag < 0xc0) {
        item->type = tag < 0x90 ? CURSOR_MAP : tag < 0xa0 ? CURSOR_LIST : CURSOR_TEXT;
        item->count = tag < 0xa0 ? tag & 0x0fu : tag & 0x1fu;
    } else {
        unsigned tail = tail_bytes[tag - 0xc0];

        if (tail == 0xff || (size_t)(end - at) < tail)
            return NULL;
        item_tagged(item, tag, at, tail);
        at += tail;
    }
    if (item->type < CURSOR_TEXT)
        return at;
    left = (size_t)(end - at);
    if (item->type == CURSOR_LIST)
        return item->count <= left ? at : NULL;
    if (item->type == CURSOR_MAP)
        return item->count <= left / 2 ? at : NULL;
    item->data = at;
    return item->count <= left ? at + item->count : NULL;
}

void cursor_init(struct cursor *cursor, struct span bytes)
{
    /* One past nothing is still a pointer that may be compared. */
    const uint8_t *at = bytes.data != NULL ? bytes.data : (const uint8_t *)"";

    *cursor = (struct cursor){.at = at, .end = at + bytes.size};
}

enum cursor_type cursor_peek(const struct cursor *cursor)
{
    struct item item;

    if (cursor->failed || item_read(&item, cursor->at, cursor->end) == NULL)
        return CURSOR_END;
    return item.type;
}

/* Take the next item if it is of that type. */
static bool cursor_take(struct cursor *cursor, enum cursor_type type, struct item *item)
{
    const uint8_t *next;

    if (cursor->failed)
        return false;
    next = item_read(item, cursor->at, cursor->end);
    if (next == NULL || item->type != type) {
        cursor->failed = true;
        return false;
    }
    cursor->at = next;
    return true;
}

bool cursor_nil(struct cursor *cursor)
{
    struct item item;

    return cursor_take(cursor, CURSOR_NIL, &item);
}

bool cursor_bool(struct cursor *cursor, bool *out)
{
    struct item item;

    if (!cursor_take(cursor, CURSOR_BOOL, &item))
        return false;
    *out = item.boolean;
    return true;
}

bool cursor_int(struct cursor *cursor, int64_t *out)
{
    struct item item;

    if (!cursor_take(cursor, CURSOR_INT, &item))
        return false;
    *out = item.integer;
    return true;
}

/* A whole number from 0 to most. */
static bool cursor_natural(struct cursor *cursor, uint64_t most, uint64_t *out)
{
    struct item item;
    const uint8_t *next;

    if (cursor->failed)
        return false;
    next = item_read(&item, cursor->at, cursor->end);
    if (next == NULL ||
        !(item.type == CURSOR_UINT || (item.type == CURSOR_INT && item.integer >= 0)) ||
        item.natural > most) {
        cursor->failed = true;
        return false;
    }
    cursor->at = next;
    *out = item.natural;
    return true;
}

bool cursor_uint(struct cursor *cursor, uint64_t *out)
{
    return cursor_natural(cursor, UINT64_MAX, out);
}

bool cursor_u32(struct cursor *cursor, uint32_t *out)
{
    uint64_t natural;

    if (!cursor_natural(cursor, UINT32_MAX, &natural))
        return false;
    *out = (uint32_t)natural;
    return true;
}

bool cursor_double(struct cursor *cursor, double *out)
{
    struct item item;
    const uint8_t *next;

    if (cursor->failed)
        return false;
    next = item_read(&item, cursor->at, cursor->end);
    if (next == NULL || item.type < CURSOR_INT || item.type > CURSOR_DOUBLE) {
        cursor->failed = true;
        return false;
    }
    cursor->at = next;
    *out = item.type == CURSOR_DOUBLE ? item.number
           : item.type == CURSOR_INT  ? (double)item.integer
                                      : (double)item.natural;
    return true;
}

bool cursor_text(struct cursor *cursor, struct span *out)
{
    struct item item;

    if (!cursor_take(cursor, CURSOR_TEXT, &item))
        return false;
    *out = span_of(item.data, item.count);
    return true;
}

bool cursor_bytes(struct cursor *cursor, struct span *out)
{
    struct item item;

    if (!cursor_take(cursor, CURSOR_BYTES, &item))
        return false;
    *out = span_of(item.data, item.count);
    return true;
}

bool cursor_list(struct cursor *cursor, uint32_t *count)
{
    struct item item;

    if (!cursor_take(cursor, CURSOR_LIST, &item))
        return false;
    *count = item.count;
    return true;
}

bool cursor_map(struct cursor *cursor, uint32_t *pairs)
{
    struct item item;

    if (!cursor_take(cursor, CURSOR_MAP, &item))
        return false;
    *pairs = item.count;
    return true;
}

bool cursor_skip(struct cursor *cursor, struct span *out)
{
    const uint8_t *at = cursor->at;
    uint64_t left = 1; /* items still to pass; each costs a byte at least, so this ends */
    struct item item;

    if (cursor->failed)
        return false;
    for (; left > 0; left--) {
        at = item_read(&item, at, cursor->end);
        if (at == NULL) {
            cursor->failed = true;
            return false;
        }
        if (item.type == CURSOR_LIST)
            left += item.count;
        else if (item.type == CURSOR_MAP)
            left += (uint64_t)item.count * 2;
    }
    if (out != NULL)
        *out = span_of(cursor->at, (size_t)(at - cursor->at));
    cursor->at = at;
    return true;
}

/* Bytes of the well-formed character at `at`, 0 where it is none: no overlong form, no surrogate,
 * nothing above U+10FFFF. */
static size_t utf8_length(const uint8_t *at, size_t left)
{
    uint8_t low = 0x80, high = 0xbf;
    size_t length;

    if (at[0] < 0x80)
        return 1;
    if (at[0] < 0xc2 || at[0] > 0xf4)
        return 0;
    length = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if (at[0] == 0xe0)
        low = 0xa0;
    else if (at[0] == 0xed)
        high = 0x9f;
    else if (at[0] == 0xf0)
        low = 0x90;
    else if (at[0] == 0xf4)
        high = 0x8f;
    if (left < length || at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    return length;
}

bool cursor_text_is_utf8(struct span text)
{
    const uint8_t *at = text.data;
    size_t left = text.size;
    uint64_t word;

    while (left > 0) {
        size_t length;

        if (left >= sizeof(word)) {
            memcpy(&word, at, sizeof(word));
            if ((word & 0x8080808080808080u) == 0) {
                at += sizeof(word);
                left -= sizeof(word);
                continue;
            }
        }
        length = utf8_length(at, left);
        if (length == 0)
            return false;
        at += length;
        left -= length;
    }
    return true;
}

/* A NUL would end the text early wherever it becomes a C string. */
static bool text_is_clean(struct span text)
{
    return cursor_text_is_utf8(text) &&
           (text.size == 0 || memchr(text.data, '\0', text.size) == NULL);
}

/* What one scan has open: at each level of nesting, items to come, and whether they are a map's
 * keys and values. */
struct scan {
    uint64_t left[SCAN_DEPTH + 1];
    bool map[SCAN_DEPTH + 1];
    uint32_t depth;
    uint32_t items;
};

/* Whether the item that was just counted off is a key: its value is still to come. */
static bool scan_at_key(const struct scan *scan)
{
    return scan->map[scan->depth] && scan->left[scan->depth] % 2 == 1;
}

static int scan_item(struct scan *scan, const struct item *item, const struct cursor_limits *limits)
{
    if (++scan->items > limits->items)
        return ERR_TOO_BIG;
    if (scan_at_key(scan) && item->type != CURSOR_TEXT)
        return ERR_MALFORMED;
    if (item->type == CURSOR_TEXT || item->type == CURSOR_BYTES) {
        if (item->count > limits->text_bytes)
            return ERR_TOO_BIG;
        if (item->type == CURSOR_TEXT && !text_is_clean(span_of(item->data, item->count)))
            return ERR_MALFORMED;
    } else if (item->type == CURSOR_LIST || item->type == CURSOR_MAP) {
        if (scan->depth == limits->depth)
            return ERR_TOO_BIG;
        scan->depth++;
        scan->map[scan->depth] = item->type == CURSOR_MAP;
        scan->left[scan->depth] = (uint64_t)item->count * (item->type == CURSOR_MAP ? 2 : 1);
    }
    return 0;
}

int cursor_scan(struct span bytes, const struct cursor_limits *limits)
{
    struct scan scan = {.left = {1}};
    struct cursor cursor;
    struct item item;
    int err;

    assert(limits->depth <= SCAN_DEPTH);
    cursor_init(&cursor, bytes);
    for (;;) {
        while (scan.depth > 0 && scan.left[scan.depth] == 0)
            scan.depth--;
        if (scan.left[scan.depth] == 0)
            break;
        scan.left[scan.depth]--;
        cursor.at = item_read(&item, cursor.at, cursor.end);
        if (cursor.at == NULL)
            return ERR_MALFORMED;
        err = scan_item(&scan, &item, limits);
        if (err < 0)
            return err;
    }
    return cursor.at == cursor.end ? 0 : ERR_MALFORMED;
}
