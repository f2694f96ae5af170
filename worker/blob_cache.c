#include "worker/blob_cache.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/sys/failpoint.h"
#include "common/sys/fs.h"
#include "common/xalloc.h"

#define HEX_BYTES (LIMIT_HASH_BYTES * 2 + 1)
#define AGAIN_MS  5000u /* after that a chunk is asked for again */

struct fetch {
    struct fetch *next;
    uint64_t number;
    uint8_t hash[LIMIT_HASH_BYTES];
    int fd;         /* of the part; -1: not open yet */
    uint64_t have;  /* bytes from the start that are on disk */
    uint64_t asked; /* offset behind what was asked for */
    uint64_t total; /* UINT64_MAX: not known yet */
    uint64_t at_ms; /* ask again from then on */
};

struct blob_cache {
    char dir[LIMIT_PATH_BYTES];
    struct fetch *fetches;
    uint64_t numbers;
    uint8_t refused[LIMIT_HASH_BYTES];
};

struct blob_cache *blob_cache_open(const char *data_dir)
{
    struct blob_cache *cache = xcalloc(1, sizeof(*cache));

    if (fs_join(cache->dir, data_dir, "blobs") != 0 || fs_make_dirs(cache->dir, 0700) != 0) {
        int error = errno;

        free(cache);
        errno = error;
        return NULL;
    }
    return cache;
}

static void fetch_free(struct blob_cache *cache, struct fetch *fetch)
{
    struct fetch **at = &cache->fetches;

    while (*at != fetch)
        at = &(*at)->next;
    *at = fetch->next;
    if (fetch->fd >= 0)
        (void)close(fetch->fd);
    free(fetch);
}

void blob_cache_close(struct blob_cache *cache)
{
    if (cache == NULL)
        return;
    while (cache->fetches != NULL)
        fetch_free(cache, cache->fetches);
    free(cache);
}

static void name_path(const struct blob_cache *cache, const uint8_t *hash, const char *suffix,
                      char out[LIMIT_PATH_BYTES])
{
    char name[HEX_BYTES + 8];
    char hex[HEX_BYTES];

    (void)sodium_bin2hex(hex, sizeof(hex), hash, LIMIT_HASH_BYTES);
    (void)snprintf(name, sizeof(name), "%s%s", hex, suffix);
    /* blob_cache_open's folder may be as long as its own path can be. */
    if (fs_join(out, cache->dir, name) != 0)
        out[0] = '\0';
}

void blob_cache_path(const struct blob_cache *cache, const uint8_t *hash,
                     char out[LIMIT_PATH_BYTES])
{
    name_path(cache, hash, "", out);
}

bool blob_cache_has(const struct blob_cache *cache, const uint8_t *hash)
{
    char path[LIMIT_PATH_BYTES];
    struct stat status;

    blob_cache_path(cache, hash, path);
    return lstat(path, &status) == 0 && S_ISREG(status.st_mode);
}

static struct fetch *fetch_find(const struct blob_cache *cache, const uint8_t *hash)
{
    for (struct fetch *fetch = cache->fetches; fetch != NULL; fetch = fetch->next)
        if (memcmp(fetch->hash, hash, LIMIT_HASH_BYTES) == 0)
            return fetch;
    return NULL;
}

void blob_cache_want(struct blob_cache *cache, const uint8_t *hash)
{
    struct fetch *fetch;

    if (fetch_find(cache, hash) != NULL || blob_cache_has(cache, hash))
        return;
    fetch = xcalloc(1, sizeof(*fetch));
    memcpy(fetch->hash, hash, LIMIT_HASH_BYTES);
    fetch->number = ++cache->numbers;
    fetch->fd = -1;
    fetch->total = UINT64_MAX;
    fetch->next = cache->fetches;
    cache->fetches = fetch;
}

/* Open the part; go on behind what it has. */
static int part_open(struct blob_cache *cache, struct fetch *fetch)
{
    char path[LIMIT_PATH_BYTES];
    struct stat status;

    if (fetch->fd >= 0)
        return 0;
    name_path(cache, fetch->hash, ".part", path);
    fetch->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fetch->fd < 0)
        return err_from_errno();
    if (fstat(fetch->fd, &status) != 0)
        return err_from_errno();
    fetch->have = fetch->asked = (uint64_t)status.st_size;
    return 0;
}

/* At first one chunk alone: it says how many there are. */
static bool may_ask(const struct fetch *fetch, uint64_t now_ms)
{
    if (fetch->at_ms > now_ms)
        return fetch->total != UINT64_MAX && fetch->asked < fetch->total &&
               fetch->asked < fetch->have + LIMIT_CHUNKS_ASKED * (uint64_t)LIMIT_CHUNK_BYTES;
    return true;
}

bool blob_cache_ask(struct blob_cache *cache, uint64_t now_ms, struct msg_blob_get *ask,
                    uint64_t *request)
{
    for (struct fetch *fetch = cache->fetches; fetch != NULL; fetch = fetch->next) {
        if (!may_ask(fetch, now_ms))
            continue;
        if (part_open(cache, fetch) != 0) {
            fetch->at_ms = now_ms + AGAIN_MS;
            continue;
        }
        if (fetch->at_ms <= now_ms)
            fetch->asked = fetch->have;
        *ask = (struct msg_blob_get){.hash = span_of(fetch->hash, LIMIT_HASH_BYTES),
                                     .offset = fetch->asked,
                                     .size = LIMIT_CHUNK_BYTES};
        *request = REQUEST_BLOB | fetch->number;
        fetch->asked += LIMIT_CHUNK_BYTES;
        fetch->at_ms = now_ms + AGAIN_MS;
        return true;
    }
    return false;
}

