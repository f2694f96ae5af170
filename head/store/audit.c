#include "head/store/audit.h"

#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/redis/info.h"
#include "common/redis/store.h"
#include "common/sys/clock.h"

/* XADD with NOMKSTREAM, without which a deleted log would be begun anew. */
#define NEEDS_MAJOR 6
#define NEEDS_MINOR 2
#define RETRY_MS    5

struct audit {
    struct store *store;
    const struct store_address *address;
    uint64_t until_ms;
    struct trouble *trouble;
    char where[STORE_HOST_BYTES + 16];
};

static int refuse(const struct audit *audit, int err, const char *why, const char *mend)
{
    return trouble_set(audit->trouble, err, "Redis", mend, "%s: %s", audit->where, why);
}

static int connect_until(const struct audit *audit)
{
    int err;

    while ((err = store_connect(audit->store, audit->until_ms)) == ERR_AGAIN &&
           clock_ms() < audit->until_ms)
        (void)poll(NULL, 0, RETRY_MS);
    if (err < 0)
        return refuse(audit, err == ERR_AGAIN ? ERR_TIMEOUT : err, store_error(audit->store),
                      err == ERR_DENIED ? "name the password's file in $ASSAY_REDIS_PASSWORD_FILE"
                                        : "is Redis up, and is its address right?");
    return 0;
}

static int ask(const struct audit *audit, const struct span *words, size_t count,
               struct redisReply **out)
{
    int err = store_call(audit->store, audit->until_ms, words, count, out);

    return err < 0 ? refuse(audit, err, store_error(audit->store), NULL) : 0;
}

/* A setting's value; "" where it may not be asked. */
static int ask_setting(const struct audit *audit, const char *name, char *out, size_t size)
{
    struct redisReply *reply;
    int err =
        ask(audit, STORE_WORDS(span_text("CONFIG"), span_text("GET"), span_text(name)), &reply);

    if (err < 0)
        return err;
    out[0] = '\0';
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) {
        struct span value = store_reply_text(reply->element[1]);

        (void)snprintf(out, size, "%.*s", SPAN(value));
    }
    store_reply_free(reply);
    return 0;
}

static int check_version(const struct audit *audit, const char *info, struct audit_report *report)
{
    int major = 0;
    int minor = 0;

    (void)snprintf(report->version, sizeof(report->version), "%.*s",
                   SPAN(info_value(info, "redis_version")));
    if (sscanf(report->version, "%d.%d", &major, &minor) != 2)
        return refuse(audit, ERR_VERSION, "it does not say its version", NULL);
    if (major < NEEDS_MAJOR || (major == NEEDS_MAJOR && minor < NEEDS_MINOR))
        return trouble_set(audit->trouble, ERR_VERSION, "Redis",
                           "run Redis 6.2 or newer, or Valkey", "%s: version %s is too old",
                           audit->where, report->version);
    return 0;
}

static int check_role(const struct audit *audit, const char *info, struct audit_report *report)
{
    struct span policy = info_value(info, "maxmemory_policy");

    if (!span_is(info_value(info, "role"), "master"))
        return refuse(audit, ERR_DENIED, "it is a replica", "name the primary");
    if (!span_is(policy, "noeviction"))
        return trouble_set(audit->trouble, ERR_DENIED, "Redis",
                           "set its maxmemory-policy to noeviction",
                           "%s: it throws keys away when it is full (maxmemory-policy %.*s), the "
                           "log among them",
                           audit->where, SPAN(policy));
    report->replicas = (uint32_t)info_number(info, "connected_slaves");
    return 0;
}

/* What its settings make of an acknowledgement. */
static int weigh(const struct audit *audit, const char *info, struct audit_report *report)
{
    static const char always[] = "CONFIG SET appendfsync always makes it sure";
    char sync[32];
    char rewrite[32];
    const char *worth = STORE_ON_DISK;
    const char *advice = "";
    int err = ask_setting(audit, "appendfsync", sync, sizeof(sync));

    if (err == 0)
        err = ask_setting(audit, "no-appendfsync-on-rewrite", rewrite, sizeof(rewrite));
    if (err < 0)
        return err;
    if (info_number(info, "aof_enabled") != 1) {
        worth = "is in Redis's memory only: its end takes acknowledged results with it";
        advice = "CONFIG SET appendonly yes, and appendfsync always, make it sure";
    } else if (sync[0] == '\0') {
        worth = "is in Redis's append-only file; how often that is synced it does not say";
        advice = "let this user do CONFIG GET, or see that appendfsync is always";
    } else if (strcmp(sync, "always") != 0) {
        worth = strcmp(sync, "everysec") == 0
                    ? "is on Redis's disk a second or two later: a power cut can take results back"
                    : "is on Redis's disk when its system sees fit: a power cut can take results "
                      "back";
        advice = always;
    } else if (strcmp(rewrite, "yes") == 0) {
        worth = "is on Redis's disk, but not while Redis rewrites its file";
        advice = "CONFIG SET no-appendfsync-on-rewrite no makes it sure";
    } else {
        report->on_disk = true;
    }
    (void)snprintf(report->worth, sizeof(report->worth), STORE_WORTH, worth);
    (void)snprintf(report->advice, sizeof(report->advice), "%s", advice);
    return 0;
}

/* The default user may do everything; say so where nothing weighs more. */
static int look_at_user(const struct audit *audit, struct audit_report *report)
{
    struct redisReply *reply;
    int err = ask(audit, STORE_WORDS(span_text("ACL"), span_text("WHOAMI")), &reply);

    if (err < 0)
        return err;
    if (report->advice[0] == '\0' && span_is(store_reply_text(reply), "default"))
        (void)snprintf(report->advice, sizeof(report->advice),
                       "an own Redis user with the rights of a head only is better than default");
    store_reply_free(reply);
    return 0;
}

static int audit_all(const struct audit *audit, struct audit_report *report)
{
    struct redisReply *reply = NULL;
    int err = connect_until(audit);

    if (err == 0)
        err = ask(audit, STORE_WORDS(span_text("INFO")), &reply);
    if (err < 0)
        return err;
    if (reply->type != REDIS_REPLY_STRING)
        err =
            refuse(audit, ERR_DENIED, reply->type == REDIS_REPLY_ERROR ? reply->str : "odd answer",
                   "let this user do INFO");
    else if ((err = check_version(audit, reply->str, report)) == 0 &&
             (err = check_role(audit, reply->str, report)) == 0 &&
             (err = weigh(audit, reply->str, report)) == 0)
        err = look_at_user(audit, report);
    store_reply_free(reply);
    return err;
}

int store_audit(const struct store_address *address, bool remote_allowed, uint64_t until_ms,
                struct audit_report *out, struct trouble *trouble)
{
    struct audit audit = {.address = address, .until_ms = until_ms, .trouble = trouble};
    struct audit_report report = {.on_disk = false};
    int err;

    (void)store_address_text(address, audit.where, sizeof(audit.where));
    if (!address->loopback && !remote_allowed)
        return refuse(&audit, ERR_DENIED,
                      "it is on another machine, and what goes there is not encrypted",
                      "forward a local port or socket to it (ssh, stunnel, WireGuard)");
    audit.store = store_new(address);
    err = audit_all(&audit, &report);
    store_free(audit.store);
    if (err == 0)
        *out = report;
    return err;
}
