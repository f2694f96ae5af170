/* shim.c - put under a process with LD_PRELOAD: keeps account of how much of each file is on disk.
 *
 * POWER_LEDGER names a file of POWER_SLOTS slots of {inode, bytes synced, -}, which the test reads
 * once the process was killed: what lies behind those bytes is what a power cut may take. A size is
 * taken before the sync and counts once the sync has answered, so that it never says too much.
 * POWER_SLOW_US makes each sync that much slower, as on a disk where it is one: most cuts then fall
 * into one.
 *
 * syncfs counts for the files below POWER_TREE. What the C library syncs within itself is not seen;
 * neither redis-server nor the head have that done. */
#include <dlfcn.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define POWER_SLOTS 4096u

struct slot {
    _Atomic uint64_t inode;
    _Atomic uint64_t synced;
    _Atomic uint64_t pending; /* what a syncfs under way will have synced */
};

/* slots[0] is of no file: synced counts the syncs, pending those that are under way. */
static struct slot *slots;
static long slow_us;

typedef int sync_fn(int fd);
typedef int open_fn(const char *path, int flags, ...);

__attribute__((constructor)) static void ledger_open(void)
{
    const char *path = getenv("POWER_LEDGER");
    const char *slow = getenv("POWER_SLOW_US");
    int fd = path != NULL ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    void *at = MAP_FAILED;

    slow_us = slow != NULL ? strtol(slow, NULL, 10) : 0;
    if (fd >= 0 && ftruncate(fd, POWER_SLOTS * sizeof(struct slot)) == 0)
        at = mmap(NULL, POWER_SLOTS * sizeof(struct slot), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                  0);
    if (fd >= 0)
        (void)close(fd);
    if (at != MAP_FAILED)
        slots = at;
}

/* The file's slot, made where it has none; NULL where the table is full. */
static struct slot *slot_of(uint64_t inode)
{
    for (uint32_t i = 1; i < POWER_SLOTS; i++) {
        uint64_t there = atomic_load(&slots[i].inode);

        if (there == 0 && atomic_compare_exchange_strong(&slots[i].inode, &there, inode))
            return &slots[i];
        if (there == inode)
            return &slots[i];
    }
    return NULL;
}

static int sync_and_note(const char *name, int fd)
{
    sync_fn *real = (sync_fn *)dlsym(RTLD_NEXT, name);
    struct timespec slow = {slow_us / 1000000, slow_us % 1000000 * 1000};
    struct stat before;
    struct slot *slot;
    int result;

    if (slots == NULL || fstat(fd, &before) < 0)
        return real(fd);
    (void)atomic_fetch_add(&slots[0].pending, 1);
    if (slow_us > 0)
        (void)nanosleep(&slow, NULL);
    result = real(fd);
    slot = result == 0 && S_ISREG(before.st_mode) ? slot_of(before.st_ino) : NULL;
    if (slot != NULL)
        atomic_store(&slot->synced, (uint64_t)before.st_size);
    (void)atomic_fetch_sub(&slots[0].pending, 1);
    (void)atomic_fetch_add(&slots[0].synced, 1);
    return result;
}

int fsync(int fd)
{
    return sync_and_note("fsync", fd);
}

int fdatasync(int fd)
{
    return sync_and_note("fdatasync", fd);
}

static int note_size(const char *path, const struct stat *status, int type, struct FTW *at)
{
    struct slot *slot = type == FTW_F ? slot_of(status->st_ino) : NULL;

    (void)path;
    (void)at;
    if (slot != NULL)
        atomic_store(&slot->pending, (uint64_t)status->st_size);
    return 0;
}

/* Sizes from before count once it has answered. */
int syncfs(int fd)
{
    sync_fn *real = (sync_fn *)dlsym(RTLD_NEXT, "syncfs");
    const char *tree = getenv("POWER_TREE");
    int result;

    if (slots == NULL || tree == NULL)
        return real(fd);
    for (uint32_t i = 1; i < POWER_SLOTS; i++)
        atomic_store(&slots[i].pending, 0);
    (void)nftw(tree, note_size, 16, FTW_PHYS);
    result = real(fd);
    for (uint32_t i = 1; result == 0 && i < POWER_SLOTS; i++)
        if (atomic_load(&slots[i].pending) > 0)
            atomic_store(&slots[i].synced, atomic_load(&slots[i].pending));
    return result;
}

/* A file that is new has nothing on disk, whatever had its inode before. */
static int note_open(int fd, int flags)
{
    struct stat status;
    struct slot *slot;

    if (slots == NULL || fd < 0 || (flags & (O_CREAT | O_TRUNC)) == 0 || fstat(fd, &status) < 0 ||
        !S_ISREG(status.st_mode) || status.st_size > 0)
        return fd;
    slot = slot_of(status.st_ino);
    if (slot != NULL)
        atomic_store(&slot->synced, 0);
    return fd;
}

static mode_t mode_of(int flags, va_list args)
{
    return (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    open_fn *real = (open_fn *)dlsym(RTLD_NEXT, "open");
    va_list args;
    mode_t mode;

    va_start(args, flags);
    mode = mode_of(flags, args);
    va_end(args);
    return note_open(real(path, flags, mode), flags);
}

int open64(const char *path, int flags, ...)
{
    open_fn *real = (open_fn *)dlsym(RTLD_NEXT, "open64");
    va_list args;
    mode_t mode;

    va_start(args, flags);
    mode = mode_of(flags, args);
    va_end(args);
    return note_open(real(path, flags, mode), flags);
}
