#include "head/sink/sink.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/spec.h"
#include "common/sys/fs.h"
#include "common/table.h"
#include "common/xalloc.h"
#include "head/sink/output.h"
#include "head/sink/trial_files.h"

#define TROUBLE_BYTES 512

/* One thing to do, in the order in which it was put. */
struct job {
    struct job *next;
    const struct effect *effects; /* borrowed until done was called; NULL: output */
    size_t count;
    void (*done)(void *context);
    void *context;
    char *folder; /* output: owned */
    uint32_t attempt;
    uint32_t stream;
    uint64_t offset;
    void *bytes; /* owned */
    size_t size;
};

/* How far the head's thread may read of an experiment's feed; shared. */
struct written {
    _Atomic uint64_t rows;
};

/* An experiment as its sink knows it. */
struct sunk {
    uint32_t experiment;
    char *folder;  /* owned */
    int feed;      /* descriptor; -1: none */
    int names;     /* .names beside it */
    uint64_t rows; /* in the feed, with those gathered */
    struct buf gathered;
    struct sunk *next; /* of those with something gathered */
    bool waiting;
    struct sunk *next_of_all;
    struct written *written; /* owned */
};

/* Trials in the order of their last use. */
struct lru {
    struct trial_files *newest;
    struct trial_files *oldest;
    size_t count;
};

struct sinks {
    pthread_t thread;
    pthread_mutex_t lock; /* of all down to written_by_number */
    pthread_cond_t work;
    pthread_cond_t idle;
    struct job *first;
    struct job *last;
    size_t output_bytes; /* that wait */
    bool busy;
    bool ending;
    char trouble[TROUBLE_BYTES];
    struct table *written_by_number;

    _Atomic uint64_t version;
    atomic_size_t waiting; /* jobs */

    /* The thread's own. */
    struct table *experiments; /* by number */
    struct sunk *all;
    struct output *output;
    struct table *files; /* by experiment and trial */
    struct lru open;     /* trials that may hold descriptors */
    struct lru closed;   /* the others */
    struct sunk *gathered;
    struct trial_files **dirty; /* with rows gathered in this job */
    size_t dirty_count;
    size_t dirty_room;
    char said[TROUBLE_BYTES]; /* trouble of this job */
};

static uint64_t files_key(uint32_t experiment, uint32_t trial)
{
    return (uint64_t)experiment << 32 | trial;
}

static void lru_unlink(struct sinks *sinks, struct trial_files *files)
{
    struct lru *lru = files->closed ? &sinks->closed : &sinks->open;

    if (files->newer != NULL)
        files->newer->older = files->older;
    else
        lru->newest = files->older;
    if (files->older != NULL)
        files->older->newer = files->newer;
    else
        lru->oldest = files->newer;
    files->newer = files->older = NULL;
    lru->count--;
}

static void lru_front(struct sinks *sinks, struct trial_files *files, bool closed)
{
    struct lru *lru = closed ? &sinks->closed : &sinks->open;

    files->closed = closed;
    files->older = lru->newest;
    files->newer = NULL;
    if (lru->newest != NULL)
        lru->newest->newer = files;
    else
        lru->oldest = files;
    lru->newest = files;
    lru->count++;
}

/* Only LIMIT_SINK_FILES trials keep descriptors open: the rows of the oldest are written, so that
 * they can be closed. */
static void close_oldest(struct sinks *sinks)
{
    while (sinks->open.count > LIMIT_SINK_FILES) {
        struct trial_files *old = sinks->open.oldest;

        trial_files_flush(old, sinks->said, sizeof(sinks->said));
        trial_files_close(old);
        lru_unlink(sinks, old);
        lru_front(sinks, old, true);
    }
}

/* A trial's files, made the newest. */
static struct trial_files *files_of(struct sinks *sinks, uint32_t experiment, uint32_t trial)
{
    struct trial_files *files = table_get_u64(sinks->files, files_key(experiment, trial));

    if (files == NULL) {
        files = trial_files_new(experiment, trial);
        (void)table_put_u64(sinks->files, files_key(experiment, trial), files);
    } else {
        lru_unlink(sinks, files);
    }
    lru_front(sinks, files, false);
    close_oldest(sinks);
    return files;
}

static void files_drop(struct sinks *sinks, struct trial_files *files)
{
    trial_files_flush(files, sinks->said, sizeof(sinks->said));
    lru_unlink(sinks, files);
    (void)table_remove_u64(sinks->files, files_key(files->experiment, files->trial));
    for (size_t i = 0; i < sinks->dirty_count; i++)
        if (sinks->dirty[i] == files)
            sinks->dirty[i] = NULL;
    trial_files_free(files);
}

