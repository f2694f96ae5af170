#include "tests/sim/plan.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"

#define STREAM_PLAN   (UINT64_C(1) << 40)
#define STREAM_BUDGET (UINT64_C(1) << 41)
#define STREAM_REPLAY (UINT64_C(1) << 42)
#define GIB           (INT64_C(1) << 30)

/* Nobody reports more seldom than once in an hour. */
#define INTERVAL_MOST_US UINT64_C(3600000000)
#define DOOMED_MOST_US   1000000u /* so that it counts as failing at once */

static uint64_t draw(struct rng *rng, uint64_t low, uint64_t high)
{
    return low + rng_next_below(rng, high - low + 1);
}

static bool chance(struct rng *rng, uint32_t of_100)
{
    return rng_next_below(rng, 100) < of_100;
}

/* From low to high, each order of magnitude as likely as another. */
static uint64_t spread(struct rng *rng, uint64_t low, uint64_t high)
{
    uint64_t bound = low;

    while (bound < high && chance(rng, 60))
        bound *= 3;
    return draw(rng, low, bound < high ? bound : high);
}

const char *fault_name(enum fault fault)
{
    static const char *const names[FAULT_COUNT] = {
        "jitter", "reset", "cut",  "one-way",  "repeat",  "head",  "pause",    "slow-log", "clock",
        "daemon", "still", "talk", "executor", "machine", "drain", "capacity", "revoke",
    };

    return names[fault];
}

enum fault fault_of_name(const char *name, size_t size)
{
    int fault = 0;

    while (fault < FAULT_COUNT && !span_is(span_of(name, size), fault_name((enum fault)fault)))
        fault++;
    return (enum fault)fault;
}

static void draw_host(struct plan_host *host, struct rng *rng, bool first)
{
    *host = (struct plan_host){0};
    host->capacity.cpu = (int64_t)draw(rng, 1, 6) * RESOURCE_ONE;
    host->capacity.memory_bytes = (int64_t)draw(rng, 1, 8) * GIB;
    host->gpus = chance(rng, 50) ? (uint32_t)draw(rng, 1, 4) : 0;
    host->credit = (uint32_t)draw(rng, 2, 24);
    host->joins_us = first ? 0 : spread(rng, 1000, 5000000);
    host->capacity.gpu = (int64_t)host->gpus * RESOURCE_ONE;
    if (chance(rng, 40)) {
        host->custom[0].name = span_text("licence");
        host->custom[0].amount = (int64_t)draw(rng, 1, 3) * RESOURCE_ONE;
        host->capacity.custom = (struct record_list){.items = host->custom, .count = 1};
    }
}

/* What one host at least can give. */
static void write_resources(const struct plan *plan, struct rng *rng, struct buf *out)
{
    const struct plan_host *host = &plan->hosts[rng_next_below(rng, plan->host_count)];
    uint32_t cpus = (uint32_t)(host->capacity.cpu / RESOURCE_ONE);

    if (chance(rng, 50))
        buf_printf(out, "\"cpu\":%u", (unsigned)draw(rng, 1, cpus > 2 ? 2 : cpus));
    else
        buf_printf(out, "\"cpu\":0.%u", (unsigned)draw(rng, 1, 9));
    if (host->gpus > 0 && chance(rng, 50))
        buf_printf(out, ",\"gpu\":0.%02u", (unsigned)draw(rng, 10, 70));
    else if (host->gpus > 0 && chance(rng, 50))
        buf_printf(out, ",\"gpu\":%u", (unsigned)draw(rng, 1, host->gpus > 2 ? 2 : host->gpus));
    if (chance(rng, 30))
        buf_printf(out, ",\"memory\":%llu",
                   (unsigned long long)draw(rng, 1 << 20, (uint64_t)host->capacity.memory_bytes));
    if (host->capacity.custom.count > 0 && chance(rng, 50))
        buf_printf(out, ",\"custom_resources\":{\"licence\":1}");
}

/* One number decides all of it: the searcher, its seed, and what it tries first. */
static void write_drawn(uint32_t seed, uint32_t samples, struct buf *out)
{
    static const char *const types[] = {"random", "halton", "sobol"};
    static const char *const timeouts[] = {"0", "\"300ms\"", "2", "\"5s\""};
    bool external = seed % 7 == 3; /* people suggest what is tried */

    buf_printf(out, ",\"search\":{\"type\":\"%s\",\"seed\":%u",
               external ? "external" : types[seed % 3], seed);
    if (external)
        buf_printf(out, ",\"timeout\":%s", timeouts[seed % 4]);
    buf_printf(out,
               "},\"num_samples\":%u,\"config\":{\"x\":{\"loguniform\":[0.001,1]},"
               "\"n\":{\"randint\":[1,9]}}",
               samples);
    if (seed % 5 < 2)
        buf_printf(out, ",\"points_to_evaluate\":[{\"x\":0.5}%s]",
                   samples > 1 ? ",{\"n\":3,\"x\":1}" : "");
}

