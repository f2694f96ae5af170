#include "worker/executor/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/err.h"
#include "common/manifest.h"
#include "common/sys/fs.h"
#include "common/sys/log.h"
#include "common/table.h"
#include "common/xalloc.h"
#include "worker/executor/attempt.h"
#include "worker/executor/checkpoint_files.h"
#include "worker/executor/executor.h"
#include "worker/executor/helper.h"

static bool is_save(const struct transfer *transfer)
{
    return transfer->step <= TRANSFER_PUTTING;
}

static void list_append(struct executor *executor, struct transfer *transfer)
{
    struct transfer **end = &executor->transfers;

    while (*end != NULL)
        end = &(*end)->next;
    transfer->next = NULL;
    *end = transfer;
}

static void list_remove(struct executor *executor, const struct transfer *transfer)
{
    struct transfer **at = &executor->transfers;

    while (*at != transfer)
        at = &(*at)->next;
    *at = transfer->next;
}

struct transfer *transfer_new(struct attempt *attempt, enum transfer_step step)
{
    struct executor *executor = attempt->executor;
    struct transfer *transfer = xcalloc(1, sizeof(*transfer));
    struct buf path = {0};

    transfer->attempt = attempt;
    transfer->step = step;
    buf_printf(&path, "%s/checkpoints/%u-%u.%llu", executor->options->dir, attempt->lease.trial,
               attempt->lease.attempt, (unsigned long long)++executor->stages);
    transfer->stage = xstrdup(buf_text(&path));
    buf_fini(&path);
    if (mkdir(transfer->stage, 0700) != 0)
        log_line(LOG_ERROR, "checkpoint", "cannot make %s: %s", transfer->stage, strerror(errno));
    list_append(executor, transfer);
    return transfer;
}

void transfer_remove(struct executor *executor, const char *first, const char *second)
{
    const char *const words[] = {"remove", first, second, NULL};
    pid_t pid = helper_start(words);

    /* Where there is no process for it, it goes with the executor's folder. */
    if (pid > 0)
        (void)table_put_u64(executor->helpers, (uint64_t)pid, executor);
}

/* What is unpacked, or was, and goes to nobody. */
static void target_remove(const struct transfer *transfer)
{
    struct buf temporary = {0};

    if (transfer->step != TRANSFER_UNPACKING || transfer->target == NULL)
        return;
    buf_printf(&temporary, "%s.tmp", transfer->target);
    transfer_remove(transfer->attempt->executor, transfer->target, buf_text(&temporary));
    buf_fini(&temporary);
}

void transfer_free(struct transfer *transfer)
{
    struct executor *executor = transfer->attempt->executor;

    list_remove(executor, transfer);
    if (executor->asking == transfer)
        executor->asking = NULL;
    if (transfer->helper > 0) {
        (void)kill(transfer->helper, SIGKILL);
        (void)table_put_u64(executor->helpers, (uint64_t)transfer->helper, executor);
    }
    transfer_remove(executor, transfer->stage, transfer->own ? transfer->source : NULL);
    target_remove(transfer);
    buf_fini(&transfer->manifest);
    buf_fini(&transfer->blobs);
    buf_fini(&transfer->missing);
    free(transfer->source);
    free(transfer->stage);
    free(transfer->target);
    free(transfer);
}

bool transfer_help(struct transfer *transfer, const char *const *words)
{
    pid_t pid = helper_start(words);

    if (pid < 0) {
        log_line(LOG_ERROR, "checkpoint", "no process for it: %s", strerror(errno));
        return false;
    }
    transfer->helper = pid;
    (void)table_put_u64(transfer->attempt->executor->helpers, (uint64_t)pid, transfer);
    return true;
}

bool transfer_reaped(struct executor *executor, pid_t pid, int wait_status)
{
    void *found = table_remove_u64(executor->helpers, (uint64_t)pid);
    struct transfer *transfer = found;
    int status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);

    if (found == NULL)
        return false;
    if (found == executor)
        return true; /* a removal, or one whose work nobody wants any more */
    transfer->helper = 0;
    if (transfer->step == TRANSFER_PACKING)
        save_packed(transfer, status);
    else if (transfer->step == TRANSFER_PLACING)
        save_placed(transfer, status);
    else
        restore_unpacked(transfer, status);
    return true;
}

