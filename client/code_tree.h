/* code_tree.h - the code that trials need, as one archive: a tar packed by zstd, the same bytes for
 * the same files (sorted, no times, no owners), named by its hash.
 *
 * What is shipped: the folder that `code` names; else the folder of the script that the command
 * names, or of the file that names a Python module, if it is small (else the script, or the
 * module's file, alone); the shared object of `native`. Less hidden files,
 * Python's own caches, what .gitignore and .assayignore name, and the experiment's results. */
#ifndef CLIENT_CODE_TREE_H
#define CLIENT_CODE_TREE_H

#include "client/draft.h"
#include "common/buf.h"

#define CODE_HASH_BYTES 32u

struct code_plan {
    const char *root;         /* absolute; NULL: no folder */
    const char *prefix;       /* where in the tree it stands: "" or "a/b/" */
    const char *only;         /* of root this file alone; NULL: all */
    const char *library;      /* absolute path of a shared object, which stands at the tree's top */
    const char *leave_out[2]; /* folders below root, however they are written; NULL: none */
    bool asked;               /* by `code`: it may be large */
};

/* What an experiment needs. shared: its trials run on this machine, so that absolute paths are
 * good there. Changes the draft where its program is found elsewhere than it says. 0, or an exit
 * status and it was said why. In code_plan.c. */
int code_plan_make(struct draft *draft, const char *base, bool shared, struct arena *arena,
                   struct code_plan *out);

/* Whether what an experiment's file names is there. ERR_NOT_FOUND with *error filled. */
int code_plan_check(const struct draft *draft, const char *base, struct arena *arena,
                    struct spec_error *error);

static inline bool code_plan_is_empty(const struct code_plan *plan)
{
    return plan->root == NULL && plan->library == NULL;
}

struct code_file {
    const char *path; /* on disk */
    const char *name; /* in the tree */
    const char *link; /* where it points; NULL: a file */
    uint64_t size;
    bool executable;
};

/* Owns all that it points to. */
struct code_tree {
    struct arena arena;
    struct code_file *files; /* by name */
    size_t count;
    size_t room;
    uint64_t bytes;
    bool alone; /* the script without its folder, which is too large to be shipped unasked */
    struct buf packed;
    uint8_t hash[CODE_HASH_BYTES];
};

/* Pack it. 0, or an exit status and it was said why. out is to be code_tree_fini'd in any case. */
int code_tree_pack(const struct code_plan *plan, struct code_tree *out);

void code_tree_fini(struct code_tree *tree);

#endif
