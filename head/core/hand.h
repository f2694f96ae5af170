/* hand.h - an experiment's trials one by one, for a caller that runs them itself (`assay drive`).
 *
 * A head places trials on nodes, and all that becomes of them comes in as events. Whoever has
 * neither a cluster nor a log goes through the same core all the same: it is the core's one node,
 * with room for all, and takes a trial when it asks for one. Here is what no event says; results,
 * ends and stops go in as a worker's and a person's do. None of this is logged, so a head calls
 * none of it. */
#ifndef CORE_HAND_H
#define CORE_HAND_H

#include "head/core/core.h"
#include "head/core/sched.h"

struct core_ask {
    uint32_t experiment;
    uint32_t node;
    uint32_t *unfit; /* trials that it has no room for now; sorted here */
    uint32_t unfit_count;
};

enum core_asked {
    ASKED_TRIAL, /* it is leased: the EFFECT_LAUNCH says which */
    ASKED_NONE,  /* none now */
    ASKED_DONE   /* none ever again, unless one is added */
};

/* core_place, for one trial of one experiment. Where all that is left of it waits for itself, those
 * are stopped, unless some do not fit. */
enum core_asked core_ask(struct core *core, const struct core_ask *ask, uint64_t now_ms,
                         struct tape *tape, struct effects *effects);

/* The same for this one, which is pending, whoever comes before it: it was just there. */
void core_take(struct core *core, uint32_t experiment, uint32_t trial, uint32_t node,
               uint64_t now_ms, struct tape *tape, struct effects *effects);

struct core_add {
    uint32_t experiment;
    const struct value *config; /* a map */
    bool has_bracket;           /* instead of the one that its scheduler would draw */
    uint32_t bracket;
};

enum core_added {
    ADD_DONE,        /* it is pending: its first EFFECT_TRIAL has its number */
    ADD_TOO_MANY,    /* trials */
    ADD_OVER_BUDGET, /* the experiment's is spent */
    ADD_TOO_BIG,     /* its configuration */
    ADD_NO_BRACKET,  /* there is none of this number */
    ADD_DRAWS_NONE   /* its scheduler has no brackets that are drawn */
};

/* A pending trial of the caller's choosing, also of an experiment that is done. Its searcher does
 * not hear of it, and goes on as if it were not there. Where it answers no, nothing has changed. */
enum core_added core_add(struct core *core, const struct core_add *add, uint64_t now_ms,
                         struct tape *tape, struct effects *effects);

/* Of one that runs: it failed, whatever max_failures says; or it begins again before all that wait,
 * from its latest checkpoint. */
void core_fail(struct core *core, uint32_t experiment, uint32_t trial, uint64_t now_ms,
               struct tape *tape, struct effects *effects);
void core_requeue(struct core *core, uint32_t experiment, uint32_t trial, uint64_t now_ms,
                  struct tape *tape, struct effects *effects);

/* What of core_status_text is a number. */
void core_figures(const struct core *core, uint32_t experiment, struct arena *arena,
                  struct sched_figures *out);

#endif
