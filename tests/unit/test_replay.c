/* links: head store core */
#include <inttypes.h>
#include <stdlib.h>

#include "common/err.h"
#include "common/pack.h"
#include "head/entry.h"
#include "head/replay.h"
#include "tests/lib/redis_server.h"
#include "tests/lib/run_suite.h"

#define LOG    "assay:{test}:log"
#define NOW_MS 1555865693000u
#define AA     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define BB     "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct redis_server server;
static struct trouble trouble;
static struct replay_summary summary;
static struct core *live;
static struct tape tape;
static struct arena arena;
static struct effects effects;
static uint32_t turns_applied;

/* What a live head would have had; two launches and their ends are in it. */
static const char *const turns[][4] = {
    {"principal_add key=" AA " role=4 name=root", "principal_add key=" BB " role=1 name=n1", NULL},
    {"node_back principal=2 name=n1 hostname=h incarnation=1 capacity={cpu=20000} credit=8",
     "submit submission=01010101010101010101010101010101 principal=1 spec={\"name\":\"x\","
     "\"run\":{\"command\":\"true\"},\"num_samples\":2,\"config\":{\"x\":{\"uniform\":[0,1]}},"
     "\"search\":{\"type\":\"random\",\"seed\":1},\"local_dir\":\"/r\"}",
     NULL},
    {"node_lost node=2 reason=silent", NULL},
    {"node_back principal=2 name=n1 hostname=h incarnation=2 capacity={cpu=20000} credit=8", NULL},
};

#define TURNS (sizeof(turns) / sizeof(turns[0]))

static void add(const char *id, const char *field, struct span bytes)
{
    (void)REDIS_DO(&server.address, W("XADD"), W(LOG), W(id), W(field), bytes);
}

static void add_takeover(const char *id)
{
    (void)REDIS_DO(&server.address, W("XADD"), W(LOG), W(id), W("takeover"), W("a test"), W("boot"),
                   W("1"));
}

/* One turn of the live core as an entry. */
static void decide(const char *const *lines, uint64_t now_ms, struct buf *out)
{
    struct schema_error error;

    arena_reset(&arena);
    effects_reset(&effects);
    tape_record(&tape);
    entry_begin(out, now_ms);
    for (uint32_t i = 0;; i++) {
        struct event event;

        if (lines[i] == NULL) {
            core_place(live, now_ms, &tape, &effects);
            entry_end(out, i, buf_span(&tape.written));
            return;
        }
        ck_assert_int_eq(event_parse(lines[i], &arena, &event, &error), 0);
        event.now_ms = now_ms;
        event.origin = 1;
        ck_assert_int_eq(core_step(live, &event, &tape, &effects), CORE_ADMITTED);
        event_pack(&event, out);
    }
}

/* All turns, with a second head behind the second of them; skip: the one that is left out. */
static void write_log(size_t skip)
{
    struct buf bytes = {0};
    char id[LOG_ID_BYTES];

    add_takeover("1-0");
    for (size_t i = 0; i < TURNS; i++) {
        buf_reset(&bytes);
        decide(turns[i], NOW_MS + i * 1000, &bytes);
        if (i == 2)
            add_takeover("4-0");
        (void)log_id_print(i < 2 ? (struct log_id){1, i + 1} : (struct log_id){4, i - 1}, id);
        if (i != skip)
            add(id, "e", buf_span(&bytes));
    }
    buf_fini(&bytes);
}

static void setup(void)
{
    redis_server_start(&server, 0, (const char *const[]){"--appendonly", "no", NULL});
    live = core_new();
    tape_init(&tape);
    arena_init(&arena);
    effects_init(&effects, &arena);
    turns_applied = 0;
}

static void teardown(void)
{
    effects_fini(&effects);
    arena_fini(&arena);
    tape_fini(&tape);
    core_free(live);
    redis_server_stop(&server);
}

static void apply(void *context, const struct effects *done, uint64_t now_ms)
{
    ck_assert_ptr_eq(context, &turns_applied);
    ck_assert_uint_gt(done->count, 0);
    ck_assert_uint_eq(now_ms, NOW_MS + turns_applied * 1000);
    turns_applied++;
}

