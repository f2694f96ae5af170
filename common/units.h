/* units.h - durations, sizes and numbers as people write and read them. */
#ifndef COMMON_UNITS_H
#define COMMON_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"

/* "90s", "10m", "1h30m", "2d", "250ms"; a bare number counts seconds. False where it is none, or
 * longer than 10 years. */
bool duration_parse(const char *text, uint64_t *out_ms);

/* "12s", "3m05s", "2h10m", "4d02h": two units at most. */
const char *duration_text(uint64_t ms, struct arena *arena);

/* "512 B", "1.5 GiB". */
const char *size_text(uint64_t bytes, struct arena *arena);

/* A whole number in decimal digits, at most `most`. */
bool number_read(const char *text, uint64_t most, uint64_t *out);

#endif
