#include "head/core/core.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "head/core/rest.h"
#include "head/core/state.h"
#include "head/core/suggest.h"

struct core *core_new(void)
{
    struct core *core = xcalloc(1, sizeof(*core));

    core->by_number = table_new();
    core->by_submission = table_new();
    core->by_node = table_new();
    registry_init(&core->registry);
    arena_init(&core->scratch);
    core->finding = xcalloc(1, CORE_FINDING_BYTES);
    return core;
}

void core_free(struct core *core)
{
    if (core == NULL)
        return;
    for (uint32_t i = 0; i < core->experiment_count; i++)
        experiment_free(core->experiments[i]);
    for (uint32_t i = 0; i < core->node_count; i++)
        node_free(core->nodes[i]);
    free(core->experiments);
    free(core->running);
    free(core->nodes);
    free(core->fresh);
    free(core->changed);
    table_free(core->by_number);
    table_free(core->by_submission);
    table_free(core->by_node);
    registry_fini(&core->registry);
    arena_fini(&core->scratch);
    free(core->finding);
    free(core);
}

struct experiment *core_experiment(const struct core *core, uint32_t number)
{
    return table_get_u64(core->by_number, number);
}

struct node *core_node(const struct core *core, uint32_t number)
{
    return table_get_u64(core->by_node, number);
}

static void list_append(struct experiment ***list, uint32_t *count, uint32_t *capacity,
                        struct experiment *experiment)
{
    if (*count == *capacity) {
        *capacity = *capacity * 2 + 16;
        *list = xrealloc(*list, *capacity, sizeof(struct experiment *));
    }
    (*list)[(*count)++] = experiment;
}

static void list_remove(struct experiment **list, uint32_t *count,
                        const struct experiment *experiment)
{
    uint32_t at = 0;

    while (at < *count && list[at] != experiment)
        at++;
    assert(at < *count);
    (*count)--;
    memmove(&list[at], &list[at + 1], (*count - at) * sizeof(struct experiment *));
}

void core_keep_experiment(struct core *core, struct experiment *experiment)
{
    list_append(&core->experiments, &core->experiment_count, &core->experiment_capacity,
                experiment);
    if (experiment->state != EXPERIMENT_DONE)
        list_append(&core->running, &core->running_count, &core->running_capacity, experiment);
    (void)table_put_u64(core->by_number, experiment->number, experiment);
    (void)table_put(core->by_submission, span_of(experiment->submission, SUBMISSION_BYTES),
                    experiment);
}

void core_retire_experiment(struct core *core, struct experiment *experiment)
{
    list_remove(core->running, &core->running_count, experiment);
}

/* In the order of their numbers, in which they are read from an image, too. */
void core_revive_experiment(struct core *core, struct experiment *experiment)
{
    uint32_t at;

    list_append(&core->running, &core->running_count, &core->running_capacity, experiment);
    for (at = core->running_count - 1; at > 0 && core->running[at - 1]->number > experiment->number;
         at--)
        core->running[at] = core->running[at - 1];
    core->running[at] = experiment;
}

void core_drop_experiment(struct core *core, struct experiment *experiment)
{
    assert(experiment->state == EXPERIMENT_DONE);
    list_remove(core->experiments, &core->experiment_count, experiment);
    (void)table_remove_u64(core->by_number, experiment->number);
    (void)table_remove(core->by_submission, span_of(experiment->submission, SUBMISSION_BYTES));
    experiment_free(experiment);
}

/* The lists of fresh and changed nodes have room for all nodes from the beginning. */
struct node *core_add_node(struct core *core, uint32_t number)
{
    struct node *node = node_new(number, core->node_count);

    if (core->node_count == core->node_capacity) {
        core->node_capacity = core->node_capacity * 2 + 16;
        core->nodes = xrealloc(core->nodes, core->node_capacity, sizeof(struct node *));
        core->fresh = xrealloc(core->fresh, core->node_capacity, sizeof(struct node *));
        core->changed = xrealloc(core->changed, core->node_capacity, sizeof(struct node *));
    }
    core->nodes[core->node_count++] = node;
    (void)table_put_u64(core->by_node, number, node);
    return node;
}

void core_node_fresh(struct core *core, struct node *node)
{
    core->wants_place = true;
    if (!node->fresh)
        core->fresh[core->fresh_count++] = node;
    node->fresh = true;
}

void core_node_changed(struct core *core, struct node *node)
{
    if (!node->changed)
        core->changed[core->changed_count++] = node;
    node->changed = true;
}

void step_reply(struct step *step, enum reply_code code, uint32_t number, enum role role)
{
    struct effect_reply *reply = &effects_add(step->effects, EFFECT_REPLY)->reply;

    reply->origin = step->origin;
    reply->code = code;
    reply->experiment = number;
    reply->role = role;
}

enum core_answer step_refuse(struct step *step, enum reply_code code, const char *what,
                             const char *why, const char *mend)
{
    struct effect_reply *reply = &effects_add(step->effects, EFFECT_REPLY)->reply;

    reply->origin = step->origin;
    reply->code = code;
    reply->what = arena_copy(step->effects->arena, span_text(what));
    reply->why = arena_copy(step->effects->arena, span_text(why));
    reply->mend = arena_copy(step->effects->arena, span_text(mend));
    return CORE_REFUSED;
}

