#include "head/standby.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/redis/lead.h"
#include "common/redis/store.h"
#include "common/sys/clock.h"
#include "common/sys/log.h"
#include "common/sys/sig.h"
#include "head/pulse.h"
#include "head/replay.h"
#include "head/store/stream.h"

#define LOOK_MS   100
#define ANSWER_MS 2000u /* of Redis; then it is asked again */
#define BEGINS    8     /* at one go, of a log that is cut again and again while it is read */

struct standby {
    struct head *head;
    struct replay *replay; /* owned; NULL: it has not begun, or has to begin again */
    struct log_id read;    /* of the log, by the one before this */
    bool cut;              /* what is to be read behind that is not there ... */
    struct trouble why;    /* ... as was found out */
    struct log_id unread;  /* an image that did not come in whole; 0-0: none */
    struct store *store;   /* for what is not the log */
    struct pulse pulse;
    struct lead lead;
    bool told;     /* that it stands by, and for whom */
    bool away;     /* Redis does not answer, and that was said */
    int status;    /* to exit with; 0: go on */
    uint64_t lost; /* times that another one was faster */
};

static int refuse(struct standby *standby, const char *what, const char *why, const char *mend,
                  int status)
{
    log_error_for_people(what, why, mend);
    standby->status = status;
    return ERR_DENIED;
}

/* The rows that a head has; nobody is there to be told anything, and the files are not ours. */
static void followed(void *context, const struct replay_entry *entry)
{
    struct head *head = context;

    if (entry->takeover)
        return;
    shell_apply(head, entry->effects, true);
    turns_set_time(head->turns, entry->now_ms);
}

/* Redis does not answer, or not as it should: that may pass. */
static void say_away(struct standby *standby, const char *why)
{
    if (!standby->away)
        log_line(LOG_WARNING, "redis-away", "the log cannot be followed: %s", why);
    standby->away = true;
}

static struct log_id last_read(const struct standby *standby)
{
    return standby->replay != NULL ? replay_summary(standby->replay)->last : standby->read;
}

/* What fails now, and may go well later. */
static int failed(struct standby *standby, int err, const struct trouble *trouble)
{
    if (err == ERR_CLOSED || err == ERR_TIMEOUT || err == ERR_DENIED)
        say_away(standby, trouble->why);
    else if (err != ERR_AGAIN)
        (void)refuse(standby, trouble->what, trouble->why, trouble_mend_text(trouble), 2);
    return err;
}

/* The head that leads removes an image when it has made another one, which is looked for then. */
static int image_failed(struct standby *standby, int err, struct log_id id,
                        const struct trouble *trouble)
{
    bool before = log_id_compare(id, standby->unread) == 0;

    standby->unread = id;
    if (err == ERR_MALFORMED && id.epoch > 0 && !before)
        return ERR_AGAIN;
    return failed(standby, err, trouble);
}

/* Core and rows as the newest image has them; the log is followed behind it. What was cut off has
 * to be in it. */
static int begin(struct standby *standby)
{
    struct head *head = standby->head;
    struct imager_start start;
    struct trouble trouble;
    char id[LOG_ID_BYTES];
    int err;

    standby->status = setup_core(head);
    if (standby->status != 0)
        return ERR_IO;
    err = setup_image(head, false, &start, &trouble);
    if (err < 0)
        return image_failed(standby, err, start.id, &trouble);
    if (standby->cut && (!start.found || log_id_compare(start.id, standby->read) <= 0))
        return failed(standby, ERR_NOT_FOUND, &standby->why);
    standby->replay =
        replay_new(&head->redis, head->settings.name, start.found ? start.id : REPLAY_BEGINNING,
                   head->core, followed, head, ANSWER_MS);
    if (start.found)
        log_line(LOG_INFO, "image", "the log is followed behind image %.*s%s",
                 SPAN(log_id_print(start.id, id)),
                 standby->cut ? ": it was cut before it was read" : "");
    standby->cut = false;
    return 0;
}

/* Nothing goes on with a hole. */
static void was_cut(struct standby *standby, const struct trouble *why)
{
    standby->read = last_read(standby);
    standby->cut = true;
    standby->why = *why;
    replay_free(standby->replay);
    standby->replay = NULL;
}

