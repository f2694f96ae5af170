#include "head/wire.h"

#include "common/record.h"

bool wire_becomes_event(uint32_t type)
{
    switch (type) {
    case MSG_JOIN:
    case MSG_READY:
    case MSG_REPORTS:
    case MSG_LEAVING:
    case MSG_DISK:
    case MSG_SUBMIT:
    case MSG_STOP:
    case MSG_REMOVE:
    case MSG_PAUSE:
    case MSG_RESUME:
    case MSG_EXTEND:
    case MSG_SUGGEST:
    case MSG_TOKEN_CREATE:
    case MSG_TOKEN_REVOKE:
    case MSG_DRAIN:
        return true;
    default:
        return false;
    }
}

void wire_submit(const struct msg_submit *message, uint32_t principal, struct event *event)
{
    event->type = EVENT_SUBMIT;
    event->submit = (struct event_submit){.submission = message->submission,
                                          .principal = principal,
                                          .spec = message->spec,
                                          .code = message->code};
}

void wire_stop(const struct msg_stop *message, uint32_t principal, struct event *event)
{
    event->type = EVENT_STOP;
    event->stop = (struct event_stop){
        .experiment = message->experiment, .trial = message->trial, .principal = principal};
}

void wire_extend(const struct msg_extend *message, uint32_t principal, struct event *event)
{
    event->type = EVENT_EXTEND;
    event->extend = (struct event_extend){.experiment = message->experiment,
                                          .principal = principal,
                                          .samples = message->samples,
                                          .total = message->total,
                                          .stop = message->stop};
}

void wire_suggest(const struct msg_suggest *message, uint32_t principal, struct event *event)
{
    event->type = EVENT_SUGGEST;
    event->suggest = (struct event_suggest){.experiment = message->experiment,
                                            .principal = principal,
                                            .number = message->number,
                                            .config = message->config};
}

void wire_pause(const struct msg_pause *message, uint32_t principal, struct event *event)
{
    event->type = EVENT_PAUSE;
    event->pause = (struct event_pause){
        .experiment = message->experiment, .trial = message->trial, .principal = principal};
}

void wire_resume(const struct msg_resume *message, uint32_t principal, struct event *event)
{
    event->type = EVENT_RESUME;
    event->pause = (struct event_pause){
        .experiment = message->experiment, .trial = message->trial, .principal = principal};
}

void wire_remove(const struct msg_remove *message, uint32_t principal, struct event *event)
{
    event->type = EVENT_REMOVE;
    event->remove =
        (struct event_remove){.experiment = message->experiment, .principal = principal};
}

void wire_drain(const struct msg_drain *message, struct event *event)
{
    event->type = EVENT_DRAIN;
    event->drain = (struct event_drain){.node = message->node, .on = message->on};
}

void wire_ready(const struct msg_register *who, const struct msg_ready *message, uint32_t principal,
                struct arena *arena, struct event *event)
{
    const struct msg_held *from = message->held.items;
    struct held_attempt *held = arena_alloc(arena, message->held.count * sizeof(*held));

    for (uint32_t i = 0; i < message->held.count; i++)
        held[i] = (struct held_attempt){.experiment = from[i].experiment,
                                        .trial = from[i].trial,
                                        .attempt = from[i].attempt,
                                        .last_seq = from[i].last_seq};
    event->type = EVENT_NODE_BACK;
    event->node_back = (struct event_node_back){
        .principal = principal,
        .name = who->name,
        .hostname = who->hostname,
        .node_ip = who->node_ip,
        .incarnation = who->incarnation,
        .capacity = who->capacity,
        .gpus = who->gpus,
        .credit = message->credit,
        .shares_results = who->shares_results,
        .held = {.items = held, .count = message->held.count},
    };
}

int wire_batch(const struct msg_batch *batch, uint32_t node, struct event *event)
{
    int err = record_check(batch->records, batch->count, batch->first_seq);

    if (err != 0)
        return err;
    event->type = EVENT_REPORT;
    event->report = (struct event_report){.node = node,
                                          .experiment = batch->experiment,
                                          .trial = batch->trial,
                                          .attempt = batch->attempt,
                                          .first_seq = batch->first_seq,
                                          .count = batch->count,
                                          .records = batch->records};
    return 0;
}

