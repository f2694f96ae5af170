/* clock.h - the only place that asks what time it is. */
#ifndef SYS_CLOCK_H
#define SYS_CLOCK_H

#include <stdint.h>

/* Milliseconds since boot, sleep of the machine included (CLOCK_BOOTTIME): all timers. */
uint64_t clock_ms(void);

/* Nanoseconds of CLOCK_MONOTONIC: to measure. */
uint64_t clock_ns(void);

/* Milliseconds since 1970: for what people read, and for the time of a turn. */
uint64_t clock_unix_ms(void);

/* Seconds east of UTC of this machine's zone, now. */
int32_t clock_utc_offset_s(void);

#endif
