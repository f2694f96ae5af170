#include "worker/executor/zygote.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/err.h"
#include "common/spec.h"
#include "common/sys/fs.h"
#include "common/sys/log.h"
#include "common/sys/sig.h"
#include "common/xalloc.h"
#include "worker/executor/attempt.h"
#include "worker/executor/cage.h"
#include "worker/executor/executor.h"
#include "worker/executor/request.h"
#include "worker/executor/setup.h"
#include "worker/executor/spare.h"
#include "worker/executor/zygote_wire.h"

#define LOG_FILE "zygote.log"

/* A start that was not asked for yet. */
struct waiting {
    struct waiting *next;
    struct attempt *attempt;
    struct spawn_ends ends;
    struct buf request; /* as zygote_wire.h says */
};

struct zygote {
    struct loop_source source; /* fd is owned */
    struct executor *executor;
    pid_t pid;
    bool ready;
    struct waiting *first;
    struct waiting **end;
    uint32_t asked;    /* and not answered */
    struct buf failed; /* why it cannot be of use: it is about to end */
    bool died;
};

static void zygote_ready(struct loop_source *source, uint32_t events);

/* What its process needs, prepared. */
struct zygote_start {
    const char *path;
    char *const *argv;
    char *const *environment;
    int fd;
    int log;
};

/* Descriptor 3 is the zygote's socket; its stdout and stderr go to a log, which is read when the
 * library cannot be opened. */
static void run_zygote(void *context)
{
    const struct zygote_start *start = context;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    sig_unblock();
    if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(start->log, STDOUT_FILENO) >= 0 &&
        dup2(start->log, STDERR_FILENO) >= 0 && dup2(start->fd, SPAWN_REPORT_FD) >= 0 &&
        fcntl(SPAWN_REPORT_FD, F_SETFD, 0) >= 0)
        (void)execve(start->path, start->argv, start->environment);
    _exit(127);
}

static int log_open(const struct executor *executor)
{
    char path[LIMIT_PATH_BYTES];

    if (fs_join(path, executor->options->dir, LOG_FILE) < 0)
        return -1;
    return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
}

static char **argv_make(struct executor *executor)
{
    struct setup *setup = executor->setup;
    struct arena *arena = &setup->arena;
    char **argv;

    if (setup->experiment.run_kind == RUN_PYTHON)
        return python_argv(&setup->python, getpid(), setup->code, setup->run, arena);
    argv = arena_zalloc(arena, 5 * sizeof(char *));
    argv[0] = arena_strdup(arena, "assay-executor");
    argv[1] = arena_strdup(arena, "--zygote");
    argv[2] = arena_printf(arena, "%d", (int)getpid());
    argv[3] = arena_strdup(arena, setup->library);
    return argv;
}

static pid_t process_start(struct executor *executor, int fd, int64_t cpu)
{
    struct setup *setup = executor->setup;
    bool python = setup->experiment.run_kind == RUN_PYTHON;
    struct zygote_start start = {
        python ? setup->python.interpreter : spawn_self(), argv_make(executor),
        environment_build_zygote(setup->environment, cpu, &setup->arena), fd, log_open(executor)};
    pid_t pid;

    if (start.log < 0)
        return -1;
    pid = spawn_child(executor->cage->shared, run_zygote, &start);
    if (pid == -2) {
        cage_enter(executor->cage);
        pid = spawn_child(-1, run_zygote, &start);
    }
    (void)close(start.log);
    return pid;
}

struct zygote *zygote_new(struct executor *executor, int64_t cpu)
{
    int pair[2];
    struct zygote *zygote;
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return NULL;
    /* A whole request goes into it at once; what the system gives by itself is about as much. */
    (void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &(int){ZYGOTE_REQUEST_MOST}, sizeof(int));
    pid = process_start(executor, pair[1], cpu);
    (void)close(pair[1]);
    if (pid < 0 || fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0) {
        (void)close(pair[0]);
        return NULL;
    }
    zygote = xcalloc(1, sizeof(*zygote));
    zygote->executor = executor;
    zygote->pid = pid;
    zygote->end = &zygote->first;
    zygote->source = (struct loop_source){.fd = pair[0], .ready = zygote_ready};
    if (loop_set(&executor->loop, &zygote->source, EPOLLIN) < 0) {
        zygote_free(zygote);
        return NULL;
    }
    return zygote;
}

