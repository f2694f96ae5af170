#include "head/core/effect.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/record.h"
#include "common/xalloc.h"
#include "head/core/trace.h"

#define EFFECTS_FIRST 64u

static const struct field reply_fields[] = {
    FIELD(effect_reply, origin, FIELD_U64, 0),
    FIELD(effect_reply, code, FIELD_U32, 0),
    FIELD(effect_reply, experiment, FIELD_U32, 0),
    FIELD(effect_reply, role, FIELD_U32, 0),
    FIELD(effect_reply, what, FIELD_TEXT, LIMIT_TEXT_BYTES),
    FIELD(effect_reply, why, FIELD_TEXT, LIMIT_TEXT_BYTES),
    FIELD(effect_reply, mend, FIELD_TEXT, LIMIT_TEXT_BYTES),
};

static const struct field gpu_device_fields[] = {
    FIELD(gpu_device, device, FIELD_U32, LIMIT_GPUS),
};
static const struct schema gpu_device_schema = SCHEMA(gpu_device, 0, gpu_device_fields);

static const struct field launch_fields[] = {
    FIELD(effect_launch, node, FIELD_U32, 0),
    FIELD(effect_launch, experiment, FIELD_U32, 0),
    FIELD(effect_launch, trial, FIELD_U32, 0),
    FIELD(effect_launch, attempt, FIELD_U32, 0),
    FIELD(effect_launch, trial_id, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(effect_launch, trial_name, FIELD_TEXT, LIMIT_TRIAL_NAME),
    FIELD(effect_launch, folder, FIELD_TEXT, LIMIT_PATH_BYTES),
    FIELD(effect_launch, config, FIELD_PACKED, LIMIT_CONFIG_BYTES),
    FIELD_OF(effect_launch, resources, FIELD_RECORD, 0, resources_schema),
    FIELD_OF(effect_launch, gpus, FIELD_LIST, LIMIT_GPUS, gpu_device_schema),
    FIELD(effect_launch, horizon, FIELD_F64, 0),
    FIELD(effect_launch, seed, FIELD_U64, 0),
    FIELD(effect_launch, again, FIELD_BOOL, 0),
    FIELD(effect_launch, checkpoint, FIELD_BYTES, LIMIT_HASH_BYTES),
    FIELD_OF(effect_launch, counters, FIELD_RECORD, 0, counters_schema),
};

static const struct field verdict_fields[] = {
    FIELD(effect_verdict, node, FIELD_U32, 0),
    FIELD(effect_verdict, experiment, FIELD_U32, 0),
    FIELD(effect_verdict, trial, FIELD_U32, 0),
    FIELD(effect_verdict, attempt, FIELD_U32, 0),
    FIELD(effect_verdict, acked_seq, FIELD_U64, 0),
    FIELD(effect_verdict, action, FIELD_U32, 0),
    FIELD(effect_verdict, horizon, FIELD_F64, 0),
    FIELD(effect_verdict, config, FIELD_PACKED, LIMIT_CONFIG_BYTES),
    FIELD(effect_verdict, checkpoint, FIELD_BYTES, 64),
};

static const struct field release_fields[] = {
    FIELD(effect_release, experiment, FIELD_U32, 0),
    FIELD(effect_release, removed, FIELD_BOOL, 0),
};

/* One of the counts of an experiment's row, under the name of its state. */
#define COUNT(text, state)                                                                         \
    {                                                                                              \
        text, FIELD_U32, offsetof(struct effect_experiment, counts) + (state) * sizeof(uint32_t),  \
            0, NULL, false                                                                         \
    }

static const struct field experiment_fields[] = {
    FIELD(effect_experiment, experiment, FIELD_U32, 0),
    FIELD(effect_experiment, state, FIELD_U32, 0),
    FIELD(effect_experiment, name, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(effect_experiment, principal, FIELD_U32, 0),
    FIELD(effect_experiment, submitted_ms, FIELD_U64, 0),
    FIELD(effect_experiment, ended_ms, FIELD_U64, 0),
    FIELD(effect_experiment, total, FIELD_U32, 0),
    FIELD(effect_experiment, created, FIELD_U32, 0),
    COUNT("pending", TRIAL_PENDING),
    COUNT("starting", TRIAL_STARTING),
    COUNT("running", TRIAL_RUNNING),
    COUNT("pausing", TRIAL_PAUSING),
    COUNT("paused", TRIAL_PAUSED),
    COUNT("stopping", TRIAL_STOPPING),
    COUNT("done", TRIAL_DONE),
    COUNT("stopped", TRIAL_STOPPED),
    COUNT("failed", TRIAL_FAILED),
    FIELD(effect_experiment, results, FIELD_U64, 0),
    FIELD(effect_experiment, folder, FIELD_TEXT, LIMIT_PATH_BYTES),
    FIELD(effect_experiment, spec, FIELD_PACKED, LIMIT_SPEC_BYTES),
    FIELD(effect_experiment, code, FIELD_BYTES, 32),
    FIELD(effect_experiment, seed, FIELD_U64, 0),
    FIELD(effect_experiment, why, FIELD_TEXT, LIMIT_WHY_BYTES),
    FIELD(effect_experiment, paused, FIELD_BOOL, 0),
    FIELD(effect_experiment, wanted, FIELD_U32, 0),
};

static const struct field trial_fields[] = {
    FIELD(effect_trial, experiment, FIELD_U32, 0),
    FIELD(effect_trial, trial, FIELD_U32, 0),
    FIELD(effect_trial, state, FIELD_U32, 0),
    FIELD(effect_trial, attempt, FIELD_U32, 0),
    FIELD(effect_trial, node, FIELD_U32, 0),
    FIELD(effect_trial, failures, FIELD_U32, 0),
    FIELD(effect_trial, pid, FIELD_I64, 0),
    FIELD(effect_trial, started_ms, FIELD_U64, 0),
    FIELD(effect_trial, ended_ms, FIELD_U64, 0),
    FIELD(effect_trial, results, FIELD_U64, 0),
    FIELD(effect_trial, reason, FIELD_U32, 0),
    FIELD(effect_trial, status, FIELD_I64, 0),
    FIELD(effect_trial, has_best, FIELD_BOOL, 0),
    FIELD(effect_trial, best, FIELD_F64, 0),
    FIELD(effect_trial, best_at, FIELD_I64, 0),
    FIELD(effect_trial, id, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(effect_trial, name, FIELD_TEXT, LIMIT_TRIAL_NAME),
    FIELD(effect_trial, tag, FIELD_TEXT, LIMIT_TEXT_BYTES),
    FIELD(effect_trial, config, FIELD_PACKED, LIMIT_CONFIG_BYTES),
    FIELD(effect_trial, folder, FIELD_TEXT, LIMIT_PATH_BYTES),
    FIELD(effect_trial, last, FIELD_PACKED, LIMIT_RESULT_BYTES),
    FIELD(effect_trial, text, FIELD_TEXT, LIMIT_TEXT_BYTES),
    FIELD(effect_trial, ahead, FIELD_BOOL, 0),
};

static const struct field node_fields[] = {
    FIELD(effect_node, node, FIELD_U32, 0),
    FIELD(effect_node, name, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(effect_node, hostname, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(effect_node, node_ip, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(effect_node, state, FIELD_U32, 0),
    FIELD_OF(effect_node, capacity, FIELD_RECORD, 0, resources_schema),
    FIELD_OF(effect_node, used, FIELD_RECORD, 0, resources_schema),
    FIELD(effect_node, gpus, FIELD_U32, LIMIT_GPUS),
    FIELD(effect_node, running, FIELD_U32, 0),
    FIELD(effect_node, ahead, FIELD_U32, 0),
    FIELD(effect_node, credit, FIELD_U32, 0),
};

static const struct field attempt_fields[] = {
    FIELD(effect_attempt, experiment, FIELD_U32, 0),
    FIELD(effect_attempt, trial, FIELD_U32, 0),
    FIELD(effect_attempt, attempt, FIELD_U32, 0),
    FIELD(effect_attempt, rows, FIELD_U64, 0),
    FIELD(effect_attempt, stood, FIELD_U64, 0),
    FIELD(effect_attempt, trial_folder, FIELD_TEXT, LIMIT_PATH_BYTES),
    FIELD(effect_attempt, experiment_folder, FIELD_TEXT, LIMIT_PATH_BYTES),
    FIELD(effect_attempt, config, FIELD_PACKED, LIMIT_CONFIG_BYTES),
    FIELD(effect_attempt, experiment_id, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(effect_attempt, hostname, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(effect_attempt, node_ip, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(effect_attempt, pid, FIELD_I64, 0),
    FIELD(effect_attempt, files, FIELD_U32, 0),
};

static const struct field results_fields[] = {
    FIELD(effect_results, experiment, FIELD_U32, 0),
    FIELD(effect_results, trial, FIELD_U32, 0),
    FIELD(effect_results, attempt, FIELD_U32, 0),
    FIELD(effect_results, first_row, FIELD_U64, 0),
    FIELD(effect_results, count, FIELD_U32, 0),
    FIELD(effect_results, final, FIELD_BOOL, 0),
    FIELD(effect_results, records, FIELD_BYTES, LIMIT_BATCH_BYTES),
};

static const struct field close_fields[] = {
    FIELD(effect_close, experiment, FIELD_U32, 0),
    FIELD(effect_close, trial, FIELD_U32, 0),
};

static const struct field principal_fields[] = {
    FIELD(effect_principal, principal, FIELD_U32, 0),
    FIELD(effect_principal, key, FIELD_BYTES, 32),
    FIELD(effect_principal, role, FIELD_U32, 0),
    FIELD(effect_principal, revoked, FIELD_BOOL, 0),
    FIELD(effect_principal, name, FIELD_TEXT, LIMIT_NAME_BYTES),
};

static const struct field token_fields[] = {
    FIELD(effect_token, id, FIELD_BYTES, 8),      FIELD(effect_token, role, FIELD_U32, 0),
    FIELD(effect_token, uses_left, FIELD_U32, 0), FIELD(effect_token, expires_ms, FIELD_U64, 0),
    FIELD(effect_token, revoked, FIELD_BOOL, 0),
};

static const struct field checkpoint_fields[] = {
    FIELD(effect_checkpoint, experiment, FIELD_U32, 0),
    FIELD(effect_checkpoint, trial, FIELD_U32, 0),
    FIELD(effect_checkpoint, attempt, FIELD_U32, 0),
    FIELD(effect_checkpoint, number, FIELD_U64, 0),
    FIELD(effect_checkpoint, manifest, FIELD_BYTES, LIMIT_HASH_BYTES),
    FIELD(effect_checkpoint, bytes, FIELD_U64, 0),
    FIELD(effect_checkpoint, iteration, FIELD_I64, 0),
    FIELD(effect_checkpoint, kept, FIELD_BOOL, 0),
    FIELD(effect_checkpoint, broken, FIELD_BOOL, 0),
};

static const struct field exploit_fields[] = {
    FIELD(effect_exploit, experiment, FIELD_U32, 0),
    FIELD(effect_exploit, trial, FIELD_U32, 0),
    FIELD(effect_exploit, donor, FIELD_U32, 0),
    FIELD(effect_exploit, iteration, FIELD_I64, 0),
    FIELD(effect_exploit, donor_iteration, FIELD_I64, 0),
    FIELD(effect_exploit, tag, FIELD_TEXT, LIMIT_TEXT_BYTES),
    FIELD(effect_exploit, donor_tag, FIELD_TEXT, LIMIT_TEXT_BYTES),
    FIELD(effect_exploit, donor_config, FIELD_PACKED, LIMIT_CONFIG_BYTES),
    FIELD(effect_exploit, config, FIELD_PACKED, LIMIT_CONFIG_BYTES),
    FIELD(effect_exploit, files, FIELD_U32, 0),
};

#define ROW(number, text, member, table)                                                           \
    [number] = {text, number, sizeof(((struct effect *)NULL)->member), table,                      \
                sizeof(table) / sizeof((table)[0])}

static const struct schema schemas[] = {
    ROW(EFFECT_REPLY, "reply", reply, reply_fields),
    ROW(EFFECT_LAUNCH, "launch", launch, launch_fields),
    ROW(EFFECT_VERDICT, "verdict", verdict, verdict_fields),
    ROW(EFFECT_RELEASE, "release", release, release_fields),
    ROW(EFFECT_EXPERIMENT, "experiment", experiment, experiment_fields),
    ROW(EFFECT_TRIAL, "trial", trial, trial_fields),
    ROW(EFFECT_NODE, "node", node, node_fields),
    ROW(EFFECT_ATTEMPT, "attempt", attempt, attempt_fields),
    ROW(EFFECT_RESULTS, "results", results, results_fields),
    ROW(EFFECT_CLOSE, "close", close, close_fields),
    ROW(EFFECT_PRINCIPAL, "principal", principal, principal_fields),
    ROW(EFFECT_TOKEN, "token", token, token_fields),
    ROW(EFFECT_CHECKPOINT, "checkpoint", checkpoint, checkpoint_fields),
    ROW(EFFECT_EXPLOIT, "exploit", exploit, exploit_fields),
};

const struct schema *effect_schema(uint32_t type)
{
    return type > 0 && type < sizeof(schemas) / sizeof(schemas[0]) ? &schemas[type] : NULL;
}

const char *action_name(uint32_t action)
{
    static const char *const names[] = {
        [ACTION_CONTINUE] = "continue", [ACTION_SAVE] = "save",       [ACTION_PAUSE] = "pause",
        [ACTION_STOP] = "stop",         [ACTION_EXPLOIT] = "exploit", [ACTION_FENCED] = "fenced",
        [ACTION_RESEND] = "resend",
    };

    return action < sizeof(names) / sizeof(names[0]) ? names[action] : "unknown";
}

void effects_init(struct effects *effects, struct arena *arena)
{
    *effects = (struct effects){.arena = arena};
}

void effects_fini(struct effects *effects)
{
    free(effects->items);
    *effects = (struct effects){0};
}

void effects_reset(struct effects *effects)
{
    effects->count = 0;
}

struct effect *effects_add(struct effects *effects, enum effect_type type)
{
    struct effect *effect;

    if (effects->count == effects->capacity) {
        effects->capacity = effects->capacity > 0 ? effects->capacity * 2 : EFFECTS_FIRST;
        effects->items = xrealloc(effects->items, effects->capacity, sizeof(*effects->items));
    }
    effect = &effects->items[effects->count++];
    memset(effect, 0, sizeof(*effect));
    effect->type = type;
    return effect;
}

/* The word behind a number, for who reads the line. */
static const char *effect_word(const struct effect *effect)
{
    static const char *const replies[] = {"ok",    "not found", "conflict", "invalid",
                                          "limit", "denied",    "busy"};
    static const char *const experiments[] = {"running", "stopping", "done"};
    static const char *const nodes[] = {"up", "draining", "lost"};

    switch (effect->type) {
    case EFFECT_REPLY:
        return replies[effect->reply.code];
    case EFFECT_VERDICT:
        return action_name(effect->verdict.action);
    case EFFECT_EXPERIMENT:
        return experiments[effect->experiment.state];
    case EFFECT_TRIAL:
        return trial_state_name(effect->trial.state);
    case EFFECT_NODE:
        return nodes[effect->node.state];
    default:
        return NULL;
    }
}

void effect_print(const struct effect *effect, struct buf *out)
{
    const struct schema *schema = effect_schema(effect->type);
    const char *word = effect_word(effect);
    struct schema brief = *schema;

    /* The bytes of records are hundreds of hex digits; they stand last in their table. */
    if (effect->type == EFFECT_RESULTS)
        brief.field_count--;
    trace_print(&brief, &effect->reply, out);
    if (word != NULL)
        buf_printf(out, " # %s", word);
}
