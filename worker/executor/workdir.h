/* workdir.h - the folders that trials work in.
 *
 * A trial's folder is ROOT/FOLDER, 0755 less umask. It begins with links to the entries of the code
 * tree. After the last output was sent it is left as the trial left it, less what the executor put
 * there: an empty one is removed. */
#ifndef EXECUTOR_WORKDIR_H
#define EXECUTOR_WORKDIR_H

#include <stdbool.h>

#include "common/arena.h"
#include "common/span.h"

struct workdir;

/* root: where trials' folders are, made when the first is; code: the code tree, or a path where
 * there is nothing. Both copied. */
struct workdir *workdir_new(const char *root, const char *code);
void workdir_free(struct workdir *workdir);

/* A trial's folder, made if need be; its path in the arena. 0; ERR_MALFORMED for a name that is
 * none; ERR_*. */
int workdir_make(struct workdir *workdir, struct span folder, struct arena *arena,
                 const char **path);

/* A file of ours in a trial's folder, for writing. Who may have put something else in its place, a
 * pipe or a link, has lost it: nothing but a plain file is written, for no other write is sure to
 * return. flags: O_WRONLY or O_RDWR, and O_APPEND, O_TRUNC. The descriptor, or -1 with errno. */
int workdir_file_open(const char *path, int flags);

/* Take away the links; and with whole the folder, too, if nothing else is there. */
void workdir_clear(const struct workdir *workdir, const char *path, bool whole);

/* The path of a library: in the code tree, or beside the executor, if it is there; else as written,
 * for the system's loader to find. */
const char *workdir_library(const struct workdir *workdir, const char *library,
                            struct arena *arena);

#endif