static void waiting_free(struct waiting *waiting)
{
    (void)close(waiting->ends.output);
    (void)close(waiting->ends.error);
    (void)close(waiting->ends.report);
    buf_fini(&waiting->request);
    free(waiting);
}

static struct waiting *waiting_take(struct zygote *zygote)
{
    struct waiting *waiting = zygote->first;

    zygote->first = waiting->next;
    if (zygote->first == NULL)
        zygote->end = &zygote->first;
    return waiting;
}

void zygote_free(struct zygote *zygote)
{
    if (zygote == NULL)
        return;
    (void)loop_set(&zygote->executor->loop, &zygote->source, 0);
    (void)close(zygote->source.fd);
    if (!zygote->died)
        (void)kill(zygote->pid, SIGKILL);
    while (zygote->first != NULL)
        waiting_free(waiting_take(zygote));
    buf_fini(&zygote->failed);
    free(zygote);
}

pid_t zygote_pid(const struct zygote *zygote)
{
    return zygote->pid;
}

/* True where it was taken. A full socket is tried again at the next answer: there is one to come,
 * or it would be empty. A broken one is heard of as its end. */
static bool request_take(const struct zygote *zygote, const struct waiting *waiting)
{
    struct span bytes = buf_span(&waiting->request);

    return request_send(zygote->source.fd, bytes, &waiting->ends) == (ssize_t)bytes.size;
}

static void requests_send(struct zygote *zygote)
{
    while (zygote->ready && zygote->first != NULL && zygote->asked < LIMIT_STARTS &&
           request_take(zygote, zygote->first)) {
        zygote->asked++;
        waiting_free(waiting_take(zygote));
    }
}

void zygote_start(struct zygote *zygote, struct attempt *attempt, const char *json,
                  char *const *environment, struct spawn_ends ends)
{
    struct waiting *waiting = xmalloc(sizeof(*waiting));

    *waiting = (struct waiting){.attempt = attempt, .ends = ends};
    request_pack(attempt, json, environment, &waiting->request);
    *zygote->end = waiting;
    zygote->end = &waiting->next;
    requests_send(zygote);
}

bool zygote_cancel(struct zygote *zygote, struct attempt *attempt)
{
    for (struct waiting **link = &zygote->first; *link != NULL; link = &(*link)->next) {
        struct waiting *waiting = *link;

        if (waiting->attempt != attempt)
            continue;
        *link = waiting->next;
        if (zygote->end == &waiting->next)
            zygote->end = link;
        waiting_free(waiting);
        return true;
    }
    return false;
}

/* What it holds cannot be opened, or no fork of it is safe: those that wait hear of it. */
static void all_waiting(struct zygote *zygote,
                        void (*tell)(struct attempt *attempt, const char *why), const char *why)
{
    while (zygote->first != NULL) {
        struct waiting *waiting = waiting_take(zygote);
        struct attempt *attempt = waiting->attempt;

        waiting_free(waiting);
        tell(attempt, why);
    }
}

static void tell_failed(struct attempt *attempt, const char *why)
{
    attempt_failed_to_start(attempt, "%s", why);
}

/* It is started once more, in a process of its own. */
static void tell_unsafe(struct attempt *attempt, const char *why)
{
    attempt_restart(attempt);
    output_write(&attempt->streams[OUTPUT_STDERR].output, span_text(why));
}

static void zygote_unsafe(struct zygote *zygote, const char *why)
{
    struct buf text = {0};

    buf_printf(&text, "assay: %s: each trial gets a fresh process\n", why);
    log_line(LOG_WARNING, "no_zygote", "%s: each trial gets a fresh process", why);
    zygote->executor->setup->zygote_unsafe = true;
    all_waiting(zygote, tell_unsafe, buf_text(&text));
    buf_fini(&text);
}

/* Which trial it ran last its key does not say, where it was handed another. */
static void exited(struct executor *executor, const struct zygote_reply *reply)
{
    struct attempt *attempt = table_get_u64(executor->processes, (uint64_t)reply->pid);

    if (attempt == NULL)
        spare_exited(executor, reply->pid, reply->status);
    else if (attempt->state == ATTEMPT_RUNNING && !attempt->config_written)
        attempt_exited(attempt, reply->status);
}

