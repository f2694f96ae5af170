#include "common/autofill.h"

#include "common/err.h"
#include "common/pack.h"

/* Whole numbers up to here are exact in a double. */
#define EXACT_MOST 9007199254740992.0

/* What a report says to us rather than to its reader. */
struct said {
    uint32_t pairs;
    uint32_t stripped;
    bool done;
    bool has_time;
    double time_s;
    bool has_timesteps;
    bool has_episodes;
    int64_t timesteps;
    int64_t episodes;
    struct span checkpoint;
};

void autofill_start(struct autofill *fill, double now_s, const struct counters *from)
{
    *fill = (struct autofill){.last_s = now_s};
    if (from == NULL)
        return;
    fill->training_iteration = from->training_iteration;
    fill->time_total_s = from->time_total_s;
    fill->has_timesteps = from->has_timesteps;
    fill->has_episodes = from->has_episodes;
    fill->timesteps_total = from->timesteps_total;
    fill->episodes_total = from->episodes_total;
}

void autofill_counters(const struct autofill *fill, struct counters *out)
{
    *out = (struct counters){
        .training_iteration = fill->training_iteration,
        .time_total_s = fill->time_total_s,
        .has_timesteps = fill->has_timesteps,
        .has_episodes = fill->has_episodes,
        .timesteps_total = fill->timesteps_total,
        .episodes_total = fill->episodes_total,
    };
}

/* The keys that are always filled in: a program's own are taken out. */
static bool key_is_filled(struct span key)
{
#define NAME(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
    static const struct span names[] = {
        NAME("done"),
        NAME("experiment_id"),
        NAME("date"),
        NAME("timestamp"),
        NAME("time_this_iter_s"),
        NAME("time_total_s"),
        NAME("pid"),
        NAME("hostname"),
        NAME("node_ip"),
        NAME("config"),
        NAME("time_since_restore"),
        NAME("timesteps_since_restore"),
        NAME("iterations_since_restore"),
    };
#undef NAME

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (span_equal(key, names[i]))
            return true;
    return false;
}

/* The name of a folder, and no metric. */
static bool key_is_checkpoint(struct span key, const struct cursor *value)
{
    return span_is(key, "checkpoint") && cursor_peek(value) == CURSOR_TEXT;
}

/* As Python judges it. Takes a copy of the cursor. */
static bool value_is_true(struct cursor cursor)
{
    bool yes = false;
    double number = 0;
    struct span text = {0};
    uint32_t count = 0;

    switch (cursor_peek(&cursor)) {
    case CURSOR_BOOL:
        return cursor_bool(&cursor, &yes) && yes;
    case CURSOR_INT:
    case CURSOR_UINT:
    case CURSOR_DOUBLE:
        return cursor_double(&cursor, &number) && number != 0;
    case CURSOR_TEXT:
        return cursor_text(&cursor, &text) && text.size > 0;
    case CURSOR_BYTES:
        return cursor_bytes(&cursor, &text) && text.size > 0;
    case CURSOR_LIST:
        return cursor_list(&cursor, &count) && count > 0;
    case CURSOR_MAP:
        return cursor_map(&cursor, &count) && count > 0;
    case CURSOR_NIL:
    case CURSOR_END:
        break;
    }
    return false;
}

static bool value_is_number(const struct cursor *cursor)
{
    enum cursor_type type = cursor_peek(cursor);

    return type == CURSOR_INT || type == CURSOR_UINT || type == CURSOR_DOUBLE;
}

/* A count of steps; a double is cut to a whole number. Takes a copy of the cursor. */
static bool steps_read(struct cursor cursor, int64_t *out)
{
    double number;

    if (!value_is_number(&cursor))
        return false;
    if (cursor_peek(&cursor) == CURSOR_INT)
        return cursor_int(&cursor, out);
    if (!cursor_double(&cursor, &number) || !(number >= -EXACT_MOST && number <= EXACT_MOST))
        return false;
    *out = (int64_t)number;
    return true;
}

/* A time that would spoil the sums is as good as none. Takes a copy of the cursor. */
static bool time_read(struct cursor cursor, double *out)
{
    double number;

    if (!value_is_number(&cursor) || !cursor_double(&cursor, &number))
        return false;
    if (!(number >= 0 && number <= EXACT_MOST))
        return false;
    *out = number;
    return true;
}

