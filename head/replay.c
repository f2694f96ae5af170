#include "head/replay.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/err.h"
#include "common/redis/store.h"
#include "common/sys/clock.h"
#include "common/xalloc.h"
#include "head/entry.h"
#include "head/store/images.h"
#include "head/store/stream.h"

#define ANSWER_MS  30000u
#define PAGE_FIRST 16u
#define PAGE_MOST  2000u
#define PAGE_BYTES (4u << 20) /* of entries in one page, or one larger entry */

struct replay {
    struct store *store; /* owned */
    struct store *look;  /* owned; for what is asked while the next page is on its way */
    uint32_t answer_ms;
    const char *name;
    char key_bytes[STORE_KEY_BYTES];
    struct span key;
    struct log_id until;
    struct core *core;
    struct tape tape;
    struct arena arena;     /* of one entry */
    struct effects effects; /* of one entry */
    replay_entry_fn *watch;
    void *context;
    uint32_t page; /* entries to ask for */
    bool archived; /* the entry comes from an archive, whose files leave no hole */
    struct replay_summary summary;
    struct trouble *trouble;
};

__attribute__((format(printf, 4, 5))) static int
bad_entry(const struct replay *replay, int err, struct log_id id, const char *format, ...)
{
    char why[384];
    char text[LOG_ID_BYTES];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    (void)log_id_print(id, text);
    return trouble_set(replay->trouble, err, "log",
                       err == ERR_VERSION
                           ? "go on with the version of Assay that wrote it"
                           : "keep a copy of the data directory before anything else",
                       "entry %s of %s: %s", text, replay->name, why);
}

/* A takeover does not say behind which entry it stands. Nothing in between was cut off where no
 * image knows more than what was read: the log is cut behind one alone. */
static int check_uncut(struct replay *replay, struct log_id takeover)
{
    struct log_id last = replay->summary.last;
    struct log_id image;
    char text[LOG_ID_BYTES];
    bool found;
    int err = images_find(replay->look, replay->name, &found, &image, replay->trouble);

    if (err < 0)
        store_close(replay->look);
    if (err < 0 || !found || log_id_compare(image, last) <= 0)
        return err;
    (void)log_id_print(last, text);
    return bad_entry(replay, ERR_NOT_FOUND, takeover,
                     "what stood between it and %s may have been cut off", text);
}

/* Ids tell of every entry that is not there any more. */
static int check_order(struct replay *replay, const struct stream_entry *entry)
{
    struct log_id last = replay->summary.last;
    char text[LOG_ID_BYTES];

    /* Behind an image that is gone a later takeover would look like a beginning. */
    if (last.epoch == 0)
        return entry->takeover && entry->id.epoch == 1 && entry->id.n == 0
                   ? 0
                   : bad_entry(replay, ERR_NOT_FOUND, entry->id, "the log's beginning is missing");
    if (entry->takeover && entry->id.n == 0 && entry->id.epoch > last.epoch)
        return replay->archived ? 0 : check_uncut(replay, entry->id);
    if (!entry->takeover && entry->id.epoch == last.epoch && entry->id.n == last.n + 1)
        return 0;
    (void)log_id_print(last, text);
    return bad_entry(replay, ERR_NOT_FOUND, entry->id, "there is a gap between it and %s", text);
}

/* One event of the entry. 0, or ERR_IO where it is not admitted as it was. */
static int step_event(struct replay *replay, struct cursor *cursor, const struct replay_entry *turn,
                      struct event *event)
{
    int err = event_unpack(cursor, &replay->arena, event);
    uint32_t number = (uint32_t)replay->summary.events;

    if (err < 0)
        return bad_entry(replay, ERR_MALFORMED, turn->id, "event %u: %s", number, err_text(err));
    event->now_ms = turn->now_ms;
    event->origin = 0;
    if (core_step(replay->core, event, &replay->tape, &replay->effects) != CORE_ADMITTED)
        return bad_entry(replay, ERR_IO, turn->id, "event %u was admitted then, and is refused now",
                         number);
    replay->summary.events++;
    return 0;
}

static void count_effects(struct replay *replay)
{
    for (size_t i = 0; i < replay->effects.count; i++) {
        replay->summary.launches += replay->effects.items[i].type == EFFECT_LAUNCH;
        replay->summary.verdicts += replay->effects.items[i].type == EFFECT_VERDICT;
    }
}

