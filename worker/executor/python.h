/* python.h - trainables in Python: which interpreter runs them on this node, and where the package
 * is whose python/assay/zygote.py starts them. */
#ifndef EXECUTOR_PYTHON_H
#define EXECUTOR_PYTHON_H

#include <sys/types.h>

#include "common/arena.h"

struct python {
    const char *interpreter; /* a path that can be run */
    const char *boot;        /* the package's program */
    const char *why;         /* neither: what is missing, and the mend; else NULL */
};

/* asked: what the experiment names, or "": then ASSAY_PYTHON of this process's environment, or
 * python3. entries: what a trial's environment has, for its PATH. All
 * texts in the arena. */
void python_find(struct python *python, const char *asked, char *const *entries,
                 struct arena *arena);

/* The words that start a zygote, for an executor of the number parent, or with 0 one trial. code is
 * the folder of the experiment's code, run "module:Name". */
char **python_argv(const struct python *python, pid_t parent, const char *code, const char *run,
                   struct arena *arena);

#endif
