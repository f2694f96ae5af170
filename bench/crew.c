#include "bench/crew.h"

#include <stdlib.h>
#include <string.h>

#include "common/action.h"
#include "common/limits.h"
#include "common/pack.h"
#include "common/record.h"
#include "common/rng.h"
#include "common/xalloc.h"

#define FIRST_NODE     2u   /* principal 1 is the admin */
#define RESULTS_A_LIFE 100u /* of a trial, in the mean, when its scheduler lets it */

#define STREAM_TURNS   1u
#define STREAM_QUALITY 2u

struct worker {
    bool busy;
    uint32_t trial;
    uint32_t attempt;
    uint64_t seq; /* of its last record */
    int64_t iteration;
    uint64_t marks;
    enum action action;
    uint64_t turn; /* in which it reported last */
};

struct crew {
    struct rng rng;
    uint32_t count;
    struct worker *workers; /* owned */
    bool ends;
    uint64_t turn;
    uint64_t saves;
    uint64_t begun;
};

struct crew *crew_new(uint32_t workers, bool ends, uint64_t seed)
{
    struct crew *crew = xcalloc(1, sizeof(*crew));

    crew->rng = (struct rng){.seed = seed, .stream = STREAM_TURNS};
    crew->count = workers;
    crew->ends = ends;
    crew->workers = xcalloc(workers, sizeof(*crew->workers));
    return crew;
}

void crew_free(struct crew *crew)
{
    free(crew->workers);
    free(crew);
}

uint64_t crew_begun(const struct crew *crew)
{
    return crew->begun;
}

const char *crew_key(uint32_t worker, struct arena *arena)
{
    return arena_printf(arena, "principal_add key=%064x role=1 name=w%u", FIRST_NODE + worker,
                        worker);
}

const char *crew_node(uint32_t worker, struct arena *arena)
{
    return arena_printf(arena,
                        "node_back principal=%u name=w%u hostname=w%u incarnation=1 "
                        "capacity={cpu=%u} credit=1",
                        FIRST_NODE + worker, worker, worker, (unsigned)RESOURCE_ONE);
}

static void write_record(struct worker *worker, const struct record *record, struct buf *out)
{
    record_pack(record, out);
    worker->seq++;
}

/* Each gets better, from another place, and not evenly. */
static double reward(struct crew *crew, const struct worker *worker)
{
    double iteration = (double)worker->iteration;

    return rng_unit(crew->rng.seed, STREAM_QUALITY, worker->trial) * iteration / (iteration + 20) +
           0.05 * rng_next_unit(&crew->rng);
}

static void write_result(struct crew *crew, struct worker *worker, bool done, struct buf *out)
{
    struct record record = {.kind = RECORD_RESULT};
    struct buf metrics = {0};

    worker->iteration++;
    record.result.training_iteration = worker->iteration;
    record.result.done = done;
    pack_map(&metrics, 1);
    pack_text(&metrics, "r");
    pack_double(&metrics, reward(crew, worker));
    record.result.metrics = buf_span(&metrics);
    write_record(worker, &record, out);
    buf_fini(&metrics);
}

static void write_checkpoint(struct crew *crew, struct worker *worker, struct buf *out)
{
    struct record mark = {.kind = RECORD_MARK};
    struct record checkpoint = {.kind = RECORD_CHECKPOINT};
    uint8_t manifest[LIMIT_HASH_BYTES] = {0};

    crew->saves++;
    memcpy(manifest, &crew->saves, sizeof(crew->saves));
    mark.mark.number = checkpoint.checkpoint.number = ++worker->marks;
    mark.mark.counters.training_iteration = worker->iteration;
    checkpoint.checkpoint.bytes = 1000;
    checkpoint.checkpoint.manifest = span_of(manifest, sizeof(manifest));
    write_record(worker, &mark, out);
    write_record(worker, &checkpoint, out);
}

static void write_end(struct worker *worker, enum end_reason reason, struct buf *out)
{
    const struct record record = {.kind = RECORD_END, .end = {.reason = (uint32_t)reason}};

    write_record(worker, &record, out);
    worker->busy = false;
}

/* Whether a result is among them. */
static bool write_records(struct crew *crew, struct worker *worker, struct buf *out)
{
    const struct record start = {.kind = RECORD_START, .start = {.pid = 1}};
    enum action action = worker->action;
    bool done;

    worker->action = ACTION_CONTINUE;
    if (worker->seq == 0)
        write_record(worker, &start, out);
    if (action == ACTION_SAVE || action == ACTION_PAUSE)
        write_checkpoint(crew, worker, out);
    if (action == ACTION_STOP || action == ACTION_PAUSE) {
        write_end(worker, END_STOPPED, out);
        return false;
    }
    done = crew->ends && rng_next_below(&crew->rng, RESULTS_A_LIFE) == 0;
    write_result(crew, worker, done, out);
    if (done)
        write_end(worker, END_COMPLETED, out);
    return true;
}

static bool report(struct crew *crew, uint32_t index, struct arena *arena, struct event *out)
{
    struct worker *worker = &crew->workers[index];
    uint64_t before = worker->seq;
    struct buf records = {0};
    bool result = write_records(crew, worker, &records);

    *out = (struct event){
        .type = EVENT_REPORT,
        .report = {.node = FIRST_NODE + index,
                   .experiment = 1,
                   .trial = worker->trial,
                   .attempt = worker->attempt,
                   .first_seq = before + 1,
                   .count = (uint32_t)(worker->seq - before),
                   .records = arena_copy(arena, buf_span(&records))},
    };
    buf_fini(&records);
    return result;
}

uint32_t crew_report(struct crew *crew, struct arena *arena, struct event *out, uint32_t most,
                     uint32_t *results)
{
    uint32_t count = 0;

    crew->turn++;
    *results = 0;
    for (uint32_t i = 0; i < most; i++) {
        uint32_t index = (uint32_t)rng_next_below(&crew->rng, crew->count);
        struct worker *worker = &crew->workers[index];

        if (!worker->busy || worker->turn == crew->turn)
            continue;
        worker->turn = crew->turn;
        *results += report(crew, index, arena, &out[count++]);
    }
    return count;
}

void crew_obey(struct crew *crew, const struct effects *effects)
{
    for (size_t i = 0; i < effects->count; i++) {
        const struct effect *effect = &effects->items[i];

        if (effect->type == EFFECT_LAUNCH) {
            crew->begun += effect->launch.attempt == 1;
            crew->workers[effect->launch.node - FIRST_NODE] =
                (struct worker){.busy = true,
                                .trial = effect->launch.trial,
                                .attempt = effect->launch.attempt,
                                .iteration = effect->launch.counters.training_iteration};
        } else if (effect->type == EFFECT_VERDICT) {
            struct worker *worker = &crew->workers[effect->verdict.node - FIRST_NODE];

            if (worker->busy && worker->trial == effect->verdict.trial &&
                worker->attempt == effect->verdict.attempt)
                worker->action = (enum action)effect->verdict.action;
        }
    }
}
