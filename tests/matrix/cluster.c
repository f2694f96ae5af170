#include "tests/matrix/cluster.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/pack.h"
#include "common/record.h"
#include "common/rng.h"
#include "common/xalloc.h"

#define NODES       3u
#define FIRST_NODE  2u /* principals 2, 3 and 4 */
#define SLOTS       4u /* of a node */
#define TRIALS_MOST 64u
#define ITERATIONS  200 /* at which the experiment stops a trial */

#define STREAM_EVENTS  1u
#define STREAM_QUALITY 2u
#define STREAM_BYTES   3u

struct attempt {
    struct attempt *next;
    uint32_t node;
    uint32_t trial;
    uint32_t attempt;
    uint64_t seq; /* of its last record */
    int64_t iteration;
    uint64_t marks;
    uint64_t sending; /* the mark whose bytes are on their way; 0: none */
    enum action action;
};

struct cluster {
    struct rng rng;
    uint64_t now_ms;
    struct attempt *attempts; /* owned; in the order of their launches */
    uint32_t attempt_count;
    bool away[NODES];
    uint64_t incarnation[NODES];
    bool meddled[TRIALS_MOST]; /* a person had to do with it */
    bool paused[TRIALS_MOST];  /* by a person */
    uint64_t saves;
    uint32_t told;
    bool done;
};

struct cluster *cluster_new(uint64_t seed)
{
    struct cluster *cluster = xcalloc(1, sizeof(*cluster));

    cluster->rng = (struct rng){.seed = seed, .stream = STREAM_EVENTS};
    cluster->now_ms = 1000;
    return cluster;
}

static void attempt_drop(struct cluster *cluster, struct attempt *attempt)
{
    struct attempt **at = &cluster->attempts;

    while (*at != attempt)
        at = &(*at)->next;
    *at = attempt->next;
    cluster->attempt_count--;
    free(attempt);
}

void cluster_free(struct cluster *cluster)
{
    while (cluster->attempts != NULL)
        attempt_drop(cluster, cluster->attempts);
    free(cluster);
}

uint64_t cluster_now_ms(const struct cluster *cluster)
{
    return cluster->now_ms;
}

void cluster_pass_time(struct cluster *cluster)
{
    cluster->now_ms += rng_next_below(&cluster->rng, 400);
}

bool cluster_is_done(const struct cluster *cluster)
{
    return cluster->done;
}

uint32_t cluster_told(const struct cluster *cluster)
{
    return cluster->told;
}

static bool chance(struct cluster *cluster, uint32_t of_1000)
{
    return rng_next_below(&cluster->rng, 1000) < of_1000;
}

const char *cluster_opening(uint32_t nth, const char *experiment, struct arena *arena)
{
    if (nth == 0)
        return "principal_add key=0000000000000000000000000000000000000000000000000000000000000001 "
               "role=4 name=root";
    if (nth <= NODES)
        return arena_printf(arena, "principal_add key=%064x role=1 name=n%u", nth + 1, nth + 1);
    if (nth <= 2 * NODES)
        return arena_printf(arena,
                            "node_back principal=%u name=n%u hostname=h incarnation=1 "
                            "capacity={cpu=%u} credit=%u",
                            nth - NODES + 1, nth - NODES + 1, SLOTS * 10000, SLOTS);
    if (nth == 2 * NODES + 1)
        return arena_printf(arena, "submit submission=%032x principal=1 spec=%s", 1, experiment);
    return NULL;
}

/* ---- what attempts say ---- */

static double reward(struct cluster *cluster, const struct attempt *attempt)
{
    double quality = rng_unit(cluster->rng.seed, STREAM_QUALITY, attempt->trial);
    double iteration = (double)attempt->iteration;
    double noise = rng_next_unit(&cluster->rng);

    if (chance(cluster, 10))
        return NAN;
    return quality * iteration / (iteration + 20) + 0.05 * noise;
}

static bool write_result(struct cluster *cluster, struct attempt *attempt, struct buf *out)
{
    struct record record = {.kind = RECORD_RESULT};
    struct buf metrics = {0};

    attempt->iteration += 4 + (int64_t)rng_next_below(&cluster->rng, 24);
    record.result.training_iteration = attempt->iteration;
    record.result.time_total_s = 0.25 * (double)attempt->iteration;
    record.result.timestamp = (int64_t)(cluster->now_ms / 1000);
    record.result.done = attempt->iteration >= ITERATIONS;
    pack_map(&metrics, 1);
    pack_text(&metrics, "r");
    pack_double(&metrics, reward(cluster, attempt));
    record.result.metrics = buf_span(&metrics);
    record_pack(&record, out);
    buf_fini(&metrics);
    attempt->seq++;
    return record.result.done;
}

