/* known.h - which heads this user knows: pinned public keys, and the head started last.
 *
 * ASSAY_HOME/known_heads/<host>_<port> holds the public key that an address must prove; it gets
 * there from a token and is never learned from the network. For a cluster that is found by a Redis
 * the file has that address in its name, with + for /. ASSAY_HOME/last_head names the head
 * that this user last started here, which commands without --address talk to; DATA-DIR/last_head a
 * private one. Folders are 0700,
 * files 0600. */
#ifndef PROTO_KNOWN_H
#define PROTO_KNOWN_H

#include <stdint.h>

#include "common/limits.h"
#include "common/trouble.h"
#include "proto/address.h"
#include "proto/key.h"

/* The pinned key of a head. ERR_NOT_FOUND, ERR_DENIED (a file that others may write),
 * ERR_MALFORMED, ERR_IO. */
int known_head_load(const struct address *address, uint8_t key[KEY_BYTES], struct trouble *trouble);

/* Pin a head's key. 0 also where the same key is pinned already; ERR_EXISTS, and nothing is
 * changed, where another one is. */
int known_head_pin(const struct address *address, const uint8_t key[KEY_BYTES],
                   struct trouble *trouble);

/* The same for a cluster whose head is found by a Redis (proto/finder.h): whichever leads has the
 * one key. cluster: as finder_cluster has it. */
int known_cluster_load(const char *cluster, uint8_t key[KEY_BYTES], struct trouble *trouble);
int known_cluster_pin(const char *cluster, const uint8_t key[KEY_BYTES], struct trouble *trouble);

struct last_head {
    struct address address;
    uint8_t key[KEY_BYTES];
    char admin_key[LIMIT_PATH_BYTES]; /* path of the key file for its commands */
};

/* folder: where it stands; NULL: ASSAY_HOME. A private head, which nobody is to find by chance, has
 * it in its own data directory. ERR_NOT_FOUND where no head was started there. */
int last_head_load(const char *folder, struct last_head *head, struct trouble *trouble);
int last_head_save(const char *folder, const struct last_head *head, struct trouble *trouble);

#endif
