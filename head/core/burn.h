/* burn.h - an experiment all of whose trials fail as soon as they start.
 *
 * `python3: no module named x` fails a thousand samples as surely as one. So an experiment that has
 * no result yet ends when LIMIT_BURNS trials in a row failed within LIMIT_BURN_MS, on more than one
 * node, or on the only one that could take it. A trial's first failure counts; where max_failures
 * is without end every one does, since that end would never come. */
#ifndef CORE_BURN_H
#define CORE_BURN_H

#include "common/record.h"
#include "head/core/step.h"

struct experiment;
struct trial;

/* A trial has failed by itself on a node after so long, failures counted. True: that was one too
 * many, and the experiment has its reason. */
bool burn_add(struct step *step, const struct trial *trial, uint32_t node, uint64_t ran_ms,
              const struct record_end *end);

/* Whether it was ended for that. */
bool burn_has_ended(const struct experiment *experiment);

/* Something else happened: it does not burn. */
void burn_forget(struct experiment *experiment);

/* End all that is left of it. */
void burn_stop(struct step *step, struct experiment *experiment);

#endif
