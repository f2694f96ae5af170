/* links: executor */
/* Native trials: forked, or linked into a program. */
#include <sodium.h>

#include "common/manifest.h"
#include "tests/unit/executor_rig.h"
#include "worker/executor/zygote_wire.h"

START_TEST(a_native_trial_stops_at_its_rule)
{
    experiment(RUN_NATIVE, "libsigmoid.so", "training_iteration", 10, "");
    for (uint32_t trial = 0; trial < 20; trial++)
        launch(trial, "{\"width\": 20, \"height\": 3}", (double)INFINITY);
    for (uint32_t trial = 0; trial < 20; trial++) {
        const struct heard *heard = &driver.heard[trial];

        UNTIL(heard->vacated && heard->ends == 1);
        ck_assert_msg(heard->reason == END_STOPPED, "%s", heard->text);
        ck_assert_uint_eq(heard->results, 10);
        ck_assert_uint_eq(heard->dones, 1);
        ck_assert_int_gt(heard->pid, 0);
    }
}
END_TEST

/* An experiment that was extended is said again, with other rules: this executor never heard that
 * it had ended. */
START_TEST(a_rule_that_came_later_counts)
{
    experiment(RUN_NATIVE, "libsigmoid.so", "training_iteration", 10, "");
    launch(1, "{\"width\": 20, \"height\": 3}", (double)INFINITY);
    UNTIL(driver.heard[1].vacated && driver.heard[1].ends == 1);
    ck_assert_uint_eq(driver.heard[1].results, 10);
    experiment(RUN_NATIVE, "libsigmoid.so", "training_iteration", 14, "");
    experiment(RUN_NATIVE, "libsigmoid.so", "training_iteration", 14, "");
    launch(2, "{\"width\": 20, \"height\": 3}", (double)INFINITY);
    UNTIL(driver.heard[2].vacated && driver.heard[2].ends == 1);
    ck_assert_msg(driver.heard[2].reason == END_STOPPED, "%s", driver.heard[2].text);
    ck_assert_uint_eq(driver.heard[2].results, 14);
}
END_TEST

START_TEST(a_linked_program_asks_for_its_configuration)
{
    char command[PATH_MAX + 16];

    (void)snprintf(command, sizeof(command), "%s/sigmoid", driver.bin);
    experiment(RUN_COMMAND, command, "episode_reward_mean", 2.9, "");
    launch(1, "{\"width\": 20, \"height\": 3}", (double)INFINITY);
    UNTIL(driver.heard[1].ends == 1);
    ck_assert_msg(driver.heard[1].reason == END_STOPPED, "%s", driver.heard[1].text);
    ck_assert_uint_eq(driver.heard[1].results, 41); /* tanh(41 / 20) * 3 is the first over 2.9 */
}
END_TEST

START_TEST(a_library_that_is_not_there)
{
    experiment(RUN_NATIVE, "libnothing.so", NULL, 0, "");
    launch(1, "{}", (double)INFINITY);
    launch(2, "{}", (double)INFINITY);
    UNTIL(driver.heard[1].ends == 1 && driver.heard[2].ends == 1);
    ck_assert_uint_eq(driver.heard[1].reason, END_START);
    ck_assert_ptr_nonnull(strstr(driver.heard[2].text, "libnothing.so"));
}
END_TEST

START_TEST(native_trials_die_with_the_executor)
{
    uint64_t until = clock_ms() + LIMIT_MS;
    int64_t pid;

    driver.horizon = 3;
    experiment(RUN_NATIVE, "libsigmoid.so", NULL, 0, "training_iteration");
    launch(1, "{}", 3);
    UNTIL(driver.heard[1].results == 3);
    pid = driver.heard[1].pid;
    driver.may_close = true;
    ck_assert_int_eq(kill(parent_of(parent_of(pid)), SIGKILL), 0);
    while (is_alive(pid) && clock_ms() < until)
        hear();
    ck_assert(!is_alive(pid));
    link_down();
}
END_TEST

/* The head has nothing of a checkpoint; or, as long as it is silent, says nothing. */
static bool silent;

static void nothing_there(const struct message *message)
{
    const struct msg_error error = {.code = ERROR_NOT_FOUND};

    ck_assert_int_eq((int)message->type, MSG_BLOB_GET);
    if (!silent)
        send_message(MSG_ERROR, message->request, &error);
}

