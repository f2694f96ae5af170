#include "head/head.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/clock.h"
#include "common/sys/failpoint.h"
#include "common/sys/log.h"
#include "common/sys/sig.h"
#include "common/xalloc.h"
#include "head/shell.h"

#define SETTLE_MS      3000u
#define IMAGE_MS       20000u /* that the last image may take */
#define CLOCK_SLACK_MS 1000   /* of a wall clock that is being put right little by little */
#define PAUSE_MS       2000u  /* such a gap between two passes: another head may lead by now */
#define STATUS_FILES   73     /* of a private head: not all files could be written */

/* Unix time for turns. A wall clock that is set back goes on from where it was: who rests until a
 * time would wait until the clock has come round to it again. */
static uint64_t unix_now_ms(struct head *head)
{
    uint64_t now_ms = clock_ms();
    int64_t ahead_ms = (int64_t)(clock_unix_ms() - now_ms);

    if (head->unix_ahead_ms == 0 || ahead_ms > head->unix_ahead_ms - CLOCK_SLACK_MS)
        head->unix_ahead_ms = ahead_ms;
    return (uint64_t)((int64_t)now_ms + head->unix_ahead_ms);
}

void shell_step(struct head *head, struct event *event)
{
    (void)turns_step(head->turns, event, unix_now_ms(head));
}

void shell_principal(struct head *head, const struct effect_principal *principal)
{
    const uint8_t *key = principal->key.data;
    int err;

    if (principal->revoked) {
        (void)zap_revoke(head->zap, key); /* not known any more is as good */
        fleet_revoke(head->fleet, principal->principal);
        front_revoke(head->front, principal->principal);
        planes_revoke(head, principal->principal);
        audit_line(head->audit, "revoked", "principal %u, named %.*s", principal->principal,
                   SPAN(principal->name));
        return;
    }
    err = zap_add(head->zap, key, principal->principal, (enum principal_role)principal->role);
    if (err != 0)
        log_line(LOG_ERROR, "key-table", "principal %u cannot be let in: %s", principal->principal,
                 err_text(err));
}

/* They are kept in memory until the disk takes them. */
static void flush_rows(struct head *head)
{
    bool late = !view_flush(head->view);

    if (late && !head->rows_late)
        log_line(LOG_WARNING, "ended-rows", "rows of ended trials do not get to disk: %s",
                 strerror(errno));
    head->rows_late = late;
}

void shell_apply(struct head *head, const struct effects *effects, bool quiet)
{
    /* Rows first: what is sent after shows what was committed. */
    for (size_t i = 0; i < effects->count; i++)
        view_apply(head->view, &effects->items[i]);
    for (size_t i = 0; i < effects->count; i++)
        checkpoint_store_apply(head->checkpoints, &effects->items[i]);
    if (quiet)
        return; /* rows of ended trials gather until the first turn of this life */
    flush_rows(head);
    for (size_t i = 0; i < effects->count; i++) {
        const struct effect *effect = &effects->items[i];

        if (effect->type == EFFECT_PRINCIPAL)
            shell_principal(head, &effect->principal);
        else if (!fleet_apply(head->fleet, effect) && effect->type == EFFECT_REPLY)
            front_apply(head->front, &effect->reply);
    }
    fleet_flush(head->fleet);
    project_effects(head->project, effects->items, effects->count);
}

/* Its entry is on disk, or it has none: do what it says, and let the sinks have it. */
static void finish(struct head *head, struct turn *turn)
{
    const struct effects *effects = turn_effects(turn);

    FAILPOINT("head-before-apply");
    shell_apply(head, effects, false);
    FAILPOINT("head-after-apply");
    sinks_put(head->sinks, effects->items, effects->count, turn_release, turn);
    imager_committed(head->imager, head->view, journal_committed(head->journal));
}

static void set_stalled(struct head *head, bool stalled)
{
    if (stalled == head->stalled)
        return;
    head->stalled = stalled;
    if (stalled)
        log_line(LOG_WARNING, "log-stalled", "the log takes no entries, nothing is decided: %s",
                 journal_why(head->journal));
    else
        log_line(LOG_INFO, "log-goes-on", "the log takes entries again");
    fleet_set_committing(head->fleet, !stalled);
    front_set_committing(head->front, !stalled);
}

