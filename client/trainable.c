#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client/trainable_inside.h"
#include "common/buf.h"
#include "common/cursor.h"
#include "common/limits.h"
#include "common/pack.h"
#include "common/xalloc.h"

#define FRAME_BYTE  0xC1u
#define FRAME_HEAD  5u
#define FRAME_MOST  (4u << 20) /* of the executor's: the configuration */
#define FLUSH_BYTES 32768u
#define FLUSH_NS    2000000
#define READ_BYTES  4096u

static int64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* An executor that is gone ends this process, too: until then nothing is to be done. */
void assay_inside_flush(struct assay_trial *trial)
{
    size_t at = 0;

    while (at < trial->out.size) {
        ssize_t wrote =
            send(trial->report, trial->out.data + at, trial->out.size - at, MSG_NOSIGNAL);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0) {
            trial->stopped = true;
            break;
        }
        at += (size_t)wrote;
    }
    buf_reset(&trial->out);
    trial->flushed_ns = now_ns();
}

/* A frame's place in out; the list is packed behind it, then it is ended. */
size_t assay_inside_begin(struct assay_trial *trial, uint32_t items, const char *kind)
{
    static const uint8_t head[FRAME_HEAD] = {FRAME_BYTE};
    size_t at = trial->out.size;

    buf_append(&trial->out, head, sizeof(head));
    pack_list(&trial->out, items);
    pack_text(&trial->out, kind);
    return at;
}

void assay_inside_end(struct assay_trial *trial, size_t at)
{
    size_t size = trial->out.size - at - FRAME_HEAD;

    for (unsigned i = 0; i < 4; i++)
        trial->out.data[at + 1 + i] = (uint8_t)(size >> (8 * i));
}

static void frame_take(struct assay_trial *trial, struct span frame)
{
    struct cursor cursor;
    struct span kind, item;
    uint32_t count;
    int64_t go;

    cursor_init(&cursor, frame);
    if (!cursor_list(&cursor, &count) || count < 1 || !cursor_text(&cursor, &kind))
        return;
    if (span_is(kind, "stop")) {
        trial->stopped = true;
    } else if (span_is(kind, "save")) {
        trial->save_asked = true;
    } else if (span_is(kind, "pause")) {
        trial->save_asked = trial->pause_asked = true;
    } else if (span_is(kind, "go") && cursor_int(&cursor, &go)) {
        trial->go = go;
    } else if (span_is(kind, "config") && cursor_skip(&cursor, &item)) {
        buf_reset(&trial->config);
        buf_append_span(&trial->config, item);
        if (cursor_text(&cursor, &item)) {
            buf_reset(&trial->json);
            buf_append_span(&trial->json, item);
        }
    }
}

static void frames_take(struct assay_trial *trial)
{
    size_t at = 0;

    while (trial->in.size - at >= FRAME_HEAD) {
        const uint8_t *head = trial->in.data + at;
        size_t size =
            (size_t)head[1] | (size_t)head[2] << 8 | (size_t)head[3] << 16 | (size_t)head[4] << 24;

        if (head[0] != FRAME_BYTE || size > FRAME_MOST) {
            trial->stopped = true; /* no executor of ours */
            return;
        }
        if (trial->in.size - at - FRAME_HEAD < size)
            break;
        frame_take(trial, span_of(head + FRAME_HEAD, size));
        at += FRAME_HEAD + size;
    }
    buf_consume(&trial->in, at);
}

static void receive(struct assay_trial *trial, int flags)
{
    ssize_t got;

    do {
        got = recv(trial->report, buf_reserve(&trial->in, READ_BYTES), READ_BYTES, flags);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        trial->stopped = true;
        return;
    }
    trial->in.size += (size_t)got;
    frames_take(trial);
}

/* A table that is to be paused ends here, and is saved behind its loop. */
bool assay_inside_is_over(const struct assay_trial *trial)
{
    return trial->stopped || (trial->pause_asked && trial->by_itself);
}

/* Behind each report: may another one follow? */
static int report_done(struct assay_trial *trial)
{
    trial->reports++;
    if (trial->go <= trial->reports) {
        assay_inside_flush(trial);
        while (!trial->stopped && !trial->pause_asked && trial->go <= trial->reports)
            receive(trial, 0);
    } else if (trial->out.size >= FLUSH_BYTES || now_ns() - trial->flushed_ns >= FLUSH_NS) {
        assay_inside_flush(trial);
        receive(trial, MSG_DONTWAIT);
    }
    return assay_inside_is_over(trial) ? 1 : 0;
}

