/* Where all files stand, for an image; and back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/pack.h"
#include "head/sink/writer_inside.h"

#define SAVED_PARTS   6u
#define SAVED_PARTS_1 4u  /* in images of format 1: no origins, nobody who took over */
#define TRIALS_A_LOOK 64u /* whose files are cut between two questions whether this head leads */

static void save_trials(const struct lru *lru, struct buf *out)
{
    for (const struct trial_files *files = lru->oldest; files != NULL; files = files->newer)
        trial_files_save(files, out);
}

/* Experiment and bytes, one behind the other. */
static void save_exploits(const struct writer *writer, struct buf *out)
{
    uint32_t count = 0;

    for (const struct sunk *sunk = writer->all; sunk != NULL; sunk = sunk->next_of_all)
        count += sunk->exploits.bytes > 0;
    pack_list(out, count * 2);
    for (const struct sunk *sunk = writer->all; sunk != NULL; sunk = sunk->next_of_all) {
        if (sunk->exploits.bytes == 0)
            continue;
        pack_uint(out, sunk->experiment);
        pack_uint(out, sunk->exploits.bytes);
    }
}

static bool lacks_rows(const struct writer *writer)
{
    for (const struct sunk *sunk = writer->all; sunk != NULL; sunk = sunk->next_of_all)
        if (sunk->lacks)
            return true;
    return writer->missing;
}

static void save_origins(const struct writer *writer, struct buf *out)
{
    pack_list(out, (uint32_t)table_count(writer->experiments) * 2);
    for (const struct sunk *sunk = writer->all; sunk != NULL; sunk = sunk->next_of_all) {
        pack_uint(out, sunk->experiment);
        pack_bytes(out, span_text(sunk->origin));
    }
}

bool writer_save(struct writer *writer, uint64_t image, struct buf *out,
                 void (*file)(void *context, const char *folder), void *context)
{
    uint32_t count = 0;

    if (lacks_rows(writer))
        return false;
    pack_list(out, SAVED_PARTS);
    pack_uint(out, image);
    for (const struct kept *kept = writer->kept; kept != NULL; kept = kept->next)
        count++;
    pack_list(out, count);
    for (const struct kept *kept = writer->kept; kept != NULL; kept = kept->next)
        pack_bytes(out, span_text(kept->path));
    pack_list(out, (uint32_t)table_count(writer->experiments) * 4);
    for (const struct sunk *sunk = writer->all; sunk != NULL; sunk = sunk->next_of_all) {
        pack_uint(out, sunk->experiment);
        pack_bytes(out, span_text(sunk->folder));
        pack_uint(out, sunk->rows);
        pack_bool(out, sunk->feed >= 0 || sunk->names >= 0);
        if (sunk->rows > 0 || sunk->feed >= 0 || sunk->names >= 0)
            file(context, sunk->folder);
    }
    save_origins(writer, out);
    save_exploits(writer, out);
    pack_list(out, (uint32_t)(writer->open.count + writer->closed.count));
    save_trials(&writer->closed, out);
    save_trials(&writer->open, out);
    writer->image = image;
    return true;
}

