#include "worker/executor/spare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/pack.h"
#include "common/sys/log.h"
#include "common/xalloc.h"
#include "worker/executor/attempt.h"
#include "worker/executor/executor.h"
#include "worker/executor/request.h"
#include "worker/executor/tree.h"
#include "worker/executor/zygote_wire.h"

#define NEVER   UINT64_MAX
#define NO_MARK "=" /* no entry of an environment is that */

enum spare_state { SPARE_KEPT, SPARE_IDLE, SPARE_ASKED, SPARE_LEAVING, SPARE_KILLED };

struct spare {
    struct loop_source source; /* fd is owned: our end of its report descriptor; -1: closed */
    struct executor *executor; /* borrowed */
    enum spare_state state;
    struct attempt *attempt; /* KEPT: whose it was; ASKED: whose it is to be; else NULL */
    pid_t pid;
    int64_t cpu;
    struct buf devices; /* struct msg_gpu each */
    uint64_t until_ms;  /* ASKED, LEAVING: then it is killed; else NEVER */
    struct spare *next; /* of executor->spares, the newest first */
};

static void spare_ready(struct loop_source *source, uint32_t events);

static struct span devices_of(const struct attempt *attempt)
{
    return span_of(attempt->lease.gpus.items, attempt->lease.gpus.count * sizeof(struct msg_gpu));
}

static void link_close(struct spare *spare)
{
    if (spare->source.fd < 0)
        return;
    (void)loop_set(&spare->executor->loop, &spare->source, 0);
    (void)close(spare->source.fd);
    spare->source.fd = -1;
}

static void spare_free(struct spare *spare)
{
    struct spare **link = &spare->executor->spares;

    while (*link != spare)
        link = &(*link)->next;
    *link = spare->next;
    link_close(spare);
    buf_fini(&spare->devices);
    free(spare);
}

static void wake(struct executor *executor)
{
    uint64_t first = NEVER;

    for (const struct spare *spare = executor->spares; spare != NULL; spare = spare->next)
        first = spare->until_ms < first ? spare->until_ms : first;
    if (first == NEVER)
        deadlines_cancel(executor->deadlines, DEADLINE_SPARES);
    else
        deadlines_set(executor->deadlines, DEADLINE_SPARES, first);
}

static void wake_in(struct spare *spare, uint64_t ms)
{
    spare->until_ms = executor_now_ms() + ms;
    wake(spare->executor);
}

/* It hears the end of its descriptor, and may clean up. */
static void leave(struct spare *spare)
{
    link_close(spare);
    spare->attempt = NULL;
    spare->state = SPARE_LEAVING;
    wake_in(spare, LIMIT_GRACE_MS);
}

/* Nobody else's: of its trials others may be alive, so what it left is known by its session alone.
 */
static void tree_end_of(struct spare *spare, bool running)
{
    struct tree tree = {spare->pid, NO_MARK, "", spare->executor->killed, NULL};

    (void)tree_kill(&tree, running, executor_knows, spare->executor);
}

/* The zygote says when it is gone. */
static void end(struct spare *spare)
{
    leave(spare);
    spare->state = SPARE_KILLED;
    spare->until_ms = NEVER;
    tree_end_of(spare, true);
}

bool spare_keep(struct attempt *attempt, int report)
{
    struct executor *executor = attempt->executor;
    int fd = fcntl(report, F_DUPFD_CLOEXEC, 0);
    struct spare *spare;

    if (fd < 0)
        return false;
    spare = xcalloc(1, sizeof(*spare));
    *spare = (struct spare){.source = {.fd = fd, .ready = spare_ready},
                            .executor = executor,
                            .state = SPARE_KEPT,
                            .attempt = attempt,
                            .pid = attempt->pid,
                            .cpu = attempt->lease.resources.cpu,
                            .until_ms = NEVER,
                            .next = executor->spares};
    buf_append_span(&spare->devices, devices_of(attempt));
    executor->spares = spare;
    attempt->spare = spare;
    return true;
}

void spare_release(struct attempt *attempt, bool again)
{
    struct spare *spare = attempt->spare;

    if (spare == NULL)
        return;
    attempt->spare = NULL;
    spare->attempt = NULL;
    spare->state = SPARE_IDLE;
    if (!again)
        leave(spare);
}

static struct spare *match_find(const struct attempt *attempt)
{
    struct spare *spare = attempt->executor->spares;

    while (spare != NULL &&
           (spare->state != SPARE_IDLE || spare->cpu != attempt->lease.resources.cpu ||
            !span_equal(buf_span(&spare->devices), devices_of(attempt))))
        spare = spare->next;
    return spare;
}

