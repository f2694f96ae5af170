/* resource.h - amounts of cpu, gpu, memory and named things, and who fits where.
 *
 * Amounts are whole numbers of 1/10000, so that adding and giving back leaves no dust behind;
 * memory is in bytes. A trial's gpu is either a whole number of devices or a fraction of one: a
 * fraction is never spread over two. */
#ifndef COMMON_RESOURCE_H
#define COMMON_RESOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/limits.h"
#include "common/schema.h"

#define RESOURCE_ONE 10000

struct resource_custom {
    struct span name;
    int64_t amount; /* 1/10000 */
};

struct resources {
    int64_t cpu;               /* 1/10000 */
    int64_t gpu;               /* 1/10000 of a device */
    int64_t memory_bytes;      /* 0: not asked for */
    struct record_list custom; /* struct resource_custom, sorted by name */
};

extern const struct schema resource_custom_schema;
extern const struct schema resources_schema;

/* 1/10000 from a number of units, rounded to nearest; false where it is negative, not finite or
 * above 1e9. */
bool resource_amount(double units, int64_t *out);

/* The devices of one node and what is taken of each. */
struct gpu_pool {
    uint32_t count;
    int32_t used[LIMIT_GPUS]; /* 1/10000 of each device */
};

/* The devices a lease holds. */
struct gpu_share {
    uint32_t count;
    uint32_t device[LIMIT_GPUS];
    int32_t amount; /* of each, 1/10000 */
};

/* Whether need fits into capacity less used. GPUs are judged by the pool alone. */
bool resources_fit(const struct resources *capacity, const struct resources *used,
                   const struct gpu_pool *gpus, const struct resources *need);

/* All of it in arena, names too. */
struct resources resources_copy(const struct resources *from, struct arena *arena);

/* used += need, and used -= need; custom amounts by name. used's list grows in arena. */
void resources_add(struct resources *used, const struct resources *need, struct arena *arena);
void resources_subtract(struct resources *used, const struct resources *need);

/* Take devices for an amount: whole devices with the lowest numbers that are free, or the fullest
 * device with room for a fraction (so that whole ones stay free), the lower number at a tie. False,
 * nothing taken, where it does not fit. */
bool gpu_take(struct gpu_pool *pool, int64_t amount, struct gpu_share *out);
void gpu_give(struct gpu_pool *pool, const struct gpu_share *share);

/* Tune's summary: "1 CPUs, 0 GPUs" and " (2 licence)" behind it. */
void resources_summary(const struct resources *resources, struct buf *out);

#endif
