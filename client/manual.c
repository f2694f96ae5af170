/* manual.c - the program assay-manual: writes the manual's pages, one for the tool and one for each
 * verb, from the tables that help and completion are made of; those of head, worker and replay from
 * what these programs print themselves. The build runs it; users read what comes out. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/daemon_flags.h"
#include "client/exits.h"

struct page {
    const struct command *command; /* NULL: the tool's own page */
    FILE *out;
    struct arena *arena;
};

static const struct {
    int status;
    const char *text;
} exits[] = {
    {EXIT_DONE, "Done as asked."},
    {EXIT_TRIALS_FAILED, "The experiment ended with failed trials, or a trial's program failed."},
    {EXIT_USAGE, "Wrong usage, or a bad file: the message says where."},
    {EXIT_NO_HEAD, "No head is there."},
    {EXIT_DENIED, "Not allowed."},
    {EXIT_TIMED_OUT, "Timed out."},
    {EXIT_REFUSED, "Refused by the head: a limit, a conflict, no such thing."},
    {EXIT_STOP, "The trial is to end now."},
    {EXIT_OURS, "Our own fault, or this machine's."},
};

static const char *const environment[][2] = {
    {"ASSAY_HOME", "The folder of keys, known heads, the data of heads and workers, and private "
                   "runs; ~/.assay where it is not set."},
    {"ASSAY_ADDRESS", "The head to talk to, where --address does not say; assay run does not look "
                      "at it. Without both it is the head that this user last started here."},
    {"ASSAY_REDIS_PASSWORD_FILE", "The file of the password for the Redis that an address names."},
    {"ASSAY_TOKEN_FILE", "The file of a token to join with, once, where --token-file does not "
                         "say."},
    {"NO_COLOR", "If it is set and not empty, nothing is coloured or drawn anew, on a terminal "
                 "neither."},
};

static const char *const files[][2] = {
    {"~/.assay/keys", "This user's key, made on first use."},
    {"~/.assay/known_heads", "The keys of the heads that were joined."},
    {"~/.assay/heads/NAME", "A head's keys, its Redis and its code store."},
    {"~/.assay/workers/NAME", "A worker's key and its trials' folders."},
    {"~/.assay/runs/ID", "What the private heads of assay run decided, the newest 20."},
    {"~/assay_results", "Results, where an experiment does not name another local_dir: a folder "
                        "an experiment, and in it a folder a trial."},
};

/* ---- mdoc ---- */

/* A text as roff shows it; line: whether it begins one. */
static void put(struct page *page, const char *text, bool line)
{
    if (line && (*text == '.' || *text == '\''))
        (void)fputs("\\&", page->out);
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            (void)fputs("\\e", page->out);
        else if (*text == '-')
            (void)fputs("\\-", page->out);
        else if (*text == '`')
            (void)fputs("\\(ga", page->out);
        else if (*text == '~')
            (void)fputs("\\(ti", page->out);
        else if (*text == '^')
            (void)fputs("\\(ha", page->out);
        else if (*text == '"')
            (void)fputs("\\(dq", page->out);
        else
            (void)fputc(*text, page->out);
    }
}

/* Sentences begin lines: roff then sets the space between them. */
static void put_text(struct page *page, const char *text)
{
    while (*text != '\0') {
        size_t size = 0;

        while (text[size] != '\0' && text[size] != '\n' &&
               !(strchr(".:;!?", text[size]) != NULL && text[size + 1] == ' '))
            size++;
        if (text[size] != '\0' && text[size] != '\n')
            size++;
        put(page, arena_text(page->arena, span_of(text, size)), true);
        (void)fputc('\n', page->out);
        text += size;
        if (strncmp(text, "\n\n", 2) == 0)
            (void)fputs(".Pp\n", page->out);
        text += strspn(text, " \n");
    }
}

/* An argument of a macro: whatever it looks like, it is no macro, and one word. */
static void put_word(struct page *page, const char *text)
{
    (void)fputs(" \"\\&", page->out);
    put(page, text, false);
    (void)fputc('"', page->out);
}

static void section(struct page *page, const char *title)
{
    (void)fprintf(page->out, ".Sh %s\n", title);
}

/* ---- sections ---- */

static const char *full_name(const struct page *page, char between)
{
    return page->command == NULL
               ? "assay"
               : arena_printf(page->arena, "assay%c%s", between, page->command->name);
}