int assay_report(struct assay_trial *trial, const char *const *names, const double *values,
                 size_t count)
{
    size_t at;

    if (trial->stopped)
        return 1;
    if (trial->report < 0) {
        (void)fputs("assay:", stdout);
        for (size_t i = 0; i < count; i++)
            (void)printf(" %s=%.17g", names[i], values[i]);
        (void)putchar('\n');
        return 0;
    }
    at = assay_inside_begin(trial, 2, "report");
    pack_map(&trial->out, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        pack_text(&trial->out, names[i]);
        pack_double(&trial->out, values[i]);
    }
    assay_inside_end(trial, at);
    return report_done(trial);
}

int assay_report_number(struct assay_trial *trial, const char *name, double value)
{
    return assay_report(trial, &name, &value, 1);
}

int assay_report_json(struct assay_trial *trial, const char *json)
{
    size_t at;

    if (trial->stopped)
        return 1;
    if (trial->report < 0) {
        (void)printf("assay: %s\n", json);
        return 0;
    }
    at = assay_inside_begin(trial, 2, "report_json");
    pack_text(&trial->out, json);
    assay_inside_end(trial, at);
    return report_done(trial);
}

/* As much as will be shown, and valid UTF-8: a reason that cannot be read would be the wrong one.
 */
static void reason_copy(const char *why, struct buf *out)
{
    buf_append(out, why, strnlen(why, LIMIT_END_TEXT));
    if (cursor_text_is_utf8(buf_span(out)))
        return;
    for (size_t i = 0; i < out->size; i++)
        if (out->data[i] >= 0x80)
            out->data[i] = '?';
}

void assay_fail(struct assay_trial *trial, const char *why)
{
    struct buf text = {0};
    size_t at;

    trial->failed = true;
    if (trial->report < 0) {
        (void)fprintf(stderr, "assay: %s\n", why);
        return;
    }
    reason_copy(why, &text);
    at = assay_inside_begin(trial, 2, "error");
    pack_string(&trial->out, buf_span(&text));
    buf_fini(&text);
    assay_inside_end(trial, at);
    assay_inside_flush(trial);
}

/* The value of a key of a map, or an item of a list by its number. */
static bool step_into(struct cursor *cursor, struct span name)
{
    struct span key;
    uint32_t count;
    char *end;
    char text[24];
    unsigned long index;

    if (cursor_peek(cursor) == CURSOR_MAP && cursor_map(cursor, &count)) {
        for (uint32_t i = 0; i < count; i++) {
            if (!cursor_text(cursor, &key))
                return false;
            if (span_equal(key, name))
                return true;
            if (!cursor_skip(cursor, NULL))
                return false;
        }
        return false;
    }
    if (cursor_peek(cursor) != CURSOR_LIST || !cursor_list(cursor, &count) ||
        name.size >= sizeof(text) || name.size == 0)
        return false;
    *(char *)mempcpy(text, name.data, name.size) = '\0';
    index = strtoul(text, &end, 10);
    if (*end != '\0' || text[0] < '0' || text[0] > '9' || index >= count)
        return false;
    for (unsigned long i = 0; i < index; i++)
        if (!cursor_skip(cursor, NULL))
            return false;
    return true;
}

/* Stands before the value at path; false where there is none. A name that has dots itself is found
 * first. */
static bool config_find(const struct assay_trial *trial, const char *path, struct cursor *out)
{
    struct cursor cursor;

    cursor_init(&cursor, buf_span(&trial->config));
    for (;;) {
        struct cursor whole = cursor;
        const char *dot = strchr(path, '.');

        if (step_into(&whole, span_text(path))) {
            *out = whole;
            return true;
        }
        if (dot == NULL || !step_into(&cursor, span_of(path, (size_t)(dot - path))))
            return false;
        path = dot + 1;
    }
}

double assay_config_number(struct assay_trial *trial, const char *path, double missing)
{
    struct cursor cursor;
    double number;
    bool yes;

    if (!config_find(trial, path, &cursor))
        return missing;
    if (cursor_peek(&cursor) == CURSOR_BOOL)
        return cursor_bool(&cursor, &yes) && yes ? 1 : 0;
    return cursor_double(&cursor, &number) ? number : missing;
}

