#include "head/core/hyperband_sizes.h"

#include <assert.h>
#include <math.h>

#define BRACKETS_07 5u

/* In the order of schedulers.def. */
enum sizes { SIZES_TUNE, SIZES_PAPER, SIZES_HALVING };

/* Of whole numbers below 2^53, exact. */
static double power(double base, uint32_t exponent)
{
    double product = 1;

    while (exponent-- > 0)
        product *= base;
    return product;
}

static double smaller(double one, double other)
{
    return one < other ? one : other;
}

static uint32_t count_brackets(const struct spec_scheduler *scheduler,
                               const struct hyperband_keys *keys)
{
    double reached = 1; /* eta^whole, not above max_t */
    double half;
    uint32_t whole = 0;

    if (!keys->paper && scheduler->semantics == SEMANTICS_TUNE_07)
        return BRACKETS_07;
    while (reached * keys->eta <= keys->max_t) {
        reached *= keys->eta;
        whole++;
    }
    /* Nearer to the next one? Where it is as near to both, numpy rounds to the even one. */
    half = reached * reached * keys->eta;
    if (!keys->paper &&
        (keys->max_t * keys->max_t > half || (keys->max_t * keys->max_t == half && whole % 2 == 1)))
        whole++;
    return whole + 1;
}

void hyperband_read_keys(const struct spec_scheduler *scheduler, struct hyperband_keys *out)
{
    double sizes = spec_scheduler_number(scheduler, "sizes");

    out->max_t = spec_scheduler_number(scheduler, "max_t");
    out->eta = spec_scheduler_number(scheduler, "reduction_factor");
    out->paper = sizes != SIZES_TUNE;
    out->counts = count_brackets(scheduler, out);
    out->round = sizes == SIZES_HALVING ? 1 : out->counts;
}

/* Tune adds up the work without moving on: what is left to max_t is counted from the first
 * milestone. */
static double tune_work(const struct hyperband_keys *keys, struct hyperband_size size)
{
    double first = size.milestone;
    double work = size.n * size.step;

    for (; size.halvings > 0; size.halvings--) {
        size.n = ceil(size.n / keys->eta);
        size.step = trunc(smaller(size.step * keys->eta, keys->max_t - first));
        work += size.n * size.step;
    }
    return work;
}

static double paper_work(const struct hyperband_keys *keys, struct hyperband_size size)
{
    double work = size.n * size.step;

    while (size.halvings > 0) {
        hyperband_halve(keys, &size);
        work += size.n * size.step;
    }
    return work;
}

struct hyperband_size hyperband_bracket(const struct hyperband_keys *keys, uint32_t place)
{
    uint32_t s = keys->paper ? keys->counts - 1 - place : place;
    struct hyperband_size size = {.halvings = s};

    assert(place < keys->round);
    size.milestone = keys->max_t / power(keys->eta, s);
    if (!keys->paper)
        size.milestone = trunc(size.milestone);
    size.step = size.milestone;
    if (size.milestone > 0)
        size.n = ceil(keys->counts * power(keys->eta, s) / (s + 1));
    size.work = keys->paper ? paper_work(keys, size) : tune_work(keys, size);
    return size;
}

void hyperband_halve(const struct hyperband_keys *keys, struct hyperband_size *size)
{
    double before = size->milestone;

    assert(size->halvings > 0);
    size->halvings--;
    if (keys->paper) {
        size->n = floor(size->n / keys->eta);
        size->milestone = keys->max_t / power(keys->eta, size->halvings);
        size->step = size->milestone - before;
    } else {
        size->n = ceil(size->n / keys->eta);
        size->step = trunc(smaller(size->step * keys->eta, keys->max_t - before));
        size->milestone += size->step;
    }
}
