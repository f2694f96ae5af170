#include "client/policy.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client/say.h"
#include "common/err.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/sys/fs.h"
#include "common/sys/home.h"

#define LINE_ITEMS 6u

static const char mend[] = "name a pbt_policy_N.txt from the folder of an experiment with pbt";

/* One line: who took over from whom, and what of it counts. */
struct taken {
    const char *tag;
    const char *donor_tag;
    struct value at; /* a number */
    struct value donor_config;
    struct value config;
};

struct reader {
    const char *path;
    struct taken *items; /* in the arena */
    uint32_t count;
    uint32_t room;
    struct arena *arena;
};

static int refuse(const struct reader *reader, uint32_t line, uint32_t column, const char *why)
{
    const char *what = column > 0
                           ? arena_printf(reader->arena, "%s:%u:%u", reader->path, line, column)
                           : arena_printf(reader->arena, "%s:%u", reader->path, line);

    return say(EXIT_USAGE, what, mend, "%s", why);
}

static const char *what_is_wrong(const struct value *list)
{
    if (list->type != VALUE_LIST || list->count != LINE_ITEMS)
        return "is no list of two tags, two iterations and two configurations";
    if (list->items[0].type != VALUE_TEXT || list->items[1].type != VALUE_TEXT)
        return "its first two items must be tags";
    if (!value_is_number(&list->items[3]) || !isfinite(value_number(&list->items[3])))
        return "its fourth item must be the training_iteration from which on the new "
               "configuration holds";
    if (list->items[4].type != VALUE_MAP || list->items[5].type != VALUE_MAP)
        return "its last two items must be configurations";
    return NULL;
}

static void add(struct reader *reader, const struct value *list)
{
    if (reader->count == reader->room) {
        struct taken *grown;

        reader->room = reader->room * 2 + 64;
        grown = arena_alloc(reader->arena, reader->room * sizeof(*grown));
        if (reader->count > 0)
            memcpy(grown, reader->items, reader->count * sizeof(*grown));
        reader->items = grown;
    }
    reader->items[reader->count++] = (struct taken){.tag = list->items[0].text,
                                                    .donor_tag = list->items[1].text,
                                                    .at = list->items[3],
                                                    .donor_config = list->items[4],
                                                    .config = list->items[5]};
}

static int read_lines(struct reader *reader, struct span text)
{
    const char *at = text.data;
    const char *end = at + text.size;

    for (uint32_t line = 1; at < end; line++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t size = (size_t)((newline != NULL ? newline : end) - at);
        struct json_error error;
        struct value list;

        if (size > 0) {
            const char *wrong;

            if (json_read(span_of(at, size), reader->arena, &list, &error) != 0)
                return refuse(reader, line, error.column, error.what);
            wrong = what_is_wrong(&list);
            if (wrong != NULL)
                return refuse(reader, line, 0, wrong);
            add(reader, &list);
        }
        at += size + 1;
    }
    if (reader->count == 0)
        return say(EXIT_USAGE, reader->path, mend, "no trial took over from another in it");
    return 0;
}

static int read_file(struct reader *reader)
{
    struct buf text = {0};
    int err = fs_read(reader->path, LIMIT_POLICY_BYTES, &text);
    int rc;

    if (err == ERR_TOO_BIG)
        rc = say(EXIT_USAGE, reader->path, mend, "has more than %u bytes", LIMIT_POLICY_BYTES);
    else if (err != 0)
        rc = say_errno(EXIT_USAGE, reader->path, "check its name and place");
    else
        rc = read_lines(reader, buf_span(&text));
    buf_fini(&text);
    return rc;
}

/* The first line that the last one goes back to. */
static uint32_t first_of_chain(const struct reader *reader)
{
    uint32_t first = reader->count - 1;

    while (first > 0 && strcmp(reader->items[first - 1].tag, reader->items[first].donor_tag) == 0)
        first--;
    return first;
}

static struct value list_of(const struct reader *reader, uint32_t first)
{
    struct value_builder list, map;

    value_builder_list(&list, reader->arena);
    for (uint32_t i = first; i < reader->count; i++) {
        value_builder_map(&map, reader->arena);
        value_builder_append(&map, "at", reader->items[i].at);
        value_builder_append(&map, "config", reader->items[i].config);
        value_builder_add(&list, value_builder_done(&map));
    }
    return value_builder_done(&list);
}

/* What the file says stands over what the experiment says. */
static struct value first_config(const struct value *given, const struct value *donor,
                                 struct arena *arena)
{
    struct value_builder map;

    value_builder_map(&map, arena);
    for (uint32_t i = 0; given != NULL && given->type == VALUE_MAP && i < given->count; i++)
        value_builder_append(&map, given->members[i].key, given->members[i].value);
    for (uint32_t i = 0; i < donor->count; i++)
        value_builder_set(&map, donor->members[i].key, donor->members[i].value);
    return value_builder_done(&map);
}

static int put(const struct reader *reader, struct value *experiment)
{
    uint32_t first = first_of_chain(reader);
    struct value list = list_of(reader, first);
    struct value config = first_config(value_get(experiment, "config"),
                                       &reader->items[first].donor_config, reader->arena);
    struct value out;

    if (list.count > LIMIT_CHANGES)
        return say(EXIT_USAGE, reader->path, mend, "makes %u changes, of %u at most", list.count,
                   LIMIT_CHANGES);
    if (value_set_path(experiment, "scheduler.policy", list, reader->arena, &out) == 0 &&
        value_set_path(&out, "config", config, reader->arena, &out) == 0)
        *experiment = out;
    say_note("policy: %u changes from %u lines of %s", list.count, reader->count, reader->path);
    return 0;
}

/* From base, or from home. */
static const char *path_of(const char *given, const char *base, struct arena *arena)
{
    char *expanded;
    const char *out;

    if (given[0] == '/' || (given[0] != '~' && base == NULL))
        return given;
    if (given[0] != '~')
        return arena_printf(arena, "%s/%s", base, given);
    expanded = home_expand(given);
    out = expanded != NULL ? arena_strdup(arena, expanded) : given;
    free(expanded);
    return out;
}

int policy_read(struct value *experiment, const char *base, struct arena *arena)
{
    const struct value *scheduler = value_get(experiment, "scheduler");
    const struct value *type = scheduler != NULL ? value_get(scheduler, "type") : NULL;
    const struct value *policy = scheduler != NULL ? value_get(scheduler, "policy") : NULL;
    struct reader reader = {.arena = arena};
    int rc;

    if (type == NULL || type->type != VALUE_TEXT || strcmp(type->text, "pbt_replay") != 0 ||
        policy == NULL || policy->type != VALUE_TEXT)
        return 0;
    reader.path = path_of(policy->text, base, arena);
    rc = read_file(&reader);
    return rc == 0 ? put(&reader, experiment) : rc;
}
