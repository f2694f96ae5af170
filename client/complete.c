#include "client/complete.h"

#include <string.h>

#include "client/tame.h"

const struct command *complete_command(char *const *words, int count)
{
    return count > 1 ? command_find(words[0]) : NULL;
}

/* By `--name` or the last letter of `-abc`; size: how much of the word is the name. */
static const struct option_row *row_find(const char *word, size_t size,
                                         const struct option_table *tables, uint32_t table_count)
{
    bool is_long = word[0] == '-' && word[1] == '-';

    if (word[0] != '-' || size < 2)
        return NULL;
    for (uint32_t t = 0; t < table_count; t++) {
        for (uint32_t i = 0; i < tables[t].count; i++) {
            const struct option_row *row = &tables[t].rows[i];

            if (is_long ? row->name != NULL && strlen(row->name) == size - 2 &&
                              strncmp(row->name, word + 2, size - 2) == 0
                        : row->letter != '\0' && row->letter == word[size - 1])
                return row;
        }
    }
    return NULL;
}

static const struct option_row *row_of_word(const char *word, const struct option_table *tables,
                                            uint32_t table_count)
{
    const struct option_row *row = row_find(word, strlen(word), tables, table_count);

    return row != NULL && row->kind != OPTION_FLAG ? row : NULL;
}

static void value_seen(const struct option_row *row, const char *value, struct completion *out)
{
    if (row != NULL && row->name != NULL && strcmp(row->name, "address") == 0)
        out->address = value;
}

/* A whole word before the cursor; returns how many words belong together. */
static int word_pass(char *const *words, int left, const struct option_table *tables,
                     uint32_t table_count, struct completion *out)
{
    const char *word = words[0];
    const char *equals = strchr(word, '=');
    const struct option_row *row;

    if (word[0] != '-' || word[1] == '\0') {
        if (out->operands++ == 0)
            out->first = word;
        return 1;
    }
    if (equals != NULL) {
        value_seen(row_find(word, (size_t)(equals - word), tables, table_count), equals + 1, out);
        return 1;
    }
    row = row_of_word(word, tables, table_count);
    if (left > 1 && strcmp(words[1], "=") == 0) {
        if (left > 2)
            value_seen(row, words[2], out);
        return 3;
    }
    if (row == NULL)
        return 1;
    if (left > 1)
        value_seen(row, words[1], out);
    return 2;
}

/* The word at the cursor. */
static void last_look(const char *word, const struct option_table *tables, uint32_t table_count,
                      struct arena *arena, struct completion *out)
{
    const char *equals = strchr(word, '=');

    out->written = word;
    if (word[0] != '-') {
        out->want = COMPLETE_OPERAND;
        return;
    }
    out->want = COMPLETE_FLAG;
    if (equals == NULL)
        return;
    out->row = row_find(word, (size_t)(equals - word), tables, table_count);
    out->want =
        out->row != NULL && out->row->kind != OPTION_FLAG ? COMPLETE_VALUE : COMPLETE_NOTHING;
    out->written = equals + 1;
    out->lead = arena_text(arena, span_of(word, (size_t)(equals + 1 - word)));
}

void complete_look(char *const *words, int count, const struct option_table *tables,
                   uint32_t table_count, struct arena *arena, struct completion *out)
{
    const char *last = words[count - 1];
    int at = 1;

    *out = (struct completion){.written = last, .lead = ""};
    if (count == 1 || strcmp(words[0], "help") == 0) {
        out->want = count <= 2 ? COMPLETE_VERB : COMPLETE_NOTHING;
        return;
    }
    out->command = complete_command(words, count);
    if (out->command == NULL)
        return;
    while (at < count - 1) {
        const struct option_row *row = row_of_word(words[at], tables, table_count);
        bool splits = row != NULL && strcmp(words[at + 1], "=") == 0;

        if (strcmp(words[at], "--") == 0) {
            out->want = out->command->takes & TAKES_PROGRAM ? COMPLETE_PROGRAM : COMPLETE_NOTHING;
            return;
        }
        /* The value of a flag is at the cursor. */
        if (row != NULL && (at == count - 2 || (splits && at == count - 3))) {
            out->want = COMPLETE_VALUE;
            out->row = row;
            out->written = splits && at == count - 2 ? "" : last;
            return;
        }
        at += word_pass(words + at, count - 1 - at, tables, table_count, out);
    }
    last_look(last, tables, table_count, arena, out);
}

/* No control characters, nothing that is not UTF-8. */
static bool is_tame(const char *word)
{
    struct buf copy = {0};
    bool same;

    buf_append_text(&copy, word);
    tame(&copy, false);
    same = strcmp(buf_text(&copy), word) == 0;
    buf_fini(&copy);
    return same;
}

