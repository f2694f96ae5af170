#include "head/checkup.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/limits.h"

#define ROWS        16u
#define FILES_LEAST 4096u
#define DISK_LEAST                                                                                 \
    (1ull << 30) /* bytes free; below a sixteenth of it nothing may be written soon */

struct list {
    struct arena *arena;
    struct msg_finding *rows;
    uint32_t count;
};

static void add(struct list *list, const char *subject, enum finding_grade grade, const char *text,
                const char *mend)
{
    list->rows[list->count++] =
        (struct msg_finding){.subject = span_text(subject),
                             .grade = grade,
                             .text = span_text(text),
                             .mend = span_text(grade == FINDING_OK ? "" : mend)};
}

/* Full at LIMIT_FULL_PERCENT, and filling from LIMIT_WARN_PERCENT on. */
static enum finding_grade fill(struct checkup_count count)
{
    if (count.most == 0)
        return FINDING_OK;
    if (count.used >= count.most - count.most / 100 * (100 - LIMIT_FULL_PERCENT))
        return FINDING_ERROR;
    if (count.used >= count.most - count.most / 100 * (100 - LIMIT_WARN_PERCENT))
        return FINDING_WARNING;
    return FINDING_OK;
}

static void add_count(struct list *list, const char *subject, struct checkup_count count,
                      const char *mend)
{
    add(list, subject, fill(count),
        arena_printf(list->arena, "%" PRIu64 " of at most %" PRIu64, count.used, count.most), mend);
}

static const char *megabytes(struct list *list, struct checkup_count count)
{
    return arena_printf(list->arena, "%" PRIu64 " MiB of at most %" PRIu64 " MiB", count.used >> 20,
                        count.most >> 20);
}

static void check_redis(struct list *list, const struct checkup_facts *facts)
{
    add(list, "acknowledgements", facts->on_disk ? FINDING_OK : FINDING_WARNING, facts->worth,
        facts->advice);
    if (facts->stalled)
        add(list, "log", FINDING_ERROR,
            arena_printf(list->arena, "it takes no entries, nothing is decided: %s", facts->why),
            "look after its Redis; the head goes on by itself then");
    else
        add(list, "log", FINDING_OK, "it takes entries", "");
    if (!facts->redis_known)
        add(list, "Redis", FINDING_WARNING, "it has not said how full it is for a minute",
            "see whether it runs, and whether the head's user may do INFO");
    else if (facts->redis_file_fails)
        add(list, "Redis", FINDING_ERROR, "it cannot write its append-only file",
            "make room on its disk, and look at its log");
    else if (facts->redis_memory.most == 0)
        add(list, "Redis", FINDING_OK,
            arena_printf(list->arena, "%" PRIu64 " MiB of memory, without a limit",
                         facts->redis_memory.used >> 20),
            "");
    else
        add(list, "Redis", fill(facts->redis_memory), megabytes(list, facts->redis_memory),
            "assay rm experiments that nobody needs, or give it more: maxmemory");
}

static void check_disk(struct list *list, const char *subject, const char *folder,
                       struct checkup_count disk)
{
    uint64_t free_bytes = disk.most - disk.used;
    enum finding_grade grade = FINDING_OK;

    if (free_bytes < DISK_LEAST / 16)
        grade = FINDING_ERROR;
    else if (free_bytes < DISK_LEAST)
        grade = FINDING_WARNING;
    if (disk.most == 0)
        add(list, subject, FINDING_WARNING,
            arena_printf(list->arena, "%s: its disk cannot be looked at", folder),
            "see whether it is still there");
    else
        add(list, subject, grade,
            arena_printf(list->arena, "%s: %" PRIu64 " MiB free", folder, free_bytes >> 20),
            "make room on its disk");
}

static void check_machine(struct list *list, const struct checkup_facts *facts)
{
    check_disk(list, "data directory", facts->data_dir, facts->disk);
    if (facts->checkpoint_dir != NULL)
        check_disk(list, "checkpoints", facts->checkpoint_dir, facts->checkpoint_disk);
    if (facts->keys_why != NULL)
        add(list, "keys", FINDING_ERROR,
            arena_printf(list->arena, "%s/keys: %s", facts->data_dir, facts->keys_why),
            "chmod 700 the folder, and own it");
    else
        add(list, "keys", FINDING_OK, "closed to others", "");
    add(list, "open files", facts->files.most >= FILES_LEAST ? FINDING_OK : FINDING_WARNING,
        arena_printf(list->arena, "at most %" PRIu64, facts->files.most),
        "ulimit -n 65536 before the head (LimitNOFILE= in its unit): each peer takes one");
    if (facts->results_missing)
        add(list, "results", FINDING_ERROR, "not all files could be written",
            "look at the head's log, make room, then start the head again: it writes them");
    else
        add(list, "results", FINDING_OK, "all files are written", "");
}

static void check_limits(struct list *list, const struct checkup_facts *facts)
{
    static const char code[] = "assay rm experiments that nobody needs";

    if (facts->code_missing > 0)
        add(list, "code trees", FINDING_ERROR,
            arena_printf(list->arena, "%" PRIu64 " of experiments that run are not here",
                         facts->code_missing),
            "copy blobs/ of the head that led before to this --data-dir, then start this one "
            "again");
    else
        add(list, "code trees", fill(facts->blobs), megabytes(list, facts->blobs), code);
    add_count(list, "code trees' number", facts->blob_count, code);
    add_count(list, "keys that were let in", facts->principals,
              "a new cluster (assay head --name): keys are never forgotten");
    add_count(list, "tokens", facts->tokens, "assay token revoke those that nobody needs");
    add_count(list, "experiments that run", facts->experiments,
              "wait for some to end, or assay stop");
    add_count(list, "workers", facts->workers, "fewer and larger nodes, or a second cluster");
}

void checkup_make(const struct checkup_facts *facts, struct arena *arena, struct record_list *out)
{
    struct list list = {.arena = arena,
                        .rows = arena_alloc(arena, ROWS * sizeof(struct msg_finding))};

    check_redis(&list, facts);
    check_machine(&list, facts);
    check_limits(&list, facts);
    *out = (struct record_list){list.rows, list.count};
}
