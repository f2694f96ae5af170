/* outlet.h - where a command writes a document that a user named a file for: a file that comes to
 * be all at once, or standard output. Where a function answers with an exit status, it was said
 * why. */
#ifndef CLIENT_OUTLET_H
#define CLIENT_OUTLET_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/value.h"

struct outlet;

/* path: "-" for standard output. A file is written beside its place, under another name, which goes
 * when a signal ends us. One that is there is refused, unless force says to replace it; what is no
 * file always is. 0 or an exit status. One at a time may be open. */
int outlet_open(const char *path, bool force, struct outlet **out);

/* Failures are kept for outlet_close. */
void outlet_write(struct outlet *outlet, struct span bytes);

/* The content of a buffer, which is empty then. */
void outlet_take(struct outlet *outlet, struct buf *text);

/* A value as JSON, with null for numbers that JSON does not have. What is changed for that lives in
 * arena. */
void outlet_json(struct outlet *outlet, const struct value *value, struct arena *arena);

/* Whether there is no use in writing more. */
bool outlet_failed(const struct outlet *outlet);

/* whole: put the file into its place; else it goes. Frees the outlet. 0 or an exit status. */
int outlet_close(struct outlet *outlet, bool whole);

#endif