static void write_search(struct rng *rng, uint32_t samples, struct buf *out)
{
    switch (draw(rng, 0, 4)) {
    case 0:
        buf_printf(out,
                   ",\"search\":{\"type\":\"grid\"},\"num_samples\":%u,\"config\":{\"a\":"
                   "{\"grid_search\":[1,2,3]},\"x\":{\"uniform\":[0,1]}}%s",
                   samples / 3 + 1, samples % 2 == 0 ? ",\"points_to_evaluate\":[{\"a\":2}]" : "");
        return;
    case 1:
        buf_printf(out,
                   ",\"search\":{\"type\":\"list\",\"points\":[{\"x\":1},{\"x\":2,\"b\":\"t\"}]},"
                   "\"num_samples\":%u,\"config\":{\"x\":0}",
                   samples / 2 + 1);
        return;
    case 2:
        buf_printf(out,
                   ",\"search\":{\"type\":\"tpe\",\"seed\":%u,\"startup\":%u},\"metric\":\"r\","
                   "\"mode\":\"%s\",\"num_samples\":%u,\"config\":{\"x\":{\"loguniform\":"
                   "[0.001,1]},\"c\":{\"choice\":[1,{\"n\":{\"randint\":[1,4]}}]}}",
                   (unsigned)draw(rng, 0, 99), (unsigned)draw(rng, 1, 6),
                   chance(rng, 50) ? "min" : "max", samples);
        return;
    default:
        write_drawn((uint32_t)draw(rng, 0, 99), samples, out);
    }
}

static void write_number(struct buf *out, const char *key, uint64_t number)
{
    buf_printf(out, ",\"%s\":%llu", key, (unsigned long long)number);
}

static void write_asha(struct rng *rng, struct buf *out)
{
    buf_append_text(out, ",\"scheduler\":{\"type\":\"async_hyperband\"");
    write_number(out, "grace_period", draw(rng, 1, 3));
    write_number(out, "max_t", draw(rng, 4, 30));
    write_number(out, "reduction_factor", draw(rng, 2, 4));
    write_number(out, "brackets", draw(rng, 1, 3));
    if (chance(rng, 50))
        buf_append_text(out, ",\"form\":\"promotion\"");
}

static void write_hyperband(struct rng *rng, struct buf *out)
{
    buf_append_text(out, ",\"scheduler\":{\"type\":\"hyperband\"");
    write_number(out, "max_t", draw(rng, 1, 20));
    write_number(out, "reduction_factor", draw(rng, 2, 4));
    buf_printf(out, ",\"sizes\":\"%s\"", chance(rng, 50) ? "tune" : "paper");
}

static void write_median(struct rng *rng, struct buf *out)
{
    buf_append_text(out, ",\"scheduler\":{\"type\":\"median\"");
    write_number(out, "grace_period", draw(rng, 0, 3));
    write_number(out, "min_samples_required", draw(rng, 1, 3));
    buf_printf(out, ",\"hard_stop\":%s", chance(rng, 50) ? "true" : "false");
}

/* What it explores, every configuration has. */
static void write_pbt(struct rng *rng, struct buf *out)
{
    static const char *const quantiles[] = {"0.1", "0.25", "0.5"};

    buf_append_text(out, ",\"scheduler\":{\"type\":\"pbt\"");
    write_number(out, "perturbation_interval", draw(rng, 1, 4));
    buf_printf(out, ",\"quantile_fraction\":%s,\"resample_probability\":0.%u",
               quantiles[draw(rng, 0, 2)], (unsigned)draw(rng, 1, 9));
    buf_printf(out, ",\"hyperparam_mutations\":{\"x\":%s}",
               chance(rng, 50) ? "{\"loguniform\":[0.001,1]}" : "[0.1,0.2,0.4]");
}

/* Changes at some iterations, of which one may come twice. */
static void write_replay(struct rng *rng, struct buf *out)
{
    uint64_t at = 0;

    buf_append_text(out, ",\"scheduler\":{\"type\":\"pbt_replay\",\"policy\":[");
    for (uint64_t count = draw(rng, 1, 4); count > 0; count--) {
        at += draw(rng, 0, 3);
        buf_printf(out, "{\"at\":%u,\"config\":{\"x\":0.%u}}%s", (unsigned)at,
                   (unsigned)draw(rng, 1, 9), count > 1 ? "," : "]}");
    }
}

