/* links: assay_trainable sys */
/* The C interface of a trial's program; this test is its executor. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/trainable.h"
#include "common/buf.h"
#include "common/cursor.h"
#include "common/limits.h"
#include "common/pack.h"
#include "common/sys/fs.h"
#include "tests/lib/run_suite.h"

#define WITHOUT_LIMIT INT64_MAX
#define HEAD          5u /* of a frame */

static int ends[2]; /* the program's, ours */
static struct buf config, heard;

static void setup(void)
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    pack_map(&config, 4);
    pack_text(&config, "width");
    pack_int(&config, 20);
    pack_text(&config, "rate");
    pack_double(&config, 0.5);
    pack_text(&config, "net");
    pack_map(&config, 1);
    pack_text(&config, "layers");
    pack_list(&config, 2);
    pack_int(&config, 64);
    pack_text(&config, "last");
    pack_text(&config, "a.b");
    pack_bool(&config, true);
}

static void teardown(void)
{
    ck_assert_int_eq(close(ends[1]), 0);
    buf_fini(&config);
    buf_fini(&heard);
}

/* Run it to its end, and take in all it said. */
static int run(const struct assay_trainable *table, int (*function)(struct assay_trial *trial),
               long long go)
{
    int status = assay_trainable_run(table, function, config.data, config.size, "{}", ends[0], go);
    ssize_t got;

    ck_assert_int_eq(close(ends[0]), 0);
    while ((got = read(ends[1], buf_reserve(&heard, 65536), 65536)) > 0)
        heard.size += (size_t)got;
    return status;
}

/* How many frames of a kind it said; *item is the last one's item, where it has one. */
static unsigned frames(const char *kind, struct span *item)
{
    unsigned count = 0;

    for (size_t at = 0; at < heard.size;) {
        const uint8_t *head = heard.data + at;
        size_t size = (size_t)head[1] | (size_t)head[2] << 8 | (size_t)head[3] << 16;
        struct cursor cursor;
        struct span found;
        uint32_t items;

        ck_assert_uint_eq(head[0], 0xC1);
        cursor_init(&cursor, span_of(head + HEAD, size));
        ck_assert(cursor_list(&cursor, &items) && cursor_text(&cursor, &found));
        if (span_is(found, kind)) {
            count++;
            if (items > 1)
                ck_assert(cursor_skip(&cursor, item));
        }
        at += HEAD + size;
    }
    return count;
}

static int reads_configuration(struct assay_trial *trial)
{
    ck_assert_int_eq(assay_config_int(trial, "width", 1), 20);
    ck_assert_double_eq(assay_config_number(trial, "width", 1), 20);
    ck_assert_double_eq(assay_config_number(trial, "rate", 1), 0.5);
    ck_assert_int_eq(assay_config_int(trial, "rate", 1), 0);
    ck_assert_int_eq(assay_config_int(trial, "net.layers.0", 1), 64);
    ck_assert_str_eq(assay_config_text(trial, "net.layers.1", ""), "last");
    ck_assert_str_eq(assay_config_text(trial, "net.layers.2", "none"), "none");
    ck_assert_int_eq(assay_config_bool(trial, "a.b", 0), 1);
    ck_assert_int_eq(assay_config_int(trial, "a.b", 0), 1);
    /* One of another kind is missing, and what is said of it comes back as it is. */
    ck_assert_int_eq(assay_config_int(trial, "net", ((int64_t)1 << 53) + 1),
                     ((int64_t)1 << 53) + 1);
    ck_assert_double_eq(assay_config_number(trial, "net", 7), 7);
    return 0;
}

START_TEST(the_configuration_is_read)
{
    struct span item;

    ck_assert_int_eq(run(NULL, reads_configuration, WITHOUT_LIMIT), 0);
    ck_assert_uint_eq(frames("end", &item), 1);
}
END_TEST

static int reports_three(struct assay_trial *trial)
{
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(assay_report_number(trial, "v", i), 0);
    return 0;
}

START_TEST(reports_are_said)
{
    struct span item;

    ck_assert_int_eq(run(NULL, reports_three, WITHOUT_LIMIT), 0);
    ck_assert_uint_eq(frames("report", &item), 3);
    ck_assert_uint_eq(frames("end", &item), 1);
}
END_TEST

static int reports_until_told(struct assay_trial *trial)
{
    int count = 1;

    while (assay_report_number(trial, "v", count) == 0)
        count++;
    ck_assert_int_eq(count, 2);
    ck_assert_int_eq(assay_report_number(trial, "v", 9), 1);
    return 0;
}

