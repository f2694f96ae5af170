/* spec_command.c - a command line into words, with values of the configuration put in. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/json.h"
#include "common/number.h"
#include "common/spec_read.h"

/* Of all words together; execve takes no more than that, and a value put in at a thousand places
 * would else grow without end. */
#define COMMAND_MOST (1u << 20)

struct command {
    const char *start;
    const char *at;
    struct arena *arena; /* borrowed */
    const struct value *config;
    const struct value *points; /* configurations that are given whole; NULL */
    const char *config_path;    /* NULL: config is a space, and values are only looked for */
    char **words;               /* in the arena */
    uint32_t count;
    uint32_t capacity;
    struct buf word; /* being collected */
    bool in_word;
    bool quoted;     /* some of it is quoted or escaped: no operator */
    size_t total;    /* bytes of all words */
    uint32_t places; /* that were filled */
    struct spec_error *error;
};

static int refuse(struct command *command, const char *mend, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(struct command *command, const char *mend, const char *format, ...)
{
    va_list args;

    (void)snprintf(command->error->path, sizeof(command->error->path), "run.command");
    va_start(args, format);
    (void)vsnprintf(command->error->what, sizeof(command->error->what), format, args);
    va_end(args);
    (void)snprintf(command->error->mend, sizeof(command->error->mend), "%s", mend);
    return ERR_MALFORMED;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const struct value *path_find(const struct value *value, const char *path);

/* Below a marker, a path stands if one of its choices has it. */
static const struct value *choices_find(const struct value *marker, const char *path)
{
    const struct value *choices = &marker->members[0].value;

    for (uint32_t i = 0; choices->type == VALUE_LIST && i < choices->count; i++) {
        const struct value *found = path_find(&choices->items[i], path);

        if (found != NULL)
            return found;
    }
    return NULL;
}

static const struct value *part_find(const struct value *value, const char *part, size_t size)
{
    char text[LIMIT_NAME_BYTES + 1];
    char *end;
    unsigned long index;

    if (size > LIMIT_NAME_BYTES)
        return NULL;
    memcpy(text, part, size);
    text[size] = '\0';
    if (value->type != VALUE_LIST)
        return value_get(value, text);
    index = strtoul(text, &end, 10);
    return is_digit(text[0]) && *end == '\0' && index < value->count ? &value->items[index] : NULL;
}

/* "a.b.0": a key that holds points itself goes before a path of that name. */
static const struct value *path_find(const struct value *value, const char *path)
{
    const struct value *found;
    size_t size = strcspn(path, ".");

    if (domain_is_marker(value))
        return choices_find(value, path);
    found = value_get(value, path);
    if (found != NULL)
        return found;
    found = part_find(value, path, size);
    if (found == NULL || path[size] == '\0')
        return found;
    return path_find(found, path + size + 1);
}

static const struct value *name_find(const struct command *command, const char *name)
{
    const struct value *found = path_find(command->config, name);
    uint32_t count = command->points != NULL ? command->points->count : 0;

    for (uint32_t i = 0; i < count && found == NULL; i++)
        found = path_find(&command->points->items[i], name);
    return found;
}

static void value_write(const struct value *value, struct buf *out)
{
    if (value->type == VALUE_TEXT)
        buf_append(out, value->text, value->count);
    else
        json_write(value, JSON_LINE, out);
}

static int name_unknown(struct command *command, const char *name)
{
    const char *names[256];
    const char *nearest;
    char mend[256];
    size_t count = 0;

    if (command->config->type == VALUE_MAP)
        for (; count < command->config->count && count < 256; count++)
            names[count] = command->config->members[count].key;
    nearest = spec_nearest(name, names, count);
    if (nearest != NULL)
        (void)snprintf(mend, sizeof(mend), "did you mean {%s}?", nearest);
    else
        (void)snprintf(mend, sizeof(mend), "write {{%s} where a brace is meant", name);
    return refuse(command, mend, "the configuration has no '%s'", name);
}

/* The bytes of "{identifier}" at `at`, 0 where there is none. */
static size_t placeholder_size(const struct command *command)
{
    const char *at = command->at;
    size_t size = 1;

    if (command->at > command->start && command->at[-1] == '$')
        return 0;
    if (!is_letter(at[1]))
        return 0;
    while (is_letter(at[size]) || is_digit(at[size]) || (at[size] == '.' && at[size - 1] != '.'))
        size++;
    return at[size] == '}' && at[size - 1] != '.' ? size + 1 : 0;
}

static int placeholder_put(struct command *command, size_t size)
{
    const char *name = arena_text(command->arena, span_of(command->at + 1, size - 2));
    const struct value *value;

    command->at += size;
    if (++command->places > LIMIT_PLACES)
        return refuse(command, "hand over {config}, the path of a file with all of them",
                      "has more than %u places for values", LIMIT_PLACES);
    value = name_find(command, name);
    if (strcmp(name, "config") == 0) {
        buf_append_text(&command->word, command->config_path ? command->config_path : "{}");
        return 0;
    }
    if (value == NULL)
        return name_unknown(command, name);
    if (command->config_path == NULL)
        buf_append_text(&command->word, "{}");
    else
        value_write(value, &command->word);
    if (command->total + command->word.size > COMMAND_MOST)
        return refuse(command, "hand over {config}, the path of a file with all of them",
                      "is too long once the configuration is put in");
    return 0;
}

static int brace_put(struct command *command)
{
    size_t size = placeholder_size(command);

    if (size > 0)
        return placeholder_put(command, size);
    command->at += command->at[1] == '{' ? 2 : 1;
    buf_append_char(&command->word, '{');
    return 0;
}

static int single_quoted(struct command *command)
{
    while (*command->at != '\'') {
        int err = 0;

        if (*command->at == '\0')
            return refuse(command, "", "a single quote is not closed");
        if (*command->at == '{')
            err = brace_put(command);
        else
            buf_append_char(&command->word, *command->at++);
        if (err < 0)
            return err;
    }
    command->at++;
    return 0;
}

static int double_quoted(struct command *command)
{
    while (*command->at != '"') {
        int err = 0;

        if (*command->at == '\0')
            return refuse(command, "", "a double quote is not closed");
        if (command->at[0] == '\\' && command->at[1] == '\n') {
            command->at += 2;
        } else if (command->at[0] == '\\' && command->at[1] != '\0' &&
                   strchr("$`\"\\", command->at[1]) != NULL) {
            buf_append_char(&command->word, command->at[1]);
            command->at += 2;
        } else if (*command->at == '{') {
            err = brace_put(command);
        } else {
            buf_append_char(&command->word, *command->at++);
        }
        if (err < 0)
            return err;
    }
    command->at++;
    return 0;
}

/* What follows a backslash outside quotes. */
static int escaped(struct command *command)
{
    if (*command->at == '\0')
        return refuse(command, "", "ends with a backslash");
    if (*command->at != '\n') {
        buf_append_char(&command->word, *command->at);
        command->in_word = command->quoted = true;
    }
    command->at++;
    return 0;
}

/* Somebody who writes one of these alone expects a shell, and there is none. */
static bool word_is_operator(const char *word)
{
    static const char *const operators[] = {"|", "||", "&", "&&", ";",
                                            ">", ">>", "<", "2>", "2>&1"};

    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
        if (strcmp(operators[i], word) == 0)
            return true;
    return false;
}

static int word_end(struct command *command)
{
    char *word;

    if (!command->in_word)
        return 0;
    word = arena_text(command->arena, buf_span(&command->word));
    if (!command->quoted && word_is_operator(word))
        return refuse(command, "write: sh -c '...'", "has '%s', but no shell runs it", word);
    /* one more place, for the NULL behind the last */
    if (command->count + 1 >= command->capacity) {
        uint32_t capacity = command->capacity ? command->capacity * 2 : 16;
        char **grown = arena_alloc(command->arena, capacity * sizeof(*grown));

        if (command->count > 0)
            memcpy(grown, command->words, command->count * sizeof(*grown));
        command->words = grown;
        command->capacity = capacity;
    }
    command->words[command->count++] = word;
    command->total += command->word.size + 1;
    command->in_word = command->quoted = false;
    buf_reset(&command->word);
    return 0;
}

static int command_step(struct command *command)
{
    char c = *command->at;

    if (c == ' ' || c == '\t' || c == '\n') {
        command->at++;
        return word_end(command);
    }
    if (c == '\\') {
        command->at++;
        return escaped(command);
    }
    command->in_word = true;
    if (c == '\'' || c == '"') {
        command->at++;
        command->quoted = true;
        return c == '"' ? double_quoted(command) : single_quoted(command);
    }
    if (c == '{')
        return brace_put(command);
    buf_append_char(&command->word, c);
    command->at++;
    return 0;
}

static int command_split(struct command *command, char ***words)
{
    int err = 0;

    while (err == 0 && *command->at != '\0')
        err = command_step(command);
    if (err == 0)
        err = word_end(command);
    if (err == 0 && command->count == 0)
        err = refuse(command, "", "names no program");
    if (err == 0) {
        command->words[command->count] = NULL;
        *words = command->words;
    }
    buf_fini(&command->word);
    return err;
}

int spec_command(const char *text, const struct value *config, const char *config_path,
                 struct arena *arena, char ***argv, struct spec_error *error)
{
    struct command command = {.start = text,
                              .at = text,
                              .arena = arena,
                              .config = config,
                              .config_path = config_path,
                              .error = error};

    int err = command_split(&command, argv);

    if (err < 0)
        spec_tame(error);
    return err;
}

int spec_command_check(struct spec_reader *reader, const char *text, char ***words)
{
    struct command command = {.start = text,
                              .at = text,
                              .arena = reader->arena,
                              .config = &reader->spec->config,
                              .points = reader->spec->search.points,
                              .error = reader->error};

    return command_split(&command, words);
}
