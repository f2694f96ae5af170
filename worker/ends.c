#include "worker/ends.h"

#include <stdlib.h>

#include "common/action.h"
#include "common/limits.h"
#include "common/record.h"
#include "common/table.h"
#include "common/xalloc.h"

#define ENDS_A_FRAME 256u

struct end {
    struct end *previous;
    struct end *next;
    struct agent_attempt who;
    uint64_t seq;
    bool sent;
    struct buf record; /* packed */
};

struct ends {
    struct end *first;
    struct end *last;
    struct table *by_attempt;
    size_t unsent;
};

struct ends *ends_new(void)
{
    struct ends *ends = xcalloc(1, sizeof(*ends));

    ends->by_attempt = table_new();
    return ends;
}

static struct span key_of(const struct agent_attempt *who)
{
    return span_of(who, sizeof(*who));
}

static void end_drop(struct ends *ends, struct end *end)
{
    if (end->previous != NULL)
        end->previous->next = end->next;
    else
        ends->first = end->next;
    if (end->next != NULL)
        end->next->previous = end->previous;
    else
        ends->last = end->previous;
    ends->unsent -= !end->sent;
    (void)table_remove(ends->by_attempt, key_of(&end->who));
    buf_fini(&end->record);
    free(end);
}

void ends_free(struct ends *ends)
{
    if (ends == NULL)
        return;
    while (ends->first != NULL)
        end_drop(ends, ends->first);
    table_free(ends->by_attempt);
    free(ends);
}

void ends_add(struct ends *ends, const struct agent_attempt *who, uint64_t seq, uint32_t reason,
              const char *text, uint64_t unix_ms)
{
    struct record record = {.kind = RECORD_END,
                            .end = {.reason = reason, .unix_ms = unix_ms, .text = span_text(text)}};
    struct end *end;

    if (table_get(ends->by_attempt, key_of(who)) != NULL)
        return;
    if (record.end.text.size > LIMIT_END_TEXT)
        record.end.text.size = LIMIT_END_TEXT;
    end = xcalloc(1, sizeof(*end));
    end->who = *who;
    end->seq = seq;
    buf_init(&end->record);
    record_pack(&record, &end->record);
    end->previous = ends->last;
    if (ends->last != NULL)
        ends->last->next = end;
    else
        ends->first = end;
    ends->last = end;
    ends->unsent++;
    (void)table_put(ends->by_attempt, key_of(who), end);
}

bool ends_verdict(struct ends *ends, const struct msg_verdict *verdict)
{
    const struct agent_attempt who = {verdict->experiment, verdict->trial, verdict->attempt};
    struct end *end = table_get(ends->by_attempt, key_of(&who));

    if (end == NULL)
        return false;
    if (verdict->action == ACTION_FENCED || verdict->acked_seq >= end->seq) {
        end_drop(ends, end);
        return true;
    }
    /* The head lacks records that died with the executor: for it the end comes earlier. */
    if (verdict->action == ACTION_RESEND) {
        end->seq = verdict->acked_seq + 1;
        ends->unsent += end->sent;
        end->sent = false;
    }
    return true;
}

bool ends_has_unsent(const struct ends *ends)
{
    return ends->unsent > 0;
}

bool ends_take(struct ends *ends, struct buf *frame)
{
    struct msg_batch batches[ENDS_A_FRAME];
    struct msg_reports reports = {.batches = {.items = batches}};
    uint32_t count = 0;

    if (ends->unsent == 0)
        return false;
    for (struct end *end = ends->first; end != NULL && count < ENDS_A_FRAME; end = end->next) {
        if (end->sent)
            continue;
        batches[count++] = (struct msg_batch){.experiment = end->who.experiment,
                                              .trial = end->who.trial,
                                              .attempt = end->who.attempt,
                                              .first_seq = end->seq,
                                              .count = 1,
                                              .records = buf_span(&end->record)};
        end->sent = true;
    }
    ends->unsent -= count;
    reports.batches.count = count;
    message_pack(MSG_REPORTS, 0, &reports, frame);
    return true;
}

void ends_rewind(struct ends *ends)
{
    ends->unsent = 0;
    for (struct end *end = ends->first; end != NULL; end = end->next) {
        end->sent = false;
        ends->unsent++;
    }
}

bool ends_has(const struct ends *ends, const struct agent_attempt *who)
{
    return table_get(ends->by_attempt, key_of(who)) != NULL;
}

size_t ends_count(const struct ends *ends)
{
    return table_count(ends->by_attempt);
}

void ends_list(const struct ends *ends, struct msg_held *out)
{
    for (const struct end *end = ends->first; end != NULL; end = end->next)
        *out++ = (struct msg_held){.experiment = end->who.experiment,
                                   .trial = end->who.trial,
                                   .attempt = end->who.attempt,
                                   .last_seq = end->seq};
}
