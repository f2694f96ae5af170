#include "head/core/image.h"

#include <endian.h>
#include <string.h>

#include "common/pack.h"

static const struct field judged_fields[] = {
    FIELD(judged, trial, FIELD_U32, 0),       FIELD(judged, has_time, FIELD_BOOL, 0),
    FIELD(judged, has_reward, FIELD_BOOL, 0), FIELD(judged, time, FIELD_F64, 0),
    FIELD(judged, reward, FIELD_F64, 0),
};
const struct schema image_judged_schema = SCHEMA(judged, 0, judged_fields);

/* Enumerations are stored as the compiler stores them: as unsigned int. */
_Static_assert(sizeof(enum trial_state) == sizeof(uint32_t), "state is written as a u32");
_Static_assert(sizeof(enum stop_cause) == sizeof(uint32_t), "cause is written as a u32");
_Static_assert(sizeof(enum experiment_state) == sizeof(uint32_t), "state is written as a u32");

static const struct field trial_fields[] = {
    FIELD(trial, number, FIELD_U32, LIMIT_SAMPLES),
    FIELD(trial, state, FIELD_U32, TRIAL_STATE_COUNT - 1),
    FIELD(trial, attempt, FIELD_U32, 0),
    FIELD(trial, failures, FIELD_U32, 0),
    FIELD(trial, losses, FIELD_U32, 0),
    FIELD(trial, furthest, FIELD_U64, 0),
    FIELD(trial, wake_ms, FIELD_U64, 0),
    FIELD_OF(trial, past, FIELD_LIST, LIMIT_PAST, past_schema),
    FIELD(trial, begun, FIELD_BOOL, 0),
    FIELD(trial, ahead, FIELD_BOOL, 0),
    FIELD(trial, hw, FIELD_U64, 0),
    FIELD(trial, rows, FIELD_U64, 0),
    FIELD(trial, base_rows, FIELD_U64, 0),
    FIELD(trial, pause, FIELD_U32, PAUSE_BY_ALL),
    FIELD(trial, save, FIELD_BOOL, 0),
    FIELD(trial, broken, FIELD_U32, 0),
    FIELD(trial, pid, FIELD_I64, 0),
    FIELD(trial, started_ms, FIELD_U64, 0),
    FIELD(trial, began_ms, FIELD_U64, 0),
    FIELD(trial, reason, FIELD_U32, END_REASON_COUNT - 1),
    FIELD(trial, status, FIELD_I64, 0),
    FIELD(trial, closed, FIELD_BOOL, 0),
    FIELD(trial, done, FIELD_BOOL, 0),
    FIELD(trial, cause, FIELD_U32, CAUSE_COUNT - 1),
    FIELD(trial, has_last, FIELD_BOOL, 0),
    FIELD_OF(trial, last, FIELD_RECORD, 0, image_judged_schema),
    FIELD(trial, has_best, FIELD_BOOL, 0),
    FIELD(trial, best, FIELD_F64, 0),
    FIELD(trial, best_at, FIELD_I64, 0),
    FIELD_LATER(trial, moves, FIELD_BOOL, 0),
    FIELD_LATER(trial, added, FIELD_BOOL, 0),
    FIELD_LATER(trial, added_before, FIELD_U32, LIMIT_SAMPLES),
    FIELD_LATER(trial, has_sought, FIELD_BOOL, 0),
    FIELD_LATER(trial, sought, FIELD_F64, 0),
    FIELD_LATER(trial, plateau.has_value, FIELD_BOOL, 0),
    FIELD_LATER(trial, plateau.value, FIELD_F64, 0),
    FIELD_LATER(trial, plateau.stale, FIELD_U32, LIMIT_SAMPLES),
    FIELD_LATER(trial, plateau.at, FIELD_I64, 0),
    FIELD_LATER(trial, restored, FIELD_BOOL, 0),
    FIELD_LATER(trial, from_iteration, FIELD_I64, 0),
};
const struct schema image_trial_schema = SCHEMA(trial, 0, trial_fields);

static const struct field checkpoint_fields[] = {
    FIELD(checkpoint, bytes, FIELD_U64, 0),
    FIELD(checkpoint, number, FIELD_U64, 0),
    FIELD(checkpoint, attempt, FIELD_U32, 0),
    FIELD_OF(checkpoint, counters, FIELD_RECORD, 0, counters_schema),
    FIELD(checkpoint, rows, FIELD_U64, 0),
    FIELD(checkpoint, has_score, FIELD_BOOL, 0),
    FIELD(checkpoint, score, FIELD_F64, 0),
    FIELD(checkpoint, has_last, FIELD_BOOL, 0),
    FIELD_OF(checkpoint, last, FIELD_RECORD, 0, image_judged_schema),
    FIELD(checkpoint, has_best, FIELD_BOOL, 0),
    FIELD(checkpoint, best, FIELD_F64, 0),
    FIELD(checkpoint, best_at, FIELD_I64, 0),
    FIELD_LATER(checkpoint, has_sought, FIELD_BOOL, 0),
    FIELD_LATER(checkpoint, sought, FIELD_F64, 0),
    FIELD_LATER(checkpoint, plateau.has_value, FIELD_BOOL, 0),
    FIELD_LATER(checkpoint, plateau.value, FIELD_F64, 0),
    FIELD_LATER(checkpoint, plateau.stale, FIELD_U32, LIMIT_SAMPLES),
};
const struct schema image_checkpoint_schema = SCHEMA(checkpoint, 0, checkpoint_fields);

