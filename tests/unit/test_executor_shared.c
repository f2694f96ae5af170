/* links: executor */
/* Checkpoints of a node that sees the head's folder: placed there and read there, and what happens
 * where that does not go well. */
#include <dirent.h>
#include <sys/stat.h>

#include "tests/unit/executor_store.h"

static char seen[96]; /* the executor's word for the folder */

static void setup(void)
{
    static char made[96];
    char placed[128];

    (void)strcpy(made, "/tmp/assay-shared-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(made));
    (void)snprintf(placed, sizeof(placed), "%s/placed", made);
    ck_assert_int_eq(mkdir(placed, 0700), 0);
    shared = made;
    (void)strcpy(seen, made);
    driver.checkpoints = seen;
    executor_setup();
    driver.other = store_hear;
}

static void teardown(void)
{
    executor_teardown();
    store_empty();
    ck_assert_int_eq(fs_remove_tree(seen), 0);
}

/* Files in the folder where blobs are placed. */
static uint32_t placed_files(void)
{
    char path[128];
    const struct dirent *entry;
    uint32_t count = 0;
    DIR *dir;

    (void)snprintf(path, sizeof(path), "%s/placed", seen);
    dir = opendir(path);
    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir)) != NULL)
        count += entry->d_name[0] != '.';
    ck_assert_int_eq(closedir(dir), 0);
    return count;
}

START_TEST(a_save_sends_no_bytes)
{
    const struct heard *heard = run_command("sh -c '" ONE "'");

    ck_assert_uint_eq(heard->reason, END_COMPLETED);
    ck_assert_uint_eq(heard->checkpoints, 1);
    ck_assert_uint_eq(heard->checkpoint.bytes, 2);
    ck_assert_uint_eq(placed_count, 2); /* the chunk and the list */
    ck_assert_uint_eq(put_count, 0);
    ck_assert_uint_eq(placed_files(), 0);
    for (const struct kept *kept = store; kept != NULL; kept = kept->next) {
        struct stat status;

        ck_assert_int_eq(stat(shared_path("", span_of(kept->hash, LIMIT_HASH_BYTES)), &status), 0);
        ck_assert_uint_eq(status.st_mode & 07777, 0600);
    }
}
END_TEST

START_TEST(what_is_there_is_not_placed_again)
{
    const struct heard *heard =
        run_command("sh -c 'cd $ASSAY_CHECKPOINT_DIR && mkdir c && echo 5 > c/f && assay report "
                    "v=1 --checkpoint c && echo 6 > c/g && "
                    "assay report v=2 --checkpoint c'");

    ck_assert_uint_eq(heard->checkpoints, 2);
    ck_assert_uint_eq(placed_count, 4); /* f and a list, g and a list */
    ck_assert_uint_eq(put_count, 0);
}
END_TEST

/* The second trial goes on from what the first has saved. */
static const struct heard *go_on_whole(void)
{
    const struct heard *heard = &driver.heard[2];

    go_on();
    UNTIL(heard->vacated);
    ck_assert_uint_eq(heard->reason, END_COMPLETED);
    ck_assert_double_eq(heard->metric, 5);
    ck_assert_int_eq(heard->iteration, 8);
    return heard;
}

START_TEST(an_attempt_goes_on_without_a_byte)
{
    (void)run_command(EITHER);
    (void)go_on_whole();
    ck_assert_uint_eq(get_count, 0);
}
END_TEST

static void flip(const char *path)
{
    FILE *file = fopen(path, "r+");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fputc('~', file), '~');
    ck_assert_int_eq(fclose(file), 0);
}

/* In the folder; the head's own answer is right. */
START_TEST(what_is_wrong_there_is_asked_for)
{
    (void)run_command(EITHER);
    for (const struct kept *kept = store; kept != NULL; kept = kept->next)
        if (kept->bytes.size == 2)
            flip(shared_path("", span_of(kept->hash, LIMIT_HASH_BYTES)));
    (void)go_on_whole();
    ck_assert_uint_eq(get_count, 2);
}
END_TEST

START_TEST(what_is_missing_there_is_asked_for)
{
    (void)run_command(EITHER);
    for (const struct kept *kept = store; kept != NULL; kept = kept->next)
        ck_assert_int_eq(unlink(shared_path("", span_of(kept->hash, LIMIT_HASH_BYTES))), 0);
    (void)go_on_whole();
    ck_assert_uint_eq(get_count, 2);
}
END_TEST

