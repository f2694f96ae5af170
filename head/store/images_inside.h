/* images_inside.h - for the files of images.h and rows.h alone: one command at a time, and the
 * fields of the hash `head` that tell of images.
 *
 * images_find.c: which there are, and what is in one. images.c: how one comes and goes. */
#ifndef STORE_IMAGES_INSIDE_H
#define STORE_IMAGES_INSIDE_H

#include "head/store/images.h"

struct redisReply;

#define IMAGES_CHUNK_BYTES (256u << 10)
#define IMAGES_FIELD_BYTES (LOG_ID_BYTES + 8) /* a field of the hash, or a key's last part */

/* What the hash says of a whole image. */
struct manifest {
    uint64_t size;
    uint32_t crc;
    uint32_t format;
};

/* Ask one thing, connecting first where that has to be; free the reply. ERR_DENIED where the answer
 * is an error. */
int images_ask(struct store *store, const struct span *words, size_t count,
               struct redisReply **reply, struct trouble *trouble);

/* The same where only success counts. */
int images_tell(struct store *store, const struct span *words, size_t count,
                struct trouble *trouble);

/* The whole hash `head`, as many names as values; free it. */
int images_ask_all(struct store *store, const char *name, struct redisReply **reply,
                   struct trouble *trouble);

/* An image's key (of STORE_KEY_BYTES), and its field of the hash. */
struct span images_key(char *out, const char *name, struct log_id id);
struct span images_field(char out[IMAGES_FIELD_BYTES], struct log_id id);
bool images_field_id(struct span field, struct log_id *id);

/* Field `start:E`: with which image the head of epoch E began. */
bool images_start_epoch(struct span field, uint64_t *epoch);

/* A field of the hash goes. */
int images_unset(struct store *store, const char *name, struct span field, struct trouble *trouble);

/* An image and its field go. */
int images_forget(struct store *store, const char *name, struct log_id id, struct trouble *trouble);

/* ERR_MALFORMED, ERR_VERSION: as images_read. */
int images_manifest(struct store *store, const char *name, struct log_id id, struct manifest *out,
                    struct trouble *trouble);

/* Its part of that number behind out. ERR_MALFORMED: it is missing. */
int images_chunk(struct store *store, struct span key, struct log_id id, uint64_t number,
                 struct buf *out, struct trouble *trouble);

/* What is wrong with an image, for people. Gives err. */
int images_bad(struct trouble *trouble, int err, struct log_id id, const char *why);

#endif
