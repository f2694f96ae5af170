#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/pack.h"
#include "common/spec.h"
#include "common/sys/failpoint.h"
#include "common/sys/fs.h"
#include "common/table.h"
#include "common/xalloc.h"
#include "head/sink/output.h"
#include "head/sink/trial_files.h"
#include "head/sink/writer_inside.h"

static void lru_unlink(struct writer *writer, struct trial_files *files)
{
    struct lru *lru = files->closed ? &writer->closed : &writer->open;

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

void writer_lru_front(struct writer *writer, struct trial_files *files, bool closed)
{
    struct lru *lru = closed ? &writer->closed : &writer->open;

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
static void close_oldest(struct writer *writer)
{
    while (writer->open.count > LIMIT_SINK_FILES) {
        struct trial_files *old = writer->open.oldest;

        writer->missing |= trial_files_flush(old, writer->said, sizeof(writer->said));
        trial_files_close(old);
        lru_unlink(writer, old);
        writer_lru_front(writer, old, true);
    }
}

/* A trial's files, made the newest. */
static struct trial_files *files_of(struct writer *writer, uint32_t experiment, uint32_t trial)
{
    struct trial_files *files = table_get_u64(writer->files, files_key(experiment, trial));

    if (files == NULL) {
        files = trial_files_new(experiment, trial);
        (void)table_put_u64(writer->files, files_key(experiment, trial), files);
    } else {
        lru_unlink(writer, files);
    }
    writer_lru_front(writer, files, false);
    close_oldest(writer);
    return files;
}

static void files_drop(struct writer *writer, struct trial_files *files)
{
    writer->missing |= trial_files_flush(files, writer->said, sizeof(writer->said));
    lru_unlink(writer, files);
    (void)table_remove_u64(writer->files, files_key(files->experiment, files->trial));
    for (size_t i = 0; i < writer->dirty_count; i++)
        if (writer->dirty[i] == files)
            writer->dirty[i] = NULL;
    trial_files_free(files);
}

static void make_dirty(struct writer *writer, struct trial_files *files)
{
    if (files->dirty)
        return; /* is in the list */
    files->dirty = true;
    if (writer->dirty_count == writer->dirty_room) {
        writer->dirty_room = writer->dirty_room > 0 ? writer->dirty_room * 2 : 64;
        writer->dirty = xrealloc(writer->dirty, writer->dirty_room, sizeof(struct trial_files *));
    }
    writer->dirty[writer->dirty_count++] = files;
}

struct sunk *writer_sunk_new(struct writer *writer, uint32_t experiment, struct span folder)
{
    struct sunk *sunk = xcalloc(1, sizeof(*sunk));

    sunk->experiment = experiment;
    sunk->folder = xstrndup(folder.data, folder.size);
    sunk->feed = -1;
    sunk->names = -1;
    (void)table_put_u64(writer->experiments, experiment, sunk);
    sunk->next_of_all = writer->all;
    writer->all = sunk;
    sunk->written = xcalloc(1, sizeof(*sunk->written));
    (void)pthread_mutex_lock(&writer->lock);
    (void)table_put_u64(writer->written_by_number, experiment, sunk->written);
    (void)pthread_mutex_unlock(&writer->lock);
    return sunk;
}

static void on_experiment(struct writer *writer, const struct effect_experiment *row)
{
    if (row->spec.size > 0 && table_get_u64(writer->experiments, row->experiment) == NULL)
        (void)writer_sunk_new(writer, row->experiment, row->folder);
}

/* errno says why. */
static void failed(struct writer *writer, const struct sunk *sunk, const char *verb,
                   const char *what)
{
    int why = errno;

    writer->missing |= trial_files_lack_passes(why);
    if (writer->said[0] == '\0')
        (void)snprintf(writer->said, sizeof(writer->said), "cannot %s the %s of %s: %s", verb, what,
                       sunk->folder, strerror(why));
}

void writer_feed_failed(struct writer *writer, const struct sunk *sunk, const char *what)
{
    failed(writer, sunk, what, "feed");
}

static int open_feed_file(struct writer *writer, const struct sunk *sunk, const char *name)
{
    char path[LIMIT_PATH_BYTES];
    int fd = -1;

    errno = ENAMETOOLONG;
    /* The feed begins anew with every replay of the whole log. */
    if (fs_join(path, sunk->folder, name) == 0)
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | (sunk->begun ? 0 : O_TRUNC), 0644);
    if (fd < 0)
        writer_feed_failed(writer, sunk, "open");
    return fd;
}

static bool write_at(int fd, const void *data, size_t size, off_t at)
{
    const char *from = data;

    while (size > 0) {
        ssize_t wrote = pwrite(fd, from, size, at);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return false;
        from += wrote;
        at += wrote;
        size -= (size_t)wrote;
    }
    return true;
}

bool writer_is_here(struct writer *writer, struct sunk *sunk)
{
    if (!sunk->away)
        return true;
    if (!sunk->lacks)
        (void)snprintf(writer->said, sizeof(writer->said),
                       "%s is not the folder in which these results stand; nothing is written "
                       "there, and the log is not cut, until the head is started with that folder "
                       "(one that all heads share)",
                       sunk->folder);
    sunk->lacks = true;
    return false;
}

void writer_open_feed(struct writer *writer, struct sunk *sunk)
{
    if (sunk->feed >= 0 && sunk->names >= 0)
        return;
    (void)fs_make_dirs(sunk->folder, 0755); /* what is wrong shows when a file is opened */
    if (!sunk->begun && origin_make(sunk->folder, sunk->origin) != 0)
        writer_feed_failed(writer, sunk, "mark");
    if (sunk->feed < 0)
        sunk->feed = open_feed_file(writer, sunk, ".feed");
    if (sunk->names < 0)
        sunk->names = open_feed_file(writer, sunk, ".names");
    sunk->begun |= sunk->feed >= 0 || sunk->names >= 0;
}

/* The first attempt of an experiment makes its folder. */
static void open_feed(struct writer *writer, struct sunk *sunk,
                      const struct effect_attempt *attempt)
{
    char name[FEED_NAME_BYTES] = {0};

    writer_open_feed(writer, sunk);
    if (sunk->names < 0 || attempt->trial_folder.size >= sizeof(name))
        return;
    memcpy(name, attempt->trial_folder.data, attempt->trial_folder.size);
    if (!write_at(sunk->names, name, sizeof(name), (off_t)attempt->trial * FEED_NAME_BYTES))
        writer_feed_failed(writer, sunk, "write");
}

static void flush_feed(struct writer *writer, struct sunk *sunk)
{
    off_t at = (off_t)((sunk->rows * sizeof(struct feed_row)) - sunk->gathered.size);

    if (sunk->gathered.size == 0)
        return;
    if (sunk->feed >= 0 && !write_at(sunk->feed, sunk->gathered.data, sunk->gathered.size, at))
        writer_feed_failed(writer, sunk, "write");
    buf_reset(&sunk->gathered);
    atomic_store(&sunk->written->rows, sunk->rows);
}

/* All that was gathered goes to the files; rows of the feed last, so that who sees them finds their
 * lines. */
static void flush(struct writer *writer)
{
    FAILPOINT("sink-gathered");
    for (size_t i = 0; i < writer->dirty_count; i++)
        if (writer->dirty[i] != NULL) {
            writer->missing |=
                trial_files_flush(writer->dirty[i], writer->said, sizeof(writer->said));
            writer->dirty[i]->dirty = false;
        }
    writer->dirty_count = 0;
    FAILPOINT("sink-lines-written");
    for (struct sunk *sunk = writer->gathered; sunk != NULL; sunk = sunk->next) {
        flush_feed(writer, sunk);
        sunk->waiting = false;
    }
    writer->gathered = NULL;
    FAILPOINT("sink-flushed");
}

static void keep(void *context, const char *path)
{
    struct writer *writer = context;
    struct kept *kept = xcalloc(1, sizeof(*kept));

    kept->next = writer->kept;
    kept->image = writer->image;
    kept->path = xstrdup(path);
    writer->kept = kept;
}

/* Whether it is the first attempt of its trial that comes again: files are what the last life left.
 */
static bool comes_again(struct writer *writer, const struct effect_attempt *attempt)
{
    uint64_t key = files_key(attempt->experiment, attempt->trial);
    bool first = writer->redone != NULL && table_get_u64(writer->redone, key) == NULL;

    if (first)
        (void)table_put_u64(writer->redone, key, writer);
    return first;
}

static void on_attempt(struct writer *writer, const struct effect_attempt *attempt)
{
    struct sunk *sunk = table_get_u64(writer->experiments, attempt->experiment);
    struct trial_files *files = files_of(writer, attempt->experiment, attempt->trial);

    if (sunk == NULL || !writer_is_here(writer, sunk))
        return;
    /* What an attempt cuts has to be in the files first. */
    if (attempt->attempt > 1)
        flush(writer);
    if (attempt->files != 0)
        open_feed(writer, sunk, attempt);
    const struct trial_cut cut = {.feed = sunk->feed,
                                  .feed_rows = sunk->rows,
                                  .image = writer->image,
                                  .redo = comes_again(writer, attempt),
                                  .kept = keep,
                                  .context = writer};

    writer->missing |=
        trial_files_attempt(files, attempt, &cut, writer->said, sizeof(writer->said));
}

static void on_results(struct writer *writer, const struct effect_results *results)
{
    struct sunk *sunk = table_get_u64(writer->experiments, results->experiment);
    struct trial_files *files = files_of(writer, results->experiment, results->trial);
    size_t before;

    if (sunk == NULL || !writer_is_here(writer, sunk))
        return;
    make_dirty(writer, files);
    before = sunk->gathered.size;
    trial_files_results(files, results, &sunk->gathered);
    sunk->rows += (sunk->gathered.size - before) / sizeof(struct feed_row);
    if (!sunk->waiting && sunk->gathered.size > 0) {
        sunk->next = writer->gathered;
        writer->gathered = sunk;
        sunk->waiting = true;
    }
}

static void on_exploit(struct writer *writer, const struct effect_exploit *exploit)
{
    struct sunk *sunk = table_get_u64(writer->experiments, exploit->experiment);

    if (sunk != NULL && exploit->files != 0 && writer_is_here(writer, sunk) &&
        exploits_add(&sunk->exploits, sunk->folder, exploit) != 0)
        failed(writer, sunk, "write", "pbt_global.txt and pbt_policy_*.txt");
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

static void sunk_free(struct writer *writer, struct sunk *sunk)
{
    struct sunk **at = &writer->all;

    while (*at != sunk)
        at = &(*at)->next_of_all;
    *at = sunk->next_of_all;
    sunk_close(sunk);
    buf_fini(&sunk->gathered);
    free(sunk->written);
    free(sunk->folder);
    free(sunk);
}

static void on_release(struct writer *writer, const struct effect_release *release)
{
    struct sunk *sunk = table_get_u64(writer->experiments, release->experiment);

    if (sunk == NULL)
        return;
    flush(writer);
    sunk_close(sunk);
    if (!release->removed)
        return;
    (void)table_remove_u64(writer->experiments, release->experiment);
    (void)pthread_mutex_lock(&writer->lock);
    (void)table_remove_u64(writer->written_by_number, release->experiment);
    (void)pthread_mutex_unlock(&writer->lock);
    sunk_free(writer, sunk);
}

static void do_effect(struct writer *writer, const struct effect *effect)
{
    struct trial_files *files;

    switch ((int)effect->type) {
    case EFFECT_EXPERIMENT:
        on_experiment(writer, &effect->experiment);
        break;
    case EFFECT_ATTEMPT:
        on_attempt(writer, &effect->attempt);
        break;
    case EFFECT_RESULTS:
        on_results(writer, &effect->results);
        break;
    case EFFECT_CLOSE:
        files =
            table_get_u64(writer->files, files_key(effect->close.experiment, effect->close.trial));
        if (files != NULL)
            files_drop(writer, files);
        break;
    case EFFECT_EXPLOIT:
        on_exploit(writer, &effect->exploit);
        break;
    case EFFECT_RELEASE:
        on_release(writer, &effect->release);
        break;
    default:
        break;
    }
}

/* Forget the first that is kept; its file stays. */
static void kept_take(struct writer *writer)
{
    struct kept *kept = writer->kept;

    writer->kept = kept->next;
    free(kept->path);
    free(kept);
}

void writer_redo(struct writer *writer, bool on)
{
    table_free(writer->redone);
    writer->redone = on ? table_new() : NULL;
}

struct writer *writer_new(void)
{
    struct writer *writer = xcalloc(1, sizeof(*writer));

    (void)pthread_mutex_init(&writer->lock, NULL);
    writer->written_by_number = table_new();
    writer->experiments = table_new();
    writer->files = table_new();
    writer->output = output_new();
    return writer;
}

void writer_free(struct writer *writer)
{
    if (writer == NULL)
        return;
    while (writer->open.newest != NULL)
        files_drop(writer, writer->open.newest);
    while (writer->closed.newest != NULL)
        files_drop(writer, writer->closed.newest);
    while (writer->all != NULL)
        sunk_free(writer, writer->all);
    while (writer->kept != NULL)
        kept_take(writer);
    output_free(writer->output);
    table_free(writer->experiments);
    table_free(writer->files);
    table_free(writer->redone);
    table_free(writer->written_by_number);
    free(writer->dirty);
    (void)pthread_mutex_destroy(&writer->lock);
    free(writer);
}

const char *writer_effects(struct writer *writer, const struct effect *effects, size_t count)
{
    writer->said[0] = '\0';
    for (size_t i = 0; i < count; i++)
        do_effect(writer, &effects[i]);
    flush(writer);
    return writer->said;
}

const char *writer_output(struct writer *writer, const char *folder, uint32_t attempt,
                          uint32_t stream, uint64_t offset, struct span bytes)
{
    writer->said[0] = '\0';
    output_write(writer->output, folder, attempt, stream, offset, bytes, writer->said,
                 sizeof(writer->said));
    return writer->said;
}

uint64_t writer_feed_rows(struct writer *writer, uint32_t experiment)
{
    const struct written *written;
    uint64_t rows;

    (void)pthread_mutex_lock(&writer->lock);
    written = table_get_u64(writer->written_by_number, experiment);
    rows = written != NULL ? atomic_load(&written->rows) : 0;
    (void)pthread_mutex_unlock(&writer->lock);
    return rows;
}
