/* output.h - stdout and stderr of trials that ran on another machine, in their folder here.
 *
 * An attempt's bytes come with their offset in the attempt, so a chunk that comes twice changes
 * nothing. A later attempt's bytes stand behind the earlier ones'. Nothing of this is in the log: a
 * chunk lost with a machine is a hole. */
#ifndef SINK_OUTPUT_H
#define SINK_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "common/span.h"

struct output;

struct output *output_new(void);
void output_free(struct output *output);

/* Write to folder/stdout (stream 0) or folder/stderr (1). A failure's text goes to trouble. */
void output_write(struct output *output, const char *folder, uint32_t attempt, uint32_t stream,
                  uint64_t offset, struct span bytes, char *trouble, size_t size);

#endif
