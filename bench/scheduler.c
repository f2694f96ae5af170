/* assay-bench-scheduler [--workers N] [--results N] [NAME ...] - what a result costs each
 * scheduler.
 *
 * The core alone, as a head calls it: turns of reports, each judged, placement at the end. What is
 * counted is the processor time of this process in the core, and nothing of the workers, which are
 * simulated (crew.h). A line each: the name of common/schedulers.def, microseconds a result in all,
 * in the first tenth of the results and in the last one, and trials that began. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/crew.h"
#include "common/limits.h"
#include "common/spec.h"

#define TURN_REPORTS 256u /* at most; a head under load has as many */
#define TENTHS       10u
#define TURNS_MOST   1000000u

/* What a scheduler is given beside what its row fills in: so that it has something to decide within
 * the hundred results that a trial lasts. A population is as many trials as there are workers, and
 * none ends; else there is always another one that waits. */
static const struct setting {
    const char *symbol;
    const char *keys;
    bool population;
} settings[] = {
    {"median", ",\"grace_period\":1", false},
    {"pbt",
     ",\"perturbation_interval\":5,\"hyperparam_mutations\":{\"momentum\":[0.8,0.9,0.99],"
     "\"x\":{\"uniform\":[0,1]}}",
     true},
    {"pbt_replay", ",\"policy\":[{\"at\":50,\"config\":{\"momentum\":0.8}}]", false},
};

struct bench {
    uint32_t workers;
    uint64_t results; /* in all */
    struct core *core;
    struct crew *crew;
    struct arena arena; /* of a turn */
    struct effects effects;
    struct tape tape;
    uint64_t now_ms;
    double spent_us;
    uint64_t done; /* results so far */
    double at_us[TENTHS + 1];
};

static _Noreturn void give_up(const char *what, const char *why)
{
    (void)fprintf(stderr, "assay-bench-scheduler: %s: %s\n", what, why);
    exit(1);
}

static double processor_us(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) < 0)
        give_up("clock", "there is none of this process");
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec * 1e-3;
}

/* Whether the core takes all of them; a worker that says it twice would be our own mistake. */
static void turn(struct bench *bench, const struct event *events, uint32_t count)
{
    double from = processor_us();

    tape_record(&bench->tape);
    for (uint32_t i = 0; i < count; i++)
        if (core_step(bench->core, &events[i], &bench->tape, &bench->effects) != CORE_ADMITTED)
            give_up(event_schema(events[i].type)->name, "the core refuses it");
    core_place(bench->core, bench->now_ms, &bench->tape, &bench->effects);
    bench->spent_us += processor_us() - from;
    crew_obey(bench->crew, &bench->effects);
    effects_reset(&bench->effects);
    arena_reset(&bench->arena);
    bench->now_ms++;
}

static void say(struct bench *bench, const char *line)
{
    struct event event = {.now_ms = bench->now_ms};
    struct schema_error wrong;

    if (event_parse(line, &bench->arena, &event, &wrong) < 0)
        give_up(line, wrong.what);
    turn(bench, &event, 1);
}

static const struct setting *setting_of(const struct scheduler_type *type)
{
    static const struct setting none = {.keys = ""};

    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        if (strcmp(settings[i].symbol, type->symbol) == 0)
            return &settings[i];
    return &none;
}

static void write_experiment(const struct scheduler_type *type, uint32_t workers, struct buf *out)
{
    const struct setting *setting = setting_of(type);

    buf_printf(out,
               "submit submission=%032x principal=1 spec={\"name\":\"b\",\"run\":{\"command\":"
               "\"t.py\"},\"local_dir\":\"/r\",\"files\":[],\"num_samples\":%u,\"metric\":"
               "\"r\",\"mode\":\"max\",\"config\":{\"x\":{\"uniform\":[0,1]},\"momentum\":0.9},"
               "\"search\":{\"type\":\"random\",\"seed\":1},\"scheduler\":{\"type\":\"%s\"",
               1, setting->population ? workers : LIMIT_SAMPLES, type->name);
    if (type->form != NULL)
        buf_printf(out, ",\"form\":\"%s\"", type->form);
    if (type->judges)
        buf_append_text(out, ",\"time_attr\":\"training_iteration\"");
    buf_printf(out, "%s}}", setting->keys);
}

