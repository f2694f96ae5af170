/* token.h - join tokens: one word that lets a new machine in.
 *
 * `ASSAY1-` and base32 of {head's public key 32 B, id 8 B, secret 20 B, crc32 of those 4 B}. It
 * carries the head's key, so that a joiner knows whom it talks to before it says anything; the head
 * keeps only the hash of the secret. A token comes by file or stdin, never in an argument. */
#ifndef PROTO_TOKEN_H
#define PROTO_TOKEN_H

#include <stdint.h>

#include "common/span.h"
#include "common/trouble.h"
#include "proto/key.h"

#define TOKEN_ID_BYTES     8u
#define TOKEN_SECRET_BYTES 20u
#define TOKEN_HASH_BYTES   32u
#define TOKEN_TEXT         111u /* with its terminator */

struct token {
    uint8_t head_key[KEY_BYTES];
    uint8_t id[TOKEN_ID_BYTES];
    uint8_t secret[TOKEN_SECRET_BYTES];
};

/* A fresh one for a head. */
void token_make(const uint8_t head_key[KEY_BYTES], struct token *token);

/* Wipe it. */
void token_fini(struct token *token);

void token_encode(const struct token *token, char out[TOKEN_TEXT]);

/* Whitespace around it and lower case are fine. ERR_MALFORMED with a trouble that never quotes it.
 */
int token_decode(struct span text, struct token *token, struct trouble *trouble);

/* Read one from a file, or from standard input for "-". ERR_NOT_FOUND, ERR_IO, ERR_TOO_BIG,
 * ERR_MALFORMED. */
int token_read(const char *path, struct token *token, struct trouble *trouble);

/* BLAKE2b of a secret: what the head's log keeps. */
void token_hash(const uint8_t secret[TOKEN_SECRET_BYTES], uint8_t out[TOKEN_HASH_BYTES]);

#endif
