/* links: core */
/* A small cluster that goes wrong in every way a network and machines do, many seeds: after every
 * event the invariants hold, every row comes once and in order, everything ends in the end, and a
 * replay of the turns comes to the same state. */
#include <stdlib.h>

#include "common/pack.h"
#include "common/rng.h"
#include "common/value.h"
#include "common/xalloc.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/core_rig.h"

#define NODES       3u
#define CPUS        2u
#define EXPERIMENTS 5u
#define STEPS       2500u
#define HELD        64u
#define RECORDS     32u

/* An attempt on a node, and what it has written. */
struct sim_attempt {
    uint32_t experiment;
    uint32_t trial;
    uint32_t attempt;
    struct buf records[RECORDS];
    uint32_t written;
    uint64_t acked;
    bool ended;
    bool told_stop;
};

struct sim_node {
    uint32_t number;
    uint64_t incarnation;
    bool away;
    struct sim_attempt held[HELD];
    uint32_t count;
};

struct sim_entry {
    uint64_t now_ms;
    struct buf events;
    struct buf tape;
};

struct sim {
    struct rig rig;
    struct rng rng;
    struct sim_node nodes[NODES];
    uint32_t submitted;
    uint32_t done;
    uint64_t rows[EXPERIMENTS + 1][64];
    bool closed[EXPERIMENTS + 1][64];
    struct sim_entry *entries; /* owned */
    size_t entry_count;
    bool calm; /* nothing goes wrong any more */
};

static struct sim *sim;

static bool chance(uint32_t percent)
{
    return rng_next_below(&sim->rng, 100) < percent;
}

static void attempt_drop(struct sim_node *node, uint32_t at)
{
    for (uint32_t i = 0; i < RECORDS; i++)
        buf_fini(&node->held[at].records[i]);
    node->count--;
    memmove(&node->held[at], &node->held[at + 1], (node->count - at) * sizeof(node->held[0]));
    memset(&node->held[node->count], 0, sizeof(node->held[0]));
}

static struct sim_node *node_of(uint32_t number)
{
    for (uint32_t i = 0; i < NODES; i++)
        if (sim->nodes[i].number == number)
            return &sim->nodes[i];
    ck_abort_msg("no node %u", number);
    return NULL;
}

static uint32_t attempt_find(const struct sim_node *node, uint32_t experiment, uint32_t trial,
                             uint32_t attempt)
{
    for (uint32_t i = 0; i < node->count; i++)
        if (node->held[i].experiment == experiment && node->held[i].trial == trial &&
            node->held[i].attempt == attempt)
            return i;
    return HELD;
}

static void got_launch(const struct effect_launch *launch)
{
    struct sim_node *node = node_of(launch->node);

    if (node->away || (!sim->calm && chance(3)) ||
        attempt_find(node, launch->experiment, launch->trial, launch->attempt) != HELD)
        return;
    ck_assert_uint_lt(node->count, HELD);
    node->held[node->count++] = (struct sim_attempt){
        .experiment = launch->experiment, .trial = launch->trial, .attempt = launch->attempt};
}

static void got_verdict(const struct effect_verdict *verdict)
{
    struct sim_node *node = node_of(verdict->node);
    uint32_t at = attempt_find(node, verdict->experiment, verdict->trial, verdict->attempt);
    struct sim_attempt *attempt;

    if (node->away || at == HELD || (!sim->calm && chance(5)))
        return;
    attempt = &node->held[at];
    if (verdict->acked_seq > attempt->acked)
        attempt->acked = verdict->acked_seq;
    ck_assert_uint_le(attempt->acked, attempt->written);
    attempt->told_stop = attempt->told_stop || verdict->action == ACTION_STOP;
    if (verdict->action == ACTION_FENCED || (attempt->ended && attempt->acked == attempt->written))
        attempt_drop(node, at);
}

static void got_results(const struct effect_results *results)
{
    uint64_t *rows = &sim->rows[results->experiment][results->trial];

    ck_assert(!sim->closed[results->experiment][results->trial]);
    ck_assert_uint_eq(results->first_row, *rows);
    *rows += results->count;
}

