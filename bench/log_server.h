/* log_server.h - a redis-server as the head starts its own, and a stream to append to. */
#ifndef BENCH_LOG_SERVER_H
#define BENCH_LOG_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/redis/keys.h"
#include "common/span.h"

struct log_server {
    struct redisd *redisd;
    struct store *store;
    char key[STORE_KEY_BYTES];
    uint64_t appended;
};

/* It dies with the calling thread, whatever becomes of it. */
void log_server_start(struct log_server *server, const char *dir);
void log_server_stop(struct log_server *server);

/* Begin to append an entry; one at a time. */
void log_server_append(struct log_server *server, struct span bytes);

/* Whether its answer is there: never waits. */
bool log_server_poll(struct log_server *server);

/* Wait for it. */
void log_server_wait(struct log_server *server);

#endif
