/* links: executor */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/fs.h"
#include "tests/lib/run_suite.h"
#include "worker/executor/spool.h"

static char dir[64], path[96];
static struct spool spool;

static void setup(void)
{
    (void)strcpy(dir, "/tmp/assay-spool-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/spool", dir);
    spool_init(&spool, path);
}

static void teardown(void)
{
    spool_fini(&spool);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_eq(fs_remove_tree(dir), 0);
}

/* Record number i: its number, then bytes that follow from it. */
static size_t record_make(uint64_t number, uint8_t *out)
{
    size_t size = 8 + number * 37 % 2000;

    memset(out, (int)(number & 0xff), size);
    memcpy(out, &number, sizeof(number));
    return size;
}

static void append(uint64_t from, uint64_t to)
{
    uint8_t record[4096];

    for (uint64_t i = from; i <= to; i++)
        spool_append(&spool, span_of(record, record_make(i, record)));
}

/* Takes everything that is there, looks at it, and says how far it went. */
static uint64_t take(uint64_t expected, uint32_t most_count)
{
    uint64_t first;
    uint32_t count;
    struct span bytes;

    while (spool_take(&spool, 100000, most_count, &first, &count, &bytes)) {
        const uint8_t *at = bytes.data;

        ck_assert_uint_eq(first, expected);
        ck_assert_uint_le(count, most_count);
        for (uint32_t i = 0; i < count; i++, expected++) {
            uint8_t record[4096];
            size_t size = record_make(expected, record);

            ck_assert_int_eq(memcmp(at, record, size), 0);
            at += size;
        }
        ck_assert_ptr_eq(at, (const uint8_t *)bytes.data + bytes.size);
    }
    return expected - 1;
}

START_TEST(records_come_out_in_order)
{
    append(1, 100);
    ck_assert_uint_eq(take(1, 7), 100);
    ck_assert(!spool_has_unsent(&spool));
    ck_assert_int_eq(spool_ack(&spool, 60), 0);
    append(101, 120);
    ck_assert_uint_eq(take(101, 1000), 120);
    spool_rewind(&spool);
    ck_assert_uint_eq(take(61, 1000), 120);
    ck_assert_int_eq(spool_ack(&spool, 120), 0);
    ck_assert(!spool_has_unsent(&spool));
    ck_assert_int_ne(access(path, F_OK), 0); /* no file was needed */
}
END_TEST

START_TEST(an_acknowledgement_covers_what_was_not_sent_again)
{
    append(1, 10);
    ck_assert_uint_eq(take(1, 100), 10);
    spool_rewind(&spool);
    ck_assert_int_eq(spool_ack(&spool, 4), 0);
    ck_assert_uint_eq(take(5, 100), 10);
    ck_assert_int_eq(spool_ack(&spool, 3), 0);  /* an old one */
    ck_assert_int_eq(spool_ack(&spool, 99), 0); /* more than there is */
    ck_assert_uint_eq(spool.acked, 10);
}
END_TEST

START_TEST(one_record_always_fits)
{
    uint8_t record[4096];
    uint64_t first;
    uint32_t count;
    struct span bytes;

    spool_append(&spool, span_of(record, record_make(9, record)));
    ck_assert(spool_take(&spool, 1, 10, &first, &count, &bytes));
    ck_assert_uint_eq(count, 1);
}
END_TEST

START_TEST(what_is_over_the_window_goes_through_the_file)
{
    uint64_t sent = 0;
    const uint64_t most = 20000; /* about 20 MB */

    append(1, most);
    ck_assert_int_ge(spool.fd, 0);
    ck_assert_int_ne(access(path, F_OK), 0); /* nobody has to clear it away */
    while (sent < most) {
        uint64_t now = take(sent + 1, 4096);

        ck_assert_uint_gt(now, sent);
        sent = now;
        ck_assert_int_eq(spool_ack(&spool, sent), 0);
    }
    append(most + 1, most + 5);
    ck_assert_uint_eq(take(most + 1, 4096), most + 5);
    ck_assert(!spool_full(&spool));
}
END_TEST

