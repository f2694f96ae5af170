#include "tests/sim/checker.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "tests/sim/ledger.h"

struct checker *checker_new(struct world *world)
{
    struct checker *checker = xcalloc(1, sizeof(*checker));

    checker->world = world;
    return checker;
}

static void attempt_fini(struct check_attempt *attempt)
{
    free(attempt->truth);
    free(attempt->formers);
    free(attempt->marks);
}

void checker_free(struct checker *checker)
{
    for (uint32_t i = 0; i < checker->experiment_count; i++) {
        struct check_experiment *experiment = &checker->experiments[i];

        for (uint32_t k = 0; k < experiment->trial_count; k++) {
            for (uint32_t a = 0; a < experiment->trials[k].count; a++)
                attempt_fini(&experiment->trials[k].attempts[a]);
            free(experiment->trials[k].attempts);
            free(experiment->trials[k].saved);
        }
        free(experiment->trials);
    }
    for (uint32_t i = 0; i < checker->node_count; i++)
        free(checker->nodes[i].leases);
    free(checker->experiments);
    free(checker->nodes);
    free(checker->processes);
    free(checker);
}

static void *grow(void *old, uint32_t *count, uint32_t wanted, size_t size)
{
    uint32_t before = *count;

    if (wanted <= before)
        return old;
    *count = wanted;
    old = xrealloc(old, wanted, size);
    memset((char *)old + before * size, 0, (wanted - before) * size);
    return old;
}

struct check_experiment *ledger_experiment(struct checker *checker, uint32_t number)
{
    checker->experiments = grow(checker->experiments, &checker->experiment_count, number + 1,
                                sizeof(*checker->experiments));
    return &checker->experiments[number];
}

struct check_trial *ledger_trial(struct checker *checker, uint32_t number, uint32_t trial)
{
    struct check_experiment *experiment = ledger_experiment(checker, number);

    experiment->trials =
        grow(experiment->trials, &experiment->trial_count, trial + 1, sizeof(*experiment->trials));
    return &experiment->trials[trial];
}

struct check_attempt *ledger_attempt(struct checker *checker, const struct whose *who)
{
    struct check_trial *trial;

    if (who->experiment >= checker->experiment_count ||
        who->trial >= checker->experiments[who->experiment].trial_count)
        return NULL;
    trial = &checker->experiments[who->experiment].trials[who->trial];
    return who->attempt - 1 < trial->count ? &trial->attempts[who->attempt - 1] : NULL;
}

struct check_node *ledger_node(struct checker *checker, uint32_t number)
{
    checker->nodes =
        grow(checker->nodes, &checker->node_count, number + 1, sizeof(*checker->nodes));
    return &checker->nodes[number];
}

/* ---- the truth ---- */

void checker_began(struct checker *checker, const struct whose *who)
{
    struct check_attempt *attempt = ledger_attempt(checker, who);

    if (attempt == NULL)
        world_fail(checker->world, "I3: %u/%u attempt %u begins, and was never launched",
                   who->experiment, who->trial, who->attempt);
    else if (attempt->begun)
        world_fail(checker->world, "I3: %u/%u attempt %u begins twice", who->experiment, who->trial,
                   who->attempt);
    else
        attempt->begun = true;
}

/* A daemon whose executor is gone does not know what that had sent. */
static void keep_formers(struct check_attempt *attempt, uint64_t from)
{
    for (uint64_t seq = from; seq <= attempt->count; seq++) {
        attempt->formers =
            xrealloc(attempt->formers, attempt->former_count + 1, sizeof(struct former));
        attempt->formers[attempt->former_count++] = (struct former){seq, attempt->truth[seq - 1]};
    }
}

void checker_wrote(struct checker *checker, const struct whose *who, uint64_t seq,
                   const struct record *record, struct span packed)
{
    struct check_attempt *attempt = ledger_attempt(checker, who);

    if (attempt == NULL || seq <= attempt->hw)
        return; /* of one that is fenced */
    if (seq > attempt->count + 1) {
        world_fail(checker->world, "the simulator writes a gap");
        return;
    }
    if (seq > attempt->capacity) {
        attempt->capacity = (uint32_t)seq * 2 + 8;
        attempt->truth = xrealloc(attempt->truth, attempt->capacity, sizeof(struct truth));
    }
    keep_formers(attempt, seq);
    attempt->count = (uint32_t)seq;
    attempt->truth[seq - 1] = (struct truth){
        .hash = hash_bytes(HASH_BEGIN, packed.data, packed.size),
        .kind = record->kind,
        .reason = record->kind == RECORD_END ? record->end.reason : 0,
    };
}

