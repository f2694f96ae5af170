/* mark.h - whose a folder of checkpoints is: the file `cluster` in it, which the head writes and
 * workers that share the folder look for.
 *
 * One line, KEY EPOCH: the cluster's public key, and the epoch of the head that opened the folder
 * last. A folder with another key is another cluster's; one with another epoch is a copy, or one
 * that the head has left. */
#ifndef PROTO_MARK_H
#define PROTO_MARK_H

#include <stdint.h>

#include "proto/key.h"

struct mark {
    uint8_t key[KEY_BYTES];
    uint64_t epoch;
};

/* ERR_NOT_FOUND: there is none, nor perhaps a folder. ERR_MALFORMED: it is no mark. Else what the
 * disk said. */
int mark_read(const char *folder, struct mark *out);

/* On the disk after 0; ERR_* with errno. */
int mark_write(const char *folder, const struct mark *mark);

#endif