static void head(struct page *page)
{
    char *title = arena_strdup(page->arena, full_name(page, '-'));
    const char *help =
        page->command != NULL ? page->command->help : "Hyperparameter experiments on a cluster";

    for (char *at = title; *at != '\0'; at++)
        if (*at >= 'a' && *at <= 'z')
            *at = (char)(*at - 'a' + 'A');
    (void)fprintf(page->out, ".Dd %s\n.Dt %s 1\n.Os Assay %s\n", ASSAY_DATE, title, ASSAY_VERSION);
    section(page, "NAME");
    (void)fprintf(page->out, ".Nm %s\n.Nd", full_name(page, '-'));
    put_word(page, help);
    (void)fputc('\n', page->out);
}

static void synopsis(struct page *page)
{
    const struct command *command = page->command;

    section(page, "SYNOPSIS");
    if (command == NULL) {
        (void)fputs(".Nm assay\n.Ar command\n.Op Ar options\n.Op Ar operands\n"
                    ".Nm assay\n.Cm help\n.Op Ar command\n.Nm assay\n.Fl -version\n",
                    page->out);
        return;
    }
    (void)fprintf(page->out, ".Nm \"assay %s\"\n.Op Ar options\n", command->name);
    if (command->operands[0] != '\0') {
        (void)fputs(".Ar", page->out);
        put_word(page, command->operands);
        (void)fputc('\n', page->out);
    }
    if (command->takes & TAKES_PROGRAM)
        (void)fprintf(page->out, ".Nm \"assay %s\"\n.Op Ar options\n.No \\-\\-\n.Ar COMMAND ...\n",
                      command->name);
}

static void describe_tool(struct page *page)
{
    size_t count;
    const struct command *const *commands = commands_all(&count);

    put_text(page,
             "Assay runs hyperparameter experiments, on one machine or on a cluster. It chooses "
             "configurations, runs the trials side by side, stops the bad ones early, and keeps "
             "every result. Trials are programs in any language.\n\n"
             "The commands, each with a page of its own:");
    (void)fputs(".Bl -tag -width Ds\n", page->out);
    for (size_t i = 0; i < count; i++) {
        if (commands[i]->hidden)
            continue;
        (void)fprintf(page->out, ".It Xr assay-%s 1\n", commands[i]->name);
        put_text(page, arena_printf(page->arena, "%s.", commands[i]->help));
    }
    (void)fputs(".El\n.Pp\n", page->out);
    put_text(page,
             "An experiment is named by its number, by the beginning of its name, as last, or by "
             "the path of its folder. A trial is EXPERIMENT/NUMBER, or the beginning of its id; "
             "3/1,4-8 names some trials of experiment 3. Durations are written as 90s, 10m or "
             "1h30m, sizes as 512M or 2G.\n\n"
             "With no head there, the commands that only read go to the files of this user's last "
             "run. Every error is two lines on standard error: what is wrong and why, and what to "
             "try. With --json a command prints for programs.");
}

static void description(struct page *page)
{
    section(page, "DESCRIPTION");
    if (page->command == NULL) {
        describe_tool(page);
        return;
    }
    put_text(page, arena_printf(page->arena, "%s.", page->command->help));
    if (page->command->about == NULL)
        return;
    (void)fputs(".Pp\n", page->out);
    put_text(page, page->command->about);
}

/* What a table says in a few words. */
static const char *sentence(const char *help, struct arena *arena)
{
    char *text = arena_strdup(arena, arena_printf(arena, "%s.", help));

    if (text[0] >= 'a' && text[0] <= 'z')
        text[0] = (char)(text[0] - 'a' + 'A');
    return text;
}

static void option(struct page *page, const struct option_row *row)
{
    const char *word;

    (void)fputs(".It", page->out);
    if (row->letter != '\0')
        (void)fprintf(page->out, " Fl %c%s", row->letter, row->name != NULL ? " ," : "");
    if (row->name != NULL) {
        (void)fputs(" Fl", page->out);
        put_word(page, arena_printf(page->arena, "-%s", row->name));
    }
    if (row->argument != NULL) {
        (void)fputs(" Ar", page->out);
        put_word(page, row->argument);
    }
    (void)fputc('\n', page->out);
    put_text(page, sentence(row->help, page->arena));
    if (row->choice == NULL)
        return;
    (void)fputs("One of\n", page->out);
    for (size_t i = 0; (word = option_choice(row, i, page->arena)) != NULL; i++) {
        (void)fputs(".Cm", page->out);
        put_word(page, word);
        (void)fputs(option_choice(row, i + 1, page->arena) != NULL ? " ,\n" : " .\n", page->out);
    }
}

