#include "common/number.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "common/number_shortest.h"

#define DIGITS_BYTES 32u

/* A finite number: 0.d1d2d3... would be the fraction; here the point stands behind the first digit
 * and exponent is that digit's power of ten. */
struct digits {
    char text[DIGITS_BYTES];
    int count;
    int exponent;
    bool negative;
};

/* decimals as number_scientific takes them; zeros at the end are dropped. */
static void digits_of(double number, int decimals, struct digits *out)
{
    char text[DIGITS_BYTES];
    size_t size = number_scientific(number, decimals, text, sizeof(text));
    size_t at = 0;
    bool small;

    out->negative = text[0] == '-';
    if (out->negative)
        at++;
    out->count = 0;
    for (; text[at] != 'e'; at++) {
        if (text[at] != '.')
            out->text[out->count++] = text[at];
    }
    while (out->count > 1 && out->text[out->count - 1] == '0')
        out->count--;
    small = text[++at] == '-';
    out->exponent = 0;
    for (at++; at < size; at++)
        out->exponent = out->exponent * 10 + (text[at] - '0');
    if (small)
        out->exponent = -out->exponent;
}

static char *put(char *at, const char *text, int size)
{
    memcpy(at, text, (size_t)size);
    return at + size;
}

static char *put_zeros(char *at, int count)
{
    memset(at, '0', (size_t)count);
    return at + count;
}

static char *put_exponent(char *at, int exponent)
{
    *at++ = 'e';
    *at++ = exponent < 0 ? '-' : '+';
    if (exponent < 0)
        exponent = -exponent;
    if (exponent >= 100)
        *at++ = (char)('0' + exponent / 100);
    *at++ = (char)('0' + exponent / 10 % 10);
    *at++ = (char)('0' + exponent % 10);
    return at;
}

/* Scientific from 1e<high> on and below 1e-4, fixed between; whole numbers end in ".0" or not. */
static size_t layout(const struct digits *digits, int high, bool point, char *out)
{
    int exponent = digits->exponent;
    char *at = out;

    if (digits->negative)
        *at++ = '-';
    if (exponent < -4 || exponent >= high) {
        *at++ = digits->text[0];
        if (digits->count > 1) {
            *at++ = '.';
            at = put(at, digits->text + 1, digits->count - 1);
        }
        at = put_exponent(at, exponent);
    } else if (exponent < 0) {
        at = put(at, "0.", 2);
        at = put_zeros(at, -exponent - 1);
        at = put(at, digits->text, digits->count);
    } else if (digits->count <= exponent + 1) {
        at = put(at, digits->text, digits->count);
        at = put_zeros(at, exponent + 1 - digits->count);
        if (point)
            at = put(at, ".0", 2);
    } else {
        at = put(at, digits->text, exponent + 1);
        *at++ = '.';
        at = put(at, digits->text + exponent + 1, digits->count - exponent - 1);
    }
    return (size_t)(at - out);
}

static size_t not_finite(double number, char *out)
{
    const char *text = isnan(number) ? "nan" : number > 0 ? "inf" : "-inf";
    size_t size = strlen(text);

    memcpy(out, text, size);
    return size;
}

size_t number_repr(double number, char *out)
{
    struct digits digits;
    size_t size;

    if (!isfinite(number))
        return not_finite(number, out);
    /* Counts and whole seconds are most of what is printed. */
    if (number > -1e15 && number < 1e15 && number == (double)(int64_t)number &&
        !(number == 0 && signbit(number))) {
        size = number_int((int64_t)number, out);
        memcpy(out + size, ".0", 2);
        return size + 2;
    }
    digits_of(number, -1, &digits);
    return layout(&digits, 16, true, out);
}

size_t number_tag(double number, char *out)
{
    struct digits digits;

    if (!isfinite(number))
        return not_finite(number, out);
    digits_of(number, 4, &digits);
    return layout(&digits, 4, true, out);
}

size_t number_short(double number, char *out)
{
    struct digits digits;

    if (!isfinite(number))
        return not_finite(number, out);
    digits_of(number, 2, &digits);
    return layout(&digits, 3, false, out);
}

size_t number_int(int64_t number, char *out)
{
    if (number >= 0)
        return number_uint((uint64_t)number, out);
    out[0] = '-';
    return 1 + number_uint(-(uint64_t)number, out + 1);
}

size_t number_uint(uint64_t number, char *out)
{
    static const char pairs[] = "0001020304050607080910111213141516171819"
                                "2021222324252627282930313233343536373839"
                                "4041424344454647484950515253545556575859"
                                "6061626364656667686970717273747576777879"
                                "8081828384858687888990919293949596979899";
    char text[20];
    size_t at = sizeof(text);

    while (number >= 100) {
        at -= 2;
        memcpy(text + at, pairs + number % 100 * 2, 2);
        number /= 100;
    }
    if (number >= 10) {
        at -= 2;
        memcpy(text + at, pairs + number * 2, 2);
    } else {
        text[--at] = (char)('0' + number);
    }
    memcpy(out, text + at, sizeof(text) - at);
    return sizeof(text) - at;
}

/* Whether a number that no double can hold is too large, not too small: by the power of ten of its
 * first digit, which is then far from zero. */
static bool is_huge(const char *text, size_t size)
{
    long power = 0;
    long exponent = 0;
    bool point = false, started = false, small = false;
    size_t i = 0;

    for (; i < size && text[i] != 'e' && text[i] != 'E'; i++) {
        if (text[i] == '.') {
            point = true;
        } else if (text[i] >= '0' && text[i] <= '9') {
            started = started || text[i] != '0';
            if (started && !point)
                power++;
            else if (!started && point)
                power--;
        }
    }
    for (i++; i < size; i++) {
        if (text[i] == '-')
            small = true;
        else if (text[i] >= '0' && text[i] <= '9' && exponent < 1000000000L)
            exponent = exponent * 10 + (text[i] - '0');
    }
    return power + (small ? -exponent : exponent) > 0;
}

bool number_parse(struct span text, double *out)
{
    double number = 0;
    int answer;

    if (text.size == 0)
        return false;
    answer = number_from_text(text.data, text.size, &number);
    if (answer == 0)
        return false;
    if (answer < 0) {
        number = is_huge(text.data, text.size) ? (double)INFINITY : 0.0;
        if (*(const char *)text.data == '-')
            number = -number;
    }
    *out = number;
    return true;
}

bool number_size(const char *text, double *out)
{
    static const char units[] = "KMGT";
    size_t digits = strspn(text, "0123456789.");
    const char *rest = text + digits;
    double number;

    if (!number_parse(span_of(text, digits), &number))
        return false;
    if (*rest != '\0' && *rest != 'B') {
        const char *unit = strchr(units, *rest >= 'a' ? *rest - 'a' + 'A' : *rest);

        if (unit == NULL)
            return false;
        for (const char *at = units; at <= unit; at++)
            number *= 1024;
        rest++;
        if (*rest == 'i')
            rest++;
    }
    if (*rest == 'B')
        rest++;
    *out = number;
    return *rest == '\0';
}
