/* Checkpoints of an attempt: what it names, what it is asked for, what it begins with. */
#include <string.h>

#include "common/sys/log.h"
#include "worker/executor/attempt.h"
#include "worker/executor/executor.h"
#include "worker/executor/setup.h"
#include "worker/executor/transfer.h"

void attempt_checkpoint_paths(struct attempt *attempt)
{
    const char *dir = attempt->executor->options->dir;
    const struct msg_lease *lease = &attempt->lease;

    attempt->checkpoint_dir =
        arena_printf(&attempt->arena, "%s/checkpoints/%u-%u", dir, lease->trial, lease->attempt);
    attempt->restore_dir = NULL;
}

/* Where a folder is that a program names. */
static const char *path_of(struct attempt *attempt, struct span name)
{
    struct arena *arena = &attempt->executor->scratch;
    const char *text = arena_text(arena, name);

    if (text[0] == '/')
        return text;
    return arena_printf(arena, "%s/%s", attempt->dir, text);
}

/* By its words: what is below is ours to remove, so no step up may be among them. */
static bool is_below(const char *path, const char *dir)
{
    size_t size = strlen(dir);

    if (strncmp(path, dir, size) != 0 || path[size] != '/' || path[size + 1] == '\0')
        return false;
    for (const char *at = path + size; at != NULL; at = strchr(at + 1, '/'))
        if (strncmp(at, "/..", 3) == 0 && (at[3] == '/' || at[3] == '\0'))
            return false;
    return true;
}

static void mark_add(struct attempt *attempt, uint64_t other)
{
    struct record record = {.kind = RECORD_MARK,
                            .mark = {.number = ++attempt->marks, .other = other}};

    autofill_counters(&attempt->fill, &record.mark.counters);
    attempt_record(attempt, &record);
}

/* Whether what it takes now still counts: also what it saves on its way out. One that is paused by
 * a checkpoint that it took before it heard of the pause takes another when it does: that one holds
 * results that were dropped. */
static bool may_save(const struct attempt *attempt)
{
    if (attempt->fenced || attempt->state == ATTEMPT_ENDED || attempt->executor->ending)
        return false;
    if (attempt->pausing && attempt->dropped)
        return false;
    return !attempt->closed || attempt->reason == END_STOPPED || attempt->reason == END_COMPLETED;
}

void attempt_checkpoint(struct attempt *attempt, struct span name, bool own, struct channel *asker)
{
    const char *path;

    if (!may_save(attempt)) {
        if (asker != NULL)
            channel_answer(asker, false);
        return;
    }
    if (name.size == 0 || name.size >= LIMIT_PATH_BYTES ||
        memchr(name.data, '\0', name.size) != NULL) {
        attempt_misspoke(attempt, "its checkpoint has no name that a folder can have");
        if (asker != NULL)
            channel_answer(asker, false);
        return;
    }
    path = path_of(attempt, name);
    mark_add(attempt, transfer_make_way(attempt));
    transfer_save(attempt, attempt->marks, path, own && is_below(path, attempt->checkpoint_dir),
                  asker);
    if (own && attempt->pausing)
        attempt_close(attempt, END_STOPPED);
}

static void say_all(struct attempt *attempt, const char *kind)
{
    for (struct channel *channel = attempt->channels; channel != NULL; channel = channel->next)
        channel_say(channel, kind);
}

void attempt_pause(struct attempt *attempt)
{
    if (attempt->closed || attempt->pausing)
        return;
    attempt->pausing = true;
    attempt_limits_heard(attempt);
    if (attempt->saves && attempt->state == ATTEMPT_RUNNING)
        say_all(attempt, "pause");
    else
        attempt_close(attempt, END_STOPPED);
}

void attempt_save(struct attempt *attempt)
{
    if (attempt->saves && !attempt->closed && !attempt->save_asked)
        say_all(attempt, "save");
    attempt->save_asked = true;
}

void attempt_restored(struct attempt *attempt, const char *dir)
{
    attempt->restore_dir = dir;
    attempt_run(attempt);
}

void attempt_not_restored(struct attempt *attempt, enum end_reason reason, const char *why)
{
    if (!attempt->closed) {
        buf_reset(&attempt->text);
        buf_printf(&attempt->text, "the checkpoint of iteration %lld: %s",
                   (long long)attempt->lease.counters.training_iteration, why);
        attempt->closed = true;
        attempt->reason = reason;
    }
    attempt_failed_to_start(attempt, "%s", why);
}

bool attempt_restore_cancel(struct attempt *attempt)
{
    if (attempt->state != ATTEMPT_STARTING || !attempt->restoring)
        return false;
    attempt->restoring = false;
    transfer_drop(attempt);
    return true;
}

void attempt_checkpoints_end(struct attempt *attempt)
{
    struct executor *executor = attempt->executor;

    transfer_drop(attempt);
    if (!folder_give(&executor->folders, executor->options->dir, attempt->checkpoint_dir))
        transfer_remove(executor, attempt->checkpoint_dir, attempt->restore_dir);
    else if (attempt->restore_dir != NULL)
        transfer_remove(executor, attempt->restore_dir, NULL);
}