static bool load_kept(struct cursor *in)
{
    uint32_t count;

    if (!cursor_list(in, &count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        char path[LIMIT_PATH_BYTES];
        struct span kept;

        if (!cursor_bytes(in, &kept) || kept.size >= sizeof(path))
            return false;
        (void)snprintf(path, sizeof(path), "%.*s", SPAN(kept));
        (void)unlink(path); /* for an image before this one; it may be gone */
    }
    return true;
}

static bool load_experiments(struct writer *writer, struct cursor *in)
{
    uint32_t count;

    if (!cursor_list(in, &count) || count % 4 != 0)
        return false;
    for (; count > 0; count -= 4) {
        struct sunk *sunk;
        struct span folder;
        uint32_t experiment;
        uint64_t rows;
        bool is_open;

        if (!cursor_u32(in, &experiment) || !cursor_bytes(in, &folder) || !cursor_uint(in, &rows) ||
            !cursor_bool(in, &is_open))
            return false;
        sunk = writer_sunk_new(writer, experiment, folder);
        sunk->rows = rows;
        sunk->begun = is_open || rows > 0;
        sunk->open_then = is_open;
    }
    return true;
}

static bool load_origins(struct writer *writer, struct cursor *in, bool shared)
{
    uint32_t count;

    if (!cursor_list(in, &count) || count % 2 != 0)
        return false;
    for (; count > 0; count -= 2) {
        struct sunk *sunk;
        struct span origin;
        uint32_t experiment;

        if (!cursor_u32(in, &experiment) || !cursor_bytes(in, &origin) ||
            origin.size >= sizeof(sunk->origin))
            return false;
        sunk = table_get_u64(writer->experiments, experiment);
        if (sunk == NULL)
            return false;
        (void)snprintf(sunk->origin, sizeof(sunk->origin), "%.*s", SPAN(origin));
        sunk->away = shared && sunk->begun && !origin_is(sunk->folder, sunk->origin);
    }
    return true;
}

/* A file that is cut when another head writes it loses what that one wrote. */
static bool leads(const struct writer_lead *lead)
{
    return lead == NULL || lead->leads(lead->context);
}

static int open_feeds(struct writer *writer, const struct writer_lead *lead)
{
    for (struct sunk *sunk = writer->all; sunk != NULL; sunk = sunk->next_of_all) {
        if (sunk->away)
            continue;
        atomic_store(&sunk->written->rows, sunk->rows);
        if (!sunk->open_then)
            continue;
        if (!leads(lead))
            return ERR_FENCED;
        writer_open_feed(writer, sunk);
        if (sunk->feed >= 0 &&
            ftruncate(sunk->feed, (off_t)(sunk->rows * sizeof(struct feed_row))) != 0)
            writer_feed_failed(writer, sunk, "cut");
    }
    return 0;
}

/* A trial of one that is away will have rows to write. */
static bool is_here(void *context, uint32_t experiment)
{
    struct writer *writer = context;
    struct sunk *sunk = table_get_u64(writer->experiments, experiment);

    return sunk == NULL || writer_is_here(writer, sunk);
}

static int load_trials(struct writer *writer, struct cursor *in, const struct writer_lead *lead)
{
    uint32_t count;

    if (!cursor_list(in, &count))
        return ERR_MALFORMED;
    for (uint32_t i = 0; i < count; i++) {
        struct trial_files *files;

        if (i % TRIALS_A_LOOK == 0 && !leads(lead))
            return ERR_FENCED;
        files = trial_files_load(in, writer->image, is_here, writer, &writer->missing, writer->said,
                                 sizeof(writer->said));
        if (files == NULL)
            return ERR_MALFORMED;
        (void)table_put_u64(writer->files, files_key(files->experiment, files->trial), files);
        writer_lru_front(writer, files, true);
    }
    return in->at == in->end ? 0 : ERR_MALFORMED;
}

static bool load_exploits(const struct writer *writer, struct cursor *in)
{
    uint32_t count;

    if (!cursor_list(in, &count) || count % 2 != 0)
        return false;
    for (; count > 0; count -= 2) {
        struct sunk *sunk;
        uint32_t experiment;
        uint64_t bytes;

        if (!cursor_u32(in, &experiment) || !cursor_uint(in, &bytes))
            return false;
        sunk = table_get_u64(writer->experiments, experiment);
        if (sunk == NULL || bytes > INT64_MAX)
            return false;
        sunk->exploits.bytes = bytes;
    }
    return true;
}

int writer_load(struct writer *writer, struct span saved, const struct writer_lead *lead,
                const char **said)
{
    struct cursor cursor;
    uint32_t parts;
    int err;

    writer->said[0] = '\0';
    *said = writer->said;
    if (!leads(lead))
        return ERR_FENCED;
    cursor_init(&cursor, saved);
    if (!cursor_list(&cursor, &parts) || (parts != SAVED_PARTS && parts != SAVED_PARTS_1) ||
        !cursor_uint(&cursor, &writer->image) || !load_kept(&cursor) ||
        !load_experiments(writer, &cursor) ||
        (parts == SAVED_PARTS &&
         (!load_origins(writer, &cursor, lead != NULL) || !load_exploits(writer, &cursor))))
        return ERR_MALFORMED;
    err = open_feeds(writer, lead);
    return err == 0 ? load_trials(writer, &cursor, lead) : err;
}

void writer_forget(struct writer *writer, uint64_t image)
{
    struct kept **at = &writer->kept;

    while (*at != NULL) {
        struct kept *kept = *at;

        if (kept->image >= image) {
            at = &kept->next;
            continue;
        }
        (void)unlink(kept->path); /* it may be gone with its folder */
        *at = kept->next;
        free(kept->path);
        free(kept);
    }
}
