#include "head/blob_seal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/failpoint.h"
#include "common/sys/log.h"
#include "common/xalloc.h"
#include "head/placed.h"

struct seal {
    struct seal *next;
    uint8_t hash[BLOB_HASH_BYTES];
    const char *suffix; /* constant */
    bool placed;        /* by somebody else; it has size bytes */
    uint64_t size;
    int err;
};

struct queue {
    struct seal *first;
    struct seal *last;
};

struct sealer {
    int dir;    /* borrowed */
    int placed; /* borrowed; -1: none */
    int wake;   /* eventfd: something was done */
    pthread_t thread;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t work;
    struct queue waiting;
    struct queue done;
    bool sweep; /* to be done when nothing waits */
    bool ending;
};

static void queue_add(struct queue *queue, struct seal *seal)
{
    seal->next = NULL;
    if (queue->last != NULL)
        queue->last->next = seal;
    else
        queue->first = seal;
    queue->last = seal;
}

static struct seal *queue_take(struct queue *queue)
{
    struct seal *seal = queue->first;

    if (seal == NULL)
        return NULL;
    queue->first = seal->next;
    if (queue->first == NULL)
        queue->last = NULL;
    return seal;
}

void blob_name(char out[BLOB_NAME_BYTES], const uint8_t hash[BLOB_HASH_BYTES], const char *suffix)
{
    char hex[BLOB_HASH_BYTES * 2 + 1];

    (void)sodium_bin2hex(hex, sizeof(hex), hash, BLOB_HASH_BYTES);
    (void)snprintf(out, BLOB_NAME_BYTES, "%s%s", hex, suffix);
}

static int verify(int fd, const uint8_t hash[BLOB_HASH_BYTES])
{
    uint8_t found[BLOB_HASH_BYTES];
    crypto_generichash_state state;
    uint8_t *chunk = xmalloc(LIMIT_CHUNK_BYTES);
    off_t at = 0;
    ssize_t got;

    (void)crypto_generichash_init(&state, NULL, 0, sizeof(found));
    while ((got = pread(fd, chunk, LIMIT_CHUNK_BYTES, at)) > 0) {
        (void)crypto_generichash_update(&state, chunk, (unsigned long long)got);
        at += got;
    }
    (void)crypto_generichash_final(&state, found, sizeof(found));
    free(chunk);
    if (got < 0)
        return ERR_IO;
    return memcmp(hash, found, sizeof(found)) == 0 ? 0 : ERR_MALFORMED;
}

