#include "common/sys/clock.h"

#include <assert.h>
#include <time.h>

static struct timespec clock_read(clockid_t clock)
{
    struct timespec now;
    int result = clock_gettime(clock, &now);

    assert(result == 0); /* only fails for a clock that the kernel lacks */
    return now;
}

uint64_t clock_ms(void)
{
    struct timespec now = clock_read(CLOCK_BOOTTIME);

    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t clock_ns(void)
{
    struct timespec now = clock_read(CLOCK_MONOTONIC);

    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t clock_unix_ms(void)
{
    struct timespec now = clock_read(CLOCK_REALTIME);

    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int32_t clock_utc_offset_s(void)
{
    time_t now = clock_read(CLOCK_REALTIME).tv_sec;
    struct tm local;

    tzset();
    if (localtime_r(&now, &local) == NULL)
        return 0;
    return (int32_t)local.tm_gmtoff;
}
