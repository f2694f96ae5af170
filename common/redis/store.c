#include "common/redis/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/sys/clock.h"
#include "common/xalloc.h"

#define READ_BYTES    65536u
#define KEPT_BYTES    (4u << 20) /* a larger send buffer is given back once it is empty */
#define READS_AT_ONCE 64u        /* a fast peer may not hold the loop */

struct store {
    struct store_address address;
    redisContext *context; /* owned; NULL: closed */
    struct buf out;        /* not sent yet, from `sent` on */
    size_t sent;
    uint32_t awaited;
    bool greeting; /* the first answer to come is that of AUTH */
    char error[256];
};

struct store *store_new(const struct store_address *address)
{
    struct store *store = xcalloc(1, sizeof(*store));

    store->address = *address;
    (void)snprintf(store->error, sizeof(store->error), "not connected");
    return store;
}

void store_free(struct store *store)
{
    if (store == NULL)
        return;
    store_close(store);
    buf_fini(&store->out);
    explicit_bzero(store, sizeof(*store));
    free(store);
}

void store_close(struct store *store)
{
    if (store->context != NULL)
        redisFree(store->context);
    store->context = NULL;
    if (store->out.data != NULL)
        explicit_bzero(store->out.data, store->out.size); /* a password may stand there */
    buf_reset(&store->out);
    store->sent = 0;
    store->awaited = 0;
    store->greeting = false;
}

static int close_because(struct store *store, int err, const char *why)
{
    (void)snprintf(store->error, sizeof(store->error), "%s", why);
    store_close(store);
    return err;
}

static void authenticate(struct store *store)
{
    const struct store_address *address = &store->address;

    if (address->password[0] == '\0' && address->user[0] == '\0')
        return;
    if (address->user[0] == '\0')
        store_send(store, STORE_WORDS(span_text("AUTH"), span_text(address->password)));
    else
        store_send(store, STORE_WORDS(span_text("AUTH"), span_text(address->user),
                                      span_text(address->password)));
    store->greeting = true;
}

int store_open(struct store *store)
{
    const struct store_address *address = &store->address;

    store_close(store);
    if (address->path[0] != '\0')
        store->context = redisConnectUnixNonBlock(address->path);
    else
        store->context = redisConnectNonBlock(address->numeric, address->port);
    if (store->context == NULL)
        return close_because(store, ERR_CLOSED, "out of memory");
    if (store->context->err != 0)
        return close_because(store, ERR_CLOSED, store->context->errstr);
    if (fcntl(store->context->fd, F_SETFD, FD_CLOEXEC) < 0)
        return close_because(store, ERR_CLOSED, strerror(errno));
    authenticate(store);
    return 0;
}

bool store_is_open(const struct store *store)
{
    return store->context != NULL;
}

int store_fd(const struct store *store)
{
    return store->context != NULL ? store->context->fd : -1;
}

bool store_wants_write(const struct store *store)
{
    return store->sent < store->out.size;
}

/* Straight into the send buffer: an entry may be a megabyte, and is copied once only. */
void store_send(struct store *store, const struct span *words, size_t count)
{
    if (store->context == NULL)
        return;
    buf_printf(&store->out, "*%zu\r\n", count);
    for (size_t i = 0; i < count; i++) {
        buf_printf(&store->out, "$%zu\r\n", words[i].size);
        buf_append_span(&store->out, words[i]);
        buf_append_text(&store->out, "\r\n");
    }
    store->awaited++;
}

/* An empty send buffer forgets what it held. */
static void sent_all(struct store *store)
{
    if (store->greeting)
        explicit_bzero(store->out.data, store->out.size);
    if (store->out.capacity > KEPT_BYTES)
        buf_fini(&store->out);
    buf_reset(&store->out);
    store->sent = 0;
}

int store_flush(struct store *store)
{
    if (store->context == NULL)
        return ERR_CLOSED;
    while (store_wants_write(store)) {
        ssize_t sent = send(store->context->fd, store->out.data + store->sent,
                            store->out.size - store->sent, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN)
            return 0;
        if (sent < 0)
            return close_because(store, ERR_CLOSED, strerror(errno));
        store->sent += (size_t)sent;
    }
    if (store->out.size > 0)
        sent_all(store);
    return 0;
}

