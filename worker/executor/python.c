#include "worker/executor/python.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/sys/home.h"
#include "worker/executor/environment.h"

#define BOOT "assay/zygote_boot.py"

/* From the folder of this program: of a build, of what was installed, of a wheel. */
static const char *const places[] = {"../python", "../share/assay/python", "../.."};

static const char *own_folder(struct arena *arena)
{
    char self[LIMIT_PATH_BYTES];

    return home_of_programs(self) == 0 ? arena_strdup(arena, self) : ".";
}

static const char *boot_find(const char *folder, struct arena *arena)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        const char *path = arena_printf(arena, "%s/%s/" BOOT, folder, places[i]);

        if (access(path, R_OK) == 0)
            return path;
    }
    return NULL;
}

static const char *wanted(const char *asked)
{
    const char *said = getenv("ASSAY_PYTHON");

    if (asked[0] != '\0')
        return asked;
    return said != NULL && said[0] != '\0' ? said : "python3";
}

void python_find(struct python *python, const char *asked, char *const *entries,
                 struct arena *arena)
{
    const char *name = wanted(asked);
    const char *folder = own_folder(arena);

    *python = (struct python){.interpreter = environment_find(entries, name, arena),
                              .boot = boot_find(folder, arena)};
    if (python->interpreter == NULL || access(python->interpreter, X_OK) != 0)
        python->why = arena_printf(
            arena,
            "%s: no such program on this node: install Python 3.9 or later, or name it by "
            "`interpreter` in run, or by ASSAY_PYTHON in the worker's environment",
            name);
    else if (python->boot == NULL)
        python->why = arena_printf(
            arena, "the Python package of assay is not there: %s/%s is missing on this node",
            folder, "../share/assay/python/" BOOT);
}

char **python_argv(const struct python *python, pid_t parent, const char *code, const char *run,
                   struct arena *arena)
{
    char **argv = arena_zalloc(arena, 7 * sizeof(char *));
    size_t count = 0;

    argv[count++] = arena_strdup(arena, python->interpreter);
    argv[count++] = arena_strdup(arena, python->boot);
    argv[count++] = arena_strdup(arena, parent > 0 ? "--zygote" : "--trial");
    if (parent > 0)
        argv[count++] = arena_printf(arena, "%d", (int)parent);
    argv[count++] = arena_strdup(arena, code);
    argv[count++] = arena_strdup(arena, run);
    return argv;
}
