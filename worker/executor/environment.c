#include "worker/executor/environment.h"

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/sys/home.h"
#include "common/xalloc.h"
#include "worker/executor/spawn.h"
#include "worker/executor/zygote_wire.h"

#define TRIAL_MOST 24u /* variables that are an attempt's own */

struct environment {
    struct arena arena;
    char **base; /* the executor's own, filtered */
    size_t base_count;
    char **extra; /* the experiment's */
    size_t extra_count;
};

static size_t name_size(const char *entry)
{
    return strcspn(entry, "=");
}

static bool same_name(const char *entry, const char *other)
{
    size_t size = name_size(entry);

    return size == name_size(other) && memcmp(entry, other, size) == 0;
}

static bool has_name(char *const *entries, size_t count, const char *entry)
{
    for (size_t i = 0; i < count; i++)
        if (same_name(entries[i], entry))
            return true;
    return false;
}

static bool begins(const char *entry, const char *prefix)
{
    return strncmp(entry, prefix, strlen(prefix)) == 0;
}

/* What must not be handed down, or is set anew. */
static bool is_dropped(const char *entry)
{
    if (begins(entry, "ASSAY_HOME="))
        return false;
    return begins(entry, "ASSAY_") || begins(entry, "NOTIFY_SOCKET=") ||
           begins(entry, "LISTEN_FDS=") || begins(entry, "LISTEN_PID=");
}

/* `assay report` must be found by a trial's shell: the folder of our programs at the end of PATH.
 */
static char *path_with_ours(struct arena *arena, const char *entry)
{
    char self[LIMIT_PATH_BYTES];

    if (home_of_programs(self) != 0 || self[0] == '\0')
        return arena_strdup(arena, entry);
    return arena_printf(arena, "%s:%s", entry, self);
}

static void base_build(struct environment *environment)
{
    size_t count = 0;
    bool has_path = false;

    while (environ[count] != NULL)
        count++;
    environment->base = arena_alloc(&environment->arena, (count + 1) * sizeof(char *));
    for (size_t i = 0; i < count; i++) {
        bool path = begins(environ[i], "PATH=");

        if (is_dropped(environ[i]) ||
            has_name(environment->extra, environment->extra_count, environ[i]))
            continue;
        environment->base[environment->base_count++] =
            path ? path_with_ours(&environment->arena, environ[i]) : environ[i];
        has_path = has_path || path;
    }
    if (!has_path && !has_name(environment->extra, environment->extra_count, "PATH="))
        environment->base[environment->base_count++] =
            path_with_ours(&environment->arena, "PATH=/usr/local/bin:/usr/bin:/bin");
}

struct environment *environment_new(const struct msg_experiment *experiment)
{
    struct environment *environment = xcalloc(1, sizeof(*environment));
    const struct msg_env *items = experiment->env.items;

    arena_init(&environment->arena);
    environment->extra =
        arena_alloc(&environment->arena, (experiment->env.count + 1) * sizeof(char *));
    for (uint32_t i = 0; i < experiment->env.count; i++)
        environment->extra[environment->extra_count++] = arena_printf(
            &environment->arena, "%.*s=%.*s", SPAN(items[i].name), SPAN(items[i].value));
    base_build(environment);
    return environment;
}

void environment_free(struct environment *environment)
{
    if (environment == NULL)
        return;
    arena_fini(&environment->arena);
    free(environment);
}

static const char *devices_text(const struct environment_trial *trial, struct arena *arena)
{
    struct buf text = {0};
    const char *copy;

    for (uint32_t i = 0; i < trial->gpu_count; i++)
        buf_printf(&text, "%s%u", i > 0 ? "," : "", trial->gpus[i].device);
    copy = arena_strdup(arena, buf_text(&text));
    buf_fini(&text);
    return copy;
}

static char *threads_of(int64_t cpu, struct arena *arena)
{
    int64_t threads = cpu / RESOURCE_ONE;

    return arena_printf(arena, "OMP_NUM_THREADS=%" PRId64, threads < 1 ? 1 : threads);
}