static int replay(struct core *core, struct log_id until)
{
    return replay_log(&server.address, "test", REPLAY_BEGINNING, until, core, apply, &turns_applied,
                      &summary, &trouble);
}

/* Must fail with err, saying words. */
static void replay_fails(int err, const char *words)
{
    struct core *core = core_new();

    ck_assert_int_eq(replay(core, (struct log_id){4, 2}), err);
    ck_assert_msg(strstr(trouble.why, words) != NULL, "%s", trouble.why);
    core_free(core);
}

START_TEST(a_replay_ends_in_the_same_state)
{
    struct core *core = core_new();
    int err;

    write_log(SIZE_MAX);
    err = replay(core, (struct log_id){4, 2});
    ck_assert_msg(err == 0, "%s", trouble.why);
    ck_assert_uint_eq(core_digest(core), core_digest(live));
    ck_assert_uint_eq(summary.entries, 4);
    ck_assert_uint_eq(summary.takeovers, 2);
    ck_assert_uint_eq(summary.events, 6);
    ck_assert_uint_eq(summary.launches, 4);
    ck_assert_uint_eq(turns_applied, 4);
    core_free(core);
}
END_TEST

static void no_watch(void *context, const struct replay_entry *entry)
{
    (void)context;
    (void)entry;
}

/* As a standby does: what came since it looked last, each entry once. */
START_TEST(a_log_is_followed_as_it_grows)
{
    struct core *core = core_new();
    struct replay *follower =
        replay_new(&server.address, "test", REPLAY_BEGINNING, core, no_watch, NULL, 0);
    struct buf bytes = {0};
    char id[LOG_ID_BYTES];

    ck_assert_int_eq(replay_on(follower, REPLAY_ALL, &trouble), 0);
    ck_assert_uint_eq(replay_summary(follower)->last.epoch, 0);
    add_takeover("1-0");
    for (size_t i = 0; i < TURNS; i++) {
        buf_reset(&bytes);
        decide(turns[i], NOW_MS + i * 1000, &bytes);
        add((const char *)log_id_print((struct log_id){1, i + 1}, id).data, "e", buf_span(&bytes));
        ck_assert_int_eq(replay_on(follower, REPLAY_ALL, &trouble), 0);
        ck_assert_uint_eq(core_digest(core), core_digest(live));
        ck_assert_int_eq(replay_on(follower, REPLAY_ALL, &trouble), 0);
        ck_assert_uint_eq(replay_summary(follower)->entries, i + 1);
        /* A connection that breaks costs nothing that was read. */
        (void)REDIS_DO(&server.address, W("CLIENT"), W("KILL"), W("TYPE"), W("normal"));
        (void)replay_on(follower, REPLAY_ALL, &trouble);
    }
    add("1-6", "e", W("behind a gap"));
    ck_assert_int_eq(replay_on(follower, REPLAY_ALL, &trouble), ERR_NOT_FOUND);
    ck_assert_uint_eq(replay_summary(follower)->last.n, TURNS);
    buf_fini(&bytes);
    replay_free(follower);
    core_free(core);
}
END_TEST

/* A takeover stands behind whatever is there: that nothing was cut off between it and what was read
 * only the images tell. */
START_TEST(a_takeover_behind_a_cut_is_no_next_entry)
{
    struct core *core = core_new();
    struct replay *follower =
        replay_new(&server.address, "test", REPLAY_BEGINNING, core, no_watch, NULL, 0);

    add_takeover("1-0");
    ck_assert_int_eq(replay_on(follower, REPLAY_ALL, &trouble), 0);
    add_takeover("2-0");
    (void)REDIS_DO(&server.address, W("HSET"), W("assay:{test}:head"), W("image:1-0"), W("whole"));
    ck_assert_int_eq(replay_on(follower, REPLAY_ALL, &trouble), 0);
    add_takeover("3-0");
    (void)REDIS_DO(&server.address, W("HSET"), W("assay:{test}:head"), W("image:2-9"), W(""));
    ck_assert_int_eq(replay_on(follower, REPLAY_ALL, &trouble), 0);
    add_takeover("4-0");
    (void)REDIS_DO(&server.address, W("HSET"), W("assay:{test}:head"), W("image:3-7"), W("whole"));
    ck_assert_int_eq(replay_on(follower, REPLAY_ALL, &trouble), ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(trouble.why, "between it and 3-0 may have been cut off"));
    ck_assert_uint_eq(replay_summary(follower)->last.epoch, 3);
    replay_free(follower);
    core_free(core);
}
END_TEST

