/* What an attempt may take: time, time without a report, memory.
 *
 * Nothing of it is looked at when a result comes, but for the time, once a turn of the loop: one
 * deadline an attempt, of its own, looks when the next of them could be over. */
#include "common/units.h"
#include "worker/executor/attempt.h"
#include "worker/executor/cage.h"
#include "worker/executor/executor.h"
#include "worker/executor/footprint.h"
#include "worker/executor/setup.h"

/* Of the same attempt as the deadline without it; no trial has such a number. */
#define LIMIT_DEADLINE (UINT64_C(1) << 63)

static int64_t memory_of(const struct attempt *attempt)
{
    return attempt->lease.resources.memory_bytes;
}

void attempt_limits_take(struct attempt *attempt)
{
    struct executor *executor = attempt->executor;
    struct attempt_limits *limits = &attempt->limits;
    int64_t memory = memory_of(attempt);

    limits->keeper = KEEPER_WATCHER;
    if (attempt->cell != NULL && executor->cage->limits) {
        if (quota_limit_cell(attempt->cell, memory, &limits->kills_before))
            limits->keeper = KEEPER_CELL;
        return;
    }
    limits->room = room_take(&executor->quota, memory, &limits->kills_before);
    if (limits->room != NULL && memory > 0 && room_limits_memory(limits->room))
        limits->keeper = KEEPER_ROOM;
}

void attempt_limits_doors(struct attempt *attempt, int doors[QUOTA_COUNT])
{
    const struct room *room = attempt->limits.room;

    for (int i = 0; i < QUOTA_COUNT; i++)
        doors[i] = room != NULL && (i != QUOTA_MEMORY || attempt->limits.keeper == KEEPER_ROOM)
                       ? room_door(room, (enum quota_kind)i)
                       : -1;
    if (attempt->limits.keeper == KEEPER_ROOM && doors[QUOTA_MEMORY] < 0)
        attempt->limits.keeper = KEEPER_WATCHER;
}

void attempt_limits_outside(struct attempt *attempt)
{
    attempt->limits.keeper = KEEPER_WATCHER;
}

static bool kernel_killed(const struct attempt *attempt)
{
    const struct attempt_limits *limits = &attempt->limits;

    if (limits->keeper == KEEPER_CELL && attempt->cell != NULL)
        return quota_kills_cell(attempt->cell) > limits->kills_before;
    if (limits->keeper == KEEPER_ROOM && limits->room != NULL)
        return quota_kills_room(limits->room) > limits->kills_before;
    return false;
}

/* It ends for that, but what it has reported counts: so it is not closed. Time to leave would be
 * time to take still more. */
static void out_of_memory(struct attempt *attempt, const char *by)
{
    struct arena arena;

    arena_init(&arena);
    attempt->limits.ran_out = true;
    buf_reset(&attempt->text);
    if (memory_of(attempt) > 0)
        buf_printf(&attempt->text, "went over its memory limit of %s, and %s ended it",
                   size_text((uint64_t)memory_of(attempt), &arena), by);
    else
        buf_printf(&attempt->text, "its machine had no memory left, and %s ended it", by);
    arena_fini(&arena);
    if (attempt->state != ATTEMPT_RUNNING)
        return;
    attempt->ladder = LADDER_TERM;
    attempt_due(attempt);
}

static const char kernel[] = "the kernel";
static const char watcher[] = "the executor's watcher";

void attempt_limits_give(struct attempt *attempt)
{
    if (!attempt->closed && !attempt->limits.ran_out && kernel_killed(attempt))
        out_of_memory(attempt, kernel);
    room_give(&attempt->executor->quota, attempt->limits.room);
    attempt->limits.room = NULL;
}

static void look_in(uint64_t *next_ms, uint64_t ms)
{
    if (*next_ms == 0 || ms < *next_ms)
        *next_ms = ms;
}

/* It waits for a verdict, or for the disk: that it says nothing is not its fault. Who is to save
 * and leave waits for no verdict. */
static bool may_speak(struct attempt *attempt)
{
    if (attempt->pausing)
        return !spool_full(&attempt->spool);
    return !attempt->holding && attempt->held == NULL && !attempt->stalled;
}

static void too_long(struct attempt *attempt, enum end_reason reason, uint64_t limit_ms,
                     const char *what)
{
    struct arena arena;

    arena_init(&arena);
    buf_reset(&attempt->text);
    buf_printf(&attempt->text, "%s of %s", what, duration_text(limit_ms, &arena));
    arena_fini(&arena);
    attempt_close(attempt, reason);
}

/* Looks at both, and says in *next_ms when to look again. */
static void look_at_times(struct attempt *attempt, uint64_t now_ms, uint64_t *next_ms)
{
    const struct msg_experiment *experiment = &attempt->executor->setup->experiment;
    struct attempt_limits *limits = &attempt->limits;
    uint64_t most = experiment->time_limit_ms;

    if (most > 0) {
        uint64_t ran = now_ms - limits->started_ms;

        if (ran >= most) {
            too_long(attempt, END_TIME_LIMIT, most, "ran for longer than its time_limit");
            return;
        }
        look_in(next_ms, most - ran);
    }
    most = experiment->report_timeout_ms;
    if (most > 0) {
        uint64_t silent;

        if (!may_speak(attempt))
            limits->heard_ms = now_ms;
        silent = now_ms - limits->heard_ms;
        if (silent >= most) {
            too_long(attempt, END_REPORT_TIMEOUT, most, "reported nothing for its report_timeout");
            return;
        }
        look_in(next_ms, most - silent);
    }
}

static void look(struct attempt *attempt)
{
    uint64_t next_ms = 0;

    if (attempt->closed || attempt->fenced || attempt->limits.ran_out ||
        attempt->state != ATTEMPT_RUNNING)
        return;
    look_at_times(attempt, executor_now_ms(), &next_ms);
    if (!attempt->closed && memory_of(attempt) > 0) {
        if (kernel_killed(attempt))
            out_of_memory(attempt, kernel);
        else if (attempt->limits.keeper == KEEPER_WATCHER &&
                 footprint_is_over(attempt->pid, attempt->cell, memory_of(attempt)))
            out_of_memory(attempt, watcher);
        look_in(&next_ms, LIMIT_WATCH_MS);
    }
    if (!attempt->closed && next_ms > 0)
        executor_wake_in(attempt->executor, attempt->key | LIMIT_DEADLINE, next_ms);
}

void attempt_limits_begin(struct attempt *attempt)
{
    attempt->limits.started_ms = attempt->limits.heard_ms = executor_now_ms();
    look(attempt);
}

void attempt_limits_heard(struct attempt *attempt)
{
    if (attempt->executor->setup->experiment.report_timeout_ms > 0)
        attempt->limits.heard_ms = executor_now_ms();
}

bool attempt_limits_due(struct executor *executor, uint64_t key)
{
    struct attempt *attempt;

    if ((key & LIMIT_DEADLINE) == 0)
        return false;
    attempt = table_get_u64(executor->attempts, key & ~LIMIT_DEADLINE);
    if (attempt != NULL)
        look(attempt);
    return true;
}

void attempt_limits_forget(struct attempt *attempt)
{
    deadlines_cancel(attempt->executor->deadlines, attempt->key | LIMIT_DEADLINE);
    room_give(&attempt->executor->quota, attempt->limits.room);
    attempt->limits.room = NULL;
}
