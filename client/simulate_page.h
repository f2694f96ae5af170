/* simulate_page.h - all that `assay simulate` tells of an experiment, and the two ways of telling
 * it: for people in simulate_text.c, for programs in simulate_json.c. */
#ifndef CLIENT_SIMULATE_PAGE_H
#define CLIENT_SIMULATE_PAGE_H

#include "client/simulation.h"

/* An experiment under one scheduler. */
struct variant {
    const char *label; /* "async_hyperband, promotion" */
    bool own;          /* the experiment's own */
    const struct scheduler_type *type;
    struct value experiment;
    const char *why_not;    /* it cannot be under this one; NULL: it can */
    struct simulated *runs; /* in the arena; a seed each */
};

struct simulate_page {
    const struct spec *spec;
    const struct curves *curves;
    struct simulation_plan plan; /* of the first run */
    uint64_t seed;               /* of the first run; one more of each next */
    uint32_t repeats;
    struct variant *variants; /* the own one first */
    uint32_t count;
};

/* The experiment as it is, and under each other scheduler that it can be under: with the metric and
 * the time attribute that it has, and of the keys those that both know; max_t, where it has none,
 * from its rules of stop or the longest curve. pbt, which needs to know what to change, is left
 * out. In arena. */
void variants_make(const struct value *experiment, const struct spec *spec, int64_t longest,
                   bool others, struct arena *arena, struct variant **out, uint32_t *count);

void simulate_text(const struct simulate_page *page, struct arena *arena);

/* One JSON document. */
void simulate_json(const struct simulate_page *page, struct arena *arena);

#endif
