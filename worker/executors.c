#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "common/err.h"
#include "common/sys/clock.h"
#include "common/sys/fs.h"
#include "common/sys/log.h"
#include "common/xalloc.h"
#include "worker/executors_inside.h"
#include "worker/helper.h"

#define EVENTS 64

/* ---- sources ---- */

void source_watch(struct executor *executor, struct source *source, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = source}};

    assert(source->fd < 0);
    source->fd = fd;
    if (epoll_ctl(executor->all->processes, EPOLL_CTL_ADD, fd, &event) != 0)
        log_line(LOG_ERROR, "epoll", "a process cannot be watched: %s", strerror(errno));
}

void source_close(struct executor *executor, struct source *source)
{
    (void)executor;
    if (source->fd >= 0)
        (void)close(source->fd); /* which takes it out of epoll */
    source->fd = -1;
}

/* ---- life ---- */

struct executor *executor_new(struct executors *executors, uint32_t number)
{
    struct executor *executor = xcalloc(1, sizeof(*executor));
    struct source *sources[] = {&executor->unpacker, &executor->starter, &executor->process,
                                &executor->talk};

    executor->all = executors;
    executor->number = number;
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
        *sources[i] = (struct source){.fd = -1, .executor = executor};
    executor->unpacker.ready = code_unpacker_ready;
    executor->starter.ready = executor_starter_ready;
    executor->process.ready = executor_process_ready;
    local_init(&executor->local, -1);
    arena_init(&executor->arena);
    if (executor_paths(executor) != 0) {
        free(executor);
        return NULL;
    }
    executor->next = executors->first;
    executors->first = executor;
    (void)table_put_u64(executors->by_number, number, executor);
    return executor;
}

static void executor_free(struct executor *executor)
{
    struct executors *all = executor->all;
    struct executor **at = &all->first;

    while (*at != executor)
        at = &(*at)->next;
    *at = executor->next;
    (void)table_remove_u64(all->by_number, executor->number);
    if (all->stalled == executor) {
        all->stalled = NULL;
        buf_reset(&all->stalled_frame);
    }
    source_close(executor, &executor->unpacker);
    source_close(executor, &executor->starter);
    source_close(executor, &executor->process);
    local_fini(&executor->local);
    buf_fini(&executor->experiment);
    buf_fini(&executor->outbox);
    buf_fini(&executor->output.frame);
    buf_fini(&executor->store.frame);
    arena_fini(&executor->arena);
    free(executor);
}

/* Those that a daemon before this one left. */
static void find_all(struct executors *executors)
{
    DIR *dir = opendir(executors->exec_dir);
    struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        unsigned long number;
        struct executor *executor;
        char *end;

        number = strtoul(entry->d_name, &end, 10);
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9' || *end != '\0' ||
            number >= UINT32_MAX)
            continue;
        executor = executor_new(executors, (uint32_t)number);
        if (executor == NULL)
            continue;
        executor_find_process(executor);
        if (executor->process.fd < 0) {
            executor_files_remove(executor);
            executor_free(executor);
        }
    }
    if (dir != NULL)
        (void)closedir(dir);
}

struct executors *executors_new(const struct executors_parts *parts)
{
    struct executors *executors = xcalloc(1, sizeof(*executors));

    executors->parts = *parts;
    executors->by_number = table_new();
    executors->now_ms = clock_ms();
    executors->processes = epoll_create1(EPOLL_CLOEXEC);
    executors->frames = epoll_create1(EPOLL_CLOEXEC);
    if (executors->processes < 0 || executors->frames < 0 ||
        fs_join(executors->exec_dir, parts->data_dir, "exec") != 0 ||
        fs_make_dirs(executors->exec_dir, 0700) != 0) {
        int error = errno;

        executors_free(executors);
        errno = error;
        return NULL;
    }
    find_all(executors);
    return executors;
}

void executors_free(struct executors *executors)
{
    if (executors == NULL)
        return;
    while (executors->first != NULL)
        executor_free(executors->first);
    if (executors->processes >= 0)
        (void)close(executors->processes);
    if (executors->frames >= 0)
        (void)close(executors->frames);
    table_free(executors->by_number);
    buf_fini(&executors->stalled_frame);
    free(executors);
}