int64_t assay_config_int(struct assay_trial *trial, const char *path, int64_t missing)
{
    struct cursor cursor;
    int64_t whole;
    double number;
    bool yes;

    if (!config_find(trial, path, &cursor))
        return missing;
    if (cursor_peek(&cursor) == CURSOR_INT)
        return cursor_int(&cursor, &whole) ? whole : missing;
    if (cursor_peek(&cursor) == CURSOR_BOOL)
        return cursor_bool(&cursor, &yes) && yes ? 1 : 0;
    if (!cursor_double(&cursor, &number))
        return missing;
    return number > -9e18 && number < 9e18 ? (int64_t)number : missing;
}

int assay_config_bool(struct assay_trial *trial, const char *path, int missing)
{
    return assay_config_number(trial, path, missing ? 1 : 0) != 0;
}

const char *assay_config_text(struct assay_trial *trial, const char *path, const char *missing)
{
    struct cursor cursor;
    struct span value;
    struct text *text;

    if (!config_find(trial, path, &cursor) || cursor_peek(&cursor) != CURSOR_TEXT ||
        !cursor_text(&cursor, &value))
        return missing;
    for (text = trial->texts; text != NULL; text = text->next)
        if (span_is(value, text->bytes))
            return text->bytes;
    text = xmalloc(sizeof(*text) + value.size + 1);
    *(char *)mempcpy(text->bytes, value.data, value.size) = '\0';
    text->next = trial->texts;
    trial->texts = text;
    return text->bytes;
}

const char *assay_config_json(struct assay_trial *trial)
{
    return trial->json.size > 0 ? buf_text(&trial->json) : "{}";
}

const char *assay_inside_variable(const char *name, const char *missing)
{
    const char *value = getenv(name);

    return value != NULL ? value : missing;
}

const char *assay_trial_id(const struct assay_trial *trial)
{
    (void)trial; /* one a process */
    return assay_inside_variable("ASSAY_TRIAL_ID", "");
}

const char *assay_trial_name(const struct assay_trial *trial)
{
    (void)trial;
    return assay_inside_variable("ASSAY_TRIAL_NAME", "");
}

const char *assay_trial_dir(const struct assay_trial *trial)
{
    (void)trial;
    return assay_inside_variable("ASSAY_TRIAL_DIR", ".");
}

uint64_t assay_trial_seed(const struct assay_trial *trial)
{
    (void)trial;
    return strtoull(assay_inside_variable("ASSAY_SEED", "0"), NULL, 10);
}

/* Nothing was given: ask for the configuration, and for how far the trial may go. */
static void hello(struct assay_trial *trial)
{
    assay_inside_end(trial, assay_inside_begin(trial, 1, "hello"));
    assay_inside_flush(trial);
    while (!trial->stopped && (trial->go < 0 || trial->config.size == 0))
        receive(trial, 0);
}

int assay_trainable_run(const struct assay_trainable *table,
                        int (*function)(struct assay_trial *trial), const void *config,
                        size_t config_size, const char *json, int report, long long go)
{
    struct assay_trial trial = {.report = report, .go = go, .saved_at = -1};
    int status;

    buf_append(&trial.config, config, config_size);
    buf_append_text(&trial.json, json != NULL ? json : "");
    trial.flushed_ns = now_ns();
    trial.iteration = strtoll(assay_inside_variable("ASSAY_RESTORE_ITERATION", "0"), NULL, 10);
    if (report >= 0 && go < 0)
        hello(&trial);
    status = table != NULL ? assay_inside_table(table, &trial) : function(&trial);
    if (trial.failed && status == 0)
        status = 1;
    if (report >= 0) {
        if (status == 0)
            assay_inside_end(&trial, assay_inside_begin(&trial, 1, "end"));
        assay_inside_flush(&trial);
    }
    while (trial.texts != NULL) {
        struct text *next = trial.texts->next;

        free(trial.texts);
        trial.texts = next;
    }
    buf_fini(&trial.out);
    buf_fini(&trial.in);
    buf_fini(&trial.config);
    buf_fini(&trial.json);
    buf_fini(&trial.folder);
    return status == 0 || (status & 0xff) != 0 ? status & 0xff : 1;
}

int assay_trainable_main(const struct assay_trainable *table,
                         int (*function)(struct assay_trial *trial))
{
    const char *text = getenv("ASSAY_REPORT_FD");

    return assay_trainable_run(table, function, NULL, 0, NULL, text != NULL ? atoi(text) : -1, -1);
}
