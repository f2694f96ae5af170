#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/err.h"
#include "common/sys/fs.h"
#include "common/sys/log.h"
#include "worker/executors_inside.h"
#include "worker/helper.h"

#define DEATH_SOON_MS 10000u /* who dies earlier than that counts as dying at the start */
#define DEATHS_MOST   6u     /* in a row, then the experiment is refused here */
#define START_WAIT_MS 1000u  /* after the second death; doubled with each */
#define START_MOST_MS 16000u
#define NEED_BYTES    65536u

/* ---- where things are ---- */

/* A folder of this user's for sockets of this data folder. */
static int runtime_dir(struct executors *all)
{
    uint8_t hash[16];
    char hex[2 * sizeof(hash) + 1];
    char path[sizeof(all->runtime_dir)];
    const char *why;

    if (all->runtime_dir[0] != '\0')
        return 0;
    (void)crypto_generichash(hash, sizeof(hash), (const uint8_t *)all->exec_dir,
                             strlen(all->exec_dir), NULL, 0);
    (void)sodium_bin2hex(hex, sizeof(hex), hash, 8);
    (void)snprintf(path, sizeof(path), "/tmp/assay-%ld", (long)geteuid());
    if (fs_make_dirs(path, 0700) != 0 || !fs_is_private(path, &why)) {
        log_line(LOG_ERROR, "runtime-dir", "no folder for sockets: %s is not this user's alone",
                 path);
        return ERR_DENIED;
    }
    (void)snprintf(path, sizeof(path), "/tmp/assay-%ld/%.16s", (long)geteuid(), hex);
    if (fs_make_dirs(path, 0700) != 0)
        return ERR_DENIED;
    memcpy(all->runtime_dir, path, sizeof(path)); /* only one that was looked at is used again */
    return 0;
}

int executor_paths(struct executor *executor)
{
    struct executors *all = executor->all;
    char number[16];

    (void)snprintf(number, sizeof(number), "%u", executor->number);
    if (fs_join(executor->dir, all->exec_dir, number) != 0 ||
        fs_join(executor->socket_path, executor->dir, "sock") != 0)
        return ERR_TOO_BIG;
    if (strlen(executor->socket_path) < sizeof(((struct sockaddr_un *)0)->sun_path))
        return 0;
    if (runtime_dir(all) != 0 || fs_join(executor->socket_path, all->runtime_dir, number) != 0)
        return ERR_DENIED;
    return 0;
}

/* ---- the process ---- */

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5; newer than our C library's headers */
#endif

/* The process at the other end, whose number is pid. From the socket, where the system knows that:
 * by now the number may be another's, and some containers have no pidfd_open. -1 with errno. */
static int peer_open(int fd, pid_t pid)
{
    int pidfd;
    socklen_t size = sizeof(pidfd);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0)
        return pidfd;
    return errno == ENOPROTOOPT ? pidfd_open(pid, 0) : -1;
}

/* Who listens at the other end: watched from now on. */
static int process_watch(struct executor *executor, int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    int pidfd;

    if (executor->process.fd >= 0)
        return 0;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return err_from_errno();
    pidfd = peer_open(fd, peer.pid);
    if (pidfd < 0)
        return err_from_errno();
    executor->pid = peer.pid;
    source_watch(executor, &executor->process, pidfd);
    return 0;
}

void executor_connect(struct executor *executor)
{
    int fd = local_connect(executor->socket_path);
    int err = fd < 0 ? fd : process_watch(executor, fd);

    executor->connect_at_ms = 0;
    if (err != 0) {
        if (fd >= 0)
            (void)close(fd);
        /* While its process lives, or may yet be found out to. */
        if (executor->process.fd >= 0)
            executor->connect_at_ms = executor->all->now_ms + RECONNECT_MS;
        return;
    }
    local_fini(&executor->local);
    local_init(&executor->local, fd);
    executor->watched = 0;
    executor_flush(executor);
    if (executor->released || executor->leaving)
        executor_dismiss(executor);
}

