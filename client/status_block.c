#include "client/status_block.h"

#include <stdlib.h>
#include <string.h>

#include "common/number.h"
#include "common/value.h"

#define LOW_MEMORY 0.9

static void append_amount(double amount, struct buf *out)
{
    buf_printf(out, "%.10g", amount);
}

static void append_usage(const struct msg_status_reply *status, struct buf *out)
{
    const struct msg_usage *usage = status->usage.items;

    buf_append_text(out, "Resources requested: ");
    if (status->nodes == 0 || status->usage.count < 2) {
        buf_append_text(out, "?\n");
        return;
    }
    for (uint32_t i = 0; i < status->usage.count; i++) {
        buf_append_text(out, i == 0 ? "" : i == 2 ? " (" : ", ");
        append_amount(usage[i].used, out);
        buf_append_char(out, '/');
        append_amount(usage[i].total, out);
        buf_printf(out, " %.*s", SPAN(usage[i].name));
    }
    buf_append_text(out, status->usage.count > 2 ? ")\n" : "\n");
}

static void append_memory(const struct msg_status_reply *status, struct buf *out)
{
    double used = (double)status->memory_used;
    double total = (double)status->memory_total;

    buf_printf(out, "Memory usage on this node: %.1f/%.1f GB", used / 1e9, total / 1e9);
    if (total > 0 && used / total > LOW_MEMORY)
        buf_append_text(out, ": ***LOW MEMORY*** less than a tenth of this machine's memory is "
                             "free; programs may be killed for it");
    buf_append_char(out, '\n');
}

/* A result's number as Tune shows it; false where it has none. */
static bool append_metric(const struct value *result, const char *key, const char *unit,
                          struct buf *out)
{
    const struct value *value = value_get(result, key);

    if (value == NULL || !value_is_number(value))
        return false;
    buf_append_text(out, ", ");
    out->size += number_short(value_number(value), (char *)buf_reserve(out, NUMBER_BYTES));
    buf_printf(out, " %s", unit);
    return true;
}

static void append_count(const struct value *result, const char *key, const char *unit,
                         struct buf *out)
{
    const struct value *value = value_get(result, key);

    if (value == NULL)
        return;
    if (value->type == VALUE_INT) {
        buf_printf(out, ", %lld %s", (long long)value->integer, unit);
    } else if (value->type == VALUE_DOUBLE) {
        buf_append_text(out, ", ");
        out->size += number_repr(value->number, (char *)buf_reserve(out, NUMBER_BYTES));
        buf_printf(out, " %s", unit);
    }
}

static void append_result(const struct msg_trial_row *row, struct span head_hostname,
                          const struct value *result, struct buf *out)
{
    const struct value *hostname = value_get(result, "hostname");
    const struct value *pid = value_get(result, "pid");
    const struct value *seconds = value_get(result, "time_total_s");

    if (row->summary.size > 0)
        buf_printf(out, ", [%.*s]", SPAN(row->summary));
    buf_append_text(out, ", [");
    if (hostname != NULL && hostname->type == VALUE_TEXT && !span_is(head_hostname, hostname->text))
        buf_printf(out, "%s ", hostname->text);
    buf_printf(out, "pid=%lld]",
               pid != NULL && pid->type == VALUE_INT ? (long long)pid->integer
                                                     : (long long)row->pid);
    if (seconds != NULL && value_is_number(seconds))
        buf_printf(out, ", %.0f s", __builtin_trunc(value_number(seconds)));
    append_count(result, "training_iteration", "iter", out);
    append_count(result, "timesteps_total", "ts", out);
    (void)append_metric(result, "episode_reward_mean", "rew", out);
    (void)append_metric(result, "mean_loss", "loss", out);
    (void)append_metric(result, "mean_accuracy", "acc", out);
}

void status_progress(const struct msg_trial_row *row, struct span head_hostname,
                     struct arena *arena, struct buf *out)
{
    struct cursor cursor;
    struct value result;

    buf_append_span(out, row->state);
    if (row->failures > 0)
        buf_printf(out, ", %u failures: %.*s/stderr", row->failures, SPAN(row->folder));
    if (row->last.size == 0)
        return;
    cursor_init(&cursor, row->last);
    if (value_unpack(&cursor, arena, &result) == 0 && result.type == VALUE_MAP)
        append_result(row, head_hostname, &result, out);
}

static void append_counts(const struct msg_status_reply *status, uint32_t total, struct buf *out)
{
    const struct msg_status_group *groups = status->groups.items;

    buf_printf(out, "Number of trials: %u ({", total);
    for (uint32_t i = 0; i < status->groups.count; i++)
        buf_printf(out, "%s'%.*s': %u", i > 0 ? ", " : "", SPAN(groups[i].state), groups[i].count);
    buf_append_text(out, "})\n");
}

static void append_group(const struct msg_status_group *group, struct span head_hostname,
                         struct arena *arena, struct buf *out)
{
    const struct msg_trial_row *rows = group->rows.items;

    buf_printf(out, "%.*s trials:\n", SPAN(group->state));
    for (uint32_t i = 0; i <= group->rows.count; i++) {
        uint32_t first =
            group->shown_first < group->rows.count ? group->shown_first : group->rows.count;

        if (i == first && group->rows.count < group->count)
            buf_printf(out, "  ... %u not shown\n", group->count - group->rows.count);
        if (i == group->rows.count)
            break;
        buf_printf(out, " - %.*s:\t", SPAN(rows[i].name));
        status_progress(&rows[i], head_hostname, arena, out);
        buf_append_char(out, '\n');
    }
}

/* Why it was ended, its first line: what stderr said is in the block at the end. */
static void append_why(struct span why, struct buf *out)
{
    const char *stop = why.size > 0 ? memchr(why.data, '\n', why.size) : NULL;
    size_t size = stop != NULL ? (size_t)(stop - (const char *)why.data) : why.size;

    if (size > 0)
        buf_printf(out, "Ended: %.*s\n", (int)size, (const char *)why.data);
}

static int group_compare(const void *a, const void *b)
{
    const struct msg_status_group *left = a;
    const struct msg_status_group *right = b;
    size_t least = left->state.size < right->state.size ? left->state.size : right->state.size;
    int order = memcmp(left->state.data, right->state.data, least);

    if (order != 0)
        return order;
    return (left->state.size > right->state.size) - (left->state.size < right->state.size);
}

void status_block(const struct msg_status_reply *status, struct arena *arena, struct buf *out)
{
    const struct msg_status_group *groups = status->groups.items;
    struct msg_status_group *sorted;
    uint32_t total = 0;

    for (uint32_t i = 0; i < status->groups.count; i++)
        total += groups[i].count;
    buf_append_text(out, "== Status ==\n");
    buf_append_span(out, status->scheduler);
    if (status->scheduler.size > 0 &&
        ((const char *)status->scheduler.data)[status->scheduler.size - 1] != '\n')
        buf_append_char(out, '\n');
    append_usage(status, out);
    append_memory(status, out);
    append_why(status->experiment.why, out);
    if (total > 0) {
        buf_printf(out, "Result logdir: %.*s\n", SPAN(status->experiment.folder));
        append_counts(status, total, out);
        sorted = arena_alloc(arena, status->groups.count * sizeof(*sorted));
        memcpy(sorted, groups, status->groups.count * sizeof(*sorted));
        qsort(sorted, status->groups.count, sizeof(*sorted), group_compare);
        for (uint32_t i = 0; i < status->groups.count; i++)
            append_group(&sorted[i], status->hostname, arena, out);
    }
    buf_append_char(out, '\n');
}
