#include "tests/sim/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/action.h"
#include "common/pack.h"
#include "common/stop.h"
#include "common/xalloc.h"

#define STREAM_SCRIPT (UINT64_C(6) << 40)
#define REPORTS_MOST  150u

static void run_step(struct world *world, void *subject, uint64_t generation);
static void run_settle(struct world *world, struct run *run);

/* What the program will do: the same whatever happens around it. */
static void script_draw(const struct world *world, struct run *run)
{
    const struct plan_experiment *plan = &world->plan.experiments[run->plan];
    static const uint32_t reasons[] = {END_EXIT, END_SIGNAL, END_PROTOCOL, END_START};

    run->script = (struct rng){
        .seed = world->seed,
        .stream = STREAM_SCRIPT + ((uint64_t)run->plan << 32) + (uint64_t)run->who.trial * 64 +
                  run->who.attempt % 64,
    };
    run->reports = (uint32_t)rng_next_below(&run->script, plan->reports + 1);
    run->waits = rng_chance(&run->script, 50);
    run->says_done = rng_chance(&run->script, 30);
    run->rash = rng_chance(&run->script, 20) && plan_has(&world->plan, FAULT_REPEAT);
    run->end_reason = END_COMPLETED;
    if (plan->doomed) {
        run->reports = 0;
        run->end_reason = END_EXIT;
        run->says_done = false;
        return;
    }
    if (plan->deadly && run->who.trial == 1) {
        run->reports = (uint32_t)rng_next_below(&run->script, 2);
        run->end_reason = END_EXECUTOR_LOST;
        run->says_done = false;
        return;
    }
    /* Who is tried again without end must come to one. */
    if (rng_next_below(&run->script, 16) < plan->fail_of_16 && run->who.attempt < 6) {
        run->end_reason = reasons[rng_next_below(&run->script, 4)];
        run->says_done = false;
    } else if (plan->never_done) {
        run->reports = REPORTS_MOST;
    }
}

static void step_after(struct world *world, struct run *run, uint64_t most_us)
{
    world_after(world, rng_next_below(&run->script, most_us + 1), run_step, run, run->generation);
}

void run_start(struct world *world, struct host *host, const struct whose *who,
               const struct run_order *order)
{
    struct run *run = xcalloc(1, sizeof(*run));

    if (run_find(host, who) != NULL)
        world_fail(world, "I3: %u/%u attempt %u is started twice on host %u", who->experiment,
                   who->trial, who->attempt, host->index);
    run->host = host;
    run->who = *who;
    run->plan = checker_plan_of(world->checker, who->experiment);
    run->horizon = order->horizon;
    run->restores = order->restores;
    run->counters = order->counters;
    run->device_count = order->device_count;
    memcpy(run->devices, order->devices, sizeof(run->devices));
    run->next = host->runs;
    host->runs = run;
    script_draw(world, run);
    run->broken = run->restores && rng_next_below(&run->script, 16) <
                                       world->plan.experiments[run->plan].breaks_of_16;
    world_say(world, "host %u starts %u/%u attempt %u", host->index, who->experiment, who->trial,
              who->attempt);
    checker_began(world->checker, who);
    checker_process(world->checker, host->index, who,
                    &world->plan.experiments[run->plan].spec.resources, order->devices,
                    order->device_count);
    step_after(world, run, 20000);
}

struct run *run_find(const struct host *host, const struct whose *who)
{
    for (struct run *run = host->runs; run != NULL; run = run->next)
        if (!run->dead && memcmp(&run->who, who, sizeof(*who)) == 0)
            return run;
    return NULL;
}

void run_free(struct run *run)
{
    buf_fini(&run->spool);
    free(run->offsets);
    free(run);
}

/* ---- records ---- */

static void record_write(struct world *world, struct run *run, const struct record *record)
{
    size_t begin = run->spool.size;

    run->offsets = xrealloc(run->offsets, run->last + 2, sizeof(*run->offsets));
    record_pack(record, &run->spool);
    run->offsets[run->last++] = begin;
    run->offsets[run->last] = run->spool.size;
    checker_wrote(world->checker, &run->who, run->last, record,
                  span_of(run->spool.data + begin, run->spool.size - begin));
}

static void send_records(struct world *world, struct run *run, uint64_t from, uint64_t to)
{
    if (from <= to)
        host_send_report(world, run->host, &run->who, from, (uint32_t)(to - from + 1),
                         span_of(run->spool.data + run->offsets[from - 1],
                                 run->offsets[to] - run->offsets[from - 1]));
}

