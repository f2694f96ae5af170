#include "head/imager.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/pack.h"
#include "common/sys/clock.h"
#include "common/sys/failpoint.h"
#include "common/sys/log.h"
#include "common/xalloc.h"
#include "head/imager_inside.h"
#include "head/redisd.h"
#include "head/store/images.h"
#include "head/store/rows.h"

#define EPOCH_SHIFT 32    /* numbers of images begin anew with each epoch, above all before */
#define APART_MS    5000u /* between two, ... */
#define APART_TAILS 8u    /* ... but when so much of the log has come meanwhile */

/* Who has the word. */
enum imager_state {
    IMAGER_IDLE,
    IMAGER_TAKEN,  /* the loop: its entry is on the way */
    IMAGER_SINKS,  /* the sinks' thread */
    IMAGER_THREAD, /* its own thread */
    IMAGER_DONE    /* the loop: has not looked yet */
};

/* A file of ended rows as the view had it. */
struct row_file {
    uint32_t experiment;
    int fd;
    uint64_t size;
};

struct imager {
    struct store *store; /* owned; the thread's */
    char name[STORE_NAME_BYTES + 1];
    uint64_t epoch;
    uint64_t tail_most;
    const struct store_address *supervisor; /* borrowed; NULL: the Redis is not ours */
    struct sinks *sinks;
    struct archive *archive; /* borrowed; the thread's; NULL: none */
    uint64_t number;         /* of the newest that was begun */
    uint64_t tail;           /* bytes of log behind the image that is complete, or under way */
    uint64_t before;         /* bytes behind the complete one when the next was begun */
    uint64_t begun_ms;
    double pause_ms;

    struct log_id id;
    uint64_t turn_ms;
    struct buf core; /* owned, with those below: parts of the one under way. Its memory is kept:
                      * the loop does not wait for megabytes of fresh pages each time */
    struct buf view;
    struct buf files;
    struct buf folders;             /* texts to be synced, a zero behind each */
    struct row_file *files_of_rows; /* of ended rows; owned, with their descriptors */
    struct rows_part *parts;        /* what Redis has of them; owned; NULL: nothing */
    size_t row_count;
    struct rows *rows; /* owned; the thread's. NULL: nobody else needs them */

    int wake; /* eventfd */
    pthread_t thread;
    pthread_mutex_t lock; /* of state, ending and what they hand over */
    pthread_cond_t work;
    enum imager_state state;
    bool ending;
    int err;
    struct trouble trouble;
};

static void set_state(struct imager *imager, enum imager_state state)
{
    (void)pthread_mutex_lock(&imager->lock);
    imager->state = state;
    (void)pthread_cond_broadcast(&imager->work);
    (void)pthread_mutex_unlock(&imager->lock);
}

static enum imager_state get_state(const struct imager *imager)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&imager->lock;
    enum imager_state state;

    (void)pthread_mutex_lock(lock);
    state = imager->state;
    (void)pthread_mutex_unlock(lock);
    return state;
}

static void finish(struct imager *imager)
{
    static const uint64_t one = 1;

    set_state(imager, IMAGER_DONE);
    if (write(imager->wake, &one, sizeof(one)) < 0)
        return; /* the counter is full: it is readable already */
}

/* ---- the thread ---- */

/* Each file system once. A folder that is gone was somebody's to remove. */
static int sync_folders(const struct buf *folders)
{
    const char *at = (const char *)folders->data;
    const char *end = at + folders->size;
    dev_t synced = 0;
    bool any = false;

    for (; at < end; at += strlen(at) + 1) {
        struct stat st;
        int fd = open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int rc = 0;

        if (fd < 0)
            continue;
        if (fstat(fd, &st) == 0 && (!any || st.st_dev != synced)) {
            rc = syncfs(fd);
            synced = st.st_dev;
            any = true;
        }
        (void)close(fd);
        if (rc != 0)
            return ERR_IO;
    }
    return 0;
}