void transfer_unhelped(struct executor *executor)
{
    struct transfer *transfer = executor->transfers;

    while (transfer != NULL) {
        if (transfer->step == TRANSFER_PACKING && transfer->helper == 0) {
            save_packed(transfer, FILES_DISK);
            transfer = executor->transfers; /* others may have gone with it */
        } else {
            transfer = transfer->next;
        }
    }
}

int transfer_stage_write(const struct transfer *transfer, const char *name, struct span bytes)
{
    char path[LIMIT_PATH_BYTES];
    int err = fs_join(path, transfer->stage, name);
    int fd;

    if (err != 0)
        return err;
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_from_errno();
    err = fs_write_all(fd, bytes.data, bytes.size);
    if (close(fd) != 0 && err == 0)
        err = err_from_errno();
    return err;
}

void transfer_list(struct transfer *transfer)
{
    struct table *known = table_new();
    struct manifest_reader reader;
    struct manifest_entry entry;

    manifest_open(&reader, buf_span(&transfer->manifest));
    while (manifest_next(&reader, &entry)) {
        const uint8_t *hashes = entry.hashes.data;

        for (size_t i = 0; i < entry.hashes.size; i += LIMIT_HASH_BYTES) {
            struct span hash = span_of(hashes + i, LIMIT_HASH_BYTES);

            if (table_put(known, hash, transfer) == NULL)
                buf_append_span(&transfer->blobs, hash);
        }
    }
    table_free(known);
}

bool transfer_saves(const struct attempt *attempt)
{
    for (const struct transfer *at = attempt->executor->transfers; at != NULL; at = at->next)
        if (at->attempt == attempt && is_save(at))
            return true;
    return false;
}

uint64_t transfer_make_way(struct attempt *attempt)
{
    struct transfer *first = NULL;
    struct transfer *second = NULL;

    for (struct transfer *at = attempt->executor->transfers; at != NULL; at = at->next) {
        if (at->attempt != attempt || !is_save(at))
            continue;
        if (first == NULL || at->number < first->number) {
            second = first;
            first = at;
        } else {
            second = at;
        }
    }
    if (second != NULL) {
        if (second->asker != NULL)
            channel_answer(second->asker, !attempt->closed);
        transfer_free(second);
    }
    return first != NULL ? first->number : 0;
}

void transfer_drop(struct attempt *attempt)
{
    struct transfer *next;

    for (struct transfer *at = attempt->executor->transfers; at != NULL; at = next) {
        next = at->next;
        if (at->attempt == attempt)
            transfer_free(at);
    }
}

void transfer_forget_asker(const struct executor *executor, const struct channel *channel)
{
    for (struct transfer *at = executor->transfers; at != NULL; at = at->next)
        if (at->asker == channel)
            at->asker = NULL;
}

/* Of an attempt's the oldest is sent first. */
static bool may_send(const struct executor *executor, const struct transfer *transfer)
{
    if (transfer->step == TRANSFER_PACKING || transfer->step == TRANSFER_PLACING ||
        transfer->step == TRANSFER_UNPACKING)
        return false;
    for (const struct transfer *at = executor->transfers; at != NULL; at = at->next)
        if (at->attempt == transfer->attempt && at->number < transfer->number)
            return false;
    return true;
}

void transfer_send(struct executor *executor)
{
    struct transfer *transfer = executor->transfers;

    while (transfer != NULL && !may_send(executor, transfer))
        transfer = transfer->next;
    executor->asking = transfer;
    if (transfer == NULL)
        return;
    if (is_save(transfer))
        save_send(transfer);
    else
        restore_send(transfer);
}

void transfer_answered(struct executor *executor, const struct message *message)
{
    struct transfer *transfer = executor->asking;

    executor->asking = NULL;
    if (transfer == NULL)
        return; /* it was given up meanwhile */
    list_remove(executor, transfer);
    list_append(executor, transfer);
    if (is_save(transfer))
        save_answered(transfer, message);
    else
        restore_answered(transfer, message);
}
