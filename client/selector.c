#include "client/selector.h"

#include <string.h>

#include "common/units.h"

#define RANGES_MOST 256u

bool selector_begins(struct span name, const char *text)
{
    size_t size = strlen(text);

    return size > 0 && size <= name.size && memcmp(name.data, text, size) == 0;
}

/* A number off the front of *text. */
static bool number_take(const char **text, uint32_t *out)
{
    uint64_t number = 0;
    const char *at = *text;

    for (; *at >= '0' && *at <= '9'; at++) {
        number = number * 10 + (uint64_t)(*at - '0');
        if (number >= UINT32_MAX)
            return false;
    }
    if (at == *text)
        return false;
    *text = at;
    *out = (uint32_t)number;
    return true;
}

/* "1,4-8"; false where it is none, which it may be without being wrong. */
static bool ranges_parse(const char *text, struct arena *arena, struct selector *out)
{
    struct selector_range *ranges = arena_alloc(arena, RANGES_MOST * sizeof(*ranges));
    uint32_t count = 0;

    for (;;) {
        struct selector_range *range = &ranges[count];

        if (count == RANGES_MOST || !number_take(&text, &range->first))
            return false;
        range->last = range->first;
        if (*text == '-') {
            text++;
            if (!number_take(&text, &range->last) || range->last < range->first)
                return false;
        }
        count++;
        if (*text == '\0')
            break;
        if (*text++ != ',')
            return false;
    }
    out->ranges = ranges;
    out->range_count = count;
    return true;
}

static bool is_path(const char *text)
{
    return text[0] == '/' || text[0] == '~' || strcmp(text, ".") == 0 || strcmp(text, "..") == 0 ||
           strncmp(text, "./", 2) == 0 || strncmp(text, "../", 3) == 0;
}

static void experiment_parse(const char *text, struct selector *out)
{
    uint64_t number;

    out->text = text;
    if (strcmp(text, "last") == 0) {
        out->kind = SELECT_LAST;
    } else if (strcmp(text, "all") == 0) {
        out->kind = SELECT_ALL;
    } else if (number_read(text, UINT32_MAX - 1, &number)) {
        out->kind = SELECT_NUMBER;
        out->number = (uint32_t)number;
    } else {
        out->kind = SELECT_TEXT;
    }
}

bool selector_parse(const char *text, struct arena *arena, struct selector *out, const char **why)
{
    struct selector selector = {0};
    const char *slash = strchr(text, '/');

    if (*text == '\0') {
        *why = "it is empty";
        return false;
    }
    if (is_path(text)) {
        selector.kind = SELECT_PATH;
        selector.text = arena_strdup(arena, text);
        *out = selector;
        return true;
    }
    if (slash == NULL) {
        experiment_parse(arena_strdup(arena, text), &selector);
        *out = selector;
        return true;
    }
    if (slash == text || slash[1] == '\0') {
        *why = "it has nothing on one side of its /";
        return false;
    }
    experiment_parse(arena_text(arena, span_of(text, (size_t)(slash - text))), &selector);
    if (selector.kind == SELECT_ALL) {
        *why = "all experiments have no trials in common";
        return false;
    }
    selector.has_trials = true;
    if (!ranges_parse(slash + 1, arena, &selector))
        selector.trial = arena_strdup(arena, slash + 1);
    *out = selector;
    return true;
}

bool selector_has(const struct selector *selector, uint32_t trial)
{
    for (uint32_t i = 0; i < selector->range_count; i++)
        if (trial >= selector->ranges[i].first && trial <= selector->ranges[i].last)
            return true;
    return false;
}

bool selector_single(const struct selector *selector, uint32_t *trial)
{
    if (selector->range_count != 1 || selector->ranges[0].first != selector->ranges[0].last)
        return false;
    *trial = selector->ranges[0].first;
    return true;
}
