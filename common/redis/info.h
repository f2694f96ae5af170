/* info.h - what stands in Redis's answer to INFO: lines `name:value`. */
#ifndef REDIS_INFO_H
#define REDIS_INFO_H

#include <stdint.h>

#include "common/span.h"

/* The value of a name, borrowed from info; empty where there is none. */
struct span info_value(const char *info, const char *name);

/* The same as a number; 0 where there is none. */
uint64_t info_number(const char *info, const char *name);

#endif
