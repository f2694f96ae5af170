#include "head/gauge.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/redis/info.h"
#include "common/redis/store.h"
#include "common/sys/log.h"
#include "common/xalloc.h"

#define EVERY_MS 10000u
#define OLD_MS   60000u

struct gauge {
    struct store *store; /* owned */
    struct gauge_reading last;
    uint64_t read_ms; /* 0: never */
    uint64_t due_ms;
    bool told; /* that its memory fills */
};

struct gauge *gauge_new(const struct store_address *address)
{
    struct gauge *gauge = xcalloc(1, sizeof(*gauge));

    gauge->store = store_new(address);
    return gauge;
}

void gauge_free(struct gauge *gauge)
{
    if (gauge == NULL)
        return;
    store_free(gauge->store);
    free(gauge);
}

void gauge_parse(const char *info, struct gauge_reading *out)
{
    struct span written = info_value(info, "aof_last_write_status");

    out->used_bytes = info_number(info, "used_memory");
    out->limit_bytes = info_number(info, "maxmemory");
    out->file_fails = written.size > 0 && !span_is(written, "ok");
}

static void note(struct gauge *gauge, uint64_t now_ms, const char *info)
{
    struct gauge_reading *last = &gauge->last;
    bool fills;

    gauge_parse(info, last);
    gauge->read_ms = now_ms;
    fills =
        last->limit_bytes > 0 && last->used_bytes / LIMIT_WARN_PERCENT >= last->limit_bytes / 100;
    if (fills && !gauge->told)
        log_line(LOG_WARNING, "redis-memory",
                 "the memory of Redis fills used=%" PRIu64 " limit=%" PRIu64, last->used_bytes,
                 last->limit_bytes);
    gauge->told = fills;
}

void gauge_tend(struct gauge *gauge, uint64_t now_ms)
{
    struct redisReply *reply;
    int err;

    if (now_ms >= gauge->due_ms) {
        gauge->due_ms = now_ms + EVERY_MS;
        if (store_awaited(gauge->store) > 0 || !store_is_open(gauge->store))
            (void)store_open(gauge->store); /* else it is tried again in its time */
        store_send(gauge->store, STORE_WORDS(span_text("INFO")));
    }
    if (!store_is_open(gauge->store))
        return;
    err = store_flush(gauge->store);
    if (err == 0)
        err = store_read(gauge->store);
    if (err == 0)
        err = store_next(gauge->store, &reply);
    if (err != 0)
        return; /* nothing yet, or the connection is gone and closed */
    if (reply->type == REDIS_REPLY_STRING)
        note(gauge, now_ms, reply->str);
    store_reply_free(reply);
}

bool gauge_read(const struct gauge *gauge, uint64_t now_ms, struct gauge_reading *out)
{
    if (gauge->read_ms == 0 || now_ms - gauge->read_ms > OLD_MS)
        return false;
    *out = gauge->last;
    return true;
}
