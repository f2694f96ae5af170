/* result_dict.c - results as people's files have them. */
#include <assert.h>
#include <stdio.h>
#include <time.h>

#include "common/json.h"
#include "common/number.h"
#include "common/pack.h"
#include "common/result.h"

/* The last second of the year 9999, less a day for any zone. */
#define TIMESTAMP_MOST INT64_C(253402214400)

static int32_t utc_offset_s;

/* Which keys the program gave itself. */
struct own_keys {
    uint32_t pairs;
    bool training_iteration;
    bool timesteps_total;
    bool episodes_total;
    bool neg_mean_loss;
    struct cursor mean_loss; /* on its value */
    bool has_mean_loss;      /* and it is a number */
};

static void own_keys_note(struct own_keys *own, struct span key, const struct cursor *value)
{
    switch (key.size) {
    case 9:
        if (span_is(key, "mean_loss")) {
            enum cursor_type type = cursor_peek(value);

            own->mean_loss = *value;
            own->has_mean_loss = type == CURSOR_INT || type == CURSOR_UINT || type == CURSOR_DOUBLE;
        }
        break;
    case 13:
        own->neg_mean_loss |= span_is(key, "neg_mean_loss");
        break;
    case 14:
        own->episodes_total |= span_is(key, "episodes_total");
        break;
    case 15:
        own->timesteps_total |= span_is(key, "timesteps_total");
        break;
    case 18:
        own->training_iteration |= span_is(key, "training_iteration");
        break;
    default:
        break;
    }
}

/* The cursor is left on the first key. Metrics were scanned when they came in. */
static struct own_keys own_keys_find(struct span metrics, struct cursor *first)
{
    struct own_keys own = {0};
    struct cursor cursor;
    struct span key;
    bool sound;

    cursor_init(&cursor, metrics);
    sound = cursor_map(&cursor, &own.pairs);
    *first = cursor;
    for (uint32_t i = 0; i < own.pairs && sound; i++) {
        sound = cursor_text(&cursor, &key);
        if (sound) {
            own_keys_note(&own, key, &cursor);
            sound = cursor_skip(&cursor, NULL);
        }
    }
    assert(sound);
    return own;
}

/* -mean_loss, but 0 rather than -0 for a loss of 0; false where it is an integer. */
static bool neg_mean_loss(const struct own_keys *own, int64_t *whole, double *number)
{
    struct cursor cursor = own->mean_loss;

    if (cursor_peek(&cursor) == CURSOR_INT && cursor_int(&cursor, whole) && *whole != INT64_MIN) {
        *whole = -*whole;
        return false;
    }
    cursor = own->mean_loss;
    (void)cursor_double(&cursor, number); /* own_keys_note saw that it is one */
    *number = 0.0 - *number;
    return true;
}

