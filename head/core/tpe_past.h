/* tpe_past.h - what came of the trials so far, and which of them are good.
 *
 * Ended trials are ordered: those that ran to their end by value; then those that were stopped
 * early, by how far they got, then by value; last those without a value, which are good for nothing
 * and never among the good ones. The best 25 are kept in that order; of a history of any length no
 * more of them are ever good.
 *
 * Of the rest all are kept up to TPE_REST, then every second, every fourth... by a draw of its own
 * for each number: the density of many is that of a part of them. So memory and the time that a
 * proposal takes do not grow with the history. */
#ifndef CORE_TPE_PAST_H
#define CORE_TPE_PAST_H

#include "common/buf.h"
#include "common/cursor.h"
#include "head/core/tpe_side.h"

#define TPE_BEST 25u
#define TPE_REST 256u

enum tpe_end {
    TPE_COMPLETE,
    TPE_EARLY,
    TPE_WORTHLESS, /* it failed, or its value is no number */
    TPE_LIVE       /* it has not ended */
};

struct tpe_trial {
    uint32_t number;
    enum tpe_end end;
    double value; /* higher is better */
    double time;
    struct tpe_row row;
};

struct tpe_list {
    struct tpe_trial **items; /* owned, as are the trials */
    uint32_t count;
    uint32_t capacity;
};

struct tpe_past {
    const struct tpe_space *space; /* borrowed */
    uint64_t seed;
    uint64_t ended;       /* how many have, those included that are not kept */
    uint32_t thinned;     /* of the rest, one of 2^thinned is kept */
    struct tpe_list live; /* proposed and not ended; by number */
    struct tpe_list best; /* best first, up to TPE_BEST */
    struct tpe_list rest; /* by number */
};

void tpe_past_init(struct tpe_past *past, const struct tpe_space *space, uint64_t seed);
void tpe_past_fini(struct tpe_past *past);

/* A trial with this row of numbers runs. */
void tpe_past_begin(struct tpe_past *past, uint32_t number, const double *numbers);

/* It ended. One that had ended before, and went on, ends anew; of one that is not kept there is
 * nothing to do. */
void tpe_past_end(struct tpe_past *past, uint32_t number, enum tpe_end end, double value,
                  double time);

/* It ended, and nothing is known of it. */
void tpe_past_forget(struct tpe_past *past, uint32_t number);

/* How many of so many are good: a tenth, at most 25 (Bergstra, Yamins, Cox: Making a science of
 * model search; ICML 2013, and Optuna's). */
uint32_t tpe_good_count(uint64_t ended);

/* The rows of those that are good, best first, and of all others that count, by number: into rows,
 * which has room for tpe_past_most of them. Returns how many. */
uint32_t tpe_past_good(const struct tpe_past *past, struct tpe_row **rows);
uint32_t tpe_past_others(const struct tpe_past *past, struct tpe_row **rows);
size_t tpe_past_most(const struct tpe_past *past);

/* Whether some trial that is kept has the same row. */
bool tpe_past_has(const struct tpe_past *past, const double *numbers);

void tpe_past_save(const struct tpe_past *past, struct buf *out);
bool tpe_past_load(struct tpe_past *past, struct cursor *in);

#endif