static int options(struct page *page)
{
    struct option_table tables[COMMAND_TABLES];
    uint32_t count = 1;

    if (page->command->program == NULL) {
        count = command_tables(page->command, tables);
    } else if (daemon_flags_read(page->command, page->arena, &tables[0]) != 0 ||
               tables[0].count == 0) {
        (void)fprintf(stderr, "assay-manual: %s --help: no flags could be read\n",
                      page->command->program);
        return EXIT_OURS;
    }
    section(page, "OPTIONS");
    (void)fputs(".Bl -tag -width Ds\n", page->out);
    for (uint32_t t = 0; t < count; t++)
        for (uint32_t i = 0; i < tables[t].count; i++)
            option(page, &tables[t].rows[i]);
    (void)fputs(".El\n", page->out);
    return 0;
}

static void exit_status(struct page *page)
{
    bool reports = page->command == &command_report;

    section(page, "EXIT STATUS");
    (void)fputs(".Bl -tag -width Ds\n", page->out);
    for (size_t i = 0; i < sizeof(exits) / sizeof(exits[0]); i++) {
        if (exits[i].status == EXIT_STOP && !reports)
            continue;
        (void)fprintf(page->out, ".It %d\n", exits[i].status);
        put_text(page, exits[i].text);
    }
    (void)fputs(".It 128+n\nEnded by signal n; 130 after Ctrl\\-C.\n.El\n", page->out);
}

static void pairs(struct page *page, const char *title, const char *macro,
                  const char *const (*rows)[2], size_t count)
{
    section(page, title);
    if (page->command != NULL) {
        (void)fputs("See\n.Xr assay 1 .\n", page->out);
        return;
    }
    (void)fputs(".Bl -tag -width Ds\n", page->out);
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(page->out, ".It %s", macro);
        put_word(page, rows[i][0]);
        (void)fputc('\n', page->out);
        put_text(page, rows[i][1]);
    }
    (void)fputs(".El\n", page->out);
}

static void examples(struct page *page)
{
    const char *text = page->command != NULL ? page->command->example
                                             : "assay run experiment.yaml\nassay best last";

    section(page, "EXAMPLES");
    (void)fputs(".Bd -literal -offset indent\n", page->out);
    while (*text != '\0') {
        size_t size = strcspn(text, "\n");

        put(page, arena_text(page->arena, span_of(text, size)), true);
        (void)fputc('\n', page->out);
        text += size + (text[size] == '\n');
    }
    (void)fputs(".Ed\n", page->out);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct command *const *)a)->name,
                  (*(const struct command *const *)b)->name);
}

static void see_also(struct page *page)
{
    size_t count;
    const struct command *const *commands = commands_all(&count);
    const struct command **sorted = arena_alloc(page->arena, count * sizeof(*sorted));

    section(page, "SEE ALSO");
    if (page->command != NULL)
        (void)fputs(".Xr assay 1", page->out);
    memcpy(sorted, commands, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), by_name);
    for (size_t i = 0, shown = page->command != NULL; i < count; i++)
        if (!sorted[i]->hidden && sorted[i] != page->command)
            (void)fprintf(page->out, "%s.Xr assay-%s 1", shown++ > 0 ? " ,\n" : "",
                          sorted[i]->name);
    (void)fputc('\n', page->out);
}

static int page_write(struct page *page)
{
    int rc = 0;

    head(page);
    synopsis(page);
    description(page);
    if (page->command != NULL)
        rc = options(page);
    if (rc != 0)
        return rc;
    pairs(page, "ENVIRONMENT", "Ev", environment, sizeof(environment) / sizeof(environment[0]));
    pairs(page, "FILES", "Pa", files, sizeof(files) / sizeof(files[0]));
    exit_status(page);
    examples(page);
    see_also(page);
    return 0;
}

static int page_make(const char *folder, const struct command *command)
{
    struct arena arena = {0};
    struct page page = {.command = command, .arena = &arena};
    const char *path = arena_printf(&arena, "%s/%s.1", folder, full_name(&page, '-'));
    int rc = EXIT_OURS;

    errno = 0;
    page.out = fopen(path, "w");
    if (page.out != NULL) {
        bool failed;

        rc = page_write(&page);
        failed = ferror(page.out) != 0;
        failed |= fclose(page.out) != 0;
        if (rc == 0 && failed)
            rc = EXIT_OURS;
        else if (rc == 0)
            goto out;
    }
    (void)fprintf(stderr, "assay-manual: %s: %s\n", path,
                  errno != 0 ? strerror(errno) : "it is not whole");
out:
    arena_fini(&arena);
    return rc;
}

int main(int argc, char **argv)
{
    size_t count;
    const struct command *const *commands = commands_all(&count);
    int rc;

    if (argc != 2) {
        (void)fputs("usage: assay-manual FOLDER\n", stderr);
        return EXIT_USAGE;
    }
    rc = page_make(argv[1], NULL);
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (!commands[i]->hidden)
            rc = page_make(argv[1], commands[i]);
    return rc;
}
