/* Checkpoints, by the checker's own account: what was brought, what is kept, what is gone on from.
 */
#include <string.h>

#include "common/xalloc.h"
#include "tests/sim/ledger.h"

/* Where a checkpoint is taken, by the results that stand before it. */
void saved_marked(struct check_attempt *attempt, const struct record_mark *mark, uint32_t results)
{
    attempt->marks = xrealloc(attempt->marks, attempt->mark_count + 1, sizeof(struct check_mark));
    attempt->marks[attempt->mark_count++] =
        (struct check_mark){.number = mark->number,
                            .rows = attempt->base + attempt->rows + results,
                            .iteration = mark->counters.training_iteration};
}

void saved_brought(struct check_trial *trial, const struct check_attempt *attempt,
                   const struct record_checkpoint *checkpoint)
{
    for (uint32_t i = 0; i < attempt->mark_count; i++) {
        const struct check_mark *mark = &attempt->marks[i];
        struct check_saved saved = {
            .attempt = trial->count, .rows = mark->rows, .iteration = mark->iteration};

        if (mark->number != checkpoint->number)
            continue;
        memcpy(saved.manifest, checkpoint->manifest.data, sizeof(saved.manifest));
        trial->saved = xrealloc(trial->saved, trial->saved_count + 1, sizeof(saved));
        trial->saved[trial->saved_count++] = saved;
    }
}

/* I14: an attempt goes on from the latest that is committed, and from nothing else. */
void saved_launched(struct checker *checker, const struct effect_launch *launch,
                    const struct check_trial *trial, struct check_attempt *attempt)
{
    const struct check_saved *latest =
        trial->saved_count > 0 ? &trial->saved[trial->saved_count - 1] : NULL;

    attempt->base = latest != NULL ? latest->rows : 0;
    if (launch->checkpoint.size != (latest != NULL ? LIMIT_HASH_BYTES : 0) ||
        (latest != NULL &&
         (memcmp(launch->checkpoint.data, latest->manifest, LIMIT_HASH_BYTES) != 0 ||
          launch->counters.training_iteration != latest->iteration)))
        world_fail(checker->world,
                   "I14: %u/%u attempt %u does not go on from its latest checkpoint",
                   launch->experiment, launch->trial, launch->attempt);
}

/* The same bytes, as a checkpoint that some trial of the experiment keeps. */
static const struct check_saved *kept_by_any(const struct check_experiment *experiment,
                                             struct span manifest)
{
    for (uint32_t i = 0; i < experiment->trial_count; i++) {
        const struct check_trial *trial = &experiment->trials[i];

        for (uint32_t k = 0; k < trial->saved_count; k++)
            if (memcmp(trial->saved[k].manifest, manifest.data, LIMIT_HASH_BYTES) == 0)
                return &trial->saved[k];
    }
    return NULL;
}

/* One of another trial is lent to this one, or not needed after all: whether it is that. */
static bool told_of_lent(struct checker *checker, const struct effect_checkpoint *effect,
                         struct check_trial *trial)
{
    const struct check_experiment *experiment = ledger_experiment(checker, effect->experiment);
    const struct spec *spec = &checker->world->plan.experiments[experiment->plan].spec;
    const struct check_saved *from = kept_by_any(experiment, effect->manifest);

    if (strcmp(spec->scheduler.type->name, "pbt") != 0 || trial->has_lent == effect->kept)
        return false;
    if (!effect->kept) {
        trial->has_lent = false;
        return memcmp(trial->lent.manifest, effect->manifest.data, LIMIT_HASH_BYTES) == 0;
    }
    if (from == NULL)
        return false;
    trial->lent = *from;
    trial->has_lent = true;
    return true;
}

void saved_adopted(struct check_trial *trial, uint64_t rows)
{
    trial->lent.rows = rows;
    trial->lent.attempt = trial->count;
    trial->lent.told = true;
    trial->saved = xrealloc(trial->saved, trial->saved_count + 1, sizeof(trial->lent));
    trial->saved[trial->saved_count++] = trial->lent;
    trial->has_lent = false;
    trial->exploits++;
}

/* What is kept is what was brought; what goes is not the latest, unless it is broken. */
void saved_told(struct checker *checker, const struct effect_checkpoint *effect)
{
    struct check_trial *trial = ledger_trial(checker, effect->experiment, effect->trial);
    const struct check_experiment *experiment = ledger_experiment(checker, effect->experiment);
    const struct spec *spec = &checker->world->plan.experiments[experiment->plan].spec;
    uint32_t at = trial->saved_count;
    uint32_t told = 0; /* so many are known to be kept: one event may bring several */

    while (told < trial->saved_count && trial->saved[told].told)
        told++;
    /* The same may be there twice, lent again: the latest is broken, the oldest is too much. */
    for (uint32_t i = 0; i < trial->saved_count; i++)
        if (memcmp(trial->saved[i].manifest, effect->manifest.data, LIMIT_HASH_BYTES) == 0 &&
            (at == trial->saved_count || effect->broken || effect->kept))
            at = i;
    /* What is lent may be what it went on from before. */
    if ((at == trial->saved_count || (effect->kept && trial->saved[at].told)) &&
        told_of_lent(checker, effect, trial))
        return;
    if (at == trial->saved_count || trial->saved[at].told == effect->kept) {
        world_fail(checker->world, "I14: %u/%u: a checkpoint is told of that is not there",
                   effect->experiment, effect->trial);
        return;
    }
    if (effect->kept) {
        trial->saved[at].told = true;
        return;
    }
    if (!experiment->removed && (at + 1 == told) != effect->broken)
        world_fail(checker->world, "I14: %u/%u: the wrong checkpoint goes", effect->experiment,
                   effect->trial);
    if (effect->broken && (!trial->broken || trial->saved[at].attempt == trial->count))
        world_fail(checker->world, "I14: %u/%u: a checkpoint goes that nobody called broken",
                   effect->experiment, effect->trial);
    if (!effect->broken && !experiment->removed && told != spec->keep_checkpoints + 2)
        world_fail(checker->world, "I14: %u/%u: a checkpoint goes, and %u may stay",
                   effect->experiment, effect->trial, spec->keep_checkpoints);
    trial->saved_count--;
    memmove(&trial->saved[at], &trial->saved[at + 1],
            (trial->saved_count - at) * sizeof(struct check_saved));
}