static void make_dirty(struct sinks *sinks, struct trial_files *files)
{
    if (files->dirty)
        return; /* is in the list */
    files->dirty = true;
    if (sinks->dirty_count == sinks->dirty_room) {
        sinks->dirty_room = sinks->dirty_room > 0 ? sinks->dirty_room * 2 : 64;
        sinks->dirty = xrealloc(sinks->dirty, sinks->dirty_room, sizeof(struct trial_files *));
    }
    sinks->dirty[sinks->dirty_count++] = files;
}

static void on_experiment(struct sinks *sinks, const struct effect_experiment *row)
{
    struct sunk *sunk;
    struct written *written;

    if (row->spec.size == 0 || table_get_u64(sinks->experiments, row->experiment) != NULL)
        return;
    sunk = xcalloc(1, sizeof(*sunk));
    sunk->experiment = row->experiment;
    sunk->folder = xstrndup(row->folder.data, row->folder.size);
    sunk->feed = -1;
    sunk->names = -1;
    (void)table_put_u64(sinks->experiments, row->experiment, sunk);
    sunk->next_of_all = sinks->all;
    sinks->all = sunk;
    written = sunk->written = xcalloc(1, sizeof(*written));
    (void)pthread_mutex_lock(&sinks->lock);
    (void)table_put_u64(sinks->written_by_number, row->experiment, written);
    (void)pthread_mutex_unlock(&sinks->lock);
}

static int open_feed_file(struct sinks *sinks, const struct sunk *sunk, const char *name)
{
    char path[LIMIT_PATH_BYTES];
    int fd = -1;

    /* The feed begins anew with every replay. */
    if (fs_join(path, sunk->folder, name) == 0)
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | (sunk->rows == 0 ? O_TRUNC : 0), 0644);
    if (fd < 0 && sinks->said[0] == '\0')
        (void)snprintf(sinks->said, sizeof(sinks->said), "cannot write %s/%s: %s", sunk->folder,
                       name, strerror(errno));
    return fd;
}

/* The first attempt of an experiment makes its folder. */
static void open_feed(struct sinks *sinks, struct sunk *sunk, const struct effect_attempt *attempt)
{
    char name[FEED_NAME_BYTES] = {0};

    if (sunk->feed < 0) {
        (void)fs_make_dirs(sunk->folder, 0755); /* what is wrong shows when a file is opened */
        sunk->feed = open_feed_file(sinks, sunk, ".feed");
        sunk->names = open_feed_file(sinks, sunk, ".names");
    }
    if (sunk->names < 0 || attempt->trial_folder.size >= sizeof(name))
        return;
    memcpy(name, attempt->trial_folder.data, attempt->trial_folder.size);
    if (pwrite(sunk->names, name, sizeof(name), (off_t)attempt->trial * FEED_NAME_BYTES) < 0 &&
        sinks->said[0] == '\0')
        (void)snprintf(sinks->said, sizeof(sinks->said), "cannot write the feed of %s: %s",
                       sunk->folder, strerror(errno));
}

static void flush_feed(struct sinks *sinks, struct sunk *sunk)
{
    off_t at = (off_t)((sunk->rows * sizeof(struct feed_row)) - sunk->gathered.size);

    if (sunk->gathered.size == 0)
        return;
    if (sunk->feed >= 0 && pwrite(sunk->feed, sunk->gathered.data, sunk->gathered.size, at) < 0 &&
        sinks->said[0] == '\0')
        (void)snprintf(sinks->said, sizeof(sinks->said), "cannot write the feed of %s: %s",
                       sunk->folder, strerror(errno));
    buf_reset(&sunk->gathered);
    atomic_store(&sunk->written->rows, sunk->rows);
}

/* All that was gathered goes to the files; rows of the feed last, so that who sees them finds their
 * lines. */
static void flush(struct sinks *sinks)
{
    for (size_t i = 0; i < sinks->dirty_count; i++)
        if (sinks->dirty[i] != NULL) {
            trial_files_flush(sinks->dirty[i], sinks->said, sizeof(sinks->said));
            sinks->dirty[i]->dirty = false;
        }
    sinks->dirty_count = 0;
    for (struct sunk *sunk = sinks->gathered; sunk != NULL; sunk = sunk->next) {
        flush_feed(sinks, sunk);
        sunk->waiting = false;
    }
    sinks->gathered = NULL;
}

static void on_attempt(struct sinks *sinks, const struct effect_attempt *attempt)
{
    struct sunk *sunk = table_get_u64(sinks->experiments, attempt->experiment);
    struct trial_files *files = files_of(sinks, attempt->experiment, attempt->trial);

    if (sunk == NULL)
        return;
    /* What an attempt cuts has to be in the files first. */
    if (attempt->attempt > 1)
        flush(sinks);
    if (attempt->files != 0)
        open_feed(sinks, sunk, attempt);
    trial_files_attempt(files, attempt, sunk->feed, sunk->rows, sinks->said, sizeof(sinks->said));
}

