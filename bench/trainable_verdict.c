/* A trial each of whose reports reaches a rung, so that it waits for the head's verdict there, and
 * that measures how long: a line of milliseconds each goes behind the file that `times` names.
 *
 * The rungs are at powers of two of `clock`, and so are the reports. The first report of a trial is
 * left out: its start is still under way. Between two reports everybody comes to rest. */
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "client/trainable.h"

#define PAUSE_NS 2000000

static double now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int report_all(struct assay_trial *trial, FILE *times)
{
    static const struct timespec pause = {0, PAUSE_NS};
    static const char *const names[] = {"clock", "reward"};

    for (int step = 0;; step++) {
        double values[] = {ldexp(1, step), 1};
        double begin_ms = now_ms();
        int stop = assay_report(trial, names, values, 2);

        if (step > 0 && fprintf(times, "%.6f\n", now_ms() - begin_ms) < 0)
            return -1;
        if (stop != 0)
            return 0;
        (void)nanosleep(&pause, NULL);
    }
}

static int train(struct assay_trial *trial)
{
    const char *path = assay_config_text(trial, "times", NULL);
    FILE *times = path != NULL ? fopen(path, "ae") : NULL;
    int status;

    if (times == NULL) {
        assay_fail(trial, "the file that `times` names cannot be opened");
        return 1;
    }
    status = report_all(trial, times);
    if (fclose(times) != 0 || status < 0) {
        assay_fail(trial, "the times cannot be written");
        return 1;
    }
    return 0;
}

ASSAY_TRAINABLE_FUNCTION(train)