void wire_lease(const struct effect_launch *launch, struct msg_lease *lease)
{
    *lease = (struct msg_lease){
        .experiment = launch->experiment,
        .trial = launch->trial,
        .attempt = launch->attempt,
        .trial_id = launch->trial_id,
        .trial_name = launch->trial_name,
        .folder = launch->folder,
        .config = launch->config,
        .resources = launch->resources,
        .gpus = launch->gpus, /* gpu_device and msg_gpu are one uint32_t each */
        .horizon = launch->horizon,
        .seed = launch->seed,
        .again = launch->again,
        .checkpoint = launch->checkpoint,
        .counters = launch->counters,
    };
    _Static_assert(sizeof(struct gpu_device) == sizeof(struct msg_gpu), "the same record");
}

void wire_verdict(const struct effect_verdict *verdict, struct msg_verdict *out)
{
    *out = (struct msg_verdict){.experiment = verdict->experiment,
                                .trial = verdict->trial,
                                .attempt = verdict->attempt,
                                .acked_seq = verdict->acked_seq,
                                .action = verdict->action,
                                .horizon = verdict->horizon,
                                .config = verdict->config,
                                .checkpoint = verdict->checkpoint};
}

void wire_error(const struct effect_reply *reply, struct msg_error *error)
{
    static const uint32_t codes[] = {
        [REPLY_OK] = 0,
        [REPLY_NOT_FOUND] = ERROR_NOT_FOUND,
        [REPLY_CONFLICT] = ERROR_CONFLICT,
        [REPLY_INVALID] = ERROR_INVALID,
        [REPLY_LIMIT] = ERROR_LIMIT,
        [REPLY_DENIED] = ERROR_DENIED,
        [REPLY_BUSY] = ERROR_BUSY,
    };

    *error = (struct msg_error){
        .code = codes[reply->code], .what = reply->what, .why = reply->why, .mend = reply->mend};
}

void wire_experiment(const struct view_experiment *experiment, struct arena *arena,
                     struct msg_experiment *out)
{
    const struct spec *spec = &experiment->spec;
    struct msg_env *env = arena_alloc(arena, spec->env_count * sizeof(*env));

    for (uint32_t i = 0; i < spec->env_count; i++)
        env[i] = (struct msg_env){.name = span_text(spec->env[i].name),
                                  .value = span_text(spec->env[i].value)};
    *out = (struct msg_experiment){
        .experiment = experiment->row.experiment,
        .name = experiment->row.name,
        .run_kind = (uint32_t)spec->run_kind,
        .run = span_text(spec->run),
        .run_name = span_text(spec->run_name),
        .start = (uint32_t)spec->start,
        .code = experiment->row.code,
        .folder = experiment->row.folder,
        .horizon_attribute = span_text(spec->scheduler.time_attr),
        .stop = {.items = spec->stop, .count = spec->watched_count},
        .env = {.items = env, .count = spec->env_count},
        .time_limit_ms = spec->time_limit_ms,
        .report_timeout_ms = spec->report_timeout_ms,
        .interpreter = span_text(spec->interpreter != NULL ? spec->interpreter : ""),
        .checkpoint_freq = spec->checkpoint_freq,
        .checkpoint_at_end = spec->checkpoint_at_end,
        .reuse = spec->reuse,
    };
}

void wire_experiment_row(const struct view *view, const struct view_experiment *experiment,
                         struct msg_experiment_row *row)
{
    const struct effect_experiment *from = &experiment->row;
    const struct view_principal *owner = view_principal(view, from->principal);
    const struct spec *spec = &experiment->spec;
    const uint32_t *counts = from->counts;
    const char *state = "RUNNING";

    if (from->state == EXPERIMENT_DONE)
        state = counts[TRIAL_FAILED] > 0 ? "ERROR" : "TERMINATED";
    else if (from->paused)
        state = "PAUSED";
    *row = (struct msg_experiment_row){
        .experiment = from->experiment,
        .name = from->name,
        .state = span_text(state),
        .owner = span_text(owner != NULL ? owner->name : ""),
        .submitted_ms = from->submitted_ms,
        .ended_ms = from->ended_ms,
        .total = from->total,
        .created = from->created,
        .pending = counts[TRIAL_PENDING],
        .running = counts[TRIAL_STARTING] + counts[TRIAL_RUNNING] + counts[TRIAL_PAUSING] +
                   counts[TRIAL_STOPPING],
        .paused = counts[TRIAL_PAUSED],
        .terminated = counts[TRIAL_DONE] + counts[TRIAL_STOPPED],
        .error = counts[TRIAL_FAILED],
        .results = from->results,
        .folder = from->folder,
        .metric = span_text(spec_metric(spec)),
        .mode = (uint32_t)spec_mode(spec),
        .why = from->why,
    };
}