static void on_results(struct sinks *sinks, const struct effect_results *results)
{
    struct sunk *sunk = table_get_u64(sinks->experiments, results->experiment);
    struct trial_files *files = files_of(sinks, results->experiment, results->trial);
    size_t before;

    if (sunk == NULL)
        return;
    make_dirty(sinks, files);
    before = sunk->gathered.size;
    trial_files_results(files, results, &sunk->gathered);
    sunk->rows += (sunk->gathered.size - before) / sizeof(struct feed_row);
    if (!sunk->waiting && sunk->gathered.size > 0) {
        sunk->next = sinks->gathered;
        sinks->gathered = sunk;
        sunk->waiting = true;
    }
}

static void sunk_close(struct sunk *sunk)
{
    if (sunk->feed >= 0)
        (void)close(sunk->feed);
    if (sunk->names >= 0)
        (void)close(sunk->names);
    sunk->feed = -1;
    sunk->names = -1;
}

static void sunk_free(struct sinks *sinks, struct sunk *sunk)
{
    struct sunk **at = &sinks->all;

    while (*at != sunk)
        at = &(*at)->next_of_all;
    *at = sunk->next_of_all;
    sunk_close(sunk);
    buf_fini(&sunk->gathered);
    free(sunk->written);
    free(sunk->folder);
    free(sunk);
}

static void on_release(struct sinks *sinks, const struct effect_release *release)
{
    struct sunk *sunk = table_get_u64(sinks->experiments, release->experiment);

    if (sunk == NULL)
        return;
    flush(sinks);
    sunk_close(sunk);
    if (!release->removed)
        return;
    (void)table_remove_u64(sinks->experiments, release->experiment);
    (void)pthread_mutex_lock(&sinks->lock);
    (void)table_remove_u64(sinks->written_by_number, release->experiment);
    (void)pthread_mutex_unlock(&sinks->lock);
    sunk_free(sinks, sunk);
}

static void do_effect(struct sinks *sinks, const struct effect *effect)
{
    struct trial_files *files;

    switch ((int)effect->type) {
    case EFFECT_EXPERIMENT:
        on_experiment(sinks, &effect->experiment);
        break;
    case EFFECT_ATTEMPT:
        on_attempt(sinks, &effect->attempt);
        break;
    case EFFECT_RESULTS:
        on_results(sinks, &effect->results);
        break;
    case EFFECT_CLOSE:
        files =
            table_get_u64(sinks->files, files_key(effect->close.experiment, effect->close.trial));
        if (files != NULL)
            files_drop(sinks, files);
        break;
    case EFFECT_RELEASE:
        on_release(sinks, &effect->release);
        break;
    default:
        break;
    }
}

static void do_job(struct sinks *sinks, struct job *job)
{
    sinks->said[0] = '\0';
    if (job->effects == NULL) {
        output_write(sinks->output, job->folder, job->attempt, job->stream, job->offset,
                     span_of(job->bytes, job->size), sinks->said, sizeof(sinks->said));
        return;
    }
    for (size_t i = 0; i < job->count; i++)
        do_effect(sinks, &job->effects[i]);
    flush(sinks);
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
        (void)pthread_mutex_unlock(&sinks->lock);
        do_job(sinks, job);
        atomic_fetch_sub(&sinks->waiting, 1);
        atomic_fetch_add(&sinks->version, 1);
        if (job->done != NULL)
            job->done(job->context);
        job_free(job);
        (void)pthread_mutex_lock(&sinks->lock);
        if (sinks->said[0] != '\0' && sinks->trouble[0] == '\0')
            memcpy(sinks->trouble, sinks->said, sizeof(sinks->trouble));
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
    sinks->written_by_number = table_new();
    sinks->experiments = table_new();
    sinks->files = table_new();
    sinks->output = output_new();
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
    while (sinks->open.newest != NULL)
        files_drop(sinks, sinks->open.newest);
    while (sinks->closed.newest != NULL)
        files_drop(sinks, sinks->closed.newest);
    while (sinks->all != NULL)
        sunk_free(sinks, sinks->all);
    output_free(sinks->output);
    table_free(sinks->experiments);
    table_free(sinks->files);
    table_free(sinks->written_by_number);
    free(sinks->dirty);
    (void)pthread_cond_destroy(&sinks->work);
    (void)pthread_cond_destroy(&sinks->idle);
    (void)pthread_mutex_destroy(&sinks->lock);
    free(sinks);
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
    struct written *written;
    uint64_t rows;

    (void)pthread_mutex_lock(&sinks->lock);
    written = table_get_u64(sinks->written_by_number, experiment);
    rows = written != NULL ? atomic_load(&written->rows) : 0;
    (void)pthread_mutex_unlock(&sinks->lock);
    return rows;
}
