/* folders.h - the folders that programs may write checkpoints in.
 *
 * Most programs of a sweep write none, and run for a moment: their folders are empty when they end,
 * and are used again under another name. To make and remove one for each would cost more than the
 * program: ext4 passes over all that was freed within 5 s when it looks for an inode. */
#ifndef EXECUTOR_FOLDERS_H
#define EXECUTOR_FOLDERS_H

#include <stdbool.h>
#include <stdint.h>

/* Those that are empty, named by their number below options->dir/checkpoints. Nothing to free: the
 * executor's folder is removed whole. */
struct folders {
    uint32_t spare;
};

/* Have an empty folder at path; one that is there already stays as it is. 0 or ERR_*, with errno.
 */
int folder_take(struct folders *folders, const char *dir, const char *path);

/* What was taken is not needed any more. False: it is not empty, or not ours alone any more; the
 * caller removes it. One that is not there is as good as empty. */
bool folder_give(struct folders *folders, const char *dir, const char *path);

#endif
