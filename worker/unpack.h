/* unpack.h - a code tree out of its archive, and nothing else than that.
 *
 * Takes long and touches bytes that came over the network, so the daemon runs it as a process of
 * its own (helper.h). An archive is a tar, packed by gzip or zstd. It may hold files, folders, and
 * relative links that stay inside; whatever else is in it, or leads out of the tree, refuses all of
 * it. */
#ifndef WORKER_UNPACK_H
#define WORKER_UNPACK_H

#include <stdint.h>

/* Numbers are exit statuses of the helper. */
enum unpack_result {
    UNPACK_DONE = 0,
    UNPACK_WRONG = 80,  /* the bytes do not make the hash */
    UNPACK_UNSAFE = 81, /* something that may not be in it */
    UNPACK_BIG = 82,    /* over LIMIT_CODE_BYTES or LIMIT_CODE_FILES */
    UNPACK_BROKEN = 83, /* no archive */
    UNPACK_DISK = 84    /* this disk does not take it */
};

/* Make dir, which must not be there, hold the tree of archive; after UNPACK_DONE dir is there
 * whole, else it is not there. hash: what archive must have. */
enum unpack_result unpack_tree(const char *archive, const uint8_t *hash, const char *dir);

/* Why, for people. */
const char *unpack_text(int status);

#endif
