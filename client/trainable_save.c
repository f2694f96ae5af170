/* Checkpoints of a trial's program, and the loop of a table. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "client/trainable_inside.h"
#include "common/pack.h"

const char *assay_restore_dir(const struct assay_trial *trial)
{
    (void)trial;
    return getenv("ASSAY_RESTORE");
}

int64_t assay_iteration(const struct assay_trial *trial)
{
    return trial->iteration + trial->reports;
}

/* Say once that it saves when it is asked to. */
static void say_saves(struct assay_trial *trial)
{
    if (trial->saves || trial->report < 0)
        return;
    trial->saves = true;
    assay_inside_end(trial, assay_inside_begin(trial, 1, "saves"));
    assay_inside_flush(trial);
}

static bool is_due(const struct assay_trial *trial)
{
    int64_t every = strtoll(assay_inside_variable("ASSAY_CHECKPOINT_FREQ", "0"), NULL, 10);

    return every > 0 && trial->reports > 0 && assay_iteration(trial) % every == 0 &&
           trial->saved_at != trial->reports;
}

int assay_save_wanted(struct assay_trial *trial)
{
    say_saves(trial);
    return trial->report >= 0 && !trial->stopped && (trial->save_asked || is_due(trial));
}

const char *assay_save_begin(struct assay_trial *trial)
{
    const char *base = getenv("ASSAY_CHECKPOINT_DIR");

    if (base == NULL) {
        errno = ENOENT; /* run by hand, nobody keeps checkpoints */
        return NULL;
    }
    if (mkdir(base, 0700) != 0 && errno != EEXIST)
        return NULL;
    buf_reset(&trial->folder);
    buf_printf(&trial->folder, "%s/checkpoint_%" PRId64 ".%u", base, assay_iteration(trial),
               ++trial->folders);
    return mkdir(buf_text(&trial->folder), 0700) == 0 ? buf_text(&trial->folder) : NULL;
}

int assay_save_end(struct assay_trial *trial)
{
    size_t at;

    if (trial->report < 0 || trial->folder.size == 0)
        return trial->stopped ? 1 : 0;
    at = assay_inside_begin(trial, 2, "checkpoint");
    pack_text(&trial->out, buf_text(&trial->folder));
    assay_inside_end(trial, at);
    assay_inside_flush(trial);
    buf_reset(&trial->folder);
    trial->saved_at = trial->reports;
    trial->save_asked = false;
    return trial->stopped || trial->pause_asked ? 1 : 0;
}

/* 0, or what the trial ends with. */
static int table_save(const struct assay_trainable *table, struct assay_trial *trial, void *state)
{
    const char *dir = assay_save_begin(trial);

    if (dir == NULL) {
        assay_fail(trial, "a folder for its checkpoint cannot be made");
        return 1;
    }
    if (table->save(trial, state, dir) != 0) {
        assay_fail(trial, "it could not save its checkpoint");
        return 1;
    }
    (void)assay_save_end(trial);
    return 0;
}

static int table_restore(const struct assay_trainable *table, struct assay_trial *trial,
                         void *state)
{
    const char *dir = assay_restore_dir(trial);

    if (dir == NULL)
        return 0;
    if (table->restore != NULL && table->restore(trial, state, dir) == 0)
        return 0;
    assay_fail(trial, table->restore == NULL ? "it has a checkpoint, and no restore"
                                             : "it could not restore its checkpoint");
    return 1;
}

/* At its end: what was asked for and not done, and what checkpoint_at_end wants. */
static bool is_due_at_end(const struct assay_trial *trial)
{
    return trial->saved_at != trial->reports &&
           ((trial->pause_asked && !trial->stopped) || getenv("ASSAY_CHECKPOINT_AT_END") != NULL);
}

int assay_inside_table(const struct assay_trainable *table, struct assay_trial *trial)
{
    bool saves = table->save != NULL && trial->report >= 0;
    void *state = NULL;
    int failed = table->setup != NULL ? table->setup(trial, &state) : 0;
    int trained = 0;

    trial->by_itself = saves;
    if (saves)
        say_saves(trial);
    if (failed == 0)
        failed = table_restore(table, trial, state);
    while (failed == 0 && trained == 0 && !assay_inside_is_over(trial)) {
        trained = table->train(trial, state);
        if (saves && trained == 0 && !assay_inside_is_over(trial) && assay_save_wanted(trial))
            failed = table_save(table, trial, state);
    }
    if (saves && failed == 0 && trained >= 0 && is_due_at_end(trial))
        failed = table_save(table, trial, state);
    if (table->cleanup != NULL)
        table->cleanup(trial, state);
    if (failed != 0)
        return failed;
    return trained == 1 ? 0 : trained;
}