START_TEST(an_empty_log_is_replayed)
{
    struct core *core = core_new();

    add_takeover("1-0");
    ck_assert_int_eq(replay(core, (struct log_id){1, 0}), 0);
    ck_assert_uint_eq(core_digest(core), core_digest(live));
    core_free(core);
}
END_TEST

START_TEST(a_replay_may_stop_early)
{
    struct core *core = core_new();

    write_log(SIZE_MAX);
    ck_assert_int_eq(replay(core, (struct log_id){1, 1}), 0);
    ck_assert_uint_eq(summary.entries, 1);
    ck_assert_uint_ne(core_digest(core), core_digest(live));
    core_free(core);
}
END_TEST

static void count_entry(void *context, const struct replay_entry *entry)
{
    uint64_t *seen = context;

    ck_assert_uint_eq(entry->id.n, *seen);
    (*seen)++;
}

START_TEST(many_pages_are_read)
{
    uint64_t seen = 0;
    char line[256];
    const char *const token[] = {line, NULL};
    struct core *core = core_new();
    struct buf bytes = {0};
    char id[LOG_ID_BYTES];

    add_takeover("1-0");
    for (uint64_t i = 1; i <= 300; i++) {
        buf_reset(&bytes);
        (void)snprintf(line, sizeof(line),
                       "token_create id=%016" PRIx64 " secret_hash=" AA
                       " role=1 uses=1 expires_ms=9999999999999 principal=1",
                       i);
        decide(i == 1 ? turns[0] : token, NOW_MS + i * 1000, &bytes);
        (void)log_id_print((struct log_id){1, i}, id);
        add(id, "e", buf_span(&bytes));
    }
    ck_assert_int_eq(replay_entries(&server.address, "test", REPLAY_BEGINNING, REPLAY_ALL, core,
                                    count_entry, &seen, &summary, &trouble),
                     0);
    ck_assert_uint_eq(seen, 301);
    ck_assert_uint_eq(summary.entries, 300);
    ck_assert_uint_eq(core_digest(core), core_digest(live));
    buf_fini(&bytes);
    core_free(core);
}
END_TEST

START_TEST(a_gap_stops_it)
{
    write_log(0);
    replay_fails(ERR_NOT_FOUND, "gap between it and 1-0");
}
END_TEST

START_TEST(a_log_without_its_beginning_stops_it)
{
    write_log(SIZE_MAX);
    ck_assert_int_eq(REDIS_DO(&server.address, W("XDEL"), W(LOG), W("1-0")), 1);
    replay_fails(ERR_NOT_FOUND, "beginning is missing");
}
END_TEST

START_TEST(a_log_without_its_end_is_amnesia)
{
    write_log(SIZE_MAX);
    ck_assert_int_eq(REDIS_DO(&server.address, W("XDEL"), W(LOG), W("4-2")), 1);
    replay_fails(ERR_AMNESIA, "ends with 4-1");
}
END_TEST

START_TEST(a_damaged_entry_stops_it)
{
    struct buf bytes = {0};

    add_takeover("1-0");
    decide(turns[0], NOW_MS, &bytes);
    bytes.data[bytes.size / 2] ^= 1;
    add("1-1", "e", buf_span(&bytes));
    buf_fini(&bytes);
    replay_fails(ERR_MALFORMED, "entry 1-1 of test: it is damaged");
}
END_TEST

START_TEST(foreign_content_stops_it)
{
    struct core *core = core_new();

    write_log(SIZE_MAX);
    add("4-3", "user", W("signed in"));
    ck_assert_int_eq(replay(core, (struct log_id){4, 3}), ERR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(trouble.why, "no head has written"));
    core_free(core);
}
END_TEST

