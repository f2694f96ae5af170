/* spec.h - an experiment as it was asked for, checked.
 *
 * The client reads a file into a value and checks it here, to name a line; the head checks the
 * same value again here, because it came over a wire. A key that is not in the table of spec.c is
 * an error that names the nearest one. */
#ifndef COMMON_SPEC_H
#define COMMON_SPEC_H

#include "common/resource.h"
#include "common/space.h"
#include "common/stop.h"
#include "common/value.h"

enum run_kind { RUN_COMMAND, RUN_NATIVE, RUN_PYTHON };
enum start_kind { START_ZYGOTE, START_EXEC };
enum metric_mode { MODE_MAX, MODE_MIN };
enum semantics { SEMANTICS_TUNE_2, SEMANTICS_TUNE_07 };

enum spec_files { FILES_PARAMS = 1, FILES_RESULT = 2, FILES_PROGRESS = 4 };

#define TIMEOUT_NEVER UINT64_MAX /* of spec_search */

struct spec_search {
    const char *type; /* "random" */
    bool has_seed;
    bool open; /* external: a suggestion may say more than config does */
    uint64_t seed;
    const struct value *points; /* list: of maps; NULL */
    uint32_t startup;           /* tpe: so many trials end before it learns from them */
    uint32_t candidates;        /* tpe: drawn for one that is proposed */
    uint64_t timeout_ms;        /* external: so long a place waits for a suggestion */
};

struct spec_scheduler;
struct spec_reader; /* spec_read.h */

/* A hyperparameter that is explored while trials run, and from what. */
struct mutation {
    struct path_part *path; /* keys of maps; config has a value there */
    uint32_t path_length;
    struct domain domain; /* of a list: DOMAIN_CHOICE, its neighbours are next to one another */
};

/* What pbt_replay does to a trial: from training_iteration `at` on it has these values. */
struct policy_change {
    double at;
    const struct value *config; /* a map; what it does not name stays */
};

#define SCHEDULER_KEYS  8u
#define SCHEDULER_WORDS 4u

/* A key of one scheduler's own: a number, or a word that counts as one. */
struct scheduler_key {
    const char *name;  /* NULL: there are no more */
    double above;      /* the value must be above it; of a key with most: at least 1 */
    uint32_t most;     /* not 0: a whole number from 1 to this */
    double missing;    /* the value when it is not given */
    double missing_07; /* the same under tune-0.7; 0: no other than missing */
    const char *words[SCHEDULER_WORDS]; /* it is one of them, and counts by its place; NULL: more.
                                         * A boolean is taken for its word */
    /* It is neither, and read by this into a field of its own; NULL. */
    int (*read)(struct spec_reader *reader, const struct value *value);
};

/* A row of schedulers.def. */
struct scheduler_type {
    const char *symbol; /* of its code */
    const char *name;
    const char *other_name; /* NULL */
    const char *form;       /* the word of `form` that says this one of those with the name; NULL */
    bool judges;            /* by a metric: takes the keys that say which */
    const char *time_attr;  /* when it is not given; NULL: training_iteration */
    struct scheduler_key keys[SCHEDULER_KEYS];
    /* What the keys must be to one another; NULL: anything. 0 or ERR_MALFORMED as refused. */
    int (*check)(struct spec_reader *reader, const struct spec_scheduler *scheduler);
};

struct spec_scheduler {
    const struct scheduler_type *type; /* static */
    const char *time_attr;
    const char *metric; /* never NULL: reward_attr, metric, the top level's, or Tune's default */
    enum metric_mode mode;
    enum semantics semantics;
    double numbers[SCHEDULER_KEYS];   /* of the type's keys, in their order */
    const struct mutation *mutations; /* in the order of writing */
    uint32_t mutation_count;
    const struct policy_change *changes; /* in their order */
    uint32_t change_count;
};

/* What an experiment may cost in all: what is reached first ends it. 0: no such bound. */
struct spec_budget {
    uint64_t time_ms;
    uint32_t trials;         /* created, in all */
    uint32_t no_improvement; /* that end one after the other without a better best */
    uint32_t max_failed;     /* trials that failed for good */
    bool has_target;
    double target; /* of the metric */
};

/* In which direction a metric has to move. EITHER: nobody has said which side of it is good. */
enum plateau_side { PLATEAU_EITHER, PLATEAU_UP, PLATEAU_DOWN };

/* A trial is stopped when so many results in a row got the metric no further than by delta. */
struct spec_plateau {
    const char *metric;
    enum plateau_side side;
    uint32_t patience; /* 0: there is no such rule */
    double delta;
};

struct spec_env {
    const char *name;
    const char *value;
};