void blob_cache_rewind(struct blob_cache *cache)
{
    for (struct fetch *fetch = cache->fetches; fetch != NULL; fetch = fetch->next)
        fetch->at_ms = 0;
}

uint64_t blob_cache_next_ms(const struct blob_cache *cache)
{
    uint64_t next_ms = UINT64_MAX;

    for (const struct fetch *fetch = cache->fetches; fetch != NULL; fetch = fetch->next)
        if (fetch->at_ms < next_ms)
            next_ms = fetch->at_ms;
    return next_ms;
}

static int chunk_write(const struct fetch *fetch, struct span bytes)
{
    const uint8_t *at = bytes.data;
    uint64_t offset = fetch->have;
    size_t left = bytes.size;

    while (left > 0) {
        ssize_t put = pwrite(fetch->fd, at, left, (off_t)offset);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return err_from_errno();
        at += put;
        offset += (uint64_t)put;
        left -= (size_t)put;
    }
    return 0;
}

static int part_finish(struct blob_cache *cache, const struct fetch *fetch)
{
    char part[LIMIT_PATH_BYTES];
    char path[LIMIT_PATH_BYTES];

    name_path(cache, fetch->hash, ".part", part);
    name_path(cache, fetch->hash, "", path);
    FAILPOINT("blob-fetched");
    return rename(part, path) == 0 ? 0 : err_from_errno();
}

static void part_remove(const struct blob_cache *cache, const uint8_t *hash)
{
    char path[LIMIT_PATH_BYTES];

    name_path(cache, hash, ".part", path);
    (void)unlink(path); /* what stays is verified or written over */
}

int blob_cache_take(struct blob_cache *cache, const struct msg_blob_chunk *chunk, uint64_t now_ms,
                    bool *complete)
{
    struct fetch *fetch = fetch_find(cache, chunk->hash.data);
    int err = 0;

    *complete = false;
    if (fetch == NULL || fetch->fd < 0 || chunk->offset != fetch->have)
        return 0;
    if (chunk->total > LIMIT_BLOB_BYTES || chunk->bytes.size > chunk->total - chunk->offset ||
        chunk->offset > chunk->total) {
        part_remove(cache, fetch->hash);
        fetch_free(cache, fetch);
        return ERR_TOO_BIG;
    }
    if (chunk->bytes.size == 0 && fetch->have < chunk->total)
        return 0;
    fetch->total = chunk->total;
    fetch->at_ms = now_ms + AGAIN_MS;
    err = chunk_write(fetch, chunk->bytes);
    if (err != 0)
        return err;
    fetch->have += chunk->bytes.size;
    if (fetch->have < fetch->total)
        return 0;
    err = part_finish(cache, fetch);
    if (err != 0)
        return err;
    fetch_free(cache, fetch);
    *complete = true;
    return 0;
}

const uint8_t *blob_cache_refused(struct blob_cache *cache, uint64_t request)
{
    for (struct fetch *fetch = cache->fetches; fetch != NULL; fetch = fetch->next) {
        if (request != (REQUEST_BLOB | fetch->number))
            continue;
        memcpy(cache->refused, fetch->hash, LIMIT_HASH_BYTES);
        part_remove(cache, fetch->hash);
        fetch_free(cache, fetch);
        return cache->refused;
    }
    return NULL;
}

void blob_cache_drop(struct blob_cache *cache, const uint8_t *hash)
{
    char path[LIMIT_PATH_BYTES];

    name_path(cache, hash, "", path);
    (void)unlink(path);
}

/* The file of the folder that was changed longest ago, and how many bytes all have. */
static uint64_t oldest_find(const struct blob_cache *cache, char oldest[LIMIT_PATH_BYTES])
{
    DIR *dir = opendir(cache->dir);
    struct timespec least = {.tv_sec = 0};
    uint64_t bytes = 0;
    struct dirent *entry;

    oldest[0] = '\0';
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char path[LIMIT_PATH_BYTES];
        struct stat status;

        if (fs_join(path, cache->dir, entry->d_name) != 0 || lstat(path, &status) != 0 ||
            !S_ISREG(status.st_mode))
            continue;
        bytes += (uint64_t)status.st_size;
        if (oldest[0] != '\0' &&
            (status.st_mtim.tv_sec > least.tv_sec ||
             (status.st_mtim.tv_sec == least.tv_sec && status.st_mtim.tv_nsec >= least.tv_nsec)))
            continue;
        least = status.st_mtim;
        memcpy(oldest, path, strlen(path) + 1);
    }
    if (dir != NULL)
        (void)closedir(dir);
    return bytes;
}

void blob_cache_trim(struct blob_cache *cache, uint64_t most_bytes)
{
    char oldest[LIMIT_PATH_BYTES];

    while (oldest_find(cache, oldest) > most_bytes && oldest[0] != '\0')
        if (unlink(oldest) != 0)
            return;
}
