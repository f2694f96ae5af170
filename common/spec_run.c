/* spec_run.c - what is run: a command, a shared object, or something of a Python module. */
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/spec_read.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *const forms[] = {
    [RUN_COMMAND] = "command", [RUN_NATIVE] = "native", [RUN_PYTHON] = "python"};

static const char form_mend[] =
    "write {command: \"...\"}, {native: libX.so} or {python: \"module:Name\"}";

static int read_run_as(struct spec_reader *reader, const struct value *value, enum run_kind kind)
{
    struct spec *spec = reader->spec;

    if (spec->run != NULL)
        return spec_refuse(reader, "take one of them away", "run has both %s and %s",
                           forms[spec->run_kind], forms[kind]);
    spec->run_kind = kind;
    if (kind == RUN_COMMAND)
        return spec_read_lines(reader, value, LIMIT_TEXT_BYTES, &spec->run);
    return spec_read_text(reader, value, LIMIT_PATH_BYTES, &spec->run);
}

static int read_native(struct spec_reader *reader, const struct value *value)
{
    return read_run_as(reader, value, RUN_NATIVE);
}

static int read_command(struct spec_reader *reader, const struct value *value)
{
    return read_run_as(reader, value, RUN_COMMAND);
}

static bool begins_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
}

/* Names of Python with dots between them, size bytes. */
static bool is_dotted(const char *text, size_t size)
{
    bool begins = true;

    for (size_t i = 0; i < size; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';

        if (text[i] == '.' ? begins : !begins_name(text[i]) && (begins || !digit))
            return false;
        begins = text[i] == '.';
    }
    return !begins;
}

/* "folder/train.py:Model" is what people write first. */
static int refuse_file(struct spec_reader *reader, const char *text, size_t size)
{
    const char *name = memrchr(text, '/', size);
    char mend[160];

    name = name != NULL ? name + 1 : text;
    size -= (size_t)(name - text);
    size -= size > 3 && memcmp(name + size - 3, ".py", 3) == 0 ? 3 : 0;
    (void)snprintf(mend, sizeof(mend), "write \"%.*s:Name\", and code: FOLDER for its folder",
                   (int)(size < 60 ? size : 60), name);
    return spec_refuse(reader, mend, "names a file: a module is wanted");
}

static int read_python(struct spec_reader *reader, const struct value *value)
{
    int err = read_run_as(reader, value, RUN_PYTHON);
    const char *text = reader->spec->run;
    const char *colon;
    size_t size;

    if (err < 0)
        return err;
    colon = strchr(text, ':');
    size = colon != NULL ? (size_t)(colon - text) : strlen(text);
    if (memchr(text, '/', size) != NULL || (size > 3 && memcmp(text + size - 3, ".py", 3) == 0))
        return refuse_file(reader, text, size);
    if (colon == NULL)
        return spec_refuse(reader, "write \"module:Name\"",
                           "does not say which class or function of %s", text);
    if (!is_dotted(text, size) || !is_dotted(colon + 1, strlen(colon + 1)))
        return spec_refuse(reader, "write \"module:Name\"", "'%s' is no module and name", text);
    return 0;
}

static int read_interpreter(struct spec_reader *reader, const struct value *value)
{
    const char *text;
    int err = spec_read_text(reader, value, LIMIT_PATH_BYTES, &text);

    if (err < 0)
        return err;
    if (text[0] != '/' && strchr(text, '/') != NULL)
        return spec_refuse(reader, "", "must be a program's name or an absolute path");
    reader->spec->interpreter = text;
    return 0;
}

static int read_reuse(struct spec_reader *reader, const struct value *value)
{
    if (value->type != VALUE_BOOL)
        return spec_refuse(reader, "write true or false", "must be true or false, not %s",
                           value_type_name(value->type));
    reader->spec->reuse = value->boolean;
    return 0;
}

int spec_read_run(struct spec_reader *reader, const struct value *value)
{
    static const struct spec_key keys[] = {{"native", read_native},
                                           {"command", read_command},
                                           {"python", read_python},
                                           {"interpreter", read_interpreter},
                                           {"reuse", read_reuse}};

    if (value->type != VALUE_MAP || value->count == 0)
        return spec_refuse(reader, form_mend, "does not say what to run");
    return spec_read_map(reader, value, "run", keys, COUNT(keys));
}

static int finish_name(struct spec_reader *reader)
{
    struct spec *spec = reader->spec;
    struct value name = {
        .type = VALUE_TEXT, .count = (uint32_t)strlen(spec->run_name), .text = spec->run_name};
    size_t size = spec_enter(reader, "name");

    if (spec_read_name(reader, &name, &spec->name) < 0)
        return spec_refuse(reader, "write name: ...",
                           "what is run has no name that could be the experiment's");
    spec_leave(reader, size);
    return 0;
}

/* Who can be handed another trial: a fork that calls functions of ours, and has no limit of its
 * own.
 */
static int check_reuse(struct spec_reader *reader)
{
    const struct spec *spec = reader->spec;
    const char *mend = NULL;
    const char *why = NULL;

    if (spec->run_kind == RUN_COMMAND) {
        mend = "take it away, or write {python: \"module:Name\"}";
        why = "a command cannot be handed another trial";
    } else if (spec->run_kind == RUN_NATIVE) {
        mend = "take it away";
        why = "is for python alone: of a library each trial is a fork";
    } else if (spec->start == START_EXEC) {
        mend = "take one of the two away";
        why = "start: exec gives each trial a fresh process";
    } else if (spec->resources.memory_bytes > 0) {
        mend = "take it away, or resources_per_trial.memory";
        why = "a trial with a limit of memory has a process of its own";
    }
    if (!spec->reuse || why == NULL)
        return 0;
    (void)spec_enter(reader, "run");
    (void)spec_enter(reader, "reuse");
    return spec_refuse(reader, mend, "%s", why);
}

/* A command has no zygote, and only Python an interpreter. */
static int check_keys(struct spec_reader *reader)
{
    struct spec *spec = reader->spec;

    if (spec->interpreter != NULL && spec->run_kind != RUN_PYTHON) {
        (void)spec_enter(reader, "run");
        (void)spec_enter(reader, "interpreter");
        return spec_refuse(reader, "take it away, or write {python: \"module:Name\"}",
                           "is for python alone");
    }
    if (check_reuse(reader) < 0)
        return ERR_MALFORMED;
    if (spec->run_kind != RUN_COMMAND)
        return 0;
    if (reader->has_start && spec->start == START_ZYGOTE) {
        (void)spec_enter(reader, "start");
        return spec_refuse(reader, "take start away, or use run: {native: ...} or {python: ...}",
                           "a command always starts as a fresh process");
    }
    spec->start = START_EXEC;
    return 0;
}

int spec_finish_run(struct spec_reader *reader)
{
    struct spec *spec = reader->spec;
    char **words = NULL;
    int err;

    if (spec->run == NULL)
        return spec_refuse(reader, form_mend, "does not say what to run");
    if (spec->run_kind == RUN_COMMAND && spec_command_check(reader, spec->run, &words) < 0)
        return ERR_MALFORMED;
    spec->run_name = spec_run_name(spec->run_kind, spec->run, words, reader->arena);
    err = spec->name == NULL ? finish_name(reader) : 0;
    return err < 0 ? err : check_keys(reader);
}
