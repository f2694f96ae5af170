/* space.h - a search space: a configuration in which some values are still to be chosen.
 *
 * A marker is a map with one key that names a domain ({uniform: [0, 1]}, {grid_search: [1, 2]}),
 * anywhere in a configuration. Bounds as Ray Tune's: low inclusive, high exclusive for ints. */
#ifndef COMMON_SPACE_H
#define COMMON_SPACE_H

#include "common/arena.h"
#include "common/rng.h"
#include "common/value.h"

enum domain_kind {
    DOMAIN_GRID,       /* every one of choices */
    DOMAIN_CHOICE,     /* one of choices */
    DOMAIN_UNIFORM,    /* [low, high) */
    DOMAIN_LOGUNIFORM, /* the same in log space */
    DOMAIN_QUNIFORM,   /* uniform, rounded to a multiple of q */
    DOMAIN_QLOGUNIFORM,
    DOMAIN_RANDN,   /* normal: low is the mean, high the standard deviation */
    DOMAIN_RANDINT, /* whole numbers in [low, high) */
    DOMAIN_LOGRANDINT,
    DOMAIN_QRANDINT /* multiples of q in [low, high], as Tune's */
};

struct domain {
    enum domain_kind kind;
    double low;
    double high;
    double q;
    const struct value *choices; /* a list; borrowed from the space's value */
    const struct member *marker; /* what it was read from; of one place of a space always the same
                                    one, in a variant that is not finished, too; borrowed */
};

struct path_part {
    const char *key; /* NULL: a list's index */
    uint32_t index;
};

/* One thing to choose. */
struct variable {
    struct path_part *path;
    uint32_t path_length;
    struct domain domain;
};

struct space_error {
    char path[256]; /* "config.layers.0.size" */
    char what[256];
    char mend[256]; /* what to write instead; may be empty */
};

/* Whether value is a marker, with its domain read and checked: 1 it is, 0 it is plain, or
 * ERR_MALFORMED with *error filled (path left as it is). A map with one key that is no domain's
 * name is plain data. */
int domain_parse(const struct value *value, struct domain *out, struct space_error *error);

/* Whether value looks like a marker, whatever its bounds are. */
bool domain_is_marker(const struct value *value);

/* All markers of a configuration in depth-first order of writing; markers inside the choices of
 * another are not listed, but are checked. Variables live in arena and borrow from config. Returns
 * 0 or ERR_MALFORMED, ERR_TOO_BIG with *error filled; its path begins with prefix. */
int space_variables(const struct value *config, const char *prefix, struct arena *arena,
                    struct variable **variables, uint32_t *count, struct space_error *error);

/* The domains that draw, wherever they stand, those inside the values of others, too, in the order
 * of writing: which one a domain is does not hang on what is chosen. At most `most` of them, else
 * ERR_TOO_BIG with the path of the first that is too many. The rest as of space_variables. */
int space_markers(const struct value *config, const char *prefix, uint32_t most,
                  struct arena *arena, const struct member ***markers, uint32_t *count,
                  struct space_error *error);

/* Draw from a domain other than grid. Uses libm, so what comes out is a decision to be logged. */
struct value domain_draw(const struct domain *domain, struct rng *rng, struct arena *arena);

/* The value of a domain of numbers that is nearest to a number, which is no NaN; whole: as a whole
 * number where the domain leaves it open, cut off as Python's int() does. A real upper bound counts
 * as inside. */
struct value domain_nearest(const struct domain *domain, double number, bool whole);

/* The quantile function of what a domain draws, other than grid: its value for a share of its
 * draws, above 0 and below 1. Uses libm, too. */
struct value domain_at(const struct domain *domain, double share);

/* The value of a domain with bounds that somebody names: a number within them, of numbers with a
 * fraction the upper one itself, too; of the type that the domain draws. 0, or ERR_MALFORMED with
 * *error filled (path left as it is); error may be NULL. */
int domain_take(const struct domain *domain, const struct value *named, struct value *out,
                struct space_error *error);

/* Whether a domain's values are multiples of a step (of 1 for whole numbers), and then from which
 * to which multiple. */
bool domain_steps(const struct domain *domain, double *step, double *first, double *last);

/* Who chooses for the domains that draw: asked once for each that a variant has, in the order of
 * writing, those inside a chosen value after those around it. */
struct space_source {
    struct value (*draw)(void *context, const struct domain *domain, struct arena *arena);
    void *context;
};

/* One variant of a space: Tune's algorithm, the reference's 5.2, without its quirk Q1 (there are no
 * functions here, so nothing is drawn twice). `point` counts the combinations of the grids, first
 * path fastest; random domains draw from rng in order. The tag's variable part ("lr=0.12,act=relu",
 * 5.4; empty where nothing was chosen) goes to *vars. Returns 0, or ERR_NOT_FOUND where point is
 * past the last combination. */
int space_variant(const struct value *config, uint64_t point, struct rng *rng, struct arena *arena,
                  struct value *out, const char **vars);

/* The same with the draws of a source, in a space of which a point names some or all values (NULL:
 * none): a configuration in part, that space_check_given has let pass. Where it names a value there
 * is nothing to draw and no grid to walk; of the values of a choice or grid it leaves all that have
 * what it names, the very value before others. */
int space_variant_from(const struct value *config, const struct value *given, uint64_t point,
                       const struct space_source *source, struct arena *arena, struct value *out,
                       const char **vars);

/* How many domains and grids a space has, those inside the values of others, too. */
uint32_t space_domains(const struct value *config);

/* How many combinations the grids make (1 without grids, 0 with an empty one); UINT64_MAX where
 * they are more than LIMIT_SAMPLES. Grids nested in another grid's values or in choices count as
 * Tune counts them: a space with a grid inside a choice is refused by space_variables. */
uint64_t space_points(const struct value *config);

/* The combinations that a point leaves. */
uint64_t space_points_given(const struct value *config, const struct value *given);

/* Whether a point is a part of a configuration of the space: 0, or ERR_MALFORMED with *error
 * filled; its path begins with prefix. Constants may be named, as what they are; of a list all
 * items are. */
int space_check_given(const struct value *config, const struct value *given, const char *prefix,
                      struct space_error *error);

/* The space that a configuration in part fits which may say more than config: keys that config does
 * not have, and other constants. Such a place becomes a choice of that one value; where config has
 * something to choose it is as it was, and what is said has to fit it. *out lives in arena, and
 * borrows from both. 0, or ERR_MALFORMED, ERR_TOO_BIG with *error filled, also where something in
 * what is said is to be chosen itself, and where it adds more than LIMIT_ADDED_KEYS. */
int space_widen(const struct value *config, const struct value *given, const char *prefix,
                struct arena *arena, struct value *out, struct space_error *error);

/* The most bytes that a variant of the space can have when it is packed. */
uint64_t space_bytes_most(const struct value *config);

/* The variable part of a tag for a configuration somebody gave: every leaf whose path is one of
 * the space's variables. */
const char *space_tag(const struct value *space, const struct value *config, struct arena *arena);

#endif