static const struct field experiment_fields[] = {
    FIELD(experiment, number, FIELD_U32, 0),
    FIELD(experiment, principal, FIELD_U32, 0),
    FIELD(experiment, seed, FIELD_U64, 0),
    FIELD(experiment, submitted_ms, FIELD_U64, 0),
    FIELD(experiment, ended_ms, FIELD_U64, 0),
    FIELD(experiment, state, FIELD_U32, EXPERIMENT_DONE),
    FIELD(experiment, search_done, FIELD_BOOL, 0),
    FIELD(experiment, search_waits, FIELD_BOOL, 0),
    FIELD(experiment, created, FIELD_U32, LIMIT_SAMPLES),
    FIELD(experiment, results, FIELD_U64, 0),
    FIELD(experiment, has_mean, FIELD_BOOL, 0),
    FIELD(experiment, mean_ms, FIELD_F64, 0),
    FIELD(experiment, paused, FIELD_BOOL, 0),
    FIELD(experiment, blocked, FIELD_BOOL, 0),
    FIELD(experiment, changed, FIELD_BOOL, 0),
    FIELD(experiment, burns, FIELD_U32, 0),
    FIELD(experiment, burn_node, FIELD_U32, 0),
    FIELD(experiment, burn_nodes, FIELD_U32, 0),
    FIELD(experiment, why, FIELD_TEXT, LIMIT_WHY_BYTES),
    FIELD_LATER(experiment, extended, FIELD_BOOL, 0),
    FIELD_LATER(experiment, added, FIELD_U32, LIMIT_SAMPLES),
    FIELD_LATER(experiment, budget.spent, FIELD_U32, BUDGET_PART_COUNT - 1),
    FIELD_LATER(experiment, budget.idle_ms, FIELD_U64, 0),
    FIELD_LATER(experiment, budget.idle_from_ms, FIELD_U64, 0),
    FIELD_LATER(experiment, budget.has_best, FIELD_BOOL, 0),
    FIELD_LATER(experiment, budget.best, FIELD_F64, 0),
    FIELD_LATER(experiment, budget.best_trial, FIELD_U32, LIMIT_SAMPLES),
    FIELD_LATER(experiment, budget.stale, FIELD_U32, LIMIT_SAMPLES),
    FIELD_LATER(experiment, fill_ms, FIELD_U64, 0),
    FIELD_LATER(experiment, fills, FIELD_BOOL, 0),
    FIELD_LATER(experiment, suggestion, FIELD_U64, 0),
    FIELD_LATER(experiment, suggested, FIELD_U32, LIMIT_SAMPLES),
};
const struct schema image_experiment_schema = SCHEMA(experiment, 0, experiment_fields);

static const struct field numbers_fields[] = {
    FIELD(image_numbers, last_number, FIELD_U32, 0),
    FIELD(image_numbers, next_index, FIELD_U32, 0),
    FIELD(image_numbers, wants_place, FIELD_BOOL, 0),
};
const struct schema image_numbers_schema = SCHEMA(image_numbers, 0, numbers_fields);