void executor_lose_talk(struct executor *executor)
{
    executor_hang_up(executor);
    if (executor->process.fd >= 0)
        executor->connect_at_ms = executor->all->now_ms + RECONNECT_MS;
}

void executor_find_process(struct executor *executor)
{
    executor_connect(executor);
    if (executor->local.fd < 0)
        return;
    executor->lost = true; /* by the daemon before this one */
    executor->introduced = true;
    executor->code = CODE_READY;
    executor->started_ms = executor->all->now_ms;
    need_load(executor);
    log_line(LOG_INFO, "executor-found", "an executor goes on experiment=%u pid=%ld",
             executor->number, (long)executor->pid);
}

void executor_start(struct executor *executor)
{
    const struct executors_parts *parts = &executor->all->parts;
    char program[LIMIT_PATH_BYTES];
    const char *checkpoints = executor->all->checkpoints;
    char number[16];
    char *argv[12] = {program,        "--socket", executor->socket_path, "--data", executor->dir,
                      "--experiment", number};
    int count = 7;
    int fd;

    if (parts->shares_results)
        argv[count++] = "--share-results";
    if (checkpoints != NULL) {
        argv[count++] = "--checkpoints";
        argv[count] = (char *)(uintptr_t)checkpoints;
    }
    (void)snprintf(number, sizeof(number), "%u", executor->number);
    executor->wanted = false;
    executor->introduced = false;
    executor->started_ms = executor->all->now_ms;
    if (fs_join(program, parts->bin_dir, "assay-executor") != 0 ||
        fs_make_dirs(executor->dir, 0700) != 0 ||
        helper_spawn(program, argv, &executor->starter_pid, &fd) != 0) {
        log_line(LOG_ERROR, "executor-start", "%s cannot be started: %s", program, strerror(errno));
        executor->start_at_ms = executor->all->now_ms + START_MOST_MS;
        executor_refuse(executor, "assay-executor cannot be started on this node");
        return;
    }
    source_watch(executor, &executor->starter, fd);
}

/* It is not there any more. Who dies at once, again and again, is not started for ever. */
static void count_death(struct executor *executor)
{
    uint64_t now_ms = executor->all->now_ms;
    uint64_t wait_ms = START_WAIT_MS;

    executor->deaths = now_ms < executor->started_ms + DEATH_SOON_MS ? executor->deaths + 1 : 1;
    for (uint32_t i = 2; i < executor->deaths && wait_ms < START_MOST_MS; i++)
        wait_ms *= 2;
    executor->start_at_ms = executor->deaths > 1 ? now_ms + wait_ms : now_ms;
    if (executor->deaths >= DEATHS_MOST) {
        executor->deaths = 0;
        executor_refuse(executor, "its executor died at every start; see executor.log in the "
                                  "worker's data folder");
    }
}

void executor_starter_ready(struct executor *executor)
{
    int status = helper_reap(executor->starter_pid);

    if (status < 0)
        return;
    source_close(executor, &executor->starter);
    /* Whatever became of who started it: a starter that was killed leaves an executor behind it,
     * which has the folder, and with which no other one can begin. */
    executor_connect(executor);
    if (executor->local.fd >= 0)
        return;
    log_line(LOG_ERROR, "executor-start", "the executor of experiment %u did not start status=%d",
             executor->number, status);
    if (executor->process.fd < 0)
        count_death(executor);
}

void executor_process_ready(struct executor *executor)
{
    const struct executors_calls *calls = &executor->all->parts.calls;

    executor_drain(executor);
    executor_hang_up(executor);
    source_close(executor, &executor->process);
    executor->lost = false;
    executor->introduced = false;
    log_line(executor->leaving || executor->stopping ? LOG_DEBUG : LOG_WARNING, "executor-gone",
             "an executor is gone experiment=%u pid=%ld", executor->number, (long)executor->pid);
    executor->pid = 0;
    if (executor->leaving) {
        /* What waits is for the next one, in a folder that this one emptied. */
        executor->leaving = false;
        calls->left(calls->context, executor);
        executor->deaths = 0;
        executor->start_at_ms = executor->all->now_ms;
        if (!executor->released)
            code_again(executor);
        return;
    }
    buf_reset(&executor->outbox); /* those leases are ended by `gone` */
    calls->gone(calls->context, executor);
    count_death(executor);
}

