/* test_trace [--update] FILE - golden text of the core.
 *
 * A trace file is a list of inputs with what the core answers to each behind it. Lines of a file:
 *   # ...             for the reader
 *   @1000             the time of the turns from here on, unix ms
 *   hide node trial   leave out effects of these names from here on; `show` brings them back
 *   > ...             what the core answers: compared, or with --update written
 *   explain 1/0       asks why a trial is where it is;  status 1: the scheduler's lines
 *   recalled          which ended trials the core asks the rows of, once around
 *   anything else     an event (script.h): a turn of its own, or with an & at its end the turn goes
 *                     on with the next one
 *
 * After every event the invariants are checked and the core is replaced by one that was loaded from
 * its image. At the end the recorded turns are replayed. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "head/core/core.h"
#include "tests/trace/script.h"

#define LINE_BYTES 65536

/* A turn as it would stand in the log. */
struct entry {
    uint64_t now_ms;
    struct buf events;
    struct buf tape;
};

struct run {
    const char *file;
    unsigned line;
    struct core *core;  /* owned */
    struct arena arena; /* of a turn */
    struct effects effects;
    struct tape tape;
    uint64_t now_ms;
    struct entry *entries; /* owned */
    size_t entry_count;
    bool in_turn;
    char hidden[1024];
    struct buf out; /* the file as it should be */
};

static void fail(const struct run *run, const char *what, const char *more)
{
    fprintf(stderr, "%s:%u: %s: %s\n", run->file, run->line, what, more);
    exit(1);
}

/* The same state once more, out of its image. */
static void reload(struct run *run)
{
    struct core *copy = core_new();
    struct buf image = {0};
    struct buf again = {0};

    core_save(run->core, &image);
    if (core_load(copy, buf_span(&image)) < 0)
        fail(run, "image", core_check(copy) != NULL ? core_check(copy) : "cannot be loaded");
    core_save(copy, &again);
    if (!span_equal(buf_span(&image), buf_span(&again)))
        fail(run, "image", "a loaded core saves another one");
    core_free(run->core);
    run->core = copy;
    buf_fini(&image);
    buf_fini(&again);
}

static void check(struct run *run)
{
    const char *finding = core_check(run->core);

    if (finding != NULL)
        fail(run, "invariant", finding);
}

static bool is_hidden(const struct run *run, const struct effect *effect)
{
    char word[64];

    (void)snprintf(word, sizeof(word), " %s ", effect_schema(effect->type)->name);
    return strstr(run->hidden, word) != NULL;
}

static void print_answer(struct run *run, struct span text)
{
    buf_append_text(&run->out, "> ");
    script_print_none(text, &run->out);
    buf_append_char(&run->out, '\n');
}

static void print_effects(struct run *run)
{
    struct buf line = {0};

    for (size_t i = 0; i < run->effects.count; i++) {
        if (is_hidden(run, &run->effects.items[i]))
            continue;
        buf_reset(&line);
        effect_print(&run->effects.items[i], &line);
        print_answer(run, buf_span(&line));
    }
    effects_reset(&run->effects);
    buf_fini(&line);
}

static void turn_begin(struct run *run)
{
    struct entry *entry;

    if (run->in_turn)
        return;
    run->in_turn = true;
    run->entries = xrealloc(run->entries, run->entry_count + 1, sizeof(*run->entries));
    entry = &run->entries[run->entry_count++];
    *entry = (struct entry){.now_ms = run->now_ms};
    tape_record(&run->tape);
}

static void turn_end(struct run *run)
{
    core_place(run->core, run->now_ms, &run->tape, &run->effects);
    buf_append_span(&run->entries[run->entry_count - 1].tape, buf_span(&run->tape.written));
    check(run);
    reload(run);
    print_effects(run);
    arena_reset(&run->arena);
    run->in_turn = false;
}

static void run_event(struct run *run, char *line)
{
    size_t size = strlen(line);
    bool last = size < 2 || strcmp(line + size - 2, " &") != 0;
    struct event event = {.now_ms = run->now_ms, .origin = run->line};
    const char *wrong;

    if (!last)
        line[size - 2] = '\0';
    wrong = script_event(line, &run->arena, &event);
    if (wrong != NULL)
        fail(run, line, wrong);
    event.origin = 0;
    turn_begin(run);
    if (core_step(run->core, &event, &run->tape, &run->effects) == CORE_REFUSED)
        print_answer(run, span_text("refused"));
    else
        event_pack(&event, &run->entries[run->entry_count - 1].events);
    check(run);
    reload(run);
    print_effects(run);
    if (last)
        turn_end(run);
}

