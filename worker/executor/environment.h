/* environment.h - what a trial's program finds in its environment.
 *
 * The executor's own, less everything of ours (ASSAY_*, which may hold paths of keys; ASSAY_HOME
 * stays) and less what is set next; then the trial's variables; then the experiment's `env`, which
 * wins. */
#ifndef EXECUTOR_ENVIRONMENT_H
#define EXECUTOR_ENVIRONMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "proto/msg.h"

struct environment;

/* What the trials of an experiment share. env's records are struct msg_env and are copied. */
struct environment *environment_new(const struct msg_experiment *experiment);
void environment_free(struct environment *environment);

struct environment_trial {
    const char *id;
    const char *name;
    uint32_t attempt;
    const char *experiment;
    const char *dir;
    const char *config_path; /* NULL: there is no such file */
    const char *socket_path;
    uint64_t seed;
    int64_t cpu; /* 1/10000 */
    const struct msg_gpu *gpus;
    uint32_t gpu_count;
    const char *checkpoint_dir;
    const char *restore_dir; /* NULL: there is nothing to go on from */
    int64_t iteration;       /* of that */
    uint32_t checkpoint_freq;
    bool checkpoint_at_end;
    bool reuse; /* its process may be handed another trial */
};

/* The whole of it for one attempt, ended by NULL; lives in the arena and borrows from environment.
 * With NULL for trial: what is the same for all. */
char **environment_build(const struct environment *environment,
                         const struct environment_trial *trial, struct arena *arena);

/* The same for a process that has what trials of so many CPUs (1/10000) will have: a library that
 * looks at OMP_NUM_THREADS when it is opened is opened there. */
char **environment_build_zygote(const struct environment *environment, int64_t cpu,
                                struct arena *arena);

/* Only what is the attempt's own. */
char **environment_build_own(const struct environment *environment,
                             const struct environment_trial *trial, struct arena *arena);

/* The value of a name in what environment_build gave; NULL. */
const char *environment_get(char *const *entries, const char *name);

/* The path of a program as a shell finds it: name itself where it has a slash, else the first in
 * the PATH of entries that may be run. NULL where there is none. */
const char *environment_find(char *const *entries, const char *name, struct arena *arena);

#endif
