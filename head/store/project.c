#include "head/store/project.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/redis/keys.h"
#include "common/redis/store.h"
#include "common/sys/log.h"
#include "common/table.h"
#include "common/xalloc.h"
#include "head/store/project_row.h"

/* Redis takes a pipeline in pieces, commits in between; a short one leaves room for them. */
#define FLUSH_ROWS  1024u
#define FLUSH_BYTES (1u << 20)
/* Between two flushes, but when many wait: most of what Redis writes would be rows of trials that
 * change three times in a moment. */
#define FLUSH_MS      1000u
#define MANY_ROWS     1024u
#define REMOVE_KEYS   2048u /* in one UNLINK */
#define RETRY_MS      1000u
#define ANSWER_MS     30000u
#define ROW_KEY_BYTES 12u

struct queue {
    struct project_row *first;
    struct project_row *last;
    size_t count;
};

/* An experiment whose keys are being removed. */
struct removal {
    bool asked; /* how many trials it had: the answer is to come */
    bool known;
    uint64_t next; /* trial */
    uint64_t trials;
};

struct project {
    struct store *store; /* owned */
    char name[STORE_NAME_BYTES + 1];
    struct table *latest; /* waiting rows by key; borrowed from the queue */
    struct table *newest; /* by experiment: one more than its highest trial that was told */
    struct queue waiting; /* owned rows */
    struct queue sent;    /* owned rows, in the order of their answers */
    size_t waiting_bytes;
    struct removal removal; /* of the first waiting row, if that is one */
    struct arena arena;     /* of one flush */
    bool announces;         /* who leads is among those that wait */
    uint64_t flushed_ms;
    uint64_t retry_ms;
    uint64_t dropped;
    bool drop_told;
    bool trouble_told;
    bool refused_told;
};

static void queue_push(struct queue *queue, struct project_row *row)
{
    row->next = NULL;
    if (queue->last != NULL)
        queue->last->next = row;
    else
        queue->first = row;
    queue->last = row;
    queue->count++;
}

static void queue_push_front(struct queue *queue, struct project_row *row)
{
    row->next = queue->first;
    if (queue->first == NULL)
        queue->last = row;
    queue->first = row;
    queue->count++;
}

static struct project_row *queue_pop(struct queue *queue)
{
    struct project_row *row = queue->first;

    if (row == NULL)
        return NULL;
    queue->first = row->next;
    if (queue->first == NULL)
        queue->last = NULL;
    queue->count--;
    row->next = NULL;
    return row;
}

static struct span row_key(const struct project_row *row, uint8_t *out)
{
    uint32_t numbers[3] = {(uint32_t)row->kind, row->experiment, row->trial};

    memcpy(out, numbers, ROW_KEY_BYTES);
    return span_of(out, ROW_KEY_BYTES);
}

struct project *project_new(const struct store_address *address, const char *name)
{
    struct project *project = xcalloc(1, sizeof(*project));

    assert(store_name_is_good(name));
    project->store = store_new(address);
    memcpy(project->name, name, strlen(name) + 1);
    project->latest = table_new();
    project->newest = table_new();
    return project;
}

static void queue_free(struct queue *queue)
{
    struct project_row *row;

    while ((row = queue_pop(queue)) != NULL)
        project_row_free(row);
}

void project_free(struct project *project)
{
    if (project == NULL)
        return;
    store_free(project->store);
    queue_free(&project->waiting);
    queue_free(&project->sent);
    table_free(project->latest);
    table_free(project->newest);
    arena_fini(&project->arena);
    free(project);
}

size_t project_pending(const struct project *project)
{
    return project->waiting.count + project->sent.count;
}

uint64_t project_dropped(const struct project *project)
{
    return project->dropped;
}

static void drop(struct project *project, struct project_row *row)
{
    project_row_free(row);
    project->dropped++;
    if (!project->drop_told)
        log_line(LOG_WARNING, "rows-dropped",
                 "Redis takes rows more slowly than they change; some are not shown there");
    project->drop_told = true;
}

