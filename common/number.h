/* number.h - doubles as text, the way Python prints them (Tune's files are Python's output).
 *
 * The shortest digits that read back to the same double come from the C++ library's to_chars;
 * only the layout is done here. Every function writes at most NUMBER_BYTES bytes and no
 * terminator, and returns how many. */
#ifndef COMMON_NUMBER_H
#define COMMON_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/span.h"

#define NUMBER_BYTES 40

/* repr(): 0.1, 10.0, 1e-07, 1e+22, nan, inf, -inf. */
size_t number_repr(double number, char *out);

/* "{:.5}": five significant digits as the reference's 5.4 says: 0.12346, 10.0, 1.2345e+04. */
size_t number_tag(double number, char *out);

/* "%.3g": 84, 0.0632, 1.23e+03. */
size_t number_short(double number, char *out);

size_t number_int(int64_t number, char *out);
size_t number_uint(uint64_t number, char *out);

/* All of text as a decimal number, also nan, inf and infinity; only "-" as a sign; whatever the
 * locale. What is too large becomes an infinity, what is too small zero. False where it is none. */
bool number_parse(struct span text, double *out);

/* "512M", "1.5GiB", "2g", "1000000": bytes, units of 1024. False where it is nothing of that kind.
 */
bool number_size(const char *text, double *out);

#endif
