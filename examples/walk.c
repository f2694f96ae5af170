/* A trainable that saves and goes on: a walk whose place is all of its state.
 *
 *   run: {native: libwalk.so}
 *
 * `crash_at` in the configuration ends its first attempt there, as a machine that fails would. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "client/trainable.h"

struct walk {
    long long step;
    double place;
};

static int walk_setup(struct assay_trial *trial, void **state)
{
    (void)trial;
    *state = calloc(1, sizeof(struct walk));
    return *state == NULL;
}

static int walk_restore(struct assay_trial *trial, void *state, const char *dir)
{
    struct walk *walk = state;
    char path[4096];
    FILE *file;
    int read;

    (void)trial;
    (void)snprintf(path, sizeof(path), "%s/place", dir);
    file = fopen(path, "r");
    if (file == NULL)
        return -1;
    read = fscanf(file, "%lld %la", &walk->step, &walk->place);
    return fclose(file) != 0 || read != 2;
}

static int walk_save(struct assay_trial *trial, void *state, const char *dir)
{
    const struct walk *walk = state;
    char path[4096];
    FILE *file;

    (void)trial;
    (void)snprintf(path, sizeof(path), "%s/place", dir);
    file = fopen(path, "w");
    if (file == NULL || fprintf(file, "%lld %a\n", walk->step, walk->place) < 0)
        return -1;
    return fclose(file);
}

static int walk_train(struct assay_trial *trial, void *state)
{
    static const char *const names[] = {"place", "step"};
    struct walk *walk = state;
    const struct timespec pace = {0, assay_config_int(trial, "pace_ms", 0) * 1000000};

    (void)nanosleep(&pace, NULL);
    walk->step++;
    walk->place += 1.0 / (double)walk->step;
    if (walk->step == assay_config_int(trial, "crash_at", -1) && assay_restore_dir(trial) == NULL)
        (void)raise(SIGKILL);
    return assay_report(trial, names, (const double[]){walk->place, (double)walk->step}, 2) != 0;
}

static void walk_cleanup(struct assay_trial *trial, void *state)
{
    (void)trial;
    free(state);
}

static const struct assay_trainable walk = {
    .setup = walk_setup,
    .train = walk_train,
    .cleanup = walk_cleanup,
    .save = walk_save,
    .restore = walk_restore,
};

ASSAY_TRAINABLE_CLASS(walk)
