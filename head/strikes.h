/* strikes.h - who sends what is no message, too often.
 *
 * Ten bad messages of a key within a minute, and what it says is not even looked at for the next
 * minute. Only the last few keys that failed at all are remembered, so a crowd of strangers grows
 * nothing. Times are clock_ms of the caller. */
#ifndef HEAD_STRIKES_H
#define HEAD_STRIKES_H

#include <stdbool.h>
#include <stdint.h>

#define STRIKES_MOST      10u    /* within the window */
#define STRIKES_WINDOW_MS 60000u /* counted together, and ignored for */

struct strikes;

struct strikes *strikes_new(void);
/* Accepts NULL. */
void strikes_free(struct strikes *strikes);

/* A key (32 bytes) sent a bad message. True where this is the one that makes it ignored. */
bool strikes_add(struct strikes *strikes, const uint8_t key[32], uint64_t now_ms);

/* Whether a key is ignored now. Costs nothing while nobody is. */
bool strikes_ignored(struct strikes *strikes, const uint8_t key[32], uint64_t now_ms);

#endif