static int sync_files(struct imager *imager, struct trouble *trouble)
{
    int err = sync_folders(&imager->folders);

    for (size_t i = 0; i < imager->row_count && err == 0; i++)
        if (fdatasync(imager->files_of_rows[i].fd) != 0)
            err = ERR_IO;
    if (err < 0)
        return trouble_set(trouble, err, "results", NULL, "a disk failed to sync: %s",
                           strerror(errno));
    return 0;
}

/* Another head has no such files: they go to Redis. */
static int write_rows(struct imager *imager, struct trouble *trouble)
{
    int err = 0;

    if (imager->rows == NULL || imager->row_count == 0)
        return 0;
    imager->parts = xmalloc(imager->row_count * sizeof(*imager->parts));
    for (size_t i = 0; err == 0 && i < imager->row_count; i++) {
        const struct row_file *file = &imager->files_of_rows[i];

        err = rows_write(imager->rows, imager->store, file->experiment, file->fd, file->size,
                         &imager->parts[i], trouble);
    }
    return err;
}

static void pack_rows(const struct imager *imager, struct buf *out)
{
    size_t count = imager->parts != NULL ? imager->row_count : 0;

    pack_list(out, (uint32_t)count * 3);
    for (size_t i = 0; i < count; i++) {
        pack_uint(out, imager->parts[i].experiment);
        pack_uint(out, imager->parts[i].size);
        pack_uint(out, imager->parts[i].crc);
    }
}

static int write_parts(struct imager *imager, struct trouble *trouble)
{
    struct buf front[4] = {{0}}; /* what stands before each of the large parts, and behind them */
    int err;

    pack_list(&front[0], IMAGER_PARTS);
    pack_uint(&front[0], imager->number);
    pack_uint(&front[0], imager->turn_ms);
    pack_bytes_head(&front[0], imager->core.size);
    pack_bytes_head(&front[1], imager->view.size);
    pack_bytes_head(&front[2], imager->files.size);
    pack_rows(imager, &front[3]);
    err =
        images_write(imager->store, imager->name, imager->id,
                     STORE_WORDS(buf_span(&front[0]), buf_span(&imager->core), buf_span(&front[1]),
                                 buf_span(&imager->view), buf_span(&front[2]),
                                 buf_span(&imager->files), buf_span(&front[3])),
                     trouble);
    for (size_t i = 0; i < 4; i++)
        buf_fini(&front[i]);
    return err;
}

/* What is left of them is no harm: the next image tries again. */
static void forget_rows(struct imager *imager)
{
    struct trouble trouble;

    if (imager->rows == NULL ||
        rows_forget(imager->rows, imager->store, imager->parts,
                    imager->parts != NULL ? imager->row_count : 0, &trouble) == 0)
        return;
    log_line(LOG_WARNING, "image", "old rows of ended trials stay in Redis: %s: %s", trouble.what,
             trouble.why);
    store_close(imager->store);
}

/* What is to be cut, first into the archive. Where that fails the log stays; the image is whole all
 * the same, and no older one is needed. */
static int archive_log(struct imager *imager, struct trouble *trouble)
{
    struct trouble other;
    int err;

    if (imager->archive == NULL)
        return 0;
    err = archive_take_log(imager->archive, imager->store, imager->name, imager->id, trouble);
    if (err < 0)
        (void)images_forget_before(imager->store, imager->name, imager->id,
                                   &other); /* or the next does */
    return err;
}

static int write_image(struct imager *imager, struct trouble *trouble)
{
    int err = sync_files(imager, trouble);

    FAILPOINT("image-synced");
    if (err == 0)
        err = write_rows(imager, trouble);
    FAILPOINT("image-rows");
    if (err == 0)
        err = write_parts(imager, trouble);
    FAILPOINT("image-written");
    if (err == 0)
        err = archive_log(imager, trouble);
    if (err == 0)
        err = images_trim(imager->store, imager->name, imager->id, imager->epoch, trouble);
    FAILPOINT("image-trimmed");
    if (err < 0)
        store_close(imager->store);
    else
        forget_rows(imager);
    return err;
}

