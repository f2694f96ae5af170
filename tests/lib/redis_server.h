/* redis_server.h - a redis-server of a test's own, with the settings that it wants to see refused
 * or endured. It dies with the test's process. */
#ifndef LIB_REDIS_SERVER_H
#define LIB_REDIS_SERVER_H

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/err.h"
#include "common/redis/store.h"
#include "common/sys/clock.h"
#include "common/sys/fs.h"

#define REDIS_LIMIT_MS 10000u

struct redis_server {
    char folder[64];
    struct store_address address;
    pid_t pid;
};

/* settings: redis-server's own flags, ended by NULL. With port 0 it listens on its socket only. */
static inline void redis_server_start(struct redis_server *server, uint16_t port,
                                      const char *const *settings)
{
    const char *words[64] = {"redis-server", "--save", "", "--unixsocket", "s", "--port"};
    uint64_t until_ms = clock_ms() + REDIS_LIMIT_MS;
    struct store *store;
    char port_text[8];
    size_t count = 6;

    *server = (struct redis_server){.folder = "/tmp/assay-server-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(server->folder));
    (void)snprintf(server->address.path, sizeof(server->address.path), "%s/s", server->folder);
    server->address.loopback = true;
    (void)snprintf(port_text, sizeof(port_text), "%u", port);
    words[count++] = port_text;
    for (; *settings != NULL && count < 63; settings++)
        words[count++] = *settings;
    server->pid = fork();
    if (server->pid == 0) {
        int null_fd = open("/dev/null", O_RDWR);

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (chdir(server->folder) == 0 && dup2(null_fd, 1) == 1)
            (void)execvp("redis-server", (char *const *)words);
        _exit(127);
    }
    store = store_new(&server->address);
    for (;;) {
        int err = store_connect(store, until_ms);

        if (err == 0 || err == ERR_DENIED) /* it wants a password, and so it is up */
            break;
        ck_assert(clock_ms() < until_ms);
        (void)poll(NULL, 0, 1);
    }
    store_free(store);
}

static inline void redis_server_stop(struct redis_server *server)
{
    ck_assert_int_eq(kill(server->pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(server->pid, NULL, 0), server->pid);
    ck_assert_int_eq(fs_remove_tree(server->folder), 0);
}

/* A port of this machine that nobody listens on. */
static inline uint16_t redis_server_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    (void)close(fd);
    return ntohs(address.sin_port);
}

/* The answer to one command on a connection of its own; free it. */
static inline struct redisReply *redis_ask(const struct store_address *address,
                                           const struct span *words, size_t count)
{
    struct store *store = store_new(address);
    struct redisReply *reply;

    ck_assert_int_eq(store_connect(store, clock_ms() + REDIS_LIMIT_MS), 0);
    ck_assert_int_eq(store_call(store, clock_ms() + REDIS_LIMIT_MS, words, count, &reply), 0);
    store_free(store);
    return reply;
}

/* The same for a command whose answer must be no error; gives its number, or its elements. */
static inline long long redis_do(const struct store_address *address, const struct span *words,
                                 size_t count)
{
    struct redisReply *reply = redis_ask(address, words, count);
    long long number =
        reply->type == REDIS_REPLY_INTEGER ? reply->integer : (long long)reply->elements;

    ck_assert_msg(reply->type != REDIS_REPLY_ERROR, "%s", reply->str);
    store_reply_free(reply);
    return number;
}

#define W(text)                 span_text(text)
#define REDIS_DO(address, ...)  redis_do(address, STORE_WORDS(__VA_ARGS__))
#define REDIS_ASK(address, ...) redis_ask(address, STORE_WORDS(__VA_ARGS__))

#endif
