/* cage.h - a cgroup around the executor and everything that it starts, where the system lets us
 * have one.
 *
 * Trials that leave every group and session are still in it. So are those of an executor that was
 * killed: the next one that has the same folder ends them, and so may the worker, by writing "1" to
 * cgroup.kill in the folder that DIR/cgroup names. Needs cgroup v2 (Linux 5.14) and the right to
 * write where we are (root, or a unit with Delegate=yes); without it nothing is lost but this. */
#ifndef EXECUTOR_CAGE_H
#define EXECUTOR_CAGE_H

struct cage {
    char *path; /* owned; NULL: there is none */
    char *note; /* owned: the file that names it */
    char *home; /* owned: the cgroup we came from */
};

/* End what an earlier executor with this folder left, and make an own one. */
void cage_open(struct cage *cage, const char *dir);

/* End everybody in it but us, and take it away. */
void cage_close(struct cage *cage);

#endif
