/* spec_name.c - what an experiment's program and its trials are called. */
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/spec_read.h"
#include "common/tag.h"

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* Where the extension of a file's name begins, NULL where it has none: "train.py" has one,
 * "python3.11" and ".hidden" do not. */
static const char *extension(const char *name)
{
    const char *dot = strrchr(name, '.');
    size_t size;

    if (dot == NULL || dot == name)
        return NULL;
    size = strlen(dot + 1);
    for (size_t i = 1; i <= size; i++) {
        bool letter = (dot[i] >= 'a' && dot[i] <= 'z') || (dot[i] >= 'A' && dot[i] <= 'Z');
        bool digit = dot[i] >= '0' && dot[i] <= '9';

        if (!letter && !(digit && i > 1))
            return NULL;
    }
    return size >= 1 && size <= 5 ? dot : NULL;
}

static const char *stem(const char *name, struct arena *arena)
{
    const char *dot = extension(name);

    return dot != NULL ? arena_text(arena, span_of(name, (size_t)(dot - name))) : name;
}

/* A word that names a file, and no option, text for a shell or place for a value. */
static bool is_script(const char *word)
{
    return word[0] != '-' && strpbrk(word, " \t\n{}=*;|&<>") == NULL &&
           extension(base_name(word)) != NULL;
}

/* libsigmoid.so, libsigmoid.so.1 and sigmoid.so are all "sigmoid". */
static const char *library_name(const char *path, struct arena *arena)
{
    const char *name = base_name(path);
    const char *end = strstr(name, ".so");

    if (strncmp(name, "lib", 3) == 0 && name[3] != '\0' && name[3] != '.')
        name += 3;
    if (end == NULL || end <= name)
        return name;
    return arena_text(arena, span_of(name, (size_t)(end - name)));
}

const char *spec_run_name(enum run_kind kind, const char *run, char *const *words,
                          struct arena *arena)
{
    if (kind == RUN_NATIVE)
        return library_name(run, arena);
    if (kind == RUN_PYTHON)
        return run + strcspn(run, ":") + 1;
    for (size_t i = 0; words[i] != NULL; i++)
        if (is_script(words[i]))
            return stem(base_name(words[i]), arena);
    return base_name(words[0]);
}

/* A place in a pattern: "{id}" at `at`; -1 where it is none, else which of names. */
static int place_find(const char *at, const char *const *names, int count, size_t *size)
{
    for (int i = 0; i < count; i++) {
        size_t name_size = strlen(names[i]);

        if (strncmp(at + 1, names[i], name_size) == 0 && at[1 + name_size] == '}') {
            *size = name_size + 2;
            return i;
        }
    }
    return -1;
}

static const char *const place_names[] = {"run", "id", "tag", "n"};
enum { PLACE_RUN, PLACE_ID, PLACE_TAG, PLACE_N, PLACE_COUNT };

int spec_check_trial_name(struct spec_reader *reader, const char *pattern)
{
    bool unique = false;
    size_t size;

    for (const char *at = pattern; *at != '\0';) {
        int place;

        if (*at != '{' || at[1] == '{') {
            at += *at == '{' ? 2 : 1;
            continue;
        }
        place = place_find(at, place_names, PLACE_COUNT, &size);
        if (place < 0)
            return spec_refuse(reader, "write {run}, {id}, {tag} or {n}, and {{ for a brace",
                               "has an unknown place at '%s'", at);
        unique |= place != PLACE_RUN;
        at += size;
    }
    if (!unique)
        return spec_refuse(reader, "put {id}, {n} or {tag} in it",
                           "would give all trials the same name");
    return 0;
}

static void pattern_write(const char *pattern, const char *const values[PLACE_COUNT],
                          struct buf *out)
{
    size_t size;

    for (const char *at = pattern; *at != '\0';) {
        int place = *at == '{' ? place_find(at, place_names, PLACE_COUNT, &size) : -1;

        if (place >= 0) {
            buf_append_text(out, values[place]);
            at += size;
        } else {
            buf_append_char(out, *at);
            at += at[0] == '{' && at[1] == '{' ? 2 : 1;
        }
    }
}

/* It becomes the name of a directory. */
static const char *name_tame(struct buf *name, const char *trial_id, struct arena *arena)
{
    size_t size = name->size;

    for (size_t i = 0; i < size; i++)
        if (name->data[i] == '/' || name->data[i] < 0x20 || name->data[i] == 0x7f)
            name->data[i] = '_';
    size = tag_cut(buf_text(name), size, LIMIT_TRIAL_NAME);
    if (size == 0 || (size <= 2 && strspn((const char *)name->data, ".") >= size))
        return arena_strdup(arena, trial_id);
    return arena_text(arena, span_of(name->data, size));
}

const char *spec_trial_name(const struct spec *spec, const char *trial_id, uint32_t number,
                            const char *tag, struct arena *arena)
{
    const char *pattern = spec->trial_name;
    const char *values[PLACE_COUNT];
    struct buf out = {0};
    const char *name;
    char digits[16];

    (void)snprintf(digits, sizeof(digits), "%u", number);
    values[PLACE_RUN] = spec->run_name;
    values[PLACE_ID] = trial_id;
    values[PLACE_TAG] = tag;
    values[PLACE_N] = digits;
    if (pattern == NULL)
        pattern = tag[0] != '\0' ? "{run}_{tag}" : "{run}";
    pattern_write(pattern, values, &out);
    name = name_tame(&out, trial_id, arena);
    buf_fini(&out);
    return name;
}
