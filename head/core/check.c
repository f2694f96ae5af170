/* Every invariant over the whole state, for tests, the simulator and what was read from an image.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "head/core/state.h"

static const char *broken(const struct core *core, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static const char *broken(const struct core *core, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(core->finding, CORE_FINDING_BYTES, format, args);
    va_end(args);
    return core->finding;
}

/* What the leases of a node come to. */
struct sums {
    int64_t cpu;
    int64_t gpu;
    int64_t memory_bytes;
    int32_t devices[LIMIT_GPUS];
    uint32_t leases;
    uint32_t ahead;
};

static const char *check_devices(const struct core *core, const struct trial *trial,
                                 struct sums *sums)
{
    int64_t need = trial->experiment->spec.resources.gpu;
    int64_t has = (int64_t)trial->gpus.count * trial->gpus.amount;

    if ((trial->ahead ? 0 : need) != has)
        return broken(core, "trial %u/%u holds other devices than it needs",
                      trial->experiment->number, trial->number);
    for (uint32_t i = 0; i < trial->gpus.count; i++) {
        if (trial->gpus.device[i] >= trial->node->gpus.count)
            return broken(core, "trial %u/%u holds a device that its node has not",
                          trial->experiment->number, trial->number);
        sums->devices[trial->gpus.device[i]] += trial->gpus.amount;
    }
    return NULL;
}

static const char *check_lease(const struct core *core, const struct node *node,
                               const struct trial *trial, struct sums *sums)
{
    const struct resources *need = &trial->experiment->spec.resources;

    if (trial->node != node || !trial_is_live(trial->state))
        return broken(core, "node %u lists trial %u/%u, which is not leased there", node->number,
                      trial->experiment->number, trial->number);
    if (!trial->ahead && sums->ahead > 0)
        return broken(core, "node %u: a lease that holds something stands behind one that waits",
                      node->number);
    if (trial->ahead && sums->ahead == 0 && node->waiting != trial)
        return broken(core, "node %u: another lease waits first", node->number);
    if (trial->ahead && need->gpu > 0)
        return broken(core, "node %u: a trial with gpu waits ahead", node->number);
    sums->leases++;
    sums->ahead += trial->ahead;
    if (!trial->ahead) {
        sums->cpu += need->cpu;
        sums->gpu += need->gpu;
        sums->memory_bytes += need->memory_bytes;
    }
    return check_devices(core, trial, sums);
}

static int64_t custom_leased(const struct node *node, struct span name)
{
    int64_t sum = 0;

    for (const struct trial *trial = node->first; trial != NULL; trial = trial->lease_next) {
        const struct record_list *list = &trial->experiment->spec.resources.custom;
        const struct resource_custom *items = list->items;

        for (uint32_t i = 0; i < list->count && !trial->ahead; i++)
            if (span_equal(items[i].name, name))
                sum += items[i].amount;
    }
    return sum;
}

static const char *check_custom(const struct core *core, const struct node *node)
{
    const struct resource_custom *used = node->used.custom.items;
    const struct resource_custom *has = node->capacity.custom.items;

    for (uint32_t i = 0; i < node->used.custom.count; i++) {
        int64_t capacity = 0;

        for (uint32_t k = 0; k < node->capacity.custom.count; k++)
            if (span_equal(used[i].name, has[k].name))
                capacity = has[k].amount;
        if (used[i].amount != custom_leased(node, used[i].name))
            return broken(core, "node %u: the ledger of %.*s is not the sum of its leases",
                          node->number, SPAN(used[i].name));
        if (used[i].amount > capacity && !node->over)
            return broken(core, "node %u: more %.*s leased than it has", node->number,
                          SPAN(used[i].name));
    }
    return NULL;
}