/* Who goes by a metric has to have one. */
static void write_bounds(struct rng *rng, uint64_t pace, struct buf *out)
{
    if (strstr(buf_text(out), "\"r\"") == NULL)
        buf_printf(out, ",\"metric\":\"r\",\"mode\":\"%s\"", chance(rng, 50) ? "min" : "max");
    buf_printf(out, ",\"budget\":{\"trials\":%u", (unsigned)draw(rng, 1, 40));
    if (chance(rng, 30))
        buf_printf(out, ",\"time\":\"%llums\"", (unsigned long long)(draw(rng, 500, 20000) * pace));
    if (chance(rng, 30))
        write_number(out, "no_improvement", draw(rng, 1, 6));
    if (chance(rng, 30))
        buf_printf(out, ",\"target\":0.%u", (unsigned)draw(rng, 1, 9));
    if (chance(rng, 30))
        write_number(out, "max_failed", draw(rng, 1, 5));
    buf_append_char(out, '}');
}

/* Drawn from a stream of its own: what else a seed says stays what it was. */
static void write_budget(uint64_t seed, uint32_t index, uint64_t pace, struct buf *out)
{
    struct rng rng = {.seed = seed, .stream = STREAM_BUDGET + index};

    if (chance(&rng, 20))
        write_bounds(&rng, pace, out);
    if (chance(&rng, 20))
        buf_printf(out, ",\"plateau\":{\"metric\":\"%s\",\"patience\":%u,\"delta\":%s}",
                   chance(&rng, 70) ? "r" : "t", (unsigned)draw(&rng, 1, 5),
                   chance(&rng, 50) ? "0.1" : "0");
}

/* Whether a trial may begin again and again under it, and needs a rule to come to an end. */
static bool write_scheduler(struct rng *rng, uint32_t index, struct buf *out)
{
    struct rng own = {.seed = rng->seed, .stream = STREAM_REPLAY + index};
    uint64_t which;
    bool median, pbt;

    if (chance(rng, 40)) {
        if (chance(&own, 20))
            write_replay(&own, out);
        else if (chance(rng, 50))
            buf_append_text(out, ",\"scheduler\":\"fifo\"");
        return false; /* their programs end by themselves */
    }
    which = draw(rng, 0, 99);
    median = which >= 80;
    pbt = which >= 61 && !median;
    if (which < 42)
        write_asha(rng, out);
    else if (which < 61)
        write_hyperband(rng, out);
    else if (pbt)
        write_pbt(rng, out);
    else
        write_median(rng, out);
    if (chance(rng, 30))
        buf_append_text(out, ",\"time_attr\":\"t\"");
    else if (!median || chance(rng, 50))
        buf_append_text(out, ",\"time_attr\":\"training_iteration\"");
    if (chance(rng, 50)) {
        buf_append_text(out, ",\"reward_attr\":\"r\"}");
        return pbt;
    }
    if (median && chance(rng, 50))
        write_number(out, "min_time_slice", draw(rng, 1, 3));
    buf_printf(out, ",\"metric\":\"r\",\"mode\":\"%s\"}", chance(rng, 50) ? "min" : "max");
    return pbt;
}

/* Whether it ends every trial, sooner or later. */
static bool ends_all(const struct scheduler_type *type)
{
    return type->judges && strcmp(type->name, "median") != 0 && strcmp(type->name, "pbt") != 0;
}

static void draw_text(const struct plan *plan, uint32_t index, uint32_t most, struct rng *rng,
                      struct buf *out)
{
    uint32_t samples = (uint32_t)spread(rng, 3, chance(rng, 5) ? 60 : 24);
    static const int failures[] = {0, 0, 1, 2, 3, -1};
    bool endless;

    if (most > 0 && samples > most)
        samples = most;

    buf_printf(out, "{\"name\":\"e%u\",\"run\":{\"command\":\"t.py\"},\"local_dir\":\"/r\"", index);
    write_search(rng, samples, out);
    endless = write_scheduler(rng, index, out);
    buf_append_text(out, ",\"resources_per_trial\":{");
    write_resources(plan, rng, out);
    buf_printf(out, "},\"max_failures\":%d", failures[draw(rng, 0, 5)]);
    if (chance(rng, 40))
        write_number(out, "keep_checkpoints_num", draw(rng, 1, 3));
    if (chance(rng, 40))
        buf_printf(out, ",\"checkpoint_score_attr\":\"%s\"", chance(rng, 50) ? "min-r" : "t");
    write_number(out, "priority", draw(rng, 0, 2));
    if (chance(rng, 30))
        write_number(out, "max_concurrent", draw(rng, 1, 4));
    if (endless || chance(rng, 60))
        buf_printf(out, ",\"stop\":{\"training_iteration\":%u}", (unsigned)draw(rng, 1, 12));
    write_budget(rng->seed, index, plan->pace, out);
    buf_append_char(out, '}');
}

