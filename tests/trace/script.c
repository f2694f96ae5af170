#include "tests/trace/script.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/number.h"
#include "common/pack.h"
#include "common/record.h"
#include "common/value.h"

#define NONE_TEXT "4294967295"

void script_print_none(struct span text, struct buf *out)
{
    const char *at = text.data;
    const char *end = at + text.size;

    while (at < end) {
        if ((size_t)(end - at) >= strlen(NONE_TEXT) && strncmp(at, NONE_TEXT, 10) == 0) {
            buf_append_text(out, "none");
            at += strlen(NONE_TEXT);
        } else {
            buf_append_char(out, *at++);
        }
    }
}

/* aa*3 into aaaaaa, =none into its number. */
static const char *expand(const char *line, struct arena *arena)
{
    struct buf out = {0};
    char *text;

    for (const char *at = line; *at != '\0'; at++) {
        if (isxdigit((unsigned char)at[0]) && isxdigit((unsigned char)at[1]) && at[2] == '*') {
            char *end;
            unsigned long times = strtoul(at + 3, &end, 10);

            for (unsigned long i = 0; i < times; i++)
                buf_append(&out, at, 2);
            at = end - 1;
        } else if (strncmp(at, "=none", 5) == 0) {
            buf_append_text(&out, "=" NONE_TEXT);
            at += 4;
        } else {
            buf_append_char(&out, *at);
        }
    }
    text = arena_strdup(arena, buf_text(&out));
    buf_fini(&out);
    return text;
}

static const char *parse_end(char *words, struct record *record)
{
    char *reason = strtok(words, " ");
    char *status = strtok(NULL, " ");
    char *text = strtok(NULL, "");

    record->kind = RECORD_END;
    if (reason == NULL)
        return "an end needs a reason";
    while (record->end.reason < END_REASON_COUNT &&
           strcmp(end_reason_name(record->end.reason), reason) != 0)
        record->end.reason++;
    if (record->end.reason == END_REASON_COUNT)
        return "no such reason for an end";
    record->end.status = status != NULL ? atoll(status) : 0;
    record->end.text = span_text(text);
    return NULL;
}

static const char *parse_result(char *words, struct arena *arena, struct record *record)
{
    struct value_builder metrics;
    struct buf packed = {0};
    struct value map;

    record->kind = RECORD_RESULT;
    value_builder_map(&metrics, arena);
    for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " ")) {
        char *equals = strchr(word, '=');
        double number;

        if (word[0] == '@') {
            record->result.training_iteration = atoll(word + 1);
            continue;
        }
        if (strcmp(word, "done") == 0) {
            record->result.done = true;
            continue;
        }
        if (equals == NULL || !number_parse(span_text(equals + 1), &number))
            return "a result is metric=number, @iteration and done";
        *equals = '\0';
        value_builder_set(&metrics, arena_strdup(arena, word), value_double(number));
    }
    map = value_builder_done(&metrics);
    value_pack(&map, &packed);
    record->result.metrics = arena_copy(arena, buf_span(&packed));
    buf_fini(&packed);
    return NULL;
}

/* mark 1 @4: the first checkpoint of the attempt, taken at iteration 4. */
static const char *parse_mark(const char *words, struct record *record)
{
    record->kind = RECORD_MARK;
    return sscanf(words, "mark %lu @%ld besides %lu", &record->mark.number,
                  &record->mark.counters.training_iteration, &record->mark.other) >= 2
               ? NULL
               : "mark NUMBER @ITERATION besides NUMBER";
}

/* checkpoint 1 ab 1000: its bytes are there, by the hash abab..ab. */
static const char *parse_checkpoint(const char *words, struct arena *arena, struct record *record)
{
    struct record_checkpoint *checkpoint = &record->checkpoint;
    uint8_t *hash = arena_alloc(arena, LIMIT_HASH_BYTES);
    unsigned byte;

    record->kind = RECORD_CHECKPOINT;
    if (sscanf(words, "checkpoint %lu %2x %lu", &checkpoint->number, &byte, &checkpoint->bytes) !=
        3)
        return "checkpoint NUMBER HEX BYTES";
    memset(hash, (int)byte, LIMIT_HASH_BYTES);
    checkpoint->manifest = span_of(hash, LIMIT_HASH_BYTES);
    return NULL;
}

static const char *parse_records(char *text, struct arena *arena, struct event_report *report)
{
    struct buf records = {0};
    const char *wrong = NULL;
    char *rest;

    for (char *part = strtok_r(text, ";", &rest); part != NULL && wrong == NULL;
         part = strtok_r(NULL, ";", &rest)) {
        struct record record = {0};
        char *words = part + strspn(part, " ");

        if (strncmp(words, "start", 5) == 0) {
            record.kind = RECORD_START;
            record.start.pid = atoll(words + 5);
        } else if (strncmp(words, "mark ", 5) == 0) {
            wrong = parse_mark(words, &record);
        } else if (strncmp(words, "checkpoint ", 11) == 0) {
            wrong = parse_checkpoint(words, arena, &record);
        } else if (strncmp(words, "end ", 4) == 0) {
            wrong = parse_end(words + 4, &record);
        } else {
            wrong = parse_result(words, arena, &record);
        }
        if (wrong == NULL)
            record_pack(&record, &records);
        report->count++;
    }
    report->records = arena_copy(arena, buf_span(&records));
    buf_fini(&records);
    if (wrong == NULL && record_check(report->records, report->count, report->first_seq) < 0)
        wrong = "records that no peer may send";
    return wrong;
}

static const char *parse_report(const char *line, struct arena *arena, struct event *out)
{
    struct event_report *report = &out->report;
    char *text = arena_strdup(arena, line);
    char *colon = strchr(text, ':');

    out->type = EVENT_REPORT;
    memset(report, 0, sizeof(*report));
    if (colon == NULL ||
        sscanf(text, "report %u/%u node=%u attempt=%u seq=%lu", &report->experiment, &report->trial,
               &report->node, &report->attempt, &report->first_seq) != 5)
        return "report E/T node=N attempt=A seq=S : RECORD ; RECORD";
    return parse_records(colon + 1, arena, report);
}

const char *script_event(const char *line, struct arena *arena, struct event *out)
{
    struct schema_error error = {0};

    if (strncmp(line, "report ", 7) == 0)
        return parse_report(line, arena, out);
    if (event_parse(expand(line, arena), arena, out, &error) < 0)
        return arena_printf(arena, "%s: %s", error.field, error.what);
    return NULL;
}
