#include "head/redisd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/redis/keys.h"
#include "common/redis/store.h"
#include "common/sys/clock.h"
#include "common/sys/failpoint.h"
#include "common/sys/fs.h"
#include "common/sys/log.h"
#include "common/xalloc.h"
#include "head/redisd_files.h"
#include "head/redisd_spawn.h"
#include "head/redisd_tail.h"

#define PROGRAM        "redis-server"
#define INSTALL_MEND   "apt-get install redis-server"
#define ANSWER_MS      10000u /* for a server that neither answers nor says that it loads */
#define STOP_MS        10000u
#define RETRY_FIRST_MS 100u
#define RETRY_MOST_MS  5000u
#define CALM_MS        60000u /* no death for so long: the next one is the first again */
#define TAIL_BYTES     2048u

struct redisd {
    char dir[LIMIT_PATH_BYTES];
    char program[LIMIT_PATH_BYTES];
    char head_password[REDISD_PASSWORD_BYTES];
    char supervisor_password[REDISD_PASSWORD_BYTES];
    char name[STORE_NAME_BYTES + 1];
    bool private_server;
    bool disk_failed;
    int dir_fd; /* a socket's path is at most 107 bytes: a deeper one is reached through this */
    pid_t pid;  /* our child; 0: not ours, or none */
    uint64_t died_ms;  /* the last time; 0: never yet */
    uint64_t retry_ms; /* when it may be started again */
    uint64_t delay_ms;
    struct store_address address;
    struct store_address supervisor;
};

const struct store_address *redisd_address(const struct redisd *redisd)
{
    return &redisd->address;
}

const struct store_address *redisd_supervisor(const struct redisd *redisd)
{
    return &redisd->supervisor;
}

void redisd_free(struct redisd *redisd)
{
    if (redisd == NULL)
        return;
    if (redisd->dir_fd >= 0)
        (void)close(redisd->dir_fd);
    explicit_bzero(redisd, sizeof(*redisd));
    free(redisd);
}

/* The program's full path, so that a child need not search after fork. */
static int find_program(char *out)
{
    const char *path = getenv("PATH");

    for (const char *at = path != NULL ? path : "/usr/bin:/bin"; *at != '\0';) {
        size_t size = strcspn(at, ":");
        int written = snprintf(out, LIMIT_PATH_BYTES, "%.*s/" PROGRAM, (int)size, at);

        if (size > 0 && written > 0 && written < (int)LIMIT_PATH_BYTES && access(out, X_OK) == 0)
            return 0;
        at += size + (at[size] == ':' ? 1 : 0);
    }
    return ERR_NOT_FOUND;
}

int redisd_cluster(const char *data_dir, char *name)
{
    char path[LIMIT_PATH_BYTES];
    struct buf text = {0};
    int err = fs_join(path, data_dir, "redis/" REDISD_CLUSTER);

    if (err == 0)
        err = fs_read(path, STORE_NAME_BYTES, &text);
    if (err == 0 && !store_name_is_good(buf_text(&text)))
        err = ERR_MALFORMED;
    if (err == 0)
        (void)snprintf(name, STORE_NAME_BYTES + 1, "%s", buf_text(&text));
    buf_fini(&text);
    return err;
}

static int claim_folder(struct redisd *redisd, const char *data_dir, struct trouble *trouble)
{
    char path[LIMIT_PATH_BYTES];
    char owner[STORE_NAME_BYTES + 1];
    int err = redisd_cluster(data_dir, owner);

    if (err == 0 && strcmp(owner, redisd->name) != 0)
        return trouble_set(
            trouble, ERR_DENIED, "data directory", "name that cluster, or another data directory",
            "%s holds the log of the cluster \"%s\", not of \"%s\"", data_dir, owner, redisd->name);
    if (err == ERR_NOT_FOUND) {
        err = fs_join(path, redisd->dir, REDISD_CLUSTER);
        if (err == 0)
            err = fs_write_atomic(path, 0600, redisd->name, strlen(redisd->name));
    }
    if (err < 0)
        return trouble_set(trouble, err, "data directory", NULL, "%s/" REDISD_CLUSTER ": %s",
                           redisd->dir, err_text(err));
    return 0;
}