/* The second turn's entry with something of it changed, under a CRC that fits. */
static void write_other_decision(uint32_t tape_byte, bool more_events)
{
    struct buf bytes = {0};
    struct buf other = {0};
    struct entry entry;

    add_takeover("1-0");
    decide(turns[0], NOW_MS, &bytes);
    add("1-1", "e", buf_span(&bytes));
    buf_reset(&bytes);
    decide(turns[1], NOW_MS + 1000, &bytes);
    ck_assert_int_eq(entry_read(buf_span(&bytes), &entry), 0);
    entry_begin(&other, entry.now_ms);
    buf_append_span(&other, entry.events);
    if (more_events)
        pack_nil(&other);
    if (tape_byte < entry.tape.size)
        ((uint8_t *)(uintptr_t)entry.tape.data)[entry.tape.size - 1 - tape_byte] ^= 1;
    else
        entry.tape.size -= 1;
    entry_end(&other, entry.count, entry.tape);
    add("1-2", "e", buf_span(&other));
    buf_fini(&bytes);
    buf_fini(&other);
}

START_TEST(another_decision_stops_it)
{
    write_other_decision(0, false);
    replay_fails(ERR_IO, "entry 1-2 of test: decided otherwise");
    ck_assert_uint_eq(summary.entries, 1);
}
END_TEST

START_TEST(a_shorter_tape_stops_it)
{
    write_other_decision(UINT32_MAX, false);
    replay_fails(ERR_IO, "entry 1-2 of test");
}
END_TEST

START_TEST(bytes_behind_the_events_stop_it)
{
    write_other_decision(UINT32_MAX, true);
    replay_fails(ERR_MALFORMED, "behind its events");
}
END_TEST

START_TEST(an_event_that_is_refused_now_stops_it)
{
    struct core *core = core_new();
    struct buf bytes = {0};
    struct schema_error error;
    struct event event;

    write_log(SIZE_MAX);
    entry_begin(&bytes, NOW_MS + 9000);
    ck_assert_int_eq(event_parse("drain node=77 on=true", &arena, &event, &error), 0);
    event_pack(&event, &bytes);
    entry_end(&bytes, 1, span_of(NULL, 0));
    add("4-3", "e", buf_span(&bytes));
    buf_fini(&bytes);
    ck_assert_int_eq(replay(core, (struct log_id){4, 3}), ERR_IO);
    ck_assert_ptr_nonnull(strstr(trouble.why, "refused now"));
    core_free(core);
}
END_TEST

START_TEST(other_rules_stop_it)
{
    struct buf bytes = {0};

    add_takeover("1-0");
    decide(turns[0], NOW_MS, &bytes);
    bytes.data[12 + 1 + 4] ^= 2;                   /* the rules' last byte */
    bytes.size -= 2 + tape.written.size;           /* without the tape and what says its size, */
    entry_end(&bytes, 2, buf_span(&tape.written)); /* which is then ended anew, with a new CRC */
    add("1-1", "e", buf_span(&bytes));
    buf_fini(&bytes);
    replay_fails(ERR_VERSION, "rules");
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("replay");
    TCase *tcase = tcase_create("replay");

    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_replay_ends_in_the_same_state);
    tcase_add_test(tcase, a_takeover_behind_a_cut_is_no_next_entry);
    tcase_add_test(tcase, an_empty_log_is_replayed);
    tcase_add_test(tcase, a_log_is_followed_as_it_grows);
    tcase_add_test(tcase, a_replay_may_stop_early);
    tcase_add_test(tcase, many_pages_are_read);
    tcase_add_test(tcase, a_gap_stops_it);
    tcase_add_test(tcase, a_log_without_its_beginning_stops_it);
    tcase_add_test(tcase, a_log_without_its_end_is_amnesia);
    tcase_add_test(tcase, a_damaged_entry_stops_it);
    tcase_add_test(tcase, foreign_content_stops_it);
    tcase_add_test(tcase, another_decision_stops_it);
    tcase_add_test(tcase, a_shorter_tape_stops_it);
    tcase_add_test(tcase, bytes_behind_the_events_stop_it);
    tcase_add_test(tcase, an_event_that_is_refused_now_stops_it);
    tcase_add_test(tcase, other_rules_stop_it);
    suite_add_tcase(suite, tcase);
    return suite;
}