static void write_mark(struct attempt *attempt, struct buf *out)
{
    struct record record = {.kind = RECORD_MARK};

    record.mark.number = attempt->sending = ++attempt->marks;
    record.mark.counters.training_iteration = attempt->iteration;
    record.mark.counters.time_total_s = 0.25 * (double)attempt->iteration;
    record_pack(&record, out);
    attempt->seq++;
}

static void write_checkpoint(struct cluster *cluster, struct attempt *attempt, struct buf *out)
{
    struct record record = {.kind = RECORD_CHECKPOINT};
    uint8_t manifest[LIMIT_HASH_BYTES];

    cluster->saves++;
    for (uint32_t i = 0; i < LIMIT_HASH_BYTES; i++)
        manifest[i] = (uint8_t)rng_below(cluster->rng.seed, STREAM_BYTES,
                                         cluster->saves * LIMIT_HASH_BYTES + i, 256);
    record.checkpoint.number = attempt->sending;
    record.checkpoint.bytes = 1000 + cluster->saves;
    record.checkpoint.manifest = span_of(manifest, sizeof(manifest));
    attempt->sending = 0;
    record_pack(&record, out);
    attempt->seq++;
}

static void write_end(struct attempt *attempt, enum end_reason reason, struct buf *out)
{
    struct record record = {.kind = RECORD_END};

    record.end.reason = (uint32_t)reason;
    record.end.status = reason == END_EXIT;
    record_pack(&record, out);
    attempt->seq++;
}

/* Whether this was its last word. */
static bool write_records(struct cluster *cluster, struct attempt *attempt, struct buf *out)
{
    const struct record start = {.kind = RECORD_START, .start = {.pid = 100 + attempt->trial}};
    bool saves = attempt->action == ACTION_SAVE || attempt->action == ACTION_PAUSE;
    bool ends = true;

    if (attempt->seq == 0) {
        record_pack(&start, out);
        attempt->seq++;
    }
    if (saves && attempt->sending == 0)
        write_mark(attempt, out);
    /* Its bytes may take longer than what is reported meanwhile. */
    if (attempt->sending != 0 && (attempt->action == ACTION_PAUSE || chance(cluster, 700)))
        write_checkpoint(cluster, attempt, out);
    if (attempt->action == ACTION_STOP || attempt->action == ACTION_PAUSE)
        write_end(attempt, END_STOPPED, out);
    else if (chance(cluster, 8))
        write_end(attempt, END_EXIT, out);
    else if (write_result(cluster, attempt, out))
        write_end(attempt, END_COMPLETED, out);
    else
        ends = false;
    attempt->action = ACTION_CONTINUE;
    return ends;
}

static void report(struct cluster *cluster, struct arena *arena, struct event *out)
{
    uint64_t nth = rng_next_below(&cluster->rng, cluster->attempt_count);
    struct attempt *attempt = cluster->attempts;
    struct buf records = {0};
    uint64_t before;
    bool ended;

    while (nth-- > 0)
        attempt = attempt->next;
    before = attempt->seq;
    ended = write_records(cluster, attempt, &records);
    out->type = EVENT_REPORT;
    out->report = (struct event_report){.node = attempt->node,
                                        .experiment = 1,
                                        .trial = attempt->trial,
                                        .attempt = attempt->attempt,
                                        .first_seq = before + 1,
                                        .count = (uint32_t)(attempt->seq - before),
                                        .records = arena_copy(arena, buf_span(&records))};
    buf_fini(&records);
    if (ended)
        attempt_drop(cluster, attempt);
}

/* ---- what goes wrong, and what people do ---- */

static void node_lost(struct cluster *cluster, uint32_t index, struct event *out)
{
    struct attempt *next;

    for (struct attempt *attempt = cluster->attempts; attempt != NULL; attempt = next) {
        next = attempt->next;
        if (attempt->node == FIRST_NODE + index)
            attempt_drop(cluster, attempt);
    }
    cluster->away[index] = true;
    out->type = EVENT_NODE_LOST;
    out->node_lost =
        (struct event_node_lost){.node = FIRST_NODE + index, .reason = span_text("silent")};
}