static int check_tape(const struct replay *replay, struct log_id id)
{
    if (tape_ended_well(&replay->tape))
        return 0;
    return bad_entry(replay, ERR_IO, id, "decided otherwise: %s",
                     replay->tape.what[0] != '\0' ? replay->tape.what
                                                  : "less was decided than stands there");
}

static int decide_again(struct replay *replay, const struct entry *entry, struct replay_entry *turn)
{
    struct cursor cursor;
    struct event *events;
    int err = 0;

    turn->now_ms = entry->now_ms;
    turn->count = entry->count;
    if (entry->count > entry->events.size) /* each takes a byte at least */
        return bad_entry(replay, ERR_MALFORMED, turn->id, "it claims %u events", entry->count);
    events = arena_zalloc(&replay->arena, entry->count * sizeof(*events));
    turn->events = events;
    tape_replay(&replay->tape, entry->tape);
    cursor_init(&cursor, entry->events);
    for (uint32_t i = 0; err == 0 && i < entry->count; i++) {
        err = step_event(replay, &cursor, turn, &events[i]);
        if (err == 0 && replay->tape.diverged)
            err = check_tape(replay, turn->id);
    }
    if (err == 0 && cursor.at != cursor.end)
        err = bad_entry(replay, ERR_MALFORMED, turn->id, "bytes stand behind its events");
    if (err < 0)
        return err;
    core_place(replay->core, entry->now_ms, &replay->tape, &replay->effects);
    turn->effects = &replay->effects;
    count_effects(replay);
    return check_tape(replay, turn->id);
}

static int take_entry(struct replay *replay, const struct stream_entry *read)
{
    struct replay_entry turn = {.id = read->id, .takeover = read->takeover};
    struct entry entry;
    int err = check_order(replay, read);

    if (err < 0)
        return err;
    arena_reset(&replay->arena);
    effects_reset(&replay->effects);
    if (read->takeover) {
        turn.who = read->bytes;
        turn.effects = &replay->effects;
        replay->summary.takeovers++;
    } else {
        if (entry_read(read->bytes, &entry) < 0)
            return bad_entry(replay, ERR_MALFORMED, read->id, "it is damaged");
        if (entry.rules != CORE_RULES)
            return bad_entry(replay, ERR_VERSION, read->id,
                             "it was decided by rules %u, and this program has rules %u",
                             entry.rules, CORE_RULES);
        err = decide_again(replay, &entry, &turn);
        replay->summary.entries += err == 0;
    }
    if (err == 0) {
        replay->summary.last = read->id;
        replay->summary.bytes += read->bytes.size;
        replay->watch(replay->context, &turn);
    }
    return err;
}

/* So many entries that a page is a few megabytes. */
static void size_page(struct replay *replay, size_t bytes, int64_t count)
{
    size_t each = bytes / (size_t)count + 1;
    size_t page = PAGE_BYTES / each;

    if (page > replay->page * 4u)
        page = replay->page * 4u;
    replay->page = page < 1 ? 1 : page > PAGE_MOST ? PAGE_MOST : (uint32_t)page;
}

static struct log_id id_after(struct log_id id)
{
    if (id.n == UINT64_MAX)
        return (struct log_id){id.epoch + 1, 0};
    return (struct log_id){id.epoch, id.n + 1};
}

/* Finds what a page holds, and asks for the next one, so that Redis works while we do. */
static int prepare_page(struct replay *replay, const struct redisReply *reply, int64_t count)
{
    struct stream_entry entry = {.id = replay->summary.last};
    size_t bytes = 0;

    for (int64_t i = 0; i < count; i++) {
        if (stream_read_entry(reply, (size_t)i, &entry) < 0)
            return bad_entry(replay, ERR_MALFORMED, id_after(entry.id),
                             "there, or behind it, stands what no head has written");
        bytes += entry.bytes.size;
    }
    size_page(replay, bytes, count);
    stream_ask_range(replay->store, replay->key, id_after(entry.id), replay->until, replay->page);
    return store_flush(replay->store) == 0 ? 0
                                           : trouble_set(replay->trouble, ERR_CLOSED, "Redis", NULL,
                                                         "%s", store_error(replay->store));
}