void checker_told(struct checker *checker, const struct whose *who, uint64_t seq)
{
    struct check_attempt *attempt = ledger_attempt(checker, who);

    if (seq == 0)
        return;
    if (attempt == NULL || seq > attempt->hw) {
        world_fail(checker->world, "I1: %u/%u attempt %u: %llu is acknowledged, %llu is in the log",
                   who->experiment, who->trial, who->attempt, (unsigned long long)seq,
                   attempt != NULL ? (unsigned long long)attempt->hw : 0ull);
        return;
    }
    if (seq > attempt->told)
        attempt->told = seq;
}

/* ---- processes ---- */

static void check_devices(struct checker *checker, const struct process *added)
{
    int64_t share = added->need.gpu < RESOURCE_ONE ? added->need.gpu : RESOURCE_ONE;

    for (uint32_t d = 0; d < added->device_count; d++) {
        int64_t used = share;

        for (uint32_t i = 0; i < checker->process_count; i++) {
            const struct process *other = &checker->processes[i];

            for (uint32_t k = 0; other->host == added->host && k < other->device_count; k++)
                if (other->devices[k] == added->devices[d])
                    used += other->need.gpu < RESOURCE_ONE ? other->need.gpu : RESOURCE_ONE;
        }
        if (used > RESOURCE_ONE)
            world_fail(checker->world, "I5: processes share device %u of host %u",
                       added->devices[d], added->host);
    }
}

static void check_overlap(struct checker *checker, const struct process *added)
{
    const struct resources *has = &checker->world->plan.hosts[added->host].capacity;
    int64_t cpu = added->need.cpu;
    int64_t memory = added->need.memory_bytes;

    for (uint32_t i = 0; i < checker->process_count; i++) {
        const struct process *other = &checker->processes[i];

        if (other->host == added->host) {
            cpu += other->need.cpu;
            memory += other->need.memory_bytes;
        }
        if (other->who.experiment == added->who.experiment &&
            other->who.trial == added->who.trial &&
            (other->host == added->host ||
             !ledger_trial(checker, added->who.experiment, added->who.trial)->cut))
            world_fail(checker->world, "I3: attempts %u and %u of %u/%u run at once",
                       other->who.attempt, added->who.attempt, added->who.experiment,
                       added->who.trial);
    }
    if ((added->need.cpu > 0 && cpu > has->cpu) ||
        (added->need.memory_bytes > 0 && memory > has->memory_bytes))
        world_fail(checker->world, "I5: processes on host %u use more than it has", added->host);
}

void checker_process(struct checker *checker, uint32_t host, const struct whose *who,
                     const struct resources *need, const uint32_t *devices, uint32_t device_count)
{
    struct process process = {.who = *who, .host = host, .need = *need};

    process.device_count = device_count <= 8 ? device_count : 8;
    memcpy(process.devices, devices, process.device_count * sizeof(*devices));
    check_devices(checker, &process);
    check_overlap(checker, &process);
    if (checker->process_count == checker->process_room) {
        checker->process_room = checker->process_room * 2 + 16;
        checker->processes =
            xrealloc(checker->processes, checker->process_room, sizeof(*checker->processes));
    }
    checker->processes[checker->process_count++] = process;
}

void checker_process_gone(struct checker *checker, uint32_t host, const struct whose *who)
{
    for (uint32_t i = 0; i < checker->process_count; i++) {
        struct process *process = &checker->processes[i];

        if (process->host != host || memcmp(&process->who, who, sizeof(*who)) != 0)
            continue;
        *process = checker->processes[--checker->process_count];
        return;
    }
}

/* ---- questions ---- */

uint32_t checker_plan_of(const struct checker *checker, uint32_t experiment)
{
    if (experiment >= checker->experiment_count || !checker->experiments[experiment].known)
        return UINT32_MAX;
    return checker->experiments[experiment].plan;
}

bool checker_is_done(const struct checker *checker, uint32_t experiment)
{
    return experiment < checker->experiment_count && checker->experiments[experiment].done;
}

bool checker_is_removed(const struct checker *checker, uint32_t experiment)
{
    return experiment < checker->experiment_count && checker->experiments[experiment].removed;
}

uint32_t checker_created(const struct checker *checker, uint32_t experiment)
{
    return experiment < checker->experiment_count ? checker->experiments[experiment].created : 0;
}

