/* quota.h - the most memory and processes of a trial, where the kernel keeps count of them.
 *
 * With cgroup v2 the trial's cell is limited (cage.h), if the controllers were handed down to us.
 * With v1 each trial has a room: a group in the hierarchy of memory and one in that of pids, below
 * the ones that we are in, which its first process enters before it becomes the trial's program.
 * Where neither is to be had, memory is for a watcher to look at (attempt_limit.c), and nobody
 * counts processes. */
#ifndef EXECUTOR_QUOTA_H
#define EXECUTOR_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

struct cell;

enum quota_kind { QUOTA_MEMORY, QUOTA_PIDS, QUOTA_COUNT };

/* One trial's groups of v1. */
struct room {
    struct room *next; /* of quota->free */
    uint32_t number;
    int folders[QUOTA_COUNT]; /* open; -1: there is none, or none is needed yet */
};

struct quota {
    char *homes[QUOTA_COUNT]; /* owned: our group of v1, below which the rooms are; NULL: none */
    bool looked;
    struct room *free; /* owned; with nobody in them */
    uint32_t made;
};

void quota_init(struct quota *quota);

/* Takes all rooms away that nobody is in. */
void quota_fini(struct quota *quota);

/* Limit a cell of v2, or have no limit of memory any more with 0 bytes. *before: its count of kills
 * so far. False where the kernel does not limit memory here. */
bool quota_limit_cell(const struct cell *cell, int64_t memory_bytes, uint64_t *before);

/* A room with these limits; NULL where there is none to be had. bytes 0: it is not to be entered
 * for memory. The caller's until given back. */
struct room *room_take(struct quota *quota, int64_t memory_bytes, uint64_t *before);
bool room_limits_memory(const struct room *room);

/* Who writes "0" there is in: to be closed by the caller. -1: there is none. */
int room_door(const struct room *room, enum quota_kind kind);

/* Accepts NULL. */
void room_give(struct quota *quota, struct room *room);

/* How many processes the kernel has killed there for want of memory. */
uint64_t quota_kills_cell(const struct cell *cell);
uint64_t quota_kills_room(const struct room *room);

#endif
