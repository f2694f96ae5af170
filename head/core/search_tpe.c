/* The tree-structured Parzen estimator (Bergstra, Bardenet, Bengio, Kegl: Algorithms for
 * hyper-parameter optimization; NIPS 2011, section 4): configurations are drawn from the density of
 * the good trials, and that one is proposed which has the highest ratio of this density to the
 * other trials' one, which is as good as the highest expected improvement.
 *
 * Both densities are joint ones (tpe_side.h). Trials that run count among the others, so that what
 * is proposed beside them keeps away from them (the constant liar; Ginsbourger, Le Riche, Carraro:
 * Kriging is well-suited to parallelize optimization; 2010). The good ones have kernels half as
 * wide as the others': what was measured to find more (in tables of real trainings). Of a space
 * without continuous domains nothing is proposed twice while something else is drawn.
 *
 * Grids are walked as random walks them; densities are taken as they are where the grids have the
 * values that they have. The first trials are random's. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/rng.h"
#include "common/xalloc.h"
#include "head/core/search.h"
#include "head/core/tpe_past.h"

/* Bandwidths of a single kernel, as parts of a domain's width. */
#define GOOD_PART 0.1
#define REST_PART 0.2

/* What all of the good ones, and all others, have as their prior's weight. */
#define PRIOR_WEIGHT 1.0

/* The newest so many of the others count in full, older ones less, down to nearly nothing. */
#define FULL_WEIGHT 25u

/* So often a configuration that was not tried is looked for by random, when the density has given
 * none. */
#define RANDOM_TRIES 50u

/* What was known beforehand comes first: trial n is the warm + n-th that the past hears of. */
struct tpe {
    const struct spec *spec; /* borrowed */
    uint32_t warm;
    uint64_t seed;
    uint64_t points; /* combinations of the grids */
    uint32_t total;
    struct tpe_space space;
    struct tpe_past past;
    struct tpe_side good;
    struct tpe_side others;
    struct arena arena;
};

static void learn_warm(struct tpe *tpe)
{
    const struct value *known = tpe->spec->warm_start;
    double *numbers = arena_alloc(&tpe->arena, (tpe->space.count + (size_t)1) * sizeof(*numbers));

    tpe->warm = known != NULL ? known->count : 0;
    for (uint32_t i = 0; i < tpe->warm; i++) {
        double value = value_number(value_get(&known->items[i], "value"));

        tpe_space_read(&tpe->space, value_get(&known->items[i], "config"), numbers);
        tpe_past_begin(&tpe->past, i, numbers);
        tpe_past_end(&tpe->past, i, TPE_COMPLETE, spec_mode(tpe->spec) == MODE_MIN ? -value : value,
                     0);
    }
}

static void *tpe_new(const struct spec *spec, uint64_t seed)
{
    struct tpe *tpe = xcalloc(1, sizeof(*tpe));
    uint64_t total;

    tpe->spec = spec;
    tpe->seed = seed;
    tpe->points = space_points(&spec->config);
    tpe->points = tpe->points < LIMIT_SAMPLES ? tpe->points : LIMIT_SAMPLES;
    total = tpe->points * spec->num_samples;
    tpe->total = total < LIMIT_SAMPLES ? (uint32_t)total : LIMIT_SAMPLES;
    tpe_space_init(&tpe->space, &spec->config);
    tpe_past_init(&tpe->past, &tpe->space, seed);
    tpe_side_init(&tpe->good, &tpe->space, GOOD_PART, 1);
    tpe_side_init(&tpe->others, &tpe->space, REST_PART, 2);
    arena_init(&tpe->arena);
    learn_warm(tpe);
    return tpe;
}

static void tpe_free(void *self)
{
    struct tpe *tpe = self;

    if (tpe == NULL)
        return;
    tpe_side_fini(&tpe->good);
    tpe_side_fini(&tpe->others);
    tpe_past_fini(&tpe->past);
    tpe_space_fini(&tpe->space);
    arena_fini(&tpe->arena);
    free(tpe);
}

static uint32_t tpe_total(const void *self)
{
    const struct tpe *tpe = self;

    return tpe->total;
}

/* The i-th of count in the order in which they came. */
static double age_weight(uint32_t i, uint32_t count)
{
    double ramp = (double)count - FULL_WEIGHT;

    if (i + FULL_WEIGHT >= count)
        return 1;
    return (1 + (double)i / ramp * (count - 1)) / count;
}

static void make_sides(struct tpe *tpe)
{
    size_t most = tpe_past_most(&tpe->past) + 1;
    struct tpe_row **rows = arena_alloc(&tpe->arena, most * sizeof(struct tpe_row *));
    double *weights = arena_alloc(&tpe->arena, most * sizeof(*weights));
    double prior = PRIOR_WEIGHT;
    uint32_t count = tpe_past_good(&tpe->past, rows);

    for (uint32_t i = 0; i < count; i++)
        weights[i] = 1;
    tpe_side_make(&tpe->good, rows, weights, count, prior);
    count = tpe_past_others(&tpe->past, rows);
    for (uint32_t i = 0; i < count; i++)
        weights[i] = age_weight(i, count);
    /* Where one of them stands for many, the prior is less beside it. */
    for (uint32_t i = 0; i < tpe->past.thinned; i++)
        prior /= 2;
    tpe_side_make(&tpe->others, rows, weights, count, prior);
}

/* Whether it need not be tried again. */
static bool is_known(const struct tpe *tpe, const double *numbers)
{
    return tpe->space.finite && tpe_past_has(&tpe->past, numbers);
}

