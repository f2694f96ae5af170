/* policy.h - the file that `policy` of the scheduler pbt_replay names, read: how one trial of
 * population based training came to be what it was, as a list of {at, config} in its place, which
 * the head can go by without that file.
 *
 * It is a pbt_policy_N.txt, ours or Ray Tune's: a JSON list a line, [tag, tag of the donor,
 * training_iteration, that of the donor, configuration of the donor, the new one]. Only lines that
 * the last one goes back to count, as in Tune: each has the donor of the next one take over. */
#ifndef CLIENT_POLICY_H
#define CLIENT_POLICY_H

#include "common/value.h"

/* A text is replaced; and what the first donor was configured with stands in the experiment's
 * config then, over what that says itself. base: the folder that the path starts from, NULL: this
 * one. Anything that spec_parse refuses is left to it. 0, or EXIT_USAGE and it was said why, with
 * the line. */
int policy_read(struct value *experiment, const char *base, struct arena *arena);

#endif
