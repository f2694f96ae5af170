/* The median stopping rule (Golovin et al., Google Vizier, KDD 2017, "Median Stopping Rule"), as
 * Tune's MedianStoppingRule has it.
 *
 * A result at time t stops its trial if the best that the trial has reported so far is worse than
 * the median, over other trials, of the mean of what each of them had reported up to t:
 *
 *     max(r_i(s): s <= t)  <  median over j of mean(r_j(s): s <= t)
 *
 * tune-0.7: j are the trials that have ended well, and those that were paused by this rule and then
 * stopped by a person; t > grace_period, and j at least min_samples_required. A j without a result
 * up to t, or with a NaN, makes the median NaN, which stops nobody.
 *
 * tune-2: j are all others, whatever became of them, whose newest result is at t or later; means
 * are over grace_period <= s <= t, a j where that is no finite number does not count; t >=
 * grace_period. While j are too few, and others wait for their turn, a trial that has come further
 * than min_time_slice since it last did so makes room for them: it pauses.
 *
 * With hard_stop: false a trial pauses in place of being stopped, goes on when nobody is pending
 * who fits, and is not judged again.
 *
 * A NaN is worse than any number. After a new start of a trial the results that it repeats take the
 * place of those before. What is kept: a note a trial, and of those that others are compared with
 * (0.7: that have ended well; 2: all that reported) time and mean of each result (curve.h), and 8
 * bytes or a few times 8 more beside it (medians.h). */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "head/core/median_inside.h"
#include "head/core/sched_common.h"

/* ---- others ---- */

/* Of one that others are compared with: what it had at a time. */
static bool value_at(const void *context, uint32_t trial, double time, double *value, bool *exact)
{
    const struct median *median = context;
    const struct run *run = median->notes[trial].run;
    uint32_t count;

    if (median->old ? !run->ended : !(run->last >= time))
        return false;
    count = curve_count_to(&run->curve, time);
    *value = count > 0 ? run->curve.items[count - 1].mean : (double)NAN;
    *exact = count > 0 && run->curve.items[count - 1].time == time;
    return median->old || *value - *value == 0; /* is finite */
}

static void *median_new(const struct spec *spec, uint64_t seed, const struct sched_view *view,
                        struct tape *tape)
{
    struct median *median = xcalloc(1, sizeof(*median));
    const struct spec_scheduler *keys = &spec->scheduler;

    (void)seed;
    (void)tape;
    median->spec = keys;
    median->old = keys->semantics == SEMANTICS_TUNE_07;
    median->grace_period = spec_scheduler_number(keys, "grace_period");
    median->min_samples = (uint32_t)spec_scheduler_number(keys, "min_samples_required");
    median->min_time_slice = spec_scheduler_number(keys, "min_time_slice");
    median->hard = spec_scheduler_number(keys, "hard_stop") > 0;
    median->view = *view;
    median->furthest = (double)-INFINITY;
    median->others = medians_new(value_at, median);
    return median;
}

static void run_free(struct run *run)
{
    if (run == NULL)
        return;
    curve_fini(&run->curve);
    free(run);
}

static void median_free(void *self)
{
    struct median *median = self;

    if (median == NULL)
        return;
    for (uint32_t i = 0; i < median->note_count; i++)
        run_free(median->notes[i].run);
    medians_free(median->others);
    free(median->notes);
    free(median);
}

struct median_note *median_note(struct median *median, uint32_t trial)
{
    median->notes = sched_notes_reserve(median->notes, sizeof(*median->notes), &median->note_count,
                                        &median->note_capacity, trial);
    return &median->notes[trial];
}

/* NULL where no result of it counts any more, or none ever did. */
static struct run *live_run(const struct median *median, uint32_t trial)
{
    struct run *run = trial < median->note_count ? median->notes[trial].run : NULL;

    return run != NULL && !run->ended ? run : NULL;
}

bool median_is_member(const struct median *median, const struct run *run)
{
    return run->has_last && (run->ended || !median->old);
}

static void reach(struct median *median, double time)
{
    if (time > median->furthest)
        median->furthest = time;
}

