/* keep.h - what an image may still need of a file that is cut.
 *
 * A new attempt cuts result.json and progress.csv to the rows that it goes on from. The image that
 * a restart would begin with was made before that cut, and a file cannot be cut back to bytes that
 * are gone. So the first cut after an image leaves the old file beside the new one, as
 * `.NAME.before-IMAGE`, until a later image is complete: the same file under that name where the
 * file system gives it a second one, else a copy. */
#ifndef SINK_KEEP_H
#define SINK_KEEP_H

#include <stdint.h>

/* Cut folder/name to its first size bytes. image: the number of the newest one that was begun, 0:
 * none yet, the file is cut in place then. *kept (of LIMIT_PATH_BYTES) becomes the path of what was
 * kept, or empty. The file may be another one after this: it is to be opened again. 0 or ERR_*, the
 * file as it was and nothing kept but where its copy was made; errno says more. */
int keep_cut(const char *folder, const char *name, uint64_t size, uint64_t image, char *kept);

/* Make folder/name again what it was when the image was made, but for bytes behind its end then:
 * the oldest one that was kept since is it. Later ones are removed. 0 or ERR_IO; errno says more.
 */
int keep_restore(const char *folder, const char *name, uint64_t image);

/* Remove all that was ever kept of folder/name: no image knows the file. 0 or ERR_IO; errno
 * says more. */
int keep_drop(const char *folder, const char *name);

#endif
