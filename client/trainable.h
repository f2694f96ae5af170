/* trainable.h - a trial's program in C: read the configuration, report results, be told when to
 * stop.
 *
 * Installed as <assay/trainable.h>, with libassay_trainable.a. One source serves both ways to run
 * it.
 *
 * For run: {native: libmine.so}:
 *
 *     cc -shared -fPIC -o libmine.so mine.c -lassay_trainable
 *
 * For run: {command: ./mine}:
 *
 *     cc -DASSAY_TRAINABLE_MAIN -o mine mine.c -lassay_trainable
 *
 * Either a function that runs from beginning to end and reports as it goes:
 *
 *     static int train(struct assay_trial *trial)
 *     {
 *         double width = assay_config_number(trial, "width", 1);
 *
 *         for (int step = 1;; step++)
 *             if (assay_report_number(trial, "reward", tanh(step / width)) != 0)
 *                 return 0;
 *     }
 *     ASSAY_TRAINABLE_FUNCTION(train)
 *
 * or a table of functions, of which `train` is one iteration, called until the trial is to end:
 *
 *     static const struct assay_trainable mine = {.setup = setup, .train = train};
 *
 *     ASSAY_TRAINABLE_CLASS(mine)
 *
 * Reports are buffered: they are written when the trial must wait for a verdict, when 32 KiB are
 * there, at the first report made 2 ms or more after the last write, and at the end. Run by hand,
 * without Assay, every default holds and reports are printed.
 *
 * A native trial leaves by _exit after its streams are flushed: functions given to atexit do not
 * run. Not for several threads at once. */
#ifndef ASSAY_TRAINABLE_H
#define ASSAY_TRAINABLE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct assay_trial;

/* The configuration, by name or dotted path ("optimizer.lr", "layers.0"); missing where there is no
 * such value, or none of the kind. Numbers: whole ones, others, and booleans (0 and 1). A text
 * lives as long as the trial. */
double assay_config_number(struct assay_trial *trial, const char *path, double missing);
int64_t assay_config_int(struct assay_trial *trial, const char *path, int64_t missing);
int assay_config_bool(struct assay_trial *trial, const char *path, int missing);
const char *assay_config_text(struct assay_trial *trial, const char *path, const char *missing);
/* All of it as JSON. */
const char *assay_config_json(struct assay_trial *trial);

/* One result. Each returns 0: go on; or 1: stop now, clean up and return 0 (this result was the
 * last one taken). A result that may not be followed by another before the head has judged it waits
 * here. */
int assay_report(struct assay_trial *trial, const char *const *names, const double *values,
                 size_t count);
int assay_report_number(struct assay_trial *trial, const char *name, double value);
/* A JSON object: any names and values. */
int assay_report_json(struct assay_trial *trial, const char *json);

/* Say why the trial fails; then return something other than 0. */
void assay_fail(struct assay_trial *trial, const char *why);

const char *assay_trial_id(const struct assay_trial *trial);
const char *assay_trial_name(const struct assay_trial *trial);
/* The working directory, which is the trial's own. */
const char *assay_trial_dir(const struct assay_trial *trial);
/* The same for each attempt of the trial. Forked trials have had srand, srandom and srand48 seeded
 * with it; every other generator is yours to seed. */
uint64_t assay_trial_seed(const struct assay_trial *trial);

/* Checkpoints. In a table `save` and `restore` are called when it is time: after every
 * checkpoint_freq iterations, at the end where the experiment says checkpoint_at_end, and when the
 * trial is to be paused. A function that has them too asks at the end of each iteration:
 *
 *     if (assay_save_wanted(trial)) {
 *         const char *dir = assay_save_begin(trial);
 *
 *         if (dir == NULL || write_model(dir) != 0)
 *             return -1;
 *         if (assay_save_end(trial) != 0)
 *             return 0;
 *     }
 *
 * Whoever asks at all is asked in turn when the trial is to be paused; who never does is ended
 * where it is and begins anew. What is saved holds everything up to the last report. */
int assay_save_wanted(struct assay_trial *trial);
/* A new, empty folder of its own for the checkpoint's files; NULL: it cannot be made, errno says
 * why. */
const char *assay_save_begin(struct assay_trial *trial);
/* It is complete: nothing in it may be changed any more. 0: go on; 1: stop now, as assay_report
 * says it. */
int assay_save_end(struct assay_trial *trial);
/* The folder of the checkpoint to go on from, a copy of this attempt's own; NULL: from scratch. */
const char *assay_restore_dir(const struct assay_trial *trial);
/* Iterations so far, with those of the checkpoint. */
int64_t assay_iteration(const struct assay_trial *trial);

/* Each may be NULL but train. What setup stores in *state is handed to the others. restore is
 * called behind setup, where there is something to go on from; a table that has save has restore.
 */
struct assay_trainable {
    int (*setup)(struct assay_trial *trial, void **state);   /* not 0: the trial fails */
    int (*train)(struct assay_trial *trial, void *state);    /* 0: again; 1: done; less: it fails */
    void (*cleanup)(struct assay_trial *trial, void *state); /* also after a failure */
    /* not 0: the trial fails */
    int (*save)(struct assay_trial *trial, void *state, const char *dir);
    int (*restore)(struct assay_trial *trial, void *state, const char *dir);
};

/* What the macros below make of it; not to be called. */
int assay_trainable_run(const struct assay_trainable *table,
                        int (*function)(struct assay_trial *trial), const void *config,
                        size_t config_size, const char *json, int report, long long go);
int assay_trainable_main(const struct assay_trainable *table,
                         int (*function)(struct assay_trial *trial));
int assay_trainable_enter_1(const void *config, size_t config_size, const char *json, int report,
                            long long go);

#ifdef ASSAY_TRAINABLE_MAIN
#define ASSAY_TRAINABLE_MAIN_(table, function)                                                     \
    int main(void)                                                                                 \
    {                                                                                              \
        return assay_trainable_main(table, function);                                              \
    }
#else
#define ASSAY_TRAINABLE_MAIN_(table, function)
#endif

#define ASSAY_TRAINABLE_ENTER_(table, function)                                                    \
    __attribute__((visibility("default"))) int assay_trainable_enter_1(                            \
        const void *config, size_t config_size, const char *json, int report, long long go)        \
    {                                                                                              \
        return assay_trainable_run(table, function, config, config_size, json, report, go);        \
    }                                                                                              \
    ASSAY_TRAINABLE_MAIN_(table, function)

#define ASSAY_TRAINABLE_FUNCTION(function) ASSAY_TRAINABLE_ENTER_(NULL, function)
#define ASSAY_TRAINABLE_CLASS(table)       ASSAY_TRAINABLE_ENTER_(&(table), NULL)

#ifdef __cplusplus
}
#endif

#endif
