#include "head/query.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "head/sink/feed.h"
#include "head/wire.h"

void query_list(const struct view *view, const struct msg_list *ask, struct arena *arena,
                struct msg_experiments *out)
{
    size_t count;
    struct view_experiment *const *all = view_experiments(view, &count);
    size_t most = ask->limit > 0 ? ask->limit : LIMIT_ROWS_REPLY;
    struct msg_experiment_row *rows;
    size_t skip = count;

    for (size_t bytes = 0; skip > 0 && count - skip < most; skip--) {
        bytes += 512 + all[skip - 1]->row.folder.size + all[skip - 1]->row.why.size;
        if (bytes > QUERY_ROWS_BYTES)
            break;
    }
    rows = arena_alloc(arena, (count - skip) * sizeof(*rows));
    for (size_t i = skip; i < count; i++)
        wire_experiment_row(view, all[i], &rows[i - skip]);
    out->rows = (struct record_list){.items = rows, .count = (uint32_t)(count - skip)};
}

size_t query_row_bytes(const struct msg_trial_row *row)
{
    return 256 + row->name.size + row->tag.size + row->config.size + row->last.size +
           row->text.size + row->folder.size;
}

int query_trials(const struct view *view, const struct msg_trials *ask, struct arena *arena,
                 struct msg_trial_rows *out, bool *nothing)
{
    const struct view_experiment *experiment = view_experiment(view, ask->experiment);
    const struct view_trial *trial;
    struct view_changes changes;
    struct view_change change;
    struct msg_trial_row *rows;
    uint32_t limit = ask->limit;
    uint32_t count = 0;
    size_t bytes = 0;
    bool more = true;

    if (experiment == NULL)
        return ERR_NOT_FOUND;
    if (limit == 0 || limit > LIMIT_ROWS_REPLY)
        limit = LIMIT_ROWS_REPLY;
    rows = arena_alloc(arena, limit * sizeof(*rows));
    *out = (struct msg_trial_rows){.version = ask->after_version};
    view_changes_after(experiment, ask->after_version, &changes);
    while (count < limit && bytes < QUERY_ROWS_BYTES &&
           (more = view_changes_next(&changes, &change))) {
        out->version = change.version;
        if (ask->state.size > 0 && !span_is(ask->state, change.label))
            continue;
        trial = view_trial(experiment, change.trial, arena);
        if (trial == NULL)
            continue; /* its row is lost: said in the log */
        wire_trial_row(view, experiment, trial, true, arena, &rows[count]);
        bytes += query_row_bytes(&rows[count++]);
    }
    out->rows = (struct record_list){.items = rows, .count = count};
    out->more = more && view_changes_next(&changes, &change);
    out->ended = experiment->row.state == EXPERIMENT_DONE;
    *nothing = count == 0 && !out->ended;
    return 0;
}

int query_want(const struct view *view, const struct msg_want *ask, struct msg_wanted *out,
               bool *nothing)
{
    const struct view_experiment *experiment = view_experiment(view, ask->experiment);
    const struct effect_experiment *row;

    if (experiment == NULL)
        return ERR_NOT_FOUND;
    row = &experiment->row;
    *out = (struct msg_wanted){.count = row->wanted, .over = row->state == EXPERIMENT_DONE};
    *nothing = out->count == 0 && !out->over;
    return 0;
}

/* Whether trial a goes before trial b: better, the earlier number at a tie. */
static bool better(const struct view_slot *slots, uint32_t a, uint32_t b, enum metric_mode mode)
{
    if (slots[a].best != slots[b].best)
        return mode == MODE_MAX ? slots[a].best > slots[b].best : slots[a].best < slots[b].best;
    return a < b;
}

/* Numbers of the best `want` trials in order into best, which has room for one more. */
static uint32_t pick_best(const struct view_experiment *experiment, enum metric_mode mode,
                          uint32_t want, uint32_t *best)
{
    const struct view_slot *slots = experiment->slots;
    uint32_t count = 0;

    for (uint32_t number = 0; number < experiment->slot_count && want > 0; number++) {
        uint32_t at = count;

        if (!slots[number].has_best)
            continue;
        while (at > 0 && better(slots, number, best[at - 1], mode)) {
            best[at] = best[at - 1];
            at--;
        }
        best[at] = number;
        if (count < want)
            count++;
    }
    return count;
}

int query_best(const struct view *view, const struct msg_best *ask, struct arena *arena,
               struct msg_trial_rows *out)
{
    const struct view_experiment *experiment = view_experiment(view, ask->experiment);
    const struct view_trial *trial;
    struct msg_trial_row *rows;
    struct msg_experiment_row shown;
    uint32_t want = ask->count < LIMIT_ROWS_REPLY ? ask->count : LIMIT_ROWS_REPLY;
    uint32_t count;
    uint32_t used = 0;
    uint32_t *best;
    size_t bytes = 0;

