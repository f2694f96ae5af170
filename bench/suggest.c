/* suggest.c - `assay-bench-suggest FILE FINISHED`: how long a searcher takes for a proposal behind
 * so many finished trials. Prints the median of 200, in milliseconds of this thread's processor
 * time.
 *
 * FILE is an experiment as JSON. A trial's value is the sum of (x - 0.3)^2 over the numbers of its
 * configuration. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/json.h"
#include "common/sys/fs.h"
#include "common/xalloc.h"
#include "head/core/search.h"

#define PROPOSALS  200u
#define FILE_BYTES 65536u

struct bench {
    const struct search_ops *ops;
    void *searcher;
    struct arena arena;
    struct buf packed;
};

static void fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "assay-bench-suggest: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static double now_ms(void)
{
    struct timespec time;

    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) < 0)
        fail("clock", "is not there");
    return 1e3 * (double)time.tv_sec + (double)time.tv_nsec / 1e6;
}

static void read_spec(const char *path, struct arena *arena, struct spec *spec)
{
    struct buf text = {0};
    struct json_error wrong;
    struct spec_error refused;
    struct value value;

    if (fs_read(path, FILE_BYTES, &text) < 0)
        fail(path, "cannot be read");
    if (json_read(buf_span(&text), arena, &value, &wrong) < 0)
        fail(path, wrong.what);
    if (spec_parse(&value, arena, spec, &refused) < 0)
        fail(refused.path, refused.what);
    buf_fini(&text);
}

static double loss(const struct value *config)
{
    double sum = 0;

    for (uint32_t i = 0; i < config->count; i++) {
        double away = value_number(&config->members[i].value) - 0.3;

        sum += away * away;
    }
    return sum;
}

/* A proposal, which ends at once. Returns the milliseconds that it took. */
static double run_trial(struct bench *bench, uint32_t trial)
{
    struct observation observation = {.time = 1, .ended = true};
    struct proposal proposal;
    double began, took;

    arena_reset(&bench->arena);
    began = now_ms();
    if (bench->ops->propose(bench->searcher, trial, &bench->arena, &proposal) != SEARCH_PROPOSED)
        fail("search", "proposes nothing");
    took = now_ms() - began;
    buf_reset(&bench->packed);
    value_pack(&proposal.config, &bench->packed);
    observation.value = -loss(&proposal.config);
    if (bench->ops->pending != NULL)
        bench->ops->pending(bench->searcher, trial, buf_span(&bench->packed));
    if (bench->ops->observe != NULL)
        bench->ops->observe(bench->searcher, trial, &observation);
    return took;
}

static int by_size(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;

    return one < other ? -1 : one > other;
}

int main(int argc, char **argv)
{
    struct arena arena = {0};
    struct bench bench = {0};
    double took[PROPOSALS];
    struct spec spec;
    uint32_t finished;

    if (argc != 3 || strtoul(argv[2], NULL, 10) == 0)
        fail("usage", "assay-bench-suggest FILE FINISHED");
    finished = (uint32_t)strtoul(argv[2], NULL, 10);
    read_spec(argv[1], &arena, &spec);
    bench.ops = search_of(&spec);
    bench.searcher = bench.ops->new (&spec, 1);
    for (uint32_t i = 0; i < finished; i++)
        (void)run_trial(&bench, i);
    for (uint32_t i = 0; i < PROPOSALS; i++)
        took[i] = run_trial(&bench, finished + i);
    qsort(took, PROPOSALS, sizeof(*took), by_size);
    printf("%.6f\n", (took[PROPOSALS / 2 - 1] + took[PROPOSALS / 2]) / 2);
    bench.ops->free(bench.searcher);
    buf_fini(&bench.packed);
    arena_fini(&bench.arena);
    arena_fini(&arena);
    return EXIT_SUCCESS;
}
