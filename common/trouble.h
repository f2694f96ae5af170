/* trouble.h - an error as people read it: what failed, why, and what mends it.
 *
 * Filled by functions that refuse a file, a token, an address or a server, for the two lines that
 * people see: `assay: WHAT: why` and `  try: mend`. Never holds a secret. A plain value: nothing to
 * begin, nothing to free. It is written where a function fails, and only there; its texts are cut
 * where they do not fit. */
#ifndef COMMON_TROUBLE_H
#define COMMON_TROUBLE_H

#include "common/limits.h"

struct trouble {
    char what[256]; /* empty: the caller knows what it asked for */
    char why[LIMIT_PATH_BYTES + 512];
    char mend[LIMIT_PATH_BYTES + 256]; /* empty: nothing to suggest */
};

/* Fill all three and return err, so that a caller can write `return trouble_set(...)`. The texts
 * must not lie in trouble itself. why is printed from a format; what and mend may be NULL. */
int trouble_set(struct trouble *trouble, int err, const char *what, const char *mend,
                const char *why, ...) __attribute__((format(printf, 5, 6)));

/* Replace mend, where it takes a format ("chmod 600 FILE"). Returns err. */
int trouble_mend(struct trouble *trouble, int err, const char *mend, ...)
    __attribute__((format(printf, 3, 4)));

/* mend, or NULL where it is empty: as log_error_for_people takes it. */
const char *trouble_mend_text(const struct trouble *trouble);

#endif