static void said_note(struct said *said, struct span key, const struct cursor *value)
{
    if (span_is(key, "timesteps_this_iter")) {
        said->has_timesteps = steps_read(*value, &said->timesteps);
        return;
    }
    if (span_is(key, "episodes_this_iter")) {
        said->has_episodes = steps_read(*value, &said->episodes);
        return;
    }
    if (key_is_checkpoint(key, value)) {
        struct cursor text = *value;

        said->stripped++;
        (void)cursor_text(&text, &said->checkpoint);
        return;
    }
    if (!key_is_filled(key))
        return;
    said->stripped++;
    if (span_is(key, "done"))
        said->done = value_is_true(*value);
    else if (span_is(key, "time_this_iter_s"))
        said->has_time = time_read(*value, &said->time_s);
}

static bool report_read(struct span report, struct said *said)
{
    struct cursor cursor;
    struct span key;

    cursor_init(&cursor, report);
    if (!cursor_map(&cursor, &said->pairs))
        return false;
    for (uint32_t i = 0; i < said->pairs; i++) {
        if (!cursor_text(&cursor, &key))
            return false;
        said_note(said, key, &cursor);
        if (!cursor_skip(&cursor, NULL))
            return false;
    }
    return cursor.at == cursor.end;
}

/* The report without the keys that are ours, in the order it had. It was read to its end before. */
static struct span report_strip(struct span report, const struct said *said, struct buf *scratch)
{
    struct cursor cursor;
    struct span key, value;
    uint32_t pairs;

    pack_map(scratch, said->pairs - said->stripped);
    cursor_init(&cursor, report);
    if (!cursor_map(&cursor, &pairs))
        return buf_span(scratch);
    for (uint32_t i = 0; i < pairs; i++) {
        const uint8_t *begin = cursor.at;

        struct cursor at;

        if (!cursor_text(&cursor, &key))
            break;
        at = cursor;
        if (!cursor_skip(&cursor, &value))
            break;
        if (!key_is_filled(key) && !key_is_checkpoint(key, &at))
            buf_append(scratch, begin, (size_t)(cursor.at - begin));
    }
    return buf_span(scratch);
}

/* Stays at the end of the range: a program can report what it likes. */
static int64_t add_saturated(int64_t a, int64_t b)
{
    int64_t sum;

    if (__builtin_add_overflow(a, b, &sum))
        return b > 0 ? INT64_MAX : INT64_MIN;
    return sum;
}

static void counters_add(struct autofill *fill, const struct said *said, double time_s)
{
    fill->training_iteration = add_saturated(fill->training_iteration, 1);
    fill->iterations_since_restore = add_saturated(fill->iterations_since_restore, 1);
    fill->time_total_s += time_s;
    fill->time_since_restore += time_s;
    if (said->has_timesteps) {
        fill->has_timesteps = true;
        fill->timesteps_total = add_saturated(fill->timesteps_total, said->timesteps);
        fill->timesteps_since_restore =
            add_saturated(fill->timesteps_since_restore, said->timesteps);
    }
    if (said->has_episodes) {
        fill->has_episodes = true;
        fill->episodes_total = add_saturated(fill->episodes_total, said->episodes);
    }
}

int autofill_report(struct autofill *fill, struct span report, double now_s, int64_t unix_s,
                    struct buf *scratch, struct result *out)
{
    struct said said = {0};
    double time_s;

    buf_reset(scratch);
    if (!report_read(report, &said))
        return ERR_MALFORMED;
    time_s = said.has_time ? said.time_s : now_s > fill->last_s ? now_s - fill->last_s : 0;
    counters_add(fill, &said, time_s);
    fill->last_s = now_s;
    fill->checkpoint = said.checkpoint;
    *out = (struct result){
        .metrics = said.stripped > 0 ? report_strip(report, &said, scratch) : report,
        .done = said.done,
        .training_iteration = fill->training_iteration,
        .has_timesteps = fill->has_timesteps,
        .has_episodes = fill->has_episodes,
        .timesteps_total = fill->timesteps_total,
        .episodes_total = fill->episodes_total,
        .timestamp = unix_s,
        .time_this_iter_s = time_s,
        .time_total_s = fill->time_total_s,
        .time_since_restore = fill->time_since_restore,
        .timesteps_since_restore = fill->timesteps_since_restore,
        .iterations_since_restore = fill->iterations_since_restore,
    };
    return 0;
}
