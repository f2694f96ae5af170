/* How an attempt is started: folder, files, environment, process. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/json.h"
#include "common/spec.h"
#include "common/sys/fs.h"
#include "worker/executor/attempt.h"
#include "worker/executor/cage.h"
#include "worker/executor/executor.h"
#include "worker/executor/setup.h"
#include "worker/executor/spare.h"
#include "worker/executor/spawn.h"
#include "worker/executor/transfer.h"
#include "worker/executor/zygote.h"

#define CONFIG_FILE "params.json"

/* Both ends of what connects an attempt to its program. */
struct start_ends {
    struct spawn_ends child;
    int output;
    int error;
    int report;
};

static void fd_close(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static void ends_close(struct start_ends *ends)
{
    fd_close(&ends->child.output);
    fd_close(&ends->child.error);
    fd_close(&ends->child.report);
    fd_close(&ends->output);
    fd_close(&ends->error);
    fd_close(&ends->report);
}

static int ends_open(struct start_ends *ends)
{
    int out[2], error[2], report[2];

    *ends = (struct start_ends){{-1, -1, -1}, -1, -1, -1};
    if (pipe2(out, O_CLOEXEC) < 0)
        return err_from_errno();
    ends->output = out[0];
    ends->child.output = out[1];
    if (pipe2(error, O_CLOEXEC) < 0)
        goto failed;
    ends->error = error[0];
    ends->child.error = error[1];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, report) < 0)
        goto failed;
    ends->report = report[0];
    ends->child.report = report[1];
    /* Ours alone: the program's end blocks. */
    if (fcntl(ends->output, F_SETFL, O_NONBLOCK) < 0 ||
        fcntl(ends->error, F_SETFL, O_NONBLOCK) < 0 || fcntl(ends->report, F_SETFL, O_NONBLOCK) < 0)
        goto failed;
    return 0;

failed:
    ends_close(ends);
    return ERR_IO;
}

/* Ours become sources, which are listened to once it has started: a START is the first record. */
static void ends_attach(struct attempt *attempt, struct start_ends *ends)
{
    struct channel *channel;

    attempt->streams[OUTPUT_STDOUT].source.fd = ends->output;
    attempt->streams[OUTPUT_STDERR].source.fd = ends->error;
    channel = channel_new(attempt->executor, ends->report, attempt);
    channel->next = attempt->channels; /* some may have come through the gate already */
    attempt->channels = channel;
    ends->output = ends->error = ends->report = -1;
}

/* Trials in a fork take their configuration from memory; all others find it in a file. */
static int config_write(struct attempt *attempt, const struct value *config, const char *path)
{
    struct buf *text = &attempt->executor->report;
    int fd, err;

    buf_reset(text);
    json_write(config, JSON_INDENT, text);
    fd = workdir_file_open(path, O_WRONLY | O_TRUNC);
    if (fd < 0)
        return err_from_errno();
    err = fs_write_all(fd, text->data, text->size);
    if (close(fd) < 0 && err == 0)
        err = err_from_errno();
    attempt->config_written = true;
    return err;
}

static struct environment_trial environment_of(const struct attempt *attempt, const char *config)
{
    return (struct environment_trial){
        .id = attempt->id,
        .name = arena_text(&attempt->executor->scratch, attempt->lease.trial_name),
        .attempt = attempt->lease.attempt,
        .experiment = attempt->executor->setup->name,
        .dir = attempt->dir,
        .config_path = config,
        .socket_path = attempt->executor->gate.path,
        .seed = attempt->lease.seed,
        .cpu = attempt->lease.resources.cpu,
        .gpus = attempt->lease.gpus.items,
        .gpu_count = attempt->lease.gpus.count,
        .checkpoint_dir = attempt->checkpoint_dir,
        .restore_dir = attempt->restore_dir,
        .iteration = attempt->restore_dir != NULL ? attempt->lease.counters.training_iteration : 0,
        .checkpoint_freq = attempt->executor->setup->experiment.checkpoint_freq,
        .checkpoint_at_end = attempt->executor->setup->experiment.checkpoint_at_end,
        .reuse = config == NULL && attempt->executor->setup->experiment.reuse,
    };
}

