#include "common/spec_read.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/number.h"
#include "common/units.h"

#define WORD_MOST 64 /* bytes of a word that is compared: all of ours are shorter */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edits that make a into b: a letter more, less or another, or two neighbours swapped. */
static size_t edit_distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t rows[3][WORD_MOST + 1];

    for (size_t j = 0; j <= b_size; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *over = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], over[j - 2] + 1);
        }
    }
    return rows[a_size % 3][b_size];
}

const char *spec_nearest(const char *word, const char *const *names, size_t count)
{
    size_t size = strnlen(word, WORD_MOST);
    size_t best = size / 3 + 2; /* from here on they are just two words */
    const char *nearest = NULL;

    for (size_t i = 0; i < count; i++) {
        size_t name_size = strnlen(names[i], WORD_MOST);
        size_t distance = edit_distance(word, size, names[i], name_size);

        /* as far as the longer word is long, nothing of it is left */
        if (distance >= best || distance >= (size > name_size ? size : name_size))
            continue;
        best = distance;
        nearest = names[i];
    }
    return nearest;
}

size_t spec_enter(struct spec_reader *reader, const char *key)
{
    size_t size = reader->path_size;
    size_t room = sizeof(reader->path) - size;
    int written = snprintf(reader->path + size, room, "%s%s", size > 0 && room > 1 ? "." : "", key);

    if (written > 0)
        reader->path_size = size + least((size_t)written, room - 1);
    return size;
}

void spec_leave(struct spec_reader *reader, size_t size)
{
    reader->path_size = size;
    reader->path[size] = '\0';
}

static void text_tame(char *text)
{
    size_t size = strlen(text);
    size_t last = size;

    for (char *at = text; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    /* A text that was cut may end inside a character. */
    while (last > 0 && size - last < 3 && ((unsigned char)text[last - 1] & 0xc0) == 0x80)
        last--;
    if (last > 0 && (unsigned char)text[last - 1] >= 0xc0) {
        unsigned char lead = (unsigned char)text[last - 1];
        size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

        if (size - last + 1 < length)
            text[last - 1] = '\0';
    }
}

void spec_tame(struct spec_error *error)
{
    text_tame(error->path);
    text_tame(error->what);
    text_tame(error->mend);
}

int spec_refuse(struct spec_reader *reader, const char *mend, const char *format, ...)
{
    struct spec_error *error = reader->error;
    va_list args;

    (void)snprintf(error->path, sizeof(error->path), "%s", reader->path);
    va_start(args, format);
    (void)vsnprintf(error->what, sizeof(error->what), format, args);
    va_end(args);
    (void)snprintf(error->mend, sizeof(error->mend), "%s", mend);
    return ERR_MALFORMED;
}

/* "did you mean X?", or all there are. */
static void mend_words(char mend[256], const char *word, const char *const *words, size_t count)
{
    const char *nearest = spec_nearest(word, words, count);
    size_t size = 0;

    if (nearest != NULL) {
        (void)snprintf(mend, 256, "did you mean %s?", nearest);
        return;
    }
    for (size_t i = 0; i < count && size < 255; i++) {
        int written =
            snprintf(mend + size, 256 - size, "%s%s", i == 0 ? "one of: " : ", ", words[i]);

        size += written > 0 ? (size_t)written : 0;
    }
}

static int key_unknown(struct spec_reader *reader, const char *key, const char *where,
                       const struct spec_key *keys, size_t count)
{
    const char *names[64] = {0};
    char mend[256] = "";

    for (size_t i = 0; i < count && i < 64; i++)
        names[i] = keys[i].name;
    mend_words(mend, key, names, count < 64 ? count : 64);
    return spec_refuse(reader, mend, "%s has no key '%s'", where, key);
}

int spec_read_map(struct spec_reader *reader, const struct value *value, const char *where,
                  const struct spec_key *keys, size_t count)
{
    if (value->type != VALUE_MAP)
        return spec_refuse(reader, "", "%s is a map, not %s", where, value_type_name(value->type));
    for (uint32_t i = 0; i < value->count; i++) {
        const struct member *member = &value->members[i];
        size_t size = spec_enter(reader, member->key);
        size_t k = 0;
        int err;

        while (k < count && strcmp(keys[k].name, member->key) != 0)
            k++;
        if (k == count)
            return key_unknown(reader, member->key, where, keys, count);
        err = member->value.type == VALUE_NULL ? 0 : keys[k].read(reader, &member->value);
        if (err < 0)
            return err;
        spec_leave(reader, size);
    }
    return 0;
}

int spec_read_list(struct spec_reader *reader, const struct value *list,
                   int (*read)(struct spec_reader *reader, const struct value *item))
{
    for (uint32_t i = 0; i < list->count; i++) {
        char index[16];
        size_t size;
        int err;

        (void)snprintf(index, sizeof(index), "%u", i);
        size = spec_enter(reader, index);
        err = read(reader, &list->items[i]);
        if (err < 0)
            return err;
        spec_leave(reader, size);
    }
    return 0;
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

int spec_read_lines(struct spec_reader *reader, const struct value *value, size_t limit_bytes,
                    const char **out)
{
    if (value->type != VALUE_TEXT)
        return spec_refuse(reader, value_is_number(value) ? "put it in quotes" : "",
                           "must be a text, not %s", value_type_name(value->type));
    if (value->count == 0)
        return spec_refuse(reader, "", "must not be empty");
    if (value->count > limit_bytes)
        return spec_refuse(reader, "", "is longer than %zu bytes", limit_bytes);
    for (const char *at = value->text; *at != '\0'; at++)
        if (is_control(*at) && *at != '\n' && *at != '\t')
            return spec_refuse(reader, "", "has a control character in it");
    *out = value->text;
    return 0;
}

int spec_read_text(struct spec_reader *reader, const struct value *value, size_t limit_bytes,
                   const char **out)
{
    const char *text;
    int err = spec_read_lines(reader, value, limit_bytes, &text);

    if (err < 0)
        return err;
    if (strpbrk(text, "\n\t") != NULL)
        return spec_refuse(reader, "", "must be one line without tabs");
    *out = text;
    return 0;
}

int spec_read_name(struct spec_reader *reader, const struct value *value, const char **out)
{
    const char *text;
    int err = spec_read_text(reader, value, LIMIT_NAME_BYTES, &text);

    if (err < 0)
        return err;
    if (strchr(text, '/') != NULL)
        return spec_refuse(reader, "", "must not have a '/' in it");
    if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        return spec_refuse(reader, "", "must not be '%s'", text);
    *out = text;
    return 0;
}

int spec_check_key(struct spec_reader *reader, const char *key)
{
    size_t size = strlen(key);

    if (size == 0 || size > LIMIT_NAME_BYTES)
        return spec_refuse(reader, "", "a name has 1 to %u bytes", LIMIT_NAME_BYTES);
    for (size_t i = 0; i < size; i++)
        if (is_control(key[i]))
            return spec_refuse(reader, "", "has a control character in it");
    return 0;
}

int spec_read_word(struct spec_reader *reader, const struct value *value, const char *const *words,
                   size_t count, uint32_t *out)
{
    const char *text;
    char mend[256] = "";
    int err = spec_read_text(reader, value, LIMIT_TEXT_BYTES, &text);

    if (err < 0)
        return err;
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(words[i], text) == 0) {
            *out = i;
            return 0;
        }
    }
    mend_words(mend, text, words, count);
    return spec_refuse(reader, mend, "'%s' is not known here", text);
}

