#include "head/sink/sink.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/deadlines.h"
#include "common/limits.h"
#include "common/sys/clock.h"
#include "common/xalloc.h"
#include "head/sink/writer.h"

enum job_kind { JOB_EFFECTS, JOB_OUTPUT, JOB_SAVE, JOB_FORGET };

/* One thing to do, in the order in which it was put. */
struct job {
    struct job *next;
    enum job_kind kind;
    const struct effect *effects; /* borrowed until done was called */
    size_t count;
    void (*done)(void *context);
    void *context;
    char *folder; /* output: owned */
    uint32_t attempt;
    uint32_t stream;
    uint64_t offset;
    void *bytes; /* owned */
    size_t size;
    uint64_t image; /* number of one; save: told to saved, with context */
    void (*saved)(void *context, struct buf *bytes, struct buf *folders);
};

struct sinks {
    pthread_t thread;
    pthread_mutex_t lock; /* of all down to trouble */
    pthread_cond_t work;
    pthread_cond_t idle;
    struct job *first;
    struct job *last;
    size_t output_bytes; /* that wait */
    bool busy;
    bool ending;
    bool abandoned;
    bool held; /* the thread waits for its time to be moved on */
    char trouble[WRITER_TROUBLE];

    _Atomic uint64_t until_ms; /* that may be written */
    _Atomic uint64_t version;
    atomic_size_t waiting; /* jobs */
    struct writer *writer; /* the thread's own */
};

static void add_folder(void *context, const char *folder)
{
    buf_append(context, folder, strlen(folder) + 1);
}

static void do_save(struct sinks *sinks, const struct job *job)
{
    struct buf bytes = {0};
    struct buf folders = {0};

    if (!writer_save(sinks->writer, job->image, &bytes, add_folder, &folders))
        buf_reset(&bytes);
    job->saved(job->context, &bytes, &folders);
    buf_fini(&bytes);
    buf_fini(&folders);
}

static const char *do_job(struct sinks *sinks, const struct job *job)
{
    switch (job->kind) {
    case JOB_EFFECTS:
        return writer_effects(sinks->writer, job->effects, job->count);
    case JOB_OUTPUT:
        return writer_output(sinks->writer, job->folder, job->attempt, job->stream, job->offset,
                             span_of(job->bytes, job->size));
    case JOB_SAVE:
        do_save(sinks, job);
        break;
    case JOB_FORGET:
        writer_forget(sinks->writer, job->image);
        break;
    }
    return "";
}

/* Whether the next job may be done now; waits until that is known. Locked. At the end, who may not
 * write any more does not wait: whoever leads writes the same. */
static bool may_write(struct sinks *sinks)
{
    while (!sinks->abandoned && clock_ms() >= atomic_load(&sinks->until_ms)) {
        if (sinks->ending)
            return false;
        sinks->held = true;
        (void)pthread_cond_wait(&sinks->work, &sinks->lock);
    }
    sinks->held = false;
    return !sinks->abandoned;
}

static void job_free(struct job *job)
{
    free(job->folder);
    free(job->bytes);
    free(job);
}

static void *sinks_main(void *context)
{
    struct sinks *sinks = context;

    (void)pthread_mutex_lock(&sinks->lock);
    for (;;) {
        struct job *job = sinks->first;
        const char *said = "";
        bool write;

        if (job == NULL) {
            sinks->busy = false;
            (void)pthread_cond_broadcast(&sinks->idle);
            if (sinks->ending)
                break;
            (void)pthread_cond_wait(&sinks->work, &sinks->lock);
            continue;
        }
        sinks->first = job->next;
        if (sinks->first == NULL)
            sinks->last = NULL;
        sinks->busy = true;
        sinks->output_bytes -= job->size;
        write = may_write(sinks);
        (void)pthread_mutex_unlock(&sinks->lock);
        if (write)
            said = do_job(sinks, job);
        atomic_fetch_sub(&sinks->waiting, 1);
        atomic_fetch_add(&sinks->version, 1);
        if (job->done != NULL)
            job->done(job->context);
        job_free(job);
        (void)pthread_mutex_lock(&sinks->lock);
        if (said[0] != '\0' && sinks->trouble[0] == '\0')
            (void)snprintf(sinks->trouble, sizeof(sinks->trouble), "%s", said);
    }
    (void)pthread_mutex_unlock(&sinks->lock);
    return NULL;
}

struct sinks *sinks_new(void)
{
    struct sinks *sinks = xcalloc(1, sizeof(*sinks));
    int err;

    (void)pthread_mutex_init(&sinks->lock, NULL);
    (void)pthread_cond_init(&sinks->work, NULL);
    (void)pthread_cond_init(&sinks->idle, NULL);
    sinks->writer = writer_new();
    atomic_store(&sinks->until_ms, DEADLINE_NEVER);
    err = pthread_create(&sinks->thread, NULL, sinks_main, sinks);
    assert(err == 0); /* at start, before any peer can use up anything */
    (void)err;
    return sinks;
}

