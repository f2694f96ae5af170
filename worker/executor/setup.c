#include "worker/executor/setup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/spec.h"
#include "common/sys/fs.h"
#include "common/xalloc.h"
#include "worker/executor/executor.h"
#include "worker/executor/zygote.h"

static void rules_copy(struct setup *setup, const struct msg_experiment *experiment)
{
    const struct stop_rule *rules = experiment->stop.items;
    struct stop_rule *copy =
        arena_zalloc(&setup->arena, (experiment->stop.count + 1) * sizeof(*copy));

    for (uint32_t i = 0; i < experiment->stop.count; i++) {
        copy[i] = rules[i];
        copy[i].metric = arena_copy(&setup->arena, rules[i].metric);
    }
    setup->experiment.stop = (struct record_list){copy, experiment->stop.count};
}

static bool same_rules(const struct record_list *one, const struct record_list *other)
{
    const struct stop_rule *a = one->items;
    const struct stop_rule *b = other->items;

    if (one->count != other->count)
        return false;
    for (uint32_t i = 0; i < one->count; i++)
        if (!span_equal(a[i].metric, b[i].metric) || a[i].side != b[i].side ||
            !(a[i].bound >= b[i].bound && a[i].bound <= b[i].bound))
            return false;
    return true;
}

void setup_renew(struct setup *setup, const struct msg_experiment *experiment)
{
    if (!same_rules(&setup->experiment.stop, &experiment->stop))
        rules_copy(setup, experiment);
}

/* Where trials work: the head's own folder of results, where this node shares it; else ours. */
static const char *root_of(struct executor *executor, struct setup *setup)
{
    if (executor->options->shares_results)
        return arena_text(&setup->arena, setup->experiment.folder);
    return arena_printf(&setup->arena, "%s/work", executor->options->dir);
}

static void copy_texts(struct setup *setup)
{
    struct msg_experiment *copy = &setup->experiment;

    copy->name = arena_copy(&setup->arena, copy->name);
    copy->run = arena_copy(&setup->arena, copy->run);
    copy->interpreter = arena_copy(&setup->arena, copy->interpreter);
    copy->run_name = arena_copy(&setup->arena, copy->run_name);
    copy->code = arena_copy(&setup->arena, copy->code);
    copy->folder = arena_copy(&setup->arena, copy->folder);
    copy->horizon_attribute = arena_copy(&setup->arena, copy->horizon_attribute);
    setup->name = arena_text(&setup->arena, copy->name);
    setup->run = arena_text(&setup->arena, copy->run);
}

int setup_new(struct executor *executor, const struct msg_experiment *experiment,
              struct setup **out)
{
    struct setup *setup;

    if (executor->options->shares_results &&
        (experiment->folder.size == 0 || *(const char *)experiment->folder.data != '/'))
        return ERR_MALFORMED;
    setup = xcalloc(1, sizeof(*setup));
    arena_init(&setup->arena);
    setup->experiment = *experiment;
    copy_texts(setup);
    rules_copy(setup, experiment);
    setup->environment = environment_new(experiment);
    setup->experiment.env = (struct record_list){0}; /* it is in the environment now */
    setup->code = arena_printf(&setup->arena, "%s/code", executor->options->dir);
    setup->workdir = workdir_new(root_of(executor, setup), setup->code);
    if (experiment->run_kind == RUN_NATIVE)
        setup->library = workdir_library(setup->workdir, setup->run, &setup->arena);
    if (experiment->run_kind == RUN_PYTHON)
        python_find(&setup->python, arena_text(&setup->arena, setup->experiment.interpreter),
                    environment_build(setup->environment, NULL, &setup->arena), &setup->arena);
    *out = setup;
    return 0;
}

void setup_free(struct setup *setup)
{
    if (setup == NULL)
        return;
    zygote_free(setup->zygote);
    environment_free(setup->environment);
    workdir_free(setup->workdir);
    arena_fini(&setup->arena);
    free(setup);
}
