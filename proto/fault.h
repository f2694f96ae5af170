/* fault.h - why something outside is not as it should be, and what a person can do about it.
 *
 * Filled by functions that refuse a file, a token or an address, for the two lines that people see:
 * `assay: WHAT: why` and `  try: mend`. Never holds a secret. */
#ifndef PROTO_FAULT_H
#define PROTO_FAULT_H

#include "common/buf.h"

struct fault {
    struct buf why;
    struct buf mend; /* empty: there is nothing to advise */
};

void fault_init(struct fault *fault);
void fault_fini(struct fault *fault);

/* Replace both texts: why becomes `SUBJECT WHY`; a mend that ends in a space gets the subject
 * behind it ("chmod 600 "). subject and mend may be NULL. */
void fault_set(struct fault *fault, const char *subject, const char *why, const char *mend);

/* `cannot DOING SUBJECT: what errno says`, no mend. Leaves errno as it was. */
void fault_set_errno(struct fault *fault, const char *doing, const char *subject);

#endif
