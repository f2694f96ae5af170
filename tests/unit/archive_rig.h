/* archive_rig.h - an archive in a folder of its own, and a log of ENTRIES to put into it, for unit
 * tests. */
#ifndef TESTS_ARCHIVE_RIG_H
#define TESTS_ARCHIVE_RIG_H

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/sys/fs.h"
#include "head/store/archive.h"

#define ENTRIES 40u

static char base[] = "/tmp/assay-archive-XXXXXX";
static char folder[128];
static struct archive *archive;
static struct trouble trouble;

static inline void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(base));
    (void)snprintf(folder, sizeof(folder), "%s/kept", base);
    ck_assert_int_eq(archive_open(folder, "c.1", &archive, &trouble), 0);
}

static inline void teardown(void)
{
    archive_close(archive);
    ck_assert_int_eq(fs_remove_tree(base), 0);
}

static inline void open_again(void)
{
    archive_close(archive);
    archive = NULL;
    ck_assert_msg(archive_open(folder, "c.1", &archive, &trouble) == 0, "%s", trouble.why);
}

/* The entry of this place in a log of ENTRIES: epoch 1 with ten of them, then epoch 2. */
static inline struct stream_entry entry_at(uint32_t place)
{
    static char bytes[ENTRIES][32];
    struct stream_entry entry = {.id = place < 10 ? (struct log_id){1, place}
                                                  : (struct log_id){2, place - 10}};

    entry.takeover = entry.id.n == 0;
    (void)snprintf(bytes[place], sizeof(bytes[place]), "entry %u", place);
    entry.bytes = span_of(bytes[place], strlen(bytes[place]));
    if (entry.takeover)
        entry.boot = span_text("boot");
    return entry;
}

static inline void add(uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        const struct stream_entry entry = entry_at(i);

        ck_assert_msg(archive_add(archive, &entry, &trouble) == 0, "%s", trouble.why);
    }
}

static inline void add_sealed(uint32_t from, uint32_t to)
{
    add(from, to);
    ck_assert_msg(archive_seal(archive, &trouble) == 0, "%s", trouble.why);
}

static inline int check_entry(void *context, const struct stream_entry *entry, struct trouble *why)
{
    uint32_t *place = context;
    const struct stream_entry wanted = entry_at((*place)++);

    (void)why;
    ck_assert_int_eq(log_id_compare(entry->id, wanted.id), 0);
    ck_assert(entry->takeover == wanted.takeover);
    ck_assert(span_equal(entry->bytes, wanted.bytes));
    ck_assert(span_equal(entry->boot, wanted.boot));
    return 0;
}

static inline void check_holds(uint32_t count)
{
    char name[STORE_NAME_BYTES + 1] = "";
    struct archive_end end;
    uint32_t place = 0;

    ck_assert_msg(archive_read(folder, name, check_entry, &place, &end, &trouble) == 0, "%s",
                  trouble.why);
    ck_assert_uint_eq(place, count);
    ck_assert_str_eq(name, "c.1");
    ck_assert_int_eq(log_id_compare(end.id, entry_at(count - 1).id), 0);
}

static inline bool has_suffix(const char *name)
{
    size_t size = strlen(name);

    return size > 9 && strcmp(name + size - 9, ".assaylog") == 0;
}

/* How many files there are; out: the path of that number. */
static inline uint32_t files(unsigned number, char out[256])
{
    DIR *dir = opendir(folder);
    const struct dirent *item;
    uint32_t count = 0;

    while ((item = readdir(dir)) != NULL) {
        if (!has_suffix(item->d_name))
            continue;
        count++;
        if (strtoul(item->d_name, NULL, 10) == number)
            (void)snprintf(out, 256, "%s/%.100s", folder, item->d_name);
    }
    (void)closedir(dir);
    return count;
}

#endif
