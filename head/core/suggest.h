/* suggest.h - an experiment whose trials another program suggests (search: external), and how long
 * a place waits for it.
 *
 * A suggestion is an event, and a pending trial at once. Where there is room for a trial and no
 * suggestion, the experiment waits for one: until its timeout has passed since. Then, so that a
 * program that is slow or gone keeps nothing idle, it fills in for it: every place gets a trial
 * as random would propose it, until the next suggestion comes. Time comes from events alone. */
#ifndef CORE_SUGGEST_H
#define CORE_SUGGEST_H

#include "common/value.h"
#include "head/core/step.h"

struct experiment;

/* Its searcher has nothing for a place that is free now. */
void suggest_wait(struct step *step, struct experiment *experiment);

/* What its searcher is to make a proposal of now that nobody has suggested one: NULL while it
 * waits, or where the searcher does not wait for others. */
const struct value *suggest_filling(const struct experiment *experiment);

/* A tick: whether it is over with its patience. */
bool suggest_wake(struct step *step, struct experiment *experiment);

/* When that will be; DEADLINE_NEVER. */
uint64_t suggest_deadline_ms(const struct experiment *experiment);

/* What it has waited is forgotten: it waited for something else, or asks anew. */
void suggest_forget(struct experiment *experiment);

/* How many suggestions it could use now: one, or none. */
uint32_t suggest_wanted(const struct experiment *experiment);

/* Whether it is a matter of time that it has another trial. */
bool suggest_may_come(const struct experiment *experiment);

#endif
