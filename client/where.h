/* where.h - which head a command talks to, and with which key.
 *
 * --address, else $ASSAY_ADDRESS (HOST:PORT, or the Redis that knows who leads), else the head that
 * this user last started on this machine, whose admin key is used. For any other head the user's
 * own key, made on first use, and the head's public key as it was pinned or as a token says it. An
 * address with a / in it is the data directory of a private head, whose admin key is used. */
#ifndef CLIENT_WHERE_H
#define CLIENT_WHERE_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/address.h"
#include "proto/finder.h"
#include "proto/key.h"
#include "proto/token.h"

#define WHERE_TEXT 420u /* of where_text, with its terminator */

struct where {
    struct address address; /* of the head; found by a Redis, as that said last */
    struct finder *finder;  /* owned; NULL: the address is fixed */
    uint8_t head_key[KEY_BYTES];
    struct key_pair keys; /* owned */
    bool has_token;
    struct token token; /* to join with, should the head not know the key */
    bool local;         /* this user's own head on this machine */
};

/* Fill in *out. address and token_file may be NULL. 0; else an exit status, and it was said why;
 * but EXIT_NO_HEAD with quiet set says nothing: no head is known at all. */
int where_find(const char *address, const char *token_file, bool quiet, struct where *out);

/* A head that was started with a key of its own for us: its address, its key as 64 hex digits, and
 * the path of our key. */
int where_of_private(const char *address, const char *key, const char *key_file, struct where *out);

/* Where the finder says that the head is now. 0, also where the address is fixed; ERR_*, and
 * nothing is said. */
int where_again(struct where *where, uint32_t within_ms);

/* How people name it: HOST:PORT, or the cluster's address in a Redis. */
void where_text(const struct where *where, char *out, size_t size);

/* Remember the head's key, now that it has proved to hold it. */
int where_pin(const struct where *where, struct trouble *trouble);

void where_fini(struct where *where);

#endif
