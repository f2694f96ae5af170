#include <hiredis/hiredis.h>
#include <poll.h>

#include "common/err.h"
#include "common/redis/info.h"
#include "common/redis/store.h"
#include "common/sys/clock.h"
#include "head/redisd.h"

#define REWRITE_MS  30000u
#define LOOK_MS     5
#define LEAST_BYTES (16u << 20) /* behind the file's base: less is read in a moment */

/* Whether so much stands behind the file's base, and nothing is written anew already. */
static bool is_due(const char *info)
{
    uint64_t size = info_number(info, "aof_current_size");
    uint64_t base = info_number(info, "aof_base_size");

    return info_number(info, "aof_rewrite_in_progress") == 0 && size > base &&
           size - base >= LEAST_BYTES;
}

static int read_info(struct store *store, uint64_t until_ms, struct redisReply **out)
{
    int err =
        store_call(store, until_ms, STORE_WORDS(span_text("INFO"), span_text("persistence")), out);

    if (err == 0 && (*out)->type != REDIS_REPLY_STRING) {
        store_reply_free(*out);
        err = ERR_DENIED;
    }
    return err;
}

/* Until it is done: a server that is ended meanwhile would leave a file more, and none the less. */
static int await(struct store *store, uint64_t until_ms)
{
    struct redisReply *reply;
    bool goes_on = true;
    int err = 0;

    while (err == 0 && goes_on && clock_ms() < until_ms) {
        (void)poll(NULL, 0, LOOK_MS);
        err = read_info(store, until_ms, &reply);
        if (err < 0)
            break;
        goes_on = info_number(reply->str, "aof_rewrite_in_progress") == 1 ||
                  info_number(reply->str, "aof_rewrite_scheduled") == 1;
        store_reply_free(reply);
    }
    return err;
}

static int rewrite(struct store *store, uint64_t until_ms, bool *done)
{
    struct redisReply *reply;
    int err = store_connect(store, until_ms);
    bool due;

    if (err == 0)
        err = read_info(store, until_ms, &reply);
    if (err < 0)
        return err;
    due = is_due(reply->str);
    store_reply_free(reply);
    if (!due)
        return 0;
    err = store_call(store, until_ms, STORE_WORDS(span_text("BGREWRITEAOF")), &reply);
    if (err < 0)
        return err;
    store_reply_free(reply); /* it refuses where another one has just begun: as well */
    *done = true;
    return await(store, until_ms);
}

int redisd_rewrite(const struct store_address *supervisor, bool *done, struct trouble *trouble)
{
    struct store *store = store_new(supervisor);
    int err;

    *done = false;
    err = rewrite(store, clock_ms() + REWRITE_MS, done);
    if (err < 0)
        err = trouble_set(trouble, err, "redis-server's file", NULL, "it is not written anew: %s",
                          store_error(store));
    store_free(store);
    return err;
}
