#include <hiredis/hiredis.h>

#include "common/redis/info.h"
#include "common/redis/store.h"
#include "common/sys/clock.h"
#include "head/redisd.h"

#define ANSWER_MS   30000u
#define LEAST_BYTES (16u << 20) /* behind the file's base: less is read in a moment */

/* Whether so much stands behind the file's base, and nothing is written anew already. */
static bool is_due(const char *info)
{
    uint64_t size = info_number(info, "aof_current_size");
    uint64_t base = info_number(info, "aof_base_size");

    return info_number(info, "aof_rewrite_in_progress") == 0 && size > base &&
           size - base >= LEAST_BYTES;
}

static int rewrite(struct store *store, bool *begun)
{
    struct redisReply *reply;
    int err = store_connect(store, clock_ms() + ANSWER_MS);

    if (err == 0)
        err = store_call(store, clock_ms() + ANSWER_MS,
                         STORE_WORDS(span_text("INFO"), span_text("persistence")), &reply);
    if (err < 0)
        return err;
    *begun = reply->type == REDIS_REPLY_STRING && is_due(reply->str);
    store_reply_free(reply);
    if (!*begun)
        return 0;
    err = store_call(store, clock_ms() + ANSWER_MS, STORE_WORDS(span_text("BGREWRITEAOF")), &reply);
    if (err < 0)
        return err;
    /* It refuses where another rewrite has just begun: as well. */
    *begun = reply->type != REDIS_REPLY_ERROR;
    store_reply_free(reply);
    return 0;
}

int redisd_rewrite(const struct store_address *supervisor, bool *begun, struct trouble *trouble)
{
    struct store *store = store_new(supervisor);
    int err;

    *begun = false;
    err = rewrite(store, begun);
    if (err < 0)
        err = trouble_set(trouble, err, "redis-server's file", NULL, "it is not written anew: %s",
                          store_error(store));
    store_free(store);
    return err;
}