static void open_cluster(struct bench *bench, const struct scheduler_type *type)
{
    struct buf line = {0};

    say(bench, "principal_add key="
               "0000000000000000000000000000000000000000000000000000000000000001 role=4 name=root");
    for (uint32_t i = 0; i < bench->workers; i++)
        say(bench, crew_key(i, &bench->arena));
    for (uint32_t i = 0; i < bench->workers; i++)
        say(bench, crew_node(i, &bench->arena));
    write_experiment(type, bench->workers, &line);
    say(bench, buf_text(&line));
    buf_fini(&line);
}

static void run(struct bench *bench)
{
    static struct event events[TURN_REPORTS];
    uint32_t turns = 0;
    uint32_t tenth = 0;

    bench->spent_us = 0; /* the first trials are placed, and none has reported */
    while (bench->done < bench->results) {
        uint32_t results;
        uint32_t count = crew_report(bench->crew, &bench->arena, events, TURN_REPORTS, &results);

        if (++turns == TURNS_MOST)
            give_up("results", "there are hardly any: all wait");
        for (uint32_t i = 0; i < count; i++)
            events[i].now_ms = bench->now_ms;
        turn(bench, events, count);
        bench->done += results;
        while (tenth < TENTHS && bench->done >= bench->results / TENTHS * (tenth + 1))
            bench->at_us[++tenth] = bench->spent_us;
    }
}

static void measure(const struct scheduler_type *type, uint32_t workers, uint64_t results)
{
    struct bench bench = {.workers = workers, .results = results, .core = core_new(), .now_ms = 1};
    double each = (double)results / TENTHS;

    bench.crew = crew_new(workers, !setting_of(type)->population, 1);
    effects_init(&bench.effects, &bench.arena);
    tape_init(&bench.tape);
    open_cluster(&bench, type);
    run(&bench);
    (void)printf("%-12s %8.3f %8.3f %8.3f %9" PRIu64 "\n", type->symbol,
                 bench.at_us[TENTHS] / (double)results, bench.at_us[1] / each,
                 (bench.at_us[TENTHS] - bench.at_us[TENTHS - 1]) / each, crew_begun(bench.crew));
    (void)fflush(stdout);
    core_free(bench.core);
    crew_free(bench.crew);
    effects_fini(&bench.effects);
    tape_fini(&bench.tape);
    arena_fini(&bench.arena);
}

static uint64_t number(const char *word, uint64_t least, uint64_t most)
{
    char *end;
    uint64_t value = word != NULL ? strtoull(word, &end, 10) : 0;

    if (word == NULL || *end != '\0' || value < least || value > most)
        give_up(word != NULL ? word : "a number", "is none that can be");
    return value;
}

static bool is_named(const char *symbol, char **names)
{
    bool named = names[0] == NULL;

    for (; *names != NULL; names++)
        named = named || strcmp(*names, symbol) == 0;
    return named;
}

int main(int argc, char **argv)
{
    uint32_t workers = 10000;
    uint64_t results = 1000000;
    bool any = false;
    int at = 1;

    for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2) {
        if (strcmp(argv[at], "--workers") == 0)
            workers = (uint32_t)number(argv[at + 1], 1, LIMIT_PRINCIPALS - 1);
        else if (strcmp(argv[at], "--results") == 0)
            results = number(argv[at + 1], TENTHS, UINT64_C(1) << 40);
        else
            give_up(argv[at],
                    "usage: assay-bench-scheduler [--workers N] [--results N] [NAME ...]");
    }
    for (size_t i = 0; scheduler_type_row(i) != NULL; i++)
        if (is_named(scheduler_type_row(i)->symbol, argv + at)) {
            measure(scheduler_type_row(i), workers, results);
            any = true;
        }
    if (!any)
        give_up(argv[at], "there is no such scheduler in common/schedulers.def");
    return 0;
}
