/* preview.h - what an experiment would be if it were submitted: its trials, one after the other,
 * and its forecast. The searcher and scheduler are the core's own, so that with the same seed these
 * are the trials that will run. Nothing happens, and a trial costs no memory once it was looked at.
 *
 * A trial's id is made of the time of its submission, so it has none here. */
#ifndef CORE_PREVIEW_H
#define CORE_PREVIEW_H

#include "head/core/event.h"
#include "head/core/forecast.h"

/* What stands for the id in names that are made of it. */
#define PREVIEW_ID "{id}"

struct preview;

struct previewed {
    struct value config;
    const char *tag;
    const char *name;
};

/* seed: where the spec names none. NULL, with *error filled, where packed is no spec. */
struct preview *preview_new(struct span packed, uint64_t seed, struct spec_error *error);

/* Accepts NULL. */
void preview_free(struct preview *preview);

const struct spec *preview_spec(const struct preview *preview);

uint64_t preview_seed(const struct preview *preview);

/* Where its results go: local_dir/name. */
const char *preview_folder(const struct preview *preview);

/* How many trials there will be; NUMBER_NONE where the searcher does not know. */
uint32_t preview_total(const struct preview *preview);

/* How many of them can be told now: all, or where the searcher learns from results the first. */
uint32_t preview_known(const struct preview *preview);

/* A trial with a number below preview_known, each once and in order; false where the searcher has
 * none after all. */
bool preview_trial(struct preview *preview, uint32_t number, struct arena *arena,
                   struct previewed *out);

void preview_forecast(const struct preview *preview, struct arena *arena, struct forecast *out);

#endif
