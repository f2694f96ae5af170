/* What there is to look at, gathered from all parts of the head. */
#include <sys/resource.h>
#include <sys/statvfs.h>

#include "common/limits.h"
#include "common/sys/clock.h"
#include "common/sys/fs.h"
#include "head/shell.h"

static struct checkup_count disk_of(const char *path)
{
    struct statvfs disk;

    if (statvfs(path, &disk) != 0)
        return (struct checkup_count){0, 0};
    return (struct checkup_count){(uint64_t)(disk.f_blocks - disk.f_bavail) * disk.f_frsize,
                                  (uint64_t)disk.f_blocks * disk.f_frsize};
}

uint64_t shell_missing_code(const struct head *head)
{
    size_t count;
    struct view_experiment *const *all = view_experiments(head->view, &count);
    uint64_t missing = 0;

    for (size_t i = 0; i < count; i++) {
        bool complete = true;

        if (all[i]->row.state != EXPERIMENT_DONE && all[i]->row.code.size == BLOB_HASH_BYTES)
            (void)blobs_have(head->blobs, all[i]->row.code, &complete);
        missing += !complete;
    }
    return missing;
}

static void count_all(const struct head *head, struct checkup_facts *out)
{
    size_t count;
    struct view_experiment *const *experiments = view_experiments(head->view, &count);

    out->experiments.most = LIMIT_EXPERIMENTS;
    for (size_t i = 0; i < count; i++)
        out->experiments.used += experiments[i]->row.state != EXPERIMENT_DONE;
    out->code_missing = shell_missing_code(head);
    (void)view_principals(head->view, &count);
    out->principals = (struct checkup_count){count, LIMIT_PRINCIPALS};
    (void)view_tokens(head->view, &count);
    out->tokens = (struct checkup_count){count, LIMIT_TOKENS};
    out->workers = (struct checkup_count){fleet_sessions(head->fleet), LIMIT_SESSIONS};
    out->blobs = (struct checkup_count){blobs_bytes(head->blobs), LIMIT_BLOBS_BYTES};
    out->blob_count = (struct checkup_count){blobs_count(head->blobs), LIMIT_BLOBS};
}

void shell_facts(void *context, struct checkup_facts *out)
{
    struct head *head = context;
    struct gauge_reading reading = {0};
    char keys[LIMIT_PATH_BYTES];
    struct rlimit files;

    *out = (struct checkup_facts){.worth = head->report.worth,
                                  .advice = head->report.advice,
                                  .on_disk = head->report.on_disk,
                                  .stalled = head->stalled,
                                  .why = journal_why(head->journal),
                                  .data_dir = head->settings.data_dir,
                                  .disk = disk_of(head->settings.data_dir),
                                  .results_missing = head->files_missing};
    if (head->settings.checkpoints != NULL) {
        out->checkpoint_dir = head->settings.checkpoints;
        out->checkpoint_disk = disk_of(head->settings.checkpoints);
    }
    out->redis_known = gauge_read(head->gauge, clock_ms(), &reading);
    out->redis_file_fails = reading.file_fails;
    out->redis_memory = (struct checkup_count){reading.used_bytes, reading.limit_bytes};
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        out->files.most = files.rlim_cur;
    if (fs_join(keys, head->settings.data_dir, "keys") == 0)
        (void)fs_is_private(keys, &out->keys_why);
    count_all(head, out);
}
