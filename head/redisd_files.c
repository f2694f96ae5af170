#include "head/redisd_files.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/limits.h"
#include "common/sys/fs.h"

/* Of the machine's memory or the container's: a rewrite of the append-only file forks, and may need
 * as much again. */
#define MEMORY_PERCENT   45u
#define FILE_LIMIT_BYTES 65536u

/* The settings that make an acknowledgement mean "on disk", and close what nobody needs. */
static const char settings[] = "port 0\n"
                               "unixsocket " REDISD_SOCKET "\n"
                               "unixsocketperm 700\n"
                               "protected-mode yes\n"
                               "daemonize no\n"
                               "supervised no\n"
                               "databases 1\n"
                               "maxclients 64\n"
                               "timeout 0\n"
                               "aclfile users.acl\n"
                               "enable-debug-command no\n"
                               "enable-module-command no\n"
                               "enable-protected-configs no\n"
                               "appendonly yes\n"
                               "appendfsync always\n"
                               "no-appendfsync-on-rewrite no\n"
                               "aof-load-truncated no\n" /* redisd_tail.h */
                               "aof-use-rdb-preamble yes\n"
                               "auto-aof-rewrite-percentage 100\n"
                               "auto-aof-rewrite-min-size 32mb\n" /* and redisd_rewrite */
                               "rdbcompression no\n"
                               "save \"\"\n"
                               "maxmemory-policy noeviction\n"
                               "proto-max-bulk-len 64mb\n"
                               "client-query-buffer-limit 128mb\n"
                               /* Rows of trials stay compact with a long configuration in them. */
                               "hash-max-listpack-entries 64\n"
                               "hash-max-listpack-value 8192\n"
                               "jemalloc-bg-thread no\n"
                               "latency-tracking no\n"
                               "slowlog-log-slower-than -1\n"
                               "crash-memcheck-enabled no\n"
                               "always-show-logo no\n"
                               "loglevel warning\n"
                               "logfile \"\"\n";

/* What the journal, replay and projections send, and nothing else. */
static const char head_commands[] =
    "+auth +ping +info +wait +get +set +hset +hget +hgetall +hmget +hdel +xadd +xrange +xrevrange "
    "+xlen +xtrim +xinfo|stream +del +unlink +exists +scan";

static const char supervisor_commands[] =
    "+auth +ping +info +shutdown +config|get +bgrewriteaof +client|list +client|kill";

/* The smaller of *limit and the number in a file of cgroup; "max" and no such file change nothing.
 */
static void lower_to_file(const char *path, uint64_t *limit)
{
    struct buf text = {0};

    if (fs_read(path, FILE_LIMIT_BYTES, &text) == 0) {
        char *end;
        uint64_t bytes = strtoull(buf_text(&text), &end, 10);

        if (end != buf_text(&text) && bytes > 0 && bytes < *limit)
            *limit = bytes;
    }
    buf_fini(&text);
}

static uint64_t memory_limit(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    long page_bytes = sysconf(_SC_PAGESIZE);
    uint64_t bytes = UINT64_MAX / 100;

    if (pages > 0 && page_bytes > 0)
        bytes = (uint64_t)pages * (uint64_t)page_bytes;
    lower_to_file("/sys/fs/cgroup/memory.max", &bytes);
    lower_to_file("/sys/fs/cgroup/memory/memory.limit_in_bytes", &bytes);
    return bytes / 100 * MEMORY_PERCENT;
}

/* Nothing is written where the content is the same: two syncs less at every start. */
static int write_if_other(const char *dir, const char *file, const struct buf *text,
                          struct trouble *trouble)
{
    char path[LIMIT_PATH_BYTES];
    struct buf old = {0};
    int err = fs_join(path, dir, file);

    if (err == 0 && fs_read(path, FILE_LIMIT_BYTES, &old) == 0 &&
        span_equal(buf_span(&old), buf_span(text)))
        goto out;
    if (err == 0)
        err = fs_write_atomic(path, 0600, text->data, text->size);
    if (err < 0)
        (void)trouble_set(trouble, err, "redis-server's files", NULL, "%s/%s: %s", dir, file,
                          err_text(err));
out:
    buf_fini(&old);
    return err;
}

static void add_user(struct buf *acl, const char *user, const char *password, const char *keys,
                     const char *commands)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof(hash) + 1];

    (void)crypto_hash_sha256(hash, (const unsigned char *)password, strlen(password));
    (void)sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
    buf_printf(acl, "user %s on #%s resetkeys %s resetchannels -@all %s\n", user, hex, keys,
               commands);
}

int redisd_write_files(const char *dir, const char *name, const char *head_password,
                       const char *supervisor_password, struct trouble *trouble)
{
    struct buf text = {0};
    char keys[128];
    int err;

    buf_append_text(&text, settings);
    buf_printf(&text, "maxmemory %" PRIu64 "\n", memory_limit());
    err = write_if_other(dir, REDISD_CONFIG, &text, trouble);
    if (err == 0) {
        buf_reset(&text);
        buf_append_text(&text, "user default off resetpass resetkeys resetchannels -@all\n");
        (void)snprintf(keys, sizeof(keys), "~assay:{%s}:*", name);
        add_user(&text, REDISD_HEAD, head_password, keys, head_commands);
        add_user(&text, REDISD_SUPERVISOR, supervisor_password, "", supervisor_commands);
        err = write_if_other(dir, "users.acl", &text, trouble);
    }
    buf_fini(&text);
    return err;
}

static int read_password(const char *path, char *out)
{
    struct buf text = {0};
    int err = fs_read(path, REDISD_PASSWORD_BYTES, &text);

    if (err == 0 && text.size != REDISD_PASSWORD_BYTES - 1)
        err = ERR_MALFORMED;
    if (err == 0) {
        memcpy(out, text.data, text.size);
        out[text.size] = '\0';
    }
    if (text.data != NULL)
        explicit_bzero(text.data, text.size);
    buf_fini(&text);
    return err;
}

static int make_password(const char *path, char *out)
{
    unsigned char secret[(REDISD_PASSWORD_BYTES - 1) / 2];
    int err;

    randombytes_buf(secret, sizeof(secret));
    (void)sodium_bin2hex(out, REDISD_PASSWORD_BYTES, secret, sizeof(secret));
    explicit_bzero(secret, sizeof(secret));
    err = fs_write_atomic(path, 0600, out, REDISD_PASSWORD_BYTES - 1);
    return err;
}

int redisd_password(const char *dir, const char *user, char *out, struct trouble *trouble)
{
    char path[LIMIT_PATH_BYTES];
    char file[64];
    const char *why;
    int err;

    if (sodium_init() < 0)
        return trouble_set(trouble, ERR_IO, "random numbers", NULL, "libsodium does not start");
    (void)snprintf(file, sizeof(file), "%s.password", user);
    err = fs_join(path, dir, file);
    if (err == 0) {
        err = read_password(path, out);
        if (err == 0 && !fs_is_private(path, &why))
            return trouble_set(trouble, ERR_DENIED, "redis-server's password", "chmod 600 the file",
                               "%s: %s", path, why);
        if (err == ERR_NOT_FOUND)
            err = make_password(path, out);
    }
    if (err < 0)
        return trouble_set(trouble, err, "redis-server's password",
                           "stop its redis-server and remove the file; a new one is made",
                           "%s/%s: %s", dir, file, err_text(err));
    return 0;
}
