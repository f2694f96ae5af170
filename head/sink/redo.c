#include "head/sink/redo.h"

#include <stdlib.h>

#include "common/xalloc.h"

#define BATCH_BYTES (1u << 20) /* copied */

/* One is gathered while the other is being written. */
struct batch {
    struct arena arena;
    struct effects effects;
    size_t bytes;
};

struct redo {
    struct sinks *sinks; /* borrowed */
    struct batch batches[2];
    unsigned gathering;
};

struct redo *redo_new(struct sinks *sinks)
{
    struct redo *redo = xcalloc(1, sizeof(*redo));

    redo->sinks = sinks;
    sinks_redo(sinks, true);
    for (unsigned i = 0; i < 2; i++) {
        arena_init(&redo->batches[i].arena);
        effects_init(&redo->batches[i].effects, &redo->batches[i].arena);
    }
    return redo;
}

static void hand_over(struct redo *redo)
{
    const struct batch *full = &redo->batches[redo->gathering];
    struct batch *next = &redo->batches[redo->gathering ^ 1];

    sinks_drain(redo->sinks); /* of what was handed over before: next is free then */
    sinks_put(redo->sinks, full->effects.items, full->effects.count, NULL, NULL);
    redo->gathering ^= 1;
    effects_reset(&next->effects);
    arena_reset(&next->arena);
    next->bytes = 0;
}

void redo_free(struct redo *redo)
{
    if (redo == NULL)
        return;
    hand_over(redo);
    sinks_redo(redo->sinks, false);
    for (unsigned i = 0; i < 2; i++) {
        effects_fini(&redo->batches[i].effects);
        arena_fini(&redo->batches[i].arena);
    }
    free(redo);
}

static struct span keep(struct batch *batch, struct span bytes)
{
    batch->bytes += bytes.size;
    return arena_copy(&batch->arena, bytes);
}

static void copy_experiment(struct batch *batch, const struct effect_experiment *from)
{
    struct effect_experiment *to;

    if (from->spec.size == 0)
        return; /* the sinks look at the first row alone */
    to = &effects_add(&batch->effects, EFFECT_EXPERIMENT)->experiment;
    *to = *from;
    to->name = keep(batch, from->name);
    to->folder = keep(batch, from->folder);
    to->spec = keep(batch, from->spec);
    to->code = keep(batch, from->code);
}

static void copy_attempt(struct batch *batch, const struct effect_attempt *from)
{
    struct effect_attempt *to = &effects_add(&batch->effects, EFFECT_ATTEMPT)->attempt;

    *to = *from;
    to->trial_folder = keep(batch, from->trial_folder);
    to->experiment_folder = keep(batch, from->experiment_folder);
    to->config = keep(batch, from->config);
    to->experiment_id = keep(batch, from->experiment_id);
    to->hostname = keep(batch, from->hostname);
    to->node_ip = keep(batch, from->node_ip);
}

static void copy_results(struct batch *batch, const struct effect_results *from)
{
    struct effect_results *to = &effects_add(&batch->effects, EFFECT_RESULTS)->results;

    *to = *from;
    to->records = keep(batch, from->records);
}

static void copy_exploit(struct batch *batch, const struct effect_exploit *from)
{
    struct effect_exploit *to = &effects_add(&batch->effects, EFFECT_EXPLOIT)->exploit;

    *to = *from;
    to->tag = keep(batch, from->tag);
    to->donor_tag = keep(batch, from->donor_tag);
    to->donor_config = keep(batch, from->donor_config);
    to->config = keep(batch, from->config);
}

void redo_put(struct redo *redo, const struct effects *effects)
{
    struct batch *batch = &redo->batches[redo->gathering];

    for (size_t i = 0; i < effects->count; i++) {
        const struct effect *effect = &effects->items[i];

        switch ((int)effect->type) {
        case EFFECT_EXPERIMENT:
            copy_experiment(batch, &effect->experiment);
            break;
        case EFFECT_ATTEMPT:
            copy_attempt(batch, &effect->attempt);
            break;
        case EFFECT_RESULTS:
            copy_results(batch, &effect->results);
            break;
        case EFFECT_EXPLOIT:
            copy_exploit(batch, &effect->exploit);
            break;
        case EFFECT_CLOSE:
            effects_add(&batch->effects, EFFECT_CLOSE)->close = effect->close;
            break;
        case EFFECT_RELEASE:
            effects_add(&batch->effects, EFFECT_RELEASE)->release = effect->release;
            break;
        default:
            break; /* none of their business */
        }
    }
    if (batch->bytes + batch->effects.count * sizeof(struct effect) >= BATCH_BYTES)
        hand_over(redo);
}
