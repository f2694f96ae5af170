#include "bench/first.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "bench/limit.h"
#include "bench/log_server.h"
#include "common/limits.h"
#include "common/sys/clock.h"
#include "common/sys/fs.h"
#include "common/xalloc.h"

#define ENTRY_BYTES 250u

extern char **environ;

/* One way: what it needs, and where its pipes are. */
struct way {
    struct log_server server;
    void *router;
    struct peer peer;
};

/* This program again, as the client; its standard output is fd. */
static pid_t start_client(const struct peer *peer, int fd)
{
    char endpoint[sizeof(peer->endpoint)], key[sizeof(peer->key)];
    char program[] = "assay-bench-limit", verb[] = "first-client";
    char *argv[] = {program, verb, endpoint, key, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int err;

    (void)strcpy(endpoint, peer->endpoint);
    (void)strcpy(key, peer->key);
    (void)posix_spawn_file_actions_init(&actions);
    err = posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
    if (err == 0)
        err = posix_spawn(&pid, "/proc/self/exe", &actions, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (err != 0)
        limit_fail("the client", strerror(err));
    return pid;
}

static void commit(struct way *way)
{
    static const char bytes[ENTRY_BYTES];

    log_server_append(&way->server, span_of(bytes, sizeof(bytes)));
    log_server_wait(&way->server);
}

/* What stands for a trial: a process that says one word. */
static void run_trial(void)
{
    int ends[2];
    char byte = 1;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        limit_fail("pipe", strerror(errno));
    pid = fork();
    if (pid < 0)
        limit_fail("fork", strerror(errno));
    if (pid == 0)
        _exit(write(ends[1], &byte, 1) == 1 ? 0 : 1);
    if (read(ends[0], &byte, 1) != 1 || waitpid(pid, NULL, 0) < 0)
        limit_fail("a trial", "ended without a word");
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void serve(struct way *way)
{
    char route[16], byte;
    int route_size = zmq_recv(way->router, route, sizeof(route), 0);

    if (route_size < 0 || zmq_recv(way->router, &byte, 1, 0) != 1)
        limit_fail("ROUTER", zmq_strerror(zmq_errno()));
    commit(way);
    run_trial();
    commit(way);
    if (zmq_send(way->router, route, (size_t)route_size, ZMQ_SNDMORE) < 0 ||
        zmq_send(way->router, &byte, 1, 0) < 0)
        limit_fail("ROUTER", zmq_strerror(zmq_errno()));
}

/* From the client's start to its word that it was told. */
static void go(struct way *way)
{
    int ends[2], status;
    char byte;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        limit_fail("pipe", strerror(errno));
    pid = start_client(&way->peer, ends[1]);
    (void)close(ends[1]);
    serve(way);
    if (read(ends[0], &byte, 1) != 1 || waitpid(pid, &status, 0) < 0 || status != 0)
        limit_fail("the client", "was not told");
    (void)close(ends[0]);
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

static double median(double *values, uint64_t count)
{
    double middle;

    qsort(values, count, sizeof(*values), compare);
    middle = values[count / 2];
    free(values);
    return middle;
}

static double since_ms(uint64_t begin_ns)
{
    return (double)(clock_ns() - begin_ns) / 1e6;
}

double first_median_ms(const char *dir, uint64_t count)
{
    double *times_ms = xcalloc(count, sizeof(*times_ms));
    void *context = zmq_ctx_new();
    struct way way;

    log_server_start(&way.server, dir);
    way.router = socket_router(context, &way.peer);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t begin_ns = clock_ns();

        go(&way);
        times_ms[i] = since_ms(begin_ns);
    }
    (void)zmq_close(way.router);
    (void)zmq_ctx_term(context);
    log_server_stop(&way.server);
    return median(times_ms, count);
}

double first_from_nothing_median_ms(const char *dir, uint64_t count)
{
    double *times_ms = xcalloc(count, sizeof(*times_ms));

    for (uint64_t i = 0; i < count; i++) {
        char folder[LIMIT_PATH_BYTES];
        uint64_t begin_ns = clock_ns();
        void *context = zmq_ctx_new();
        struct way way;

        if (snprintf(folder, sizeof(folder), "%s/%" PRIu64, dir, i) >= (int)sizeof(folder) ||
            mkdir(folder, 0700) < 0)
            limit_fail(folder, strerror(errno));
        log_server_start(&way.server, folder);
        way.router = socket_router(context, &way.peer);
        go(&way);
        times_ms[i] = since_ms(begin_ns);
        (void)zmq_close(way.router);
        (void)zmq_ctx_term(context);
        log_server_stop(&way.server);
    }
    return median(times_ms, count);
}

void first_client(const struct peer *peer)
{
    void *context = zmq_ctx_new();
    void *dealer = socket_dealer(context, peer);
    char byte = 1;

    if (zmq_send(dealer, &byte, 1, 0) < 0 || zmq_recv(dealer, &byte, 1, 0) < 0)
        limit_fail("DEALER", zmq_strerror(zmq_errno()));
    if (write(STDOUT_FILENO, &byte, 1) != 1)
        limit_fail("the client", strerror(errno));
    (void)zmq_close(dealer);
    (void)zmq_ctx_term(context);
}