static void obey(void)
{
    for (size_t i = 0; i < sim->rig.effects.count; i++) {
        const struct effect *effect = &sim->rig.effects.items[i];

        if (effect->type == EFFECT_LAUNCH)
            got_launch(&effect->launch);
        else if (effect->type == EFFECT_VERDICT)
            got_verdict(&effect->verdict);
        else if (effect->type == EFFECT_RESULTS)
            got_results(&effect->results);
        else if (effect->type == EFFECT_ATTEMPT)
            sim->rows[effect->attempt.experiment][effect->attempt.trial] = effect->attempt.rows;
        else if (effect->type == EFFECT_CLOSE)
            sim->closed[effect->close.experiment][effect->close.trial] = true;
        else if (effect->type == EFFECT_RELEASE)
            sim->done++;
    }
}

/* One event, one turn. */
static void turn(struct event *event)
{
    struct rig *rig = &sim->rig;
    struct sim_entry *entry;

    event->now_ms = rig->now_ms;
    tape_record(&rig->tape);
    effects_reset(&rig->effects);
    sim->entries = xrealloc(sim->entries, sim->entry_count + 1, sizeof(*sim->entries));
    entry = &sim->entries[sim->entry_count++];
    *entry = (struct sim_entry){.now_ms = rig->now_ms};
    if (core_step(rig->core, event, &rig->tape, &rig->effects) == CORE_ADMITTED)
        event_pack(event, &entry->events);
    core_place(rig->core, rig->now_ms, &rig->tape, &rig->effects);
    ck_assert_msg(core_check(rig->core) == NULL, "%s", core_check(rig->core));
    buf_append_span(&entry->tape, buf_span(&rig->tape.written));
    obey();
    arena_reset(&rig->arena);
}

static void line(const char *text)
{
    struct event event = {0};

    ck_assert_int_eq(event_parse(text, &sim->rig.arena, &event, NULL), 0);
    turn(&event);
}

static void reload(void)
{
    struct core *copy = core_new();
    struct buf image = {0};

    core_save(sim->rig.core, &image);
    ck_assert_int_eq(core_load(copy, buf_span(&image)), 0);
    ck_assert(core_digest(copy) == core_digest(sim->rig.core));
    core_free(sim->rig.core);
    sim->rig.core = copy;
    buf_fini(&image);
}

static uint32_t running(const struct sim_node *node)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < node->count; i++)
        count += node->held[i].written > 0 && !node->held[i].ended;
    return count;
}

static void write_result(struct sim_attempt *attempt, struct buf *out)
{
    struct record record = {.kind = RECORD_RESULT};
    struct buf metrics = {0};

    pack_map(&metrics, 1);
    pack_text(&metrics, "m");
    pack_double(&metrics, rng_next_unit(&sim->rng));
    record.result.metrics = buf_span(&metrics);
    record.result.training_iteration = attempt->written;
    record.result.done = chance(10);
    record_pack(&record, out);
    buf_fini(&metrics);
}

static void write_record(struct sim_attempt *attempt)
{
    static const uint32_t reasons[] = {END_COMPLETED, END_COMPLETED, END_COMPLETED,    END_EXIT,
                                       END_SIGNAL,    END_START,     END_EXECUTOR_LOST};
    struct buf *out = &attempt->records[attempt->written];
    struct record record = {.kind = RECORD_START};

    if (attempt->told_stop || (attempt->written > 0 && chance(25)) ||
        attempt->written + 1 == RECORDS) {
        record.kind = RECORD_END;
        record.end.reason = attempt->told_stop ? END_STOPPED
                            : sim->calm        ? END_COMPLETED
                                        : reasons[rng_next_below(&sim->rng, sizeof(reasons) / 4)];
        attempt->ended = true;
    }
    if (record.kind == RECORD_START && attempt->written > 0)
        write_result(attempt, out);
    else
        record_pack(&record, out);
    attempt->written++;
}

/* A running one goes on, or the first that waits is started. */
static void progress(struct sim_node *node)
{
    uint32_t at = node->count > 0 ? (uint32_t)rng_next_below(&sim->rng, node->count) : 0;

    if (node->count == 0)
        return;
    if (running(node) < CPUS)
        for (at = 0; at + 1 < node->count && node->held[at].written > 0; at++)
            continue;
    if (node->held[at].written == 0 && running(node) >= CPUS)
        return;
    if (!node->held[at].ended)
        write_record(&node->held[at]);
}

