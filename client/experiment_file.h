/* experiment_file.h - an experiment's file read into values, and the way back from an error of
 * spec_parse to the line that caused it.
 *
 * A file holds one experiment, or is Tune's {name: experiment, ...}: a map whose values all are
 * maps that say what to run. */
#ifndef CLIENT_EXPERIMENT_FILE_H
#define CLIENT_EXPERIMENT_FILE_H

#include "client/yaml.h"

struct experiment_entry {
    const char *name;   /* the key it stands under; NULL where the file is one experiment */
    struct value value; /* for spec_parse: under a key, `name` is put into it */
    struct yaml_place place;
};

struct experiment_file {
    struct experiment_entry *entries; /* in the arena */
    uint32_t count;                   /* at least 1 */
};

struct experiment_error {
    uint32_t line; /* 0: the file as a whole */
    uint32_t column;
    char what[256];
};

/* Everything in *out lives in arena. Returns 0; ERR_NOT_FOUND, ERR_DENIED, ERR_IO and the like
 * where the file cannot be read; ERR_MALFORMED or ERR_TOO_BIG: with *error filled in every case. */
int experiment_file_read(const char *path, struct arena *arena, struct experiment_file *out,
                         struct experiment_error *error);

/* The same for a text. */
int experiment_file_parse(struct span text, struct arena *arena, struct experiment_file *out,
                          struct experiment_error *error);

/* Where the value at a dotted path of an entry is, as spec_error has it; the nearest thing around
 * it where the path itself is not in the file. */
void experiment_file_place(const struct experiment_entry *entry, const char *path, uint32_t *line,
                           uint32_t *column);

/* A copy of root with "a.b=v" done: v is a YAML scalar ("1e-4", "true", plain text), or in [ ],
 * { } or quotes a YAML value; nothing behind the = is null, which means not given. Returns 0, or
 * ERR_MALFORMED or ERR_TOO_BIG with *error filled (its line counts in v). */
int experiment_file_apply_set(const struct value *root, const char *assignment, struct arena *arena,
                              struct value *out, struct experiment_error *error);

#endif