int spec_read_int(struct spec_reader *reader, const struct value *value, int64_t low, int64_t high,
                  int64_t *out)
{
    int64_t number;

    if (value->type == VALUE_INT)
        number = value->integer;
    else if (value->type == VALUE_DOUBLE && floor(value->number) == value->number &&
             fabs(value->number) <= 9007199254740992.0)
        number = (int64_t)value->number; /* 1e6 */
    else
        return spec_refuse(reader, "", "must be a whole number");
    if (number < low || number > high)
        return spec_refuse(reader, "", "must be from %lld to %lld", (long long)low,
                           (long long)high);
    *out = number;
    return 0;
}

int spec_read_duration(struct spec_reader *reader, const struct value *value, uint64_t *out_ms)
{
    static const char mend[] = "write 90s, 10m or 1h30m; leave it away for none";
    char digits[NUMBER_BYTES + 1];
    const char *text = digits;
    uint64_t ms;

    if (value->type == VALUE_INT)
        digits[number_int(value->integer, digits)] = '\0';
    else if (value->type == VALUE_TEXT)
        text = value->text;
    else
        return spec_refuse(reader, mend, "must be a duration, not %s",
                           value_type_name(value->type));
    if (!duration_parse(text, &ms))
        return spec_refuse(reader, mend, "'%s' is no duration up to 10 years", text);
    if (ms == 0)
        return spec_refuse(reader, mend, "must be longer than nothing");
    *out_ms = ms;
    return 0;
}

int spec_read_number(struct spec_reader *reader, const struct value *value, double *out)
{
    double number;

    if (!value_is_number(value))
        return spec_refuse(reader, "", "must be a number, not %s", value_type_name(value->type));
    number = value_number(value);
    if (!isfinite(number))
        return spec_refuse(reader, "", "must be a finite number");
    *out = number;
    return 0;
}

int spec_read_mode(struct spec_reader *reader, const struct value *value, enum metric_mode *out)
{
    static const char *const words[] = {"max", "min"};
    uint32_t index;
    int err = spec_read_word(reader, value, words, 2, &index);

    if (err < 0)
        return err;
    *out = index == 0 ? MODE_MAX : MODE_MIN;
    return 0;
}