/* Some of what it has written: usually what is due, sometimes older, sometimes too new. */
static void report(struct sim_node *node)
{
    struct event event = {.type = EVENT_REPORT};
    struct buf bytes = {0};
    struct sim_attempt *attempt;
    uint64_t first;
    uint32_t count;

    if (node->away || node->count == 0)
        return;
    attempt = &node->held[rng_next_below(&sim->rng, node->count)];
    first = attempt->acked + 1;
    if (!sim->calm && chance(20))
        first = 1 + rng_next_below(&sim->rng, attempt->written + 1);
    if (first > attempt->written)
        return;
    count = 1 + (uint32_t)rng_next_below(&sim->rng, attempt->written - first + 1);
    for (uint32_t i = 0; i < count; i++)
        buf_append_span(&bytes, buf_span(&attempt->records[first - 1 + i]));
    ck_assert_int_eq(record_check(buf_span(&bytes), count, first), 0);
    event.report = (struct event_report){.node = node->number,
                                         .experiment = attempt->experiment,
                                         .trial = attempt->trial,
                                         .attempt = attempt->attempt,
                                         .first_seq = first,
                                         .count = count,
                                         .records = buf_span(&bytes)};
    turn(&event);
    buf_fini(&bytes);
}

static void come_back(struct sim_node *node)
{
    struct held_attempt held[HELD];
    struct event event = {.type = EVENT_NODE_BACK};

    node->away = false;
    node->incarnation += chance(50); /* or only its connection was gone */
    for (uint32_t i = 0; i < node->count; i++)
        held[i] = (struct held_attempt){node->held[i].experiment, node->held[i].trial,
                                        node->held[i].attempt, node->held[i].written};
    event.node_back = (struct event_node_back){
        .principal = node->number,
        .name = span_text("n"),
        .incarnation = node->incarnation,
        .capacity = {.cpu = CPUS * RESOURCE_ONE},
        .credit = 8,
        .held = {held, node->count},
    };
    turn(&event);
}

static void go_wrong(struct sim_node *node)
{
    char text[128];

    if (chance(30)) {
        (void)snprintf(text, sizeof(text), "node_lost node=%u reason=silent", node->number);
        node->away = true;
        line(text);
    } else if (chance(50) && node->count > 0) {
        attempt_drop(node, (uint32_t)rng_next_below(&sim->rng, node->count));
        come_back(node);
    } else if (chance(20) && sim->submitted > 0) {
        (void)snprintf(text, sizeof(text), "stop experiment=%u trial=%u principal=1",
                       1 + (uint32_t)rng_next_below(&sim->rng, sim->submitted),
                       (uint32_t)rng_next_below(&sim->rng, 30));
        line(text);
    } else {
        come_back(node);
    }
}

static void submit(void)
{
    static const char *const more[] = {
        ",\"max_failures\":2,\"num_samples\":30",
        ",\"max_concurrent\":2,\"max_failures\":-1,\"num_samples\":12",
        ",\"num_samples\":40,\"scheduler\":{\"type\":\"async_hyperband\",\"metric\":\"m\","
        "\"mode\":\"max\",\"max_t\":9,\"grace_period\":1,\"reduction_factor\":2,\"brackets\":2}",
        ",\"num_samples\":10,\"priority\":3,\"resources_per_trial\":{\"cpu\":2}",
        ",\"num_samples\":50,\"priority\":-1",
    };
    char text[1024];

    (void)snprintf(text, sizeof(text),
                   "submit submission=%032x principal=3 spec={\"name\":\"e\",\"run\":{\"command\":"
                   "\"t.py\"},\"config\":{\"x\":{\"uniform\":[0,1]}}%s}",
                   sim->submitted + 1, more[sim->submitted]);
    sim->submitted++;
    line(text);
}

static void replay(void)
{
    struct core *core = core_new();
    struct rig *rig = &sim->rig;

    for (size_t i = 0; i < sim->entry_count; i++) {
        struct sim_entry *entry = &sim->entries[i];
        struct event event = {.now_ms = entry->now_ms};
        struct cursor cursor;

        cursor_init(&cursor, buf_span(&entry->events));
        tape_replay(&rig->tape, buf_span(&entry->tape));
        if (entry->events.size > 0) {
            ck_assert_int_eq(event_unpack(&cursor, &rig->arena, &event), 0);
            ck_assert(core_step(core, &event, &rig->tape, &rig->effects) == CORE_ADMITTED);
        }
        core_place(core, entry->now_ms, &rig->tape, &rig->effects);
        ck_assert_msg(tape_ended_well(&rig->tape), "entry %zu: %s", i, rig->tape.what);
        effects_reset(&rig->effects);
        arena_reset(&rig->arena);
    }
    ck_assert(core_digest(core) == core_digest(rig->core));
    core_free(core);
}

