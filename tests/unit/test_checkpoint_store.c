/* links: head */
#include <check.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/manifest.h"
#include "common/sys/fs.h"
#include "head/checkpoint_store.h"
#include "tests/lib/run_suite.h"

static char root[64], folder[96];
static struct checkpoint_store *store;

static void setup(void)
{
    ck_assert_int_ge(sodium_init(), 0);
    (void)strcpy(root, "/tmp/assay-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    (void)snprintf(folder, sizeof(folder), "%s/checkpoints", root);
    store = checkpoint_store_open(folder);
    ck_assert_ptr_nonnull(store);
    checkpoint_store_settle(store, 0);
}

static void teardown(void)
{
    checkpoint_store_close(store);
    ck_assert_int_eq(fs_remove_tree(root), 0);
}

static const struct store_owner first = {1, 0, 1, 1};
static const struct store_owner second = {1, 0, 1, 2};

struct blob_name {
    uint8_t bytes[LIMIT_HASH_BYTES];
};

static struct span hash_of(const struct blob_name *name)
{
    return span_of(name->bytes, sizeof(name->bytes));
}

/* Bring a blob for an upload, as a worker does. */
static struct blob_name bring(const struct store_owner *owner, struct span bytes)
{
    struct blobs *blobs = checkpoint_store_blobs(store);
    struct pollfd sealed = {.fd = blobs_fd(blobs), .events = POLLIN};
    struct blob_name name;
    uint8_t hash[BLOB_HASH_BYTES];
    int err;

    (void)crypto_generichash(name.bytes, sizeof(name.bytes), bytes.data, bytes.size, NULL, 0);
    checkpoint_store_hold(store, owner, hash_of(&name));
    if (blobs_put(blobs, hash_of(&name), 0, bytes.size, bytes) == ERR_AGAIN) {
        ck_assert_int_eq(poll(&sealed, 1, 10000), 1);
        ck_assert(blobs_sealed(blobs, hash, &err));
        ck_assert_int_eq(err, 0);
    }
    return name;
}

static struct blob_name bring_text(const struct store_owner *owner, const char *text)
{
    return bring(owner, span_text(text));
}

/* A checkpoint of one file for each text. */
static struct blob_name bring_checkpoint(const struct store_owner *owner, const char *one,
                                         const char *other)
{
    const struct blob_name a = bring_text(owner, one);
    const struct blob_name b = bring_text(owner, other);
    struct buf manifest = {0};
    struct manifest_entry entry = {
        .path = span_text("a"), .mode = 0644, .size = strlen(one), .hashes = hash_of(&a)};
    struct blob_name name;

    manifest_begin(&manifest, 2);
    manifest_add(&manifest, &entry);
    entry.path = span_text("b");
    entry.size = strlen(other);
    entry.hashes = hash_of(&b);
    manifest_add(&manifest, &entry);
    name = bring(owner, buf_span(&manifest));
    buf_fini(&manifest);
    return name;
}

static void tell(const struct store_owner *owner, const struct blob_name *manifest, bool kept,
                 bool broken)
{
    struct effect effect = {.type = EFFECT_CHECKPOINT};

    effect.checkpoint = (struct effect_checkpoint){.experiment = owner->experiment,
                                                   .trial = owner->trial,
                                                   .attempt = owner->attempt,
                                                   .number = owner->number,
                                                   .manifest = hash_of(manifest),
                                                   .kept = kept,
                                                   .broken = broken};
    checkpoint_store_apply(store, &effect);
}

static void trial_is(uint32_t attempt, enum trial_state state)
{
    struct effect effect = {.type = EFFECT_TRIAL};

    effect.trial = (struct effect_trial){.experiment = 1, .attempt = attempt, .state = state};
    checkpoint_store_apply(store, &effect);
}

static bool has(const char *text)
{
    struct blob_name name;
    bool complete;

    (void)crypto_generichash(name.bytes, sizeof(name.bytes), (const uint8_t *)text, strlen(text),
                             NULL, 0);
    (void)blobs_have(checkpoint_store_blobs(store), hash_of(&name), &complete);
    return complete;
}

START_TEST(what_two_have_in_common_stays_for_the_second)
{
    const struct blob_name one = bring_checkpoint(&first, "same", "old");
    struct blob_name two;

    tell(&first, &one, true, false);
    two = bring_checkpoint(&second, "same", "new");
    tell(&second, &two, true, false);
    tell(&first, &one, false, false);
    ck_assert(has("same") && has("new") && !has("old"));
    tell(&second, &two, false, false);
    ck_assert(!has("same") && !has("new"));
    ck_assert_uint_eq(blobs_bytes(checkpoint_store_blobs(store)), 0);
}
END_TEST

/* The first goes while the second is being brought, which counts on what they share. */
START_TEST(an_upload_holds_what_it_asked_about)
{
    const struct blob_name one = bring_checkpoint(&first, "same", "old");
    struct blob_name same;

    tell(&first, &one, true, false);
    same = bring_text(&second, "same");
    tell(&first, &one, false, false);
    ck_assert(has("same") && !has("old"));
    ck_assert_uint_gt(hash_of(&same).size, 0);
    trial_is(1, TRIAL_RUNNING);
    ck_assert(has("same"));
    trial_is(2, TRIAL_STARTING);
    ck_assert_msg(!has("same"), "its attempt is over");
}
END_TEST

START_TEST(an_upload_that_came_to_nothing_leaves_nothing)
{
    (void)bring_checkpoint(&first, "a", "b");
    ck_assert(has("a") && has("b"));
    trial_is(1, TRIAL_PENDING);
    ck_assert(!has("a") && !has("b"));
    ck_assert_uint_eq(blobs_bytes(checkpoint_store_blobs(store)), 0);
}
END_TEST

/* What the head kept before it was started again is known by its log alone. */
START_TEST(a_restart_knows_what_is_needed)
{
    const struct blob_name one = bring_checkpoint(&first, "same", "old");
    const struct blob_name two = bring_checkpoint(&second, "same", "new");

    tell(&first, &one, true, false);
    tell(&second, &two, true, false);
    (void)bring_text(&(struct store_owner){1, 1, 1, 1}, "stray");
    checkpoint_store_close(store);
    store = checkpoint_store_open(folder);
    tell(&first, &one, true, false);
    tell(&second, &two, true, false);
    tell(&first, &one, false, false);
    ck_assert_msg(has("old"), "nothing goes while the log is read");
    checkpoint_store_settle(store, 1000);
    ck_assert(has("same") && has("new") && has("stray"));
    checkpoint_store_tend(store, 1000 + STORE_STALE_MS - 1);
    ck_assert(has("stray"));
    checkpoint_store_tend(store, 1000 + STORE_STALE_MS);
    ck_assert(has("same") && has("new") && !has("stray") && !has("old"));
    tell(&second, &two, false, false);
    ck_assert_uint_eq(blobs_bytes(checkpoint_store_blobs(store)), 0);
}
END_TEST

static void flip(const char *text)
{
    char name[2 * LIMIT_HASH_BYTES + 1], path[256];
    uint8_t hash[LIMIT_HASH_BYTES];
    FILE *file;

    (void)crypto_generichash(hash, sizeof(hash), (const uint8_t *)text, strlen(text), NULL, 0);
    (void)sodium_bin2hex(name, sizeof(name), hash, sizeof(hash));
    (void)snprintf(path, sizeof(path), "%s/checkpoints/%s", root, name);
    file = fopen(path, "r+");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fputc('~', file), '~');
    ck_assert_int_eq(fclose(file), 0);
}

