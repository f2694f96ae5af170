/* cage.h - cgroups around everything that the executor starts, where the system lets us have them.
 *
 * The executor's own one holds the zygote and what it forks; below it each attempt that is a
 * program has a cell: whatever its processes do to their sessions, folders and environments, they
 * are known by it and end together. Processes are born in them (spawn.h); the executor itself stays
 * outside, since a move waits for the whole system (some 15 ms). Where a process cannot be born in
 * one, the executor moves into its own, and there are no cells.
 *
 * What an executor that was killed has left is in its cgroup: the next one that has the same folder
 * ends it, and so may the worker, by writing "1" to cgroup.kill in the folder that DIR/cgroup
 * names. Needs cgroup v2 (Linux 5.14) and the right to write where we are (root, or a unit with
 * Delegate=yes); without it nothing is lost but this. */
#ifndef EXECUTOR_CAGE_H
#define EXECUTOR_CAGE_H

#include <stdbool.h>
#include <stdint.h>

/* One attempt's cgroup: an open folder. */
struct cell {
    struct cell *next; /* of cage->free */
    int fd;            /* owned */
    uint32_t number;   /* its folder's */
    bool killed;       /* somebody in it was, by the kernel's word */
};

struct cage {
    char *path;  /* owned; NULL: there is none */
    char *note;  /* owned: the file that names it */
    char *home;  /* owned: the cgroup we came from */
    int fd;      /* owned: the folder path; -1: nobody can be born in it */
    int shared;  /* for those that have no cell; fd, or owned where that can have nobody in it */
    bool limits; /* cells have the controllers of memory and processes */
    bool inside;
    struct cell *free; /* those with nobody in them; owned */
    uint32_t made;
};

/* End what an earlier executor with this folder left, and make an own one. */
void cage_open(struct cage *cage, const char *dir);

/* Nobody can be born in it: go in, so that all that are started from now on are. */
void cage_enter(struct cage *cage);

/* End everybody in it but us, and take it away. */
void cage_close(struct cage *cage);

/* A cell with nobody in it; NULL where there is none to be had. The caller's until given back. */
struct cell *cell_take(struct cage *cage);

/* SIGKILL to everybody in it. True where nobody is; else call again later. */
bool cell_clear(struct cell *cell);

/* Accepts NULL. One that somebody is still in, or was killed in, is not used again: Linux 6.18
 * kills whoever is born from outside into a cgroup that was ever told to kill. */
void cell_give(struct cage *cage, struct cell *cell);

#endif
