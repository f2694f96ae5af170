#include "head/core/preview.h"

#include <math.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "head/core/experiment.h"

struct preview {
    struct experiment *experiment; /* owned; has no trials */
    struct tape tape;
};

struct preview *preview_new(struct span packed, uint64_t seed, struct spec_error *error)
{
    struct experiment *experiment = experiment_new(1, packed, error);
    struct preview *preview;

    if (experiment == NULL)
        return NULL;
    preview = xcalloc(1, sizeof(*preview));
    preview->experiment = experiment;
    experiment->seed = experiment->spec.search.has_seed ? experiment->spec.search.seed : seed;
    tape_init(&preview->tape);
    tape_record(&preview->tape);
    experiment_start(experiment, &preview->tape);
    return preview;
}

void preview_free(struct preview *preview)
{
    if (preview == NULL)
        return;
    experiment_free(preview->experiment);
    tape_fini(&preview->tape);
    free(preview);
}

const struct spec *preview_spec(const struct preview *preview)
{
    return &preview->experiment->spec;
}

uint64_t preview_seed(const struct preview *preview)
{
    return preview->experiment->seed;
}

const char *preview_folder(const struct preview *preview)
{
    return preview->experiment->folder;
}

uint32_t preview_total(const struct preview *preview)
{
    return experiment_total(preview->experiment);
}

uint32_t preview_known(const struct preview *preview)
{
    uint32_t total = preview_total(preview);

    if (preview->experiment->search->suggest != NULL)
        return preview_spec(preview)->first_trials;
    if (preview->experiment->search->ahead)
        return total < LIMIT_SAMPLES ? total : LIMIT_SAMPLES;
    return total > 0 ? 1 : 0;
}

bool preview_trial(struct preview *preview, uint32_t number, struct arena *arena,
                   struct previewed *out)
{
    struct experiment *experiment = preview->experiment;
    struct proposal proposal;

    if (experiment->search->propose(experiment->searcher, number, arena, &proposal) !=
        SEARCH_PROPOSED)
        return false;
    out->config = proposal.config;
    out->tag = experiment_trial_tag(span_text(proposal.tag), arena);
    out->name = experiment_trial_name(experiment, PREVIEW_ID, number, out->tag, arena);
    return true;
}

void preview_forecast(const struct preview *preview, struct arena *arena, struct forecast *out)
{
    uint32_t total = preview_total(preview);
    const struct forecast_ask ask = {
        .spec = preview_spec(preview),
        .trials = total != NUMBER_NONE ? total : (double)INFINITY,
        .ahead = preview->experiment->search->ahead,
    };

    forecast_make(preview->experiment->sched, &ask, arena, out);
}
