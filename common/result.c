#include "common/result.h"

#include "common/err.h"
#include "common/pack.h"

#define RESULT_FIELDS 11

void result_pack(const struct result *result, struct buf *out)
{
    pack_list(out, RESULT_FIELDS);
    buf_append_span(out, result->metrics);
    pack_bool(out, result->done);
    pack_int(out, result->training_iteration);
    if (result->has_timesteps)
        pack_int(out, result->timesteps_total);
    else
        pack_nil(out);
    if (result->has_episodes)
        pack_int(out, result->episodes_total);
    else
        pack_nil(out);
    pack_int(out, result->timestamp);
    pack_double(out, result->time_this_iter_s);
    pack_double(out, result->time_total_s);
    pack_double(out, result->time_since_restore);
    pack_int(out, result->timesteps_since_restore);
    pack_int(out, result->iterations_since_restore);
}

/* A map whose keys are texts, passed whole. */
static bool metrics_read(struct cursor *cursor, struct span *out)
{
    const uint8_t *begin = cursor->at;
    uint32_t pairs;
    struct span key;

    if (!cursor_map(cursor, &pairs))
        return false;
    for (uint32_t i = 0; i < pairs; i++)
        if (!cursor_text(cursor, &key) || !cursor_skip(cursor, NULL))
            return false;
    *out = span_of(begin, (size_t)(cursor->at - begin));
    return true;
}

static bool total_read(struct cursor *cursor, bool *has, int64_t *total)
{
    *has = cursor_peek(cursor) != CURSOR_NIL;
    *total = 0;
    return *has ? cursor_int(cursor, total) : cursor_nil(cursor);
}

int result_unpack(struct cursor *cursor, struct result *out)
{
    struct result result;
    uint32_t count;

    if (!cursor_list(cursor, &count) || count < RESULT_FIELDS)
        return ERR_MALFORMED;
    if (!metrics_read(cursor, &result.metrics) || !cursor_bool(cursor, &result.done) ||
        !cursor_int(cursor, &result.training_iteration) ||
        !total_read(cursor, &result.has_timesteps, &result.timesteps_total) ||
        !total_read(cursor, &result.has_episodes, &result.episodes_total) ||
        !cursor_int(cursor, &result.timestamp) ||
        !cursor_double(cursor, &result.time_this_iter_s) ||
        !cursor_double(cursor, &result.time_total_s) ||
        !cursor_double(cursor, &result.time_since_restore) ||
        !cursor_int(cursor, &result.timesteps_since_restore) ||
        !cursor_int(cursor, &result.iterations_since_restore))
        return ERR_MALFORMED;
    for (uint32_t i = RESULT_FIELDS; i < count; i++)
        if (!cursor_skip(cursor, NULL))
            return ERR_MALFORMED;
    *out = result;
    return 0;
}

/* Bools count as numbers, as in Python. */
static bool number_read(struct cursor *cursor, double *out)
{
    bool yes;

    if (cursor_peek(cursor) != CURSOR_BOOL)
        return cursor_double(cursor, out);
    if (!cursor_bool(cursor, &yes))
        return false;
    *out = yes ? 1 : 0;
    return true;
}

/* Put cursor on the value of a key of the map it stands on. */
static bool map_find(struct cursor *cursor, struct span key)
{
    uint32_t pairs;
    struct span name;

    if (cursor_peek(cursor) != CURSOR_MAP || !cursor_map(cursor, &pairs))
        return false;
    for (uint32_t i = 0; i < pairs; i++) {
        if (!cursor_text(cursor, &name))
            return false;
        if (span_equal(name, key))
            return true;
        if (!cursor_skip(cursor, NULL))
            return false;
    }
    return false;
}

/* The same for a path through nested maps; a key may itself hold the separators. */
static bool path_find(struct cursor *cursor, struct span path)
{
    const char *text = path.data;
    struct cursor at = *cursor;

    if (map_find(&at, path)) {
        *cursor = at;
        return true;
    }
    for (size_t i = 0; i < path.size; i++) {
        if (text[i] != '/' && text[i] != '.')
            continue;
        at = *cursor;
        if (map_find(&at, span_of(text, i)) &&
            path_find(&at, span_of(text + i + 1, path.size - i - 1))) {
            *cursor = at;
            return true;
        }
    }
    return false;
}

/* What is always ours. */
static bool filled_number(const struct result *result, struct span name, double *out)
{
    if (span_is(name, "done"))
        *out = result->done ? 1 : 0;
    else if (span_is(name, "timestamp"))
        *out = (double)result->timestamp;
    else if (span_is(name, "time_this_iter_s"))
        *out = result->time_this_iter_s;
    else if (span_is(name, "time_total_s"))
        *out = result->time_total_s;
    else if (span_is(name, "time_since_restore"))
        *out = result->time_since_restore;
    else if (span_is(name, "timesteps_since_restore"))
        *out = (double)result->timesteps_since_restore;
    else if (span_is(name, "iterations_since_restore"))
        *out = (double)result->iterations_since_restore;
    else
        return false;
    return true;
}

/* What is ours only where the program does not say it. */
static bool default_number(const struct result *result, struct span name, double *out)
{
    struct cursor cursor;
    double loss;

    if (span_is(name, "training_iteration")) {
        *out = (double)result->training_iteration;
        return true;
    }
    if (span_is(name, "timesteps_total")) {
        *out = (double)result->timesteps_total;
        return result->has_timesteps;
    }
    if (span_is(name, "episodes_total")) {
        *out = (double)result->episodes_total;
        return result->has_episodes;
    }
    cursor_init(&cursor, result->metrics);
    if (!span_is(name, "neg_mean_loss") || !map_find(&cursor, span_text("mean_loss")) ||
        !cursor_double(&cursor, &loss))
        return false;
    *out = 0.0 - loss;
    return true;
}

bool result_metric(const struct result *result, struct span name, double *out)
{
    struct cursor cursor;
    double number;

    if (filled_number(result, name, &number)) {
        *out = number;
        return true;
    }
    cursor_init(&cursor, result->metrics);
    if (path_find(&cursor, name)) {
        if (!number_read(&cursor, &number))
            return false;
    } else if (!default_number(result, name, &number)) {
        return false;
    }
    *out = number;
    return true;
}

bool result_number(const struct result *result, const char *name, double *out)
{
    return result_metric(result, span_text(name), out);
}
