/* disk.h - whether the worker's data folder has room: without, it takes no new work. */
#ifndef WORKER_DISK_H
#define WORKER_DISK_H

#include <stdbool.h>

/* Full below LIMIT_DISK_LOW, and no more at half as much again. Where nobody can tell, as it was.
 */
bool disk_is_full(const char *folder, bool was_full);

#endif
