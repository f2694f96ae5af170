/* ENDs of attempts that no executor can report: the daemon says them, until the head has them. */
#include "tests/sim/host.h"
#include "tests/sim/world.h"

void host_end_send(struct world *world, struct host *host, const struct own_end *end)
{
    struct record record = {.kind = RECORD_END,
                            .end = {.reason = end->reason, .text = span_text("gone")}};
    struct buf packed = {0};

    record_pack(&record, &packed);
    checker_wrote(world->checker, &end->who, end->seq, &record, buf_span(&packed));
    host_send_report(world, host, &end->who, end->seq, 1, buf_span(&packed));
    buf_fini(&packed);
}

void host_end_add(struct world *world, struct host *host, const struct agent_effect *effect)
{
    struct own_end *end = arena_zalloc(&world->arena, sizeof(*end));

    *end = (struct own_end){
        .next = host->ends,
        .who = {effect->who.experiment, effect->who.trial, effect->who.attempt},
        .seq = effect->seq,
        .reason = effect->reason,
    };
    host->ends = end;
    world_say(world, "host %u ends %u/%u attempt %u itself: %s", host->index, end->who.experiment,
              end->who.trial, end->who.attempt, end_reason_name(end->reason));
    if (end->reason == END_START)
        world_fail(world, "I15: host %u cannot hold %u/%u, and the trial is blamed", host->index,
                   end->who.experiment, end->who.trial);
    host_end_send(world, host, end);
}

bool host_end_verdict(struct world *world, struct host *host, const struct effect_verdict *verdict)
{
    for (struct own_end **at = &host->ends; *at != NULL; at = &(*at)->next) {
        struct own_end *end = *at;

        if (end->who.experiment != verdict->experiment || end->who.trial != verdict->trial ||
            end->who.attempt != verdict->attempt)
            continue;
        if (verdict->action == ACTION_FENCED || verdict->acked_seq >= end->seq) {
            *at = end->next;
        } else if (verdict->action == ACTION_RESEND) {
            end->seq = verdict->acked_seq + 1;
            host_end_send(world, host, end);
        }
        return true;
    }
    return false;
}
