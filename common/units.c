#include "common/units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DURATION_MOST_MS (3650ull * 86400000ull)

static const struct {
    const char *name;
    uint64_t ms;
} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

#define UNITS (sizeof(units) / sizeof(units[0]))

bool number_read(const char *text, uint64_t most, uint64_t *out)
{
    unsigned long long number;
    char *end;

    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    number = strtoull(text, &end, 10);
    if (*end != '\0' || errno != 0 || number > most)
        return false;
    *out = number;
    return true;
}

/* The unit that a text begins with; the one that fits longest. */
static uint64_t unit_take(const char **text)
{
    size_t best = 0;
    uint64_t ms = 0;

    for (size_t i = 0; i < UNITS; i++) {
        size_t size = strlen(units[i].name);

        if (size > best && strncmp(*text, units[i].name, size) == 0) {
            best = size;
            ms = units[i].ms;
        }
    }
    *text += best;
    return ms;
}

bool duration_parse(const char *text, uint64_t *out_ms)
{
    uint64_t total = 0;
    uint64_t last = UINT64_MAX; /* units fall: "1h30m", not "30m1h" */

    if (number_read(text, DURATION_MOST_MS / 1000, &total)) {
        *out_ms = total * 1000;
        return true;
    }
    if (*text == '\0')
        return false;
    while (*text != '\0') {
        unsigned long long number;
        uint64_t unit;
        char *end;

        if (*text < '0' || *text > '9')
            return false;
        errno = 0;
        number = strtoull(text, &end, 10);
        text = end;
        unit = unit_take(&text);
        if (errno != 0 || unit == 0 || unit >= last || number > DURATION_MOST_MS / unit)
            return false;
        last = unit;
        total += number * unit;
        if (total > DURATION_MOST_MS)
            return false;
    }
    *out_ms = total;
    return true;
}

const char *duration_text(uint64_t ms, struct arena *arena)
{
    unsigned long long s = ms / 1000;

    if (s < 60)
        return arena_printf(arena, "%llus", s);
    if (s < 3600)
        return arena_printf(arena, "%llum%02llus", s / 60, s % 60);
    if (s < 86400)
        return arena_printf(arena, "%lluh%02llum", s / 3600, s % 3600 / 60);
    return arena_printf(arena, "%llud%02lluh", s / 86400, s % 86400 / 3600);
}

const char *size_text(uint64_t bytes, struct arena *arena)
{
    static const char *const names[] = {"KiB", "MiB", "GiB", "TiB"};
    double amount = (double)bytes;
    size_t i = 0;

    if (bytes < 1024)
        return arena_printf(arena, "%u B", (unsigned)bytes);
    for (amount /= 1024; amount >= 1024 && i < 3; i++)
        amount /= 1024;
    return arena_printf(arena, "%.1f %s", amount, names[i]);
}
