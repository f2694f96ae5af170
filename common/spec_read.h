/* spec_read.h - what the files that check an experiment share: where the reader stands, and how
 * one value is read or refused. Private to spec*.c. */
#ifndef COMMON_SPEC_READ_H
#define COMMON_SPEC_READ_H

#include "common/spec.h"

struct spec_reader {
    struct arena *arena;      /* borrowed */
    struct spec *spec;        /* being filled in */
    struct spec_error *error; /* borrowed */
    char path[256];           /* of the value at hand, dotted */
    size_t path_size;

    /* What was said, where that is not to be seen in spec. */
    bool has_start;
    bool has_mode;
    bool has_reward_attr;
    bool has_scheduler_mode;
    bool has_semantics;
    bool has_tpe_key;
    bool has_timeout;
    bool has_number[SCHEDULER_KEYS];
    bool has_open;
};

/* A key of a map and what reads its value. */
struct spec_key {
    const char *name;
    int (*read)(struct spec_reader *reader, const struct value *value);
};

/* Go down to a member or item, and back up again: size is what enter returned. */
size_t spec_enter(struct spec_reader *reader, const char *key);
void spec_leave(struct spec_reader *reader, size_t size);

/* Fill in the error for the value at hand; returns ERR_MALFORMED. */
int spec_refuse(struct spec_reader *reader, const char *mend, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Read a map by a table; where: "an experiment", for the error about an unknown key. A null counts
 * as not given. */
int spec_read_map(struct spec_reader *reader, const struct value *value, const char *where,
                  const struct spec_key *keys, size_t count);

/* Each item of a list. */
int spec_read_list(struct spec_reader *reader, const struct value *list,
                   int (*read)(struct spec_reader *reader, const struct value *item));

/* A text that is not empty and has no control character; lines may have newlines and tabs. */
int spec_read_text(struct spec_reader *reader, const struct value *value, size_t limit_bytes,
                   const char **out);
int spec_read_lines(struct spec_reader *reader, const struct value *value, size_t limit_bytes,
                    const char **out);

/* A text that becomes the name of a directory or of a thing. */
int spec_read_name(struct spec_reader *reader, const struct value *value, const char **out);

/* A map's key that names a metric. */
int spec_check_key(struct spec_reader *reader, const char *key);

/* One of count words. */
int spec_read_word(struct spec_reader *reader, const struct value *value, const char *const *words,
                   size_t count, uint32_t *out);

/* A whole number in [low, high]. */
int spec_read_int(struct spec_reader *reader, const struct value *value, int64_t low, int64_t high,
                  int64_t *out);

/* "1h", "90s", or a whole number of seconds; longer than nothing. */
int spec_read_duration(struct spec_reader *reader, const struct value *value, uint64_t *out_ms);

/* A finite number. */
int spec_read_number(struct spec_reader *reader, const struct value *value, double *out);

/* "max" or "min". */
int spec_read_mode(struct spec_reader *reader, const struct value *value, enum metric_mode *out);

/* spec_scheduler.c: the section, and what it leaves open once everything is read. */
int spec_read_scheduler(struct spec_reader *reader, const struct value *value);
int spec_finish_scheduler(struct spec_reader *reader);

/* spec_mutations.c: hyperparam_mutations, and what the configuration must have for it. */
int spec_read_mutations(struct spec_reader *reader, const struct value *value);
int spec_check_mutations(struct spec_reader *reader, const struct spec_scheduler *scheduler);

/* spec_policy.c: what pbt_replay changes when, and what trials are then. */
int spec_read_policy(struct spec_reader *reader, const struct value *value);
int spec_check_policy(struct spec_reader *reader, const struct spec_scheduler *scheduler);

/* spec_search.c: the section, and what it needs of the rest, once everything is read. */
int spec_read_search(struct spec_reader *reader, const struct value *value);
int spec_finish_search(struct spec_reader *reader);

/* spec_budget.c: two sections, and what they need of the rest, once everything is read. */
int spec_read_budget(struct spec_reader *reader, const struct value *value);
int spec_read_plateau(struct spec_reader *reader, const struct value *value);
int spec_finish_budget(struct spec_reader *reader);

/* spec_run.c: the section, and what it needs of the rest, once everything is read. */
int spec_read_run(struct spec_reader *reader, const struct value *value);
int spec_finish_run(struct spec_reader *reader);

/* spec_trial.c. */
int spec_read_resources(struct spec_reader *reader, const struct value *value);
int spec_read_env(struct spec_reader *reader, const struct value *value);

/* spec_space.c: what is tried first, and what only the whole says about a space; the error of a
 * space as one of the experiment. */
int spec_read_points_to_evaluate(struct spec_reader *reader, const struct value *value);

/* spec_warm.c: warm_start, and who can learn from it. */
int spec_read_warm_start(struct spec_reader *reader, const struct value *value);
int spec_finish_warm_start(struct spec_reader *reader);
int spec_finish_space(struct spec_reader *reader);
int spec_refuse_space(struct spec_reader *reader, const struct space_error *error);

/* spec_checkpoint.c. */
int spec_read_checkpoint_freq(struct spec_reader *reader, const struct value *value);
int spec_read_checkpoint_at_end(struct spec_reader *reader, const struct value *value);
int spec_read_keep_checkpoints(struct spec_reader *reader, const struct value *value);
int spec_read_checkpoint_score(struct spec_reader *reader, const struct value *value);

/* spec_command.c: split a command whose {NAME}s are looked up in a space, where what stands for a
 * value may be a domain. Words with such a name hold "{}" in its place. */
int spec_command_check(struct spec_reader *reader, const char *command, char ***words);

/* spec_name.c. */
const char *spec_run_name(enum run_kind kind, const char *run, char *const *words,
                          struct arena *arena);
int spec_check_trial_name(struct spec_reader *reader, const char *pattern);

#endif
