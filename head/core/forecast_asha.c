/* What the two forms of ASHA say of themselves before they begin: the rungs of each bracket, and
 * about how many trials come to each. */
#include <math.h>

#include "head/core/rungs.h"
#include "head/core/sched.h"

#define COUNTED 1000u /* trials at a rung; of more a root says enough */

struct ladder {
    const struct rungs_keys *keys;
    const struct rungs *rungs;
    double trials;                /* in all brackets */
    bool promotes;                /* the promotion form */
    double promoted[COUNTED + 1]; /* of so many that have come to a rung */
};

/* How many of n trials that come to a rung in no order are ever among the best floor(i / factor) of
 * the i that have come by then: these go on. alone[r] is the chance that the one in place r has not
 * been. The next one takes any place with the same chance, and who is behind it moves back. */
static void count_promoted(struct ladder *ladder)
{
    double alone[COUNTED + 1] = {0};

    ladder->promoted[0] = 0;
    for (uint32_t i = 1; i <= COUNTED; i++) {
        double quota = floor(i / ladder->keys->reduction_factor);
        double left = 0;

        for (uint32_t r = i; r > 0; r--) {
            alone[r] = (1 + (r - 1) * alone[r - 1] + (i - r) * alone[r]) / i;
            if (r <= quota)
                alone[r] = 0;
        }
        for (uint32_t r = 1; r <= i; r++)
            left += alone[r];
        ladder->promoted[i] = i - left;
    }
}

/* Those that will not be among the best in the end are about sqrt(n), as the paper says. */
static double promoted(const struct ladder *ladder, double n)
{
    double factor = ladder->keys->reduction_factor;
    uint32_t whole;

    if (isinf(n))
        return n;
    if (n >= COUNTED)
        return n / factor + (ladder->promoted[COUNTED] - COUNTED / factor) * sqrt(n / COUNTED);
    whole = (uint32_t)n;
    return ladder->promoted[whole] +
           (n - whole) * (ladder->promoted[whole + 1] - ladder->promoted[whole]);
}

static double passed(const struct ladder *ladder, double n)
{
    return ladder->promotes ? promoted(ladder, n)
                            : forecast_passed(n, ladder->keys->reduction_factor);
}

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
        trials = passed(ladder, trials);
    }
    /* The first bracket has the most rungs: at worst all trials come into it. */
    if (ladder->promotes && bracket == 0)
        out->worst_anew = ladder->trials * anew;
    return made;
}

static void ladders(const struct forecast_ask *ask, bool promotes, struct arena *arena,
                    struct forecast *out)
{
    struct rungs_keys keys;
    struct ladder ladder = {.keys = &keys, .trials = ask->trials, .promotes = promotes};
    struct rungs *rungs;
    struct tape tape;

    rungs_read_keys(&ask->spec->scheduler, &keys);
    if (promotes)
        count_promoted(&ladder);
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
    ladders(ask, false, arena, out);
}

void forecast_promotion(const struct forecast_ask *ask, struct arena *arena, struct forecast *out)
{
    ladders(ask, true, arena, out);
}
