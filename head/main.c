/* main.c - the program assay-head. */
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "common/result.h"
#include "common/sys/clock.h"
#include "common/sys/log.h"
#include "head/head.h"
#include "head/replay.h"
#include "proto/key.h"

/* A descriptor a peer, and two a trial whose files are open. */
static void raise_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* then it stays as it was */
    }
}

/* Large buffers go back to the system when they are free: the C library would learn from images and
 * replies of megabytes to keep as much. */
static void give_memory_back(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 20);
    (void)mallopt(M_TRIM_THRESHOLD, 4 << 20);
}

int main(int argc, char **argv)
{
    struct settings settings;
    struct head *head;
    int rc;

    if (argc > 1 && strcmp(argv[1], "replay") == 0)
        return replay_command(argc - 1, argv + 1);
    rc = settings_read(argc, argv, &settings);
    if (rc != 0) {
        settings_fini(&settings);
        return rc == 1 ? 0 : rc;
    }
    if (!settings.verbose)
        log_set_level(LOG_WARNING);
    if (key_harden_process() != 0)
        log_line(LOG_WARNING, "harden", "core files cannot be turned off");
    raise_files();
    give_memory_back();
    key_library_init();
    result_set_utc_offset(clock_utc_offset_s());
    rc = head_open(&settings, &head);
    if (rc == 0) {
        rc = head_run(head);
        head_close(head);
    }
    settings_fini(&settings);
    return rc;
}
