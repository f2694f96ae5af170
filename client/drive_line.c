#include "client/drive_line.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "common/limits.h"
#include "common/spec.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

enum key { KEY_TRIAL, KEY_CONFIG, KEY_RESULT, KEY_BLOCKED, KEY_PEEK, KEY_BRACKET, KEY_COUNT };

#define BIT(key) (1u << (key))

static const char *const key_names[KEY_COUNT] = {
    [KEY_TRIAL] = "trial",     [KEY_CONFIG] = "config", [KEY_RESULT] = "result",
    [KEY_BLOCKED] = "blocked", [KEY_PEEK] = "peek",     [KEY_BRACKET] = "bracket",
};

/* What each op takes, besides itself, and what of that it needs. */
static const struct {
    const char *name;
    unsigned takes;
    unsigned needs;
} ops[DRIVE_OP_COUNT] = {
    [DRIVE_ASK] = {"ask", BIT(KEY_BLOCKED) | BIT(KEY_PEEK), 0},
    [DRIVE_ADD] = {"add", BIT(KEY_CONFIG) | BIT(KEY_TRIAL) | BIT(KEY_BRACKET), BIT(KEY_CONFIG)},
    [DRIVE_RESULT] = {"result", BIT(KEY_TRIAL) | BIT(KEY_RESULT), BIT(KEY_TRIAL) | BIT(KEY_RESULT)},
    [DRIVE_COMPLETE] = {"complete", BIT(KEY_TRIAL) | BIT(KEY_RESULT), BIT(KEY_TRIAL)},
    [DRIVE_ERROR] = {"error", BIT(KEY_TRIAL), BIT(KEY_TRIAL)},
    [DRIVE_REMOVE] = {"remove", BIT(KEY_TRIAL), BIT(KEY_TRIAL)},
    [DRIVE_REQUEUE] = {"requeue", BIT(KEY_TRIAL), BIT(KEY_TRIAL)},
    [DRIVE_STATUS] = {"status", 0, 0},
    [DRIVE_BEST] = {"best", 0, 0},
};

bool drive_refuse(char why[DRIVE_WHY_BYTES], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(why, DRIVE_WHY_BYTES, format, args);
    va_end(args);
    return false;
}

/* A word that is none of these: the nearest, or all there are. */
static bool refuse_word(char why[DRIVE_WHY_BYTES], const char *what, const char *word,
                        const char *const *words, size_t count)
{
    const char *nearest = spec_nearest(word, words, count);
    char all[DRIVE_WHY_BYTES / 2] = "";
    size_t size = 0;

    if (nearest != NULL)
        return drive_refuse(why, "there is no %s '%.64s': did you mean '%s'?", what, word, nearest);
    for (size_t i = 0; i < count; i++)
        size +=
            (size_t)snprintf(all + size, sizeof(all) - size, "%s%s", i > 0 ? ", " : "", words[i]);
    return drive_refuse(why, "there is no %s '%.64s': one of: %s", what, word, all);
}

static bool read_op(const struct value *line, struct drive_line *out, char why[DRIVE_WHY_BYTES])
{
    const struct value *op = value_get(line, "op");
    const char *names[DRIVE_OP_COUNT];

    if (op == NULL)
        return drive_refuse(why, "the line has no \"op\": {\"op\":\"ask\"}");
    if (op->type != VALUE_TEXT)
        return drive_refuse(why, "op must be a text, not %s", value_type_name(op->type));
    for (size_t i = 0; i < DRIVE_OP_COUNT; i++) {
        if (strcmp(op->text, ops[i].name) == 0) {
            out->op = (enum drive_op)i;
            return true;
        }
        names[i] = ops[i].name;
    }
    return refuse_word(why, "op", op->text, names, DRIVE_OP_COUNT);
}

static bool refuse_key(const char *key, enum drive_op op, char why[DRIVE_WHY_BYTES])
{
    const char *names[KEY_COUNT + 1] = {"op"};
    char what[32];
    size_t count = 1;

    for (unsigned i = 0; i < KEY_COUNT; i++)
        if ((ops[op].takes & BIT(i)) != 0)
            names[count++] = key_names[i];
    (void)snprintf(what, sizeof(what), "key of %s", ops[op].name);
    return refuse_word(why, what, key, names, count);
}

