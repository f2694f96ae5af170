#include "head/core/node.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "head/core/experiment.h"

struct node *node_new(uint32_t number, uint32_t index)
{
    struct node *node = xcalloc(1, sizeof(*node));

    node->number = number;
    node->index = index;
    node->name = xstrdup("");
    node->hostname = xstrdup("");
    node->node_ip = xstrdup("");
    arena_init(&node->arena);
    return node;
}

void node_free(struct node *node)
{
    if (node == NULL)
        return;
    free(node->name);
    free(node->hostname);
    free(node->node_ip);
    arena_fini(&node->arena);
    free(node);
}

static void text_replace(char **text, struct span with)
{
    free(*text);
    *text = xstrndup(with.size > 0 ? with.data : "", with.size);
}

static bool is_within(const struct node *node)
{
    const struct resources nothing = {0};
    const struct gpu_pool no_devices = {0};
    struct resources used = node->used;

    used.gpu = 0; /* the pool looks after devices */
    return resources_fit(&node->capacity, &nothing, &no_devices, &used);
}

void node_describe(struct node *node, const struct event_node_back *said)
{
    text_replace(&node->name, said->name);
    text_replace(&node->hostname, said->hostname);
    text_replace(&node->node_ip, said->node_ip);
    node->incarnation = said->incarnation;
    node->credit = said->credit;
    arena_reset(&node->arena);
    node->capacity = resources_copy(&said->capacity, &node->arena);
    node->gpus = (struct gpu_pool){.count = said->gpus};
    node_recount(node);
    node->over = !is_within(node);
}

static const struct resources *need_of(const struct trial *trial)
{
    return &trial->experiment->spec.resources;
}

static void count_in(struct node *node, const struct trial *trial)
{
    resources_add(&node->used, need_of(trial), &node->arena);
    for (uint32_t i = 0; i < trial->gpus.count; i++) {
        assert(trial->gpus.device[i] < node->gpus.count);
        node->gpus.used[trial->gpus.device[i]] += trial->gpus.amount;
    }
}

void node_recount(struct node *node)
{
    struct gpu_pool pool = {.count = node->gpus.count};

    node->used = (struct resources){0};
    node->gpus = pool;
    node->ahead = 0;
    node->leases = 0;
    node->waiting = NULL;
    for (struct trial *trial = node->first; trial != NULL; trial = trial->lease_next) {
        node->leases++;
        if (!trial->ahead)
            count_in(node, trial);
        else if (node->ahead++ == 0)
            node->waiting = trial;
    }
}

bool node_is_open(const struct node *node)
{
    return !node->lost && !node->draining && !node->full && node->leases < node->credit;
}

bool node_has_room(const struct node *node, const struct resources *need)
{
    return node_is_open(node) && node->ahead == 0 &&
           resources_fit(&node->capacity, &node->used, &node->gpus, need);
}

bool node_could_fit(const struct node *node, const struct resources *need)
{
    const struct resources nothing = {0};
    const struct gpu_pool free_pool = {.count = node->gpus.count};

    return resources_fit(&node->capacity, &nothing, &free_pool, need);
}

void node_attach(struct node *node, struct trial *trial)
{
    assert(trial->node == NULL);
    trial->node = node;
    trial->lease_next = NULL;
    trial->lease_previous = node->last;
    if (node->last != NULL)
        node->last->lease_next = trial;
    else
        node->first = trial;
    node->last = trial;
    node->leases++;
    trial->experiment->leases++;
}

void node_lease(struct node *node, struct trial *trial, bool ahead)
{
    node_attach(node, trial);
    trial->ahead = ahead;
    if (ahead) {
        trial->experiment->ahead++;
        if (node->ahead++ == 0)
            node->waiting = trial;
        return;
    }
    assert(node->ahead == 0);
    if (!gpu_take(&node->gpus, need_of(trial)->gpu, &trial->gpus))
        assert(!"a lease of devices that are not free");
    resources_add(&node->used, need_of(trial), &node->arena);
}

/* The first that waits, while it fits. Waiting leases need no gpu. */
static void advance(struct node *node)
{
    while (node->waiting != NULL &&
           resources_fit(&node->capacity, &node->used, &node->gpus, need_of(node->waiting))) {
        struct trial *trial = node->waiting;

        trial->ahead = false;
        trial->experiment->ahead--;
        node->ahead--;
        node->waiting = trial->lease_next;
        resources_add(&node->used, need_of(trial), &node->arena);
    }
}

void node_release(struct node *node, struct trial *trial)
{
    assert(trial->node == node);
    if (node->waiting == trial)
        node->waiting = trial->lease_next;
    if (trial->lease_previous != NULL)
        trial->lease_previous->lease_next = trial->lease_next;
    else
        node->first = trial->lease_next;
    if (trial->lease_next != NULL)
        trial->lease_next->lease_previous = trial->lease_previous;
    else
        node->last = trial->lease_previous;
    trial->lease_next = trial->lease_previous = NULL;
    trial->node = NULL;
    node->leases--;
    trial->experiment->leases--;
    if (trial->ahead) {
        trial->experiment->ahead--;
        node->ahead--;
    } else {
        resources_subtract(&node->used, need_of(trial));
        gpu_give(&node->gpus, &trial->gpus);
    }
    trial->ahead = false;
    trial->gpus = (struct gpu_share){0};
    node->over = node->over && !is_within(node);
    advance(node);
}

/* Without names of which nothing is used any more: whether one is left in the ledger depends on
 * whether it was summed up again since. */
static struct resources used_now(const struct node *node, struct arena *arena)
{
    struct resources used = resources_copy(&node->used, arena);
    struct resource_custom *items = used.custom.items;
    uint32_t count = 0;

    for (uint32_t i = 0; i < used.custom.count; i++)
        if (items[i].amount != 0)
            items[count++] = items[i];
    used.custom.count = count;
    return used;
}

void node_tell(const struct node *node, struct effects *effects)
{
    struct arena *arena = effects->arena;
    struct effect_node *row = &effects_add(effects, EFFECT_NODE)->node;

    row->node = node->number;
    row->name = arena_copy(arena, span_text(node->name));
    row->hostname = arena_copy(arena, span_text(node->hostname));
    row->node_ip = arena_copy(arena, span_text(node->node_ip));
    row->state = node->lost       ? NODE_LOST
                 : node->draining ? NODE_DRAINING
                 : node->full     ? NODE_FULL
                                  : NODE_UP;
    row->capacity = resources_copy(&node->capacity, arena);
    row->used = used_now(node, arena);
    row->gpus = node->gpus.count;
    row->running = node->leases - node->ahead;
    row->ahead = node->ahead;
    row->credit = node->credit;
}
