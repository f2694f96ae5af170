/* html.h - pieces of a page of HTML. Whatever comes from people and programs goes through
 * html_text, which makes it text and nothing else, between tags as well as in a quoted attribute.
 */
#ifndef CLIENT_HTML_H
#define CLIENT_HTML_H

#include <stdint.h>

#include "common/buf.h"

/* & < > " ' as references; what is no UTF-8, and control characters, as "?". */
void html_text(struct span text, struct buf *out);

/* At most `most` bytes of it, with an ellipsis where it is cut. */
void html_short(struct span text, size_t most, struct buf *out);

/* Six digits; words for what is not finite. */
void html_number(double number, struct buf *out);

/* Here and now: "2026-01-31 10:20:30 +0100"; a dash for 0. */
void html_time(uint64_t unix_ms, struct buf *out);

/* A table: a caption, then names of columns up to NULL. It is folded up behind summary; NULL: it is
 * open. */
void html_table_begin(struct buf *out, const char *summary, const char *caption,
                      const char *const *columns);
void html_row_begin(struct buf *out);
void html_cell_text(struct buf *out, struct span text);
void html_cell_number(struct buf *out, double number);
void html_row_end(struct buf *out);
void html_table_end(struct buf *out);

#endif