static int seal_part(int dir, const uint8_t hash[BLOB_HASH_BYTES], const char *suffix)
{
    char part[BLOB_NAME_BYTES];
    char name[BLOB_NAME_BYTES];
    int err;
    int fd;

    blob_name(part, hash, suffix);
    blob_name(name, hash, "");
    fd = openat(dir, part, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return err_from_errno();
    err = verify(fd, hash);
    FAILPOINT("blob-verified");
    if (err == 0 && *suffix != '\0' &&
        (fsync(fd) != 0 || renameat(dir, part, dir, name) != 0 || fsync(dir) != 0))
        err = err_from_errno();
    FAILPOINT("blob-sealed");
    /* Also where the disk failed: what it has of new bytes nobody knows. Old ones that cannot be
     * read now may be good. */
    if (err != 0 && (*suffix != '\0' || err == ERR_MALFORMED))
        (void)unlinkat(dir, part, 0);
    (void)close(fd);
    return err;
}

static int seal_one(const struct sealer *sealer, const struct seal *seal)
{
    char part[BLOB_NAME_BYTES];
    int err = 0;

    blob_name(part, seal->hash, ".part");
    if (seal->placed)
        err = placed_take(sealer->placed, sealer->dir, seal->hash, part, seal->size);
    return err == 0 ? seal_part(sealer->dir, seal->hash, seal->suffix) : err;
}

/* Nothing waits. With the lock, and again when it comes back. */
static void idle(struct sealer *sealer)
{
    uint32_t count;

    if (!sealer->sweep) {
        (void)pthread_cond_wait(&sealer->work, &sealer->lock);
        return;
    }
    sealer->sweep = false;
    (void)pthread_mutex_unlock(&sealer->lock);
    count = placed_sweep(sealer->placed, PLACED_STALE_S);
    if (count > 0)
        log_line(LOG_INFO, "placed", "removed what no node has spoken of count=%u", count);
    (void)pthread_mutex_lock(&sealer->lock);
}

static void *sealer_main(void *context)
{
    static const uint64_t one = 1;
    struct sealer *sealer = context;

    (void)pthread_mutex_lock(&sealer->lock);
    while (!sealer->ending) {
        struct seal *seal = queue_take(&sealer->waiting);

        if (seal == NULL) {
            idle(sealer);
            continue;
        }
        (void)pthread_mutex_unlock(&sealer->lock);
        seal->err = seal_one(sealer, seal);
        (void)pthread_mutex_lock(&sealer->lock);
        queue_add(&sealer->done, seal);
        (void)!write(sealer->wake, &one, sizeof(one)); /* fails only where it is readable anyway */
    }
    (void)pthread_mutex_unlock(&sealer->lock);
    return NULL;
}

struct sealer *sealer_new(int dir, int placed)
{
    struct sealer *sealer = xcalloc(1, sizeof(*sealer));
    int err;

    sealer->dir = dir;
    sealer->placed = placed;
    sealer->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (sealer->wake < 0) {
        free(sealer);
        return NULL;
    }
    (void)pthread_mutex_init(&sealer->lock, NULL);
    (void)pthread_cond_init(&sealer->work, NULL);
    err = pthread_create(&sealer->thread, NULL, sealer_main, sealer);
    if (err == 0)
        return sealer;
    (void)pthread_mutex_destroy(&sealer->lock);
    (void)pthread_cond_destroy(&sealer->work);
    (void)close(sealer->wake);
    free(sealer);
    errno = err;
    return NULL;
}

void sealer_free(struct sealer *sealer)
{
    struct seal *seal;

    if (sealer == NULL)
        return;
    (void)pthread_mutex_lock(&sealer->lock);
    sealer->ending = true;
    (void)pthread_cond_signal(&sealer->work);
    (void)pthread_mutex_unlock(&sealer->lock);
    (void)pthread_join(sealer->thread, NULL);
    while ((seal = queue_take(&sealer->waiting)) != NULL)
        free(seal);
    while ((seal = queue_take(&sealer->done)) != NULL)
        free(seal);
    (void)pthread_mutex_destroy(&sealer->lock);
    (void)pthread_cond_destroy(&sealer->work);
    (void)close(sealer->wake);
    free(sealer);
}

static void enqueue(struct sealer *sealer, struct seal given)
{
    struct seal *seal = xcalloc(1, sizeof(*seal));

    *seal = given;
    (void)pthread_mutex_lock(&sealer->lock);
    queue_add(&sealer->waiting, seal);
    (void)pthread_cond_signal(&sealer->work);
    (void)pthread_mutex_unlock(&sealer->lock);
}

void sealer_put(struct sealer *sealer, const uint8_t hash[BLOB_HASH_BYTES], const char *suffix)
{
    struct seal seal = {.suffix = suffix};

    memcpy(seal.hash, hash, sizeof(seal.hash));
    enqueue(sealer, seal);
}

void sealer_adopt(struct sealer *sealer, const uint8_t hash[BLOB_HASH_BYTES], uint64_t size)
{
    struct seal seal = {.suffix = ".part", .placed = true, .size = size};

    memcpy(seal.hash, hash, sizeof(seal.hash));
    enqueue(sealer, seal);
}

void sealer_sweep(struct sealer *sealer)
{
    (void)pthread_mutex_lock(&sealer->lock);
    sealer->sweep = sealer->placed >= 0;
    (void)pthread_cond_signal(&sealer->work);
    (void)pthread_mutex_unlock(&sealer->lock);
}

bool sealer_next(struct sealer *sealer, uint8_t hash[BLOB_HASH_BYTES], int *err)
{
    struct seal *seal;
    uint64_t count;

    (void)pthread_mutex_lock(&sealer->lock);
    seal = queue_take(&sealer->done);
    if (seal != NULL && sealer->done.first == NULL)
        (void)!read(sealer->wake, &count, sizeof(count)); /* it is readable: this was the last */
    (void)pthread_mutex_unlock(&sealer->lock);
    if (seal == NULL)
        return false;
    memcpy(hash, seal->hash, sizeof(seal->hash));
    *err = seal->err;
    free(seal);
    return true;
}

int sealer_fd(const struct sealer *sealer)
{
    return sealer->wake;
}