static const struct field principal_fields[] = {
    FIELD(image_principal, key, FIELD_BYTES, KEY_BYTES),
    FIELD(image_principal, role, FIELD_U32, ROLE_COUNT - 1),
    FIELD(image_principal, name, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(image_principal, token, FIELD_BYTES, TOKEN_ID_BYTES),
};
const struct schema image_principal_schema = SCHEMA(image_principal, 0, principal_fields);

static const struct field token_fields[] = {
    FIELD(image_token, id, FIELD_BYTES, TOKEN_ID_BYTES),
    FIELD(image_token, secret_hash, FIELD_BYTES, SECRET_HASH_BYTES),
    FIELD(image_token, role, FIELD_U32, ROLE_COUNT - 1),
    FIELD(image_token, uses_left, FIELD_U32, 0),
    FIELD(image_token, expires_ms, FIELD_U64, 0),
    FIELD(image_token, principal, FIELD_U32, 0),
    FIELD(image_token, revoked, FIELD_BOOL, 0),
};
const struct schema image_token_schema = SCHEMA(image_token, 0, token_fields);

static const struct field node_fields[] = {
    FIELD(image_node, lost, FIELD_BOOL, 0),  FIELD(image_node, draining, FIELD_BOOL, 0),
    FIELD(image_node, fresh, FIELD_BOOL, 0), FIELD(image_node, changed, FIELD_BOOL, 0),
    FIELD(image_node, over, FIELD_BOOL, 0),  FIELD(image_node, full, FIELD_BOOL, 0),
};
const struct schema image_node_schema = SCHEMA(image_node, 0, node_fields);

/* Little-endian: an image may be read on another processor. */
void image_row_put(uint8_t out[IMAGE_ROW_BYTES], const struct trial_row *row)
{
    uint64_t hw = htole64(row->hw);
    uint32_t attempt = htole32(row->attempt);

    memcpy(out, &hw, 8);
    memcpy(out + 8, &attempt, 4);
    out[12] = row->state;
    out[13] = row->reason;
    out[14] = row->cause;
    out[15] = row->failures;
}

static const struct field image_past_fields[] = {
    FIELD_OF(image_past, list, FIELD_LIST, LIMIT_PAST, past_schema),
};
const struct schema image_past_schema = SCHEMA(image_past, 0, image_past_fields);

static void save_registry(const struct registry *registry, struct buf *out)
{
    pack_list(out, registry->principal_count);
    for (uint32_t i = 0; i < registry->principal_count; i++) {
        const struct principal *principal = registry->principals[i];
        const struct image_principal saved = {
            .key = span_of(principal->key, KEY_BYTES),
            .role = principal->role,
            .name = span_text(principal->name),
            .token = span_of(principal->token, principal->by_token ? TOKEN_ID_BYTES : 0),
        };

        schema_pack(&image_principal_schema, &saved, out);
    }
    pack_list(out, registry->token_count);
    for (uint32_t i = 0; i < registry->token_count; i++) {
        const struct token *token = registry->tokens[i];
        const struct image_token saved = {
            .id = span_of(token->id, TOKEN_ID_BYTES),
            .secret_hash = span_of(token->secret_hash, SECRET_HASH_BYTES),
            .role = token->role,
            .uses_left = token->uses_left,
            .expires_ms = token->expires_ms,
            .principal = token->principal,
            .revoked = token->revoked,
        };

        schema_pack(&image_token_schema, &saved, out);
    }
}

static void save_node(const struct node *node, struct buf *out)
{
    const struct event_node_back said = {
        .principal = node->number,
        .name = span_text(node->name),
        .hostname = span_text(node->hostname),
        .node_ip = span_text(node->node_ip),
        .incarnation = node->incarnation,
        .capacity = node->capacity,
        .gpus = node->gpus.count,
        .credit = node->credit,
    };
    const struct image_node more = {
        .lost = node->lost,
        .draining = node->draining,
        .fresh = node->fresh,
        .changed = node->changed,
        .over = node->over,
        .full = node->full,
    };

    pack_list(out, 2);
    schema_pack(event_schema(EVENT_NODE_BACK), &said, out);
    schema_pack(&image_node_schema, &more, out);
}

static void save_checkpoint(const struct checkpoint *checkpoint, struct buf *out)
{
    pack_list(out, 3);
    schema_pack(&image_checkpoint_schema, checkpoint, out);
    pack_bytes(out, span_of(checkpoint->manifest, LIMIT_HASH_BYTES));
    pack_bytes(out, buf_span(&checkpoint->last_result));
}

static void save_checkpoints(const struct checkpoints *list, struct buf *out)
{
    pack_list(out, list->count);
    for (uint32_t i = 0; i < list->count; i++)
        save_checkpoint(&list->items[i], out);
}

static void save_exploit(const struct exploit *exploit, struct buf *out)
{
    pack_list(out, 8);
    pack_uint(out, exploit->state);
    pack_uint(out, exploit->donor);
    pack_uint(out, exploit->donor_rows);
    pack_bytes(out, buf_span(&exploit->config));
    pack_text(out, exploit->tag);
    if (exploit->from != NULL)
        save_checkpoint(exploit->from, out);
    else
        pack_nil(out);
    pack_text(out, exploit->donor_tag);
    pack_bytes(out, buf_span(&exploit->donor_config));
}

/* What it is to take over stands last, where there is anything. */
static void save_trial(const struct trial *trial, struct buf *out)
{
    pack_list(out, IMAGE_TRIAL_PARTS + (trial->exploit != NULL));
    schema_pack(&image_trial_schema, trial, out);
    pack_text(out, trial->name);
    pack_text(out, trial->tag);
    pack_text(out, trial->folder != NULL ? trial->folder : "");
    pack_bytes(out, buf_span(&trial->config));
    pack_bytes(out, buf_span(&trial->last_result));
    pack_list(out, 1 + trial->gpus.count);
    pack_int(out, trial->gpus.amount);
    for (uint32_t i = 0; i < trial->gpus.count; i++)
        pack_uint(out, trial->gpus.device[i]);
    save_checkpoints(&trial->checkpoints, out);
    for (uint32_t i = 0; i < CHECKPOINT_MARKS; i++) {
        if (trial->marks[i] != NULL)
            save_checkpoint(trial->marks[i], out);
        else
            pack_nil(out);
    }
    if (trial->exploit != NULL)
        save_exploit(trial->exploit, out);
}

/* The part of an image that is a matter of milliseconds: nothing is done twice for a row. */
static void save_rows(const struct experiment *experiment, struct buf *out)
{
    const struct trial_row *row = experiment->rows;
    size_t size = (size_t)experiment->created * IMAGE_ROW_BYTES;
    uint8_t *at;

    pack_bytes_head(out, size);
    at = buf_reserve(out, size);
    for (uint32_t i = 0; i < experiment->created; i++, row++, at += IMAGE_ROW_BYTES)
        image_row_put(at, row);
    out->size += size;
}

/* Of ended trials that took more than one attempt, or have checkpoints: number, how the attempts
 * ended, checkpoints; one behind the other. */
static void save_more(const struct experiment *experiment, struct buf *out)
{
    uint32_t left = experiment->mores;

    pack_list(out, left * 3);
    for (uint32_t i = 0; left > 0; i++) {
        const struct trial_more *more = trial_row_more(&experiment->rows[i]);

        if (more == NULL)
            continue;
        pack_uint(out, i);
        schema_pack(&image_past_schema, &(struct image_past){.list = more->past}, out);
        save_checkpoints(&more->checkpoints, out);
        left--;
    }
}

static void save_experiment(const struct experiment *experiment, struct buf *out)
{
    const uint32_t *pending = queue_items(&experiment->pending);
    struct buf algorithm = {0};

    pack_list(out, 11);
    schema_pack(&image_experiment_schema, experiment, out);
    pack_bytes(out, span_of(experiment->submission, SUBMISSION_BYTES));
    pack_bytes(out, span_of(experiment->code, experiment->code_size));
    pack_bytes(out, experiment->packed);
    save_rows(experiment, out);
    save_more(experiment, out);
    pack_list(out, experiment->unended);
    for (const struct trial *trial = experiment->first; trial != NULL; trial = trial->next)
        save_trial(trial, out);
    pack_list(out, experiment->pending.count);
    for (uint32_t i = 0; i < experiment->pending.count; i++)
        pack_uint(out, pending[i]);
    pack_list(out, experiment->resting.count);
    for (uint32_t i = 0; i < experiment->resting.count; i++)
        pack_uint(out, queue_items(&experiment->resting)[i]);
    if (experiment->search->save != NULL)
        experiment->search->save(experiment->searcher, &algorithm);
    pack_bytes(out, buf_span(&algorithm));
    buf_reset(&algorithm);
    if (experiment->sched->save != NULL)
        experiment->sched->save(experiment->scheduler, &algorithm);
    pack_bytes(out, buf_span(&algorithm));
    buf_fini(&algorithm);
}

static void save_leases(const struct node *node, struct buf *out)
{
    pack_list(out, node->leases * 2);
    for (const struct trial *trial = node->first; trial != NULL; trial = trial->lease_next) {
        pack_uint(out, trial->experiment->number);
        pack_uint(out, trial->number);
    }
}

void core_save(const struct core *core, struct buf *out)
{
    const struct image_numbers numbers = {
        .last_number = core->last_number,
        .next_index = core->next_index,
        .wants_place = core->wants_place,
    };

    pack_list(out, IMAGE_PARTS);
    pack_uint(out, CORE_IMAGE);
    schema_pack(&image_numbers_schema, &numbers, out);
    save_registry(&core->registry, out);
    pack_list(out, core->node_count);
    for (uint32_t i = 0; i < core->node_count; i++)
        save_node(core->nodes[i], out);
    pack_list(out, core->experiment_count);
    for (uint32_t i = 0; i < core->experiment_count; i++)
        save_experiment(core->experiments[i], out);
    pack_list(out, core->node_count);
    for (uint32_t i = 0; i < core->node_count; i++)
        save_leases(core->nodes[i], out);
}

/* FNV-1a, 64 bits: the digest finds differences, it keeps nobody out. */
uint64_t core_digest(const struct core *core)
{
    uint64_t digest = UINT64_C(0xcbf29ce484222325);
    struct buf image = {0};

    core_save(core, &image);
    for (size_t i = 0; i < image.size; i++)
        digest = (digest ^ image.data[i]) * UINT64_C(0x100000001b3);
    buf_fini(&image);
    return digest;
}
