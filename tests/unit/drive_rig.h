/* drive_rig.h - a drive and its caller, for unit tests. JSON is written with ' for ". */
#ifndef TESTS_DRIVE_RIG_H
#define TESTS_DRIVE_RIG_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/drive.h"
#include "common/json.h"

#define DRIVE_NOW_MS UINT64_C(1700000000000)

static struct arena drive_arena;
static struct buf drive_said;

static inline char *drive_quoted(const char *json)
{
    char *copy = arena_strdup(&drive_arena, json);

    for (char *at = copy; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    return copy;
}

/* more: keys of the experiment behind the ones that every one has. */
static inline struct drive *drive_made(const char *more)
{
    const char *json = drive_quoted(arena_printf(
        &drive_arena, "{'name': 'e', 'run': {'command': 'x'}, 'metric': 'r', 'mode': 'max'%s}",
        more));
    struct spec_error error = {0};
    struct json_error wrong;
    struct value value;
    struct drive *drive;

    ck_assert_msg(json_read(span_text(json), &drive_arena, &value, &wrong) == 0, "%s: %s", json,
                  wrong.what);
    drive = drive_new(&value, DRIVE_NOW_MS, &error);
    ck_assert_msg(drive != NULL, "%s: %s: %s", json, error.path, error.what);
    return drive;
}

/* What a line is answered with, without its newline, with ' for ". Good until the next. */
static inline const char *drive_says(struct drive *drive, const char *line)
{
    const char *finding;

    buf_reset(&drive_said);
    drive_line(drive, span_text(drive_quoted(line)), DRIVE_NOW_MS, &drive_said);
    finding = drive_check(drive);
    ck_assert_msg(finding == NULL, "%s: %s", line, finding);
    ck_assert(drive_said.size > 0 && drive_said.data[drive_said.size - 1] == '\n');
    drive_said.size--;
    ck_assert_ptr_null(memchr(drive_said.data, '\n', drive_said.size));
    for (size_t i = 0; i < drive_said.size; i++)
        if (drive_said.data[i] == '"')
            drive_said.data[i] = '\'';
    return buf_text(&drive_said);
}

#define ck_says(drive, line, answer) ck_assert_str_eq(drive_says(drive, line), answer)

/* {'op':'result'} of one number. */
static inline const char *drive_result_of(struct drive *drive, const char *trial, int time,
                                          const char *reward)
{
    return drive_says(drive, arena_printf(&drive_arena,
                                          "{'op':'result','trial':'%s','result':{"
                                          "'training_iteration':%d,'r':%s}}",
                                          trial, time, reward));
}

static inline void drive_rig_fini(void)
{
    arena_fini(&drive_arena);
    buf_fini(&drive_said);
}

#endif
