/* checkpoint_files.h - a checkpoint's folder taken apart into blobs, and put together again.
 *
 * Takes long, so the executor runs it as a process of its own (helper.h). Between the two stands a
 * stage: a folder with the file `manifest` (common/manifest.h) and a file for each chunk, named by
 * the hex of its hash. A trial may have planted anything in the folder that it names, and the bytes
 * of a stage have come over a network: no link is ever followed below either, and nothing but plain
 * files and folders is read or made. */
#ifndef EXECUTOR_CHECKPOINT_FILES_H
#define EXECUTOR_CHECKPOINT_FILES_H

#include <stdint.h>

/* Numbers are exit statuses of the helper. */
enum files_result {
    FILES_DONE = 0,
    FILES_MISSING = 80, /* there is no such folder */
    FILES_UNSAFE = 81,  /* something that may not be in it, or a name */
    FILES_BIG = 82,     /* over a limit */
    FILES_CHANGED = 83, /* it was written to meanwhile */
    FILES_WRONG = 84,   /* bytes are missing, or not those of their hash */
    FILES_DISK = 85     /* this disk does not take it */
};

/* The name of a blob in a stage: hex, and a terminator. */
#define FILES_NAME_BYTES 65u
void files_name(char out[FILES_NAME_BYTES], const uint8_t *hash);

/* The folder source into stage, which is there and empty. */
enum files_result files_pack(const char *source, const char *stage);

/* The stage of a manifest with this hash becomes the folder target, which must not be there: after
 * FILES_DONE it is there whole, else it is not there. A head's folder of checkpoints serves as a
 * stage, too: there the manifest has its hash as its name. */
enum files_result files_unpack(const char *stage, const uint8_t *hash, const char *target);

/* Some blobs of a stage, and its manifest where that is one of them, into the head's folder shared
 * (head/placed.h): those whose hashes stand behind one another in the file FILES_WANTED of the
 * stage. After FILES_DONE all of them are on that disk; else some may be, which does no harm. */
#define FILES_WANTED "wanted"
enum files_result files_place(const char *stage, const uint8_t *manifest, const char *shared);

/* Why, for people. */
const char *files_text(int status);

#endif
