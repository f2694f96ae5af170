/* sink_image_rig.h - sinks that die and begin again with an image, for unit tests. */
#ifndef UNIT_SINK_IMAGE_RIG_H
#define UNIT_SINK_IMAGE_RIG_H

#include "common/sys/fs.h"
#include "head/sink/feed.h"
#include "tests/unit/sink_rig.h"

static struct buf saved;
static struct buf folders;

static inline void keep_saved(void *context, struct buf *bytes, struct buf *named)
{
    (void)context;
    buf_fini(&saved);
    buf_fini(&folders);
    saved = *bytes;
    folders = *named;
    *bytes = *named = (struct buf){0};
}

static inline void save(uint64_t image)
{
    sinks_save(sinks, image, keep_saved, NULL);
    sinks_drain(sinks);
}

/* The head dies, and another one begins with the image. */
static inline void restart(void)
{
    sinks_free(sinks);
    sinks = sinks_new();
    ck_assert_int_eq(sinks_load(sinks, buf_span(&saved), NULL), 0);
}

static inline void teardown_all(void)
{
    teardown();
    buf_fini(&saved);
    buf_fini(&folders);
}

/* What is in a file of a trial, or "" where there is none. */
static inline void file_text(uint32_t trial, const char *name, struct buf *out)
{
    char path[256];

    buf_reset(out);
    (void)snprintf(path, sizeof(path), "%s/exp/trial_%u/%s", folder, trial, name);
    (void)fs_read(path, 1u << 24, out);
}

/* All that a trial's files and the feed say, one behind the other. */
static inline void everything(struct buf *out)
{
    static const char *const names[] = {"result.json", "progress.csv", "superseded.json"};
    char path[256];
    struct buf text = {0};
    uint64_t cursor = 0;

    buf_reset(out);
    for (uint32_t trial = 0; trial < 4; trial++)
        for (size_t i = 0; i < 3; i++) {
            file_text(trial, names[i], &text);
            buf_printf(out, "== %u %s\n", trial, names[i]);
            buf_append_span(out, buf_span(&text));
        }
    (void)snprintf(path, sizeof(path), "%s/exp", folder);
    buf_append_text(out, "== feed\n");
    (void)feed_experiment(path, &cursor, sinks_feed_rows(sinks, 1), 1u << 24, out);
    buf_fini(&text);
}

static inline void count_rows(uint32_t trial, const char *name, int expected)
{
    struct buf text = {0};
    int rows = 0;

    file_text(trial, name, &text);
    for (size_t i = 0; i < text.size; i++)
        rows += text.data[i] == '\n';
    ck_assert_msg(rows == expected, "%s of trial %u: %d rows", name, trial, rows);
    buf_fini(&text);
}

static uint64_t images; /* so far, by save_is */

static inline void make_folder(const char *name)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/exp/%s", folder, name);
    ck_assert_int_eq(fs_make_dirs(path, 0755), 0);
}

static inline void trouble_says(const char *what)
{
    char trouble[512] = "";

    ck_assert(sinks_trouble(sinks, trouble, sizeof(trouble)));
    ck_assert_msg(strstr(trouble, what) != NULL, "%s", trouble);
}

static inline void save_is(bool expected)
{
    save(++images);
    ck_assert_int_eq(saved.size > 0, expected);
}

#endif