/* The next page's entries; *more is false behind the last one. */
static int take_page(struct replay *replay, bool *more)
{
    struct redisReply *reply;
    struct stream_entry entry;
    int64_t count;
    int err = store_wait(replay->store, clock_ms() + replay->answer_ms, &reply);

    if (err < 0)
        return trouble_set(replay->trouble, err, "Redis", NULL, "%s", store_error(replay->store));
    count = stream_count(reply);
    *more = count > 0;
    if (count < 0) {
        struct span why = store_reply_text(reply);

        err = trouble_set(replay->trouble, ERR_DENIED, "log in Redis", NULL, "%.*s", SPAN(why));
    } else if (count > 0) {
        err = prepare_page(replay, reply, count);
    }
    for (int64_t i = 0; err == 0 && i < count; i++) {
        err = stream_read_entry(reply, (size_t)i, &entry);
        if (err == 0)
            err = take_entry(replay, &entry);
    }
    store_reply_free(reply);
    return err;
}

int replay_on(struct replay *replay, struct log_id until, struct trouble *trouble)
{
    bool more = true;
    int err = 0;

    replay->trouble = trouble;
    replay->until = until;
    replay->key = store_key(replay->key_bytes, replay->name, "log");
    if (!store_is_open(replay->store))
        err = store_connect(replay->store, clock_ms() + replay->answer_ms);
    if (err < 0)
        return trouble_set(trouble, err == ERR_AGAIN ? ERR_TIMEOUT : err, "Redis", NULL, "%s",
                           store_error(replay->store));
    stream_ask_range(replay->store, replay->key, id_after(replay->summary.last), until,
                     replay->page);
    while (err == 0 && more)
        err = take_page(replay, &more);
    if (err < 0)
        store_close(replay->store); /* the next page may have been asked for */
    return err;
}

int replay_take(struct replay *replay, const struct stream_entry *entry, struct trouble *trouble)
{
    int err;

    replay->trouble = trouble;
    replay->archived = true;
    err = take_entry(replay, entry);
    replay->archived = false;
    return err;
}

const struct replay_summary *replay_summary(const struct replay *replay)
{
    return &replay->summary;
}

struct replay *replay_new(const struct store_address *address, const char *name, struct log_id from,
                          struct core *core, replay_entry_fn *watch, void *context,
                          uint32_t answer_ms)
{
    struct replay *replay = xcalloc(1, sizeof(*replay));

    if (address != NULL) {
        replay->store = store_new(address);
        replay->look = store_new(address);
    }
    replay->answer_ms = answer_ms > 0 ? answer_ms : ANSWER_MS;
    replay->name = name;
    replay->core = core;
    replay->watch = watch;
    replay->context = context;
    replay->page = PAGE_FIRST;
    replay->summary.last = from;
    tape_init(&replay->tape);
    arena_init(&replay->arena);
    effects_init(&replay->effects, &replay->arena);
    return replay;
}

void replay_free(struct replay *replay)
{
    if (replay == NULL)
        return;
    effects_fini(&replay->effects);
    arena_fini(&replay->arena);
    tape_fini(&replay->tape);
    store_free(replay->store);
    store_free(replay->look);
    free(replay);
}

int replay_entries(const struct store_address *address, const char *name, struct log_id from,
                   struct log_id until, struct core *core, replay_entry_fn *watch, void *context,
                   struct replay_summary *out, struct trouble *trouble)
{
    struct replay *replay = replay_new(address, name, from, core, watch, context, 0);
    int err = replay_on(replay, until, trouble);

    *out = replay->summary;
    replay_free(replay);
    return err;
}

struct head_watch {
    replay_effects_fn *apply;
    void *context;
};

static void apply_turn(void *context, const struct replay_entry *entry)
{
    const struct head_watch *watch = context;

    if (!entry->takeover)
        watch->apply(watch->context, entry->effects, entry->now_ms);
}

int replay_log(const struct store_address *address, const char *name, struct log_id from,
               struct log_id until, struct core *core, replay_effects_fn *apply, void *context,
               struct replay_summary *out, struct trouble *trouble)
{
    struct head_watch watch = {apply, context};
    char last[LOG_ID_BYTES];
    char wanted[LOG_ID_BYTES];
    int err = replay_entries(address, name, from, until, core, apply_turn, &watch, out, trouble);

    if (err < 0 || log_id_compare(out->last, until) == 0)
        return err;
    (void)log_id_print(out->last, last);
    (void)log_id_print(until, wanted);
    return trouble_set(trouble, ERR_AMNESIA, "AMNESIA", "keep a copy of the data directory",
                       "the log of %s ends with %s, and %s was in it a moment ago", name, last,
                       wanted);
}