/* One that waits for its checkpoint does not need it yet. */
START_TEST(who_waits_for_its_checkpoint_outlives_the_zygote)
{
    const uint8_t hash[LIMIT_HASH_BYTES] = {1};

    driver.horizon = 3;
    driver.other = nothing_there;
    silent = true;
    experiment(RUN_NATIVE, "libsigmoid.so", NULL, 0, "training_iteration");
    launch(1, "{}", 3);
    UNTIL(driver.heard[1].results == 3);
    launch_from(2, span_of(hash, sizeof(hash)));
    settle();
    ck_assert_int_eq(kill(parent_of(driver.heard[1].pid), SIGKILL), 0);
    UNTIL(driver.heard[1].vacated);
    ck_assert_uint_eq(driver.heard[1].reason, END_EXECUTOR_LOST);
    settle();
    ck_assert_uint_eq(driver.heard[2].ends, 0);
    link_down();
    silent = false;
    link_up(); /* it asks again */
    UNTIL(driver.heard[2].vacated);
    ck_assert_uint_eq(driver.heard[2].reason, END_CHECKPOINT);
}
END_TEST

/* The list of a checkpoint that is a folder with a folder in it. */
static struct buf list;

static void list_give(const struct message *message)
{
    const struct msg_blob_get *get = message->body;
    struct msg_blob_chunk chunk = {.hash = get->hash, .total = list.size, .bytes = buf_span(&list)};

    ck_assert_int_eq((int)message->type, MSG_BLOB_GET);
    send_message(MSG_BLOB_CHUNK, message->request, &chunk);
}

/* It has a thread when it is opened; its trial looks for what it goes on from. */
static const char threaded[] = "#include <pthread.h>\n"
                               "#include <stdio.h>\n"
                               "#include <stdlib.h>\n"
                               "#include <unistd.h>\n"
                               "static void *wait(void *none) { for (;;) pause(); return none; }\n"
                               "__attribute__((constructor)) static void begin(void)\n"
                               "{ pthread_t thread; pthread_create(&thread, NULL, wait, NULL); }\n"
                               "int " ZYGOTE_ENTER "(void)\n"
                               "{ char path[4096]; const char *dir = getenv(\"ASSAY_RESTORE\");\n"
                               "  snprintf(path, sizeof(path), \"%s/d\", dir ? dir : \"\");\n"
                               "  return access(path, F_OK) == 0 ? 0 : 3; }\n";

static const char *threaded_build(void)
{
    static char library[96];
    char command[256];
    FILE *compiler;

    (void)snprintf(library, sizeof(library), "%s/threaded.so", driver.dir);
    (void)snprintf(command, sizeof(command), "cc -shared -fPIC -pthread -x c -o %s -", library);
    compiler = popen(command, "w");
    ck_assert_ptr_nonnull(compiler);
    ck_assert_int_ge(fputs(threaded, compiler), 0);
    ck_assert_int_eq(pclose(compiler), 0);
    return library;
}

/* It is started once more, with the checkpoint that it has by then. */
START_TEST(a_library_with_threads_finds_its_checkpoint)
{
    const struct manifest_entry folder = {.path = span_text("d"), .folder = true, .mode = 0755};
    const struct heard *heard = &driver.heard[1];
    uint8_t hash[LIMIT_HASH_BYTES];

    manifest_begin(&list, 1);
    manifest_add(&list, &folder);
    (void)crypto_generichash(hash, sizeof(hash), list.data, list.size, NULL, 0);
    driver.other = list_give;
    experiment(RUN_NATIVE, threaded_build(), NULL, 0, "");
    launch_from(1, span_of(hash, sizeof(hash)));
    UNTIL(heard->vacated && heard->ends == 1);
    ck_assert_msg(heard->reason == END_COMPLETED, "%s", heard->text);
    UNTIL(strstr(heard->output[1], "starts threads") != NULL);
    buf_fini(&list);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("executor_native");
    TCase *t = executor_case("native");

    tcase_add_test(t, a_native_trial_stops_at_its_rule);
    tcase_add_test(t, a_rule_that_came_later_counts);
    tcase_add_test(t, a_linked_program_asks_for_its_configuration);
    tcase_add_test(t, a_library_that_is_not_there);
    tcase_add_test(t, native_trials_die_with_the_executor);
    tcase_add_test(t, who_waits_for_its_checkpoint_outlives_the_zygote);
    tcase_add_test(t, a_library_with_threads_finds_its_checkpoint);
    suite_add_tcase(s, t);
    return s;
}