static void reply_take(struct zygote *zygote, const struct zygote_reply *reply)
{
    struct executor *executor = zygote->executor;
    struct attempt *attempt = table_get_u64(executor->attempts, reply->key);
    /* The library runs in it, so it is believed nothing that cannot be. */
    bool starts = attempt != NULL && attempt->state == ATTEMPT_STARTING;

    switch ((enum zygote_kind)reply->kind) {
    case ZYGOTE_READY:
        zygote->ready = true;
        break;
    case ZYGOTE_UNSAFE:
        zygote_unsafe(zygote, reply->text);
        break;
    case ZYGOTE_FAILED:
        buf_reset(&zygote->failed);
        buf_append_text(&zygote->failed, reply->text);
        all_waiting(zygote, tell_failed, reply->text);
        break;
    case ZYGOTE_STARTED:
        zygote->asked -= zygote->asked > 0 ? 1 : 0;
        if (starts && reply->pid > 1)
            attempt_started(attempt, reply->pid);
        break;
    case ZYGOTE_REFUSED:
        zygote->asked -= zygote->asked > 0 ? 1 : 0;
        if (starts)
            attempt_failed_to_start(attempt, "cannot fork: %s", strerror(reply->status));
        break;
    case ZYGOTE_EXITED:
        exited(executor, reply);
        break;
    }
    requests_send(zygote);
}

static void zygote_ready(struct loop_source *source, uint32_t events)
{
    struct zygote *zygote = (struct zygote *)source;
    struct zygote_reply reply;
    ssize_t got;

    (void)events;
    for (int i = 0; i < 64; i++) {
        reply = (struct zygote_reply){0};
        got = recv(source->fd, &reply, sizeof(reply), 0);
        if (got < (ssize_t)offsetof(struct zygote_reply, text)) {
            if (got == 0)
                (void)loop_set(&zygote->executor->loop, source, 0); /* SIGCHLD says the rest */
            return;
        }
        reply.text[ZYGOTE_TEXT - 1] = '\0';
        reply_take(zygote, &reply);
    }
}

static void log_read(const struct executor *executor, struct buf *out)
{
    char path[LIMIT_PATH_BYTES];
    struct output last = {.fd = -1, .tail_fd = -1};

    if (fs_join(path, executor->options->dir, LOG_FILE) == 0)
        (void)fs_read(path, LIMIT_LOG_BYTES, &last.last); /* nothing to say is fine */
    output_last(&last, LIMIT_STDERR_TAIL / 2, out);
    output_fini(&last);
}

/* It ended without a word: what stands in its log is all that there is. */
static void say_died(struct zygote *zygote)
{
    const struct setup *setup = zygote->executor->setup;

    if (setup->library != NULL)
        buf_printf(&zygote->failed, "the library %s ends its process when it is opened\n",
                   setup->library);
    else
        buf_printf(&zygote->failed, "%s ended before it had imported %s\n",
                   setup->python.interpreter, setup->run);
    log_read(zygote->executor, &zygote->failed);
}

void zygote_died(struct zygote *zygote)
{
    struct executor *executor = zygote->executor;

    zygote_ready(&zygote->source, EPOLLIN); /* what it said last comes first */
    zygote->died = true;
    executor->setup->zygote = NULL;
    spares_free(executor);
    if (!zygote->ready && zygote->first != NULL) {
        if (zygote->failed.size == 0)
            say_died(zygote);
        all_waiting(zygote, tell_failed, buf_text(&zygote->failed));
    }
    /* Those it started are killed with it; those it was asked for and did not start never will be.
     * Who waits for its checkpoint has not asked it: the next one is there for that. */
    for (struct attempt *attempt = executor->first; attempt != NULL; attempt = attempt->next) {
        bool waits = attempt->state == ATTEMPT_STARTING && !attempt->restoring;

        if (!waits && (attempt->state != ATTEMPT_RUNNING || attempt->config_written))
            continue;
        if (!attempt->closed)
            buf_append_text(&attempt->text, "the process that starts trials has died");
        attempt_close(attempt, END_EXECUTOR_LOST);
        if (waits)
            attempt_failed_to_start(attempt, "the process that starts trials has died");
    }
    zygote_free(zygote);
}