/* The constants of a trial's attempt, as far as they show in a row's last result. */
static struct span trial_last(const struct view_trial *trial, const struct view_node *node,
                              struct arena *arena)
{
    struct result_constants constants = {
        .hostname = node != NULL ? node->row.hostname : (struct span){0},
        .node_ip = node != NULL ? node->row.node_ip : (struct span){0},
        .pid = trial->pid,
        .config = trial->config,
        .experiment_id = span_text(trial->experiment_id),
    };
    struct cursor cursor;
    struct result result;
    struct buf dict;
    struct span out = {0};

    cursor_init(&cursor, trial->last);
    if (result_unpack(&cursor, &result) != 0)
        return out;
    if (trial_is_final(trial->state) && trial->state != TRIAL_FAILED)
        result.done = true;
    buf_init(&dict);
    result_dict(&result, &constants, &dict);
    out = arena_copy(arena, buf_span(&dict));
    buf_fini(&dict);
    return out;
}

/* Whether an attempt of it has ended. */
static bool has_ended_once(const struct view_trial *trial)
{
    return trial->ended_ms > 0 || trial->attempt > 1 ||
           (trial->attempt > 0 && trial->state == TRIAL_PENDING);
}

void wire_trial_row(const struct view *view, const struct view_experiment *experiment,
                    const struct view_trial *trial, bool whole, struct arena *arena,
                    struct msg_trial_row *row)
{
    const struct view_node *node = view_node(view, trial->node);
    struct buf summary;

    buf_init(&summary);
    resources_summary(&experiment->spec.resources, &summary);
    *row = (struct msg_trial_row){
        .experiment = experiment->row.experiment,
        .trial = trial->trial,
        .id = trial->id,
        .name = trial->name,
        .tag = trial->tag,
        .state = span_text(trial_state_label(trial->ahead ? TRIAL_PENDING : trial->state)),
        .attempt = trial->attempt,
        .failures = trial->failures,
        .node = node != NULL ? node->row.name : (struct span){0},
        .hostname = node != NULL ? node->row.hostname : (struct span){0},
        .pid = trial->pid,
        .started_ms = trial->started_ms,
        .ended_ms = trial->ended_ms,
        .results = trial->results,
        .reason = span_text(has_ended_once(trial) ? end_reason_name(trial->reason) : ""),
        .status = trial->status,
        .text = trial->text,
        .has_best = trial->has_best,
        .best = trial->best,
        .best_at = trial->best_at,
        .version = trial->version,
        .summary = arena_copy(arena, buf_span(&summary)),
    };
    buf_fini(&summary);
    if (trial->last.size > 0)
        row->last = trial_last(trial, node, arena);
    if (trial->folder.size > 0)
        row->folder = span_text(
            arena_printf(arena, "%.*s/%.*s", SPAN(experiment->row.folder), SPAN(trial->folder)));
    if (whole)
        row->config = trial->config;
}

void wire_attempt_row(const struct view *view, const struct past *past, struct msg_attempt_row *row)
{
    const struct view_node *node = view_node(view, past->node);

    *row = (struct msg_attempt_row){
        .attempt = past->attempt,
        .node = node != NULL ? node->row.name : (struct span){0},
        .restored = past->restored,
        .from_iteration = past->from_iteration,
        .ran_ms = past->ran_ms,
        .ended_ms = past->ended_ms,
        .reason = span_text(end_reason_name(past->reason)),
        .status = past->status,
        .results = past->results,
    };
}

static const char *node_label(uint32_t state)
{
    static const char *const labels[NODE_STATE_COUNT] = {
        [NODE_UP] = "UP", [NODE_DRAINING] = "DRAINING", [NODE_LOST] = "LOST", [NODE_FULL] = "FULL"};

    return state < NODE_STATE_COUNT ? labels[state] : "UP";
}

void wire_node_row(const struct view_node *node, uint64_t now_ms, struct msg_node_row *row)
{
    const struct effect_node *from = &node->row;

    *row = (struct msg_node_row){
        .node = from->node,
        .name = from->name,
        .hostname = from->hostname,
        .node_ip = from->node_ip,
        .state = span_text(node_label(from->state)),
        .capacity = from->capacity,
        .used = from->used,
        .gpus = from->gpus,
        .running = from->running,
        .ahead = from->ahead,
        .heard_ms_ago = node->heard_ms > 0 && now_ms > node->heard_ms ? now_ms - node->heard_ms : 0,
    };
}
