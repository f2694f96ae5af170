/* yaml_write.h - values as YAML in block style, byte for byte as PyYAML's safe_dump writes them
 * (Tune's printed results are its output): floats as 1.0e-07 and .inf, texts that look like
 * something else quoted, long ones folded behind column 80, ASCII only. */
#ifndef CLIENT_YAML_WRITE_H
#define CLIENT_YAML_WRITE_H

#include "common/buf.h"
#include "common/value.h"

/* A map or list, with a newline behind its last line. sorted: keys in order, at every depth. */
void yaml_write(const struct value *value, bool sorted, struct buf *out);

/* The same for a file that is read again: no text is folded, and quotes are double ones. libfyaml
 * 0.7 misreads '''' within single quotes, and a fold behind an escaped backslash. */
void yaml_write_file(const struct value *value, struct buf *out);

/* How a text may be written; key: as a key of a map. */
enum yaml_style { YAML_PLAIN, YAML_SINGLE, YAML_DOUBLE };
enum yaml_style yaml_style_of(struct span text, bool key);

#endif