void result_date(int64_t timestamp, int32_t offset_s, char *out)
{
    time_t at = timestamp < 0 ? 0 : timestamp > TIMESTAMP_MOST ? TIMESTAMP_MOST : timestamp;
    struct tm tm = {0};
    int size;

    at += offset_s;
    if (gmtime_r(&at, &tm) == NULL)
        tm = (struct tm){.tm_mday = 1, .tm_year = 70};
    /* The masks change nothing; they let the compiler see that it fits. */
    size =
        snprintf(out, 20, "%04u-%02u-%02u_%02u-%02u-%02u", (unsigned)(tm.tm_year + 1900) % 10000,
                 (unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100,
                 (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
    assert(size == 19);
}

void result_set_utc_offset(int32_t seconds)
{
    assert(seconds > -86400 && seconds < 86400);
    utc_offset_s = seconds;
}

/* Thousands of results share a second. Per thread, so that sinks may write in their own; the
 * access needs no call because the model is fixed. */
const char *result_date_text(int64_t timestamp)
{
    static _Thread_local __attribute__((tls_model("initial-exec"))) struct {
        bool set;
        int32_t offset_s;
        int64_t timestamp;
        char text[20];
    } last;

    if (!last.set || last.timestamp != timestamp || last.offset_s != utc_offset_s) {
        result_date(timestamp, utc_offset_s, last.text);
        last.set = true;
        last.timestamp = timestamp;
        last.offset_s = utc_offset_s;
    }
    return last.text;
}

static void pack_total(const char *key, bool has, int64_t total, struct buf *out)
{
    pack_text(out, key);
    if (has)
        pack_int(out, total);
    else
        pack_nil(out);
}

/* The keys that a program may say itself. */
static void pack_defaults(const struct result *result, const struct own_keys *own, struct buf *out)
{
    double number;
    int64_t whole;

    if (!own->timesteps_total)
        pack_total("timesteps_total", result->has_timesteps, result->timesteps_total, out);
    if (!own->episodes_total)
        pack_total("episodes_total", result->has_episodes, result->episodes_total, out);
    if (!own->training_iteration)
        pack_total("training_iteration", true, result->training_iteration, out);
    if (own->neg_mean_loss || !own->has_mean_loss)
        return;
    pack_text(out, "neg_mean_loss");
    if (neg_mean_loss(own, &whole, &number))
        pack_double(out, number);
    else
        pack_int(out, whole);
}

void result_dict(const struct result *result, const struct result_constants *constants,
                 struct buf *out)
{
    struct cursor first;
    struct own_keys own = own_keys_find(result->metrics, &first);
    uint32_t defaults = 3u - own.timesteps_total - own.episodes_total - own.training_iteration +
                        (own.has_mean_loss && !own.neg_mean_loss);

    pack_map(out, own.pairs + 1 + defaults + 12);
    buf_append(out, first.at, (size_t)(first.end - first.at));
    pack_text(out, "done");
    pack_bool(out, result->done);
    pack_defaults(result, &own, out);
    pack_text(out, "experiment_id");
    pack_string(out, constants->experiment_id);
    pack_text(out, "date");
    pack_text(out, result_date_text(result->timestamp));
    pack_text(out, "timestamp");
    pack_int(out, result->timestamp);
    pack_text(out, "time_this_iter_s");
    pack_double(out, result->time_this_iter_s);
    pack_text(out, "time_total_s");
    pack_double(out, result->time_total_s);
    pack_text(out, "pid");
    pack_int(out, constants->pid);
    pack_text(out, "hostname");
    pack_string(out, constants->hostname);
    pack_text(out, "node_ip");
    pack_string(out, constants->node_ip);
    pack_text(out, "config");
    buf_append_span(out, constants->config);
    pack_text(out, "time_since_restore");
    pack_double(out, result->time_since_restore);
    pack_text(out, "timesteps_since_restore");
    pack_int(out, result->timesteps_since_restore);
    pack_text(out, "iterations_since_restore");
    pack_int(out, result->iterations_since_restore);
}

#define APPEND(out, text) buf_append(out, text, sizeof(text) - 1)

static void json_int(int64_t number, struct buf *out)
{
    out->size += number_int(number, (char *)buf_reserve(out, NUMBER_BYTES));
}

/* Python's json: what repr prints, but NaN and Infinity. */
static void json_double(double number, struct buf *out)
{
    if (number - number == 0)
        out->size += number_repr(number, (char *)buf_reserve(out, NUMBER_BYTES));
    else if (number > 0)
        APPEND(out, "Infinity");
    else if (number < 0)
        APPEND(out, "-Infinity");
    else
        APPEND(out, "NaN");
}

static void json_total(bool has, int64_t total, struct buf *out)
{
    if (has)
        json_int(total, out);
    else
        APPEND(out, "null");
}

/* Packed bytes that were scanned when they came in. */
static void json_map(struct span map, struct buf *out)
{
    struct cursor cursor;
    bool sound;

    cursor_init(&cursor, map);
    sound = json_write_packed(&cursor, out);
    assert(sound);
}

static void json_defaults(const struct result *result, const struct own_keys *own, struct buf *out)
{
    double number;
    int64_t whole;

    if (!own->timesteps_total) {
        APPEND(out, ", \"timesteps_total\": ");
        json_total(result->has_timesteps, result->timesteps_total, out);
    }
    if (!own->episodes_total) {
        APPEND(out, ", \"episodes_total\": ");
        json_total(result->has_episodes, result->episodes_total, out);
    }
    if (!own->training_iteration) {
        APPEND(out, ", \"training_iteration\": ");
        json_int(result->training_iteration, out);
    }
    if (own->neg_mean_loss || !own->has_mean_loss)
        return;
    APPEND(out, ", \"neg_mean_loss\": ");
    if (neg_mean_loss(own, &whole, &number))
        json_double(number, out);
    else
        json_int(whole, out);
}

static void json_constants(const struct result_constants *constants, struct buf *out)
{
    APPEND(out, ", \"pid\": ");
    json_int(constants->pid, out);
    APPEND(out, ", \"hostname\": ");
    json_write_text(constants->hostname, out);
    APPEND(out, ", \"node_ip\": ");
    json_write_text(constants->node_ip, out);
    APPEND(out, ", \"config\": ");
    json_map(constants->config, out);
}

void result_json(const struct result *result, const struct result_constants *constants, bool final,
                 struct buf *out)
{
    struct cursor first;
    struct own_keys own = own_keys_find(result->metrics, &first);

    json_map(result->metrics, out);
    out->size--; /* go on inside the braces */
    if (own.pairs > 0)
        APPEND(out, ", ");
    APPEND(out, "\"done\": ");
    if (result->done || final)
        APPEND(out, "true");
    else
        APPEND(out, "false");
    json_defaults(result, &own, out);
    APPEND(out, ", \"experiment_id\": ");
    json_write_text(constants->experiment_id, out);
    APPEND(out, ", \"date\": \"");
    buf_append(out, result_date_text(result->timestamp), 19);
    APPEND(out, "\", \"timestamp\": ");
    json_int(result->timestamp, out);
    APPEND(out, ", \"time_this_iter_s\": ");
    json_double(result->time_this_iter_s, out);
    APPEND(out, ", \"time_total_s\": ");
    json_double(result->time_total_s, out);
    json_constants(constants, out);
    APPEND(out, ", \"time_since_restore\": ");
    json_double(result->time_since_restore, out);
    APPEND(out, ", \"timesteps_since_restore\": ");
    json_int(result->timesteps_since_restore, out);
    APPEND(out, ", \"iterations_since_restore\": ");
    json_int(result->iterations_since_restore, out);
    APPEND(out, "}");
}