/* ["next", request]; whole or not at all. */
static bool ask(struct spare *spare, const struct attempt *attempt, const char *json,
                char *const *environment, const struct spawn_ends *ends)
{
    struct buf request = {0}, list = {0}, frame = {0};
    uint8_t head[5] = {ZYGOTE_FRAME};
    bool sent;

    request_pack(attempt, json, environment, &request);
    pack_list(&list, 2);
    pack_text(&list, "next");
    pack_bytes(&list, buf_span(&request));
    for (unsigned i = 0; i < 4; i++)
        head[1 + i] = (uint8_t)(list.size >> (8 * i));
    buf_append(&frame, head, sizeof(head));
    buf_append_span(&frame, buf_span(&list));
    sent = request_send(spare->source.fd, buf_span(&frame), ends) == (ssize_t)frame.size &&
           loop_set(&spare->executor->loop, &spare->source, EPOLLIN) == 0;
    buf_fini(&request);
    buf_fini(&list);
    buf_fini(&frame);
    return sent;
}

bool spare_start(struct attempt *attempt, const char *json, char *const *environment,
                 struct spawn_ends ends)
{
    struct spare *spare = match_find(attempt);

    if (spare == NULL) {
        spare_yield(attempt->executor);
        return false;
    }
    if (!ask(spare, attempt, json, environment, &ends)) {
        end(spare); /* it is gone, or does not read */
        return false;
    }
    (void)close(ends.output);
    (void)close(ends.error);
    (void)close(ends.report);
    spare->state = SPARE_ASKED;
    spare->attempt = attempt;
    wake_in(spare, LIMIT_RESET_MS);
    return true;
}

static struct spare *asked_find(const struct attempt *attempt)
{
    struct spare *spare = attempt->executor->spares;

    while (spare != NULL && (spare->state != SPARE_ASKED || spare->attempt != attempt))
        spare = spare->next;
    return spare;
}

bool spare_cancel(struct attempt *attempt)
{
    struct spare *spare = asked_find(attempt);

    if (spare == NULL)
        return false;
    end(spare);
    return true;
}

void spare_yield(struct executor *executor)
{
    struct spare *oldest = NULL;

    for (struct spare *spare = executor->spares; spare != NULL; spare = spare->next)
        if (spare->state == SPARE_IDLE)
            oldest = spare;
    if (oldest != NULL)
        leave(oldest);
}

/* Of one that is ASKED. True where it took the attempt, and is no spare any more. */
static bool answer_take(struct spare *spare)
{
    struct attempt *attempt = spare->attempt;
    pid_t pid = spare->pid;
    char answer = ZYGOTE_DECLINED; /* also of one that closes */
    ssize_t got = recv(spare->source.fd, &answer, 1, MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (answer != ZYGOTE_TAKEN) {
        leave(spare);
        attempt_restart(attempt);
        return false;
    }
    spare_free(spare);
    attempt_started(attempt, pid);
    return true;
}

static void spare_ready(struct loop_source *source, uint32_t events)
{
    (void)events;
    (void)answer_take((struct spare *)source);
}

static struct spare *by_pid(const struct executor *executor, pid_t pid)
{
    struct spare *spare = executor->spares;

    while (spare != NULL && spare->pid != pid)
        spare = spare->next;
    return spare;
}

void spare_exited(struct executor *executor, pid_t pid, int wait_status)
{
    struct spare *spare = by_pid(executor, pid);
    struct attempt *attempt;

    if (spare == NULL)
        return;
    attempt = spare->attempt;
    if (spare->state == SPARE_ASKED && answer_take(spare)) {
        attempt_exited(attempt, wait_status);
        return;
    }
    tree_end_of(spare, false);
    if (spare->state == SPARE_KEPT)
        attempt->spare = NULL;
    attempt = spare->state == SPARE_ASKED ? attempt : NULL;
    spare_free(spare);
    if (attempt != NULL)
        attempt_restart(attempt);
}

bool spares_leave(struct executor *executor)
{
    bool any = false;

    for (struct spare *spare = executor->spares; spare != NULL; spare = spare->next) {
        if (spare->state == SPARE_IDLE)
            leave(spare);
        any = any || spare->state == SPARE_LEAVING;
    }
    return any;
}

void spares_due(struct executor *executor)
{
    uint64_t now = executor_now_ms();
    struct attempt *attempt;

    for (struct spare *spare = executor->spares; spare != NULL; spare = spare->next) {
        if (spare->until_ms > now)
            continue;
        attempt = spare->attempt;
        end(spare);
        if (attempt == NULL)
            continue;
        log_line(LOG_WARNING, "no_reuse",
                 "the process of an earlier trial did not take the next one in time trial=%s",
                 attempt->id);
        attempt_restart(attempt);
    }
    wake(executor);
}

void spares_free(struct executor *executor)
{
    while (executor->spares != NULL) {
        struct spare *spare = executor->spares;

        if (spare->state == SPARE_KEPT)
            spare->attempt->spare = NULL;
        spare_free(spare);
    }
}