/* A chunk of it is wrong, and another checkpoint has it, too: who asks is told that it is missing.
 */
START_TEST(what_is_broken_is_looked_at_again)
{
    const struct blob_name one = bring_checkpoint(&first, "same", "fine");
    struct blobs *blobs = checkpoint_store_blobs(store);
    struct pollfd sealed = {.fd = blobs_fd(blobs), .events = POLLIN};
    struct blob_name two;
    uint8_t hash[BLOB_HASH_BYTES];
    int err;

    tell(&first, &one, true, false);
    two = bring_checkpoint(&second, "same", "fine too");
    tell(&second, &two, true, false);
    flip("same");
    tell(&second, &two, false, true);
    /* The wrong one, the one that is fine and the manifest, in whatever order. */
    for (unsigned looked = 0; looked < 3;) {
        ck_assert_int_eq(poll(&sealed, 1, 10000), 1);
        while (checkpoint_store_sealed(store, hash, &err))
            looked++;
    }
    ck_assert_msg(!has("fine too"), "nobody needs it");
    ck_assert(!has("same"));
    (void)bring_text(&(struct store_owner){1, 0, 2, 1}, "same");
    ck_assert(has("same"));
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("checkpoint_store");
    TCase *all = tcase_create("all");

    tcase_set_timeout(all, 30);
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, what_two_have_in_common_stays_for_the_second);
    tcase_add_test(all, an_upload_holds_what_it_asked_about);
    tcase_add_test(all, an_upload_that_came_to_nothing_leaves_nothing);
    tcase_add_test(all, a_restart_knows_what_is_needed);
    tcase_add_test(all, what_is_broken_is_looked_at_again);
    suite_add_tcase(suite, all);
    return suite;
}
