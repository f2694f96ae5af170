#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/sys/fs.h"
#include "common/sys/log.h"
#include "worker/executors_inside.h"
#include "worker/helper.h"
#include "worker/unpack.h"

#define TRIES      3u
#define AGAIN_MS   5000u
#define REFUSED_MS 30000u /* how long a code tree that could not be had stays refused */

static int code_path(const struct executor *executor, char out[LIMIT_PATH_BYTES])
{
    return fs_join(out, executor->dir, "code");
}

static void unpack(struct executor *executor)
{
    const struct executors_parts *parts = &executor->all->parts;
    char program[LIMIT_PATH_BYTES];
    char archive[LIMIT_PATH_BYTES];
    char hash[2 * LIMIT_HASH_BYTES + 1];
    char dir[LIMIT_PATH_BYTES];
    char *argv[] = {program, "--helper", "unpack", archive, hash, dir, NULL};
    int fd;

    blob_cache_path(parts->blobs, executor->hash, archive);
    (void)sodium_bin2hex(hash, sizeof(hash), executor->hash, LIMIT_HASH_BYTES);
    if (code_path(executor, dir) != 0 || fs_make_dirs(executor->dir, 0700) != 0 ||
        fs_join(program, parts->bin_dir, "assay-worker") != 0 ||
        helper_spawn(program, argv, &executor->unpacker_pid, &fd) != 0) {
        executor->code = CODE_WAITING;
        executor->code_at_ms = executor->all->now_ms + AGAIN_MS;
        log_line(LOG_ERROR, "unpack", "no process to unpack code: %s", program);
        return;
    }
    executor->code = CODE_UNPACKING;
    source_watch(executor, &executor->unpacker, fd);
}

static void get(struct executor *executor)
{
    struct blob_cache *blobs = executor->all->parts.blobs;

    executor->code = CODE_FETCHING;
    if (blob_cache_has(blobs, executor->hash))
        unpack(executor);
    else
        blob_cache_want(blobs, executor->hash);
}

void code_begin(struct executor *executor, const struct msg_experiment *experiment)
{
    char dir[LIMIT_PATH_BYTES];

    if (executor->leaving) {
        /* Its folder will be emptied: code_again. */
        executor->code = CODE_READY;
        executor->has_code = experiment->code.size > 0;
        if (executor->has_code)
            memcpy(executor->hash, experiment->code.data, LIMIT_HASH_BYTES);
        return;
    }
    if (executor->process.fd >= 0 && executor->code == CODE_READY) {
        /* It runs. One that was found may never have got so far as to have its code. */
        executor->has_code = experiment->code.size > 0;
        if (executor->has_code)
            memcpy(executor->hash, experiment->code.data, LIMIT_HASH_BYTES);
        executor->introduced = false; /* said again, which does no harm */
        if (!executor->has_code || (code_path(executor, dir) == 0 && access(dir, F_OK) == 0))
            return;
    } else if (executor->code == CODE_FETCHING || executor->code == CODE_UNPACKING) {
        return;
    }
    executor->has_code = experiment->code.size > 0;
    if (!executor->has_code) {
        executor->code = CODE_READY;
        return;
    }
    memcpy(executor->hash, experiment->code.data, LIMIT_HASH_BYTES);
    if (executor->code != CODE_WAITING)
        get(executor);
}

void code_again(struct executor *executor)
{
    if (executor->code == CODE_READY && executor->has_code)
        get(executor);
}

/* For a while nothing of the experiment runs here; then it is tried again. */
static void refuse(struct executor *executor, const char *why)
{
    char text[256];

    executor->code = CODE_WAITING;
    executor->code_at_ms = executor->all->now_ms + REFUSED_MS;
    executor->code_failures = 0;
    (void)snprintf(text, sizeof(text), "the experiment's code tree: %s", why);
    executor_refuse(executor, text);
}

void code_come(struct executor *executor, bool missing)
{
    if (missing)
        refuse(executor, "the head does not have it");
    else
        unpack(executor);
}

void code_turn(struct executor *executor)
{
    if (executor->code != CODE_WAITING || executor->all->now_ms < executor->code_at_ms)
        return;
    if (executor->released)
        return;
    /* Without anybody who waits for it there is no hurry. */
    if (executor->outbox.size > 0)
        get(executor);
    else
        executor->code_at_ms = executor->all->now_ms + AGAIN_MS;
}

void code_unpacker_ready(struct executor *executor)
{
    int status = helper_reap(executor->unpacker_pid);

    if (status < 0)
        return;
    source_close(executor, &executor->unpacker);
    if (status == UNPACK_DONE) {
        executor->code = CODE_READY;
        executor->code_failures = 0;
        blob_cache_trim(executor->all->parts.blobs, LIMIT_BLOB_CACHE);
        executor_flush(executor);
        return;
    }
    log_line(LOG_WARNING, "unpack", "the code tree of experiment %u: %s status=%d",
             executor->number, unpack_text(status), status);
    if (status == UNPACK_WRONG)
        blob_cache_drop(executor->all->parts.blobs, executor->hash);
    if (status == UNPACK_UNSAFE || status == UNPACK_BIG || status == UNPACK_BROKEN ||
        ++executor->code_failures >= TRIES) {
        refuse(executor, unpack_text(status));
        return;
    }
    executor->code = CODE_WAITING;
    executor->code_at_ms = executor->all->now_ms + (status == UNPACK_WRONG ? 0 : AGAIN_MS);
}
