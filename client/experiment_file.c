#include "client/experiment_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/fs.h"

static int refuse(struct experiment_error *error, int err, const struct yaml_place *place,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

static int refuse(struct experiment_error *error, int err, const struct yaml_place *place,
                  const char *format, ...)
{
    va_list args;

    *error = (struct experiment_error){0};
    if (place != NULL) {
        error->line = place->line;
        error->column = place->column;
    }
    va_start(args, format);
    (void)vsnprintf(error->what, sizeof(error->what), format, args);
    va_end(args);
    return err;
}

static int yaml_read_to(struct span text, struct arena *arena, struct value *value,
                        struct yaml_place *place, struct experiment_error *error)
{
    struct yaml_error wrong;
    int err = yaml_read(text, arena, value, place, &wrong);

    if (err < 0)
        return refuse(error, err, &(struct yaml_place){wrong.line, wrong.column, NULL}, "%s",
                      wrong.what);
    return 0;
}

/* Tune's {name: experiment, ...}. */
static bool is_several(const struct value *root)
{
    for (uint32_t i = 0; i < root->count; i++)
        if (root->members[i].value.type != VALUE_MAP ||
            value_get(&root->members[i].value, "run") == NULL)
            return false;
    return root->count > 0;
}

/* The key is the name: put in front, with a place of its own. */
static int entry_named(const struct member *member, const struct yaml_place *place,
                       struct arena *arena, struct experiment_entry *out,
                       struct experiment_error *error)
{
    uint32_t count = member->value.count;
    struct member *members = arena_alloc(arena, (count + 1) * sizeof(*members));
    struct yaml_place *places = arena_alloc(arena, (count + 1) * sizeof(*places));

    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(member->value.members[i].key, "name") == 0)
            return refuse(error, ERR_MALFORMED, &place->children[i],
                          "the experiment is named twice: it stands under '%s'", member->key);
        members[i + 1] = member->value.members[i];
        places[i + 1] = place->children[i];
    }
    members[0] = (struct member){.key = "name", .value = value_text(arena, member->key)};
    places[0] = (struct yaml_place){place->line, place->column, NULL};
    *out = (struct experiment_entry){
        .name = member->key,
        .value = {.type = VALUE_MAP, .count = count + 1, .members = members},
        .place = {place->line, place->column, places},
    };
    return 0;
}

int experiment_file_parse(struct span text, struct arena *arena, struct experiment_file *out,
                          struct experiment_error *error)
{
    struct experiment_file file = {.count = 1};
    struct yaml_place place;
    struct value root;
    int err = yaml_read_to(text, arena, &root, &place, error);

    if (err < 0)
        return err;
    if (root.type != VALUE_MAP)
        return refuse(error, ERR_MALFORMED, &place, "an experiment is a map, not %s",
                      value_type_name(root.type));
    if (!is_several(&root)) {
        file.entries = arena_alloc(arena, sizeof(*file.entries));
        file.entries[0] = (struct experiment_entry){NULL, root, place};
        *out = file;
        return 0;
    }
    file.count = root.count;
    file.entries = arena_alloc(arena, root.count * sizeof(*file.entries));
    for (uint32_t i = 0; i < root.count; i++) {
        err = entry_named(&root.members[i], &place.children[i], arena, &file.entries[i], error);
        if (err < 0)
            return err;
    }
    *out = file;
    return 0;
}

/* Opening a FIFO that nobody writes to would wait for ever; a pipe that the shell holds open (as
 * /dev/stdin, /dev/fd/63) is read to its end. */
static bool is_readable_kind(const char *path)
{
    struct stat status;

    return stat(path, &status) != 0 || (!S_ISFIFO(status.st_mode) && !S_ISSOCK(status.st_mode)) ||
           strncmp(path, "/dev/", 5) == 0 || strncmp(path, "/proc/", 6) == 0;
}

int experiment_file_read(const char *path, struct arena *arena, struct experiment_file *out,
                         struct experiment_error *error)
{
    struct buf text = {0};
    int err;

    if (!is_readable_kind(path))
        return refuse(error, ERR_MALFORMED, NULL, "it is no file");
    err = fs_read(path, LIMIT_SPEC_BYTES, &text);
    if (err == ERR_TOO_BIG)
        err = refuse(error, err, NULL, "it has more than %u bytes", LIMIT_SPEC_BYTES);
    else if (err < 0)
        err = refuse(error, err, NULL, "it cannot be read: %s", strerror(errno));
    else
        err = experiment_file_parse(buf_span(&text), arena, out, error);
    buf_fini(&text);
    return err;
}

/* The child that the beginning of *path names: its index, with *path behind it, or -1. Keys may
 * have points in them, so the longest that fits is taken. */
static int64_t child_find(const struct value *value, const char **path)
{
    size_t best = 0;
    int64_t found = -1;

    if (value->type == VALUE_LIST) {
        char *end;
        unsigned long index = strtoul(*path, &end, 10);

        if (end == *path || (*end != '\0' && *end != '.') || index >= value->count)
            return -1;
        *path = *end == '.' ? end + 1 : end;
        return (int64_t)index;
    }
    for (uint32_t i = 0; value->type == VALUE_MAP && i < value->count; i++) {
        const char *key = value->members[i].key;
        size_t size = strlen(key);

        if (size > best && strncmp(*path, key, size) == 0 &&
            ((*path)[size] == '\0' || (*path)[size] == '.')) {
            best = size;
            found = i;
        }
    }
    if (found >= 0)
        *path += (*path)[best] == '.' ? best + 1 : best;
    return found;
}

void experiment_file_place(const struct experiment_entry *entry, const char *path, uint32_t *line,
                           uint32_t *column)
{
    const struct value *value = &entry->value;
    const struct yaml_place *place = &entry->place;

    while (*path != '\0') {
        int64_t index = child_find(value, &path);

        if (index < 0)
            break;
        place = &place->children[index];
        value = value->type == VALUE_LIST ? &value->items[index] : &value->members[index].value;
    }
    *line = place->line;
    *column = place->column;
}

/* What stands behind the =. */
static int set_value(const char *text, struct arena *arena, struct value *out,
                     struct experiment_error *error)
{
    struct yaml_place place;
    const char *wrong;

    while (*text == ' ')
        text++;
    if (*text != '\0' && strchr("[{'\"", *text) != NULL)
        return yaml_read_to(span_text(text), arena, out, &place, error);
    if (!cursor_text_is_utf8(span_text(text)))
        return refuse(error, ERR_MALFORMED, NULL, "the value is not UTF-8");
    wrong = yaml_scalar(text, arena, out);
    return wrong == NULL ? 0 : refuse(error, ERR_MALFORMED, NULL, "%s", wrong);
}

int experiment_file_apply_set(const struct value *root, const char *assignment, struct arena *arena,
                              struct value *out, struct experiment_error *error)
{
    const char *equals = strchr(assignment, '=');
    const char *path;
    struct value value;
    int err;

    if (equals == NULL || equals == assignment)
        return refuse(error, ERR_MALFORMED, NULL, "'%s' is not of the form key=value", assignment);
    path = arena_text(arena, span_of(assignment, (size_t)(equals - assignment)));
    err = set_value(equals + 1, arena, &value, error);
    if (err < 0)
        return err;
    if (!cursor_text_is_utf8(span_text(path)) || value_set_path(root, path, value, arena, out) < 0)
        return refuse(error, ERR_MALFORMED, NULL, "there is no place '%s' to set", path);
    return 0;
}