static int make_folder(struct redisd *redisd, const char *data_dir, struct trouble *trouble)
{
    const char *why = "";
    int err = fs_join(redisd->dir, data_dir, "redis");

    if (err == 0)
        err = fs_make_dirs(redisd->dir, 0700);
    if (err < 0)
        return trouble_set(trouble, err, "data directory", NULL, "%s/redis: %s", data_dir,
                           err_text(err));
    if (!fs_is_private(redisd->dir, &why))
        return trouble_set(trouble, ERR_DENIED, "data directory", "chmod 700 the folder", "%s: %s",
                           redisd->dir, why);
    redisd->dir_fd = open(redisd->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (redisd->dir_fd < 0)
        return trouble_set(trouble, err_from_errno(), "data directory", NULL, "%s: %s", redisd->dir,
                           strerror(errno));
    return claim_folder(redisd, data_dir, trouble);
}

static void make_address(const struct redisd *redisd, const char *user, const char *password,
                         struct store_address *out)
{
    int size = snprintf(out->path, sizeof(out->path), "%s/" REDISD_SOCKET, redisd->dir);

    if (size >= (int)sizeof(out->path))
        (void)snprintf(out->path, sizeof(out->path), "/proc/self/fd/%d/" REDISD_SOCKET,
                       redisd->dir_fd);
    (void)snprintf(out->user, sizeof(out->user), "%s", user);
    (void)snprintf(out->password, sizeof(out->password), "%s", password);
    out->loopback = true;
}

/* The end of the server's log: out gets at most size - 1 bytes. */
static void read_log_tail(const struct redisd *redisd, char *out, size_t size)
{
    int fd = openat(redisd->dir_fd, REDISD_LOG, O_RDONLY | O_CLOEXEC);
    off_t end;
    ssize_t got = 0;

    if (fd >= 0) {
        end = lseek(fd, 0, SEEK_END);
        if (end > 0)
            got = pread(fd, out, size - 1, end > (off_t)size - 1 ? end - (off_t)size + 1 : 0);
        (void)close(fd);
    }
    out[got > 0 ? got : 0] = '\0';
}

static int ended_at_once(const struct redisd *redisd, struct trouble *trouble)
{
    char tail[TAIL_BYTES];
    char *last = tail;
    size_t size;

    read_log_tail(redisd, tail, sizeof(tail));
    for (size = strlen(tail); size > 0 && (tail[size - 1] == '\n' || tail[size - 1] == '\r');)
        tail[--size] = '\0';
    if (strrchr(tail, '\n') != NULL)
        last = strrchr(tail, '\n') + 1;
    return trouble_set(trouble, ERR_IO, PROGRAM,
                       "it has to be 7.0 or newer; for a damaged file see redis-check-aof",
                       "%s (%s/" REDISD_LOG ")", last[0] != '\0' ? last : "it ended without a word",
                       redisd->dir);
}

/* Start one if none holds the folder. 0: started; ERR_AGAIN: one is there. */
static int start_server(struct redisd *redisd, struct trouble *trouble)
{
    char lock[LIMIT_PATH_BYTES];
    int lock_fd;
    int err;

    if (redisd->program[0] == '\0' && find_program(redisd->program) < 0)
        return trouble_set(trouble, ERR_NOT_FOUND, PROGRAM, INSTALL_MEND, "not on PATH");
    err = fs_join(lock, redisd->dir, REDISD_LOCK);
    if (err < 0)
        return trouble_set(trouble, err, "data directory", NULL, "its path is too long");
    lock_fd = fs_lock(lock);
    if (lock_fd == ERR_AGAIN)
        return ERR_AGAIN;
    if (lock_fd < 0)
        return trouble_set(trouble, lock_fd, "data directory", NULL, "%s: %s", lock,
                           strerror(errno));
    err = redisd_write_files(redisd->dir, redisd->name, redisd->head_password,
                             redisd->supervisor_password, trouble);
    if (err == 0)
        err = redisd_tail_mend(redisd->dir, trouble);
    if (err < 0) {
        (void)close(lock_fd);
        return err;
    }
    FAILPOINT("redis-fork");
    err = redisd_spawn(redisd->program, redisd->dir_fd, lock_fd, redisd->private_server,
                       &redisd->pid);
    FAILPOINT("redis-forked");
    if (err < 0)
        return trouble_set(trouble, err, PROGRAM, INSTALL_MEND, "%s: %s", redisd->program,
                           strerror(errno));
    return 0;
}

/* Whether our child has ended; it is reaped then. */
static bool child_ended(struct redisd *redisd)
{
    if (redisd->pid == 0 || waitpid(redisd->pid, NULL, WNOHANG) == 0)
        return false;
    redisd->pid = 0;
    return true;
}

/* Whether somebody holds the lock of a server's folder. */
static bool is_held(const char *dir)
{
    char lock[LIMIT_PATH_BYTES];
    int lock_fd;

    if (fs_join(lock, dir, REDISD_LOCK) < 0 || access(lock, F_OK) < 0)
        return false;
    lock_fd = fs_lock(lock);
    if (lock_fd >= 0)
        (void)close(lock_fd);
    return lock_fd == ERR_AGAIN;
}

bool redisd_is_running(const char *data_dir)
{
    char dir[LIMIT_PATH_BYTES];

    return fs_join(dir, data_dir, "redis") == 0 && is_held(dir);
}

static int explain_silence(const struct redisd *redisd, int err, const struct store *store,
                           struct trouble *trouble)
{
    return trouble_set(trouble, err, PROGRAM, "end the server of this folder and try again",
                       "the one in %s does not let us in: %s", redisd->dir, store_error(store));
}

/* Asks every millisecond: a server is up in less than ten, and is never waited for longer than it
 * takes. A server that loads says so, and may take as long as it needs. */
static int wait_ready(struct redisd *redisd, struct trouble *trouble)
{
    struct store *store = store_new(&redisd->address);
    uint64_t until_ms = clock_ms() + ANSWER_MS;
    int err;

    for (;;) {
        err = store_connect(store, clock_ms() + ANSWER_MS);
        if (err == 0)
            break;
        if (err == ERR_AGAIN)
            until_ms = clock_ms() + ANSWER_MS;
        if (err == ERR_DENIED || err == ERR_TIMEOUT || clock_ms() > until_ms) {
            err = explain_silence(redisd, err == ERR_DENIED ? err : ERR_TIMEOUT, store, trouble);
            break;
        }
        if (child_ended(redisd)) {
            err = ended_at_once(redisd, trouble);
            break;
        }
        if (redisd->pid == 0 && err == ERR_CLOSED) {
            err = start_server(redisd, trouble); /* the one that was there has just gone */
            if (err < 0 && err != ERR_AGAIN)
                break;
        }
        (void)poll(NULL, 0, 1);
    }
    store_free(store);
    return err;
}

int redisd_start(const char *data_dir, const char *name, bool private_server, struct redisd **out,
                 struct trouble *trouble)
{
    struct redisd *redisd;
    int err;

    if (!store_name_is_good(name))
        return trouble_set(trouble, ERR_MALFORMED, "cluster's name", NULL,
                           "\"%.100s\" is not 1 to 64 letters, digits, dots, dashes and "
                           "underscores",
                           name);
    redisd = xcalloc(1, sizeof(*redisd));
    redisd->dir_fd = -1;
    redisd->private_server = private_server;
    (void)snprintf(redisd->name, sizeof(redisd->name), "%s", name);
    err = make_folder(redisd, data_dir, trouble);
    if (err == 0)
        err = redisd_password(redisd->dir, REDISD_HEAD, redisd->head_password, trouble);
    if (err == 0)
        err = redisd_password(redisd->dir, REDISD_SUPERVISOR, redisd->supervisor_password, trouble);
    if (err == 0) {
        make_address(redisd, REDISD_HEAD, redisd->head_password, &redisd->address);
        make_address(redisd, REDISD_SUPERVISOR, redisd->supervisor_password, &redisd->supervisor);
        err = wait_ready(redisd, trouble);
    }
    if (err < 0)
        redisd_free(redisd);
    else
        *out = redisd;
    return err;
}

/* Redis ends itself when the disk fails to sync. What it would read back may then be in the page
 * cache only, so that it is for a person to say that it may start again. */
static bool disk_failed_to_sync(const struct redisd *redisd)
{
    char tail[TAIL_BYTES];

    read_log_tail(redisd, tail, sizeof(tail));
    return strstr(tail, "fsync error") != NULL;
}

static void note_death(struct redisd *redisd, uint64_t now_ms)
{
    if (redisd->died_ms == 0 || now_ms - redisd->died_ms > CALM_MS)
        redisd->delay_ms = 0;
    else
        redisd->delay_ms = redisd->delay_ms == 0 ? RETRY_FIRST_MS : redisd->delay_ms * 2;
    if (redisd->delay_ms > RETRY_MOST_MS)
        redisd->delay_ms = RETRY_MOST_MS;
    redisd->died_ms = now_ms;
    redisd->retry_ms = now_ms + redisd->delay_ms;
    redisd->disk_failed = disk_failed_to_sync(redisd);
    if (redisd->disk_failed)
        log_line(LOG_ERROR, "redis-disk",
                 "redis-server ended because the disk failed to sync; it is not started again "
                 "before the disk is looked at folder=%s",
                 redisd->dir);
    else
        log_line(LOG_WARNING, "redis-died", "redis-server has ended; it is started again folder=%s",
                 redisd->dir);
}

int redisd_tend(struct redisd *redisd, uint64_t now_ms)
{
    struct trouble trouble;
    int err;

    if (redisd->disk_failed)
        return ERR_IO;
    if (redisd->retry_ms == 0) {
        if (redisd->pid != 0 ? !child_ended(redisd) : is_held(redisd->dir))
            return 0;
        note_death(redisd, now_ms);
        if (redisd->disk_failed)
            return ERR_IO;
    }
    if (now_ms < redisd->retry_ms)
        return ERR_AGAIN;
    redisd->retry_ms = 0;
    err = start_server(redisd, &trouble);
    if (err == 0)
        return 1;
    if (err == ERR_AGAIN) /* somebody started one */
        return 0;
    log_line(LOG_ERROR, "redis-start", "%s: %s", trouble.what, trouble.why);
    redisd->retry_ms = now_ms + RETRY_MOST_MS;
    return ERR_AGAIN;
}

static bool is_gone(struct redisd *redisd)
{
    if (redisd->pid != 0)
        return child_ended(redisd);
    return !is_held(redisd->dir);
}

int redisd_stop(struct redisd *redisd, struct trouble *trouble)
{
    uint64_t until_ms = clock_ms() + STOP_MS;
    struct store *store = store_new(&redisd->supervisor);
    struct redisReply *reply = NULL;
    int err = store_connect(store, until_ms);

    if (err == 0) {
        err = store_call(store, until_ms, STORE_WORDS(span_text("SHUTDOWN"), span_text("NOSAVE")),
                         &reply);
        if (err == 0) { /* it only ever answers to refuse */
            struct span why = store_reply_text(reply);

            err = trouble_set(trouble, ERR_IO, PROGRAM, NULL, "%.*s", SPAN(why));
            store_reply_free(reply);
            goto out;
        }
    }
    while (!is_gone(redisd)) {
        if (clock_ms() > until_ms) {
            err = trouble_set(trouble, ERR_TIMEOUT, PROGRAM, NULL, "the one in %s does not end: %s",
                              redisd->dir, store_error(store));
            goto out;
        }
        (void)poll(NULL, 0, 1);
    }
    err = 0;
out:
    store_free(store);
    return err;
}
