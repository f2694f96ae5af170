/* Somebody suggests a configuration to an experiment that waits for such. */
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "head/core/state.h"
#include "head/core/suggest.h"

/* What stands against it before the configuration is looked at. */
static enum core_answer check_experiment(struct step *step, const struct experiment *experiment)
{
    if (experiment->search->suggest == NULL)
        return step_refuse(step, REPLY_INVALID, "experiment",
                           "its searcher makes its trials itself",
                           "submit one with search: external");
    if (experiment->state != EXPERIMENT_RUNNING || experiment->search_done)
        return step_refuse(step, REPLY_CONFLICT, "experiment", "it has all its trials, or ended",
                           "give it more: assay extend -n");
    if (!suggest_may_come(experiment))
        return step_refuse(step, REPLY_BUSY, "experiment", "its points_to_evaluate come first",
                           "suggest it when it is wanted");
    if (experiment->pending.count >= LIMIT_SUGGESTIONS)
        return step_refuse(step, REPLY_BUSY, "experiment",
                           "as many trials as can be wait to be started already",
                           "suggest it when it is wanted");
    return CORE_ADMITTED;
}

/* Whether it fits the space, or makes it wider as it may. */
static int check_config(struct step *step, const struct spec *spec, const struct value *config,
                        struct space_error *error)
{
    struct value wider;
    int err;

    if (!spec->search.open)
        return space_check_given(&spec->config, config, "config", error);
    err = space_widen(&spec->config, config, "config", step->scratch, &wider, error);
    if (err < 0 || space_bytes_most(&wider) <= LIMIT_CONFIG_BYTES)
        return err;
    (void)snprintf(error->path, sizeof(error->path), "config");
    (void)snprintf(error->what, sizeof(error->what), "has more than %u bytes with this",
                   LIMIT_CONFIG_BYTES);
    return ERR_TOO_BIG;
}

/* A packed configuration that fits the space; else it was answered which key of it does not. */
static enum core_answer read_config(struct step *step, const struct experiment *experiment,
                                    struct span packed, struct value *out)
{
    struct space_error error = {0};
    struct spec_error tame = {0};
    struct cursor cursor;

    cursor_init(&cursor, packed);
    if (value_unpack(&cursor, step->scratch, out) < 0 || out->type != VALUE_MAP)
        return step_refuse(step, REPLY_INVALID, "config", "must be a map of configuration values",
                           "");
    if (check_config(step, &experiment->spec, out, &error) == 0)
        return CORE_ADMITTED;
    memcpy(tame.path, error.path, sizeof(tame.path));
    memcpy(tame.what, error.what, sizeof(tame.what));
    memcpy(tame.mend, error.mend, sizeof(tame.mend));
    spec_tame(&tame); /* what they quote is a client's */
    return step_refuse(step, REPLY_INVALID, tame.path, tame.what, tame.mend);
}

enum core_answer on_suggest(struct step *step, const struct event_suggest *suggest)
{
    struct experiment *experiment = own_experiment(step, suggest->experiment, suggest->principal);
    struct value config;

    if (experiment == NULL)
        return CORE_REFUSED;
    if (suggest->number != 0 && suggest->number == experiment->suggestion) {
        step_reply(step, REPLY_OK, experiment->suggested, ROLE_NONE); /* it was taken already */
        return CORE_REFUSED;
    }
    if (check_experiment(step, experiment) != CORE_ADMITTED ||
        read_config(step, experiment, suggest->config, &config) != CORE_ADMITTED)
        return CORE_REFUSED;
    suggest_forget(experiment);
    experiment->suggestion = suggest->number;
    experiment->suggested = experiment->created;
    step_reply(step, REPLY_OK, experiment->created, ROLE_NONE);
    (void)experiment_suggest(step, experiment, &config);
    return CORE_ADMITTED;
}
