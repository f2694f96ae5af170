#include "common/resource.h"

#include <assert.h>
#include <math.h>

#include "common/number.h"

/* Above any machine, and far from where sums of amounts could overflow. */
#define RESOURCE_UNITS_MOST 1e9

static const struct field resource_custom_fields[] = {
    FIELD(resource_custom, name, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(resource_custom, amount, FIELD_I64, 0),
};

const struct schema resource_custom_schema = SCHEMA(resource_custom, 0, resource_custom_fields);

static const struct field resources_fields[] = {
    FIELD(resources, cpu, FIELD_I64, 0),
    FIELD(resources, gpu, FIELD_I64, 0),
    FIELD(resources, memory_bytes, FIELD_I64, 0),
    FIELD_OF(resources, custom, FIELD_LIST, LIMIT_CUSTOM, resource_custom_schema),
};

const struct schema resources_schema = SCHEMA(resources, 0, resources_fields);

bool resource_amount(double units, int64_t *out)
{
    if (!(units >= 0) || units > RESOURCE_UNITS_MOST)
        return false;
    *out = (int64_t)floor(units * RESOURCE_ONE + 0.5);
    return true;
}

static int name_compare(struct span a, struct span b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size ? memcmp(a.data, b.data, size) : 0;

    if (order != 0)
        return order;
    return a.size < b.size ? -1 : a.size > b.size;
}

/* Nodes and trials have at most LIMIT_CUSTOM of them: a walk is enough. */
static struct resource_custom *custom_find(const struct resources *resources, struct span name)
{
    struct resource_custom *items = resources->custom.items;

    for (uint32_t i = 0; i < resources->custom.count; i++)
        if (span_equal(items[i].name, name))
            return &items[i];
    return NULL;
}

static int64_t custom_amount(const struct resources *resources, struct span name)
{
    const struct resource_custom *found = custom_find(resources, name);

    return found != NULL ? found->amount : 0;
}

/* The device with the most in use that still has room for a fraction. */
static bool gpu_fraction_find(const struct gpu_pool *pool, int64_t amount, uint32_t *out)
{
    int64_t best = -1;

    for (uint32_t i = 0; i < pool->count; i++) {
        if (pool->used[i] + amount > RESOURCE_ONE || pool->used[i] <= best)
            continue;
        best = pool->used[i];
        *out = i;
    }
    return best >= 0;
}

static uint32_t gpu_free_count(const struct gpu_pool *pool)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < pool->count; i++)
        count += pool->used[i] == 0;
    return count;
}

static bool gpu_fit(const struct gpu_pool *pool, int64_t amount)
{
    uint32_t device;

    if (amount < 0)
        return false;
    if (amount % RESOURCE_ONE == 0)
        return amount / RESOURCE_ONE <= gpu_free_count(pool);
    return amount < RESOURCE_ONE && gpu_fraction_find(pool, amount, &device);
}

bool resources_fit(const struct resources *capacity, const struct resources *used,
                   const struct gpu_pool *gpus, const struct resources *need)
{
    const struct resource_custom *items = need->custom.items;

    if (need->cpu > capacity->cpu - used->cpu)
        return false;
    if (need->memory_bytes > capacity->memory_bytes - used->memory_bytes)
        return false;
    if (!gpu_fit(gpus, need->gpu))
        return false;
    for (uint32_t i = 0; i < need->custom.count; i++)
        if (items[i].amount >
            custom_amount(capacity, items[i].name) - custom_amount(used, items[i].name))
            return false;
    return true;
}

/* A new list, because the old one has no room; the name is copied, as need may not live as long. */
static void custom_insert(struct resources *used, const struct resource_custom *add,
                          struct arena *arena)
{
    const struct resource_custom *old = used->custom.items;
    uint32_t count = used->custom.count;
    struct resource_custom *items = arena_alloc(arena, (count + 1) * sizeof(*items));
    uint32_t at = 0;

