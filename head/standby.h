/* standby.h - a head that stands by: it follows the log of the one that leads, and leads when that
 * one has fallen silent.
 *
 * It takes no epoch, opens no socket and writes nothing, but the rows of ended trials in its own
 * data directory. It begins with the newest image; each entry behind that is stepped through its
 * own core as it comes (head/replay.h), so that it has the same state as the head that leads, and
 * has checked every decision of it. Where the log was cut before it was read to there, it begins
 * again with the image that was made then: it never goes on with a hole. When nothing was seen of
 * that one for LIMIT_SILENT_MS (head/pulse.h), it takes the epoch behind the last entry that it has
 * read: of several that try, Redis lets one. */
#ifndef HEAD_STANDBY_H
#define HEAD_STANDBY_H

#include "head/shell.h"

#define STANDBY_MEND                                                                               \
    "copy keys/head.key and keys/admin.key of the head that leads to this --data-dir (keys/ "      \
    "0700, "                                                                                       \
    "files 0600)"

/* Until this head leads: then its journal, core and rows are there, as setup_claim, setup_core
 * and image and log have made them. 0; else the status to exit with, and it was said why; 128 + n
 * for signal n. */
int standby_follow(struct head *head);

#endif