static const char *check_node(const struct core *core, const struct node *node)
{
    const char *finding = NULL;
    struct sums sums = {0};

    for (const struct trial *trial = node->first; trial != NULL && finding == NULL;
         trial = trial->lease_next)
        finding = check_lease(core, node, trial, &sums);
    if (finding != NULL)
        return finding;
    if (sums.leases != node->leases || sums.ahead != node->ahead ||
        (sums.ahead == 0) != (node->waiting == NULL))
        return broken(core, "node %u: its leases are counted wrong", node->number);
    if (node->lost && node->leases > 0)
        return broken(core, "node %u is lost and has leases", node->number);
    if (sums.cpu != node->used.cpu || sums.gpu != node->used.gpu ||
        sums.memory_bytes != node->used.memory_bytes)
        return broken(core, "node %u: the ledger is not the sum of its leases", node->number);
    if (!node->over &&
        (sums.cpu > node->capacity.cpu || sums.memory_bytes > node->capacity.memory_bytes))
        return broken(core, "node %u: more leased than it has", node->number);
    for (uint32_t i = 0; i < node->gpus.count; i++)
        if (sums.devices[i] != node->gpus.used[i] || sums.devices[i] > RESOURCE_ONE)
            return broken(core, "node %u: device %u is leased wrong", node->number, i);
    return check_custom(core, node);
}

static uint64_t rows_marked(const struct trial *trial)
{
    uint64_t rows = 0;

    for (uint32_t i = 0; i < CHECKPOINT_MARKS; i++)
        if (trial->marks[i] != NULL && trial->marks[i]->rows > rows)
            rows = trial->marks[i]->rows;
    return rows;
}

static const char *check_checkpoints(const struct core *core, const struct trial *trial)
{
    const struct checkpoints *list = &trial->checkpoints;
    uint64_t rows = 0;

    if (list->count > trial->experiment->spec.keep_checkpoints + 1)
        return broken(core, "trial %u/%u keeps more checkpoints than it may",
                      trial->experiment->number, trial->number);
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->items[i].rows < rows || list->items[i].attempt > trial->attempt)
            return broken(core, "trial %u/%u: its checkpoints are not in their order",
                          trial->experiment->number, trial->number);
        rows = list->items[i].rows;
    }
    if (rows > trial->rows || rows_marked(trial) > trial->rows)
        return broken(core, "trial %u/%u: a checkpoint holds more rows than it has",
                      trial->experiment->number, trial->number);
    return NULL;
}

/* Who waits for a checkpoint is in its donor's list, once. */
static uint32_t times_among_takers(const struct trial *trial)
{
    const struct trial *donor = experiment_trial(trial->experiment, trial->exploit->donor);
    uint32_t times = 0;

    for (const struct trial *taker = donor != NULL ? donor->takers : NULL; taker != NULL;
         taker = taker->exploit->next)
        times += taker == trial;
    return times;
}

static const char *check_exploit(const struct core *core, const struct trial *trial)
{
    const struct exploit *exploit = trial->exploit;
    uint32_t of = trial->experiment->number;

    if ((exploit != NULL) != ((trial->pause & PAUSE_BY_DONOR) != 0))
        return broken(core,
                      "trial %u/%u takes over from another, or not, against what it waits for", of,
                      trial->number);
    if (exploit == NULL)
        return NULL;
    if (times_among_takers(trial) != (exploit->state == EXPLOIT_WAITS))
        return broken(core, "trial %u/%u waits for trial %u, which does not know it", of,
                      trial->number, exploit->donor);
    if ((exploit->state == EXPLOIT_READY) != (exploit->from != NULL))
        return broken(core, "trial %u/%u has what it takes over, or not, against its word", of,
                      trial->number);
    if (trial->state == TRIAL_PAUSED && exploit->state != EXPLOIT_WAITS)
        return broken(core, "trial %u/%u has what it waited for, and waits", of, trial->number);
    return NULL;
}