/* argv and program of a fresh process. False, with the attempt's end said, where there is none. */
static bool program_find(struct attempt *attempt, const struct value *config,
                         const char *config_path, struct spawn_request *request)
{
    struct setup *setup = attempt->executor->setup;
    struct arena *arena = &attempt->executor->scratch;
    struct spec_error error;
    char **argv;

    if (setup->library != NULL) {
        argv = arena_zalloc(arena, 4 * sizeof(char *));
        argv[0] = arena_strdup(arena, "assay-executor");
        argv[1] = arena_strdup(arena, "--trial");
        argv[2] = arena_strdup(arena, setup->library);
        request->path = spawn_self();
    } else if (setup->experiment.run_kind == RUN_PYTHON) {
        argv = python_argv(&setup->python, 0, setup->code, setup->run, arena);
        request->path = argv[0];
    } else {
        if (spec_command(setup->run, config, config_path, arena, &argv, &error) < 0) {
            attempt_failed_to_start(attempt, "%s", error.what);
            return false;
        }
        if (argv[0] == NULL) {
            attempt_failed_to_start(attempt, "the command is empty");
            return false;
        }
        request->path = environment_find(request->environment, argv[0], arena);
    }
    if (request->path == NULL) {
        attempt_failed_to_start(attempt, "%s: no such program in PATH", argv[0]);
        return false;
    }
    request->argv = argv;
    return true;
}

/* A fresh process. */
static void start_process(struct attempt *attempt, const struct value *config)
{
    struct executor *executor = attempt->executor;
    char path[LIMIT_PATH_BYTES];
    struct environment_trial trial;
    int doors[QUOTA_COUNT];
    struct spawn_request request = {.dir = attempt->dir, .doors = doors};
    struct start_ends ends;
    pid_t pid;
    int err;

    err = fs_join(path, attempt->dir, CONFIG_FILE);
    if (err == 0)
        err = config_write(attempt, config, path);
    if (err == ERR_FULL) {
        attempt_found_no_room(attempt, path);
        return;
    }
    if (err < 0) {
        attempt_failed_to_start(attempt, "cannot write %s: %s", path, err_text(err));
        return;
    }
    if (folder_take(&executor->folders, executor->options->dir, attempt->checkpoint_dir) < 0) {
        attempt_failed_to_start(attempt, "cannot make %s: %s", attempt->checkpoint_dir,
                                strerror(errno));
        return;
    }
    trial = environment_of(attempt, path);
    request.environment =
        environment_build(executor->setup->environment, &trial, &executor->scratch);
    if (!program_find(attempt, config, path, &request))
        return;
    if (ends_open(&ends) < 0) {
        attempt_failed_to_start(attempt, "no descriptors to be had: %s", strerror(errno));
        return;
    }
    request.ends = ends.child;
    attempt->cell = cell_take(executor->cage);
    request.cgroup = attempt->cell != NULL ? attempt->cell->fd : executor->cage->shared;
    attempt_limits_take(attempt);
    attempt_limits_doors(attempt, doors);
    err = spawn_start(&request, &pid);
    if (err == SPAWN_NO_CGROUP) {
        cell_give(executor->cage, attempt->cell);
        attempt->cell = NULL;
        cage_enter(executor->cage);
        request.cgroup = -1;
        if (attempt->limits.keeper == KEEPER_CELL)
            attempt_limits_outside(attempt);
        err = spawn_start(&request, &pid);
    }
    if (request.outside)
        attempt_limits_outside(attempt);
    if (err < 0) {
        attempt_failed_to_start(attempt, "cannot start %s in %s: %s", request.argv[0], attempt->dir,
                                strerror(errno));
    } else {
        ends_attach(attempt, &ends);
        attempt_started(attempt, pid);
    }
    for (int i = 0; i < QUOTA_COUNT; i++)
        fd_close(&doors[i]);
    ends_close(&ends);
}

static struct zygote *zygote_get(struct executor *executor, int64_t cpu)
{
    if (executor->setup->zygote == NULL)
        executor->setup->zygote = zygote_new(executor, cpu);
    return executor->setup->zygote;
}