int store_read(struct store *store)
{
    char bytes[READ_BYTES];

    if (store->context == NULL)
        return ERR_CLOSED;
    for (uint32_t i = 0; i < READS_AT_ONCE; i++) {
        ssize_t got = recv(store->context->fd, bytes, sizeof(bytes), 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return 0;
        if (got < 0)
            return close_because(store, ERR_CLOSED, strerror(errno));
        if (got == 0)
            return close_because(store, ERR_CLOSED, "Redis closed the connection");
        if (redisReaderFeed(store->context->reader, bytes, (size_t)got) != REDIS_OK)
            return close_because(store, ERR_CLOSED, store->context->reader->errstr);
        if ((size_t)got < sizeof(bytes))
            return 0;
    }
    return 0;
}

/* One answer off the reader, AUTH's included. */
static int take_reply(struct store *store, redisReply **out)
{
    void *reply = NULL;

    if (store->context == NULL)
        return ERR_CLOSED;
    if (redisReaderGetReply(store->context->reader, &reply) != REDIS_OK)
        return close_because(store, ERR_CLOSED, store->context->reader->errstr);
    if (reply == NULL)
        return ERR_AGAIN;
    if (store->awaited == 0) {
        freeReplyObject(reply);
        return close_because(store, ERR_CLOSED, "Redis answered what was not asked");
    }
    store->awaited--;
    *out = reply;
    return 0;
}

int store_next(struct store *store, struct redisReply **out)
{
    redisReply *reply;
    int err = take_reply(store, &reply);

    if (err < 0)
        return err;
    if (!store->greeting) {
        *out = reply;
        return 0;
    }
    store->greeting = false;
    err = reply->type == REDIS_REPLY_ERROR ? close_because(store, ERR_DENIED, reply->str) : 0;
    freeReplyObject(reply);
    return err < 0 ? err : store_next(store, out);
}

uint32_t store_awaited(const struct store *store)
{
    return store->awaited;
}

const char *store_error(const struct store *store)
{
    return store->error;
}

/* Until the socket has something to say, or until_ms. */
static int wait_socket(struct store *store, uint64_t until_ms)
{
    uint64_t now_ms = clock_ms();
    struct pollfd poll_fd = {.fd = store_fd(store), .events = POLLIN};
    uint64_t left_ms = until_ms > now_ms ? until_ms - now_ms : 0;
    int ready;

    if (store_wants_write(store))
        poll_fd.events |= POLLOUT;
    ready = poll(&poll_fd, 1, left_ms > 60000 ? 60000 : (int)left_ms);
    if (ready < 0 && errno != EINTR)
        return close_because(store, ERR_CLOSED, strerror(errno));
    if (ready == 0 && left_ms <= 60000)
        return close_because(store, ERR_TIMEOUT, "Redis does not answer");
    return 0;
}

int store_wait(struct store *store, uint64_t until_ms, struct redisReply **out)
{
    for (;;) {
        int err = store_next(store, out);

        if (err != ERR_AGAIN)
            return err;
        err = store_flush(store);
        if (err == 0)
            err = wait_socket(store, until_ms);
        if (err == 0)
            err = store_read(store);
        if (err < 0)
            return err;
    }
}

int store_call(struct store *store, uint64_t until_ms, const struct span *words, size_t count,
               struct redisReply **out)
{
    if (store->context == NULL)
        return ERR_CLOSED;
    assert(store->awaited == 0 || (store->awaited == 1 && store->greeting));
    store_send(store, words, count);
    return store_wait(store, until_ms, out);
}

int store_connect(struct store *store, uint64_t until_ms)
{
    struct redisReply *reply;
    int err = store_open(store);

    if (err == 0)
        err = store_call(store, until_ms, STORE_WORDS(span_text("PING")), &reply);
    if (err < 0)
        return err;
    if (store_reply_is_error(reply, "LOADING"))
        err = close_because(store, ERR_AGAIN, reply->str);
    else if (store_reply_is_error(reply, NULL))
        err = close_because(store, ERR_DENIED, reply->str);
    store_reply_free(reply);
    return err;
}

void store_reply_free(struct redisReply *reply)
{
    if (reply != NULL)
        freeReplyObject(reply);
}

bool store_reply_is_error(const struct redisReply *reply, const char *code)
{
    size_t size;

    if (reply->type != REDIS_REPLY_ERROR)
        return false;
    if (code == NULL)
        return true;
    size = strlen(code);
    return reply->len >= size && memcmp(reply->str, code, size) == 0 &&
           (reply->len == size || reply->str[size] == ' ');
}

struct span store_reply_text(const struct redisReply *reply)
{
    switch (reply->type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_ERROR:
        return span_of(reply->str, reply->len);
    default:
        return span_of(NULL, 0);
    }
}
