/* draft_flags.c - flags that beat the file. */
#include <stdlib.h>
#include <string.h>

#include "client/draft.h"
#include "client/say.h"
#include "common/err.h"
#include "common/space.h"
#include "common/spec.h"

static const char mend_set[] = "assay help run";

static int set_path(struct value *value, const char *path, struct value to, struct arena *arena)
{
    struct value out;

    if (value_set_path(value, path, to, arena, &out) != 0)
        return say(EXIT_USAGE, path, mend_set, "there is no such place to set");
    *value = out;
    return 0;
}

/* A section that may be only a word ("scheduler: asha") as the map that it stands for. */
static int as_map(struct value *value, const char *key, struct arena *arena)
{
    const struct value *section = value_get(value, key);
    struct value_builder map;

    if (section == NULL || section->type == VALUE_MAP)
        return 0;
    value_builder_map(&map, arena);
    if (section->type != VALUE_NULL)
        value_builder_set(&map, "type", *section);
    return set_path(value, key, value_builder_done(&map), arena);
}

/* A scalar as the file would have it: "3" is a number. */
static int scalar(const char *flag, const char *text, struct arena *arena, struct value *out)
{
    const char *wrong = yaml_scalar(text, arena, out);

    return wrong == NULL ? 0 : say(EXIT_USAGE, flag, mend_set, "%s: %s", text, wrong);
}

static int set_type(struct value *value, const char *section, const char *type, struct arena *arena)
{
    const struct value *old = value_get(value, section);
    struct value text = value_text(arena, type);

    if (old == NULL || old->type != VALUE_MAP)
        return set_path(value, section, text, arena);
    return set_path(value, arena_printf(arena, "%s.type", section), text, arena);
}

int draft_set_stop(struct value *value, const char *rule, struct arena *arena)
{
    const struct value *old = value_get(value, "stop");
    const char *equals = strrchr(rule, '=');
    struct value_builder map;
    struct value bound;
    int rc;

    if (equals == NULL || equals == rule)
        return say(EXIT_USAGE, "--stop", "--stop training_iteration=100", "%s has no bound", rule);
    rc = scalar("--stop", equals + 1, arena, &bound);
    if (rc != 0)
        return rc;
    value_builder_map(&map, arena);
    for (uint32_t i = 0; old != NULL && old->type == VALUE_MAP && i < old->count; i++)
        value_builder_set(&map, old->members[i].key, old->members[i].value);
    value_builder_set(&map, arena_text(arena, span_of(rule, (size_t)(equals - rule))), bound);
    return set_path(value, "stop", value_builder_done(&map), arena);
}

/* --metric and --mode beat the scheduler's own, too, under whichever name it has it. */
static int set_judged(struct value *value, const char *key, const char *text, struct arena *arena)
{
    static const char *const names[] = {"metric", "reward_attr"};
    const struct value *scheduler = value_get(value, "scheduler");
    struct value word = value_text(arena, text);
    int rc = set_path(value, key, word, arena);

    if (scheduler == NULL || scheduler->type != VALUE_MAP)
        return rc;
    if (rc == 0 && strcmp(key, "mode") == 0 && value_get(scheduler, "mode") != NULL)
        return set_path(value, "scheduler.mode", word, arena);
    for (size_t i = 0; rc == 0 && strcmp(key, "metric") == 0 && i < 2; i++)
        if (value_get(scheduler, names[i]) != NULL)
            rc = set_path(value, arena_printf(arena, "scheduler.%s", names[i]), word, arena);
    return rc;
}

static int set_number(struct value *value, const char *flag, const char *section, const char *path,
                      const char *text, struct arena *arena)
{
    struct value number;
    int rc = section != NULL ? as_map(value, section, arena) : 0;

    if (rc == 0)
        rc = scalar(flag, text, arena, &number);
    return rc != 0 ? rc : set_path(value, path, number, arena);
}

static int set_any(struct value *value, const char *assignment, struct arena *arena)
{
    static const char *const sections[] = {"search", "scheduler"};
    struct experiment_error error;
    struct value out;
    int rc = 0;

    /* A section may stand there as its type alone. */
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]) && rc == 0; i++)
        if (strncmp(assignment, sections[i], strlen(sections[i])) == 0 &&
            assignment[strlen(sections[i])] == '.')
            rc = as_map(value, sections[i], arena);
    if (rc != 0)
        return rc;
    if (experiment_file_apply_set(value, assignment, arena, &out, &error) != 0)
        return say(EXIT_USAGE, "--set", "--set scheduler.max_t=100", "%s", error.what);
    *value = out;
    return 0;
}

/* One of the ordered flags, as options.h hands it over: "name=value". */
static int set_one(struct value *value, const char *given, struct arena *arena)
{
    static const struct {
        const char *flag;
        const char *section;
        const char *path;
    } numbers[] = {
        {"samples", NULL, "num_samples"},           {"seed", "search", "search.seed"},
        {"max-t", "scheduler", "scheduler.max_t"},  {"cpus", NULL, "resources_per_trial.cpu"},
        {"gpus", NULL, "resources_per_trial.gpu"},  {"time-limit", NULL, "time_limit"},
        {"report-timeout", NULL, "report_timeout"},
    };
    const char *equals = strchr(given, '=');
    const char *flag = arena_text(arena, span_of(given, (size_t)(equals - given)));
    const char *text = equals + 1;

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (strcmp(flag, numbers[i].flag) == 0)
            return set_number(value, arena_printf(arena, "--%s", flag), numbers[i].section,
                              numbers[i].path, text, arena);
    if (strcmp(flag, "set") == 0)
        return set_any(value, text, arena);
    if (strcmp(flag, "stop") == 0)
        return draft_set_stop(value, text, arena);
    if (strcmp(flag, "search") == 0 || strcmp(flag, "scheduler") == 0)
        return set_type(value, flag, text, arena);
    if (strcmp(flag, "name") == 0)
        return set_path(value, "name", value_text(arena, text), arena);
    return set_judged(value, flag, text, arena);
}

