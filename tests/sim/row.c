/* Rows of trials: what may follow on what, what an end counts for, and what a reader knows by now.
 */
#include "common/xalloc.h"
#include "tests/sim/ledger.h"

static uint64_t rows_of(const struct check_attempt *attempt)
{
    return attempt->base + attempt->rows;
}

/* Losses in a row, of those in which it had a part. */
static void count_loss(struct check_trial *trial, const struct check_attempt *attempt)
{
    trial->losses++;
    if (rows_of(attempt) > trial->furthest) {
        trial->furthest = rows_of(attempt);
        trial->losses_in_row = 0;
    }
    trial->losses_in_row += !(trial->ahead && attempt->hw == 0);
}

static void count_end(struct check_trial *trial, const struct check_attempt *attempt,
                      uint32_t reason)
{
    if (trial->state == TRIAL_STOPPING || attempt->final)
        return;
    if (end_reason_is_failure(reason))
        trial->failures++;
    else if (reason == END_CHECKPOINT)
        trial->losses++; /* one checkpoint less each time: it needs no most */
    else if (end_reason_is_infrastructure(reason))
        count_loss(trial, attempt);
}

/* Which states a row may show behind which. */
static bool may_follow(uint32_t from, uint32_t to, bool live_before)
{
    if (from == to)
        return true;
    switch (to) {
    case TRIAL_PENDING:
        return from == TRIAL_STARTING || from == TRIAL_RUNNING || from == TRIAL_PAUSED ||
               from == TRIAL_PAUSING; /* called back */
    case TRIAL_PAUSING:
        return from == TRIAL_STARTING || from == TRIAL_RUNNING;
    case TRIAL_PAUSED:
        return from == TRIAL_PENDING || from == TRIAL_PAUSING;
    case TRIAL_STARTING:
        return from == TRIAL_PENDING || from == TRIAL_PAUSED; /* its scheduler has chosen it */
    case TRIAL_RUNNING:
        return from == TRIAL_STARTING;
    case TRIAL_STOPPING:
        return from == TRIAL_STARTING || from == TRIAL_RUNNING || from == TRIAL_PAUSING;
    case TRIAL_STOPPED:
        return from == TRIAL_PENDING || from == TRIAL_PAUSED || live_before;
    case TRIAL_DONE:
        return live_before;
    case TRIAL_FAILED:
        return from == TRIAL_PENDING || live_before; /* waiting, it went with its experiment */
    default:
        return false;
    }
}

static void leave(struct checker *checker, const struct effect_trial *row,
                  struct check_trial *trial)
{
    const struct whose who = {row->experiment, row->trial, trial->count};

    if (!trial->may_leave)
        world_fail(checker->world, "I5: %u/%u gives back its lease while it runs", row->experiment,
                   row->trial);
    trial->live = false;
    ledger_experiment(checker, row->experiment)->leases--;
    lease_left(checker, trial->node, &who);
}

/* What the end of its attempt means for what it may still do. */
static void judge_end(struct checker *checker, const struct effect_trial *row,
                      struct check_trial *trial)
{
    struct check_attempt *attempt = &trial->attempts[trial->count - 1];

    if (attempt->over) {
        count_end(trial, attempt, attempt->truth[attempt->hw - 1].reason);
    } else {
        count_end(trial, attempt, END_NODE_LOST);
        trial->cut = true;
    }
    trial->must_leave = false;
    trial->pauses += trial->state == TRIAL_PAUSING;
    if (row->failures != trial->failures)
        world_fail(checker->world, "I15: %u/%u says %u failures and had %u", row->experiment,
                   row->trial, row->failures, trial->failures);
}

/* What a reader of its rows would know by now. */
static void note_row(struct checker *checker, const struct effect_trial *row,
                     struct event_recall *note)
{
    struct arena *arena = &checker->world->arena;
    const struct span from[] = {row->name, row->tag, row->config, row->folder};
    struct span *to[] = {&note->name, &note->tag, &note->config, &note->folder};

