/* executor_store.h - the head's store of checkpoints, which a test of the executor plays: blobs by
 * hash, and what it was asked for. */
#ifndef TESTS_EXECUTOR_STORE_H
#define TESTS_EXECUTOR_STORE_H

#include <sodium.h>

#include "tests/unit/executor_rig.h"

struct kept {
    struct kept *next;
    uint8_t hash[LIMIT_HASH_BYTES];
    struct buf bytes;
};

static struct kept *store;
static uint32_t put_count;    /* parts that came over the wire */
static uint32_t get_count;    /* and that went */
static uint32_t placed_count; /* blobs that were said to be placed */
static const char *shared;    /* the folder that both see; NULL: none, as of a head before that */
static bool silent;           /* nothing is answered */
static bool spoils;           /* chunks are given with a byte that is wrong */
static bool loses;            /* and nothing is there */

static inline struct kept *kept_find(struct span hash)
{
    struct kept *kept = store;

    ck_assert_uint_eq(hash.size, LIMIT_HASH_BYTES);
    while (kept != NULL && memcmp(kept->hash, hash.data, hash.size) != 0)
        kept = kept->next;
    return kept;
}

static inline void ask_answer(uint64_t request, const struct msg_store_ask *ask)
{
    const uint8_t *hashes = ask->hashes.data;
    struct msg_store_state state;
    struct buf missing = {0};

    for (size_t i = 0; i < ask->hashes.size; i += LIMIT_HASH_BYTES)
        if (kept_find(span_of(hashes + i, LIMIT_HASH_BYTES)) == NULL)
            buf_append(&missing, hashes + i, LIMIT_HASH_BYTES);
    state.missing = buf_span(&missing);
    send_message(MSG_STORE_STATE, request, &state);
    buf_fini(&missing);
}

/* The path of a blob in the folder of that name below the shared one. */
static inline const char *shared_path(const char *below, struct span hash)
{
    static char path[256];
    char name[2 * LIMIT_HASH_BYTES + 1];

    (void)sodium_bin2hex(name, sizeof(name), hash.data, LIMIT_HASH_BYTES);
    (void)snprintf(path, sizeof(path), "%s%s/%s", shared, below, name);
    return path;
}

/* As a head takes it: out of `placed` into its own, verified. */
static inline void placed_answer(uint64_t request, const struct msg_store_put *put)
{
    uint8_t found[LIMIT_HASH_BYTES];
    struct kept *kept = kept_find(put->hash);
    struct msg_ok ok = {0};
    char from[256];

    placed_count++;
    ck_assert_uint_eq(put->bytes.size, 0);
    if (kept == NULL) {
        kept = calloc(1, sizeof(*kept));
        memcpy(kept->hash, put->hash.data, LIMIT_HASH_BYTES);
    }
    if (shared != NULL)
        (void)strcpy(from, shared_path("/placed", put->hash));
    if (shared != NULL && fs_read(from, LIMIT_MANIFEST_BYTES, &kept->bytes) == 0) {
        ck_assert_int_eq(rename(from, shared_path("", put->hash)), 0);
        (void)crypto_generichash(found, sizeof(found), kept->bytes.data, kept->bytes.size, NULL, 0);
        ck_assert_mem_eq(found, kept->hash, sizeof(found));
        ck_assert_uint_eq(kept->bytes.size, put->total);
        kept->next = store;
        store = kept;
        ok.value = put->total;
    } else {
        free(kept);
    }
    send_message(MSG_OK, request, &ok);
}

static inline void put_answer(uint64_t request, const struct msg_store_put *put)
{
    struct kept *kept = kept_find(put->hash);
    struct msg_ok ok = {0};

    if (put->placed) {
        placed_answer(request, put);
        return;
    }
    put_count++;
    if (kept == NULL) {
        kept = calloc(1, sizeof(*kept));
        memcpy(kept->hash, put->hash.data, LIMIT_HASH_BYTES);
        kept->next = store;
        store = kept;
    }
    ck_assert_uint_eq(put->offset, kept->bytes.size);
    buf_append_span(&kept->bytes, put->bytes);
    send_message(MSG_OK, request, &ok);
}

static inline void get_answer(uint64_t request, const struct msg_blob_get *get)
{
    struct kept *kept = loses ? NULL : kept_find(get->hash);
    struct msg_error error = {.code = ERROR_NOT_FOUND};
    struct msg_blob_chunk chunk = {.hash = get->hash, .offset = get->offset};
    struct buf copy = {0};

    get_count++;
    if (kept == NULL) {
        send_message(MSG_ERROR, request, &error);
        return;
    }
    buf_append_span(&copy, buf_span(&kept->bytes));
    if (spoils)
        copy.data[0] ^= 1;
    chunk.total = copy.size;
    chunk.bytes = span_of(copy.data + get->offset, copy.size - get->offset);
    send_message(MSG_BLOB_CHUNK, request, &chunk);
    buf_fini(&copy);
}

static inline void store_hear(const struct message *message)
{
    if (silent)
        return;
    if (message->type == MSG_STORE_ASK)
        ask_answer(message->request, message->body);
    else if (message->type == MSG_STORE_PUT)
        put_answer(message->request, message->body);
    else if (message->type == MSG_BLOB_GET)
        get_answer(message->request, message->body);
    else
        ck_abort_msg("a message of type %d", (int)message->type);
}

static inline void store_empty(void)
{
    while (store != NULL) {
        struct kept *kept = store;

        store = kept->next;
        buf_fini(&kept->bytes);
        free(kept);
    }
}

/* Below the folder that is its own, so that nothing of it is left behind. */
#define ONE                                                                                        \
    "cd $ASSAY_CHECKPOINT_DIR && mkdir -p c && echo 5 > c/f && echo assay: v=1 checkpoint=$PWD/c"

/* Trial 2 goes on from what trial 1 saved. */
static inline void go_on(void)
{
    launch_from(2, span_of(driver.heard[1].manifest, LIMIT_HASH_BYTES));
}

/* Both trials run this: the first saves, the second finds it. */
#define EITHER                                                                                     \
    "sh -c 'if [ -n \"$ASSAY_RESTORE\" ]; then echo assay: v=$(cat $ASSAY_RESTORE/f); else " ONE   \
    "; fi'"

#endif