/* And where the head has it no better, the checkpoint is broken, as without a folder. */
START_TEST(what_is_wrong_everywhere_is_broken)
{
    const struct heard *heard = &driver.heard[2];

    (void)run_command(EITHER);
    for (struct kept *kept = store; kept != NULL; kept = kept->next) {
        if (kept->bytes.size != 2)
            continue;
        flip(shared_path("", span_of(kept->hash, LIMIT_HASH_BYTES)));
        kept->bytes.data[0] ^= 1;
    }
    go_on();
    UNTIL(heard->vacated);
    ck_assert_uint_eq(heard->reason, END_CHECKPOINT);
    ck_assert_msg(strstr(heard->text, "not those of their hash") != NULL, "%s", heard->text);
    ck_assert_uint_eq(heard->results, 0);
}
END_TEST

/* It is another folder than the head's, or the head is one that knows of none. */
START_TEST(what_the_head_does_not_find_is_sent)
{
    const struct heard *heard;

    shared = NULL;
    heard = run_command("sh -c '" ONE "'");
    ck_assert_uint_eq(heard->reason, END_COMPLETED);
    ck_assert_uint_eq(heard->checkpoints, 1);
    ck_assert_uint_eq(placed_count, 2);
    ck_assert_uint_eq(put_count, 2);
}
END_TEST

/* Every save is another trial's, so that each is whole. */
#define SAVES 5u

/* After three of them it does without. */
START_TEST(what_is_never_found_is_not_placed_for_ever)
{
    shared = NULL;
    experiment(RUN_COMMAND,
               "sh -c 'cd $ASSAY_CHECKPOINT_DIR && mkdir c && echo $ASSAY_TRIAL_ID > c/f && "
               "echo assay: v=1 checkpoint=$PWD/c'",
               NULL, 0, "");
    for (uint32_t trial = 1; trial <= SAVES; trial++) {
        launch(trial, "{}", (double)INFINITY);
        UNTIL(driver.heard[trial].vacated);
        ck_assert_uint_eq(driver.heard[trial].checkpoints, 1);
    }
    ck_assert_uint_eq(placed_count, 2 * 3);
    ck_assert_uint_eq(put_count, 2 * SAVES);
}
END_TEST

/* As where it is not mounted. */
START_TEST(a_folder_that_is_not_there_is_done_without)
{
    const struct heard *heard;

    ck_assert_int_eq(fs_remove_tree(seen), 0);
    heard = run_command(EITHER);
    ck_assert_uint_eq(heard->checkpoints, 1);
    ck_assert_uint_eq(placed_count, 0);
    ck_assert_uint_eq(put_count, 2);
    (void)go_on_whole();
    ck_assert_uint_eq(get_count, 2);
    ck_assert_int_ne(access(seen, F_OK), 0); /* nor made */
}
END_TEST

/* It is told to stop while it is unpacked: nothing of that is left. */
START_TEST(one_that_is_unpacked_can_be_stopped)
{
    const struct heard *heard = &driver.heard[2];

    (void)run_command("sh -c 'if [ -n \"$ASSAY_RESTORE\" ]; then exec sleep 1000; fi; "
                      "cd $ASSAY_CHECKPOINT_DIR && mkdir -p c && truncate -s 256M c/f && "
                      "echo assay: v=1 checkpoint=$PWD/c'");
    go_on();
    settle();
    verdict(2, ACTION_STOP, 0);
    UNTIL(heard->vacated);
    ck_assert_uint_eq(heard->reason, END_STOPPED);
    ck_assert_uint_eq(get_count, 0);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("executor_shared");
    TCase *all = tcase_create("all");

    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, a_save_sends_no_bytes);
    tcase_add_test(all, what_is_there_is_not_placed_again);
    tcase_add_test(all, an_attempt_goes_on_without_a_byte);
    tcase_add_test(all, what_is_wrong_there_is_asked_for);
    tcase_add_test(all, what_is_missing_there_is_asked_for);
    tcase_add_test(all, what_is_wrong_everywhere_is_broken);
    tcase_add_test(all, what_the_head_does_not_find_is_sent);
    tcase_add_test(all, what_is_never_found_is_not_placed_for_ever);
    tcase_add_test(all, a_folder_that_is_not_there_is_done_without);
    tcase_add_test(all, one_that_is_unpacked_can_be_stopped);
    suite_add_tcase(suite, all);
    return suite;
}
