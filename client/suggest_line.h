/* suggest_line.h - the lines of `assay suggest`: what a program suggests, and what it is told. */
#ifndef CLIENT_SUGGEST_LINE_H
#define CLIENT_SUGGEST_LINE_H

#include "common/value.h"
#include "proto/msg.h"

#define SUGGEST_WHY_BYTES 256u

/* {"config": {...}}, packed behind config; false with why filled. */
bool suggest_line_read(struct span text, struct arena *arena, struct buf *config,
                       char why[SUGGEST_WHY_BYTES]);

/* Each prints one line: what is optimised, how many suggestions are wanted, which trial one has
 * become, what is wrong with one (error's text may be borrowed; later: it may be suggested again),
 * how a trial has ended, and that nothing more will come. */
void suggest_line_begin(const struct msg_show_reply *of, struct arena *arena);
void suggest_line_want(uint32_t count, struct arena *arena);
void suggest_line_taken(uint32_t trial, struct arena *arena);
void suggest_line_error(const char *why, const char *mend, bool later, struct arena *arena);
void suggest_line_ended(const struct msg_trial_row *row, struct span metric, struct arena *arena);
void suggest_line_done(struct arena *arena);

#endif
