/* script.h - the lines of a trace file that are input, made into events.
 *
 * Most are what event_parse reads. Three things are shorter:
 *   aa*32            the hex digits aa, 32 times
 *   none             no node, no trial (in a number's place)
 *   report 1/0 node=2 attempt=1 seq=1 : start 77 ; loss=0.5 @1 ; loss=0.4 @2 done ; end completed
 *     the records of a report: START with a pid, RESULTs with metrics, their training_iteration
 *     behind the @, and END with a reason and a status */
#ifndef TESTS_TRACE_SCRIPT_H
#define TESTS_TRACE_SCRIPT_H

#include "common/arena.h"
#include "head/core/event.h"

/* Returns NULL, or what is wrong with the line. Everything lives in the arena. */
const char *script_event(const char *line, struct arena *arena, struct event *out);

/* The number of no trial and no node written as "none". */
void script_print_none(struct span text, struct buf *out);

#endif
