/* keys.h - the names of everything that a cluster has in Redis, and ids of log entries.
 *
 * All keys of a cluster begin with `assay:{NAME}:`. The braces are really written: they make Redis
 * Cluster keep all of them on one node. */
#ifndef STORE_KEYS_H
#define STORE_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/span.h"

#define STORE_NAME_BYTES 64u
#define STORE_KEY_BYTES  128u
#define LOG_ID_BYTES     42u /* two numbers of 64 bits, a dash and the terminator */

/* 1 to 64 of A-Z a-z 0-9 . _ -: nothing that means something in a pattern. */
bool store_name_is_good(const char *name);

/* `assay:{NAME}:KIND` into out (STORE_KEY_BYTES), for kinds log and head; returns it as a span. */
struct span store_key(char *out, const char *name, const char *kind);

/* `assay:{NAME}:exp:7`, `:node:3`; and `assay:{NAME}:trial:7/12`. */
struct span store_key_number(char *out, const char *name, const char *kind, uint32_t number);
struct span store_key_trial(char *out, const char *name, uint32_t experiment, uint32_t trial);

/* An entry's place: which head incarnation wrote it, and its number there. They only rise. */
struct log_id {
    uint64_t epoch;
    uint64_t n;
};

/* Below zero, zero or above as a is before, at or behind b. */
int log_id_compare(struct log_id a, struct log_id b);

/* "7-12" into out (LOG_ID_BYTES); returns it as a span. */
struct span log_id_print(struct log_id id, char *out);

/* Reads "7-12"; false, *out untouched, for anything else. */
bool log_id_parse(struct span text, struct log_id *out);

#endif