/* ---- what its trials need, for another daemon ---- */

static int need_path(const struct executor *executor, char out[LIMIT_PATH_BYTES])
{
    return fs_join(out, executor->dir, "need");
}

static void need_copy(struct executor *executor, const struct resources *from)
{
    arena_reset(&executor->arena);
    executor->need = resources_copy(from, &executor->arena);
    executor->has_need = true;
}

void need_load(struct executor *executor)
{
    char path[LIMIT_PATH_BYTES];
    struct resources need;
    struct arena arena = {0};
    struct buf text = {0};
    struct cursor cursor;

    if (need_path(executor, path) == 0 && fs_read(path, NEED_BYTES, &text) == 0) {
        cursor_init(&cursor, buf_span(&text));
        if (schema_unpack(&resources_schema, &cursor, &arena, &need, NULL) == 0)
            need_copy(executor, &need);
    }
    if (!executor->has_need)
        log_line(LOG_WARNING, "need", "what the trials of experiment %u hold is not known",
                 executor->number);
    arena_fini(&arena);
    buf_fini(&text);
}

/* No fsync: it is for a restart of the daemon, and a machine's takes the trials with it. */
void executor_set_need(struct executor *executor, const struct resources *need)
{
    char path[LIMIT_PATH_BYTES];
    char temporary[LIMIT_PATH_BYTES];
    struct buf text = {0};
    int fd = -1;

    if (executor->has_need)
        return; /* all trials of an experiment need the same */
    need_copy(executor, need);
    schema_pack(&resources_schema, need, &text);
    if (need_path(executor, path) == 0 && fs_join(temporary, executor->dir, "need.tmp") == 0)
        fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || fs_write_all(fd, text.data, text.size) != 0 || rename(temporary, path) != 0)
        log_line(LOG_WARNING, "need", "cannot be written: %s", strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    buf_fini(&text);
}

void executor_files_remove(struct executor *executor)
{
    static const char *const names[] = {"need", "need.tmp", "executor.log", "zygote.log", "lock"};
    const char *program = executor->all->parts.bin_dir;
    char path[LIMIT_PATH_BYTES];
    char code[LIMIT_PATH_BYTES];
    char helper[LIMIT_PATH_BYTES];
    char *argv[] = {helper, "--helper", "remove", path, NULL};
    pid_t *remover = NULL;
    int fd;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (fs_join(path, executor->dir, names[i]) == 0)
            (void)unlink(path);
    (void)unlink(executor->socket_path);
    if (fs_join(path, executor->dir, "work") == 0)
        (void)rmdir(path); /* only where trials left nothing */
    if (rmdir(executor->dir) == 0 || errno == ENOENT)
        return;
    /* An executor that went by itself has removed the code; that of one that died may be large. It
     * is put aside first: its experiment may go on, and a tree of the same name come meanwhile. */
    for (size_t i = 0; i < REMOVERS && remover == NULL; i++)
        if (executor->all->removers[i] == 0)
            remover = &executor->all->removers[i];
    if (fs_join(code, executor->dir, "code") != 0 || fs_join(path, executor->dir, "code.gone") != 0)
        return;
    (void)rename(code, path); /* fails where there is none, or an earlier one is there still */
    if (remover != NULL && access(path, F_OK) == 0 &&
        fs_join(helper, program, "assay-worker") == 0 &&
        helper_spawn(helper, argv, remover, &fd) == 0)
        (void)close(fd); /* else it stays until a daemon starts here again */
}
