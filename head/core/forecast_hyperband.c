/* What HyperBand says of itself before it begins. Its brackets are filled in their order and keep a
 * number of trials that is known, so the whole is exact - as long as there are always enough trials
 * waiting to fill a bracket before those in it have come to its milestone. */
#include <math.h>

#include "head/core/hyperband_sizes.h"
#include "head/core/sched.h"

struct cost {
    double once; /* who goes on does so from its checkpoint */
    double anew; /* ... begins anew */
};

/* Of a bracket that so many trials came into. */
static struct cost bracket_cost(const struct hyperband_keys *keys, uint32_t place, double trials,
                                const struct forecast *out)
{
    struct hyperband_size size = hyperband_bracket(keys, place);
    struct cost cost = {0};
    double before = 0;

    while (trials > 0) {
        double reach = forecast_reach(out, size.milestone);

        cost.once += trials * (reach - before);
        cost.anew += trials * reach;
        before = reach;
        if (reach >= out->cap || size.halvings == 0)
            break;
        hyperband_halve(keys, &size);
        trials = trials < size.n ? trials : size.n;
    }
    return cost;
}

/* Of a round that so many trials came into. */
static struct cost round_cost(const struct hyperband_keys *keys, double trials,
                              const struct forecast *out)
{
    struct cost sum = {0};

    for (uint32_t place = 0; place < keys->round && trials > 0; place++) {
        double n = hyperband_bracket(keys, place).n;
        struct cost cost = bracket_cost(keys, place, trials < n ? trials : n, out);

        sum.once += cost.once;
        sum.anew += cost.anew;
        trials -= n;
    }
    return sum;
}

static struct forecast_bracket bracket_rungs(const struct hyperband_keys *keys, uint32_t place,
                                             struct arena *arena, const struct forecast *out)
{
    struct hyperband_size size = hyperband_bracket(keys, place);
    struct forecast_bracket bracket = {.chance = (double)NAN};

    bracket.rungs = arena_alloc(arena, (size.halvings + 1) * sizeof(*bracket.rungs));
    for (;;) {
        bool last = forecast_reach(out, size.milestone) >= out->cap;

        bracket.rungs[bracket.rung_count++] =
            (struct forecast_rung){last ? out->cap : size.milestone, size.n};
        if (last || size.halvings == 0)
            return bracket;
        hyperband_halve(keys, &size);
    }
}

void forecast_hyperband(const struct forecast_ask *ask, struct arena *arena, struct forecast *out)
{
    struct hyperband_keys keys;
    struct cost full, rest;
    double rounds;

    hyperband_read_keys(&ask->spec->scheduler, &keys);
    forecast_cap_at(ask, keys.max_t, out);
    out->brackets = arena_alloc(arena, keys.round * sizeof(*out->brackets));
    for (uint32_t place = 0; place < keys.round; place++) {
        double n = hyperband_bracket(&keys, place).n;

        if (n > 0)
            out->brackets[out->bracket_count++] = bracket_rungs(&keys, place, arena, out);
        out->round_trials += n;
    }
    if (isinf(ask->trials))
        return;
    rounds = floor(ask->trials / out->round_trials);
    full = round_cost(&keys, out->round_trials, out);
    rest = round_cost(&keys, ask->trials - rounds * out->round_trials, out);
    out->expected = rounds * full.once + rest.once;
    /* One that learns proposes as there is room: a bracket may begin with a single trial, which
     * then goes all the way. */
    if (!ask->ahead)
        return;
    out->worst = out->expected;
    out->worst_anew = rounds * full.anew + rest.anew;
}
