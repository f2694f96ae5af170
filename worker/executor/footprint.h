/* footprint.h - how much memory a trial's processes have, as /proc says. */
#ifndef EXECUTOR_FOOTPRINT_H
#define EXECUTOR_FOOTPRINT_H

#include <stdbool.h>
#include <sys/types.h>

struct cell;

/* Whether they have more than so many bytes. Of those that they share each counts its part, which
 * takes the kernel long to say: it is only asked when what they have in all is more. cell: where
 * its processes are; NULL: leader and all below it. */
bool footprint_is_over(pid_t leader, const struct cell *cell, int64_t most_bytes);

#endif