static void node_back(struct cluster *cluster, uint32_t index, struct event *out)
{
    cluster->away[index] = false;
    out->type = EVENT_NODE_BACK;
    out->node_back = (struct event_node_back){.principal = FIRST_NODE + index,
                                              .name = span_text("n"),
                                              .hostname = span_text("h"),
                                              .incarnation = 2 + ++cluster->incarnation[index],
                                              .capacity = {.cpu = SLOTS * RESOURCE_ONE},
                                              .credit = SLOTS};
}

static bool node_comes_back(struct cluster *cluster, struct event *out)
{
    for (uint32_t i = 0; i < NODES; i++)
        if (cluster->away[i]) {
            node_back(cluster, i, out);
            return true;
        }
    return false;
}

static bool person_resumes(struct cluster *cluster, struct event *out)
{
    for (uint32_t trial = 0; trial < TRIALS_MOST; trial++)
        if (cluster->paused[trial]) {
            cluster->paused[trial] = false;
            out->type = EVENT_RESUME;
            out->pause = (struct event_pause){.experiment = 1, .trial = trial, .principal = 1};
            return true;
        }
    return false;
}

static bool person_pauses(struct cluster *cluster, uint32_t trial, struct event *out)
{
    cluster->paused[trial] = cluster->meddled[trial] = true;
    out->type = EVENT_PAUSE;
    out->pause = (struct event_pause){.experiment = 1, .trial = trial, .principal = 1};
    return true;
}

static bool person_stops(struct cluster *cluster, uint32_t trial, struct event *out)
{
    cluster->meddled[trial] = true;
    out->type = EVENT_STOP;
    out->stop = (struct event_stop){.experiment = 1, .trial = trial, .principal = 1};
    return true;
}

static bool something_else(struct cluster *cluster, struct event *out)
{
    uint64_t roll = rng_next_below(&cluster->rng, 1000);
    uint32_t trial = (uint32_t)rng_next_below(&cluster->rng, TRIALS_MOST / 3);
    uint32_t index = (uint32_t)rng_next_below(&cluster->rng, NODES);

    if (roll < 6 && !cluster->away[index]) {
        node_lost(cluster, index, out);
        return true;
    }
    if (roll < 9)
        return person_pauses(cluster, trial, out);
    if (roll < 11)
        return person_stops(cluster, trial, out);
    if (roll < 40)
        return person_resumes(cluster, out);
    return roll < 150 && node_comes_back(cluster, out);
}

bool cluster_next(struct cluster *cluster, const struct core *core, struct arena *arena,
                  struct event *out)
{
    uint64_t due = core_deadline_ms(core);

    *out = (struct event){.type = EVENT_TICK};
    if (due <= cluster->now_ms || something_else(cluster, out))
        return true;
    if (cluster->attempt_count > 0) {
        report(cluster, arena, out);
        return true;
    }
    if (node_comes_back(cluster, out) || person_resumes(cluster, out))
        return true;
    if (due == DEADLINE_NEVER)
        return false;
    cluster->now_ms = due;
    return true;
}

/* ---- what they are told ---- */

static void launched(struct cluster *cluster, const struct effect_launch *launch)
{
    struct attempt *attempt = xcalloc(1, sizeof(*attempt));
    struct attempt **at = &cluster->attempts;

    *attempt = (struct attempt){.node = launch->node,
                                .trial = launch->trial,
                                .attempt = launch->attempt,
                                .iteration = launch->counters.training_iteration};
    while (*at != NULL)
        at = &(*at)->next;
    *at = attempt;
    cluster->attempt_count++;
}

static void judged(struct cluster *cluster, const struct effect_verdict *verdict)
{
    struct attempt *attempt = cluster->attempts;

    while (attempt != NULL &&
           (attempt->trial != verdict->trial || attempt->attempt != verdict->attempt))
        attempt = attempt->next;
    if (attempt == NULL)
        return;
    if (verdict->action == ACTION_FENCED) {
        attempt_drop(cluster, attempt);
        return;
    }
    if (attempt->action == ACTION_STOP)
        return;
    attempt->action = (enum action)verdict->action;
    cluster->told += attempt->action != ACTION_CONTINUE && !cluster->meddled[verdict->trial];
}

void cluster_obey(struct cluster *cluster, const struct effects *effects)
{
    for (size_t i = 0; i < effects->count; i++) {
        const struct effect *effect = &effects->items[i];

        if (effect->type == EFFECT_LAUNCH && !cluster->away[effect->launch.node - FIRST_NODE])
            launched(cluster, &effect->launch);
        else if (effect->type == EFFECT_VERDICT)
            judged(cluster, &effect->verdict);
        else if (effect->type == EFFECT_RELEASE)
            cluster->done = true;
    }
}
