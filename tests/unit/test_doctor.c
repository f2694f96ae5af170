/* links: client head */
/* What `assay doctor` says: of the head (head/checkup.h), of its Redis (head/gauge.h), of clocks.
 */
#include <string.h>

#include "client/doctor.h"
#include "head/checkup.h"
#include "head/gauge.h"
#include "tests/lib/run_suite.h"

static struct arena arena;
static struct checkup_facts facts;
static struct doctor *doctor;

/* A head of which nothing is to be said. */
static void setup(void)
{
    const struct checkup_count empty = {0, 1000};

    arena_init(&arena);
    facts = (struct checkup_facts){.worth = "an acknowledgement is on Redis's disk",
                                   .advice = "",
                                   .on_disk = true,
                                   .why = "",
                                   .redis_known = true,
                                   .redis_memory = {1 << 20, 1 << 30},
                                   .data_dir = "/d",
                                   .disk = {1ull << 30, 1ull << 40},
                                   .files = {0, 65536},
                                   .blobs = empty,
                                   .blob_count = empty,
                                   .principals = empty,
                                   .tokens = empty,
                                   .experiments = empty,
                                   .workers = empty};
    doctor = arena_alloc(&arena, sizeof(*doctor));
    *doctor = (struct doctor){.arena = &arena};
}

static void teardown(void)
{
    arena_fini(&arena);
}

/* The only line that is not well, or the one of that subject; NULL: all are well. */
static const struct msg_finding *look(const char *subject)
{
    const struct msg_finding *found = NULL;
    const struct msg_finding *rows;
    struct record_list list;

    checkup_make(&facts, &arena, &list);
    rows = list.items;
    for (uint32_t i = 0; i < list.count; i++) {
        ck_assert_uint_eq(rows[i].mend.size > 0, rows[i].grade != FINDING_OK);
        ck_assert_uint_gt(rows[i].text.size, 0);
        if (rows[i].grade == FINDING_OK)
            continue;
        ck_assert_ptr_null(found);
        ck_assert_msg(span_is(rows[i].subject, subject), "%.*s", SPAN(rows[i].subject));
        found = &rows[i];
    }
    return found;
}

static void expect(const char *subject, enum finding_grade grade, const char *text)
{
    const struct msg_finding *found = look(subject);

    ck_assert_ptr_nonnull(found);
    ck_assert_uint_eq(found->grade, grade);
    ck_assert_msg(strstr(arena_text(&arena, found->text), text) != NULL, "%.*s", SPAN(found->text));
}

START_TEST(a_head_that_is_well_is_well)
{
    ck_assert_ptr_null(look(""));
    facts.redis_memory.most = 0; /* without a limit */
    ck_assert_ptr_null(look(""));
}
END_TEST

START_TEST(an_acknowledgement_that_is_worth_less_is_told)
{
    facts.on_disk = false;
    facts.worth = "an acknowledgement is in Redis's memory only";
    facts.advice = "CONFIG SET appendonly yes";
    expect("acknowledgements", FINDING_WARNING, "memory only");
}
END_TEST

START_TEST(a_log_that_takes_nothing_is_told_with_its_reason)
{
    facts.stalled = true;
    facts.why = "OOM command not allowed";
    expect("log", FINDING_ERROR, "OOM command");
}
END_TEST

START_TEST(a_redis_that_fills_or_fails_is_told)
{
    facts.redis_memory = (struct checkup_count){69, 100};
    ck_assert_ptr_null(look(""));
    facts.redis_memory.used = 70;
    expect("Redis", FINDING_WARNING, "of at most");
    facts.redis_memory.used = 90;
    expect("Redis", FINDING_ERROR, "of at most");
    facts.redis_file_fails = true;
    expect("Redis", FINDING_ERROR, "append-only");
    facts.redis_known = false;
    expect("Redis", FINDING_WARNING, "has not said");
}
END_TEST

START_TEST(a_disk_that_fills_is_told)
{
    facts.disk.used = facts.disk.most - (1ull << 30);
    ck_assert_ptr_null(look(""));
    facts.disk.used++;
    expect("data directory", FINDING_WARNING, "1023 MiB free");
    facts.disk.used = facts.disk.most - (1ull << 20);
    expect("data directory", FINDING_ERROR, "/d: 1 MiB free");
    facts.disk = (struct checkup_count){0, 0};
    expect("data directory", FINDING_WARNING, "cannot be looked at");
}
END_TEST

