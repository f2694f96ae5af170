/* world.h - one seed: the clock, the random streams, and all who take part.
 *
 * Times are virtual microseconds. Nothing here waits or reads a clock: the same seed gives the same
 * run. Who takes part: the head (head.h) around the real core, hosts (host.h) with the real agent,
 * people (people.h), faults (faults.h), and the checker (checker.h), which shares no code with the
 * core. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "common/arena.h"
#include "common/rng.h"
#include "tests/sim/agenda.h"
#include "tests/sim/plan.h"

struct head;
struct host;
struct people;
struct checker;

struct world {
    uint64_t seed;
    bool verbose;
    uint64_t now_us;
    uint64_t happenings;
    uint64_t events; /* that the core judged */
    struct agenda agenda;
    struct arena arena; /* of messages; until the end of the seed */
    struct plan plan;
    struct rng net;
    struct rng trouble;
    struct rng troubles[FAULT_COUNT]; /* one class left out does not change the others */
    struct rng *striking;             /* the one of the fault that strikes now */
    struct rng persons;
    struct rng ties;
    struct head *head;
    struct host *hosts; /* plan.host_count of them */
    struct people *people;
    struct checker *checker;
    bool calm; /* nothing goes wrong any more */
    bool failed;
    char why[640];
};

/* Run a seed to its end. False: world->why says what was wrong. */
bool world_run(struct world *world);

void world_init(struct world *world, uint64_t seed, const struct plan_limits *limits, bool verbose);
void world_fini(struct world *world);

void world_after(struct world *world, uint64_t delay_us, happening_fn *run, void *subject,
                 uint64_t number);

/* A line of the trace, in a verbose run. */
void world_say(const struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Something does not hold. The first one counts; the run ends after what happens now. */
void world_fail(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool rng_chance(struct rng *rng, uint32_t of_100);
uint64_t rng_between(struct rng *rng, uint64_t low, uint64_t high);

/* FNV-1a. */
uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size);
#define HASH_BEGIN UINT64_C(0xcbf29ce484222325)

#endif
