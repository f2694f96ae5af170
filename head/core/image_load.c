#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/pack.h"
#include "common/xalloc.h"
#include "head/core/image.h"

static bool load_principal(struct core *core, struct cursor *in)
{
    struct image_principal saved;
    struct principal *principal;

    if (schema_unpack(&image_principal_schema, in, &core->scratch, &saved, NULL) < 0 ||
        saved.key.size != KEY_BYTES || registry_key(&core->registry, saved.key) != NULL ||
        (saved.token.size != 0 && saved.token.size != TOKEN_ID_BYTES))
        return false;
    principal = registry_add(&core->registry, saved.key, (enum role)saved.role, saved.name);
    if (saved.token.size > 0)
        principal_came_with(principal, saved.token);
    return true;
}

static bool load_token(struct core *core, struct cursor *in)
{
    struct image_token saved;
    struct token *token;

    if (schema_unpack(&image_token_schema, in, &core->scratch, &saved, NULL) < 0 ||
        saved.id.size != TOKEN_ID_BYTES || saved.secret_hash.size != SECRET_HASH_BYTES ||
        registry_token(&core->registry, saved.id) != NULL)
        return false;
    token = registry_add_token(&core->registry, saved.id);
    memcpy(token->secret_hash, saved.secret_hash.data, SECRET_HASH_BYTES);
    token->role = (enum role)saved.role;
    token->uses_left = saved.uses_left;
    token->expires_ms = saved.expires_ms;
    token->principal = saved.principal;
    token->revoked = saved.revoked;
    return true;
}

static bool load_node(struct core *core, struct cursor *in)
{
    struct event_node_back said;
    struct image_node more;
    struct node *node;
    uint32_t parts;

    if (!cursor_list(in, &parts) || parts != 2 ||
        schema_unpack(event_schema(EVENT_NODE_BACK), in, &core->scratch, &said, NULL) < 0 ||
        schema_unpack(&image_node_schema, in, &core->scratch, &more, NULL) < 0 ||
        core_node(core, said.principal) != NULL)
        return false;
    node = core_add_node(core, said.principal);
    node_describe(node, &said);
    node->lost = more.lost;
    node->draining = more.draining;
    node->over = more.over;
    node->full = more.full;
    if (more.changed)
        core_node_changed(core, node);
    if (more.fresh)
        core_node_fresh(core, node);
    return true;
}

bool image_row_get(const uint8_t in[IMAGE_ROW_BYTES], struct trial_row *row)
{
    uint64_t hw;
    uint32_t attempt;

    memcpy(&hw, in, 8);
    memcpy(&attempt, in + 8, 4);
    *row = (struct trial_row){.hw = le64toh(hw),
                              .attempt = le32toh(attempt),
                              .state = in[12],
                              .reason = in[13],
                              .cause = in[14],
                              .failures = in[15]};
    return row->state < TRIAL_STATE_COUNT && trial_is_final((enum trial_state)row->state) &&
           row->reason < END_REASON_COUNT && row->cause < CAUSE_COUNT;
}

static bool load_rows(struct experiment *experiment, struct cursor *in)
{
    static const uint8_t none[IMAGE_ROW_BYTES];
    struct span rows;
    const uint8_t *at;

    if (!cursor_bytes(in, &rows) || rows.size != (size_t)experiment->created * IMAGE_ROW_BYTES)
        return false;
    experiment_reserve(experiment, experiment->created);
    at = rows.data;
    for (uint32_t i = 0; i < experiment->created; i++, at += IMAGE_ROW_BYTES) {
        if (memcmp(at, none, sizeof(none)) == 0)
            continue;
        if (!image_row_get(at, &experiment->rows[i]))
            return false;
        experiment->counts[experiment->rows[i].state]++;
        experiment->recalled += experiment->rows[i].cause == CAUSE_RECALLED;
    }
    return true;
}

