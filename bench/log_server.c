#include "bench/log_server.h"

#include <hiredis/hiredis.h>

#include "bench/limit.h"
#include "common/err.h"
#include "common/redis/store.h"
#include "common/sys/clock.h"
#include "head/redisd.h"
#include "head/store/stream.h"

#define CLUSTER "bench"
#define WAIT_MS 30000u

void log_server_start(struct log_server *server, const char *dir)
{
    struct trouble trouble;

    *server = (struct log_server){0};
    if (redisd_start(dir, CLUSTER, true, &server->redisd, &trouble) < 0)
        limit_fail(trouble.what, trouble.why);
    server->store = store_new(redisd_address(server->redisd));
    if (store_connect(server->store, clock_ms() + WAIT_MS) < 0)
        limit_fail("redis-server", store_error(server->store));
    (void)store_key(server->key, CLUSTER, "log");
}

void log_server_stop(struct log_server *server)
{
    struct trouble trouble;

    store_free(server->store);
    if (redisd_stop(server->redisd, &trouble) < 0)
        limit_fail(trouble.what, trouble.why);
    redisd_free(server->redisd);
}

void log_server_append(struct log_server *server, struct span bytes)
{
    char id[LOG_ID_BYTES];

    store_send(server->store, STORE_WORDS(span_text("XADD"), span_text(server->key),
                                          log_id_print((struct log_id){1, ++server->appended}, id),
                                          span_text(STREAM_ENTRY), bytes));
    if (store_flush(server->store) < 0)
        limit_fail("redis-server", store_error(server->store));
}

static void check_answer(struct redisReply *reply)
{
    if (reply->type != REDIS_REPLY_STRING)
        limit_fail("XADD", reply->type == REDIS_REPLY_ERROR ? reply->str : "odd answer");
    store_reply_free(reply);
}

bool log_server_poll(struct log_server *server)
{
    struct redisReply *reply;
    int err;

    if (store_flush(server->store) < 0 || store_read(server->store) < 0)
        limit_fail("redis-server", store_error(server->store));
    err = store_next(server->store, &reply);
    if (err == ERR_AGAIN)
        return false;
    if (err < 0)
        limit_fail("redis-server", store_error(server->store));
    check_answer(reply);
    return true;
}

void log_server_wait(struct log_server *server)
{
    struct redisReply *reply;

    if (store_wait(server->store, clock_ms() + WAIT_MS, &reply) < 0)
        limit_fail("redis-server", store_error(server->store));
    check_answer(reply);
}
