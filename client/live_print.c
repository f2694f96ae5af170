#include "client/live_print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "client/out.h"
#include "client/result_block.h"
#include "client/rows.h"
#include "client/status_block.h"
#include "client/tame.h"
#include "common/xalloc.h"

#define RESULT_MS 5000u /* between two results of a trial */

struct shown {
    uint64_t printed_ms; /* 0: never */
    uint64_t results;
    bool final;
};

struct live_print {
    bool json;
    bool redraw;
    uint32_t lines;      /* of the block that is on the terminal */
    struct shown *shown; /* by trial; owned */
    uint32_t room;
    struct arena arena;
};

struct live_print *live_print_new(bool json, bool redraw)
{
    struct live_print *print = xcalloc(1, sizeof(*print));

    print->json = json;
    print->redraw = redraw;
    return print;
}

void live_print_free(struct live_print *print)
{
    if (print == NULL)
        return;
    free(print->shown);
    arena_fini(&print->arena);
    free(print);
}

static void print_event(struct live_print *print, const char *event, const char *key,
                        struct value value)
{
    struct value_builder map;
    struct value whole;

    value_builder_map(&map, &print->arena);
    value_builder_set(&map, "event", value_text(&print->arena, event));
    if (key != NULL)
        value_builder_set(&map, key, value);
    for (uint32_t i = 0; key == NULL && i < value.count; i++)
        value_builder_set(&map, value.members[i].key, value.members[i].value);
    whole = value_builder_done(&map);
    out_json(&whole, true, &print->arena);
}

/* Over the old block; lines are cut at the terminal's edge, else the count of them is wrong. */
static void draw(struct live_print *print, struct span text)
{
    struct winsize size;
    const char *at = text.data;
    const char *end = at + text.size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
        size = (struct winsize){.ws_row = 24, .ws_col = 80};
    if (print->lines > 0)
        (void)printf("\033[%uA\033[J", print->lines);
    print->lines = 0;
    while (at < end && print->lines + 1 < size.ws_row) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t width = (size_t)((stop != NULL ? stop : end) - at);

        /* A tab may take eight columns. */
        if (memchr(at, '\t', width) != NULL && width + 8 > size.ws_col)
            width = size.ws_col > 8 ? size.ws_col - 8u : 0;
        out_write(span_of(at, width < size.ws_col ? width : size.ws_col));
        out_write(span_text("\n"));
        print->lines++;
        if (stop == NULL)
            break;
        at = stop + 1;
    }
    out_push();
}

void live_print_status(struct live_print *print, const struct msg_status_reply *status)
{
    struct buf text = {0};

    if (print->json) {
        print_event(print, "status", NULL, rows_status(status, &print->arena));
    } else {
        status_block(status, &print->arena, &text);
        if (print->redraw) {
            tame(&text, true);
            draw(print, buf_span(&text));
            buf_fini(&text);
        } else {
            out_text(&text);
            out_push();
        }
    }
    arena_reset(&print->arena);
}

static struct shown *shown_of(struct live_print *print, uint32_t trial)
{
    uint32_t room = print->room;

    if (trial >= room) {
        room = trial + trial / 2 + 64;
        print->shown = xrealloc(print->shown, room, sizeof(*print->shown));
        memset(print->shown + print->room, 0, (room - print->room) * sizeof(*print->shown));
        print->room = room;
    }
    return &print->shown[trial];
}

static bool is_final(const struct msg_trial_row *row)
{
    return span_is(row->state, "TERMINATED") || span_is(row->state, "ERROR");
}

void live_print_row(struct live_print *print, const struct msg_trial_row *row, uint64_t now_ms)
{
    struct shown *shown = shown_of(print, row->trial);
    bool final = is_final(row);
    struct buf text = {0};

    if (row->last.size == 0 || shown->final)
        return;
    if (!final && (row->results == shown->results ||
                   (shown->printed_ms != 0 && now_ms < shown->printed_ms + RESULT_MS)))
        return;
    *shown = (struct shown){.printed_ms = now_ms, .results = row->results, .final = final};
    if (print->json) {
        print_event(print, "result", "trial", rows_trial(row, &print->arena));
    } else {
        result_block(row, &print->arena, &text);
        out_text(&text);
        out_push();
    }
    arena_reset(&print->arena);
}

void live_print_stopping(struct live_print *print)
{
    if (print->json)
        return;
    (void)printf("Stopping: trials are ended and what they reported is kept. Ctrl-C again kills "
                 "everything at once.\n");
    out_push();
}