static const char *check_trial(const struct core *core, const struct trial *trial)
{
    const char *finding = check_exploit(core, trial);
    uint32_t of = trial->experiment->number;

    if (finding != NULL)
        return finding;
    if (trial_is_final(trial->state))
        return broken(core, "trial %u/%u has ended and is still there", of, trial->number);
    if (trial_is_live(trial->state) != (trial->node != NULL))
        return broken(core, "trial %u/%u is %s and %s a lease", of, trial->number,
                      trial_state_name(trial->state), trial->node != NULL ? "has" : "has not");
    if (trial_is_live(trial->state) && trial->attempt == 0)
        return broken(core, "trial %u/%u is leased as no attempt", of, trial->number);
    if (trial->state == TRIAL_STARTING && trial->hw > 0)
        return broken(core, "trial %u/%u has reported and never started", of, trial->number);
    if (trial->started_ms > 0 && trial->rows - trial->base_rows > trial->hw)
        return broken(core, "trial %u/%u has more rows than records", of, trial->number);
    if ((trial->state == TRIAL_PAUSED) != (trial->pause != 0) && trial->state != TRIAL_PAUSING &&
        trial->state != TRIAL_STOPPING)
        return broken(core, "trial %u/%u is %s, and is to wait or not against that", of,
                      trial->number, trial_state_name(trial->state));
    if (trial->wake_ms > 0 && trial->state != TRIAL_PENDING)
        return broken(core, "trial %u/%u is %s and rests", of, trial->number,
                      trial_state_name(trial->state));
    if (trial->ahead && trial->node == NULL)
        return broken(core, "trial %u/%u waits ahead on no node", of, trial->number);
    if (trial->losses > LIMIT_LOSSES)
        return broken(core, "trial %u/%u was lost too often and is still there", of, trial->number);
    if (trial->held || trial->ending)
        return broken(core, "trial %u/%u was left in the middle of an event", of, trial->number);
    return check_checkpoints(core, trial);
}

static const char *check_trials(const struct core *core, const struct experiment *experiment)
{
    uint32_t counts[TRIAL_STATE_COUNT] = {0};
    uint32_t leases = 0;
    uint32_t unended = 0;
    uint32_t recalled = 0;
    uint32_t moving = 0;
    uint32_t ahead = 0;

    for (const struct trial *trial = experiment->first; trial != NULL; trial = trial->next) {
        const char *finding = check_trial(core, trial);

        if (finding != NULL)
            return finding;
        if (experiment_trial(experiment, trial->number) != trial)
            return broken(core, "experiment %u: trial %u is not where it should be",
                          experiment->number, trial->number);
        counts[trial->state]++;
        leases += trial->node != NULL;
        moving += trial_is_moving(trial);
        ahead += trial->ahead;
        unended++;
    }
    for (uint32_t i = 0; i < experiment->created; i++) {
        const struct trial_row *row = &experiment->rows[i];

        if (trial_row_live(row) != NULL)
            continue;
        counts[row->state]++;
        recalled += row->cause == CAUSE_RECALLED;
        if (row->cause == CAUSE_RECALLED && row->state != TRIAL_DONE)
            return broken(core, "trial %u/%u was not ended by a rule and is to go on",
                          experiment->number, i);
    }
    if (memcmp(counts, experiment->counts, sizeof(counts)) != 0 || counts[TRIAL_NONE] != 0)
        return broken(core, "experiment %u: its states are counted wrong", experiment->number);
    if (moving != experiment->moving || ahead != experiment->ahead)
        return broken(core, "experiment %u: those on their way, or ahead, are counted wrong",
                      experiment->number);
    if (leases != experiment->leases || unended != experiment->unended)
        return broken(core, "experiment %u: its leases are counted wrong", experiment->number);
    if (recalled != experiment->recalled)
        return broken(core, "experiment %u: those that are to go on are counted wrong",
                      experiment->number);
    return NULL;
}

/* Everything that is pending is in the queue or rests, once, and nothing else. The queue is as long
 * as there are pending ones, so it is enough that each entry is pending and that none comes twice.
 */
static const char *check_waiting(const struct core *core, const struct experiment *experiment,
                                 const struct queue *queue, bool rest)
{
    const uint32_t *items = queue_items(queue);

    for (uint32_t i = 0; i < queue->count; i++) {
        const struct trial *trial = experiment_trial(experiment, items[i]);

        if (trial == NULL || trial->state != TRIAL_PENDING || rest != (trial->wake_ms > 0))
            return broken(core, "experiment %u: trial %u waits and is not pending",
                          experiment->number, items[i]);
        for (uint32_t k = 0; k < i; k++)
            if (items[k] == items[i])
                return broken(core, "experiment %u: trial %u waits twice", experiment->number,
                              items[i]);
    }
    return NULL;
}

