/* search.h - who proposes configurations: a table of functions a searcher.
 *
 * A searcher is asked for trial n's configuration, n = 0, 1, 2..., once each. What it answers is a
 * decision: it goes on the tape, and a replay never asks. So a searcher may use libm, and its draws
 * are rng_* with the experiment's seed and the trial's number as the stream. Trials that were added
 * by hand (hand.h) do not count here, and it never hears of them.
 *
 * One that learns is told what runs (pending), what came out (observe) and what failed (error); on
 * a replay it is told the same, so its state is that of the live one. */
#ifndef CORE_SEARCH_H
#define CORE_SEARCH_H

#include "common/spec.h"

enum search_answer {
    SEARCH_PROPOSED,
    SEARCH_WAIT, /* none until more is observed */
    SEARCH_DONE  /* none ever again */
};

struct proposal {
    struct value config; /* in the arena */
    const char *tag;     /* experiment tag: "3_lr=0.1,act=relu"; in the arena */
};

/* How a trial did: at a result, or at its end. */
struct observation {
    double value; /* of the metric, the top level's if there is one, else the scheduler's; higher is
                     better; NaN where its last result has none */
    double time;  /* of the time attribute */
    bool ended;   /* no more will come of this trial */
    bool early;   /* ended because the scheduler or a person stopped it */
};

struct search_ops {
    const char *name;
    /* spec is borrowed for life. */
    void *(*new)(const struct spec *spec, uint64_t seed);
    void (*free)(void *self);
    /* How many it will propose in all: num_samples times every combination of the grids (list has
     * its points besides); NUMBER_NONE when it does not know. */
    uint32_t (*total)(const void *self);
    /* Whether it can propose trial n before anything of the ones before is observed: such proposals
     * are made ahead, so that people see what is pending. */
    bool ahead;
    enum search_answer (*propose)(void *self, uint32_t trial, struct arena *arena,
                                  struct proposal *out);
    /* For who makes nothing up: what the next proposal is to be made of, a configuration in part
     * (space.h) that is borrowed until it was asked for, or NULL: nothing. The rest is drawn. NULL
     * where proposals are the searcher's own. */
    void (*suggest)(void *self, const struct value *config);
    /* NULL where the searcher does not learn. config is packed. */
    void (*pending)(void *self, uint32_t trial, struct span config);
    void (*observe)(void *self, uint32_t trial, const struct observation *observation);
    void (*error)(void *self, uint32_t trial);
    /* Draw for a domain of trial n, other than a grid, when not all of its configuration is the
     * searcher's to propose. NULL: as random draws. */
    struct value (*draw)(void *self, uint32_t trial, const struct domain *domain);
    /* Its state to an image and back, beyond what new() makes; NULL where there is none. */
    void (*save)(const void *self, struct buf *out);
    bool (*load)(void *self, struct cursor *in);
};

/* By name; NULL where there is none. */
const struct search_ops *search_find(const char *name);

/* The searcher of an experiment, behind the points that are tried first where it has such: whoever
 * runs an experiment takes this one. NULL where there is none of that name. */
const struct search_ops *search_of(const struct spec *spec);

/* The names, for error messages; count out. */
const char *const *search_names(size_t *count);

extern const struct search_ops search_random;
extern const struct search_ops search_grid;
extern const struct search_ops search_list;
extern const struct search_ops search_halton;
extern const struct search_ops search_sobol;
extern const struct search_ops search_tpe;
extern const struct search_ops search_external;

#endif