    if (experiment == NULL)
        return ERR_NOT_FOUND;
    wire_experiment_row(view, experiment, &shown);
    best = arena_alloc(arena, (want + 1) * sizeof(*best));
    count = pick_best(experiment, (enum metric_mode)shown.mode, want, best);
    rows = arena_alloc(arena, count * sizeof(*rows));
    for (uint32_t i = 0; i < count && bytes < QUERY_ROWS_BYTES; i++) {
        trial = view_trial(experiment, best[i], arena);
        if (trial == NULL)
            continue; /* its row is lost: said in the log */
        wire_trial_row(view, experiment, trial, true, arena, &rows[used]);
        bytes += query_row_bytes(&rows[used++]);
    }
    *out = (struct msg_trial_rows){.rows = {.items = rows, .count = used},
                                   .version = experiment->version,
                                   .ended = experiment->row.state == EXPERIMENT_DONE};
    return 0;
}

/* An only attempt with which its trial has ended: the core keeps nothing beside the row. It began
 * fresh, as first attempts do. */
static bool only_attempt(const struct view_trial *trial, struct past *past)
{
    if (trial->attempt != 1 || !trial_is_final(trial->state))
        return false;
    *past = (struct past){
        .attempt = 1,
        .reason = trial->reason,
        .status = trial->status,
        .node = trial->node,
        .ran_ms = trial->started_ms > 0 && trial->ended_ms > trial->started_ms
                      ? trial->ended_ms - trial->started_ms
                      : 0,
        .ended_ms = trial->ended_ms,
        .results = trial->results,
    };
    return true;
}

/* The core may be ahead of what is committed: a reader hears of no end before that is. */
static bool is_shown(const struct past *past, const struct view_trial *trial)
{
    return past->attempt < trial->attempt ||
           (past->attempt == trial->attempt && !trial_is_live(trial->state));
}

static struct record_list past_attempts(const struct view *view, const struct core *core,
                                        uint32_t experiment, const struct view_trial *trial,
                                        struct arena *arena)
{
    const struct record_list *list = core_past(core, experiment, trial->trial);
    const struct past *past = list != NULL ? list->items : NULL;
    uint32_t most = list != NULL ? list->count : 0;
    struct msg_attempt_row *rows = arena_alloc(arena, (most + 1) * sizeof(*rows));
    uint32_t count = 0;
    struct past only;

    for (uint32_t i = 0; i < most; i++)
        if (is_shown(&past[i], trial))
            wire_attempt_row(view, &past[i], &rows[count++]);
    if (most == 0 && only_attempt(trial, &only))
        wire_attempt_row(view, &only, &rows[count++]);
    return (struct record_list){.items = rows, .count = count};
}

int query_show(const struct view *view, const struct core *core, const struct msg_show *ask,
               struct arena *arena, struct msg_show_reply *out)
{
    const struct view_experiment *experiment = view_experiment(view, ask->experiment);
    const struct view_trial *trial = NULL;
    struct msg_trial_row *row;

    if (experiment == NULL)
        return ERR_NOT_FOUND;
    if (ask->trial != MSG_ALL) {
        trial = view_trial(experiment, ask->trial, arena);
        if (trial == NULL)
            return ERR_NOT_FOUND;
    }
    *out = (struct msg_show_reply){.spec = experiment->row.spec};
    wire_experiment_row(view, experiment, &out->experiment);
    if (trial != NULL) {
        row = arena_alloc(arena, sizeof(*row));
        wire_trial_row(view, experiment, trial, true, arena, row);
        out->trials = (struct record_list){.items = row, .count = 1};
        out->attempts = past_attempts(view, core, ask->experiment, trial, arena);
    }
    return 0;
}

void query_said_last(const struct view *view, uint32_t number, uint32_t trial_number,
                     struct arena *arena, struct buf *out)
{
    const struct view_experiment *experiment = view_experiment(view, number);
    const struct view_trial *trial =
        experiment != NULL ? view_trial(experiment, trial_number, arena) : NULL;

    if (trial == NULL || trial->text.size == 0)
        return;
    buf_append_text(out, "What was said of its last end:\n");
    for (const char *at = trial->text.data, *end = at + trial->text.size; at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t size = (size_t)((stop != NULL ? stop : end) - at);

        buf_printf(out, "  %.*s\n", (int)size, at);
        at += size + 1;
    }
}

void query_nodes(const struct view *view, uint64_t now_ms, struct arena *arena,
                 struct msg_node_rows *out)
{
    size_t count;
    struct view_node *const *nodes = view_nodes(view, &count);
    struct msg_node_row *rows = arena_alloc(arena, count * sizeof(*rows));
    uint32_t used = 0;

