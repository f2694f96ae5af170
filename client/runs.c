#include "client/runs.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/sys/fs.h"
#include "common/sys/home.h"

static int is_run(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void prune(const char *runs, const char *name)
{
    char run[LIMIT_PATH_BYTES];
    char lock[LIMIT_PATH_BYTES];
    int fd;

    if (fs_join(run, runs, name) != 0 || fs_join(lock, run, "lock") != 0)
        return;
    fd = fs_lock(lock);
    if (fd < 0)
        return; /* its head still runs */
    (void)fs_remove_tree(run);
    (void)close(fd);
}

void runs_prune(void)
{
    const char *home = home_dir();
    char runs[LIMIT_PATH_BYTES];
    struct dirent **entries;
    int count;

    if (home == NULL || fs_join(runs, home, "runs") != 0)
        return;
    /* Their names begin with the time, so the order of names is that of age. */
    count = scandir(runs, &entries, is_run, alphasort);
    if (count < 0)
        return;
    for (int i = 0; i < count; i++) {
        if (i < count - RUNS_KEPT)
            prune(runs, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}
