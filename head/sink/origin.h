/* origin.h - which files an experiment's folder holds.
 *
 * Heads that share a Redis go on with the files of the one before, which may have run on another
 * machine: a folder under the same path there need not be the same folder. One that is begun gets a
 * file `.origin` with a number that no other has; images say it. */
#ifndef SINK_ORIGIN_H
#define SINK_ORIGIN_H

#include <stdbool.h>

#define ORIGIN_BYTES 33u /* 32 digits and the terminator */

/* The folder's files are begun anew. 0 or ERR_IO; errno says more. */
int origin_make(const char *folder, char out[ORIGIN_BYTES]);

/* Whether it holds those of that origin; "": none was said, any will do. */
bool origin_is(const char *folder, const char *origin);

#endif
