/* results_each.h - what a trial reported, result by result, from wherever reading commands read. */
#ifndef CLIENT_RESULTS_EACH_H
#define CLIENT_RESULTS_EACH_H

#include "client/source.h"

/* Each result of a trial as it stands in result.json, from the first on, up to `most`; *count: how
 * many there were. A result lives until visit returns, which answers whether to go on. Lines that
 * are none are left out. */
int results_each(struct source *source, uint32_t experiment, uint32_t trial, uint64_t most,
                 bool (*visit)(const struct value *result, void *context), void *context,
                 uint64_t *count);

#endif
