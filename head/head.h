/* head.h - the head's shell: everything around the core, and the loop.
 *
 * One pass: read what peers say into the open turn, each message judged as it comes; when no commit
 * is in flight, close the turn and append its entry; when Redis has it on disk, do what the turn's
 * effects say. A turn with answers only (nothing was admitted) is done at once, behind the commit
 * before it. Nothing waits for a disk, a peer or Redis anywhere in here. */
#ifndef HEAD_HEAD_H
#define HEAD_HEAD_H

#include "head/settings.h"

struct head;

/* Take the data directory, start or find Redis, replay the log, open the sockets. 0, or the exit
 * status with everything said on stderr. */
int head_open(const struct settings *settings, struct head **out);

/* Until a signal ends it, or another head leads. Returns the exit status: 128+n for signal n. */
int head_run(struct head *head);

/* Clean end: what is under way is committed and written. Accepts NULL. */
void head_close(struct head *head);

#endif