static void print_lines(struct run *run, struct buf *text)
{
    char *rest;

    for (char *line = strtok_r((char *)(uintptr_t)buf_text(text), "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest))
        print_answer(run, span_text(line));
    buf_fini(text);
}

static void print_recalled(struct core *core, struct buf *out)
{
    unsigned experiment, trial;

    while (core_recall(core, &experiment, &trial))
        buf_printf(out, "%u/%u\n", experiment, trial);
    if (out->size == 0)
        buf_append_text(out, "none\n");
}

static bool run_question(struct run *run, const char *line)
{
    struct buf text = {0};
    unsigned experiment, trial;

    if (sscanf(line, "explain %u/%u", &experiment, &trial) == 2) {
        if (!core_explain(run->core, experiment, trial, &text))
            fail(run, "explain", "no such trial");
    } else if (sscanf(line, "status %u", &experiment) == 1) {
        if (!core_status_text(run->core, experiment, &text))
            fail(run, "status", "no such experiment");
    } else if (strcmp(line, "recalled") == 0) {
        print_recalled(run->core, &text);
    } else {
        return false;
    }
    print_lines(run, &text);
    return true;
}

static void run_line(struct run *run, char *line)
{
    if (line[0] == '>')
        return;
    buf_append_text(&run->out, line);
    buf_append_char(&run->out, '\n');
    if (line[0] == '#' || line[0] == '\0')
        return;
    if (line[0] == '@')
        run->now_ms = strtoull(line + 1, NULL, 10);
    else if (strncmp(line, "hide ", 5) == 0)
        (void)snprintf(run->hidden, sizeof(run->hidden), " %s ", line + 5);
    else if (strcmp(line, "show") == 0)
        run->hidden[0] = '\0';
    else if (!run_question(run, line))
        run_event(run, line);
}

static void replay(struct run *run)
{
    struct core *core = core_new();

    for (size_t i = 0; i < run->entry_count; i++) {
        struct entry *entry = &run->entries[i];
        struct cursor cursor;

        cursor_init(&cursor, buf_span(&entry->events));
        tape_replay(&run->tape, buf_span(&entry->tape));
        while (cursor.at < cursor.end) {
            struct event event = {.now_ms = entry->now_ms};

            if (event_unpack(&cursor, &run->arena, &event) < 0)
                fail(run, "replay", "an event cannot be read back");
            if (core_step(core, &event, &run->tape, &run->effects) != CORE_ADMITTED)
                fail(run, "replay", "an event is refused");
        }
        core_place(core, entry->now_ms, &run->tape, &run->effects);
        if (!tape_ended_well(&run->tape))
            fail(run, "replay", run->tape.diverged ? run->tape.what : "the tape is not at its end");
        effects_reset(&run->effects);
        arena_reset(&run->arena);
        buf_fini(&entry->events);
        buf_fini(&entry->tape);
    }
    if (core_digest(core) != core_digest(run->core))
        fail(run, "replay", "another state than the live one");
    core_free(core);
}

static char *next_line(char **at)
{
    char *line = *at;
    char *end = strchr(line, '\n');

    if (*line == '\0')
        return NULL;
    *at = end != NULL ? end + 1 : line + strlen(line);
    if (end != NULL)
        *end = '\0';
    return line;
}

/* What differs, without the lines that are the same before and behind it. */
static int compare(const struct run *run, char *want, char *got)
{
    unsigned number = 0;
    char *left, *right;
    int shown = 0;

    do {
        left = next_line(&want);
        right = next_line(&got);
        number++;
        if (left != NULL && right != NULL && strcmp(left, right) == 0)
            continue;
        if (left != NULL || right != NULL)
            fprintf(stderr, "%s:%u:\n- %s\n+ %s\n", run->file, number, left != NULL ? left : "",
                    right != NULL ? right : "");
        shown++;
    } while ((left != NULL || right != NULL) && shown < 20);
    return 1;
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    struct buf text = {0};
    size_t size;
    char *copy;

    if (file == NULL) {
        perror(path);
        exit(1);
    }
    do {
        size = fread(buf_reserve(&text, LINE_BYTES), 1, LINE_BYTES, file);
        text.size += size;
    } while (size > 0);
    (void)fclose(file);
    copy = xstrdup(buf_text(&text));
    buf_fini(&text);
    return copy;
}

static int write_file(const char *path, const struct buf *text)
{
    FILE *file = fopen(path, "w");

    if (file == NULL || fwrite(text->data, 1, text->size, file) != text->size ||
        fclose(file) != 0) {
        perror(path);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    bool update = argc == 3 && strcmp(argv[1], "--update") == 0;
    struct run run = {.file = argv[argc - 1], .core = core_new(), .now_ms = 1};
    char *want, *copy, *at, *line;
    int status = 0;

    if (argc != 2 && !update) {
        fprintf(stderr, "usage: test_trace [--update] FILE.trace\n");
        return 2;
    }
    effects_init(&run.effects, &run.arena);
    tape_init(&run.tape);
    want = read_file(run.file);
    copy = at = xstrdup(want);
    while ((line = next_line(&at)) != NULL) {
        run.line++;
        run_line(&run, line);
    }
    replay(&run);
    if (update)
        status = write_file(run.file, &run.out);
    else if (strcmp(want, buf_text(&run.out)) != 0)
        status = compare(&run, want, (char *)(uintptr_t)buf_text(&run.out));
    core_free(run.core);
    effects_fini(&run.effects);
    tape_fini(&run.tape);
    arena_fini(&run.arena);
    buf_fini(&run.out);
    free(run.entries);
    free(want);
    free(copy);
    return status;
}
