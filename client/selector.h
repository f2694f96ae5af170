/* selector.h - how people name experiments and trials.
 *
 * EXPERIMENT[/TRIALS]: an experiment is its number, a prefix of its name, `last` or `all`; trials
 * are numbers (`17`, `1,4-8`) or a prefix of an id or name; a trial's id alone names it, too. What
 * contains a folder (`./x`, `/x`, `~/x`) is the path of an experiment's own folder. */
#ifndef CLIENT_SELECTOR_H
#define CLIENT_SELECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/span.h"

enum selector_kind {
    SELECT_NUMBER, /* number; and text, which may be the beginning of an id as well */
    SELECT_TEXT,   /* a prefix of a name or id */
    SELECT_LAST,
    SELECT_ALL,
    SELECT_PATH /* text: as it was written, without trials */
};

struct selector_range {
    uint32_t first;
    uint32_t last;
};

struct selector {
    enum selector_kind kind;
    uint32_t number;
    const char *text;
    bool has_trials;
    const char *trial; /* a prefix of a trial's id or name; NULL: ranges */
    struct selector_range *ranges;
    uint32_t range_count;
};

/* False with *why (constant text) for what cannot be one. Texts live in arena. */
bool selector_parse(const char *text, struct arena *arena, struct selector *out, const char **why);

/* Whether a trial's number is in the ranges. */
bool selector_has(const struct selector *selector, uint32_t trial);

/* The one number that the ranges hold; false where they hold more. */
bool selector_single(const struct selector *selector, uint32_t *trial);

/* Whether a name or id begins with a text. */
bool selector_begins(struct span name, const char *text);

#endif
