/* redisd.h - the head's own redis-server.
 *
 * Lives in <data-dir>/redis: configuration, users, passwords, the append-only files, its log and
 * its socket. It listens on that socket only, syncs every append before it answers, and is a
 * session of its own: it outlives a head that is killed, and the next head uses the one that runs.
 * Which one that is, nobody guesses from a pid file: the server holds an flock on
 * <data-dir>/redis/lock for as long as it lives, and answers to the password in this folder.
 *
 * In private mode it dies with the thread that started it instead. Two heads at once on one folder
 * are kept apart by the head's own lock on its data directory, not here. */
#ifndef HEAD_REDISD_H
#define HEAD_REDISD_H

#include <stdbool.h>
#include <stdint.h>

#include "common/redis/address.h"
#include "common/trouble.h"

struct redisd;

/* Use the server that runs there or start one, and wait until it answers; a large log takes a
 * second to load. name: the cluster's, which is what its user may touch; a folder belongs to one
 * cluster for good. ERR_NOT_FOUND (no redis-server on PATH), ERR_DENIED (the folder is open to
 * others, or another cluster's), ERR_IO (it ended at once: why), ERR_TIMEOUT, ERR_TOO_BIG. */
int redisd_start(const char *data_dir, const char *name, bool private_server, struct redisd **out,
                 struct trouble *trouble);

/* Which cluster the folder belongs to, into name (STORE_NAME_BYTES + 1). ERR_NOT_FOUND: none. */
int redisd_cluster(const char *data_dir, char *name);

/* Whether a server runs there: it holds the folder's lock. */
bool redisd_is_running(const char *data_dir);

/* How to connect as the head; borrowed. The address is good in this process only. */
const struct store_address *redisd_address(const struct redisd *redisd);

/* How to connect as the user that may stop it, look at its settings and cut connections. */
const struct store_address *redisd_supervisor(const struct redisd *redisd);

/* Start it again if it has died; call every second or so, and when a connection is lost. Does not
 * wait for it to answer. 0: it runs; 1: started again now; ERR_AGAIN: it has just died repeatedly,
 * later; ERR_IO: it ended because the disk failed to sync, and is not started again, since
 * what it would read back may never have reached the disk. */
int redisd_tend(struct redisd *redisd, uint64_t now_ms);

/* Have it write its file anew, if much stands there that is needed no more: a start reads all of
 * it. supervisor: as above. Waits until that is done, up to 30 s, in a thread that may; the server
 * goes on meanwhile. *done: there was reason to. ERR_*: it does not answer, and no harm is done. */
int redisd_rewrite(const struct store_address *supervisor, bool *done, struct trouble *trouble);

/* End the server, everything synced, and wait for that. ERR_TIMEOUT where it does not go. */
int redisd_stop(struct redisd *redisd, struct trouble *trouble);

/* Forget it; the server goes on (a private one until this process ends). Accepts NULL. */
void redisd_free(struct redisd *redisd);

#endif