/* In another's process, or a new fork. */
static void start_fork(struct attempt *attempt, const char *config)
{
    struct executor *executor = attempt->executor;
    struct zygote *zygote = zygote_get(executor, attempt->lease.resources.cpu);
    struct environment_trial trial = environment_of(attempt, NULL);
    struct start_ends ends;
    char **environment;

    if (zygote == NULL || ends_open(&ends) < 0) {
        attempt_failed_to_start(attempt, "cannot start a process: %s", strerror(errno));
        return;
    }
    ends_attach(attempt, &ends);
    channel_allow_from_start(attempt->channels, attempt_may_report(attempt));
    environment = environment_build_own(executor->setup->environment, &trial, &executor->scratch);
    if (attempt->fresh || !spare_start(attempt, config, environment, ends.child))
        zygote_start(zygote, attempt, config, environment, ends.child);
}

/* What it has printed: a pipe holds no more than this. It may have been told that it is to run a
 * trial, and so have reported: that does not count. */
static void stream_abandon(struct stream *stream)
{
    struct executor *executor = stream->attempt->executor;
    ssize_t got = read(stream->source.fd, executor->bytes, EXECUTOR_READ);

    if (got > 0)
        output_write(&stream->output, span_of(executor->bytes, (size_t)got));
    (void)loop_set(&executor->loop, &stream->source, 0);
    (void)close(stream->source.fd);
    stream->source.fd = -1;
}

void attempt_restart(struct attempt *attempt)
{
    attempt->fresh = true;
    for (int i = 0; i < 2; i++)
        stream_abandon(&attempt->streams[i]);
    for (struct channel *channel = attempt->channels, *next; channel != NULL; channel = next) {
        next = channel->next;
        if (!channel->from_gate)
            channel_free(channel);
    }
    attempt_run(attempt);
}

static bool config_read(struct attempt *attempt, struct value *out)
{
    struct cursor cursor;

    cursor_init(&cursor, attempt->lease.config);
    return value_unpack(&cursor, &attempt->executor->scratch, out) == 0 && out->type == VALUE_MAP;
}

void attempt_start(struct attempt *attempt)
{
    struct setup *setup = attempt->executor->setup;
    int err;

    err = workdir_make(setup->workdir, attempt->lease.folder, &attempt->arena, &attempt->dir);
    if (err < 0)
        attempt->dir = "";
    output_init(&attempt->streams[OUTPUT_STDOUT].output, attempt->dir, "stdout");
    output_init(&attempt->streams[OUTPUT_STDERR].output, attempt->dir, "stderr");
    if (err == ERR_FULL) {
        attempt_found_no_room(attempt, arena_text(&attempt->arena, attempt->lease.folder));
        return;
    }
    if (err < 0) {
        attempt_failed_to_start(attempt, "cannot make its folder %.*s: %s",
                                SPAN(attempt->lease.folder), err_text(err));
        return;
    }
    if (attempt->lease.checkpoint.size == LIMIT_HASH_BYTES) {
        attempt->restoring = true;
        transfer_restore(attempt,
                         arena_printf(&attempt->arena, "%s.restore", attempt->checkpoint_dir));
        return;
    }
    attempt_run(attempt);
}

void attempt_run(struct attempt *attempt)
{
    struct executor *executor = attempt->executor;
    struct setup *setup = executor->setup;
    struct buf *text = &executor->fields;
    struct value config;

    attempt->restoring = false;
    attempt_count(attempt); /* how far it may go is counted from where it begins */
    arena_reset(&executor->scratch);
    if (!config_read(attempt, &config)) {
        attempt_failed_to_start(attempt, "its configuration is no map");
        return;
    }
    if (setup->python.why != NULL) {
        attempt_failed_to_start(attempt, "%s", setup->python.why);
        return;
    }
    /* A fork of the zygote is in nobody's cgroup: one that has a limit of memory gets its own. */
    if (setup->experiment.run_kind == RUN_COMMAND || setup->zygote_unsafe ||
        setup->experiment.start == START_EXEC || attempt->lease.resources.memory_bytes > 0) {
        start_process(attempt, &config);
        return;
    }
    buf_reset(text);
    json_write(&config, JSON_LINE, text);
    if (text->size >= LIMIT_FORK_CONFIG || attempt->lease.config.size >= LIMIT_FORK_CONFIG) {
        spare_yield(executor);
        start_process(attempt, &config);
    } else {
        start_fork(attempt, buf_text(text));
    }
}
