/* draft.h - what is to be submitted: a file's experiments, or the one a command line stands for,
 * with the flags that beat the file. */
#ifndef CLIENT_DRAFT_H
#define CLIENT_DRAFT_H

#include "client/experiment_file.h"
#include "client/options.h"
#include "common/spec.h"

/* Flags of `run` and `submit` that say what an experiment is. */
struct draft_flags {
    struct option_texts sets;   /* "set=a.b=v", "seed=1", "stop=K=V", ...: in their order */
    struct option_texts spaces; /* -p K=DOMAIN:VALUES */
    const char *save;
    const char *address;    /* of a head that knows what warm_start names; NULL: as usual */
    const char *token_file; /* NULL */
    bool by_hand; /* `drive`: the trials' program is the caller's, and all of them may be, too */
};

#define DRAFT_OPTIONS(of, flags)                                                                   \
    OPTION(of, flags.sets, "set", 0, OPTION_ORDERED, "KEY=VALUE",                                  \
           "set any key of the file: a.b=v"),                                                      \
        OPTION(of, flags.spaces, NULL, 'p', OPTION_TEXTS, "NAME=DOMAIN:VALUES",                    \
               "something to choose: lr=loguniform:1e-4,1e-1"),                                    \
        OPTION(of, flags.sets, "samples", 'n', OPTION_ORDERED, "N",                                \
               "how many trials: num_samples"),                                                    \
        OPTION(of, flags.sets, "name", 0, OPTION_ORDERED, "NAME", "of the experiment"),            \
        OPTION(of, flags.sets, "stop", 0, OPTION_ORDERED, "METRIC=BOUND", "end a trial there"),    \
        OPTION(of, flags.sets, "metric", 0, OPTION_ORDERED, "METRIC", "what is judged"),           \
        OPTION(of, flags.sets, "mode", 0, OPTION_ORDERED, "max|min", "which side of it is good"),  \
        OPTION_CHOICE(of, flags.sets, "search", 0, OPTION_ORDERED, "TYPE", search_type_name,       \
                      "how configurations are found"),                                             \
        OPTION(of, flags.sets, "seed", 0, OPTION_ORDERED, "N",                                     \
               "of the search: the same draws again"),                                             \
        OPTION_CHOICE(of, flags.sets, "scheduler", 0, OPTION_ORDERED, "TYPE", scheduler_type_name, \
                      "what stops bad trials early"),                                              \
        OPTION(of, flags.sets, "max-t", 0, OPTION_ORDERED, "N", "the scheduler's longest trial"),  \
        OPTION(of, flags.sets, "cpus", 0, OPTION_ORDERED, "N", "of a trial"),                      \
        OPTION(of, flags.sets, "gpus", 0, OPTION_ORDERED, "N", "of a trial"),                      \
        OPTION(of, flags.sets, "time-limit", 0, OPTION_ORDERED, "D",                               \
               "end an attempt that runs for longer"),                                             \
        OPTION(of, flags.sets, "report-timeout", 0, OPTION_ORDERED, "D",                           \
               "end one that reports nothing for so long"),                                        \
        OPTION(of, flags.save, "save", 0, OPTION_TEXT, "FILE",                                     \
               "write the experiment file this stands for, and end")

struct draft {
    struct value value; /* as it is to be sent */
    struct spec spec;
};

struct drafts {
    struct draft *items; /* in the arena */
    uint32_t count;
    const char *base; /* absolute: the folder that the file's paths start from */
    bool by_hand;     /* as in the flags */
};

/* A --stop flag, METRIC=BOUND, into the experiment that value is: bounds are by metric, whose name
 * may have points in it. 0, or an exit status and it was said why. */
int draft_set_stop(struct value *value, const char *rule, struct arena *arena);

/* Read FILE (or, where it is NULL, take the words of a command) and the flags; checks all of it.
 * Everything lives in arena. 0, or an exit status and it was said why. With --save the file is
 * written. */
int drafts_read(const char *file, char *const *words, const struct draft_flags *flags,
                struct arena *arena, struct drafts *out);

/* The same of a file that holds one experiment, whose trials the caller runs by hand; doing: what
 * is done with it, for the error. *out is NULL where --save was all. */
int drafts_read_one(const char *file, const struct draft_flags *flags, const char *doing,
                    struct arena *arena, struct draft **out);

/* In draft_flags.c: one experiment's value with the flags done. EXIT_USAGE, said, for a wrong one.
 */
int draft_apply_flags(const struct draft_flags *flags, struct arena *arena, struct value *value);

/* The value a command line stands for: {run: {command: ...}}, its words quoted where they must. */
struct value draft_of_words(char *const *words, struct arena *arena);

#endif
