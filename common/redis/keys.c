#include "common/redis/keys.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool store_name_is_good(const char *name)
{
    size_t size = strlen(name);
    static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

    return size > 0 && size <= STORE_NAME_BYTES && strspn(name, good) == size;
}

__attribute__((format(printf, 2, 3))) static struct span key_print(char *out, const char *format,
                                                                   ...)
{
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(out, STORE_KEY_BYTES, format, args);
    va_end(args);
    assert(size > 0 && size < (int)STORE_KEY_BYTES);
    return span_of(out, (size_t)size);
}

struct span store_key(char *out, const char *name, const char *kind)
{
    return key_print(out, "assay:{%s}:%s", name, kind);
}

struct span store_key_number(char *out, const char *name, const char *kind, uint32_t number)
{
    return key_print(out, "assay:{%s}:%s:%" PRIu32, name, kind, number);
}

struct span store_key_trial(char *out, const char *name, uint32_t experiment, uint32_t trial)
{
    return key_print(out, "assay:{%s}:trial:%" PRIu32 "/%" PRIu32, name, experiment, trial);
}

int log_id_compare(struct log_id a, struct log_id b)
{
    if (a.epoch != b.epoch)
        return a.epoch < b.epoch ? -1 : 1;
    if (a.n != b.n)
        return a.n < b.n ? -1 : 1;
    return 0;
}

struct span log_id_print(struct log_id id, char *out)
{
    int size = snprintf(out, LOG_ID_BYTES, "%" PRIu64 "-%" PRIu64, id.epoch, id.n);

    return span_of(out, (size_t)size);
}

/* Digits up to end or to a dash; moves *at behind them. */
static bool read_number(const char **at, const char *end, uint64_t *out)
{
    const char *start = *at;
    uint64_t number = 0;

    for (; *at < end && **at >= '0' && **at <= '9'; (*at)++) {
        uint64_t digit = (uint64_t)(**at - '0');

        if (number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *out = number;
    return *at > start;
}

bool log_id_parse(struct span text, struct log_id *out)
{
    const char *at = text.data;
    const char *end = at + text.size;
    struct log_id id;

    if (text.size == 0 || !read_number(&at, end, &id.epoch) || at == end || *at++ != '-' ||
        !read_number(&at, end, &id.n) || at != end)
        return false;
    *out = id;
    return true;
}
