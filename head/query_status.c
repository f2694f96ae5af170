/* The status block's parts: which trials are shown is Tune's rule, the reference's 8.2. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "head/query.h"
#include "head/wire.h"

#define LABELS       5u  /* different words for states */
#define BUDGET_SHOWN 20u /* trials in a block that is not whole */

/* One word's trials: how many, and the numbers of those shown. */
struct label {
    const char *name;
    uint32_t count;
    uint32_t limit;
    uint32_t seen; /* while the shown ones are picked */
};

/* Words in the order of their first appearance, with their counts. */
static uint32_t labels_count(const struct view_experiment *experiment, struct label labels[LABELS])
{
    uint32_t used = 0;

    for (uint32_t i = 0; i < experiment->slot_count; i++) {
        const char *name;
        uint32_t at = 0;

        if (experiment->slots[i].state == TRIAL_NONE)
            continue;
        name = view_slot_label(&experiment->slots[i]);
        while (at < used && strcmp(labels[at].name, name) != 0)
            at++;
        if (at == used)
            labels[used++] = (struct label){.name = name};
        labels[at].count++;
    }
    return used;
}

/* Shares the budget round by round: each word that wants more gets one more a round. */
static void labels_share(struct label labels[LABELS], uint32_t used, uint32_t budget)
{
    while (budget > 0) {
        uint32_t before = budget;

        for (uint32_t i = 0; i < used; i++) {
            if (labels[i].limit < labels[i].count) {
                labels[i].limit++;
                budget = budget > 0 ? budget - 1 : 0;
            }
        }
        if (budget == before)
            break;
    }
}

static bool label_shows(struct label *label)
{
    uint32_t half = label->limit / 2;
    uint32_t place = label->seen++;

    return label->count <= label->limit || place < half || place >= label->count - half;
}

static void status_groups(const struct view *view, const struct view_experiment *experiment,
                          bool whole, struct arena *arena, struct record_list *out)
{
    struct label labels[LABELS];
    struct msg_status_group *groups;
    uint32_t used = labels_count(experiment, labels);
    size_t bytes = 0;

    labels_share(labels, used, whole ? LIMIT_ROWS_REPLY : BUDGET_SHOWN);
    groups = arena_zalloc(arena, used * sizeof(*groups));
    for (uint32_t i = 0; i < used; i++) {
        uint32_t room = labels[i].count < labels[i].limit ? labels[i].count : labels[i].limit;

        groups[i] = (struct msg_status_group){
            .state = span_text(labels[i].name),
            .count = labels[i].count,
            .shown_first = labels[i].count > labels[i].limit ? labels[i].limit / 2 : room,
            .rows = {.items = arena_alloc(arena, room * sizeof(struct msg_trial_row))},
        };
    }
    for (uint32_t n = 0; n < experiment->slot_count; n++) {
        const struct view_slot *slot = &experiment->slots[n];
        uint32_t at = 0;

        if (slot->state == TRIAL_NONE)
            continue;
        while (strcmp(labels[at].name, view_slot_label(slot)) != 0)
            at++;
        if (label_shows(&labels[at])) {
            const struct view_trial *trial = view_trial(experiment, n, arena);
            struct msg_trial_row *rows = groups[at].rows.items;
            struct msg_trial_row *row = &rows[groups[at].rows.count];

            if (bytes >= QUERY_ROWS_BYTES)
                break;
            if (trial == NULL)
                continue; /* its row is lost: said in the log */
            wire_trial_row(view, experiment, trial, false, arena, row);
            bytes += query_row_bytes(row);
            groups[at].rows.count++;
        }
    }
    for (uint32_t i = 0; i < used; i++)
        if (groups[i].shown_first > groups[i].rows.count)
            groups[i].shown_first = groups[i].rows.count;
    out->items = groups;
    out->count = used;
}

/* Trials that are not proposed yet are pending, too; they have no rows. */
static void status_add_unborn(const struct view_experiment *experiment, struct arena *arena,
                              struct record_list *groups)
{
    const struct effect_experiment *row = &experiment->row;
    struct msg_status_group *from = groups->items;
    struct msg_status_group *more;

