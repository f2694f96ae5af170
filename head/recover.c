/* What the log and the image in front of it tell: core, rows and files as they were. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/clock.h"
#include "common/sys/log.h"
#include "head/replay.h"
#include "head/shell.h"
#include "head/sink/redo.h"

#define BEAT_LOOK_MS 50u /* between two looks whether a beat is due, while the log is read */

struct replaying {
    struct head *head;
    struct redo *redo;
    bool rows; /* core and rows are made, too, not the files alone */
    uint64_t beat_ms;
};

/* A long start must not look like a dead head to those that stand by. Waits where Redis has to say
 * first whether this head still leads: another one may be at the same files. */
static bool still_leads(struct head *head)
{
    uint64_t now_ms = clock_ms();
    uint64_t until_ms = now_ms + SETUP_MS;

    while (journal_poll(head->journal, now_ms) >= 0 &&
           journal_leads_until_ms(head->journal) <= now_ms && now_ms < until_ms) {
        struct pollfd wait = {.fd = journal_fd(head->journal), .events = POLLIN};

        (void)poll(&wait, 1, 10);
        now_ms = clock_ms();
    }
    return journal_leads_until_ms(head->journal) > now_ms;
}

static bool head_leads(void *context)
{
    return still_leads(context);
}

static void keep_lead(struct replaying *replaying)
{
    struct head *head = replaying->head;
    uint64_t now_ms = clock_ms();

    if (now_ms < replaying->beat_ms)
        return;
    replaying->beat_ms = now_ms + BEAT_LOOK_MS;
    if (!still_leads(head))
        sinks_abandon(head->sinks);
}

/* Effects of the log's entries make the rows again, and the sinks' files. */
static void replayed(void *context, const struct effects *effects, uint64_t now_ms)
{
    struct replaying *replaying = context;

    keep_lead(replaying);
    if (replaying->rows) {
        shell_apply(replaying->head, effects, true);
        turns_set_time(replaying->head->turns, now_ms);
    }
    redo_put(replaying->redo, effects);
}

/* The log behind `from` through a core, and into the files. */
static int replay_all(struct head *head, struct core *core, bool rows, struct log_id from,
                      struct replay_summary *summary)
{
    struct replaying replaying = {.head = head, .rows = rows};
    struct trouble trouble;
    uint64_t begun_ms = clock_ms();
    char id[LOG_ID_BYTES] = "the beginning";
    int state;
    int err;

    replaying.redo = redo_new(head->sinks);
    err = replay_log(&head->redis, head->settings.name, from, journal_committed(head->journal),
                     core, replayed, &replaying, summary, &trouble);
    redo_free(replaying.redo);
    if (err != 0)
        return setup_say(NULL, &trouble, 2);
    state = journal_poll(head->journal, clock_ms());
    if (state < 0)
        return shell_journal_failed(head, state);
    if (journal_leads_until_ms(head->journal) <= clock_ms()) {
        log_error_for_people("this head", "Redis did not answer while the log was read",
                             "start it again when Redis is well");
        return 2;
    }
    if (from.epoch > 0)
        (void)log_id_print(from, id);
    log_line(LOG_INFO, "replayed",
             "from %s: %llu entries, %llu events in %llu ms, all decided alike", id,
             (unsigned long long)summary->entries, (unsigned long long)summary->events,
             (unsigned long long)(clock_ms() - begun_ms));
    return 0;
}

/* What the archive has has to go on into the log, or it would have a gap. */
static int check_archive(struct head *head, const struct imager_start *start)
{
    struct archive_end end;
    struct store *store;
    struct trouble trouble;
    char id[LOG_ID_BYTES];
    int err;

    if (head->archive == NULL)
        return 0;
    end = archive_end(head->archive);
    store = store_new(&head->redis);
    err = archive_joins(&end, store, head->settings.name, start->id, &trouble);
    store_free(store);
    if (err < 0)
        return setup_say(NULL, &trouble, 2);
    (void)log_id_print(start->id, id);
    if (end.id.epoch == 0 && start->found)
        log_line(LOG_WARNING, "log-archive",
                 "it begins behind %s: what came before was cut, and assay replay will miss it",
                 id);
    return 0;
}