static bool load_one_more(struct core *core, struct experiment *experiment, struct cursor *in)
{
    struct checkpoints checkpoints = {0};
    struct record_list past;
    struct image_past saved;
    struct trial_row *row;
    uint32_t number;

    if (!cursor_u32(in, &number) || number >= experiment->created ||
        schema_unpack(&image_past_schema, in, &core->scratch, &saved, NULL) < 0)
        return false;
    row = &experiment->rows[number];
    if (row->state == TRIAL_NONE || row->more != NULL)
        return false;
    if (!image_load_checkpoints(core, in, &checkpoints)) {
        checkpoints_fini(&checkpoints);
        return false;
    }
    past = past_copy(&saved.list);
    row->more = trial_more_new(&past, &checkpoints);
    experiment->mores += row->more != NULL;
    return row->more != NULL;
}

static bool load_more(struct core *core, struct experiment *experiment, struct cursor *in)
{
    uint32_t count;

    if (!cursor_list(in, &count) || count % 3 != 0)
        return false;
    for (; count > 0; count -= 3)
        if (!load_one_more(core, experiment, in))
            return false;
    return true;
}

/* The queue, or those that rest. */
static bool load_waiting(struct experiment *experiment, struct cursor *in, struct queue *queue,
                         bool rests)
{
    uint32_t count, number;

    if (!cursor_list(in, &count) || count > experiment->counts[TRIAL_PENDING])
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const struct trial *trial;

        if (!cursor_u32(in, &number))
            return false;
        trial = experiment_trial(experiment, number);
        if (trial == NULL || trial->state != TRIAL_PENDING || rests != (trial->wake_ms > 0))
            return false;
        queue_push(queue, number);
        if (rests && trial->wake_ms < experiment->wake_ms)
            experiment->wake_ms = trial->wake_ms;
    }
    return true;
}

static bool load_trials(struct core *core, struct experiment *experiment, struct cursor *in)
{
    uint32_t count;

    if (!load_rows(experiment, in) || !load_more(core, experiment, in) || !cursor_list(in, &count))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!image_load_trial(core, experiment, in))
            return false;
    for (uint32_t i = 0; i < experiment->created; i++)
        if (experiment->rows[i].state == TRIAL_NONE && experiment->rows[i].live == NULL)
            return false;
    for (struct trial *trial = experiment->first; trial != NULL; trial = trial->next)
        if (trial->exploit != NULL && !exploit_adopt(trial))
            return false;
    return load_waiting(experiment, in, &experiment->pending, false) &&
           load_waiting(experiment, in, &experiment->resting, true) &&
           experiment->pending.count + experiment->resting.count ==
               experiment->counts[TRIAL_PENDING];
}

static bool load_algorithms(struct experiment *experiment, struct cursor *in)
{
    struct span searcher, scheduler;
    struct cursor cursor;

    if (!cursor_bytes(in, &searcher) || !cursor_bytes(in, &scheduler))
        return false;
    cursor_init(&cursor, searcher);
    if (experiment->search->load != NULL &&
        !experiment->search->load(experiment->searcher, &cursor))
        return false;
    cursor_init(&cursor, scheduler);
    return experiment->sched->load == NULL ||
           experiment->sched->load(experiment->scheduler, &cursor);
}

/* The head of an experiment: its numbers, and the spec read again. What the scheduler puts
 * through a tape when it is made is overwritten by its own saved state. */
static struct experiment *load_head(struct core *core, struct cursor *in)
{
    struct experiment *saved = arena_alloc(&core->scratch, sizeof(*saved));
    struct span submission, code, packed;
    struct experiment *experiment;
    struct spec_error error;
    struct tape tape;

