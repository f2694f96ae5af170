/* tame.h - text from files, peers and trials, made fit for a terminal: no control characters, which
 * could move its cursor, rename its window or forge a line of ours. */
#ifndef CLIENT_TAME_H
#define CLIENT_TAME_H

#include <stdbool.h>

#include "common/buf.h"

/* Each byte of a control character, or of what is no UTF-8, becomes "?". lines: newlines and tabs
 * stay. */
void tame(struct buf *text, bool lines);

#endif
