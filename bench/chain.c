#include "bench/chain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "bench/limit.h"
#include "bench/log_server.h"
#include "bench/sockets.h"
#include "common/limits.h"
#include "common/redis/store.h"
#include "common/sys/clock.h"
#include "common/sys/fs.h"
#include "common/xalloc.h"

struct chain {
    struct log_server server;
    struct chain_printer *printer; /* NULL: no files */
    void *router;
    struct buf gathered;  /* records that came since the last append */
    struct buf appended;  /* those of the append under way */
    struct buf committed; /* those that are on disk, to be printed */
    bool appending;
    uint64_t begin_ns; /* the first message's arrival; 0 before */
    uint64_t done;     /* results that are on disk and printed */
};

/* One message, if one is there: a frame that says from whom, and the records. */
static bool receive(struct chain *chain)
{
    zmq_msg_t frame;

    (void)zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, chain->router, ZMQ_DONTWAIT) < 0) {
        if (zmq_errno() != EAGAIN)
            limit_fail("ROUTER", zmq_strerror(zmq_errno()));
        return false;
    }
    if (zmq_msg_recv(&frame, chain->router, 0) < 0)
        limit_fail("ROUTER", zmq_strerror(zmq_errno()));
    if (chain->begin_ns == 0)
        chain->begin_ns = clock_ns();
    buf_append(&chain->gathered, zmq_msg_data(&frame), zmq_msg_size(&frame));
    (void)zmq_msg_close(&frame);
    return true;
}

static void swap(struct buf *a, struct buf *b)
{
    struct buf kept = *a;

    *a = *b;
    *b = kept;
}

static void append(struct chain *chain)
{
    if (chain->appending || chain->gathered.size == 0)
        return;
    swap(&chain->gathered, &chain->appended);
    log_server_append(&chain->server, buf_span(&chain->appended));
    chain->appending = true;
}

static void unpack(struct chain *chain)
{
    msgpack_unpacked unpacked;
    size_t at = 0;

    msgpack_unpacked_init(&unpacked);
    while (at < chain->committed.size) {
        if (msgpack_unpack_next(&unpacked, (const char *)chain->committed.data,
                                chain->committed.size, &at) != MSGPACK_UNPACK_SUCCESS)
            limit_fail("a record", "is not msgpack");
        if (chain->printer != NULL)
            chain_print(chain->printer, &unpacked.data);
        chain->done++;
    }
    msgpack_unpacked_destroy(&unpacked);
    if (chain->printer != NULL)
        chain_print_flush(chain->printer);
    buf_reset(&chain->committed);
}

/* What came meanwhile is given to Redis before the files are printed: they take the same time. */
static void turn(struct chain *chain)
{
    while (chain->gathered.size < LIMIT_TURN_BYTES && receive(chain))
        ;
    if (chain->appending && log_server_poll(&chain->server)) {
        chain->appending = false;
        swap(&chain->appended, &chain->committed);
    }
    append(chain);
    if (chain->committed.size > 0)
        unpack(chain);
}

static void run(struct chain *chain, uint64_t results)
{
    while (chain->done < results) {
        zmq_pollitem_t items[] = {
            {.fd = store_fd(chain->server.store), .events = ZMQ_POLLIN},
            {.socket = chain->router, .events = ZMQ_POLLIN},
        };

        if (store_wants_write(chain->server.store))
            items[0].events |= ZMQ_POLLOUT;
        /* Full: only Redis can make room. */
        if (zmq_poll(items, chain->gathered.size < LIMIT_TURN_BYTES ? 2 : 1, 30000) <= 0)
            limit_fail("the chain", "stands still");
        turn(chain);
    }
}

/* The sender is a process of its own; it learns through the pipe where to send to. */
static pid_t start_sender(const char *dir, uint64_t results, uint64_t batch, int *peer_fd)
{
    char spool[LIMIT_PATH_BYTES];
    struct peer peer;
    int ends[2];
    pid_t pid;

    if (fs_join(spool, dir, "spool") < 0 || pipe2(ends, O_CLOEXEC) < 0)
        limit_fail("pipe", strerror(errno));
    pid = fork();
    if (pid < 0)
        limit_fail("fork", strerror(errno));
    if (pid == 0) {
        (void)close(ends[1]);
        if (read(ends[0], &peer, sizeof(peer)) != (ssize_t)sizeof(peer))
            _exit(1);
        chain_send(&peer, spool, results, batch);
        _exit(0);
    }
    (void)close(ends[0]);
    *peer_fd = ends[1];
    return pid;
}

double chain_rate(const char *dir, uint64_t results, uint64_t batch, bool files)
{
    struct chain chain = {0};
    struct peer peer = {0};
    uint64_t took_ns;
    void *context;
    int peer_fd, status;
    pid_t sender = start_sender(dir, results, batch, &peer_fd);

    log_server_start(&chain.server, dir);
    context = zmq_ctx_new();
    chain.router = socket_router(context, &peer);
    chain.printer = files ? chain_printer_new(dir) : NULL;
    if (fs_write_all(peer_fd, &peer, sizeof(peer)) < 0)
        limit_fail("pipe", strerror(errno));
    run(&chain, results);
    took_ns = clock_ns() - chain.begin_ns;
    if (waitpid(sender, &status, 0) < 0 || status != 0)
        limit_fail("the sender", "ended with a status");
    (void)close(peer_fd);
    if (chain.printer != NULL)
        chain_printer_free(chain.printer);
    (void)zmq_close(chain.router);
    (void)zmq_ctx_term(context);
    log_server_stop(&chain.server);
    buf_fini(&chain.gathered);
    buf_fini(&chain.appended);
    buf_fini(&chain.committed);
    return (double)results * 1e9 / (double)took_ns;
}

static int compare_times(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

double xadd_median_ms(const char *dir, uint64_t count)
{
    static const char bytes[250];
    uint64_t *times_ns = xcalloc(count, sizeof(*times_ns));
    struct log_server server;
    double median;

    log_server_start(&server, dir);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t begin_ns = clock_ns();

        log_server_append(&server, span_of(bytes, sizeof(bytes)));
        log_server_wait(&server);
        times_ns[i] = clock_ns() - begin_ns;
    }
    log_server_stop(&server);
    qsort(times_ns, count, sizeof(*times_ns), compare_times);
    median = (double)times_ns[count / 2] / 1e6;
    free(times_ns);
    return median;
}