/* ---- the loop ---- */

int executors_fd(const struct executors *executors)
{
    return executors->processes;
}

int executors_frames_fd(const struct executors *executors)
{
    return executors->frames;
}

static bool is_to_start(const struct executor *executor)
{
    return (executor->outbox.size > 0 || executor->wanted) && !executor->released &&
           !executor->stopping && executor->experiment.size > 0 && !executor_is_there(executor);
}

/* What time brings: a start, a connection, code. */
static void executor_turn(struct executor *executor)
{
    uint64_t now_ms = executor->all->now_ms;

    if (executor->stopping) {
        executor_stop(executor);
        return;
    }
    if (executor->connect_at_ms > 0 && now_ms >= executor->connect_at_ms)
        executor_connect(executor);
    code_turn(executor);
    if (executor->released && executor->process.fd < 0 && executor->starter.fd < 0 &&
        executor->unpacker.fd < 0) {
        executor->dead = true;
        executor->all->bury = true;
        return;
    }
    if (is_to_start(executor) && now_ms >= executor->start_at_ms)
        executor_start(executor);
    executor_flush(executor);
}

static void bury(struct executors *executors)
{
    struct executor *next;

    executors->bury = false;
    for (struct executor *executor = executors->first; executor != NULL; executor = next) {
        next = executor->next;
        if (!executor->dead)
            continue;
        executor_files_remove(executor);
        executor_free(executor);
    }
}

static void removers_reap(struct executors *executors)
{
    for (size_t i = 0; i < REMOVERS; i++)
        if (executors->removers[i] > 0 && helper_reap(executors->removers[i]) >= 0)
            executors->removers[i] = 0;
}

void executors_turn(struct executors *executors, uint64_t now_ms)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(executors->processes, events, EVENTS, 0);

    executors->now_ms = now_ms;
    removers_reap(executors);
    for (int i = 0; i < count; i++) {
        struct source *source = events[i].data.ptr;

        if (source->fd >= 0)
            source->ready(source->executor);
    }
    for (struct executor *executor = executors->first; executor != NULL; executor = executor->next)
        executor_turn(executor);
    if (executors->bury)
        bury(executors);
}

uint64_t executors_next_ms(const struct executors *executors)
{
    uint64_t next_ms = UINT64_MAX;

    for (const struct executor *executor = executors->first; executor != NULL;
         executor = executor->next) {
        uint64_t at_ms = UINT64_MAX;

        if (executor->dead)
            at_ms = 0;
        if (executor->connect_at_ms > 0)
            at_ms = executor->connect_at_ms;
        if (executor->code == CODE_WAITING && !executor->released && !executor->stopping &&
            executor->code_at_ms < at_ms)
            at_ms = executor->code_at_ms;
        if (is_to_start(executor) && executor->start_at_ms < at_ms)
            at_ms = executor->start_at_ms;
        if (at_ms < next_ms)
            next_ms = at_ms;
    }
    return next_ms;
}

void executor_refuse(struct executor *executor, const char *why)
{
    const struct executors_calls *calls = &executor->all->parts.calls;

    log_line(LOG_ERROR, "executor-refused", "experiment %u cannot run here: %s", executor->number,
             why);
    buf_reset(&executor->outbox);
    calls->refused(calls->context, executor, why);
}

/* ---- the head's words ---- */

struct executor *executors_experiment(struct executors *executors,
                                      const struct msg_experiment *experiment, struct span frame,
                                      uint64_t now_ms)
{
    struct executor *executor = executors_find(executors, experiment->experiment);

    executors->now_ms = now_ms;
    if (executor == NULL)
        executor = executor_new(executors, experiment->experiment);
    if (executor == NULL)
        return NULL;
    buf_reset(&executor->experiment);
    buf_append_span(&executor->experiment, frame);
    executor->told = true;
    executor->released = false;
    executor->wanted = executor->leaving || (executor->process.fd < 0 && executor->starter.fd < 0);
    code_begin(executor, experiment);
    executor_turn(executor);
    return executor;
}

