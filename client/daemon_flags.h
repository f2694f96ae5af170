/* daemon_flags.h - the flags of head, worker and replay, which are other programs of ours and have
 * their tables themselves: read off what they print for --help, for the manual and for completion.
 */
#ifndef CLIENT_DAEMON_FLAGS_H
#define CLIENT_DAEMON_FLAGS_H

#include "client/command.h"

/* The rows of such a text: each begins with two blanks and a flag; what follows it with more blanks
 * belongs to it. Their offsets mean nothing. Everything lives in arena. */
struct option_table daemon_flags_parse(const char *text, struct arena *arena);

/* Ask the program of a command that takes all. 0, or ERR_* where it could not be started or ended
 * badly. */
int daemon_flags_read(const struct command *command, struct arena *arena, struct option_table *out);

#endif