START_TEST(it_waits_and_is_told_to_stop)
{
    static const uint8_t stop[] = "\xC1\x06\0\0\0\x91\xA4stop";
    struct span item;

    ck_assert_int_eq(write(ends[1], stop, sizeof(stop) - 1), sizeof(stop) - 1);
    ck_assert_int_eq(run(NULL, reports_until_told, 2), 0);
    ck_assert_uint_eq(frames("report", &item), 2);
}
END_TEST

static unsigned cleanups, trainings;
static int setup_status;

static int table_setup(struct assay_trial *trial, void **state)
{
    (void)trial;
    *state = &cleanups;
    return setup_status;
}

static int table_train(struct assay_trial *trial, void *state)
{
    (void)trial;
    ck_assert_ptr_eq(state, &cleanups);
    return ++trainings == 3 ? 1 : 0;
}

static void table_cleanup(struct assay_trial *trial, void *state)
{
    (void)trial;
    ck_assert_ptr_eq(state, &cleanups);
    cleanups++;
}

static const struct assay_trainable table = {
    .setup = table_setup, .train = table_train, .cleanup = table_cleanup};

static char folder[64];
static unsigned saves, restores;
static int save_status;

static int saving_train(struct assay_trial *trial, void *state)
{
    (void)state;
    return assay_report_number(trial, "v", 1) != 0 || assay_iteration(trial) == 7;
}

static int saving_save(struct assay_trial *trial, void *state, const char *dir)
{
    (void)trial;
    (void)state;
    ck_assert_int_eq(strncmp(dir, folder, strlen(folder)), 0);
    ck_assert_int_eq(access(dir, W_OK), 0);
    saves++;
    return save_status;
}

static int saving_restore(struct assay_trial *trial, void *state, const char *dir)
{
    (void)state;
    ck_assert_str_eq(dir, "/somewhere");
    ck_assert_str_eq(assay_restore_dir(trial), dir);
    ck_assert_int_eq(assay_iteration(trial), 3);
    restores++;
    return 0;
}

static const struct assay_trainable saving = {
    .train = saving_train, .save = saving_save, .restore = saving_restore};