void median_join(struct median *median, uint32_t trial)
{
    const struct run *run = median->notes[trial].run;

    if (!median->old)
        reach(median, run->last);
    else if (run->curve.count > 0)
        reach(median, run->curve.items[run->curve.count - 1].time);
    medians_join(median->others, trial);
    medians_put(median->others, trial, (double)-INFINITY, false,
                median->old ? (double)INFINITY : run->last);
}

/* One that has ended goes on all the same. */
static void leave(struct median *median, uint32_t trial)
{
    medians_take(median->others, trial, (double)-INFINITY, (double)INFINITY);
    medians_leave(median->others, trial);
}

/* Added again: after a failure, or because more was asked of it when it had ended. */
static void median_add(void *self, uint32_t trial)
{
    struct median *median = self;
    struct median_note *note = median_note(median, trial);
    struct run *run = note->run;

    if (run == NULL) {
        run = xcalloc(1, sizeof(*run));
        run->last = (double)-INFINITY;
        run->paused_at = (double)-INFINITY;
        note->run = run;
    }
    if (median->old && run->ended)
        leave(median, trial);
    run->ended = false;
    run->again = run->has_last;
    run->waits = false;
}

/* It will report no more; all that is left of it is what others are compared with. */
static void end(struct median *median, uint32_t trial, bool stays)
{
    struct median_note *note = &median->notes[trial];
    struct run *run = note->run;

    if (!stays || !run->has_last) {
        median->results -= run->curve.count;
        medians_allow(median->others, median->results);
        run_free(run);
        note->run = NULL;
        return;
    }
    run->ended = true;
    run->waits = false;
    curve_trim(&run->curve);
    if (median->old)
        median_join(median, trial);
}

/* ---- judging ---- */

/* What came behind the checkpoint that it goes on from is reported once more. */
static void forget_repeated(struct median *median, struct run *run, double time)
{
    uint32_t count = run->curve.count;

    curve_cut(&run->curve, time);
    median->results -= count - run->curve.count;
    run->again = false;
}

static void take_best(struct run *run, double reward)
{
    if (isnan(reward) || (run->has_best && reward <= run->best))
        return;
    run->best = reward;
    run->has_best = true;
}

/* Under 2 all others are compared with it, up to this result. */
static void take_result(struct median *median, struct run *run, const struct judged *judged)
{
    double before = run->last;
    bool later = judged->time > before;

    if (!median->old && run->has_last && !later)
        medians_take(median->others, judged->trial, judged->time, before);
    if (run->again)
        forget_repeated(median, run, judged->time);
    if (median->old || judged->time >= median->grace_period) {
        curve_add(&run->curve, judged->time, judged->reward);
        median->results++;
    }
    run->last = judged->time;
    run->last_reward = judged->reward;
    take_best(run, judged->reward);
    medians_allow(median->others, median->results);
    if (!median->old && !run->has_last)
        medians_join(median->others, judged->trial);
    if (!median->old) {
        reach(median, judged->time);
        medians_put(median->others, judged->trial, later ? before : judged->time, later,
                    judged->time);
    }
    run->has_last = true;
}

/* Beyond all others nobody has to be asked: under 2 there is none, under 0.7 they stay as they
 * were. */
static uint32_t others_at(struct median *median, double time, uint32_t trial, double *out)
{
    if (time > median->furthest && !median->old)
        return 0;
    return medians_at(median->others, time > median->furthest ? median->furthest : time, trial,
                      out);
}

/* A NaN as the median stops nobody; one that reported no number is worse than any. */
static bool is_worse(const struct median_note *note)
{
    return isnan(note->best) ? !isnan(note->median) : note->best < note->median;
}

/* Where others are too few. */
static enum action yield(const struct median *median, struct median_note *note)
{
    note->what = NOTE_FEW;
    if (median->old || !(note->time - note->run->paused_at > median->min_time_slice) ||
        !median->view.waiting(median->view.core))
        return ACTION_CONTINUE;
    note->what = NOTE_YIELDED;
    note->run->paused_at = note->time;
    return ACTION_PAUSE;
}

static bool is_early(const struct median *median, double time)
{
    return median->old ? !(time > median->grace_period) : time < median->grace_period;
}