int shell_journal_failed(struct head *head, int err)
{
    /* Nothing of what waits for a commit may happen now, and the files are the other head's. */
    head->ending = true;
    sinks_abandon(head->sinks);
    if (err == ERR_FENCED) {
        log_error_for_people("this head", journal_why(head->journal),
                             "nothing: the other head goes on with everything");
        head->status = STATUS_FENCED;
    } else {
        log_error_for_people("AMNESIA", journal_why(head->journal),
                             "restore the data of this Redis, then start the head again");
        head->status = STATUS_AMNESIA;
    }
    return head->status;
}

/* The turn that was just closed is what the core is now: an image of it, if one is due. */
static void image_turn(struct head *head, size_t entry_bytes, uint64_t now_ms)
{
    struct log_id id = journal_committed(head->journal);

    id.n++;
    imager_appended(head->imager, entry_bytes);
    if (imager_is_due(head->imager, now_ms))
        imager_take(head->imager, head->core, id, now_ms, turns_time(head->turns));
}

/* Move the log on: finish what is committed, append what is ready. The journal is asked in every
 * pass, also when nothing is on the way: it tends its connection, and sees that another head leads.
 */
static void commit(struct head *head, uint64_t now_ms)
{
    for (;;) {
        int state = journal_poll(head->journal, now_ms);
        struct span entry;
        struct turn *turn;

        if (state < 0) {
            (void)shell_journal_failed(head, state);
            return;
        }
        sinks_write_until(head->sinks, journal_leads_until_ms(head->journal));
        if (head->committing != NULL) {
            if (state != JOURNAL_COMMITTED)
                return;
            turn = head->committing;
            head->committing = NULL;
            finish(head, turn);
        }
        turn = turns_close(head->turns, &entry);
        if (turn == NULL)
            return;
        if (entry.size == 0) {
            finish(head, turn);
            continue;
        }
        head->committing = turn;
        image_turn(head, entry.size, now_ms);
        FAILPOINT("head-before-commit");
        journal_append(head->journal, entry, now_ms);
    }
}

static void sinks_look(struct head *head)
{
    char trouble[256];

    if (!sinks_trouble(head->sinks, trouble, sizeof(trouble)))
        return;
    log_line(LOG_WARNING, "sinks", "%s", trouble);
    head->files_missing = true;
}

static void tend(struct head *head, uint64_t now_ms)
{
    if (now_ms < head->tended_ms + SHELL_TICK_MS)
        return;
    head->tended_ms = now_ms;
    planes_watch(head, now_ms);
    planes_refusals(head);
    audit_tend(head->audit, now_ms);
    turns_trim(head->turns);
    if (journal_leads_until_ms(head->journal) >
        now_ms) /* the folder may be another head's by now */
        checkpoint_store_tend(head->checkpoints, now_ms);
    fleet_tick(head->fleet, now_ms, head->planes[LINK_WORKER].drained_ms, unix_now_ms(head));
    if (core_deadline_ms(head->core) <= unix_now_ms(head) && turns_ready(head->turns)) {
        struct event event = {.type = EVENT_TICK};

        shell_step(head, &event);
    }
    shell_recall(head);
    if (head->redisd != NULL && !journal_is_connected(head->journal))
        (void)redisd_tend(head->redisd, now_ms); /* it has said what is wrong */
    set_stalled(head,
                journal_is_stalled(head->journal, now_ms) || !journal_is_connected(head->journal));
    sinks_look(head);
    imager_poll(head->imager);
    gauge_tend(head->gauge, now_ms);
    if (!head->ending && !journal_is_doubted(head->journal)) /* the rows are the leading head's */
        project_tend(head->project, now_ms);
}

/* Asked for, so it is said at whatever level the log is. */
static void dump(struct head *head)
{
    struct log_id last = journal_committed(head->journal);
    size_t experiments;
    size_t principals;
    size_t nodes;

    (void)view_experiments(head->view, &experiments);
    (void)view_nodes(head->view, &nodes);
    (void)view_principals(head->view, &principals);
    log_line(LOG_ERROR, "dump",
             "epoch=%llu committed=%llu-%llu committing=%d stalled=%d connected=%d why=\"%s\" "
             "digest=%016llx",
             (unsigned long long)journal_epoch(head->journal), (unsigned long long)last.epoch,
             (unsigned long long)last.n, head->committing != NULL, head->stalled,
             journal_is_connected(head->journal), journal_why(head->journal),
             (unsigned long long)core_digest(head->core));
    log_line(LOG_ERROR, "dump",
             "experiments=%zu nodes=%zu principals=%zu sessions=%zu requests=%zu readers=%u "
             "free_turns=%zu sink_jobs=%zu",
             experiments, nodes, principals, fleet_sessions(head->fleet),
             front_requests(head->front), front_waiting(head->front), turns_free_count(head->turns),
             sinks_waiting(head->sinks));
}

