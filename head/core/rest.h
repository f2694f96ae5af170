/* rest.h - trials that wait a while before they are tried again.
 *
 * They are pending, and in their experiment's list `resting` instead of its queue until a tick
 * finds that their time has come. The first retry is at once, the next waits a second, and each one
 * after it twice as long as the one before, up to LIMIT_REST_MS. */
#ifndef CORE_REST_H
#define CORE_REST_H

#include "head/core/step.h"

struct experiment;
struct trial;

/* How long to wait after something went wrong for the times-th time. */
uint64_t rest_ms(uint32_t times);

/* It is pending: into the queue, at once or after its rest. */
void rest_begin(struct step *step, struct trial *trial, uint32_t times);

/* Take one out; false where it does not rest. */
bool rest_cancel(struct experiment *experiment, struct trial *trial);

/* Those whose time has come go into the queue; whether there were any. */
bool rest_wake(struct step *step, struct experiment *experiment);

/* When the next of them is due; DEADLINE_NEVER. */
uint64_t rest_deadline_ms(const struct experiment *experiment);

#endif