/* Queue a row, into the one of its key that already waits if there is one. */
static void add_row(struct project *project, struct project_row *row)
{
    uint8_t bytes[ROW_KEY_BYTES];
    struct span key = row_key(row, bytes);
    struct project_row *waits = table_get(project->latest, key);

    if (waits != NULL) {
        project->waiting_bytes -= waits->bytes;
        project_row_absorb(waits, row);
        project->waiting_bytes += waits->bytes;
    } else if (row->kind != PROJECT_REMOVE &&
               (project->waiting.count >= LIMIT_PROJECTED_ROWS ||
                project->waiting_bytes + row->bytes > LIMIT_PROJECTED_BYTES)) {
        drop(project, row);
    } else {
        (void)table_put(project->latest, key, row);
        project->waiting_bytes += row->bytes;
        queue_push(&project->waiting, row);
    }
}

/* Whether a trial's row is written: not that of an old one. A new one makes another old. */
static bool is_new_enough(struct project *project, const struct effect_trial *trial)
{
    uint64_t told = (uintptr_t)table_get_u64(project->newest, trial->experiment);
    uint64_t newest = (uint64_t)trial->trial + 1 > told ? (uint64_t)trial->trial + 1 : told;

    for (uint64_t number = told; told > 0 && number < newest; number++) {
        struct project_row *row;

        if (number < LIMIT_PROJECTED_TRIALS)
            continue;
        row = xcalloc(1, sizeof(*row));
        row->kind = PROJECT_OLD;
        row->experiment = trial->experiment;
        row->trial = (uint32_t)(number - LIMIT_PROJECTED_TRIALS);
        add_row(project, row);
    }
    (void)table_put_u64(project->newest, trial->experiment, (void *)(uintptr_t)newest);
    return newest - trial->trial <= LIMIT_PROJECTED_TRIALS;
}

void project_effects(struct project *project, const struct effect *effects, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct project_row *row = NULL;

        if (effects[i].type != EFFECT_TRIAL || is_new_enough(project, &effects[i].trial))
            row = project_row_new(&effects[i]);
        if (row == NULL && effects[i].type == EFFECT_RELEASE && effects[i].release.removed) {
            row = xcalloc(1, sizeof(*row));
            row->kind = PROJECT_REMOVE;
            row->experiment = effects[i].release.experiment;
            (void)table_remove_u64(project->newest, row->experiment);
        }
        if (row != NULL)
            add_row(project, row);
    }
}

void project_announce(struct project *project, uint64_t epoch, const char *endpoint,
                      const char *key)
{
    struct project_row *row = xcalloc(1, sizeof(*row));

    row->kind = PROJECT_HEAD;
    row->epoch = epoch;
    row->endpoint = span_text(xstrdup(endpoint));
    row->head_key = span_text(xstrdup(key));
    project->announces = true;
    add_row(project, row);
}

static struct project_row *take_first(struct project *project)
{
    uint8_t bytes[ROW_KEY_BYTES];
    struct project_row *row = queue_pop(&project->waiting);

    (void)table_remove(project->latest, row_key(row, bytes));
    project->waiting_bytes -= row->bytes;
    return row;
}

/* What was sent and not answered waits again, before everything else: a removal of the same
 * experiment may stand in the queue. */
static void connection_lost(struct project *project, uint64_t now_ms, const char *why)
{
    struct project_row *row;

    if (!project->trouble_told)
        log_line(LOG_WARNING, "rows-late", "rows do not get to Redis: %s", why);
    project->trouble_told = true;
    store_close(project->store);
    project->removal.asked = false;
    project->retry_ms = now_ms + RETRY_MS;
    while ((row = queue_pop(&project->sent)) != NULL) {
        uint8_t bytes[ROW_KEY_BYTES];
        struct project_row *waits = table_get(project->latest, row_key(row, bytes));

        if (waits == NULL) {
            (void)table_put(project->latest, row_key(row, bytes), row);
            project->waiting_bytes += row->bytes;
            queue_push_front(&project->waiting, row);
        } else {
            project->waiting_bytes -= waits->bytes;
            project_row_give(row, waits);
            project->waiting_bytes += waits->bytes;
        }
    }
}

static void removal_answered(struct project *project, const struct redisReply *reply)
{
    struct span text = store_reply_text(reply);
    char number[24];

    project->removal.asked = false;
    project->removal.known = true;
    (void)snprintf(number, sizeof(number), "%.*s", SPAN(text));
    project->removal.trials = reply->type == REDIS_REPLY_STRING ? strtoull(number, NULL, 10) : 0;
}