void shell_signals(struct head *head)
{
    int number;

    while ((number = sig_next(head->signals)) != 0) {
        if (number == SIGUSR1) {
            dump(head);
        } else if (number == SIGUSR2) {
            log_toggle_debug();
        } else {
            head->ending = true;
            head->signal = number;
        }
    }
}

/* A private head is not started again, which would write the files: its user has to be told. */
static bool private_files_missing(struct head *head)
{
    if (!head->settings.private_cluster)
        return false;
    shell_settle(head, clock_ms() + SETTLE_MS);
    sinks_drain(head->sinks);
    sinks_look(head);
    return head->files_missing;
}

/* Each plane is first once in three passes: none can fill every turn before the others. */
static void read_planes(struct head *head, unsigned pass, uint64_t now_ms)
{
    uint64_t unix_ms = unix_now_ms(head);

    for (unsigned i = 0; i < PLANES; i++)
        plane_read(head, (enum link_plane)((pass + i) % PLANES), now_ms, unix_ms);
}

/* A head that did not run for a while reads nothing before it knows that it still leads. */
static void notice_pause(struct head *head, uint64_t now_ms)
{
    if (head->passed_ms > 0 && now_ms - head->passed_ms > PAUSE_MS)
        journal_doubt(head->journal, now_ms);
    head->passed_ms = now_ms;
}

int head_run(struct head *head)
{
    shell_wait_begin(head);
    for (unsigned pass = 0; !head->ending; pass++) {
        uint64_t now_ms = clock_ms();

        notice_pause(head, now_ms);
        read_planes(head, pass, now_ms);
        commit(head, now_ms);
        turns_set_eager(head->turns, front_waiting(head->front) > 0);
        front_sealed(head->front);
        fleet_sealed(head->fleet);
        front_wake(head->front, now_ms);
        tend(head, now_ms);
        if (!head->ending)
            shell_wait(head, clock_ms());
    }
    if (head->status != 0)
        return head->status;
    return private_files_missing(head) ? STATUS_FILES : 128 + head->signal;
}

void shell_settle(struct head *head, uint64_t until_ms)
{
    while (head->status == 0 && clock_ms() < until_ms) {
        struct pollfd wait = {.fd = journal_fd(head->journal), .events = POLLIN};

        commit(head, clock_ms());
        if (head->committing == NULL)
            break;
        (void)poll(&wait, 1, 10);
    }
}

/* False: this head does not lead any more. It says that it does, meanwhile: files are written only
 * by who is sure of that. */
static bool image_wait(struct head *head)
{
    struct pollfd wait = {.fd = imager_fd(head->imager), .events = POLLIN};

    if (journal_poll(head->journal, clock_ms()) < 0)
        return false;
    sinks_write_until(head->sinks, journal_leads_until_ms(head->journal));
    (void)poll(&wait, 1, 100);
    imager_poll(head->imager);
    return true;
}

/* An ended head leaves an image and no tail: the next one, of whatever version, need not decide
 * anything again. A private head is not started again. */
static void image_last(struct head *head)
{
    uint64_t until_ms = clock_ms() + IMAGE_MS;

    if (head->settings.private_cluster || !head->settings.cuts || head->status != 0 ||
        head->committing != NULL)
        return;
    while (imager_is_busy(head->imager) && clock_ms() < until_ms)
        if (!image_wait(head))
            return;
    if (imager_tail(head->imager) == 0 || imager_is_busy(head->imager))
        return;
    imager_take(head->imager, head->core, journal_committed(head->journal), clock_ms(),
                turns_time(head->turns));
    imager_committed(head->imager, head->view, journal_committed(head->journal));
    while (imager_is_busy(head->imager) && clock_ms() < until_ms)
        if (!image_wait(head))
            return;
}

void head_close(struct head *head)
{
    if (head == NULL)
        return;
    /* What was taken in is committed, and done, before the end; nothing new is read. */
    shell_settle(head, clock_ms() + SETTLE_MS);
    image_last(head);
    setup_close(head);
    if (head->committing != NULL)
        turns_free(head->turns); /* now that the journal, which had its bytes, is gone */
    free(head);
}