/* Time has passed: those that rested long enough may go on, who waited long enough for a suggestion
 * goes on without, and an experiment's time may be over. */
static enum core_answer on_tick(struct step *step)
{
    struct core *core = step->core;
    bool any = false;

    for (uint32_t i = 0; i < core->running_count; i++)
        any |= rest_wake(step, core->running[i]) | suggest_wake(step, core->running[i]);
    for (uint32_t i = 0; i < core->running_count; i++)
        any |= budget_tick(step, core->running[i]);
    return any ? CORE_ADMITTED : CORE_REFUSED;
}

static enum core_answer judge(struct step *step, const struct event *event)
{
    switch (event->type) {
    case EVENT_SUBMIT:
        return on_submit(step, &event->submit);
    case EVENT_STOP:
        return on_stop(step, &event->stop);
    case EVENT_REMOVE:
        return on_remove(step, &event->remove);
    case EVENT_NODE_BACK:
        return on_node_back(step, &event->node_back);
    case EVENT_NODE_LOST:
        return on_node_lost(step, &event->node_lost);
    case EVENT_DRAIN:
        return on_drain(step, &event->drain);
    case EVENT_REPORT:
        return on_report(step, &event->report);
    case EVENT_PRINCIPAL_ADD:
        return on_principal_add(step, &event->principal_add);
    case EVENT_TOKEN_CREATE:
        return on_token_create(step, &event->token_create);
    case EVENT_TOKEN_REVOKE:
        return on_token_revoke(step, &event->token_revoke);
    case EVENT_JOIN:
        return on_join(step, &event->join);
    case EVENT_NODE_DISK:
        return on_node_disk(step, &event->node_disk);
    case EVENT_PAUSE:
        return on_pause(step, &event->pause);
    case EVENT_RESUME:
        return on_resume(step, &event->pause);
    case EVENT_EXTEND:
        return on_extend(step, &event->extend);
    case EVENT_SUGGEST:
        return on_suggest(step, &event->suggest);
    case EVENT_RECALL:
        return on_recall(step, &event->recall);
    case EVENT_TICK:
        return on_tick(step);
    }
    assert(!"an event of no known type");
    return CORE_REFUSED;
}

enum core_answer core_step(struct core *core, const struct event *event, struct tape *tape,
                           struct effects *effects)
{
    struct step step = {
        .core = core,
        .now_ms = event->now_ms,
        .origin = event->origin,
        .scratch = &core->scratch,
        .tape = tape,
        .effects = effects,
    };
    enum core_answer answer;

    arena_reset(&core->scratch);
    answer = judge(&step, event);
    budget_enforce(&step);
    return answer;
}

uint64_t core_deadline_ms(const struct core *core)
{
    uint64_t first = DEADLINE_NEVER;

    for (uint32_t i = 0; i < core->running_count; i++) {
        uint64_t rests = rest_deadline_ms(core->running[i]);
        uint64_t waits = suggest_deadline_ms(core->running[i]);
        uint64_t budget = budget_deadline_ms(core->running[i]);

        first = rests < first ? rests : first;
        first = waits < first ? waits : first;
        first = budget < first ? budget : first;
    }
    return first;
}

enum role core_role(const struct core *core, uint32_t number)
{
    const struct principal *principal = registry_principal(&core->registry, number);

    return principal != NULL ? principal->role : ROLE_NONE;
}

bool core_is_own(const struct core *core, uint32_t number)
{
    const struct principal *principal = registry_principal(&core->registry, number);

    return principal != NULL && !principal->by_token;
}

bool core_status_text(const struct core *core, uint32_t number, struct buf *out)
{
    const struct experiment *experiment = core_experiment(core, number);

    if (experiment == NULL)
        return false;
    experiment->sched->debug(experiment->scheduler, out);
    return true;
}

static void describe_experiment(const struct experiment *experiment, struct effects *effects)
{
    experiment_tell(experiment, true, effects);
    for (const struct trial *trial = experiment->first; trial != NULL; trial = trial->next) {
        trial_tell(trial, true, 0, (struct span){0}, effects);
        checkpoints_tell(&trial->checkpoints, experiment->number, trial->number, true, effects);
        exploit_tell(trial, effects);
    }
    for (uint32_t i = 0; i < experiment->created; i++)
        if (trial_row_more(&experiment->rows[i]) != NULL)
            checkpoints_tell(&experiment->rows[i].more->checkpoints, experiment->number, i, true,
                             effects);
}

void core_describe(const struct core *core, struct effects *effects)
{
    for (uint32_t i = 0; i < core->registry.principal_count; i++)
        principal_tell(core->registry.principals[i], effects);
    for (uint32_t i = 0; i < core->registry.token_count; i++)
        token_tell(core->registry.tokens[i], effects);
    for (uint32_t i = 0; i < core->node_count; i++)
        node_tell(core->nodes[i], effects);
    for (uint32_t i = 0; i < core->experiment_count; i++)
        describe_experiment(core->experiments[i], effects);
}
