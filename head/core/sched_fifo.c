/* In the order in which they were added, and none is stopped. Keeps nothing. */
#include <math.h>

#include "common/pack.h"
#include "head/core/sched.h"

static void *fifo_new(const struct spec *spec, uint64_t seed, const struct sched_view *view,
                      struct tape *tape)
{
    static char nothing; /* callers may take NULL for a failure */

    (void)spec;
    (void)seed;
    (void)view;
    (void)tape;
    return &nothing;
}

static void fifo_free(void *self)
{
    (void)self;
}

static void fifo_add(void *self, uint32_t trial)
{
    (void)self;
    (void)trial;
}

static void fifo_result(void *self, const struct judged *judged, struct arena *arena,
                        struct sched_verdict *out)
{
    (void)self;
    (void)judged;
    (void)arena;
    *out = (struct sched_verdict){.action = ACTION_CONTINUE, .donor = NUMBER_NONE};
}

static void fifo_error(void *self, uint32_t trial, struct arena *arena, struct sched_verdict *out)
{
    (void)self;
    (void)trial;
    (void)arena;
    *out = (struct sched_verdict){.action = ACTION_CONTINUE, .donor = NUMBER_NONE};
}

static double fifo_horizon(const void *self, uint32_t trial)
{
    (void)self;
    (void)trial;
    return (double)INFINITY;
}

/* A large pending trial that does not fit is passed over for a smaller one behind it. */
static uint32_t fifo_choose(void *self, const struct sched_candidates *candidates)
{
    uint32_t paused;

    (void)self;
    for (uint32_t i = 0; i < candidates->pending_count; i++)
        if (candidates->fits(candidates->context, candidates->pending[i]))
            return candidates->pending[i];
    paused = candidates->first_paused(candidates->context);
    if (paused == NUMBER_NONE || candidates->fits(candidates->context, paused))
        return paused;
    return NUMBER_NONE;
}

static void fifo_debug(const void *self, struct buf *out)
{
    (void)self;
    buf_append_text(out, "Using FIFO scheduling algorithm.\n");
}

static void fifo_explain(const void *self, uint32_t trial, struct buf *out)
{
    (void)self;
    (void)trial;
    buf_append_text(out, "The fifo scheduler starts trials in their order and stops none.");
}

static void fifo_save(const void *self, struct buf *out)
{
    (void)self;
    pack_nil(out);
}

static bool fifo_load(void *self, struct cursor *in)
{
    (void)self;
    return cursor_nil(in);
}

const struct sched_ops sched_fifo = {
    .name = "fifo",
    .new = fifo_new,
    .free = fifo_free,
    .add = fifo_add,
    .result = fifo_result,
    .complete = fifo_result,
    .error = fifo_error,
    .horizon = fifo_horizon,
    .choose = fifo_choose,
    .debug = fifo_debug,
    .explain = fifo_explain,
    .save = fifo_save,
    .load = fifo_load,
};