    for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++)
        if (from[i].size > 0 && !span_equal(*to[i], from[i]))
            *to[i] = arena_copy(arena, from[i]);
    note->experiment = row->experiment;
    note->trial = row->trial;
    note->results = row->results;
    note->status = row->status;
    note->has_best = row->has_best;
    note->best = row->best;
    note->best_at = row->best_at;
    if (trial_is_final((enum trial_state)row->state))
        note->last = arena_copy(arena, row->last);
}

/* One that a stop rule has ended, and nobody else. */
static void take_recalled(struct checker *checker, const struct effect_trial *row,
                          struct check_trial *trial)
{
    const struct check_attempt *last = trial->count > 0 ? &trial->attempts[trial->count - 1] : NULL;

    if (!ledger_experiment(checker, row->experiment)->extended || trial->state != TRIAL_DONE ||
        last == NULL || !last->over || last->truth[last->hw - 1].reason != END_STOPPED)
        world_fail(checker->world, "%u/%u goes on, and no rule has ended it", row->experiment,
                   row->trial);
    trial->state = TRIAL_PENDING;
    trial->closed = false;
    trial->recalls++;
    trial->furthest = 0;
    trial->losses_in_row = 0;
}

/* Whether a schedule says so: it has paused for it, and has what one of the changes says. */
static bool is_scheduled(struct checker *checker, const struct effect_trial *row,
                         const struct check_experiment *experiment)
{
    const struct spec_scheduler *scheduler =
        &checker->world->plan.experiments[experiment->plan].spec.scheduler;
    struct value config;
    struct cursor cursor;
    bool found = false;

    cursor_init(&cursor, row->config);
    if (row->state != TRIAL_PAUSED || value_unpack(&cursor, &checker->world->arena, &config) != 0)
        return false;
    for (uint32_t i = 0; i < scheduler->change_count; i++)
        found |= value_equal(value_get(&config, "x"), value_get(scheduler->changes[i].config, "x"));
    return found;
}

void row_take(struct checker *checker, const struct effect_trial *row)
{
    struct check_trial *trial = ledger_trial(checker, row->experiment, row->trial);
    struct check_experiment *experiment = ledger_experiment(checker, row->experiment);
    bool live_before = trial->live;

    note_row(checker, row, &trial->row);
    if (trial->recalled)
        take_recalled(checker, row, trial);
    else if (trial->known && row->config.size > 0 && trial->has_lent)
        saved_adopted(trial, row->results);
    else if (trial->known && row->config.size > 0 && !is_scheduled(checker, row, experiment))
        world_fail(checker->world, "%u/%u has another configuration, and took over from nobody",
                   row->experiment, row->trial);
    trial->recalled = false;
    if (!trial->known) {
        trial->known = true;
        trial->state = row->state;
        experiment->created++;
        if (row->state != TRIAL_PENDING || row->config.size == 0)
            world_fail(checker->world, "%u/%u does not begin with its first row", row->experiment,
                       row->trial);
        return;
    }
    if (!may_follow(trial->state, row->state, live_before))
        world_fail(checker->world, "%u/%u: %s behind %s", row->experiment, row->trial,
                   trial_state_name((enum trial_state)row->state),
                   trial_state_name((enum trial_state)trial->state));
    if (row->attempt != trial->count ||
        (row->node != NUMBER_NONE && (!trial->live || row->node != trial->node)))
        world_fail(checker->world, "I3: the row of %u/%u says attempt %u on node %u",
                   row->experiment, row->trial, row->attempt, row->node);
    if (row->state == TRIAL_STOPPING && !trial->attempts[trial->count - 1].told_stop)
        world_fail(checker->world, "%u/%u is to stop, and its node is not told", row->experiment,
                   row->trial);
    if (trial->live && row->node == NUMBER_NONE) {
        judge_end(checker, row, trial);
        leave(checker, row, trial);
    }
    if (trial->count > 0 && trial->attempts[trial->count - 1].opened &&
        row->results != rows_of(&trial->attempts[trial->count - 1]))
        world_fail(checker->world, "I2: the row of %u/%u says %llu results, it has %llu",
                   row->experiment, row->trial, (unsigned long long)row->results,
                   (unsigned long long)rows_of(&trial->attempts[trial->count - 1]));
    trial->state = row->state;
}
