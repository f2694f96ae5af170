/* sched.h - who goes on, waits or stops: a table of functions a scheduler.
 *
 * A scheduler sees trials by their number, rewards turned so that higher is better, and times. It
 * judges with + - * / and comparisons alone; what needs libm it puts through the tape when it is
 * made. It keeps what it needs of finished trials itself. */
#ifndef CORE_SCHED_H
#define CORE_SCHED_H

#include "common/spec.h"
#include "head/core/effect.h"
#include "head/core/forecast.h"
#include "head/core/tape.h"
#include "head/core/trial_state.h"

/* What a result says to a scheduler. */
struct judged {
    uint32_t trial;
    bool has_time;
    bool has_reward;
    double time;
    double reward; /* higher is better; may be NaN or infinite */
};

/* What else a judgement brings about: trials that are stopped, resumed or saved with it. */
struct sched_other {
    uint32_t trial;
    enum action action; /* STOP, CONTINUE (a paused one goes on), SAVE */
};

struct sched_verdict {
    enum action action;
    /* EXPLOIT: it goes on from another's checkpoint, or its own, with another configuration; PAUSE:
     * so it will when it is chosen, where there is a donor. These two the core puts on the tape,
     * and obeys what the tape says: they may come out of libm, and nothing is to be kept of them.
     */
    uint32_t donor;     /* NUMBER_NONE: none */
    struct span config; /* packed, in the call's arena */
    const char *tag;    /* behind the trial's own, in place of what an EXPLOIT before put there */
    struct sched_other *others; /* in the call's arena, in the order in which they are done */
    uint32_t other_count;
};

/* What a scheduler may ask of the core. */
struct sched_view {
    void *core; /* borrowed */
    enum trial_state (*state)(void *core, uint32_t trial);
    struct span (*config)(void *core, uint32_t trial); /* packed */
    bool (*waiting)(void *core); /* is any trial pending, paused or ahead, for want of a place */
    bool (*saved)(void *core, uint32_t trial); /* has it a checkpoint, or takes one now */
};

/* Whether a trial could be started now. */
struct sched_candidates {
    void *context; /* borrowed */
    bool (*fits)(void *context, uint32_t trial);
    const uint32_t *pending; /* numbers in the order in which they were added or re-queued */
    uint32_t pending_count;
    /* Of those that the scheduler has paused, and nobody else: whether a trial is one, and the
     * first by number, NUMBER_NONE for none. */
    bool (*is_paused)(void *context, uint32_t trial);
    uint32_t (*first_paused)(void *context);
};

/* What of debug's lines is a number, for programs. */
struct sched_figures {
    uint64_t stopped;      /* trials, as it counts them there */
    const double *cutoffs; /* in the call's arena; as trials report, in debug's order; NaN: none */
    uint32_t cutoff_count;
};

struct sched_ops {
    const char *name;
    /* spec is borrowed for life; the tape only for the call. view may be copied. */
    void *(*new)(const struct spec *spec, uint64_t seed, const struct sched_view *view,
                 struct tape *tape);
    void (*free)(void *self);
    /* A trial was proposed, or re-queued after a failure. */
    void (*add)(void *self, uint32_t trial);
    /* The same for a new one, into this bracket instead of one that is drawn. False, and nothing
     * has changed, where there is no such bracket. NULL: it draws none. */
    bool (*add_in)(void *self, uint32_t trial, uint32_t bracket);
    void (*result)(void *self, const struct judged *judged, struct arena *arena,
                   struct sched_verdict *out);
    /* A trial ended well by its own word or a stop rule, with its last result. */
    void (*complete)(void *self, const struct judged *judged, struct arena *arena,
                     struct sched_verdict *out);
    /* A trial failed, was stopped by a person, or left: it will report no more. */
    void (*error)(void *self, uint32_t trial, struct arena *arena, struct sched_verdict *out);
    /* How far a trial may run without asking, in the time attribute; infinity: no limit. After
     * every result, and at a launch. */
    double (*horizon)(const void *self, uint32_t trial);
    /* Which one to start next, NUMBER_NONE for none. */
    uint32_t (*choose)(void *self, const struct sched_candidates *candidates);
    /* The scheduler's lines of the status block, each with its newline. */
    void (*debug)(const void *self, struct buf *out);
    /* Who counts those that it stopped has them here, too. NULL: there are none. */
    void (*figures)(const void *self, struct arena *arena, struct sched_figures *out);
    /* What decided about a trial, in words; what it kept of it. */
    void (*explain)(const void *self, uint32_t trial, struct buf *out);
    void (*save)(const void *self, struct buf *out);
    bool (*load)(void *self, struct cursor *in);
    /* Its brackets and what they cost, into a forecast in which every trial runs to its end
     * (forecast.h); NULL: so they do. */
    void (*forecast)(const struct forecast_ask *ask, struct arena *arena, struct forecast *out);
};

void forecast_stopping(const struct forecast_ask *ask, struct arena *arena, struct forecast *out);
void forecast_promotion(const struct forecast_ask *ask, struct arena *arena, struct forecast *out);
void forecast_hyperband(const struct forecast_ask *ask, struct arena *arena, struct forecast *out);

/* What a row of common/schedulers.def does: sched_SYMBOL of head/core/sched_SYMBOL.c. */
const struct sched_ops *sched_find(const struct scheduler_type *type);

#define SCHEDULER(symbol, ...) extern const struct sched_ops sched_##symbol;
#include "common/schedulers.def"
#undef SCHEDULER

#endif