    if (schema_unpack(&image_experiment_schema, in, &core->scratch, saved, NULL) < 0 ||
        !cursor_bytes(in, &submission) || submission.size != SUBMISSION_BYTES ||
        !cursor_bytes(in, &code) || (code.size != 0 && code.size != CODE_BYTES) ||
        !cursor_bytes(in, &packed) || saved->added > saved->created ||
        core_experiment(core, saved->number) != NULL)
        return NULL;
    experiment = experiment_new(saved->number, packed, &error);
    if (experiment == NULL)
        return NULL;
    memcpy(experiment->submission, submission.data, SUBMISSION_BYTES);
    if (code.size > 0)
        memcpy(experiment->code, code.data, CODE_BYTES);
    experiment->code_size = (uint32_t)code.size;
    experiment->principal = saved->principal;
    experiment->seed = saved->seed;
    experiment->submitted_ms = saved->submitted_ms;
    experiment->ended_ms = saved->ended_ms;
    experiment->state = saved->state;
    experiment->search_done = saved->search_done;
    experiment->search_waits = saved->search_waits;
    experiment->created = saved->created;
    experiment->added = saved->added;
    experiment->results = saved->results;
    experiment->has_mean = saved->has_mean;
    experiment->mean_ms = saved->mean_ms;
    experiment->extended = saved->extended;
    experiment->paused = saved->paused;
    experiment->blocked = saved->blocked;
    experiment->changed = saved->changed;
    experiment->fill_ms = saved->fill_ms;
    experiment->fills = saved->fills;
    experiment->suggestion = saved->suggestion;
    experiment->suggested = saved->suggested;
    experiment->burns = saved->burns;
    experiment->burn_node = saved->burn_node;
    experiment->burn_nodes = saved->burn_nodes;
    experiment->budget = saved->budget;
    experiment->why = arena_copy(&experiment->arena, saved->why);
    tape_init(&tape);
    tape_record(&tape);
    experiment_start(experiment, &tape);
    tape_fini(&tape);
    return experiment;
}

static bool load_experiment(struct core *core, struct cursor *in)
{
    struct experiment *experiment;
    uint32_t parts;

    arena_reset(&core->scratch);
    if (!cursor_list(in, &parts) || parts != 11)
        return false;
    experiment = load_head(core, in);
    if (experiment == NULL)
        return false;
    if (!load_trials(core, experiment, in) || !load_algorithms(experiment, in)) {
        experiment_free(experiment);
        return false;
    }
    core_keep_experiment(core, experiment);
    return true;
}

/* Whether a lease may be put behind those that are there: first those that hold something. */
static bool lease_is_sound(const struct node *node, const struct trial *trial)
{
    if (trial == NULL || trial->node != NULL || !trial_is_live(trial->state) ||
        (!trial->ahead && node->last != NULL && node->last->ahead))
        return false;
    for (uint32_t i = 0; i < trial->gpus.count; i++)
        if (trial->gpus.device[i] >= node->gpus.count)
            return false;
    return true;
}

static bool load_leases(struct core *core, struct node *node, struct cursor *in)
{
    uint32_t count;

    if (!cursor_list(in, &count) || count % 2 != 0)
        return false;
    for (uint32_t i = 0; i < count; i += 2) {
        const struct experiment *experiment;
        struct trial *trial;
        uint32_t number, of;

        if (!cursor_u32(in, &of) || !cursor_u32(in, &number))
            return false;
        experiment = core_experiment(core, of);
        trial = experiment != NULL ? experiment_trial(experiment, number) : NULL;
        if (!lease_is_sound(node, trial))
            return false;
        node_attach(node, trial);
    }
    node_recount(node);
    return true;
}

static bool load_list(struct core *core, struct cursor *in,
                      bool (*load)(struct core *core, struct cursor *in))
{
    uint32_t count;

    if (!cursor_list(in, &count))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!load(core, in))
            return false;
    return true;
}

static bool load_parts(struct core *core, struct cursor *in, struct image_numbers *numbers)
{
    uint32_t count;

    if (schema_unpack(&image_numbers_schema, in, &core->scratch, numbers, NULL) < 0 ||
        !load_list(core, in, load_principal) || !load_list(core, in, load_token) ||
        !load_list(core, in, load_node) || !load_list(core, in, load_experiment) ||
        !cursor_list(in, &count) || count != core->node_count)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!load_leases(core, core->nodes[i], in))
            return false;
    return in->at == in->end;
}

int core_load(struct core *core, struct span image)
{
    struct image_numbers numbers;
    struct cursor cursor;
    uint32_t parts, format;

    cursor_init(&cursor, image);
    if (!cursor_list(&cursor, &parts) || !cursor_u32(&cursor, &format))
        return ERR_MALFORMED;
    if (format != CORE_IMAGE || parts != IMAGE_PARTS)
        return ERR_VERSION;
    if (!load_parts(core, &cursor, &numbers))
        return ERR_MALFORMED;
    core->last_number = numbers.last_number;
    core->next_index = numbers.next_index;
    core->wants_place = numbers.wants_place;
    return core_check(core) == NULL ? 0 : ERR_MALFORMED;
}