START_TEST(making_and_taking_mixed)
{
    uint64_t made = 0, sent = 0, acked = 0, state = 1;

    for (int turn = 0; turn < 3000; turn++) {
        uint64_t more;

        state = state * 6364136223846793005u + 1442695040888963407u;
        more = (state >> 40) % 30;
        append(made + 1, made + more);
        made += more;
        if ((state >> 50) % 4 == 0) {
            spool_rewind(&spool);
            sent = acked;
        }
        sent = take(sent + 1, 1 + (uint32_t)((state >> 33) % 50));
        if ((state >> 45) % 7 == 0) {
            acked += (sent - acked) / 2;
            ck_assert_int_eq(spool_ack(&spool, acked), 0);
        }
    }
    while (sent < made) {
        ck_assert_int_eq(spool_ack(&spool, sent), 0);
        sent = take(sent + 1, 4096);
    }
    ck_assert_uint_eq(spool.last, made);
}
END_TEST

/* Takes all there is, up to where the file gives nothing back; how far that was. */
static uint64_t take_until_damage(void)
{
    uint64_t sent = take(1, 4096);
    int err;

    while ((err = spool_ack(&spool, sent)) == 0 && spool_has_unsent(&spool))
        sent = take(sent + 1, 4096);
    ck_assert_int_eq(err, ERR_MALFORMED);
    ck_assert_uint_lt(sent, 5000);
    return take(sent + 1, 4096);
}

START_TEST(a_damaged_file_is_noticed)
{
    struct stat status;

    append(1, 5000);
    ck_assert_int_eq(fstat(spool.fd, &status), 0);
    ck_assert_int_eq(pwrite(spool.fd, "XXXX", 4, status.st_size / 2), 4);
    (void)take_until_damage();
}
END_TEST

START_TEST(a_damaged_length_is_noticed)
{
    append(1, 5000);
    ck_assert_int_eq(pwrite(spool.fd, "\xff\xff\xff\x7f", 4, 0), 4);
    (void)take_until_damage();
}
END_TEST

START_TEST(what_comes_behind_damage_has_the_next_number)
{
    uint64_t sent;

    append(1, 5000);
    ck_assert_int_eq(ftruncate(spool.fd, 100000), 0);
    sent = take_until_damage();
    ck_assert_uint_eq(spool.last, sent);
    append(sent + 1, sent + 3);
    ck_assert_uint_eq(take(sent + 1, 4096), sent + 3);
    ck_assert_int_eq(spool_ack(&spool, sent + 3), 0);
    ck_assert(!spool_has_unsent(&spool));
}
END_TEST

START_TEST(a_disk_that_takes_nothing_stops_the_program)
{
    uint64_t made = 0, sent = 0;

    ck_assert_int_eq(rmdir(dir), 0); /* there is nowhere to write */
    while (!spool_full(&spool)) {
        append(made + 1, made + 10);
        made += 10;
        ck_assert_uint_lt(made, 10000);
    }
    append(made + 1, made + 1); /* the END is taken all the same */
    made++;
    ck_assert_int_eq(mkdir(dir, 0700), 0);
    ck_assert(!spool_full(&spool));
    while (sent < made) {
        sent = take(sent + 1, 4096);
        ck_assert_int_eq(spool_ack(&spool, sent), 0);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("spool");
    TCase *t = tcase_create("spool");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, records_come_out_in_order);
    tcase_add_test(t, an_acknowledgement_covers_what_was_not_sent_again);
    tcase_add_test(t, one_record_always_fits);
    tcase_add_test(t, what_is_over_the_window_goes_through_the_file);
    tcase_add_test(t, making_and_taking_mixed);
    tcase_add_test(t, a_damaged_file_is_noticed);
    tcase_add_test(t, a_damaged_length_is_noticed);
    tcase_add_test(t, what_comes_behind_damage_has_the_next_number);
    tcase_add_test(t, a_disk_that_takes_nothing_stops_the_program);
    suite_add_tcase(s, t);
    return s;
}