/* 0, or ERR_* when the connection is to be given up. */
static int take_answers(struct project *project)
{
    struct redisReply *reply;
    int err = store_flush(project->store);

    if (err == 0)
        err = store_read(project->store);
    while (err == 0 && (err = store_next(project->store, &reply)) == 0) {
        if (store_reply_is_error(reply, NULL) && !project->refused_told) {
            log_line(LOG_WARNING, "rows-refused", "Redis does not take a row: %s", reply->str);
            project->refused_told = true;
        }
        if (project->sent.first != NULL)
            project_row_free(queue_pop(&project->sent));
        else if (project->removal.asked)
            removal_answered(project, reply);
        store_reply_free(reply);
    }
    return err == ERR_AGAIN ? 0 : err;
}

static void send_rows(struct project *project)
{
    struct span words[PROJECT_WORDS];
    size_t bytes = 0;

    for (uint32_t i = 0; i < FLUSH_ROWS && bytes < FLUSH_BYTES; i++) {
        struct project_row *row = project->waiting.first;
        size_t count;

        if (row == NULL || row->kind == PROJECT_REMOVE)
            break;
        row = take_first(project);
        if (row->kind == PROJECT_HEAD)
            project->announces = false;
        count = project_row_words(row, project->name, &project->arena, words);
        store_send(project->store, words, count);
        bytes += row->bytes;
        queue_push(&project->sent, row);
    }
    arena_reset(&project->arena);
}

/* A few thousand keys at a time, so that no commit waits long for Redis to forget them. */
static void send_removal(struct project *project)
{
    struct removal *removal = &project->removal;
    struct project_row *row = project->waiting.first;
    struct span key = project_row_key(row, project->name, &project->arena);
    struct span *words;
    size_t count = 0;

    if (!removal->known) {
        store_send(project->store, STORE_WORDS(span_text("HGET"), key, span_text("created")));
        removal->asked = true;
    } else if (removal->next < removal->trials) {
        words = arena_alloc(&project->arena, (REMOVE_KEYS + 1) * sizeof(*words));
        words[count++] = span_text("UNLINK");
        for (; count <= REMOVE_KEYS && removal->next < removal->trials; removal->next++)
            words[count++] =
                store_key_trial(arena_alloc(&project->arena, STORE_KEY_BYTES), project->name,
                                row->experiment, (uint32_t)removal->next);
        store_send(project->store, words, count);
    } else {
        store_send(project->store, STORE_WORDS(span_text("UNLINK"), key));
        *removal = (struct removal){0};
        project_row_free(take_first(project));
    }
    arena_reset(&project->arena);
}

static bool is_due(const struct project *project, uint64_t now_ms)
{
    const struct project_row *row = project->waiting.first;

    if (row == NULL || store_awaited(project->store) > 0)
        return false;
    return row->kind == PROJECT_REMOVE || project->announces ||
           project->waiting.count >= MANY_ROWS || now_ms - project->flushed_ms >= FLUSH_MS;
}

void project_tend(struct project *project, uint64_t now_ms)
{
    int err = 0;

    if (!store_is_open(project->store)) {
        if (project->waiting.first == NULL || now_ms < project->retry_ms)
            return;
        if (store_open(project->store) < 0) {
            connection_lost(project, now_ms, store_error(project->store));
            return;
        }
        project->flushed_ms = now_ms - FLUSH_MS;
    }
    err = take_answers(project);
    if (err == 0 && is_due(project, now_ms)) {
        if (project->waiting.first->kind == PROJECT_REMOVE)
            send_removal(project);
        else
            send_rows(project);
        project->flushed_ms = now_ms;
        err = store_flush(project->store);
    }
    if (err < 0)
        connection_lost(project, now_ms, store_error(project->store));
    else if (store_awaited(project->store) > 0 && now_ms - project->flushed_ms >= ANSWER_MS)
        connection_lost(project, now_ms, "Redis has not answered for 30 s");
    else if (store_awaited(project->store) == 0 && project->waiting.first == NULL)
        project->trouble_told = false;
}