static void setup_imager(struct head *head, const struct imager_start *start, uint64_t tail)
{
    const struct imager_config config = {
        .address = &head->redis,
        .supervisor = head->redisd != NULL ? redisd_supervisor(head->redisd) : NULL,
        .name = head->settings.name,
        .epoch = journal_epoch(head->journal),
        .tail_bytes = head->settings.cuts ? head->settings.log_tail : UINT64_MAX,
        .shared = head->redisd == NULL,
        .sinks = head->sinks,
        .archive = head->archive,
    };

    head->imager = imager_new(&config, start->number, tail);
}

/* Which checkpoints the core of an image keeps. */
static void describe_checkpoints(struct head *head)
{
    struct arena arena = {0};
    struct effects effects;

    effects_init(&effects, &arena);
    core_describe(head->core, &effects);
    for (size_t i = 0; i < effects.count; i++)
        if (effects.items[i].type == EFFECT_CHECKPOINT)
            checkpoint_store_apply(head->checkpoints, &effects.items[i]);
    effects_fini(&effects);
    arena_fini(&arena);
}

/* The newest image, for the parts that are named. */
static struct imager_load load_of(struct head *head, struct core *core)
{
    return (struct imager_load){.address = &head->redis,
                                .name = head->settings.name,
                                .core = core,
                                .shared = head->redisd == NULL,
                                .leads = head_leads,
                                .context = head};
}

int setup_image(struct head *head, bool leads, struct imager_start *out, struct trouble *trouble)
{
    struct imager_load load = load_of(head, head->core);
    int err;

    load.view = head->view;
    if (leads) {
        load.epoch = journal_epoch(head->journal);
        load.sinks = head->sinks;
    }
    err = imager_load(&load, out, trouble);
    if (err < 0 || !out->found)
        return err;
    turns_set_time(head->turns, out->now_ms);
    describe_checkpoints(head);
    return 0;
}

/* What is to be said of an image that could not be loaded. */
static int refuse_image(struct head *head, int err, const struct trouble *trouble)
{
    int state = journal_poll(head->journal, clock_ms());

    if (state < 0)
        return shell_journal_failed(head, state);
    return setup_say(NULL, trouble,
                     err == ERR_FENCED    ? STATUS_FENCED
                     : err == ERR_AMNESIA ? STATUS_AMNESIA
                                          : 2);
}

int setup_replay(struct head *head)
{
    struct imager_start start = {0};
    struct replay_summary summary = {0};
    struct trouble trouble;
    int rc = setup_core(head);
    int err;

    if (rc != 0)
        return rc;
    err = setup_image(head, true, &start, &trouble);
    if (err < 0)
        return refuse_image(head, err, &trouble);
    rc = replay_all(head, head->core, true, start.found ? start.id : REPLAY_BEGINNING, &summary);
    checkpoint_store_settle(head->checkpoints, clock_ms());
    if (rc == 0)
        rc = check_archive(head, &start);
    if (rc == 0)
        setup_imager(head, &start, summary.bytes);
    return rc;
}

/* The log behind the image is read once more, through a core of its own. */
static int redo_files(struct head *head, struct core *core, struct imager_start *start,
                      struct replay_summary *summary)
{
    struct imager_load load = load_of(head, core);
    struct trouble trouble;
    int err;
    int rc;

    load.epoch = journal_epoch(head->journal);
    load.sinks = head->sinks;
    err = imager_load(&load, start, &trouble);
    if (err < 0)
        return refuse_image(head, err, &trouble);
    rc = replay_all(head, core, false, start->found ? start->id : REPLAY_BEGINNING, summary);
    if (rc != 0 || core_digest(core) == core_digest(head->core))
        return rc;
    log_error_for_people("log", "read once more it leads to another state",
                         "keep a copy of the data of this Redis before anything else");
    return 70;
}

int setup_files(struct head *head)
{
    struct imager_start start = {0};
    struct replay_summary summary = {0};
    struct core *core = core_new();
    int rc = redo_files(head, core, &start, &summary);

    core_free(core);
    /* What the head that led has put there since this one began to stand by. */
    if (rc == 0 && blobs_look_again(checkpoint_store_blobs(head->checkpoints)) != 0) {
        log_error_for_people(head->checkpoint_folder, strerror(errno), "see whether it is there");
        rc = 2;
    }
    checkpoint_store_settle(head->checkpoints, clock_ms());
    if (rc == 0)
        setup_imager(head, &start, summary.bytes);
    return rc;
}
