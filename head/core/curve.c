#include "head/core/curve.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/pack.h"
#include "common/xalloc.h"

/* numpy/core/src/umath/loops_utils.h.src, pairwise_sum: its PW_BLOCKSIZE, and what it unrolls by.
 */
#define BLOCK 128u
#define LANES 8u

#define PACKED_DOUBLE 9u /* bytes */

struct curve_sum {
    double before;       /* of the blocks that are full */
    double block;        /* of the one that is being filled */
    double lanes[LANES]; /* of that, the rows of eight that are whole */
    double row[LANES];   /* and the one that is not */
    uint32_t count;      /* in the block */
};

void curve_fini(struct curve *curve)
{
    free(curve->items);
    free(curve->sum);
    *curve = (struct curve){0};
}

static double lanes_sum(const double *lane)
{
    return ((lane[0] + lane[1]) + (lane[2] + lane[3])) +
           ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

/* Add one; returns the sum of all. */
static double sum_add(struct curve_sum *sum, double reward)
{
    uint32_t lane = sum->count++ % LANES;

    sum->row[lane] = reward;
    if (lane < LANES - 1) {
        sum->block += reward;
        return sum->before + sum->block;
    }
    for (uint32_t i = 0; i < LANES; i++)
        sum->lanes[i] = sum->count == LANES ? sum->row[i] : sum->lanes[i] + sum->row[i];
    sum->block = lanes_sum(sum->lanes);
    if (sum->count == BLOCK)
        *sum = (struct curve_sum){.before = sum->before + sum->block};
    return sum->before + sum->block;
}

static struct curve_sum *sum_of(struct curve *curve)
{
    if (curve->sum == NULL) {
        curve->sum = xcalloc(1, sizeof(*curve->sum));
        if (curve->count > 0)
            curve->sum->before = curve->items[curve->count - 1].mean * curve->count;
    }
    return curve->sum;
}

static void reserve(struct curve *curve)
{
    if (curve->count < curve->capacity)
        return;
    assert(curve->capacity <= UINT32_MAX / 2);
    curve->capacity = curve->capacity > 0 ? 2 * curve->capacity : 8;
    curve->items = xrealloc(curve->items, curve->capacity, sizeof(*curve->items));
}

uint32_t curve_count_to(const struct curve *curve, double time)
{
    uint32_t low = 0;
    uint32_t high = curve->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (curve->items[middle].time <= time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Between others: the means behind it are other ones. */
static void insert(struct curve *curve, uint32_t place, double time, double reward)
{
    for (uint32_t i = curve->count; i > place; i--) {
        curve->items[i].time = curve->items[i - 1].time;
        curve->items[i].mean = (curve->items[i - 1].mean * i + reward) / (i + 1);
    }
    curve->items[place] = (struct curve_item){
        .time = time,
        .mean = place > 0 ? (curve->items[place - 1].mean * place + reward) / (place + 1) : reward,
    };
    curve->count++;
    free(curve->sum);
    curve->sum = NULL;
}

void curve_add(struct curve *curve, double time, double reward)
{
    uint32_t count = curve->count;

    assert(!isnan(time));
    reserve(curve);
    if (count > 0 && time < curve->items[count - 1].time) {
        insert(curve, curve_count_to(curve, time), time, reward);
        return;
    }
    curve->items[count].time = time;
    curve->items[count].mean = sum_add(sum_of(curve), reward) / (count + 1);
    curve->count++;
}

void curve_cut(struct curve *curve, double time)
{
    uint32_t count = curve->count;

    while (count > 0 && curve->items[count - 1].time >= time)
        count--;
    if (count == curve->count)
        return;
    curve->count = count;
    free(curve->sum);
    curve->sum = NULL;
}

void curve_trim(struct curve *curve)
{
    free(curve->sum);
    curve->sum = NULL;
    if (curve->capacity == curve->count)
        return;
    if (curve->count == 0) {
        curve_fini(curve);
        return;
    }
    curve->capacity = curve->count;
    curve->items = xrealloc(curve->items, curve->capacity, sizeof(*curve->items));
}

/* ---- images ---- */

static void save_doubles(const double *items, uint32_t count, struct buf *out)
{
    pack_list(out, count);
    for (uint32_t i = 0; i < count; i++)
        pack_double(out, items[i]);
}

/* Of as many as there may be; false where there are more. */
static bool load_doubles(double *items, uint32_t most, uint32_t *count, struct cursor *in)
{
    if (!cursor_list(in, count) || *count > most)
        return false;
    for (uint32_t i = 0; i < *count; i++)
        if (!cursor_double(in, &items[i]))
            return false;
    return true;
}

static void save_sum(const struct curve_sum *sum, struct buf *out)
{
    if (sum == NULL) {
        pack_nil(out);
        return;
    }
    pack_list(out, 5);
    pack_double(out, sum->before);
    pack_double(out, sum->block);
    pack_uint(out, sum->count);
    save_doubles(sum->lanes, sum->count >= LANES ? LANES : 0, out);
    save_doubles(sum->row, sum->count % LANES, out);
}

static bool load_sum(struct curve *curve, struct cursor *in)
{
    struct curve_sum *sum;
    uint32_t parts, lanes, row;

    if (cursor_peek(in) == CURSOR_NIL)
        return cursor_nil(in);
    sum = xcalloc(1, sizeof(*sum));
    curve->sum = sum;
    return cursor_list(in, &parts) && parts == 5 && cursor_double(in, &sum->before) &&
           cursor_double(in, &sum->block) && cursor_u32(in, &sum->count) && sum->count < BLOCK &&
           load_doubles(sum->lanes, LANES, &lanes, in) &&
           lanes == (sum->count >= LANES ? LANES : 0) && load_doubles(sum->row, LANES, &row, in) &&
           row == sum->count % LANES;
}

void curve_save(const struct curve *curve, struct buf *out)
{
    pack_list(out, 2);
    pack_list(out, 2 * curve->count);
    for (uint32_t i = 0; i < curve->count; i++) {
        pack_double(out, curve->items[i].time);
        pack_double(out, curve->items[i].mean);
    }
    save_sum(curve->sum, out);
}

static bool load_items(struct curve *curve, struct cursor *in)
{
    uint32_t count;

    /* As many as there are bytes for, at the most. */
    if (!cursor_list(in, &count) || count % 2 != 0 ||
        count > (size_t)(in->end - in->at) / PACKED_DOUBLE)
        return false;
    curve->capacity = count / 2;
    curve->items = count > 0 ? xcalloc(curve->capacity, sizeof(*curve->items)) : NULL;
    for (; curve->count < curve->capacity; curve->count++) {
        struct curve_item *item = &curve->items[curve->count];

        if (!cursor_double(in, &item->time) || !cursor_double(in, &item->mean) ||
            isnan(item->time) || (curve->count > 0 && item->time < item[-1].time))
            return false;
    }
    return true;
}

bool curve_load(struct curve *curve, struct cursor *in)
{
    uint32_t parts;

    assert(curve->capacity == 0);
    return cursor_list(in, &parts) && parts == 2 && load_items(curve, in) && load_sum(curve, in);
}