/* Some come twice, some too early, some with others that were there before. */
static void send_oddly(struct world *world, struct run *run, uint64_t from)
{
    switch (rng_next_below(&world->trouble, 3)) {
    case 0:
        send_records(world, run, from, run->last);
        send_records(world, run, run->acked + 1, run->last);
        return;
    case 1:
        send_records(world, run, (from + run->last + 1) / 2, run->last);
        send_records(world, run, from, run->last);
        return;
    default:
        send_records(world, run, run->acked + 1 < from ? from - 1 : from, run->last);
    }
}

void run_flush(struct world *world, struct run *run)
{
    struct agent_event event = {
        .type = AGENT_SEEN,
        .who = {run->who.experiment, run->who.trial, run->who.attempt},
        .seq = run->last,
    };

    if (run->fenced || run->dead || run->host->deaf || run->host->agent == NULL ||
        run->sent == run->last)
        return;
    host_agent(world, run->host, &event);
    if (plan_has(&world->plan, FAULT_REPEAT) && !world->calm && rng_chance(&world->trouble, 30))
        send_oddly(world, run, run->sent + 1);
    else
        send_records(world, run, run->sent + 1, run->last);
    run->sent = run->last;
}

void run_rewind(struct world *world, struct run *run)
{
    run->sent = run->acked;
    run_flush(world, run);
}

/* ---- the program ---- */

static void process_gone(struct world *world, struct run *run)
{
    if (!run->gone)
        checker_process_gone(world->checker, run->host->index, &run->who);
    run->gone = true;
    run->generation++;
}

static void run_close(struct world *world, struct run *run, uint32_t reason)
{
    if (run->closed || run->ended)
        return;
    run->closed = true;
    run->reason = reason;
    run->holding = false;
    run->held = 0;
    run->generation++;
    if (!run->gone)
        step_after(world, run, 30000);
}

/* Its bytes are with the head: of which checkpoint they are, they say themselves. */
static void checkpoint_arrives(struct world *world, struct run *run)
{
    struct record record = {.kind = RECORD_CHECKPOINT};
    uint8_t manifest[LIMIT_HASH_BYTES] = {0};

    memcpy(manifest, &run->who, sizeof(run->who));
    memcpy(manifest + sizeof(run->who), &run->sending, sizeof(run->sending));
    record.checkpoint = (struct record_checkpoint){
        .number = run->sending, .manifest = span_of(manifest, sizeof(manifest)), .bytes = 100};
    record_write(world, run, &record);
    run->sending = run->behind;
    run->behind = 0;
}

/* Two at once: a third takes the place of the second. */
static void checkpoint_begins(struct world *world, struct run *run)
{
    struct record record = {.kind = RECORD_MARK};

    record.mark.number = ++run->marks;
    record.mark.other = run->sending;
    autofill_counters(&run->fill, &record.mark.counters);
    record_write(world, run, &record);
    if (run->sending == 0)
        run->sending = run->marks;
    else
        run->behind = run->marks;
}

static void checkpoints_go_on(struct world *world, struct run *run)
{
    uint32_t saves = world->plan.experiments[run->plan].saves_of_16;

    if (saves == 0)
        return;
    if (run->sending != 0 && rng_chance(&run->script, 40))
        checkpoint_arrives(world, run);
    if (rng_next_below(&run->script, 16) < saves)
        checkpoint_begins(world, run);
}

/* One report that counts. */
static void report_apply(struct world *world, struct run *run)
{
    const struct spec *spec = &world->plan.experiments[run->plan].spec;
    struct record record = {.kind = RECORD_RESULT};
    double now_s = (double)world->now_us / 1e6;
    struct horizon horizon = {.attribute = span_text(spec->scheduler.time_attr),
                              .value = run->horizon};
    struct buf report = {0};
    struct buf scratch = {0};
    struct span missing;
    bool said_done = run->says_done && ++run->made == run->reports;
    double r = rng_next_unit(&run->script);
    uint64_t record_seq;

    if (!run->says_done)
        run->made++;
    pack_map(&report, said_done ? 3 : 2);
    pack_text(&report, "r");
    pack_double(&report, r < 0.01 ? (double)NAN : r);
    pack_text(&report, "t");
    pack_uint(&report, run->made * 2 + rng_next_below(&run->script, 2));
    if (said_done) {
        pack_text(&report, "done");
        pack_bool(&report, true);
    }
    (void)autofill_report(&run->fill, buf_span(&report), now_s, 1600000000 + (int64_t)now_s,
                          &scratch, &record.result);
    record.result.done =
        stop_check(spec->stop, spec->watched_count, &record.result, &missing) == STOP_YES;
    record_write(world, run, &record);
    record_seq = run->last;
    checkpoints_go_on(world, run);
    if (record.result.done) {
        run_close(world, run, said_done ? END_COMPLETED : END_STOPPED);
    } else if (!run->rash && horizon_reached(&horizon, &record.result)) {
        run->holding = true;
        run->holding_seq = record_seq;
    }
    buf_fini(&report);
    buf_fini(&scratch);
}

