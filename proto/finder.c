#include "proto/finder.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/redis/lead.h"
#include "common/redis/store.h"
#include "common/sys/clock.h"
#include "common/xalloc.h"

#define SCHEME "redis://"
#define TLS    "rediss://" /* refused where addresses are read: TLS is not spoken */
#define MEND   "redis://[user@]host[:port][/NAME]"

struct finder {
    struct store *store; /* owned */
    char name[STORE_NAME_BYTES + 1];
    char cluster[STORE_HOST_BYTES + STORE_NAME_BYTES + 32];
    char why[320];
};

bool finder_is_meant(const char *text)
{
    return strncmp(text, SCHEME, strlen(SCHEME)) == 0 || strncmp(text, TLS, strlen(TLS)) == 0;
}

/* The cluster's name off the end of text, into name; the rest into redis. */
static const char *split(const char *text, char *redis, size_t size, char *name)
{
    const char *slash = strchr(strstr(text, "//") + 2, '/');
    size_t length = slash != NULL ? (size_t)(slash - text) : strlen(text);

    if (length >= size)
        return "it is too long";
    (void)snprintf(redis, size, "%.*s", (int)length, text);
    if (slash == NULL || slash[1] == '\0')
        slash = "/default";
    if (!store_name_is_good(slash + 1))
        return "behind the last / stands a cluster's name: 1 to 64 of A-Z a-z 0-9 . _ -";
    (void)snprintf(name, STORE_NAME_BYTES + 1, "%s", slash + 1);
    return NULL;
}

int finder_new(const char *text, struct finder **out, struct trouble *trouble)
{
    char redis[STORE_HOST_BYTES + STORE_USER_BYTES + 16];
    char host[STORE_HOST_BYTES + 16];
    char name[STORE_NAME_BYTES + 1];
    struct store_address address;
    struct finder *finder;
    const char *wrong = split(text, redis, sizeof(redis), name);
    int err;

    if (wrong != NULL)
        return trouble_set(trouble, ERR_MALFORMED, NULL, MEND, "address '%.100s': %s", text, wrong);
    err = store_address_parse(redis, &address, trouble);
    if (err == ERR_MALFORMED)
        (void)trouble_mend(trouble, err, MEND);
    if (err < 0)
        return err;
    finder = xcalloc(1, sizeof(*finder));
    finder->store = store_new(&address);
    (void)snprintf(finder->name, sizeof(finder->name), "%s", name);
    (void)snprintf(finder->cluster, sizeof(finder->cluster), SCHEME "%s/%s",
                   store_address_text(&address, host, sizeof(host)), name);
    explicit_bzero(&address, sizeof(address));
    *out = finder;
    return 0;
}

void finder_free(struct finder *finder)
{
    if (finder == NULL)
        return;
    store_free(finder->store);
    free(finder);
}

const char *finder_cluster(const struct finder *finder)
{
    return finder->cluster;
}

const char *finder_why(const struct finder *finder)
{
    return finder->why;
}

static int over(struct finder *finder, int err, const char *why)
{
    (void)snprintf(finder->why, sizeof(finder->why), "%s", why);
    store_close(finder->store);
    return err;
}

int finder_begin(struct finder *finder)
{
    if (store_open(finder->store) < 0)
        return over(finder, ERR_CLOSED, store_error(finder->store));
    lead_ask(finder->store, finder->name);
    return 0;
}

int finder_fd(const struct finder *finder)
{
    return store_fd(finder->store);
}

bool finder_wants_write(const struct finder *finder)
{
    return store_wants_write(finder->store);
}

static int understand(struct finder *finder, const struct redisReply *reply, struct found_head *out)
{
    struct found_head found;
    struct trouble trouble;
    struct span text = store_reply_text(reply);
    struct lead lead;
    char why[256];
    int err = lead_read(reply, &lead);

    if (err == ERR_DENIED || err == ERR_AGAIN) {
        (void)snprintf(why, sizeof(why), "%.*s", SPAN(text));
        return over(finder, err == ERR_AGAIN ? ERR_CLOSED : err, why);
    }
    if (err == ERR_NOT_FOUND || (err == 0 && lead.endpoint[0] == '\0'))
        return over(finder, ERR_NOT_FOUND, "no head has led a cluster of that name there");
    if (err == 0)
        err = address_parse(span_text(lead.endpoint), 0, &found.address, &trouble);
    if (err == 0 && strlen(lead.key) >= sizeof(found.key))
        err = ERR_MALFORMED;
    if (err < 0)
        return over(finder, ERR_MALFORMED,
                    "what stands there of the head is not what a head writes");
    memcpy(found.key, lead.key, strlen(lead.key) + 1);
    *out = found;
    return over(finder, 0, "");
}

int finder_take(struct finder *finder, struct found_head *out)
{
    struct redisReply *reply;
    int err = store_flush(finder->store);

    if (err == 0)
        err = store_read(finder->store);
    if (err == 0)
        err = store_next(finder->store, &reply);
    if (err == ERR_AGAIN)
        return err;
    if (err < 0)
        return over(finder, err, store_error(finder->store));
    err = understand(finder, reply, out);
    store_reply_free(reply);
    return err;
}

void finder_end(struct finder *finder)
{
    store_close(finder->store);
}

int finder_ask(struct finder *finder, uint64_t until_ms, struct found_head *out)
{
    int err = finder_begin(finder);

    if (err < 0)
        return err;
    while ((err = finder_take(finder, out)) == ERR_AGAIN) {
        struct pollfd wait = {.fd = finder_fd(finder), .events = POLLIN};
        uint64_t now_ms = clock_ms();

        if (now_ms >= until_ms)
            return over(finder, ERR_TIMEOUT, "it does not answer");
        if (finder_wants_write(finder))
            wait.events |= POLLOUT;
        (void)poll(&wait, 1, (int)(until_ms - now_ms > 1000 ? 1000 : until_ms - now_ms));
    }
    return err;
}
