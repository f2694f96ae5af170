/* pack.h - msgpack written into a buf, by msgpack-c. Reading is cursor.h.
 *
 * Maps and lists are announced with their count, then their items follow. */
#ifndef COMMON_PACK_H
#define COMMON_PACK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"

void pack_nil(struct buf *out);
void pack_bool(struct buf *out, bool value);
void pack_uint(struct buf *out, uint64_t value);
void pack_int(struct buf *out, int64_t value);
void pack_double(struct buf *out, double value);
void pack_text(struct buf *out, const char *text);
void pack_string(struct buf *out, struct span text);
void pack_bytes(struct buf *out, struct span bytes);

/* The head of so many bytes, which the caller appends. */
void pack_bytes_head(struct buf *out, size_t size);
void pack_list(struct buf *out, uint32_t count);
void pack_map(struct buf *out, uint32_t count);

#endif