/* The attempt's own variables into out, which has room for TRIAL_MOST. */
static size_t trial_build(const struct environment_trial *trial, struct arena *arena, char **out)
{
    size_t count = 0;

    out[count++] = arena_printf(arena, "ASSAY_TRIAL_ID=%s", trial->id);
    out[count++] = arena_printf(arena, "ASSAY_TRIAL_NAME=%s", trial->name);
    out[count++] = arena_printf(arena, "ASSAY_ATTEMPT=%u", trial->attempt);
    out[count++] = arena_printf(arena, "ASSAY_EXPERIMENT=%s", trial->experiment);
    out[count++] = arena_printf(arena, "ASSAY_TRIAL_DIR=%s", trial->dir);
    if (trial->config_path != NULL)
        out[count++] = arena_printf(arena, "ASSAY_CONFIG=%s", trial->config_path);
    out[count++] = arena_printf(arena, "ASSAY_REPORT_FD=%d", SPAWN_REPORT_FD);
    out[count++] = arena_printf(arena, "ASSAY_REPORT_SOCKET=%s", trial->socket_path);
    out[count++] = arena_printf(arena, "ASSAY_SEED=%" PRIu64, trial->seed);
    out[count++] = threads_of(trial->cpu, arena);
    out[count++] = arena_printf(arena, "ASSAY_CHECKPOINT_DIR=%s", trial->checkpoint_dir);
    if (trial->checkpoint_freq > 0)
        out[count++] = arena_printf(arena, "ASSAY_CHECKPOINT_FREQ=%u", trial->checkpoint_freq);
    if (trial->checkpoint_at_end)
        out[count++] = arena_strdup(arena, "ASSAY_CHECKPOINT_AT_END=1");
    if (trial->reuse)
        out[count++] = arena_strdup(arena, "ASSAY_REUSE=1");
    if (trial->restore_dir != NULL) {
        out[count++] = arena_printf(arena, "ASSAY_RESTORE=%s", trial->restore_dir);
        out[count++] = arena_printf(arena, "ASSAY_RESTORE_ITERATION=%" PRId64, trial->iteration);
    }
    /* Without devices it is left as it is, as Ray Tune does. */
    if (trial->gpu_count > 0)
        out[count++] = arena_printf(arena, "CUDA_VISIBLE_DEVICES=%s", devices_text(trial, arena));
    return count;
}

static char **build(const struct environment *environment, char *const *own, size_t own_count,
                    struct arena *arena)
{
    char **entries =
        arena_alloc(arena, (environment->base_count + own_count + environment->extra_count + 1) *
                               sizeof(char *));
    size_t count = 0;

    for (size_t i = 0; i < environment->base_count; i++)
        if (!has_name(own, own_count, environment->base[i]))
            entries[count++] = environment->base[i];
    for (size_t i = 0; i < own_count; i++)
        if (!has_name(environment->extra, environment->extra_count, own[i]))
            entries[count++] = own[i];
    for (size_t i = 0; i < environment->extra_count; i++)
        entries[count++] = environment->extra[i];
    entries[count] = NULL;
    return entries;
}

char **environment_build(const struct environment *environment,
                         const struct environment_trial *trial, struct arena *arena)
{
    char *own[TRIAL_MOST];
    size_t own_count = trial != NULL ? trial_build(trial, arena, own) : 0;

    return build(environment, own, own_count, arena);
}

char **environment_build_zygote(const struct environment *environment, int64_t cpu,
                                struct arena *arena)
{
    char *own[] = {arena_strdup(arena, ZYGOTE_MARK_NAME "=" ZYGOTE_MARK_BLANK),
                   threads_of(cpu, arena)};

    return build(environment, own, 2, arena);
}

char **environment_build_own(const struct environment *environment,
                             const struct environment_trial *trial, struct arena *arena)
{
    char *own[TRIAL_MOST];
    size_t own_count = trial_build(trial, arena, own);
    char **entries = arena_alloc(arena, (own_count + 1) * sizeof(char *));
    size_t count = 0;

    for (size_t i = 0; i < own_count; i++)
        if (!has_name(environment->extra, environment->extra_count, own[i]))
            entries[count++] = own[i];
    entries[count] = NULL;
    return entries;
}

const char *environment_get(char *const *entries, const char *name)
{
    for (; *entries != NULL; entries++)
        if (same_name(*entries, name))
            return *entries + name_size(*entries) + 1;
    return NULL;
}

const char *environment_find(char *const *entries, const char *name, struct arena *arena)
{
    const char *at = environment_get(entries, "PATH");

    if (strchr(name, '/') != NULL)
        return name;
    while (at != NULL && *at != '\0') {
        size_t size = strcspn(at, ":");
        const char *path = arena_printf(arena, "%.*s/%s", (int)size, at, name);

        if (size > 0 && access(path, X_OK) == 0)
            return path;
        at += at[size] == ':' ? size + 1 : size;
    }
    return NULL;
}