void executors_session(struct executors *executors)
{
    for (struct executor *executor = executors->first; executor != NULL; executor = executor->next)
        executor->told = false;
}

void executors_blob(struct executors *executors, const uint8_t *hash, bool missing, uint64_t now_ms)
{
    executors->now_ms = now_ms;
    for (struct executor *executor = executors->first; executor != NULL; executor = executor->next)
        if (executor->code == CODE_FETCHING && memcmp(executor->hash, hash, LIMIT_HASH_BYTES) == 0)
            code_come(executor, missing);
}

void executor_dismiss(struct executor *executor)
{
    struct msg_release release = {.experiment = executor->number};
    struct buf frame = {0};

    executor->leaving = executor->process.fd >= 0;
    message_pack(MSG_RELEASE, 0, &release, &frame);
    (void)executor_say(executor, buf_span(&frame)); /* said again when it is there again */
    buf_fini(&frame);
}

void executor_release(struct executor *executor)
{
    executor->released = true;
    buf_reset(&executor->outbox);
    executor_dismiss(executor);
}

/* ---- looking ---- */

struct executor *executors_find(const struct executors *executors, uint32_t experiment)
{
    return table_get_u64(executors->by_number, experiment);
}

void executors_share(struct executors *executors, const char *checkpoints)
{
    executors->checkpoints = checkpoints;
}

struct executor *executors_first(const struct executors *executors)
{
    return executors->first;
}

struct executor *executor_next(const struct executor *executor)
{
    return executor->next;
}

uint32_t executor_number(const struct executor *executor)
{
    return executor->number;
}

bool executor_is_up(const struct executor *executor)
{
    return executor->local.fd >= 0;
}

bool executor_is_mute(const struct executor *executor)
{
    return executor->process.fd >= 0 && !executor->greeted;
}

bool executor_was_told(const struct executor *executor)
{
    return executor->told;
}

bool executor_greets(struct executor *executor)
{
    bool lost = !executor->greeted && executor->lost;

    executor->greeted = true;
    executor->lost = false;
    if (lost)
        buf_reset(&executor->outbox);
    return lost;
}

bool executor_is_there(const struct executor *executor)
{
    return executor->process.fd >= 0 || executor->starter.fd >= 0;
}

void executor_stop(struct executor *executor)
{
    bool first = !executor->stopping;

    executor->stopping = true;
    if (executor->process.fd < 0 || (!first && executor->local.fd < 0))
        return;
    executor_signal(executor, SIGTERM);
    executor_hang_up(executor);
}

/* By its number only where the system does not let us do it without, and not after its end, when
 * the number may be another's. */
void executor_signal(struct executor *executor, int signal_number)
{
    struct pollfd end = {.fd = executor->process.fd, .events = POLLIN};

    if (executor->process.fd < 0 ||
        pidfd_send_signal(executor->process.fd, signal_number, NULL, 0) == 0 || errno == ESRCH)
        return;
    if (poll(&end, 1, 0) == 0)
        (void)kill(executor->pid, signal_number);
}

void executor_hang_up(struct executor *executor)
{
    local_fini(&executor->local);
    local_init(&executor->local, -1);
    talk_watch(executor);
    executor->connect_at_ms = 0;
}

const struct resources *executor_need(const struct executor *executor)
{
    return executor->has_need ? &executor->need : NULL;
}

struct executor_relay *executor_output(struct executor *executor)
{
    return &executor->output;
}

struct executor_relay *executor_store(struct executor *executor)
{
    return &executor->store;
}

void executor_print(const struct executor *executor, struct buf *out)
{
    static const char *const codes[] = {"unknown", "fetching", "unpacking", "waiting", "ready"};

    buf_printf(out, "experiment=%u pid=%ld up=%d code=%s introduced=%d told=%d released=%d ",
               executor->number, (long)executor->pid, executor->local.fd >= 0,
               codes[executor->code], executor->introduced, executor->told, executor->released);
    buf_printf(out, "outbox=%zu unsent=%zu deaths=%u output=%d", executor->outbox.size,
               executor->local.out.size, executor->deaths, executor->output.own != 0);
}
