/* Leases, by the rule that head and workers share: in their order, and the first that waits starts
 * when it fits. */
#include <string.h>

#include "common/xalloc.h"
#include "tests/sim/ledger.h"

int64_t lease_custom(const struct resources *resources)
{
    const struct resource_custom *items = resources->custom.items;

    return resources->custom.count > 0 ? items[0].amount : 0;
}

/* What runs, in sum. */
struct load {
    int64_t cpu;
    int64_t memory;
    int64_t custom;
    int64_t devices[LIMIT_GPUS];
    uint32_t running;
    uint32_t waiting;
};

static void load_add(struct load *load, const struct check_lease *lease)
{
    int64_t share = lease->need.gpu < RESOURCE_ONE ? lease->need.gpu : RESOURCE_ONE;

    load->cpu += lease->need.cpu;
    load->memory += lease->need.memory_bytes;
    load->custom += lease_custom(&lease->need);
    for (uint32_t i = 0; i < lease->device_count; i++)
        load->devices[lease->devices[i]] += share;
}

static struct load load_of(const struct check_node *node)
{
    struct load load = {0};

    for (uint32_t i = 0; i < node->count; i++) {
        if (node->leases[i].runs) {
            load_add(&load, &node->leases[i]);
            load.running++;
        } else {
            load.waiting++;
        }
    }
    return load;
}

static bool load_fits(const struct check_node *node, const struct check_lease *lease)
{
    struct load load = load_of(node);

    load_add(&load, lease);
    for (uint32_t i = 0; i < LIMIT_GPUS; i++)
        if (load.devices[i] > (i < node->gpus ? RESOURCE_ONE : 0))
            return false;
    /* What is not asked for is not judged: a node may have come back smaller. */
    return (lease->need.cpu == 0 || load.cpu <= node->capacity.cpu) &&
           (lease->need.memory_bytes == 0 || load.memory <= node->capacity.memory_bytes) &&
           (lease_custom(&lease->need) == 0 || load.custom <= node->licences);
}

static void lease_fill(struct checker *checker, const struct effect_launch *launch,
                       struct check_lease *lease)
{
    const struct gpu_device *devices = launch->gpus.items;
    uint32_t plan = checker_plan_of(checker, launch->experiment);
    const struct resources *wanted = &checker->world->plan.experiments[plan].spec.resources;
    int64_t whole = wanted->gpu < RESOURCE_ONE ? wanted->gpu > 0 : wanted->gpu / RESOURCE_ONE;

    lease->who = (struct whose){launch->experiment, launch->trial, launch->attempt};
    lease->need = *wanted;
    if (launch->resources.cpu != wanted->cpu || launch->resources.gpu != wanted->gpu ||
        launch->resources.memory_bytes != wanted->memory_bytes ||
        lease_custom(&launch->resources) != lease_custom(wanted))
        world_fail(checker->world, "I5: %u/%u is launched with other resources than it asks for",
                   launch->experiment, launch->trial);
    if (launch->gpus.count != (uint32_t)whole || launch->gpus.count > 8) {
        world_fail(checker->world, "I5: %u/%u gets %u devices", launch->experiment, launch->trial,
                   launch->gpus.count);
        return;
    }
    lease->device_count = launch->gpus.count;
    for (uint32_t i = 0; i < launch->gpus.count; i++) {
        lease->devices[i] = devices[i].device;
        if (devices[i].device >= LIMIT_GPUS) {
            world_fail(checker->world, "I5: there is no device %u", devices[i].device);
            lease->device_count = 0;
        }
        for (uint32_t k = 0; k < i; k++)
            if (devices[k].device == devices[i].device)
                world_fail(checker->world, "I5: a device is given to %u/%u twice",
                           launch->experiment, launch->trial);
    }
}

void lease_launched(struct checker *checker, const struct effect_launch *launch, bool ahead)
{
    struct check_node *node = ledger_node(checker, launch->node);
    struct check_lease lease = {0};

    lease_fill(checker, launch, &lease);
    lease.runs = !ahead;
    if (node->lost || node->draining)
        world_fail(checker->world, "I5: %u/%u is launched on node %u, which takes nothing",
                   launch->experiment, launch->trial, launch->node);
    if (node->count >= node->credit)
        world_fail(checker->world, "I5: node %u gets more leases than its credit %u", launch->node,
                   node->credit);
    if (ahead && lease.need.gpu > 0)
        world_fail(checker->world, "I5: %u/%u waits ahead for a gpu", launch->experiment,
                   launch->trial);
    if (!ahead && (load_of(node).waiting > 0 || !load_fits(node, &lease)))
        world_fail(checker->world, "I5: %u/%u does not fit on node %u", launch->experiment,
                   launch->trial, launch->node);
    if (node->count == node->room) {
        node->room = node->room * 2 + 8;
        node->leases = xrealloc(node->leases, node->room, sizeof(*node->leases));
    }
    node->leases[node->count++] = lease;
}

void lease_left(struct checker *checker, uint32_t number, const struct whose *who)
{
    struct check_node *node = ledger_node(checker, number);
    uint32_t at = 0;

    while (at < node->count && memcmp(&node->leases[at].who, who, sizeof(*who)) != 0)
        at++;
    if (at == node->count) {
        world_fail(checker->world, "I5: %u/%u leaves node %u without a lease there",
                   who->experiment, who->trial, number);
        return;
    }
    node->count--;
    memmove(&node->leases[at], &node->leases[at + 1], (node->count - at) * sizeof(*node->leases));
    for (uint32_t i = 0; i < node->count; i++) {
        if (node->leases[i].runs)
            continue;
        if (!load_fits(node, &node->leases[i]))
            return;
        node->leases[i].runs = true;
    }
}

void lease_node_row(struct checker *checker, const struct effect_node *row)
{
    struct check_node *node = ledger_node(checker, row->node);
    struct load load = load_of(node);

    if (row->used.cpu != load.cpu || row->used.memory_bytes != load.memory ||
        lease_custom(&row->used) != load.custom || row->running != load.running ||
        row->ahead != load.waiting)
        world_fail(checker->world,
                   "I5: node %u says cpu %lld, %u running, %u ahead; its leases are cpu %lld, %u, "
                   "%u",
                   row->node, (long long)row->used.cpu, row->running, row->ahead,
                   (long long)load.cpu, load.running, load.waiting);
    if ((row->state == NODE_LOST) != node->lost)
        world_fail(checker->world, "node %u's row says the wrong state", row->node);
}