uint32_t checker_total(const struct checker *checker, uint32_t experiment)
{
    return experiment < checker->experiment_count ? checker->experiments[experiment].total : 0;
}

bool checker_row(struct checker *checker, uint32_t experiment, uint32_t trial,
                 struct event_recall *out)
{
    const struct check_trial *row = ledger_trial(checker, experiment, trial);

    if (!trial_is_final((enum trial_state)row->state))
        return false;
    *out = row->row;
    return true;
}

bool checker_node_lost(const struct checker *checker, uint32_t node)
{
    return node >= checker->node_count || !checker->nodes[node].known || checker->nodes[node].lost;
}

/* ---- the end ---- */

static void final_attempts(struct checker *checker, uint32_t number, uint32_t at,
                           const struct check_trial *trial)
{
    const struct check_attempt *last = trial->count > 0 ? &trial->attempts[trial->count - 1] : NULL;
    uint64_t results = 0;

    if (trial->count > 1 + trial->failures + trial->losses + trial->pauses + trial->recalls)
        world_fail(checker->world,
                   "I7: %u/%u had %u attempts for %u failures, %u losses, %u pauses and %u recalls",
                   number, at, trial->count, trial->failures, trial->losses, trial->pauses,
                   trial->recalls);
    if (trial->state != TRIAL_DONE)
        return;
    if (last != NULL && last->final)
        return; /* whatever comes behind it is not kept, and perhaps never came */
    if (last == NULL || !last->over) {
        world_fail(checker->world, "I1: %u/%u is done without its end", number, at);
        return;
    }
    for (uint64_t i = 0; i < last->hw; i++)
        results += last->truth[i].kind == RECORD_RESULT;
    if (results != last->rows)
        world_fail(checker->world, "I2: %u/%u reported %llu results, %llu are kept", number, at,
                   (unsigned long long)results, (unsigned long long)last->rows);
}

static void final_trial(struct checker *checker, uint32_t number, uint32_t at)
{
    const struct check_trial *trial = &checker->experiments[number].trials[at];
    int32_t most =
        checker->world->plan.experiments[checker->experiments[number].plan].spec.max_failures;
    bool failed =
        (most >= 0 && trial->failures > (uint32_t)most) || trial->losses_in_row > LIMIT_LOSSES;

    /* It was waiting for an attempt that it did not get. */
    if (checker->experiments[number].burnt && trial->failures > 0)
        failed = trial->state == TRIAL_FAILED;
    if (trial->live || !trial_is_final((enum trial_state)trial->state))
        world_fail(checker->world, "I7: %u/%u has not ended: %s", number, at,
                   trial_state_name((enum trial_state)trial->state));
    if (failed != (trial->state == TRIAL_FAILED))
        world_fail(checker->world, "I15: %u/%u is %s after %u failures of at most %d", number, at,
                   trial_state_name((enum trial_state)trial->state), trial->failures, most);
    if (trial->count > 0 && trial->attempts[trial->count - 1].opened && !trial->closed)
        world_fail(checker->world, "%u/%u: its files were never closed", number, at);
    final_attempts(checker, number, at, trial);
}

static void final_experiment(struct checker *checker, uint32_t number)
{
    const struct check_experiment *experiment = &checker->experiments[number];
    uint64_t rows = 0;

    if (!experiment->done && !experiment->removed) {
        world_fail(checker->world, "I7: experiment %u has not ended", number);
        return;
    }
    if (experiment->created != experiment->trial_count)
        world_fail(checker->world, "I7: experiment %u counts %u trials and had %u", number,
                   experiment->created, experiment->trial_count);
    for (uint32_t i = 0; i < experiment->trial_count; i++) {
        final_trial(checker, number, i);
        for (uint32_t a = 0; a < experiment->trials[i].count; a++)
            rows += experiment->trials[i].attempts[a].rows;
    }
    if (rows != experiment->results)
        world_fail(checker->world, "I7: experiment %u counts %llu results and had %llu", number,
                   (unsigned long long)experiment->results, (unsigned long long)rows);
}

void checker_final(struct checker *checker)
{
    for (uint32_t i = 1; i < checker->experiment_count; i++)
        if (checker->experiments[i].known)
            final_experiment(checker, i);
    for (uint32_t i = 0; i < checker->node_count; i++)
        if (checker->nodes[i].count > 0)
            world_fail(checker->world, "I5: node %u has leases when all is over", i);
    if (checker->process_count > 0)
        world_fail(checker->world, "I6: %u/%u still runs when all is over",
                   checker->processes[0].who.experiment, checker->processes[0].who.trial);
}
