#include "head/core/rungs.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "common/limits.h"
#include "common/number.h"
#include "common/pack.h"
#include "common/xalloc.h"
#include "head/core/quantile.h"

struct rung {
    struct quantile *values; /* owned */
    uint32_t nans;
};

struct rungs {
    const struct rungs_keys *keys; /* borrowed */
    uint32_t count;
    double milestones[LIMIT_RUNGS]; /* lowest first */
    double chances[LIMIT_BRACKETS]; /* of a trial to come into a bracket */
    struct rung *items;             /* owned; brackets times count */
};

void rungs_read_keys(const struct spec_scheduler *scheduler, struct rungs_keys *out)
{
    *out = (struct rungs_keys){
        .max_t = spec_scheduler_number(scheduler, "max_t"),
        .grace_period = spec_scheduler_number(scheduler, "grace_period"),
        .reduction_factor = spec_scheduler_number(scheduler, "reduction_factor"),
        .brackets = (uint32_t)spec_scheduler_number(scheduler, "brackets"),
        .semantics = scheduler->semantics,
    };
}

/* Tune's trunc(log(max_t / grace) / log(rf) + 1) misses a rung where max_t is an exact power and
 * the logs say 4.999...; multiplying shows whether one more fits, or one less. */
static uint32_t rungs_that_fit(const struct rungs_keys *keys)
{
    double logs = log(keys->max_t / keys->grace_period) / log(keys->reduction_factor) + 1;
    uint32_t count = logs < LIMIT_RUNGS ? (uint32_t)logs : LIMIT_RUNGS;

    while (count < LIMIT_RUNGS &&
           keys->grace_period * pow(keys->reduction_factor, count) <= keys->max_t)
        count++;
    while (count > 0 && keys->grace_period * pow(keys->reduction_factor, count - 1) > keys->max_t)
        count--;
    return count;
}

static uint32_t bracket_size(const struct rungs *rungs, uint32_t bracket)
{
    return rungs->count > bracket ? rungs->count - bracket : 0;
}

static void plan(struct rungs *rungs, struct tape *tape)
{
    const struct rungs_keys *keys = rungs->keys;
    double count = tape_double(tape, rungs_that_fit(keys));
    double sum = 0;

    /* A tape of another experiment may say anything: its reader finds out, we only stay whole. */
    rungs->count = count >= 0 && count <= LIMIT_RUNGS ? (uint32_t)count : 0;
    for (uint32_t i = 0; i < rungs->count; i++)
        rungs->milestones[i] =
            tape_double(tape, keys->grace_period * pow(keys->reduction_factor, i));

    for (uint32_t i = 0; i < keys->brackets; i++) {
        rungs->chances[i] = exp((double)bracket_size(rungs, i) - (double)rungs->count);
        sum += rungs->chances[i];
    }
    for (uint32_t i = 0; i < keys->brackets; i++)
        rungs->chances[i] = tape_double(tape, rungs->chances[i] / sum);
}

static uint32_t item_count(const struct rungs *rungs)
{
    return rungs->keys->brackets * rungs->count;
}

static void items_new(struct rungs *rungs)
{
    /* The way over percent and back is Tune's; it moves the last bit of some fractions. */
    double fraction = (1 - 1 / rungs->keys->reduction_factor) * 100 / 100;

    rungs->items = xcalloc((size_t)item_count(rungs) + 1, sizeof(*rungs->items));
    for (uint32_t i = 0; i < item_count(rungs); i++)
        rungs->items[i].values = quantile_new(fraction);
}

static void items_free(struct rungs *rungs)
{
    for (uint32_t i = 0; i < item_count(rungs); i++)
        quantile_free(rungs->items[i].values);
    free(rungs->items);
}

struct rungs *rungs_new(const struct rungs_keys *keys, struct tape *tape)
{
    struct rungs *rungs = xcalloc(1, sizeof(*rungs));

    assert(keys->grace_period > 0 && keys->max_t >= keys->grace_period);
    assert(keys->reduction_factor > 1);
    assert(keys->brackets > 0 && keys->brackets <= LIMIT_BRACKETS);
    rungs->keys = keys;
    plan(rungs, tape);
    items_new(rungs);
    return rungs;
}

void rungs_free(struct rungs *rungs)
{
    if (rungs == NULL)
        return;
    items_free(rungs);
    free(rungs);
}

uint32_t rungs_count(const struct rungs *rungs)
{
    return rungs->count;
}

double rungs_milestone(const struct rungs *rungs, uint32_t rung)
{
    assert(rung < rungs->count);
    return rungs->milestones[rung];
}

