/* What the two forms of ASHA say of themselves before they begin: the rungs of each bracket, and
 * about how many trials come to each. */
#include "common/limits.h"
#include "head/core/rungs.h"
#include "head/core/sched.h"

/* How many of n trials go on from a rung. */
typedef double pass_fn(double n, double factor);

/* The best 1/factor of all that came. Some that are not among these in the end were when they came
 * (about sqrt(n) of n, says the paper), and a rung with fewer than factor trials sends
 * nobody on: of many trials a fifth more may come of it, of few as much less. */
static double promoted(double n, double factor)
{
    return n / factor;
}

struct ladder {
    const struct rungs_keys *keys;
    const struct rungs *rungs;
    pass_fn *pass;
    double trials; /* in all brackets */
};

/* Two milestones that are reached with the same result are one: the higher decides. */
static struct forecast_bracket bracket_make(const struct ladder *ladder, uint32_t bracket,
                                            struct arena *arena, struct forecast *out)
{
    uint32_t count = rungs_count(ladder->rungs);
    struct forecast_bracket made = {.chance = rungs_chance(ladder->rungs, bracket)};
    double trials = made.chance > 0 ? ladder->trials * made.chance : 0;
    double before = 0;
    double anew = 0; /* a trial that begins anew after every rung */

    made.rungs = arena_alloc(arena, (count + 1) * sizeof(*made.rungs));
    for (uint32_t i = bracket < count ? bracket : count; i <= count; i++) {
        double milestone = i < count ? rungs_milestone(ladder->rungs, i) : out->cap;
        double reach = i < count ? forecast_reach(out, milestone) : out->cap;
        double next =
            i + 1 < count ? forecast_reach(out, rungs_milestone(ladder->rungs, i + 1)) : out->cap;

        if (i < count && reach >= next)
            continue;
        made.rungs[made.rung_count++] = (struct forecast_rung){milestone, trials};
        out->expected += trials * (reach - before);
        anew += reach;
        before = reach;
        trials = ladder->pass(trials, ladder->keys->reduction_factor);
    }
    /* The first bracket has the most rungs: at worst all trials come into it. */
    if (ladder->pass == promoted && bracket == 0)
        out->worst_anew = ladder->trials * anew;
    return made;
}

static void ladders(const struct forecast_ask *ask, pass_fn *pass, struct arena *arena,
                    struct forecast *out)
{
    struct rungs_keys keys;
    struct ladder ladder = {.keys = &keys, .pass = pass, .trials = ask->trials};
    struct rungs *rungs;
    struct tape tape;

    rungs_read_keys(&ask->spec->scheduler, &keys);
    forecast_cap_at(ask, keys.max_t, out);
    tape_init(&tape);
    tape_record(&tape);
    rungs = rungs_new(&keys, &tape);
    ladder.rungs = rungs;
    out->brackets = arena_alloc(arena, keys.brackets * sizeof(*out->brackets));
    out->bracket_count = keys.brackets;
    out->expected = 0;
    for (uint32_t i = 0; i < keys.brackets; i++)
        out->brackets[i] = bracket_make(&ladder, i, arena, out);
    rungs_free(rungs);
    tape_fini(&tape);
}

void forecast_stopping(const struct forecast_ask *ask, struct arena *arena, struct forecast *out)
{
    ladders(ask, forecast_passed, arena, out);
}

void forecast_promotion(const struct forecast_ask *ask, struct arena *arena, struct forecast *out)
{
    ladders(ask, promoted, arena, out);
}
