/* Two weights that climb a hill, but see only a part of it: the toy of the paper on population
 * based training (Jaderberg et al., 2017, figure 2).
 *
 *   run: {native: libhill.so}
 *
 * The hill is 1.2 - a^2 - b^2. Each step goes up 1.2 - h.a a^2 - h.b b^2 instead, by its gradient,
 * so with h = {a: 1, b: 0} nothing ever becomes of b. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "client/trainable.h"

#define START 0.9
#define RATE  0.05

struct hill {
    double a;
    double b;
};

static int hill_setup(struct assay_trial *trial, void **state)
{
    struct hill *hill = malloc(sizeof(*hill));

    (void)trial;
    *state = hill;
    if (hill == NULL)
        return -1;
    hill->a = hill->b = START;
    return 0;
}

static int hill_restore(struct assay_trial *trial, void *state, const char *dir)
{
    struct hill *hill = state;
    char path[4096];
    FILE *file;
    int read;

    (void)trial;
    (void)snprintf(path, sizeof(path), "%s/weights", dir);
    file = fopen(path, "r");
    if (file == NULL)
        return -1;
    read = fscanf(file, "%la %la", &hill->a, &hill->b);
    return fclose(file) != 0 || read != 2;
}

static int hill_save(struct assay_trial *trial, void *state, const char *dir)
{
    const struct hill *hill = state;
    char path[4096];
    FILE *file;

    (void)trial;
    (void)snprintf(path, sizeof(path), "%s/weights", dir);
    file = fopen(path, "w");
    if (file == NULL || fprintf(file, "%a %a\n", hill->a, hill->b) < 0)
        return -1;
    return fclose(file);
}

static int hill_train(struct assay_trial *trial, void *state)
{
    static const char *const names[] = {"height", "a", "b"};
    struct hill *hill = state;
    const struct timespec pace = {0, assay_config_int(trial, "pace_ms", 0) * 1000000};

    (void)nanosleep(&pace, NULL);
    hill->a -= RATE * 2 * assay_config_number(trial, "h.a", 1) * hill->a;
    hill->b -= RATE * 2 * assay_config_number(trial, "h.b", 1) * hill->b;
    return assay_report(
               trial, names,
               (const double[]){1.2 - hill->a * hill->a - hill->b * hill->b, hill->a, hill->b},
               3) != 0;
}

static void hill_cleanup(struct assay_trial *trial, void *state)
{
    (void)trial;
    free(state);
}

static const struct assay_trainable hill = {
    .setup = hill_setup,
    .train = hill_train,
    .cleanup = hill_cleanup,
    .save = hill_save,
    .restore = hill_restore,
};

ASSAY_TRAINABLE_CLASS(hill)