double rungs_chance(const struct rungs *rungs, uint32_t bracket)
{
    assert(bracket < rungs->keys->brackets);
    return rungs->chances[bracket];
}

uint32_t rungs_bracket(const struct rungs *rungs, double draw)
{
    uint32_t last = rungs->keys->brackets - 1;
    double sum = 0;

    for (uint32_t i = 0; i < last; i++) {
        sum += rungs->chances[i];
        if (draw < sum)
            return i;
    }
    return last;
}

static struct rung *rung_at(const struct rungs *rungs, uint32_t bracket, uint32_t rung)
{
    assert(bracket < rungs->keys->brackets && rung >= bracket && rung < rungs->count);
    return &rungs->items[bracket * rungs->count + rung];
}

bool rungs_cutoff(const struct rungs *rungs, uint32_t bracket, uint32_t rung, double *out)
{
    const struct rung *item = rung_at(rungs, bracket, rung);

    if (item->nans == 0)
        return quantile_get(item->values, out);
    *out = (double)NAN;
    return true;
}

void rungs_record(struct rungs *rungs, uint32_t bracket, uint32_t rung, double reward)
{
    struct rung *item = rung_at(rungs, bracket, rung);

    if (!isnan(reward))
        quantile_add(item->values, reward);
    else if (rungs->keys->semantics == SEMANTICS_TUNE_07)
        item->nans++;
}

static void print_cutoff(const struct rungs *rungs, uint32_t bracket, uint32_t rung,
                         struct buf *out)
{
    double cutoff;

    if (rungs_cutoff(rungs, bracket, rung, &cutoff))
        out->size += number_repr(cutoff, (char *)buf_reserve(out, NUMBER_BYTES));
    else
        buf_append_text(out, "None");
}

void rungs_print(const struct rungs *rungs, struct buf *out)
{
    for (uint32_t bracket = 0; bracket < rungs->keys->brackets; bracket++) {
        buf_append_text(out, "Bracket: ");
        for (uint32_t i = rungs->count; i-- > bracket;) {
            buf_printf(out, "Iter %.3f: ", rungs->milestones[i]);
            print_cutoff(rungs, bracket, i, out);
            buf_append_text(out, i > bracket ? " | " : "");
        }
        buf_append_char(out, '\n');
    }
}

double *rungs_cutoffs(const struct rungs *rungs, struct arena *arena, uint32_t *count)
{
    double *cutoffs =
        arena_alloc(arena, (size_t)rungs->keys->brackets * rungs->count * sizeof(*cutoffs));

    *count = 0;
    for (uint32_t bracket = 0; bracket < rungs->keys->brackets; bracket++) {
        for (uint32_t i = rungs->count; i-- > bracket;) {
            cutoffs[*count] = (double)NAN;
            (void)rungs_cutoff(rungs, bracket, i, &cutoffs[*count]);
            ++*count;
        }
    }
    return cutoffs;
}

void rungs_save(const struct rungs *rungs, struct buf *out)
{
    pack_list(out, rungs->count);
    for (uint32_t i = 0; i < rungs->count; i++)
        pack_double(out, rungs->milestones[i]);
    pack_list(out, rungs->keys->brackets);
    for (uint32_t i = 0; i < rungs->keys->brackets; i++)
        pack_double(out, rungs->chances[i]);
    pack_list(out, 2 * item_count(rungs));
    for (uint32_t i = 0; i < item_count(rungs); i++) {
        pack_uint(out, rungs->items[i].nans);
        quantile_save(rungs->items[i].values, out);
    }
}

static bool load_doubles(double *items, uint32_t count, struct cursor *in)
{
    for (uint32_t i = 0; i < count; i++)
        if (!cursor_double(in, &items[i]))
            return false;
    return true;
}

bool rungs_load(struct rungs *rungs, struct cursor *in)
{
    uint32_t brackets = rungs->keys->brackets;
    uint32_t count, chances, items;

    if (!cursor_list(in, &count) || count > LIMIT_RUNGS)
        return false;
    items_free(rungs);
    rungs->count = count;
    items_new(rungs);
    if (!load_doubles(rungs->milestones, count, in) || !cursor_list(in, &chances) ||
        chances != brackets || !load_doubles(rungs->chances, brackets, in) ||
        !cursor_list(in, &items) || items != 2 * item_count(rungs))
        return false;
    for (uint32_t i = 0; i < item_count(rungs); i++)
        if (!cursor_u32(in, &rungs->items[i].nans) || !quantile_load(rungs->items[i].values, in))
            return false;
    return true;
}