/* What was cut off the log still stands in Redis's own file. */
static void shorten_file(struct imager *imager)
{
    struct trouble trouble;
    bool done;

    if (imager->supervisor == NULL)
        return;
    if (redisd_rewrite(imager->supervisor, &done, &trouble) < 0)
        log_line(LOG_WARNING, "redis-file", "%s: %s", trouble.what, trouble.why);
    else if (done)
        log_line(LOG_INFO, "redis-file", "it was written anew");
}

static void *imager_main(void *context)
{
    struct imager *imager = context;

    (void)pthread_mutex_lock(&imager->lock);
    for (;;) {
        while (imager->state != IMAGER_THREAD && !imager->ending)
            (void)pthread_cond_wait(&imager->work, &imager->lock);
        if (imager->ending)
            break;
        (void)pthread_mutex_unlock(&imager->lock);
        imager->err = write_image(imager, &imager->trouble);
        if (imager->err == 0)
            shorten_file(imager);
        finish(imager);
        (void)pthread_mutex_lock(&imager->lock);
    }
    (void)pthread_mutex_unlock(&imager->lock);
    return NULL;
}

/* ---- the loop ---- */

struct imager *imager_new(const struct imager_config *config, uint64_t number, uint64_t tail_bytes)
{
    struct imager *imager = xcalloc(1, sizeof(*imager));
    int err;

    assert(store_name_is_good(config->name));
    imager->store = store_new(config->address);
    memcpy(imager->name, config->name, strlen(config->name) + 1);
    imager->epoch = config->epoch;
    imager->tail_most = config->tail_bytes;
    imager->supervisor = config->supervisor;
    if (config->shared)
        imager->rows = rows_new(config->name, config->epoch);
    imager->sinks = config->sinks;
    imager->archive = config->archive;
    /* Never one that a head before this one has begun: files that are kept for it may still be
     * there. */
    imager->number = number > config->epoch << EPOCH_SHIFT ? number : config->epoch << EPOCH_SHIFT;
    imager->tail = tail_bytes;
    imager->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    (void)pthread_mutex_init(&imager->lock, NULL);
    (void)pthread_cond_init(&imager->work, NULL);
    err = pthread_create(&imager->thread, NULL, imager_main, imager);
    assert(err == 0); /* at start, before any peer can use up anything */
    (void)err;
    return imager;
}

static void parts_drop(struct imager *imager)
{
    buf_reset(&imager->core);
    buf_reset(&imager->view);
    buf_fini(&imager->files);
    buf_fini(&imager->folders);
    for (size_t i = 0; i < imager->row_count; i++)
        (void)close(imager->files_of_rows[i].fd);
    free(imager->files_of_rows);
    imager->files_of_rows = NULL;
    free(imager->parts);
    imager->parts = NULL;
    imager->row_count = 0;
}

void imager_free(struct imager *imager)
{
    if (imager == NULL)
        return;
    (void)pthread_mutex_lock(&imager->lock);
    imager->ending = true;
    (void)pthread_cond_broadcast(&imager->work);
    (void)pthread_mutex_unlock(&imager->lock);
    (void)pthread_join(imager->thread, NULL);
    (void)pthread_cond_destroy(&imager->work);
    (void)pthread_mutex_destroy(&imager->lock);
    (void)close(imager->wake);
    parts_drop(imager);
    buf_fini(&imager->core);
    buf_fini(&imager->view);
    rows_free(imager->rows);
    store_free(imager->store);
    free(imager);
}

void imager_appended(struct imager *imager, size_t bytes)
{
    imager->tail += bytes;
}

uint64_t imager_tail(const struct imager *imager)
{
    return imager->tail;
}

bool imager_is_busy(const struct imager *imager)
{
    return get_state(imager) != IMAGER_IDLE;
}

bool imager_is_due(const struct imager *imager, uint64_t now_ms)
{
    return imager->tail >= imager->tail_most &&
           (now_ms - imager->begun_ms >= APART_MS ||
            imager->tail / APART_TAILS >= imager->tail_most) &&
           !imager_is_busy(imager);
}