void complete_offer(const struct completion *completion, const char *word, const char *help,
                    struct buf *out)
{
    struct buf line = {0};

    if (strncmp(word, completion->written, strlen(completion->written)) != 0 || !is_tame(word))
        return;
    buf_append_text(&line, help);
    tame(&line, false);
    buf_printf(out, "%s%s\t%s\n", completion->lead, word, buf_text(&line));
    buf_fini(&line);
}

static void offer_verbs(const struct completion *completion, struct buf *out)
{
    size_t count;
    const struct command *const *commands = commands_all(&count);

    for (size_t i = 0; i < count; i++)
        if (!commands[i]->hidden)
            complete_offer(completion, commands[i]->name, commands[i]->help, out);
    complete_offer(completion, "help", "Say how a command is used", out);
    if (completion->written[0] != '-')
        return;
    complete_offer(completion, "--help", "Say which commands there are", out);
    complete_offer(completion, "--version", "Say which version this is", out);
}

static void offer_flags(const struct completion *completion, const struct option_table *tables,
                        uint32_t table_count, struct arena *arena, struct buf *out)
{
    for (uint32_t t = 0; t < table_count; t++) {
        for (uint32_t i = 0; i < tables[t].count; i++) {
            const struct option_row *row = &tables[t].rows[i];

            complete_offer(completion,
                           row->name != NULL ? arena_printf(arena, "--%s", row->name)
                                             : arena_printf(arena, "-%c", row->letter),
                           row->help, out);
        }
    }
    if (completion->command->takes & TAKES_PROGRAM)
        complete_offer(completion, "--", "The trial's program follows", out);
}

static void offer_value(const struct completion *completion, struct arena *arena, struct buf *out)
{
    const char *word;

    for (size_t i = 0; (word = option_choice(completion->row, i, arena)) != NULL; i++)
        complete_offer(completion, word, "", out);
}

static void offer_operand(const struct completion *completion, struct buf *out)
{
    const struct command *command = completion->command;
    enum operand_kind needs = complete_needs(completion);

    if (command->words != NULL && completion->operands == 0) {
        for (size_t i = 0; command->words[i] != NULL; i++)
            complete_offer(completion, command->words[i], "", out);
        return;
    }
    if (needs == OPERAND_EXPERIMENT || needs == OPERAND_EITHER || needs == OPERAND_ANY)
        complete_offer(completion, "last", "The last experiment", out);
    if (needs == OPERAND_ANY)
        complete_offer(completion, "all", "Every experiment", out);
}

/* The argument of a flag that is a path says so by its name. */
static const char *paths(const struct completion *completion)
{
    const char *argument = completion->row != NULL ? completion->row->argument : NULL;
    enum operand_kind operand =
        completion->command != NULL ? completion->command->operand : OPERAND_OTHER;

    if (completion->want == COMPLETE_PROGRAM)
        return "files";
    if (completion->want == COMPLETE_VALUE && argument != NULL)
        return strcmp(argument, "FILE") == 0  ? "files"
               : strcmp(argument, "DIR") == 0 ? "folders"
                                              : "words";
    if (completion->want == COMPLETE_OPERAND)
        return operand == OPERAND_FILE ? "files" : operand == OPERAND_FOLDER ? "folders" : "words";
    return "words";
}

void complete_print(const struct completion *completion, const struct option_table *tables,
                    uint32_t table_count, struct arena *arena, struct buf *out)
{
    buf_printf(out, "%s\n", paths(completion));
    switch (completion->want) {
    case COMPLETE_VERB:
        offer_verbs(completion, out);
        break;
    case COMPLETE_FLAG:
        offer_flags(completion, tables, table_count, arena, out);
        break;
    case COMPLETE_VALUE:
        offer_value(completion, arena, out);
        break;
    case COMPLETE_OPERAND:
        offer_operand(completion, out);
        break;
    case COMPLETE_PROGRAM:
    case COMPLETE_NOTHING:
        break;
    }
}

enum operand_kind complete_needs(const struct completion *completion)
{
    const struct command *command = completion->command;

    if (completion->want != COMPLETE_OPERAND)
        return OPERAND_OTHER;
    switch (command->operand) {
    case OPERAND_EXPERIMENT:
    case OPERAND_TRIAL:
    case OPERAND_EITHER:
    case OPERAND_ANY:
        return completion->operands < command->most ? command->operand : OPERAND_OTHER;
    case OPERAND_TOKEN:
        return completion->operands == 1 && strcmp(completion->first, "revoke") == 0
                   ? OPERAND_TOKEN
                   : OPERAND_OTHER;
    case OPERAND_FILE:
    case OPERAND_FOLDER:
    case OPERAND_OTHER:
        break;
    }
    return OPERAND_OTHER;
}
