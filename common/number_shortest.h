/* number_shortest.h - what only the C++ library has: digits of a double, and a double of digits,
 * both exact and free of any locale. Nobody but number.c includes this. */
#ifndef COMMON_NUMBER_SHORTEST_H
#define COMMON_NUMBER_SHORTEST_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A finite number as "-1.2345e+04" into out of room bytes, at least 32; returns how many. decimals
 * behind the point, at most 17; the fewest that read back where it is negative. */
size_t number_scientific(double number, int decimals, char *out, size_t room);

/* Read all of text as a decimal number into *out: 1; 0 where it is none; -1, *out untouched, where
 * it is too large or too small for a double. */
int number_from_text(const char *text, size_t size, double *out);

#ifdef __cplusplus
}
#endif

#endif