    if (row->total == NUMBER_NONE || row->total <= row->created || row->state == EXPERIMENT_DONE)
        return;
    for (uint32_t i = 0; i < groups->count; i++) {
        if (!span_is(from[i].state, "PENDING"))
            continue;
        from[i].count += row->total - row->created;
        return;
    }
    more = arena_zalloc(arena, (groups->count + 1) * sizeof(*more));
    memcpy(more, from, groups->count * sizeof(*more));
    more[groups->count].state = span_text("PENDING");
    more[groups->count].count = row->total - row->created;
    groups->items = more;
    groups->count++;
}

static struct msg_usage *usage_named(struct record_list *list, uint32_t room, struct span name)
{
    struct msg_usage *items = list->items;

    for (uint32_t i = 0; i < list->count; i++)
        if (span_equal(items[i].name, name))
            return &items[i];
    if (list->count == room)
        return NULL;
    items[list->count] = (struct msg_usage){.name = name};
    return &items[list->count++];
}

static void status_usage(const struct view *view, struct arena *arena, uint32_t *up,
                         struct record_list *out)
{
    const uint32_t room = 2 + LIMIT_CUSTOM;
    struct msg_usage *items = arena_zalloc(arena, room * sizeof(*items));
    size_t count;
    struct view_node *const *nodes = view_nodes(view, &count);

    items[0].name = span_text("CPUs");
    items[1].name = span_text("GPUs");
    *out = (struct record_list){.items = items, .count = 2};
    *up = 0;
    for (size_t i = 0; i < count; i++) {
        const struct effect_node *node = &nodes[i]->row;
        const struct resource_custom *custom = node->capacity.custom.items;
        const struct resource_custom *used = node->used.custom.items;

        if (node->state == NODE_LOST)
            continue;
        *up += 1;
        items[0].total += (double)node->capacity.cpu / RESOURCE_ONE;
        items[0].used += (double)node->used.cpu / RESOURCE_ONE;
        items[1].total += (double)node->gpus;
        items[1].used += (double)node->used.gpu / RESOURCE_ONE;
        for (uint32_t k = 0; k < node->capacity.custom.count; k++) {
            struct msg_usage *usage = usage_named(out, room, custom[k].name);

            if (usage != NULL)
                usage->total += (double)custom[k].amount / RESOURCE_ONE;
        }
        for (uint32_t k = 0; k < node->used.custom.count; k++) {
            struct msg_usage *usage = usage_named(out, room, used[k].name);

            if (usage != NULL)
                usage->used += (double)used[k].amount / RESOURCE_ONE;
        }
    }
}

/* Of this machine, in bytes, as Tune counts: used is what is not available. */
static void status_memory(uint64_t *used, uint64_t *total)
{
    unsigned long long kib_total = 0;
    unsigned long long kib_available = 0;
    char line[128];
    FILE *file = fopen("/proc/meminfo", "re");

    if (file == NULL)
        return;
    while (fgets(line, sizeof(line), file) != NULL) {
        (void)sscanf(line, "MemTotal: %llu", &kib_total);
        (void)sscanf(line, "MemAvailable: %llu", &kib_available);
    }
    (void)fclose(file);
    *total = (uint64_t)kib_total * 1024;
    *used = (uint64_t)(kib_total - kib_available) * 1024;
}

int query_status(const struct view *view, const struct core *core, const struct msg_status *ask,
                 bool committing, struct arena *arena, struct msg_status_reply *out)
{
    const struct view_experiment *experiment = view_experiment(view, ask->experiment);
    char hostname[256] = "";
    struct buf text;

    if (experiment == NULL)
        return ERR_NOT_FOUND;
    *out = (struct msg_status_reply){.committing = committing};
    wire_experiment_row(view, experiment, &out->experiment);
    buf_init(&text);
    (void)core_status_text(core, ask->experiment, &text);
    if (text.size > LIMIT_TEXT_BYTES)
        text.size = LIMIT_TEXT_BYTES;
    out->scheduler = arena_copy(arena, buf_span(&text));
    buf_fini(&text);
    status_usage(view, arena, &out->nodes, &out->usage);
    status_memory(&out->memory_used, &out->memory_total);
    status_groups(view, experiment, ask->whole, arena, &out->groups);
    status_add_unborn(experiment, arena, &out->groups);
    (void)gethostname(hostname, sizeof(hostname) - 1);
    out->hostname = span_text(arena_strdup(arena, hostname));
    return 0;
}