    while (at < count && name_compare(old[at].name, add->name) < 0) {
        items[at] = old[at];
        at++;
    }
    items[at].name = arena_copy(arena, add->name);
    items[at].amount = add->amount;
    for (uint32_t i = at; i < count; i++)
        items[i + 1] = old[i];
    used->custom.items = items;
    used->custom.count = count + 1;
}

struct resources resources_copy(const struct resources *from, struct arena *arena)
{
    const struct resource_custom *items = from->custom.items;
    struct resources copy = *from;
    struct resource_custom *to = arena_alloc(arena, from->custom.count * sizeof(*to));

    for (uint32_t i = 0; i < from->custom.count; i++) {
        to[i].name = arena_copy(arena, items[i].name);
        to[i].amount = items[i].amount;
    }
    copy.custom.items = to;
    return copy;
}

void resources_add(struct resources *used, const struct resources *need, struct arena *arena)
{
    const struct resource_custom *items = need->custom.items;

    used->cpu += need->cpu;
    used->gpu += need->gpu;
    used->memory_bytes += need->memory_bytes;
    for (uint32_t i = 0; i < need->custom.count; i++) {
        struct resource_custom *found = custom_find(used, items[i].name);

        if (found != NULL)
            found->amount += items[i].amount;
        else if (items[i].amount > 0)
            custom_insert(used, &items[i], arena);
    }
}

void resources_subtract(struct resources *used, const struct resources *need)
{
    const struct resource_custom *items = need->custom.items;

    assert(used->cpu >= need->cpu && used->gpu >= need->gpu);
    assert(used->memory_bytes >= need->memory_bytes);
    used->cpu -= need->cpu;
    used->gpu -= need->gpu;
    used->memory_bytes -= need->memory_bytes;
    for (uint32_t i = 0; i < need->custom.count; i++) {
        struct resource_custom *found = custom_find(used, items[i].name);

        if (items[i].amount == 0)
            continue; /* was never written down */
        assert(found != NULL && found->amount >= items[i].amount);
        found->amount -= items[i].amount;
    }
}

bool gpu_take(struct gpu_pool *pool, int64_t amount, struct gpu_share *out)
{
    struct gpu_share share = {0};

    assert(pool->count <= LIMIT_GPUS);
    if (!gpu_fit(pool, amount))
        return false;
    if (amount % RESOURCE_ONE == 0) {
        share.amount = RESOURCE_ONE;
        for (uint32_t i = 0; share.count < amount / RESOURCE_ONE; i++)
            if (pool->used[i] == 0)
                share.device[share.count++] = i;
    } else {
        bool found = gpu_fraction_find(pool, amount, &share.device[0]);

        assert(found);
        share.count = 1;
        share.amount = (int32_t)amount;
    }
    for (uint32_t i = 0; i < share.count; i++)
        pool->used[share.device[i]] += share.amount;
    *out = share;
    return true;
}

void gpu_give(struct gpu_pool *pool, const struct gpu_share *share)
{
    for (uint32_t i = 0; i < share->count; i++) {
        assert(share->device[i] < pool->count);
        assert(pool->used[share->device[i]] >= share->amount);
        pool->used[share->device[i]] -= share->amount;
    }
}

/* 1, or 0.5: as Python prints the number that was written. */
static void amount_write(int64_t amount, struct buf *out)
{
    char text[NUMBER_BYTES];
    size_t size = amount % RESOURCE_ONE == 0
                      ? number_int(amount / RESOURCE_ONE, text)
                      : number_repr((double)amount / (double)RESOURCE_ONE, text);

    buf_append(out, text, size);
}

void resources_summary(const struct resources *resources, struct buf *out)
{
    const struct resource_custom *items = resources->custom.items;

    amount_write(resources->cpu, out);
    buf_append_text(out, " CPUs, ");
    amount_write(resources->gpu, out);
    buf_append_text(out, " GPUs");
    for (uint32_t i = 0; i < resources->custom.count; i++) {
        buf_append_text(out, i == 0 ? " (" : ", ");
        amount_write(items[i].amount, out);
        buf_append_char(out, ' ');
        buf_append_span(out, items[i].name);
    }
    if (resources->custom.count > 0)
        buf_append_char(out, ')');
}