static int read_log(struct standby *standby, struct log_id until)
{
    int err = ERR_AGAIN;

    for (int i = 0; i < BEGINS && err == ERR_AGAIN; i++) {
        struct trouble trouble;

        err = standby->replay == NULL ? begin(standby) : 0;
        if (err < 0)
            continue;
        err = replay_on(standby->replay, until, &trouble);
        if (err == ERR_NOT_FOUND) {
            was_cut(standby, &trouble);
            err = ERR_AGAIN;
        } else if (err < 0) {
            (void)failed(standby, err, &trouble);
        }
    }
    return err;
}

static int ask(struct standby *standby, struct redisReply **reply)
{
    int err = store_wait(standby->store, clock_ms() + ANSWER_MS, reply);

    if (err < 0)
        say_away(standby, store_error(standby->store));
    return err;
}

static int connect_store(struct standby *standby)
{
    int err = 0;

    if (!store_is_open(standby->store))
        err = store_connect(standby->store, clock_ms() + ANSWER_MS);
    if (err < 0)
        say_away(standby, store_error(standby->store));
    return err;
}

static int read_lead(struct standby *standby)
{
    struct redisReply *reply;
    int err = connect_store(standby);

    if (err < 0)
        return err;
    lead_ask(standby->store, standby->head->settings.name);
    err = ask(standby, &reply);
    if (err < 0)
        return err;
    err = lead_read(reply, &standby->lead);
    store_reply_free(reply);
    if (err == ERR_NOT_FOUND)
        return 0; /* nobody has led yet */
    if (err < 0)
        say_away(standby, "the hash of the head that leads cannot be read");
    return err;
}

/* Peers know the cluster by the head's key, and its owner by the admin's: with others, nobody would
 * follow us, or the owner's own key would end. */
static int check_keys(struct standby *standby)
{
    const struct head *head = standby->head;
    char fingerprint[KEY_FINGERPRINT];
    size_t count;
    const struct view_principal *all = view_principals(head->view, &count);

    key_fingerprint(head->keys.public_key, fingerprint);
    if (standby->lead.key[0] != '\0' && strcmp(standby->lead.key, fingerprint) != 0)
        return refuse(standby, "keys/head.key", "it is not the key of the head that leads there",
                      STANDBY_MEND, 2);
    for (size_t i = 0; i < count; i++)
        if (!all[i].revoked && strcmp(all[i].name, "admin") == 0 &&
            core_is_own(head->core, all[i].principal) &&
            memcmp(all[i].key, head->admin.public_key, KEY_BYTES) != 0)
            return refuse(standby, "keys/admin.key", "it is not the admin key of this cluster",
                          STANDBY_MEND, 2);
    return 0;
}

static void tell(struct standby *standby)
{
    const struct head *head = standby->head;

    if (standby->away)
        log_line(LOG_INFO, "redis-back", "the log is followed again");
    standby->away = false;
    if (standby->told)
        return;
    standby->told = true;
    (void)printf("assay head %s stands by: the head of epoch %llu, at %s, leads\n",
                 head->settings.name, (unsigned long long)last_read(standby).epoch,
                 standby->lead.endpoint[0] != '\0' ? standby->lead.endpoint : "an unknown place");
    (void)fflush(stdout);
}

/* Whether the log ends with the last entry that was read: it has forgotten nothing. ERR_AGAIN: it
 * ends behind that. */
static int check_top(struct standby *standby)
{
    struct log_id last = last_read(standby);
    char key[STORE_KEY_BYTES];
    struct redisReply *reply;
    struct log_id top = {0, 0};
    int err = connect_store(standby);

    if (err < 0)
        return err;
    stream_ask_top(standby->store, store_key(key, standby->head->settings.name, "log"));
    err = ask(standby, &reply);
    if (err < 0)
        return err;
    err = stream_read_top(reply, &top);
    store_reply_free(reply);
    if (err == ERR_DENIED) {
        say_away(standby, "the log's end cannot be asked for");
        return err;
    }
    if (err != ERR_MALFORMED && log_id_compare(top, last) >= 0)
        return log_id_compare(top, last) == 0 ? 0 : ERR_AGAIN;
    return refuse(standby, "AMNESIA", "the log ends before what was read of it",
                  "restore the data of this Redis, then start a head", STATUS_AMNESIA);
}