/* What the executor says of checkpoints. */
static void checkpoints_setup(const char *freq, const char *at_end, const char *restore)
{
    (void)strcpy(folder, "/tmp/assay-saves-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)setenv("ASSAY_CHECKPOINT_DIR", folder, 1);
    if (freq != NULL)
        (void)setenv("ASSAY_CHECKPOINT_FREQ", freq, 1);
    if (at_end != NULL)
        (void)setenv("ASSAY_CHECKPOINT_AT_END", at_end, 1);
    if (restore != NULL) {
        (void)setenv("ASSAY_RESTORE", restore, 1);
        (void)setenv("ASSAY_RESTORE_ITERATION", "3", 1);
    }
}

START_TEST(a_table_saves_when_it_is_time)
{
    struct span item = {0};

    checkpoints_setup("3", NULL, NULL);
    ck_assert_int_eq(run(&saving, NULL, WITHOUT_LIMIT), 0);
    ck_assert_uint_eq(saves, 2); /* behind the third and the sixth */
    ck_assert_uint_eq(frames("saves", &item), 1);
    ck_assert_uint_eq(frames("checkpoint", &item), 2);
    ck_assert_uint_eq(restores, 0);
    ck_assert_int_eq(fs_remove_tree(folder), 0);
}
END_TEST

START_TEST(a_table_goes_on_and_saves_at_its_end)
{
    struct span item = {0};

    checkpoints_setup("3", "1", "/somewhere");
    ck_assert_int_eq(run(&saving, NULL, WITHOUT_LIMIT), 0);
    ck_assert_uint_eq(restores, 1);
    ck_assert_uint_eq(frames("report", &item), 4); /* 4, 5, 6, 7 */
    ck_assert_uint_eq(saves, 2);                   /* behind 6 and at the end */
    ck_assert_int_eq(fs_remove_tree(folder), 0);
}
END_TEST

START_TEST(a_table_without_restore_fails_where_there_is_something)
{
    static const struct assay_trainable half = {.train = saving_train, .save = saving_save};
    struct span item = {0};

    checkpoints_setup(NULL, NULL, "/somewhere");
    ck_assert_int_ne(run(&half, NULL, WITHOUT_LIMIT), 0);
    ck_assert_uint_eq(frames("error", &item), 1);
    ck_assert_uint_eq(frames("report", &item), 0);
    ck_assert_int_eq(fs_remove_tree(folder), 0);
}
END_TEST

START_TEST(a_save_that_fails_is_the_trials_failure)
{
    struct span item = {0};

    save_status = 1;
    checkpoints_setup("1", NULL, NULL);
    ck_assert_int_ne(run(&saving, NULL, WITHOUT_LIMIT), 0);
    ck_assert_uint_eq(frames("checkpoint", &item), 0);
    ck_assert_uint_eq(frames("error", &item), 1);
    ck_assert_int_eq(fs_remove_tree(folder), 0);
}
END_TEST

/* Said to it before it begins: it reads that where it has to wait. */
static void told(const char *kind)
{
    struct buf frame = {0};
    uint8_t head[HEAD] = {0xC1};

    pack_list(&frame, 1);
    pack_text(&frame, kind);
    head[1] = (uint8_t)frame.size;
    ck_assert_int_eq(write(ends[1], head, HEAD), HEAD);
    ck_assert_int_eq(write(ends[1], frame.data, frame.size), (ssize_t)frame.size);
    buf_fini(&frame);
}

START_TEST(a_table_that_is_to_be_paused_saves_and_leaves)
{
    struct span item = {0};

    checkpoints_setup(NULL, NULL, NULL);
    told("pause");
    ck_assert_int_eq(run(&saving, NULL, 1), 0);
    ck_assert_uint_eq(frames("report", &item), 1);
    ck_assert_uint_eq(saves, 1);
    ck_assert_uint_eq(frames("checkpoint", &item), 1);
    ck_assert_int_eq(fs_remove_tree(folder), 0);
}
END_TEST

static int asking_function(struct assay_trial *trial)
{
    for (int i = 0; i < 5; i++) {
        if (assay_report_number(trial, "v", i) != 0)
            return 0;
        if (!assay_save_wanted(trial))
            continue;
        ck_assert_ptr_nonnull(assay_save_begin(trial));
        saves++;
        if (assay_save_end(trial) != 0)
            return 0;
    }
    return 0;
}

START_TEST(a_function_is_paused_where_it_asks)
{
    struct span item = {0};

    checkpoints_setup(NULL, NULL, NULL);
    told("pause");
    ck_assert_int_eq(run(NULL, asking_function, 1), 0);
    ck_assert_uint_eq(frames("report", &item), 1);
    ck_assert_uint_eq(frames("checkpoint", &item), 1);
    ck_assert_int_eq(fs_remove_tree(folder), 0);
}
END_TEST

START_TEST(a_table_is_run_until_it_is_done)
{
    setup_status = 0;
    ck_assert_int_eq(run(&table, NULL, WITHOUT_LIMIT), 0);
    ck_assert_uint_eq(trainings, 3);
    ck_assert_uint_eq(cleanups, 1);
}
END_TEST

START_TEST(a_setup_that_fails_fails_the_trial)
{
    struct span item;

    setup_status = 1;
    ck_assert_int_eq(run(&table, NULL, WITHOUT_LIMIT), 1);
    ck_assert_uint_eq(trainings, 0);
    ck_assert_uint_eq(cleanups, 1);
    ck_assert_uint_eq(frames("end", &item), 0);
}
END_TEST

static int fails(struct assay_trial *trial)
{
    char why[3 * LIMIT_RESULT_BYTES];

    memset(why, 'x', sizeof(why));
    why[sizeof(why) - 1] = '\0';
    memcpy(why, "caf\xE9", 4);
    assay_fail(trial, why);
    return 0;
}

START_TEST(a_reason_can_always_be_read)
{
    static const struct cursor_limits limits = {2, 10, LIMIT_END_TEXT};
    struct span item;

    ck_assert_int_eq(run(NULL, fails, WITHOUT_LIMIT), 1);
    ck_assert_uint_eq(frames("error", &item), 1);
    ck_assert_int_eq(cursor_scan(item, &limits), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("trainable");
    TCase *t = tcase_create("trainable");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_configuration_is_read);
    tcase_add_test(t, reports_are_said);
    tcase_add_test(t, it_waits_and_is_told_to_stop);
    tcase_add_test(t, a_table_is_run_until_it_is_done);
    tcase_add_test(t, a_table_saves_when_it_is_time);
    tcase_add_test(t, a_table_goes_on_and_saves_at_its_end);
    tcase_add_test(t, a_table_without_restore_fails_where_there_is_something);
    tcase_add_test(t, a_save_that_fails_is_the_trials_failure);
    tcase_add_test(t, a_table_that_is_to_be_paused_saves_and_leaves);
    tcase_add_test(t, a_function_is_paused_where_it_asks);
    tcase_add_test(t, a_setup_that_fails_fails_the_trial);
    tcase_add_test(t, a_reason_can_always_be_read);
    suite_add_tcase(s, t);
    return s;
}