static void draw_experiment(struct plan *plan, uint32_t index, uint32_t samples, struct rng *rng,
                            struct arena *arena)
{
    struct plan_experiment *experiment = &plan->experiments[index];
    struct spec_error wrong = {0};
    struct json_error error = {0};
    struct value *value = arena_zalloc(arena, sizeof(*value));
    struct buf text = {0};
    struct buf packed = {0};
    int err;

    *experiment = (struct plan_experiment){.submit_us = spread(rng, 1000, 3000000) * plan->pace};
    experiment->interval_us = spread(rng, 200, 200000) * plan->pace;
    if (experiment->interval_us > INTERVAL_MOST_US)
        experiment->interval_us = INTERVAL_MOST_US;
    experiment->reports = (uint32_t)draw(rng, 1, 14);
    experiment->fail_of_16 = chance(rng, 50) ? (uint32_t)draw(rng, 1, 10) : 0;
    for (uint32_t i = 0; i < sizeof(experiment->submission); i++)
        experiment->submission[i] = (uint8_t)rng_next(rng);
    draw_text(plan, index, samples, rng, &text);
    plan->spec_texts[index] = arena_strdup(arena, buf_text(&text));
    err = json_read(buf_span(&text), arena, value, &error);
    if (err == 0)
        err = spec_parse(value, arena, &experiment->spec, &wrong);
    if (err != 0)
        fprintf(stderr, "sim: a plan is no experiment: %s%s: %s\n", error.what, wrong.what,
                buf_text(&text));
    assert(err == 0);
    experiment->never_done =
        (experiment->spec.stop_count > 0 || ends_all(experiment->spec.scheduler.type)) &&
        chance(rng, 50);
    experiment->doomed = chance(rng, 6);
    if (experiment->doomed && experiment->interval_us > DOOMED_MOST_US)
        experiment->interval_us = DOOMED_MOST_US;
    experiment->deadly = !experiment->doomed && chance(rng, 6);
    /* One that takes its executor down, and gets further each time, would never end. */
    experiment->saves_of_16 =
        chance(rng, 60) && !experiment->deadly ? (uint32_t)draw(rng, 1, 12) : 0;
    experiment->breaks_of_16 = chance(rng, 40) ? (uint32_t)draw(rng, 1, 8) : 0;
    value_pack(value, &packed);
    experiment->packed = arena_copy(arena, buf_span(&packed));
    buf_fini(&packed);
    buf_fini(&text);
}

static void draw_faults(struct plan *plan, uint64_t seed, struct rng *rng)
{
    switch (seed % 4) {
    case 0:
        break;
    case 1:
        plan->faults = 1u << draw(rng, 0, FAULT_COUNT - 1);
        break;
    default:
        plan->faults = (uint32_t)draw(rng, 1, (1u << FAULT_COUNT) - 1);
    }
}

/* As if the seed had said less. */
static uint32_t limited(uint32_t count, uint32_t most)
{
    return most > 0 && count > most ? most : count;
}

static uint64_t draw_pace(struct rng *rng)
{
    uint64_t pace = 1;

    if (chance(rng, 50))
        return 1;
    for (uint64_t i = draw(rng, 1, 5); i > 0; i--)
        pace *= 10;
    return pace;
}

void plan_draw(struct plan *plan, uint64_t seed, const struct plan_limits *limits,
               struct arena *arena)
{
    struct rng rng = {.seed = seed, .stream = STREAM_PLAN};

    *plan = (struct plan){0};
    plan->host_count = (uint32_t)spread(&rng, 1, chance(&rng, 5) ? PLAN_HOSTS : 4);
    plan->experiment_count = (uint32_t)spread(&rng, 1, chance(&rng, 10) ? PLAN_EXPERIMENTS : 3);
    draw_faults(plan, seed, &rng);
    plan->pace = draw_pace(&rng);
    plan->faults_until_us = spread(&rng, 300000, 12000000) * plan->pace;
    plan->latency_us = spread(&rng, 50, 5000);
    plan->commit_us = spread(&rng, 100, 10000);
    plan->lost_us = chance(&rng, 50) ? 10000000 : draw(&rng, 200000, 2000000);
    plan->meddling = chance(&rng, 50);
    plan->pauses = chance(&rng, 40) ? (uint32_t)draw(&rng, 1, 12) : 0;
    plan->extends = chance(&rng, 40) ? (uint32_t)draw(&rng, 1, 4) : 0;
    for (uint32_t i = 0; i < plan->host_count; i++)
        draw_host(&plan->hosts[i], &rng, i == 0);
    for (uint32_t i = 0; i < plan->experiment_count; i++)
        draw_experiment(plan, i, limits->samples, &rng, arena);
    plan->host_count = limited(plan->host_count, limits->hosts);
    plan->experiment_count = limited(plan->experiment_count, limits->experiments);
    plan->faults &= ~limits->without;
}