/* Where they are not in the data directory. */
START_TEST(the_disk_of_checkpoints_is_told)
{
    facts.checkpoint_dir = "/c";
    facts.checkpoint_disk = (struct checkup_count){1ull << 30, 1ull << 40};
    ck_assert_ptr_null(look(""));
    facts.checkpoint_disk.used = facts.checkpoint_disk.most - (1ull << 20);
    expect("checkpoints", FINDING_ERROR, "/c: 1 MiB free");
    facts.checkpoint_disk = (struct checkup_count){0, 0};
    expect("checkpoints", FINDING_WARNING, "/c: its disk cannot be looked at");
}
END_TEST

START_TEST(each_limit_that_is_near_is_named)
{
    const struct {
        struct checkup_count *count;
        const char *subject;
    } counts[] = {
        {&facts.blob_count, "code trees' number"},
        {&facts.principals, "keys that were let in"},
        {&facts.tokens, "tokens"},
        {&facts.experiments, "experiments that run"},
        {&facts.workers, "workers"},
    };

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        counts[i].count->used = 699;
        ck_assert_ptr_null(look(""));
        counts[i].count->used = 700;
        expect(counts[i].subject, FINDING_WARNING, "700 of at most 1000");
        counts[i].count->used = 1000;
        expect(counts[i].subject, FINDING_ERROR, "1000 of at most 1000");
        counts[i].count->used = 0;
    }
    facts.blobs = (struct checkup_count){7ull << 30, 8ull << 30};
    expect("code trees", FINDING_WARNING, "7168 MiB of at most 8192 MiB");
}
END_TEST

START_TEST(what_else_is_wrong_with_a_head_is_told)
{
    facts.keys_why = "others may read or change it";
    expect("keys", FINDING_ERROR, "/d/keys: others may");
    facts.keys_why = NULL;
    facts.files.most = 1024;
    expect("open files", FINDING_WARNING, "1024");
    facts.files.most = 65536;
    facts.results_missing = true;
    expect("results", FINDING_ERROR, "not all files");
    facts.results_missing = false;
    facts.code_missing = 2;
    expect("code trees", FINDING_ERROR, "2 of experiments that run");
}
END_TEST

START_TEST(a_redis_says_how_full_it_is)
{
    struct gauge_reading reading;

    gauge_parse(
        "# Memory\r\nused_memory:1048576\r\nused_memory_human:1.00M\r\nmaxmemory:3145728\r\n"
        "maxmemory_policy:noeviction\r\naof_last_write_status:ok\r\n",
        &reading);
    ck_assert_uint_eq(reading.used_bytes, 1048576);
    ck_assert_uint_eq(reading.limit_bytes, 3145728);
    ck_assert(!reading.file_fails);
    gauge_parse("aof_last_write_status:err\r\nused_memory:7", &reading);
    ck_assert_uint_eq(reading.used_bytes, 7);
    ck_assert_uint_eq(reading.limit_bytes, 0);
    ck_assert(reading.file_fails);
    gauge_parse("", &reading);
    ck_assert_uint_eq(reading.used_bytes, 0);
    ck_assert(!reading.file_fails);
}
END_TEST

START_TEST(clocks_that_differ_are_told)
{
    static const struct {
        uint64_t head_ms;
        enum finding_grade grade;
        const char *text;
    } rows[] = {
        {10000, FINDING_OK, "the same"},         {10400, FINDING_OK, "the same"},
        {8000, FINDING_OK, "the same"},          {12500, FINDING_OK, "the same"},
        {7999, FINDING_WARNING, "2.0 s behind"}, {12501, FINDING_WARNING, "2.0 s before"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        doctor_clock(doctor, rows[i].head_ms, 10000, 10500);
        ck_assert_uint_eq(doctor->rows[i].grade, rows[i].grade);
        ck_assert_msg(strstr(arena_text(&arena, doctor->rows[i].text), rows[i].text) != NULL,
                      "%.*s", SPAN(doctor->rows[i].text));
    }
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("doctor");
    TCase *tcase = tcase_create("doctor");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_head_that_is_well_is_well);
    tcase_add_test(tcase, an_acknowledgement_that_is_worth_less_is_told);
    tcase_add_test(tcase, a_log_that_takes_nothing_is_told_with_its_reason);
    tcase_add_test(tcase, a_redis_that_fills_or_fails_is_told);
    tcase_add_test(tcase, a_disk_that_fills_is_told);
    tcase_add_test(tcase, the_disk_of_checkpoints_is_told);
    tcase_add_test(tcase, each_limit_that_is_near_is_named);
    tcase_add_test(tcase, what_else_is_wrong_with_a_head_is_told);
    tcase_add_test(tcase, a_redis_says_how_full_it_is);
    tcase_add_test(tcase, clocks_that_differ_are_told);
    suite_add_tcase(suite, tcase);
    return suite;
}
