/* key.h - key pairs: who a head, a worker or a user's machine is.
 *
 * A pair is Curve25519, the identity is its 32 public bytes. The secret stands in guarded memory
 * (sodium_malloc: locked, kept out of core files, wiped when freed) and in one file of mode 0600 in
 * a folder of mode 0700. A file or folder that others may open, or that is another user's, is
 * refused: trouble says which and what to type. Public keys are printed as 64 hex digits. */
#ifndef PROTO_KEY_H
#define PROTO_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/span.h"
#include "common/trouble.h"

#define KEY_BYTES       32u
#define KEY_TEXT        65u /* a public key as text, with its terminator */
#define KEY_FINGERPRINT 17u /* the first 8 bytes of a public key as text, with the terminator */

struct key_pair {
    uint8_t public_key[KEY_BYTES];
    uint8_t *secret; /* owned; KEY_BYTES bytes */
};

/* Has to be called before anything else here, and may be called again. Ends the process where the
 * library has no source of randomness. */
void key_library_init(void);

/* No core files, and no other process of this user may read this one's memory (PR_SET_DUMPABLE 0,
 * RLIMIT_CORE 0). First thing in a daemon's main. ERR_IO where the kernel refuses. */
int key_harden_process(void);

/* A fresh random pair. */
void key_pair_make(struct key_pair *pair);

/* Wipes the secret. Fine on a zeroed pair. */
void key_pair_fini(struct key_pair *pair);

/* Read a pair. ERR_NOT_FOUND where there is no file; ERR_DENIED on wide modes, a foreign owner or a
 * link; ERR_MALFORMED for another content; ERR_IO. */
int key_pair_load(const char *path, struct key_pair *pair, struct trouble *trouble);

/* Write a pair to a file that must not be there (ERR_EXISTS); after 0 it survives a power cut. Its
 * folder must be there and private. */
int key_pair_save(const char *path, const struct key_pair *pair, struct trouble *trouble);

/* The pair in dir/name; where there is none one is made, with dir (0700). *made (may be NULL) tells
 * which. Two processes that do this at once end up with the same pair. */
int key_pair_load_or_make(const char *dir, const char *name, struct key_pair *pair, bool *made,
                          struct trouble *trouble);

/* A public key as text and back; parse gives ERR_MALFORMED. */
void key_text(const uint8_t key[KEY_BYTES], char out[KEY_TEXT]);
int key_parse(struct span text, uint8_t key[KEY_BYTES]);

/* What stands in audit lines. */
void key_fingerprint(const uint8_t key[KEY_BYTES], char out[KEY_FINGERPRINT]);

#endif
