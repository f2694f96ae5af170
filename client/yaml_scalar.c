/* yaml_scalar.c - what a plain scalar means. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client/yaml.h"

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcmp(*words, text) == 0)
            return true;
    return false;
}

static bool is_digits(const char *text, const char *digits)
{
    return *text != '\0' && text[strspn(text, digits)] == '\0';
}

static const char *after_sign(const char *text)
{
    return *text == '+' || *text == '-' ? text + 1 : text;
}

/* The base that text is a whole number in, 0 where it is none. */
static int integer_base(const char *text)
{
    if (strncmp(text, "0o", 2) == 0)
        return is_digits(text + 2, "01234567") ? 8 : 0;
    if (strncmp(text, "0x", 2) == 0)
        return is_digits(text + 2, "0123456789abcdefABCDEF") ? 16 : 0;
    return is_digits(after_sign(text), "0123456789") ? 10 : 0;
}

static const char *integer_read(const char *text, int base, struct value *out)
{
    const char *digits = base == 10 ? text : text + 2;
    long long number;

    errno = 0;
    number = strtoll(digits, NULL, base);
    if (errno == ERANGE)
        return "the whole number has more than 64 bits";
    *out = value_int(number);
    return NULL;
}

/* Digits with a point, an exponent or both. */
static bool is_float(const char *text)
{
    const char *at = after_sign(text);
    size_t whole = strspn(at, "0123456789");
    size_t part = 0;

    at += whole;
    if (*at == '.') {
        at++;
        part = strspn(at, "0123456789");
        at += part;
    }
    if (whole + part == 0)
        return false;
    if (*at == 'e' || *at == 'E')
        return is_digits(after_sign(at + 1), "0123456789");
    return *at == '\0';
}

static bool is_special_float(const char *text, double *out)
{
    static const char *const infinities[] = {".inf", ".Inf", ".INF", NULL};
    static const char *const nans[] = {".nan", ".NaN", ".NAN", NULL};

    if (is_one_of(after_sign(text), infinities))
        *out = *text == '-' ? -INFINITY : INFINITY;
    else if (is_one_of(text, nans))
        *out = NAN;
    else
        return false;
    return true;
}

const char *yaml_scalar(const char *text, struct arena *arena, struct value *out)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    int base = integer_base(text);
    double number;

    if (base != 0)
        return integer_read(text, base, out);
    if (is_one_of(text, nulls)) {
        *out = value_null();
    } else if (is_one_of(text, trues) || is_one_of(text, falses)) {
        *out = value_bool(*text == 't' || *text == 'T');
    } else if (is_special_float(text, &number)) {
        *out = value_double(number);
    } else if (is_float(text)) {
        number = strtod(text, NULL);
        if (!isfinite(number))
            return "the number is too big for a double";
        *out = value_double(number);
    } else {
        *out = value_text(arena, text);
    }
    return NULL;
}

const char *yaml_scalar_tagged(const char *type, const char *text, struct arena *arena,
                               struct value *out)
{
    static const struct {
        const char *name;
        enum value_type type;
    } types[] = {
        {"null", VALUE_NULL}, {"bool", VALUE_BOOL}, {"int", VALUE_INT}, {"float", VALUE_DOUBLE}};
    const char *wrong;

    if (strcmp(type, "str") == 0) {
        *out = value_text(arena, text);
        return NULL;
    }
    wrong = yaml_scalar(text, arena, out);
    if (wrong != NULL)
        return wrong;
    if (strcmp(type, "float") == 0 && out->type == VALUE_INT)
        *out = value_double((double)out->integer);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(types[i].name, type) == 0 && types[i].type == out->type)
            return NULL;
    return "the value is none of that type";
}
