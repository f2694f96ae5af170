/* trace.h - events and effects as lines of text.
 *
 * What is zero or empty is left out, so that a line says what it is about; schema_parse reads
 * missing fields as zero, so such a line reads back to the same record. */
#ifndef CORE_TRACE_H
#define CORE_TRACE_H

#include "common/schema.h"

/* "name field=value ..." with the fields that are not zero. No newline. */
void trace_print(const struct schema *schema, const void *record, struct buf *out);

#endif
