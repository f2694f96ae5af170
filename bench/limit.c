#include "bench/limit.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/sys/fs.h"

static char folder[PATH_MAX];

static void remove_folder(void)
{
    if (folder[0] != '\0' && fs_remove_tree(folder) < 0)
        (void)fprintf(stderr, "assay-bench-limit: %s: cannot be removed\n", folder);
}

void limit_fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "assay-bench-limit: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

/* Where the benchmark's own data is, so that both meet the same disk. */
static const char *make_folder(void)
{
    const char *parent = getenv("TMPDIR");

    (void)snprintf(folder, sizeof(folder), "%s/assay-limit-XXXXXX",
                   parent != NULL ? parent : "/tmp");
    if (mkdtemp(folder) == NULL) {
        folder[0] = '\0';
        limit_fail("temporary folder", strerror(errno));
    }
    if (atexit(remove_folder) != 0)
        limit_fail("temporary folder", "cannot be removed at the end");
    return folder;
}

int main(int argc, char **argv)
{
    char *end = NULL;
    uint64_t count = argc >= 3 ? strtoull(argv[2], &end, 10) : 0;
    const char *what = argc >= 3 ? argv[1] : "";
    double figure;

    if (count == 0 || *end != '\0') {
        (void)fprintf(stderr, "usage: assay-bench-limit chain|chain-files|xadd|fork COUNT\n"
                              "       assay-bench-limit spawn COUNT PROGRAM\n");
        return 2;
    }
    if (strcmp(what, "chain") == 0)
        figure = chain_rate(make_folder(), count, false);
    else if (strcmp(what, "chain-files") == 0)
        figure = chain_rate(make_folder(), count, true);
    else if (strcmp(what, "xadd") == 0)
        figure = xadd_median_ms(make_folder(), count);
    else if (strcmp(what, "fork") == 0)
        figure = fork_rate(count);
    else if (strcmp(what, "spawn") == 0 && argc == 4)
        figure = spawn_rate(count, argv[3]);
    else
        limit_fail(what, "is no limit; call without arguments for a list");
    (void)printf("%.6f\n", figure);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