/* All of the log was read, or an image has what was cut off before it was. ERR_AGAIN: it grows, so
 * that somebody leads. */
static int check_all_read(struct standby *standby)
{
    struct log_id last = last_read(standby);
    struct trouble why = {0};
    char id[LOG_ID_BYTES];
    int err = check_top(standby);

    if (err != ERR_AGAIN)
        return err;
    err = read_log(standby, REPLAY_ALL);
    if (err < 0)
        return err;
    if (log_id_compare(last_read(standby), last) != 0)
        return ERR_AGAIN;
    (void)trouble_set(&why, ERR_NOT_FOUND, "log", "restore the data of this Redis from a backup",
                      "what stood behind entry %.*s was cut off, and no image has it",
                      SPAN(log_id_print(last, id)));
    was_cut(standby, &why);
    err = read_log(standby, REPLAY_ALL);
    return err < 0 ? err : check_top(standby);
}

/* One append, and what came before it. 1: this head leads; 0: it goes on to stand by. */
static int lead(struct standby *standby)
{
    struct head *head = standby->head;
    struct log_id last;
    struct log_id first;
    struct trouble trouble = {0};
    int err = check_all_read(standby);

    last = last_read(standby);
    if (err == 0)
        err = setup_claim(head, last.epoch + 1, &trouble);
    if (err == ERR_FENCED) {
        standby->lost++;
        log_line(LOG_INFO, "standby", "another head has taken over; this one stands by");
    } else if (err < 0 && standby->status == 0 && trouble.what[0] != '\0') {
        say_away(standby, trouble.why);
    }
    if (err < 0)
        return 0;
    first = journal_committed(head->journal);
    err = read_log(standby, first);
    if (err == 0 && log_id_compare(last_read(standby), first) == 0) {
        log_line(LOG_WARNING, "takeover",
                 "the head of epoch %llu has fallen silent; this one leads",
                 (unsigned long long)last.epoch);
        return 1;
    }
    if (standby->status == 0)
        (void)refuse(standby, "takeover", "the log could not be read to its end",
                     "look after this Redis, then start a head", 2);
    return 0;
}

static void on_signals(struct standby *standby)
{
    struct replay_summary summary = {.last = standby->read};
    int number;

    if (standby->replay != NULL)
        summary = *replay_summary(standby->replay);
    while ((number = sig_next(standby->head->signals)) != 0) {
        if (number == SIGUSR1)
            log_line(LOG_ERROR, "dump",
                     "standby last=%llu-%llu beat=%llu-%llu entries=%llu events=%llu away=%d "
                     "lost=%llu digest=%016llx",
                     (unsigned long long)summary.last.epoch, (unsigned long long)summary.last.n,
                     (unsigned long long)standby->lead.beat.epoch,
                     (unsigned long long)standby->lead.beat.n, (unsigned long long)summary.entries,
                     (unsigned long long)summary.events, standby->away,
                     (unsigned long long)standby->lost,
                     (unsigned long long)core_digest(standby->head->core));
        else if (number == SIGUSR2)
            log_toggle_debug();
        else
            standby->status = 128 + number;
    }
}

/* Whether the head that leads has fallen silent. */
static bool look(struct standby *standby)
{
    if (read_log(standby, REPLAY_ALL) < 0 || read_lead(standby) < 0 || check_keys(standby) < 0)
        return false;
    tell(standby);
    return pulse_look(&standby->pulse, clock_ms(), last_read(standby), standby->lead.beat);
}

int standby_follow(struct head *head)
{
    struct standby standby = {.head = head, .store = store_new(&head->redis)};
    struct pollfd wait = {.fd = head->signals, .events = POLLIN};
    bool leads = false;

    pulse_begin(&standby.pulse, clock_ms());
    while (!leads && standby.status == 0) {
        if (look(&standby)) {
            leads = lead(&standby) == 1;
            pulse_begin(&standby.pulse, clock_ms());
        } else {
            (void)poll(&wait, 1, LOOK_MS);
        }
        on_signals(&standby);
    }
    replay_free(standby.replay);
    store_free(standby.store);
    return standby.status;
}