/* "1e-4,1e-1" as a list; what has brackets or quotes is a YAML list without its outer brackets. */
static int space_values(const char *given, const char *text, struct arena *arena, struct value *out)
{
    struct experiment_error error;
    struct value_builder list;
    struct value empty;
    struct value set;
    int rc = 0;

    if (strpbrk(text, "[{'\"") != NULL) {
        value_builder_map(&list, arena);
        empty = value_builder_done(&list);
        if (experiment_file_apply_set(&empty, arena_printf(arena, "v=[%s]", text), arena, &set,
                                      &error) != 0)
            return say(EXIT_USAGE, "-p", mend_set, "%s: %s", given, error.what);
        *out = *value_get(&set, "v");
        return 0;
    }
    value_builder_list(&list, arena);
    while (rc == 0) {
        size_t size = strcspn(text, ",");
        struct value item;

        rc = scalar("-p", arena_text(arena, span_of(text, size)), arena, &item);
        if (rc != 0)
            return rc;
        value_builder_add(&list, item);
        if (text[size] == '\0')
            break;
        text += size + 1;
    }
    *out = value_builder_done(&list);
    return 0;
}

/* The domain that a word was meant to be; NULL where it is near none. */
static const char *domain_near(const char *word)
{
    static const char *const names[] = {
        "uniform", "loguniform", "quniform", "qloguniform", "randn",       "randint",
        "choice",  "lograndint", "qrandint", "grid",        "grid_search",
    };

    return spec_nearest(word, names, sizeof(names) / sizeof(names[0]));
}

/* "lr=loguniform:1e-4,1e-1"; without a domain it is the value itself. */
static int set_space(struct value *value, const char *given, struct arena *arena)
{
    const char *equals = strchr(given, '=');
    const char *colon = equals != NULL ? strchr(equals, ':') : NULL;
    struct value_builder marker;
    struct value whole;
    struct value values;
    const char *path;
    const char *word;
    int rc;

    if (equals == NULL || equals == given)
        return say(EXIT_USAGE, "-p", "-p lr=loguniform:1e-4,1e-1", "%s says no value", given);
    path = arena_printf(arena, "config.%.*s", (int)(equals - given), given);
    if (colon != NULL) {
        word = arena_text(arena, span_of(equals + 1, (size_t)(colon - equals - 1)));
        if (strcmp(word, "grid") == 0)
            word = "grid_search";
        value_builder_map(&marker, arena);
        value_builder_set(&marker, word, value_null());
        whole = value_builder_done(&marker);
        if (domain_is_marker(&whole)) {
            rc = space_values(given, colon + 1, arena, &values);
            if (rc != 0)
                return rc;
            value_builder_map(&marker, arena);
            value_builder_set(&marker, word, values);
            return set_path(value, path, value_builder_done(&marker), arena);
        }
        if (domain_near(word) != NULL)
            return say(EXIT_USAGE, "-p",
                       arena_printf(arena, "did you mean %s? As it stands: --set '%s=\"%s\"'",
                                    domain_near(word), path, equals + 1),
                       "%s: there is no domain '%s'", given, word);
    }
    rc = scalar("-p", equals + 1, arena, &values);
    return rc != 0 ? rc : set_path(value, path, values, arena);
}

int draft_apply_flags(const struct draft_flags *flags, struct arena *arena, struct value *value)
{
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < flags->spaces.count; i++)
        rc = set_space(value, flags->spaces.items[i], arena);
    for (uint32_t i = 0; rc == 0 && i < flags->sets.count; i++)
        rc = set_one(value, flags->sets.items[i], arena);
    return rc;
}

/* What a shell takes as it stands; braces are places for values. */
static bool is_bare(const char *word)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "_@%+=:,./{}-";

    return *word != '\0' && word[strspn(word, good)] == '\0';
}

struct value draft_of_words(char *const *words, struct arena *arena)
{
    struct value_builder run;
    struct value_builder whole;
    struct buf line = {0};

    for (size_t i = 0; words[i] != NULL; i++) {
        if (i > 0)
            buf_append_char(&line, ' ');
        if (is_bare(words[i])) {
            buf_append_text(&line, words[i]);
            continue;
        }
        buf_append_char(&line, '\'');
        for (const char *at = words[i]; *at != '\0'; at++) {
            if (*at == '\'')
                buf_append_text(&line, "'\\''");
            else
                buf_append_char(&line, *at);
        }
        buf_append_char(&line, '\'');
    }
    value_builder_map(&run, arena);
    value_builder_set(&run, "command", value_text(arena, buf_text(&line)));
    value_builder_map(&whole, arena);
    value_builder_set(&whole, "run", value_builder_done(&run));
    buf_fini(&line);
    return value_builder_done(&whole);
}