/* Principal 1 is an admin, 3 submits, 2, 4 and 5 are the nodes. */
static void begin(uint64_t seed)
{
    static const uint32_t roles[] = {ROLE_ADMIN, ROLE_WORKER, ROLE_SUBMIT, ROLE_WORKER,
                                     ROLE_WORKER};
    uint32_t nodes = 0;

    sim = xcalloc(1, sizeof(*sim));
    rig_init(&sim->rig);
    sim->rng = (struct rng){.seed = seed};
    for (uint32_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        char text[128];

        (void)snprintf(text, sizeof(text), "principal_add key=%064x role=%u name=p", i + 1,
                       roles[i]);
        line(text);
        if (roles[i] == ROLE_WORKER)
            sim->nodes[nodes++] = (struct sim_node){.number = i + 1, .away = true};
    }
}

static void end(void)
{
    for (uint32_t i = 0; i < NODES; i++)
        while (sim->nodes[i].count > 0)
            attempt_drop(&sim->nodes[i], 0);
    for (size_t i = 0; i < sim->entry_count; i++) {
        buf_fini(&sim->entries[i].events);
        buf_fini(&sim->entries[i].tape);
    }
    free(sim->entries);
    rig_fini(&sim->rig);
    free(sim);
}

/* Time passes for those that rest; now and then nothing else happens until they wake. */
static void pass_time(void)
{
    uint64_t due = core_deadline_ms(sim->rig.core);

    sim->rig.now_ms += rng_next_below(&sim->rng, 4);
    if (due != DEADLINE_NEVER && due > sim->rig.now_ms && chance(5))
        sim->rig.now_ms = due;
    if (due <= sim->rig.now_ms)
        line("tick");
}

static void one_step(uint32_t i)
{
    struct sim_node *node = &sim->nodes[rng_next_below(&sim->rng, NODES)];

    pass_time();
    if (chance(50))
        progress(node);
    else if (chance(90) || sim->calm)
        report(node);
    else
        go_wrong(node);
    if (i % 50 == 0 && sim->submitted < EXPERIMENTS)
        submit();
    if (i % 20 == 0)
        reload();
}

START_TEST(whatever_happens_everything_ends_once)
{
    uint32_t steps = 0;

    begin((uint64_t)_i);
    for (uint32_t i = 0; i < STEPS; i++)
        one_step(i);
    sim->calm = true;
    for (uint32_t i = 0; i < NODES; i++)
        come_back(&sim->nodes[i]);
    while (sim->done < EXPERIMENTS && ++steps < 100000)
        one_step(1);
    ck_assert_uint_eq(sim->submitted, EXPERIMENTS);
    ck_assert_uint_eq(sim->done, EXPERIMENTS);
    replay();
    end();
}
END_TEST

START_TEST(explanations_are_there_for_all)
{
    struct rig rig;
    struct buf text = {0};

    rig_init(&rig);
    rig_principals(&rig);
    rig_submit(&rig, 1, 2, "");
    ck_assert(core_explain(rig.core, 1, 0, &text));
    ck_assert(strstr(buf_text(&text), "There is no node that takes trials.") != NULL);
    ck_assert(!core_explain(rig.core, 1, 2, &text));
    ck_assert(!core_explain(rig.core, 2, 0, &text));
    ck_assert(core_status_text(rig.core, 1, &text));
    ck_assert(!core_status_text(rig.core, 2, &text));
    ck_assert(core_deadline_ms(rig.core) == DEADLINE_NEVER);
    buf_fini(&text);
    rig_fini(&rig);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("core");
    TCase *tc = tcase_create("all");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, whatever_happens_everything_ends_once, 0, 12);
    tcase_add_test(tc, explanations_are_there_for_all);
    suite_add_tcase(s, tc);
    return s;
}