struct spec {
    const char *name;
    enum run_kind run_kind;
    const char *run;         /* the command line, the library's path or "module:Name", as written */
    const char *interpreter; /* of Python: a program's name or absolute path; NULL: not said */
    const char *run_name;    /* its stem: a library's without "lib" and ".so", the script's, Name */
    struct value config;     /* with its markers */
    uint32_t num_samples;    /* 0: none but those that are added: for `assay drive` alone */
    struct spec_search search;
    const struct value *first_points; /* points_to_evaluate: parts of configurations; NULL: none */
    uint32_t first_trials;            /* that they make */
    const struct value *warm_start;   /* a list of {config, value}, known beforehand; NULL: none */
    struct spec_scheduler scheduler;
    struct stop_rule *stop;
    uint32_t stop_count;
    uint32_t watched_count; /* of the rules that an executor looks at: behind those of stop one that
                             * nothing meets may stand, for plateau's metric has to be there, too */
    struct spec_plateau plateau;
    struct spec_budget budget;
    struct resources resources;
    uint32_t max_concurrent;    /* 0: no limit */
    enum start_kind start;      /* of a command always START_EXEC */
    bool reuse;                 /* a process whose trial has ended well is handed another one */
    int32_t max_failures;       /* -1: without end */
    uint64_t time_limit_ms;     /* of an attempt; 0: none */
    uint64_t report_timeout_ms; /* between two reports of it; 0: none */
    int32_t priority;
    const char *metric; /* top level; NULL when not given: best then uses the scheduler's */
    enum metric_mode mode;
    const char *on_result;  /* NULL */
    uint32_t files;         /* enum spec_files, or-ed */
    const char *local_dir;  /* "~/assay_results" when not given; the client makes it absolute */
    const char *trial_name; /* pattern, NULL for Tune's default */
    const struct spec_env *env;
    uint32_t env_count;
    const char *code;         /* as written; NULL when not given */
    uint32_t checkpoint_freq; /* iterations between two; 0: none unasked */
    bool checkpoint_at_end;
    uint32_t keep_checkpoints;    /* besides the latest */
    const char *checkpoint_score; /* the field that says which ones */
    bool checkpoint_score_min;    /* lower is better */
};

struct spec_error {
    char path[256]; /* dotted path to the culprit, "" for the whole; names the unknown key itself */
    char what[256];
    char mend[256]; /* may be empty */
};

/* Before an error is handed out: it ends up on terminals, in logs and in messages, so no control
 * character and no half of a character may be in it. What comes of the functions here is tame. */
void spec_tame(struct spec_error *error);

/* Check and fill in. Everything in *out lives in arena or borrows from value, which must outlive
 * it. Returns 0, or ERR_MALFORMED or ERR_TOO_BIG with *error filled. */
int spec_parse(const struct value *value, struct arena *arena, struct spec *out,
               struct spec_error *error);

/* A packed spec with so many samples more (0: as it is), and with the stop rules of a packed map
 * beside its own, or in their place (empty: as they are): packed behind out, for spec_parse to
 * judge. ERR_MALFORMED with *error filled. */
int spec_extend(struct span packed, uint32_t samples, struct span stop, struct arena *arena,
                struct buf *out, struct spec_error *error);

/* Whether two specs are the same but for what spec_extend may change. */
bool spec_same_but_extended(const struct value *one, const struct value *other);

/* What an experiment calls good: the top level's metric if there is one, else the scheduler's. */
static inline const char *spec_metric(const struct spec *spec)
{
    return spec->metric != NULL ? spec->metric : spec->scheduler.metric;
}

static inline enum metric_mode spec_mode(const struct spec *spec)
{
    return spec->metric != NULL ? spec->mode : spec->scheduler.mode;
}

/* Whether a scheduler has such a key of its own. */
bool scheduler_type_has(const struct scheduler_type *type, const char *key);

/* A key of the scheduler's own; its row must have it. */
double spec_scheduler_number(const struct spec_scheduler *scheduler, const char *key);

/* The row of a scheduler by either of its names, the first of its forms; NULL where there is none.
 */
const struct scheduler_type *scheduler_type_find(const char *name);

/* The i-th row of schedulers.def; NULL where there are no more. */
const struct scheduler_type *scheduler_type_row(size_t i);

/* The i-th of the names that schedulers and searchers go by; NULL where there are no more. */
const char *scheduler_type_name(size_t i);
const char *search_type_name(size_t i);

/* The name nearest to word by edit distance among count names; NULL where none is near. */
const char *spec_nearest(const char *word, const char *const *names, size_t count);

/* Expand a trial_name pattern ({run}, {id}, {tag}, {n}) or, where pattern is NULL, Tune's default:
 * run, "_", tag; '/' becomes '_'. */
const char *spec_trial_name(const struct spec *spec, const char *trial_id, uint32_t number,
                            const char *tag, struct arena *arena);

/* A command line split into words as the shell does (quotes, backslashes; nothing is expanded),
 * {name}, {a.b}, {config} and {{ replaced as INTERFACE 3.2 says. config_path is what {config}
 * becomes. *argv ends with NULL. Returns 0 or ERR_MALFORMED, *error filled. */
int spec_command(const char *command, const struct value *config, const char *config_path,
                 struct arena *arena, char ***argv, struct spec_error *error);

#endif
