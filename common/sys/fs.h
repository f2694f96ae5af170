/* fs.h - files, the careful way. Errors are ERR_*; errno says more. */
#ifndef SYS_FS_H
#define SYS_FS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/buf.h"

/* The whole file, at most limit bytes, behind what out holds; out is as it was on an error.
 * ERR_TOO_BIG where the file is longer. */
int fs_read(const char *path, size_t limit, struct buf *out);

/* The same from an open file's place to its end. */
int fs_read_rest(int fd, size_t limit, struct buf *out);

/* Whether a regular file is there, perhaps behind symlinks. What is none may block who opens it. */
bool fs_is_file(const char *path);

/* Write to a temporary name beside path, fsync, rename, fsync the folder: after 0 the file is there
 * whole, also after a power cut; before, the old one is. */
int fs_write_atomic(const char *path, mode_t mode, const void *data, size_t size);

/* fsync of a folder: the names in it, not the files. */
int fs_sync_dir(const char *path);

/* mkdir -p; those it makes get mode. */
int fs_make_dirs(const char *path, mode_t mode);

/* rm -rf of path; symlinks are removed, not followed. 0 also where there is nothing. In
 * fs_remove.c. */
int fs_remove_tree(const char *path);

/* All of it, through short writes and EINTR. */
int fs_write_all(int fd, const void *data, size_t size);

/* close, where fd is one, and errno stays what it was: it tells why we close. */
void fs_close(int fd);

/* A secret's file or folder: owned by this user and closed to all others. *why (constant text) says
 * what is wrong where it answers false. */
bool fs_is_private(const char *path, const char **why);

/* flock(LOCK_EX | LOCK_NB) on path, created if need be; the descriptor, or ERR_AGAIN where somebody
 * holds it. */
int fs_lock(const char *path);

/* dir + "/" + name into out of size LIMIT_PATH_BYTES; ERR_TOO_BIG where it does not fit. */
int fs_join(char *out, const char *dir, const char *name);

#endif
