/* Trials out of the searcher, through the tape. */
#include <assert.h>
#include <string.h>

#include "common/pack.h"
#include "common/xalloc.h"
#include "head/core/state.h"
#include "head/core/suggest.h"

/* On the tape: what the searcher answered, or that its answer was more than a trial may carry. */
enum proposal_kind { PROPOSAL_TRIAL, PROPOSAL_WAIT, PROPOSAL_END, PROPOSAL_TOO_BIG };

struct decided {
    uint32_t kind; /* enum proposal_kind */
    struct span config;
    struct span tag;
};

static void ask(struct step *step, struct experiment *experiment, const struct value *suggested,
                struct buf *out)
{
    enum search_answer answer;
    struct proposal proposal;
    struct buf config = {0};

    if (experiment->search->suggest != NULL)
        experiment->search->suggest(experiment->searcher, suggested);
    answer = experiment->search->propose(
        experiment->searcher, experiment->created - experiment->added, step->scratch, &proposal);
    if (answer == SEARCH_PROPOSED)
        value_pack(&proposal.config, &config);
    if (answer != SEARCH_PROPOSED || config.size > LIMIT_CONFIG_BYTES) {
        pack_list(out, 1);
        pack_uint(out, answer == SEARCH_WAIT   ? PROPOSAL_WAIT
                       : answer == SEARCH_DONE ? PROPOSAL_END
                                               : PROPOSAL_TOO_BIG);
    } else {
        pack_list(out, 3);
        pack_uint(out, PROPOSAL_TRIAL);
        buf_append_span(out, buf_span(&config));
        pack_text(out, proposal.tag);
    }
    buf_fini(&config);
}

/* What a tape that is damaged says is taken for the end of the search; the tape knows that it
 * diverged. */
static struct decided decide(struct step *step, struct experiment *experiment,
                             const struct value *suggested, struct buf *answer)
{
    struct decided decided = {.kind = PROPOSAL_END};
    struct cursor cursor;
    uint32_t items;

    if (!step->tape->replaying)
        ask(step, experiment, suggested, answer);
    cursor_init(&cursor, tape_packed(step->tape, buf_span(answer)));
    if (!cursor_list(&cursor, &items) || !cursor_u32(&cursor, &decided.kind))
        return (struct decided){.kind = PROPOSAL_END};
    if (decided.kind == PROPOSAL_TRIAL &&
        (!cursor_skip(&cursor, &decided.config) || !cursor_text(&cursor, &decided.tag)))
        return (struct decided){.kind = PROPOSAL_END};
    return decided;
}

static struct trial *create(struct step *step, struct experiment *experiment,
                            const struct decided *decided)
{
    uint32_t number = experiment->created;
    struct trial *trial;

    experiment_reserve(experiment, number + 1);
    experiment->created++;
    trial = trial_new(experiment, number);
    experiment_trial_id(experiment, number, trial->id);
    trial->tag = xstrdup(experiment_trial_tag(decided->tag, step->scratch));
    trial->name =
        xstrdup(experiment_trial_name(experiment, trial->id, number, trial->tag, step->scratch));
    buf_append_span(&trial->config, decided->config);
    trial->added_before = experiment->added;
    experiment_adopt(experiment, trial);
    experiment->changed = true;
    return trial;
}

static void create_pending(struct step *step, struct experiment *experiment,
                           const struct decided *decided)
{
    struct trial *trial = create(step, experiment, decided);

    queue_push(&experiment->pending, trial->number);
    experiment->sched->add(experiment->scheduler, trial->number);
    if (experiment->search->pending != NULL)
        experiment->search->pending(experiment->searcher, trial_proposal(trial),
                                    buf_span(&trial->config));
    trial_tell(trial, true, 0, (struct span){0}, step->effects);
    step->core->wants_place = true;
}

struct trial *experiment_add(struct step *step, struct experiment *experiment, struct span config,
                             const char *tag)
{
    const struct decided decided = {PROPOSAL_TRIAL, config, span_text(tag)};
    struct trial *trial = create(step, experiment, &decided);

    trial->added = true;
    experiment->added++;
    queue_push(&experiment->pending, trial->number);
    trial_tell(trial, true, 0, (struct span){0}, step->effects);
    step->core->wants_place = true;
    return trial;
}

/* A configuration that no message can carry ends the search, and a trial says why. */
static void create_failed(struct step *step, struct experiment *experiment)
{
    const struct decided nothing = {.kind = PROPOSAL_TOO_BIG, .tag = span_text("too_big")};
    struct trial *trial = create(step, experiment, &nothing);

    trial->reason = END_START;
    trial_order(trial, TRIAL_GIVE_UP);
    trial_tell(trial, true, step->now_ms, (struct span){0}, step->effects);
    experiment_bury(step, trial,
                    span_text(arena_printf(step->effects->arena,
                                           "the searcher proposed a configuration of more than "
                                           "%u bytes",
                                           LIMIT_CONFIG_BYTES)));
}

/* Ask once; false where nothing came of it. suggested: what the proposal is to be made of; NULL. */
static bool propose(struct step *step, struct experiment *experiment, const struct value *suggested)
{
    struct buf answer = {0};
    struct decided decided;

    assert(!experiment->search_done);
    if (experiment->created >= experiment_total(experiment) ||
        experiment->created >= LIMIT_SAMPLES) {
        experiment->search_done = true;
        return false;
    }
    decided = decide(step, experiment, suggested, &answer);
    if (decided.kind == PROPOSAL_TRIAL)
        create_pending(step, experiment, &decided);
    experiment->search_waits = decided.kind == PROPOSAL_WAIT;
    if (experiment->search_waits)
        suggest_wait(step, experiment);
    if (decided.kind == PROPOSAL_END || decided.kind == PROPOSAL_TOO_BIG ||
        experiment->created >= experiment_total(experiment))
        experiment->search_done = true;
    if (decided.kind == PROPOSAL_TOO_BIG)
        create_failed(step, experiment);
    buf_fini(&answer);
    return decided.kind == PROPOSAL_TRIAL;
}

bool experiment_suggest(struct step *step, struct experiment *experiment,
                        const struct value *config)
{
    bool came = !experiment->search_done && propose(step, experiment, config);

    if (!came)
        experiment_settle(step, experiment);
    return came;
}

bool experiment_propose(struct step *step, struct experiment *experiment)
{
    return experiment_suggest(step, experiment, suggest_filling(experiment));
}

void experiment_fill(struct step *step, struct experiment *experiment)
{
    if (!experiment->search->ahead)
        return;
    while (!experiment->search_done && !experiment->search_waits &&
           experiment->pending.count < LIMIT_TRIALS_AHEAD)
        (void)propose(step, experiment, NULL);
    experiment_settle(step, experiment);
}