/* By what others had at its time, and what it has itself. */
static enum action judge(const struct median *median, struct median_note *note)
{
    note->best = note->run->has_best ? note->run->best : (double)NAN;
    if (is_early(median, note->time)) {
        note->what = NOTE_EARLY;
        return ACTION_CONTINUE;
    }
    if (note->others < median->min_samples)
        return yield(median, note);
    note->what = is_worse(note) ? NOTE_CUT : NOTE_PASSED;
    if (note->what == NOTE_PASSED)
        return ACTION_CONTINUE;
    return median->hard ? ACTION_STOP : ACTION_PAUSE;
}

/* A result without a time or a reward says nothing: the trial goes on. */
static void median_result(void *self, const struct judged *judged, struct arena *arena,
                          struct sched_verdict *out)
{
    struct median *median = self;
    struct run *run = live_run(median, judged->trial);
    struct median_note *note;

    (void)arena;
    *out = (struct sched_verdict){.action = ACTION_STOP, .donor = NUMBER_NONE};
    if (run == NULL)
        return;
    out->action = ACTION_CONTINUE;
    if (run->exempt || !sched_is_whole(judged))
        return;
    note = &median->notes[judged->trial];
    note->time = judged->time;
    note->median = (double)NAN;
    note->others = 0;
    /* Before its own result is among those of the others, where it would have to be taken out. */
    if (!is_early(median, judged->time))
        note->others = others_at(median, judged->time, judged->trial, &note->median);
    take_result(median, run, judged);
    out->action = judge(median, note);
    if (note->what != NOTE_CUT)
        return;
    median->stopped++;
    run->exempt = true;
    run->waits = true;
    if (median->hard)
        end(median, judged->trial, !median->old);
}

/* One that ended without a word has its last result judged already: it counts once. */
static void median_complete(void *self, const struct judged *judged, struct arena *arena,
                            struct sched_verdict *out)
{
    struct median *median = self;
    struct run *run = live_run(median, judged->trial);

    (void)arena;
    *out = (struct sched_verdict){.action = ACTION_CONTINUE, .donor = NUMBER_NONE};
    if (run == NULL)
        return;
    if (sched_is_whole(judged) &&
        !(run->has_last && !run->again && judged->time == run->last &&
          memcmp(&judged->reward, &run->last_reward, sizeof(run->last_reward)) == 0))
        take_result(median, run, judged);
    end(median, judged->trial, true);
}

static void median_error(void *self, uint32_t trial, struct arena *arena, struct sched_verdict *out)
{
    struct median *median = self;
    const struct run *run = live_run(median, trial);

    (void)arena;
    *out = (struct sched_verdict){.action = ACTION_CONTINUE, .donor = NUMBER_NONE};
    if (run != NULL)
        end(median, trial, !median->old || run->waits);
}

/* The next number; from 0 on. */
static double number_after(double number)
{
    uint64_t bits;

    memcpy(&bits, &number, sizeof(bits));
    bits = number > 0 ? bits + 1 : 1; /* -0.0 is 0, too */
    memcpy(&number, &bits, sizeof(bits));
    return number;
}

/* Every result from there on is judged, and none before, whatever was reported already. */
static double median_horizon(const void *self, uint32_t trial)
{
    const struct median *median = self;
    const struct run *run = live_run(median, trial);

    if (run == NULL)
        return (double)-INFINITY;
    if (run->exempt)
        return (double)INFINITY;
    return median->old ? number_after(median->grace_period) : median->grace_period;
}

/* Who is chosen begins once more, at its checkpoint or before it. */
static uint32_t median_choose(void *self, const struct sched_candidates *candidates)
{
    const struct median *median = self;
    uint32_t trial = sched_fifo.choose(NULL, candidates);
    struct run *run = trial != NUMBER_NONE ? live_run(median, trial) : NULL;

    if (run != NULL) {
        run->again = run->has_last;
        run->waits = false;
    }
    return trial;
}

static void median_figures(const void *self, struct arena *arena, struct sched_figures *out)
{
    const struct median *median = self;

    (void)arena;
    out->stopped = median->stopped;
}

const struct sched_ops sched_median = {
    .name = "median",
    .new = median_new,
    .free = median_free,
    .add = median_add,
    .result = median_result,
    .complete = median_complete,
    .error = median_error,
    .horizon = median_horizon,
    .choose = median_choose,
    .debug = median_debug,
    .figures = median_figures,
    .explain = median_explain,
    .save = median_save,
    .load = median_load,
};
