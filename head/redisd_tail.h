/* redisd_tail.h - the end of redis-server's append-only file, looked at before it starts.
 *
 * A power cut may leave half a command at the end, or rubbish: nobody was told of what stood there,
 * for an answer comes after the sync. Damage anywhere else is another matter: what was acknowledged
 * stands behind it. Redis itself cannot tell the one from the other where a length has suffered,
 * and would cut off everything behind it in silence; so it is told to cut nothing
 * (aof-load-truncated no), and the end is mended here. */
#ifndef HEAD_REDISD_TAIL_H
#define HEAD_REDISD_TAIL_H

#include "common/trouble.h"

/* dir: the server's folder, of which the caller holds the lock. What stands behind the last whole
 * command is kept in dir/torn and cut off, when it can be what one write left unfinished. 0;
 * ERR_MALFORMED: it cannot be that, nothing was changed; ERR_* of the disk. */
int redisd_tail_mend(const char *dir, struct trouble *trouble);

#endif