void sinks_free(struct sinks *sinks)
{
    if (sinks == NULL)
        return;
    (void)pthread_mutex_lock(&sinks->lock);
    sinks->ending = true;
    (void)pthread_cond_signal(&sinks->work);
    (void)pthread_mutex_unlock(&sinks->lock);
    (void)pthread_join(sinks->thread, NULL);
    writer_free(sinks->writer);
    (void)pthread_cond_destroy(&sinks->work);
    (void)pthread_cond_destroy(&sinks->idle);
    (void)pthread_mutex_destroy(&sinks->lock);
    free(sinks);
}

void sinks_write_until(struct sinks *sinks, uint64_t until_ms)
{
    if (atomic_exchange(&sinks->until_ms, until_ms) == until_ms)
        return;
    (void)pthread_mutex_lock(&sinks->lock);
    if (sinks->held)
        (void)pthread_cond_signal(&sinks->work);
    (void)pthread_mutex_unlock(&sinks->lock);
}

void sinks_abandon(struct sinks *sinks)
{
    (void)pthread_mutex_lock(&sinks->lock);
    sinks->abandoned = true;
    (void)pthread_cond_signal(&sinks->work);
    (void)pthread_mutex_unlock(&sinks->lock);
}

static void put(struct sinks *sinks, struct job *job)
{
    atomic_fetch_add(&sinks->waiting, 1);
    (void)pthread_mutex_lock(&sinks->lock);
    if (sinks->last != NULL)
        sinks->last->next = job;
    else
        sinks->first = job;
    sinks->last = job;
    sinks->busy = true;
    (void)pthread_cond_signal(&sinks->work);
    (void)pthread_mutex_unlock(&sinks->lock);
}

void sinks_put(struct sinks *sinks, const struct effect *effects, size_t count,
               void (*done)(void *context), void *context)
{
    static const struct effect none;
    struct job *job = xcalloc(1, sizeof(*job));

    job->effects = effects != NULL ? effects : &none;
    job->count = count;
    job->done = done;
    job->context = context;
    put(sinks, job);
}

bool sinks_output(struct sinks *sinks, struct span folder, uint32_t attempt, uint32_t stream,
                  uint64_t offset, struct span bytes)
{
    struct job *job;
    bool full;

    (void)pthread_mutex_lock(&sinks->lock);
    full = sinks->output_bytes + bytes.size > LIMIT_OUTPUT_QUEUE;
    if (!full)
        sinks->output_bytes += bytes.size;
    (void)pthread_mutex_unlock(&sinks->lock);
    if (full)
        return false;
    job = xcalloc(1, sizeof(*job));
    job->kind = JOB_OUTPUT;
    job->folder = xstrndup(folder.data, folder.size);
    job->attempt = attempt;
    job->stream = stream;
    job->offset = offset;
    job->bytes = xmalloc(bytes.size);
    memcpy(job->bytes, bytes.data, bytes.size);
    job->size = bytes.size;
    put(sinks, job);
    return true;
}

void sinks_save(struct sinks *sinks, uint64_t image,
                void (*saved)(void *context, struct buf *bytes, struct buf *folders), void *context)
{
    struct job *job = xcalloc(1, sizeof(*job));

    job->kind = JOB_SAVE;
    job->image = image;
    job->saved = saved;
    job->context = context;
    put(sinks, job);
}

int sinks_load(struct sinks *sinks, struct span saved, const struct writer_lead *lead)
{
    const char *said;
    int err;

    sinks_drain(sinks); /* the thread waits, and leaves the writer to us */
    err = writer_load(sinks->writer, saved, lead, &said);
    (void)pthread_mutex_lock(&sinks->lock);
    if (said[0] != '\0')
        (void)snprintf(sinks->trouble, sizeof(sinks->trouble), "%s", said);
    (void)pthread_mutex_unlock(&sinks->lock);
    return err;
}

void sinks_redo(struct sinks *sinks, bool on)
{
    sinks_drain(sinks); /* the thread waits, and leaves the writer to us */
    writer_redo(sinks->writer, on);
}

void sinks_forget(struct sinks *sinks, uint64_t image)
{
    struct job *job = xcalloc(1, sizeof(*job));

    job->kind = JOB_FORGET;
    job->image = image;
    put(sinks, job);
}

void sinks_drain(struct sinks *sinks)
{
    (void)pthread_mutex_lock(&sinks->lock);
    while (sinks->busy || sinks->first != NULL)
        (void)pthread_cond_wait(&sinks->idle, &sinks->lock);
    (void)pthread_mutex_unlock(&sinks->lock);
}

bool sinks_trouble(struct sinks *sinks, char *out, size_t size)
{
    bool any;

    (void)pthread_mutex_lock(&sinks->lock);
    any = sinks->trouble[0] != '\0';
    if (any)
        (void)snprintf(out, size, "%s", sinks->trouble);
    sinks->trouble[0] = '\0';
    (void)pthread_mutex_unlock(&sinks->lock);
    return any;
}

uint64_t sinks_version(const struct sinks *sinks)
{
    return atomic_load(&sinks->version);
}

size_t sinks_waiting(struct sinks *sinks)
{
    return atomic_load(&sinks->waiting);
}

uint64_t sinks_feed_rows(struct sinks *sinks, uint32_t experiment)
{
    return writer_feed_rows(sinks->writer, experiment);
}