void imager_take(struct imager *imager, const struct core *core, struct log_id id, uint64_t now_ms,
                 uint64_t turn_ms)
{
    uint64_t from_ns = clock_ns();

    assert(!imager_is_busy(imager));
    core_save(core, &imager->core);
    imager->id = id;
    imager->turn_ms = turn_ms;
    imager->number++;
    imager->begun_ms = now_ms;
    imager->before = imager->tail;
    imager->tail = 0;
    imager->pause_ms = (double)(clock_ns() - from_ns) * 1e-6;
    set_state(imager, IMAGER_TAKEN);
}

static void keep_row_file(void *context, uint32_t experiment, int fd, uint64_t size)
{
    struct imager *imager = context;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    if (copy < 0)
        return; /* no descriptor left: the file is not synced, and imager_committed sees it */
    imager->files_of_rows =
        xrealloc(imager->files_of_rows, imager->row_count + 1, sizeof(*imager->files_of_rows));
    imager->files_of_rows[imager->row_count++] =
        (struct row_file){.experiment = experiment, .fd = copy, .size = size};
}

static void count_file(void *context, uint32_t experiment, int fd, uint64_t size)
{
    (void)experiment;
    (void)fd;
    (void)size;
    ++*(size_t *)context;
}

/* From the sinks' thread. */
static void files_saved(void *context, struct buf *bytes, struct buf *folders)
{
    struct imager *imager = context;

    imager->files = *bytes;
    imager->folders = *folders;
    *bytes = *folders = (struct buf){0};
    if (imager->files.size > 0) {
        set_state(imager, IMAGER_THREAD);
        return;
    }
    imager->err = trouble_set(&imager->trouble, ERR_IO, "results",
                              "start the head again when their disk has room and their folder is "
                              "there",
                              "some rows are not in their files yet");
    finish(imager);
}

void imager_committed(struct imager *imager, const struct view *view, struct log_id id)
{
    uint64_t from_ns = clock_ns();
    size_t files = 0;

    if (get_state(imager) != IMAGER_TAKEN || log_id_compare(id, imager->id) != 0)
        return;
    view_save(view, &imager->view);
    view_each_file(view, count_file, &files);
    view_each_file(view, keep_row_file, imager);
    imager->pause_ms += (double)(clock_ns() - from_ns) * 1e-6;
    if (!view_is_written(view)) {
        imager->err =
            trouble_set(&imager->trouble, ERR_IO, "rows of ended trials",
                        "make room on the disk of the head's data", "some are not on disk yet");
        finish(imager);
        return;
    }
    if (imager->row_count < files) {
        imager->err = trouble_set(&imager->trouble, ERR_FULL, "descriptors",
                                  "raise the limit of open files", "none is left for an image");
        finish(imager);
        return;
    }
    set_state(imager, IMAGER_SINKS);
    sinks_save(imager->sinks, imager->number, files_saved, imager);
}

int imager_fd(const struct imager *imager)
{
    return imager->wake;
}

void imager_poll(struct imager *imager)
{
    char id[LOG_ID_BYTES];
    uint64_t count;

    if (read(imager->wake, &count, sizeof(count)) < 0 || get_state(imager) != IMAGER_DONE)
        return;
    (void)log_id_print(imager->id, id);
    if (imager->err == 0) {
        log_line(LOG_INFO, "image", "of %s: core=%zu view=%zu files=%zu bytes, pause=%.1f ms", id,
                 imager->core.size, imager->view.size, imager->files.size, imager->pause_ms);
        sinks_forget(imager->sinks, imager->number);
    } else {
        log_line(LOG_WARNING, "image", "of %s did not come about, the log stays: %s: %s", id,
                 imager->trouble.what, imager->trouble.why);
        imager->tail += imager->before;
    }
    parts_drop(imager);
    set_state(imager, IMAGER_IDLE);
}