static bool expect(const char *key, const struct value *value, enum value_type type,
                   char why[DRIVE_WHY_BYTES])
{
    if (value->type == type)
        return true;
    return drive_refuse(why, "%s must be %s, not %s", key, value_type_name(type),
                        value_type_name(value->type));
}

static bool read_name(const char *key, const struct value *value, char why[DRIVE_WHY_BYTES])
{
    if (!expect(key, value, VALUE_TEXT, why))
        return false;
    if (value->count == 0 || value->count > LIMIT_NAME_BYTES)
        return drive_refuse(why, "a trial's name has 1 to %u bytes", LIMIT_NAME_BYTES);
    return true;
}

static bool read_names(const struct value *value, char why[DRIVE_WHY_BYTES])
{
    if (!expect("blocked", value, VALUE_LIST, why))
        return false;
    for (uint32_t i = 0; i < value->count; i++)
        if (!read_name("each of blocked", &value->items[i], why))
            return false;
    return true;
}

static bool read_bracket(const struct value *value, struct drive_line *out,
                         char why[DRIVE_WHY_BYTES])
{
    if (value->type != VALUE_INT || value->integer < 0 || value->integer >= (int64_t)UINT32_MAX)
        return drive_refuse(why, "bracket must be a whole number from 0");
    out->has_bracket = true;
    out->bracket = (uint32_t)value->integer;
    return true;
}

static bool read_key(enum key key, const struct value *value, struct drive_line *out,
                     char why[DRIVE_WHY_BYTES])
{
    switch (key) {
    case KEY_TRIAL:
        out->trial = value->text;
        return read_name("trial", value, why);
    case KEY_CONFIG:
        out->config = value;
        return expect("config", value, VALUE_MAP, why);
    case KEY_RESULT:
        out->result = value;
        return expect("result", value, VALUE_MAP, why);
    case KEY_BLOCKED:
        out->blocked = value;
        return read_names(value, why);
    case KEY_PEEK:
        out->peek = value->type == VALUE_BOOL && value->boolean;
        return expect("peek", value, VALUE_BOOL, why);
    case KEY_BRACKET:
        return read_bracket(value, out, why);
    case KEY_COUNT:
        break;
    }
    return false;
}

static bool read_member(const struct member *member, struct drive_line *out, unsigned *given,
                        char why[DRIVE_WHY_BYTES])
{
    unsigned key = 0;

    if (strcmp(member->key, "op") == 0)
        return true;
    while (key < KEY_COUNT && strcmp(member->key, key_names[key]) != 0)
        key++;
    if (key == KEY_COUNT || (ops[out->op].takes & BIT(key)) == 0)
        return refuse_key(member->key, out->op, why);
    *given |= BIT(key);
    return read_key((enum key)key, &member->value, out, why);
}

bool drive_line_read(struct span text, struct arena *arena, struct drive_line *out,
                     char why[DRIVE_WHY_BYTES])
{
    struct json_error error;
    struct value *line = arena_alloc(arena, sizeof(*line));
    unsigned given = 0;
    unsigned missing;

    *out = (struct drive_line){0};
    if (json_read(text, arena, line, &error) != 0)
        return drive_refuse(why, "column %u: %s", error.column, error.what);
    if (line->type != VALUE_MAP)
        return drive_refuse(why, "a line is a JSON object, not %s", value_type_name(line->type));
    if (!read_op(line, out, why))
        return false;
    for (uint32_t i = 0; i < line->count; i++)
        if (!read_member(&line->members[i], out, &given, why))
            return false;
    missing = ops[out->op].needs & ~given;
    for (unsigned i = 0; i < KEY_COUNT; i++)
        if ((missing & BIT(i)) != 0)
            return drive_refuse(why, "%s needs \"%s\"", ops[out->op].name, key_names[i]);
    return true;
}