/* The best of the candidates that are not known into numbers; false where all are. */
static bool choose(struct tpe *tpe, const double *given, struct rng *rng, double *numbers)
{
    size_t size = tpe->space.count * sizeof(*numbers);
    double *candidate = arena_alloc(&tpe->arena, size);
    struct tpe_look *looks = arena_alloc(&tpe->arena, tpe->space.count * sizeof(*looks));
    double best = 0;
    bool found = false;

    tpe_side_give(&tpe->good, given);
    for (uint32_t i = 0; i < tpe->spec->search.candidates; i++) {
        double ratio;

        tpe_side_draw(&tpe->good, given, rng, candidate);
        if (is_known(tpe, candidate))
            continue;
        tpe_look_at_row(&tpe->space, candidate, looks);
        ratio = tpe_side_log(&tpe->good, looks) - tpe_side_log(&tpe->others, looks);
        if (found && !(ratio > best))
            continue;
        memcpy(numbers, candidate, size);
        best = ratio;
        found = true;
    }
    return found;
}

/* What a configuration under construction has. */
struct chosen {
    const struct tpe *tpe;
    const double *numbers;
    struct rng *rng;
};

static struct value draw_chosen(void *context, const struct domain *domain, struct arena *arena)
{
    const struct chosen *chosen = context;
    uint32_t i = tpe_space_find(&chosen->tpe->space, domain);

    /* Where values of a grid look alike the row may be of another one than the grid is at. */
    if (isnan(chosen->numbers[i]))
        return domain_draw(domain, chosen->rng, arena);
    return tpe_space_value(&chosen->tpe->space, chosen->numbers, i);
}

/* Behind what random would propose, which is what is known of the grids: *config becomes what the
 * densities say. */
static void improve(struct tpe *tpe, uint64_t point, struct rng *rng, struct arena *arena,
                    struct value *config, const char **vars)
{
    size_t size = (tpe->space.count + (size_t)1) * sizeof(double);
    double *given = arena_alloc(&tpe->arena, size);
    double *numbers = arena_alloc(&tpe->arena, size);
    struct chosen chosen = {tpe, numbers, rng};
    const struct space_source source = {draw_chosen, &chosen};
    int err;

    tpe_space_read(&tpe->space, config, given);
    make_sides(tpe);
    if (choose(tpe, given, rng, numbers)) {
        err = space_variant_from(&tpe->spec->config, NULL, point, &source, arena, config, vars);
        assert(err == 0); /* the point is within the combinations */
        return;
    }
    for (uint32_t i = 0; i < RANDOM_TRIES && is_known(tpe, given); i++) {
        err = space_variant(&tpe->spec->config, point, rng, arena, config, vars);
        assert(err == 0);
        tpe_space_read(&tpe->space, config, given);
    }
}

static enum search_answer tpe_propose(void *self, uint32_t trial, struct arena *arena,
                                      struct proposal *out)
{
    struct tpe *tpe = self;
    struct rng rng = {.seed = tpe->seed, .stream = trial};
    struct value config;
    const char *vars;
    int err;

    if (trial >= tpe->total)
        return SEARCH_DONE;
    err = space_variant(&tpe->spec->config, trial % tpe->points, &rng, arena, &config, &vars);
    assert(err == 0); /* the point is within the combinations */
    arena_reset(&tpe->arena);
    if (tpe->space.together > 0 && tpe->past.ended >= tpe->spec->search.startup)
        improve(tpe, trial % tpe->points, &rng, arena, &config, &vars);
    *out = (struct proposal){
        .config = config,
        .tag = arena_printf(arena, "%u%s%s", trial, *vars != '\0' ? "_" : "", vars),
    };
    return SEARCH_PROPOSED;
}

static void tpe_pending(void *self, uint32_t trial, struct span config)
{
    struct tpe *tpe = self;
    double *numbers;
    struct cursor cursor;
    struct value value;
    int err;

    arena_reset(&tpe->arena);
    numbers = arena_alloc(&tpe->arena, (tpe->space.count + (size_t)1) * sizeof(*numbers));
    cursor_init(&cursor, config);
    err = value_unpack(&cursor, &tpe->arena, &value);
    if (err < 0)
        return; /* a damaged log: what is not known of is not learned from */
    tpe_space_read(&tpe->space, &value, numbers);
    tpe_past_begin(&tpe->past, tpe->warm + trial, numbers);
}

static void tpe_observe(void *self, uint32_t trial, const struct observation *observation)
{
    struct tpe *tpe = self;

    if (!observation->ended)
        return;
    /* Stopped before it said anything: by a person, for whatever reason. */
    if (observation->early && isnan(observation->value))
        tpe_past_forget(&tpe->past, tpe->warm + trial);
    else
        tpe_past_end(&tpe->past, tpe->warm + trial, observation->early ? TPE_EARLY : TPE_COMPLETE,
                     observation->value, observation->time);
}

/* What fails is as bad as can be: the densities keep away from what needs too much memory. */
static void tpe_error(void *self, uint32_t trial)
{
    struct tpe *tpe = self;

    tpe_past_end(&tpe->past, tpe->warm + trial, TPE_WORTHLESS, NAN, 0);
}

static void tpe_save(const void *self, struct buf *out)
{
    const struct tpe *tpe = self;

    tpe_past_save(&tpe->past, out);
}

static bool tpe_load(void *self, struct cursor *in)
{
    struct tpe *tpe = self;

    /* What new() has learned is in it. */
    tpe_past_fini(&tpe->past);
    tpe_past_init(&tpe->past, &tpe->space, tpe->seed);
    return tpe_past_load(&tpe->past, in);
}

const struct search_ops search_tpe = {
    .name = "tpe",
    .new = tpe_new,
    .free = tpe_free,
    .total = tpe_total,
    .propose = tpe_propose,
    .pending = tpe_pending,
    .observe = tpe_observe,
    .error = tpe_error,
    .save = tpe_save,
    .load = tpe_load,
};