    for (size_t i = 0, bytes = 0; i < count && used < LIMIT_SESSIONS && bytes < QUERY_ROWS_BYTES;
         i++) {
        const struct effect_node *row = &nodes[i]->row;

        wire_node_row(nodes[i], now_ms, &rows[used++]);
        bytes += 256 + row->name.size + row->hostname.size + row->node_ip.size +
                 (row->capacity.custom.count + row->used.custom.count) * (LIMIT_NAME_BYTES + 16);
    }
    out->rows = (struct record_list){.items = rows, .count = used};
}

void query_tokens(const struct view *view, const struct msg_token_list *ask, struct arena *arena,
                  struct msg_token_rows *out)
{
    static const char *const roles[ROLE_COUNT] = {"none", "worker", "submit", "read", "admin"};
    size_t all;
    const struct view_token *tokens = view_tokens(view, &all);
    size_t most = ask->limit > 0 ? ask->limit : LIMIT_TOKENS;
    size_t count = all < most ? all : most;
    struct msg_token_row *rows = arena_alloc(arena, count * sizeof(*rows));

    tokens += all - count; /* the newest */
    for (size_t i = 0; i < count; i++) {
        char hex[sizeof(tokens[i].id) * 2 + 1];

        for (size_t k = 0; k < sizeof(tokens[i].id); k++)
            (void)snprintf(hex + 2 * k, 3, "%02x", tokens[i].id[k]);
        rows[i] = (struct msg_token_row){.id = span_text(arena_strdup(arena, hex)),
                                         .role = span_text(roles[tokens[i].row.role]),
                                         .uses_left = tokens[i].row.uses_left,
                                         .expires_ms = tokens[i].row.expires_ms,
                                         .revoked = tokens[i].row.revoked};
    }
    out->rows = (struct record_list){.items = rows, .count = (uint32_t)count};
}

/* Of a request; 0 is no wish. */
static uint32_t bytes_limit(uint32_t asked)
{
    return asked > 0 && asked < LIMIT_CHUNK_BYTES ? asked : LIMIT_CHUNK_BYTES;
}

static char *trial_folder(const struct view_experiment *experiment, const struct view_trial *trial,
                          struct arena *arena)
{
    return arena_printf(arena, "%.*s/%.*s", SPAN(experiment->row.folder), SPAN(trial->folder));
}

int query_results(const struct view *view, struct sinks *sinks, const struct msg_results *ask,
                  struct arena *arena, struct msg_lines *out, bool *nothing)
{
    const struct view_experiment *experiment = view_experiment(view, ask->experiment);
    const struct view_trial *trial = NULL;
    uint32_t limit = bytes_limit(ask->limit_bytes);
    uint64_t cursor = ask->cursor;
    uint64_t rows;
    struct buf lines;
    int err = 0;

    if (experiment == NULL)
        return ERR_NOT_FOUND;
    buf_init(&lines);
    if (ask->trial == MSG_ALL) {
        rows = sinks_feed_rows(sinks, ask->experiment);
        if (cursor < rows)
            err = feed_experiment((const char *)experiment->row.folder.data, &cursor, rows, limit,
                                  &lines);
        out->ended = experiment->row.state == EXPERIMENT_DONE && cursor >= rows &&
                     rows >= experiment->row.results;
    } else {
        trial = view_trial(experiment, ask->trial, arena);
        if (trial == NULL) {
            buf_fini(&lines);
            return ERR_NOT_FOUND;
        }
        if (trial->folder.size > 0)
            err = feed_trial(trial_folder(experiment, trial, arena), &cursor, limit, &lines);
        out->ended = trial_is_final(trial->state) && lines.size == 0;
    }
    if (err == ERR_NOT_FOUND)
        err = 0; /* nothing was written yet */
    out->lines = arena_copy(arena, buf_span(&lines));
    out->cursor = cursor;
    *nothing = lines.size == 0 && !out->ended;
    buf_fini(&lines);
    return err;
}

int query_logs(const struct view *view, const struct msg_logs *ask, struct arena *arena,
               struct msg_log_chunk *out, bool *nothing)
{
    const struct view_experiment *experiment = view_experiment(view, ask->experiment);
    const struct view_trial *trial;
    uint32_t limit = bytes_limit(ask->limit_bytes);
    uint64_t offset = ask->offset;
    struct buf bytes;
    int err = 0;

    trial = experiment != NULL ? view_trial(experiment, ask->trial, arena) : NULL;
    if (trial == NULL)
        return ERR_NOT_FOUND;
    buf_init(&bytes);
    if (trial->folder.size > 0)
        err = feed_file(trial_folder(experiment, trial, arena),
                        ask->stream == OUTPUT_STDERR ? "stderr" : "stdout", &offset, limit, &bytes);
    if (err == ERR_NOT_FOUND)
        err = 0;
    *out = (struct msg_log_chunk){.bytes = arena_copy(arena, buf_span(&bytes)),
                                  .offset = offset,
                                  .ended = trial_is_final(trial->state) && bytes.size == 0};
    *nothing = bytes.size == 0 && !out->ended;
    buf_fini(&bytes);
    return err;
}
