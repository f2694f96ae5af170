/* trouble.h - an error as people read it: what failed, why, and what mends it. */
#ifndef STORE_TROUBLE_H
#define STORE_TROUBLE_H

struct trouble {
    char what[256];
    char why[512];
    char mend[256]; /* empty: nothing to suggest */
};

/* Fill all three and return err, so that a caller can write `return trouble_set(...)`. The texts
 * must not lie in trouble itself. why may be printed from a format; mend may be NULL. */
int trouble_set(struct trouble *trouble, int err, const char *what, const char *mend,
                const char *why, ...) __attribute__((format(printf, 5, 6)));

#endif