static void run_begin(struct world *world, struct run *run)
{
    struct record record = {.kind = RECORD_START, .start = {.pid = 100}};

    run->started = true;
    if (run->end_reason == END_START || run->broken) {
        process_gone(world, run);
        return;
    }
    autofill_start(&run->fill, (double)world->now_us / 1e6, run->restores ? &run->counters : NULL);
    record_write(world, run, &record);
}

/* The next thing that its program does. */
static void run_step(struct world *world, void *subject, uint64_t generation)
{
    struct run *run = subject;
    uint64_t interval = world->plan.experiments[run->plan].interval_us;

    if (run->dead || run->gone || generation != run->generation)
        return;
    if (run->closed) {
        process_gone(world, run);
    } else if (!run->started) {
        run_begin(world, run);
    } else if (run->printed >= run->reports) {
        process_gone(world, run);
    } else {
        run->printed++;
        if (run->holding)
            run->held++;
        else
            report_apply(world, run);
    }
    run_flush(world, run);
    run_settle(world, run);
    if (!run->gone && !run->closed && !(run->holding && run->waits))
        step_after(world, run, interval * 2);
}

/* ---- the end ---- */

static void end_write(struct world *world, struct run *run)
{
    struct record record = {.kind = RECORD_END};

    while (run->sending != 0 && !run->broken && rng_chance(&run->script, 70))
        checkpoint_arrives(world, run);
    record.end.reason = run->closed ? run->reason : run->broken ? END_CHECKPOINT : run->end_reason;
    record.end.status = record.end.reason == END_EXIT ? 1 : 0;
    record_write(world, run, &record);
}

static void check_done(struct run *run)
{
    if (run->ended && run->vacated && (run->fenced || run->acked == run->last))
        run->dead = true;
}

static void run_settle(struct world *world, struct run *run)
{
    struct agent_event event = {
        .type = AGENT_VACATED,
        .who = {run->who.experiment, run->who.trial, run->who.attempt},
    };

    if (run->dead || !run->gone || run->holding || run->held > 0)
        return;
    if (!run->ended) {
        run->ended = true;
        if (!run->fenced)
            end_write(world, run);
        run_flush(world, run);
        run->vacated = true;
        event.seq = run->last;
        if (!run->host->deaf)
            host_agent(world, run->host, &event);
    }
    check_done(run);
}

void run_vanish(struct world *world, struct run *run)
{
    process_gone(world, run);
    run->dead = true;
}

/* ---- what the head says ---- */

/* The result that met the horizon was judged: it goes on, and the next one is measured again. */
static void horizon_move(struct world *world, struct run *run, double horizon)
{
    run->horizon = horizon;
    if (!run->holding || run->acked < run->holding_seq)
        return;
    run->holding = false;
    while (run->held > 0 && !run->holding && !run->closed) {
        run->held--;
        report_apply(world, run);
    }
    run_flush(world, run);
    if (run->waits && !run->holding && !run->closed && !run->gone) {
        run->generation++;
        step_after(world, run, world->plan.experiments[run->plan].interval_us * 2);
    }
}

/* One that can save does, unless it had no time to. */
static void save_asked(struct world *world, struct run *run)
{
    if (run->started && !run->closed && !run->gone && !run->fenced &&
        rng_chance(&run->script, 60) && world->plan.experiments[run->plan].saves_of_16 > 0)
        checkpoint_begins(world, run);
}

void run_verdict(struct world *world, struct run *run, const struct effect_verdict *verdict)
{
    if (verdict->acked_seq > run->last) {
        world_fail(world, "I1: %u/%u: %llu is acknowledged of %llu", run->who.experiment,
                   run->who.trial, (unsigned long long)verdict->acked_seq,
                   (unsigned long long)run->last);
        return;
    }
    if (verdict->acked_seq > run->acked)
        run->acked = verdict->acked_seq;
    if (run->sent < run->acked)
        run->sent = run->acked;
    switch ((int)verdict->action) {
    case ACTION_FENCED:
        run->fenced = true;
        run_close(world, run, END_STOPPED);
        break;
    case ACTION_RESEND:
        run_rewind(world, run);
        break;
    case ACTION_CONTINUE:
        horizon_move(world, run, verdict->horizon);
        break;
    case ACTION_SAVE:
        save_asked(world, run);
        horizon_move(world, run, verdict->horizon);
        break;
    case ACTION_PAUSE:
        save_asked(world, run);
        run_close(world, run, END_STOPPED);
        break;
    case ACTION_STOP:
        run_close(world, run, END_STOPPED);
        break;
    default:
        world_fail(world, "a verdict that nobody can follow: %u", verdict->action);
    }
    run_settle(world, run);
    check_done(run);
}
