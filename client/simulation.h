/* simulation.h - an experiment with workers and trials that are only reckoned: the core that a head
 * runs, with a virtual clock.
 *
 * Each worker runs one trial at a time, and takes the next one the moment it has a place. A result
 * is judged when it is reported. Who is paused goes on from there, on any worker. The core is asked
 * as `assay drive` asks it (drive_inside.h); time is counted in milliseconds, as in the core.
 *
 * Stragglers and drops are those of the ASHA paper (Li et al., A System for Massively Parallel
 * Hyperparameter Tuning, MLSys 2020, appendix A.1): a job, which is a trial on its way to a rung,
 * takes (1 + |z|) times as long as it should, z normal with mean 0; and in each second that it runs
 * it is lost with some chance, which is no fault of the trial's: it begins again, as another job,
 * for which both are drawn anew. From scratch, each rung is a job of its own, as there: who was
 * paused begins anew, and who goes on at once takes as long as if it had. */
#ifndef CLIENT_SIMULATION_H
#define CLIENT_SIMULATION_H

#include "client/curves.h"
#include "common/spec.h"

struct simulation_plan {
    uint32_t workers;
    uint64_t until_ms; /* 0: until all is done */
    uint64_t seed;     /* of stragglers, drops and curves; the searcher has the experiment's */
    double stragglers; /* standard deviation of z */
    double drops;      /* chance a second */
    bool from_scratch; /* a rung is a job of its own, that trains from the beginning */
};

struct simulated_best {
    uint64_t at_ms; /* since when it was the best so far */
    double value;
};

struct simulated {
    uint64_t ended_ms;
    uint64_t busy_ms; /* of all workers together */
    uint64_t results;
    uint64_t launches; /* of attempts; from scratch, of jobs */
    uint64_t drops;
    uint32_t trials; /* that have begun */
    uint32_t full;   /* that have come to max_t of the scheduler, or to the end of their curve */
    uint32_t left;   /* that were not done when time was up */

    struct simulated_best *bests; /* in the arena: each better than the one before */
    uint32_t best_count;
    const char *best_trial; /* NULL: none has reported the metric */
    int64_t best_iteration;
    const struct value *best_config;
};

/* experiment: as spec_parse takes it. What *out has lives in arena. 0; ERR_MALFORMED where the core
 * or a rule refuses something, ERR_TOO_BIG after LIMIT_SIMULATED_RESULTS, with *error filled. */
int simulation_run(const struct value *experiment, const struct simulation_plan *plan,
                   struct curves *curves, struct arena *arena, struct simulated *out,
                   struct spec_error *error);

/* The best of a run that was there at a time; false where nothing was. */
bool simulated_best_at(const struct simulated *run, uint64_t at_ms, double *out);

#endif