static const char *check_queue(const struct core *core, const struct experiment *experiment)
{
    const uint32_t *items = queue_items(&experiment->resting);
    uint64_t first = DEADLINE_NEVER;
    const char *finding;

    if (experiment->pending.count + experiment->resting.count != experiment->counts[TRIAL_PENDING])
        return broken(core, "experiment %u: its queue is not what is pending", experiment->number);
    finding = check_waiting(core, experiment, &experiment->pending, false);
    if (finding == NULL)
        finding = check_waiting(core, experiment, &experiment->resting, true);
    if (finding != NULL)
        return finding;
    for (uint32_t i = 0; i < experiment->resting.count; i++) {
        uint64_t wake_ms = experiment_trial(experiment, items[i])->wake_ms;

        first = wake_ms < first ? wake_ms : first;
    }
    if (first != experiment->wake_ms)
        return broken(core, "experiment %u: it wakes its trials at another time than they want",
                      experiment->number);
    return NULL;
}

/* It goes on only while nothing of its budget is spent. */
static const char *check_budget(const struct core *core, const struct experiment *experiment)
{
    const struct spec_budget *most = &experiment->spec.budget;
    const struct budget *budget = &experiment->budget;
    bool runs = experiment->state == EXPERIMENT_RUNNING;
    bool idle = experiment->state == EXPERIMENT_DONE || experiment->paused;

    if (budget->spent != BUDGET_NONE && (runs || experiment->why.size == 0))
        return broken(core, "experiment %u: its budget is spent, and it goes on, or says nothing",
                      experiment->number);
    if (most->trials > 0 && experiment->created > most->trials)
        return broken(core, "experiment %u has more trials than its budget", experiment->number);
    if (most->max_failed > 0 && runs && experiment->counts[TRIAL_FAILED] >= most->max_failed)
        return broken(core, "experiment %u goes on, and too many of its trials failed",
                      experiment->number);
    if (most->no_improvement > 0 && runs && budget->stale >= most->no_improvement)
        return broken(core, "experiment %u goes on, and gets no better", experiment->number);
    if (most->time_ms > 0 && experiment->state != EXPERIMENT_STOPPING &&
        idle != (budget->idle_from_ms > 0))
        return broken(core, "experiment %u: its time passes, or not, against what it does",
                      experiment->number);
    return core->spent ? broken(core, "a budget was spent and nothing ended") : NULL;
}

static const char *check_experiment(const struct core *core, const struct experiment *experiment)
{
    uint32_t most = experiment->spec.max_concurrent;
    const char *finding = check_trials(core, experiment);

    if (finding == NULL)
        finding = check_queue(core, experiment);
    if (finding == NULL)
        finding = check_budget(core, experiment);
    if (finding != NULL)
        return finding;
    if (experiment->fill_ms > 0 && (experiment->fills || experiment->search->suggest == NULL))
        return broken(core, "experiment %u waits for what nobody suggests", experiment->number);
    if (most > 0 && experiment->leases > most)
        return broken(core, "experiment %u: more than max_concurrent run", experiment->number);
    if ((experiment->state == EXPERIMENT_DONE) !=
        (experiment->unended == 0 && experiment->recalled == 0 && experiment->search_done))
        return broken(core, "experiment %u is done, or not, against its trials",
                      experiment->number);
    if ((experiment->state == EXPERIMENT_DONE) != (experiment->ended_ms > 0))
        return broken(core, "experiment %u: the time of its end is wrong", experiment->number);
    return NULL;
}

const char *core_check(const struct core *core)
{
    const char *finding = NULL;
    uint32_t running = 0;

    for (uint32_t i = 0; i < core->node_count && finding == NULL; i++)
        finding = check_node(core, core->nodes[i]);
    for (uint32_t i = 0; i < core->experiment_count && finding == NULL; i++) {
        finding = check_experiment(core, core->experiments[i]);
        running += core->experiments[i]->state != EXPERIMENT_DONE;
    }
    if (finding == NULL && running != core->running_count)
        finding = broken(core, "running experiments are counted wrong");
    if (finding == NULL && running > LIMIT_EXPERIMENTS)
        finding = broken(core, "more experiments run than can");
    return finding;
}
