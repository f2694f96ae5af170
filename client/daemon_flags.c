#include "client/daemon_flags.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "client/process.h"
#include "common/err.h"

#define TEXT_MOST 65536u

/* A word off the front of *at, as far as the next blank, comma or the end. */
static const char *word_take(const char **at, struct arena *arena)
{
    size_t size = strcspn(*at, " ,");
    const char *word = arena_text(arena, span_of(*at, size));

    *at += size;
    if (**at == ',')
        *at += 1;
    return word;
}

/* "  -v, --name ARGUMENT   what it does" */
static struct option_row row_parse(const char *line, struct arena *arena)
{
    struct option_row row = {.kind = OPTION_FLAG, .help = ""};

    for (;;) {
        const char *from;

        line += strspn(line, " ");
        if (*line != '-')
            break;
        from = word_take(&line, arena);
        if (from[1] == '-')
            row.name = from + 2;
        else
            row.letter = from[1];
        if (line[0] == ' ' && line[1] != ' ' && line[1] != '-' && line[1] != '\0') {
            line++;
            row.kind = OPTION_TEXT;
            row.argument = word_take(&line, arena);
        }
        if (line[0] == ' ' && line[1] == ' ')
            break;
    }
    line += strspn(line, " ");
    row.help = arena_strdup(arena, line);
    return row;
}

struct option_table daemon_flags_parse(const char *text, struct arena *arena)
{
    struct option_row *rows = arena_alloc(arena, OPTIONS_MOST * sizeof(*rows));
    struct option_row *last = NULL;
    uint32_t count = 0;

    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        const char *line = arena_text(arena, span_of(text, size));
        size_t blanks = strspn(line, " ");

        if (blanks >= 2 && line[blanks] == '-' && line[blanks + 1] != ' ' && count < OPTIONS_MOST) {
            last = &rows[count++];
            *last = row_parse(line, arena);
        } else if (last != NULL && blanks > 2) {
            last->help = arena_printf(arena, "%s %s", last->help, line + blanks);
        } else {
            last = NULL;
        }
        text += size + (text[size] == '\n');
    }
    return (struct option_table){rows, count};
}

/* All that comes, until the other end is closed. */
static int read_all(int fd, struct buf *out)
{
    while (out->size < TEXT_MOST) {
        char bytes[4096];
        ssize_t size = read(fd, bytes, sizeof(bytes));

        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0)
            return size < 0 ? ERR_IO : 0;
        buf_append(out, bytes, (size_t)size);
    }
    return ERR_TOO_BIG;
}

int daemon_flags_read(const struct command *command, struct arena *arena, struct option_table *out)
{
    const char *verb = command->program_verb;
    char *argv[4] = {arena_strdup(arena, process_program(command->program, arena)), NULL};
    struct process_start start = {.argv = argv, .in = -1, .keep = -1, .mortal = true};
    struct process process;
    struct buf text = {0};
    int status = 0;
    int ends[2];
    int err;

    argv[1] = arena_strdup(arena, verb != NULL ? verb : "--help");
    argv[2] = verb != NULL ? arena_strdup(arena, "--help") : NULL;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return ERR_IO;
    start.out = ends[1];
    err = process_start(&start, &process);
    (void)close(ends[1]);
    if (err == 0) {
        err = read_all(ends[0], &text);
        (void)close(ends[0]); /* what says more than we take is ended by it */
        status = process_reap(&process, true);
    } else {
        (void)close(ends[0]);
    }
    if (err == 0 && status != 0)
        err = ERR_IO;
    if (err == 0)
        *out = daemon_flags_parse(buf_text(&text), arena);
    buf_fini(&text);
    return err;
}
