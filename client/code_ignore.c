#include "client/code_ignore.h"

#include <fnmatch.h>
#include <stdint.h>
#include <string.h>

struct ignore_pattern {
    const char *folder; /* where it stands: "" or "a/b/" */
    const char *text;
    bool whole;   /* of the path from folder on, not of any name below it */
    bool folders; /* only of folders */
    bool keep;    /* `!`: not left out after all */
};

void ignore_init(struct ignore *ignore, struct arena *arena)
{
    *ignore = (struct ignore){.arena = arena};
}

static void add(struct ignore *ignore, struct ignore_pattern pattern)
{
    struct ignore_pattern *grown;

    if (ignore->count == ignore->room) {
        ignore->room = ignore->room > 0 ? ignore->room * 2 : 16;
        grown = arena_alloc(ignore->arena, ignore->room * sizeof(*grown));
        if (ignore->count > 0)
            memcpy(grown, ignore->patterns, ignore->count * sizeof(*grown));
        ignore->patterns = grown;
    }
    ignore->patterns[ignore->count++] = pattern;
}

static void add_line(struct ignore *ignore, const char *folder, struct span line)
{
    struct ignore_pattern pattern = {.folder = arena_strdup(ignore->arena, folder)};
    char *text = arena_text(ignore->arena, line);
    size_t size = strlen(text);

    while (size > 0 && strchr(" \t\r", text[size - 1]) != NULL)
        text[--size] = '\0';
    if (size == 0 || text[0] == '#')
        return;
    if (text[0] == '!') {
        pattern.keep = true;
        text++;
        size--;
    }
    if (size > 0 && text[size - 1] == '/') {
        pattern.folders = true;
        text[--size] = '\0';
    }
    while (strncmp(text, "**/", 3) == 0)
        text += 3;
    if (text[0] == '\0')
        return;
    pattern.whole = strchr(text, '/') != NULL;
    pattern.text = text[0] == '/' ? text + 1 : text;
    add(ignore, pattern);
}

void ignore_add(struct ignore *ignore, const char *folder, struct span text)
{
    const char *at = text.data;
    const char *end = at + text.size;

    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));

        if (stop == NULL)
            stop = end;
        if (memchr(at, 0, (size_t)(stop - at)) == NULL)
            add_line(ignore, folder, span_of(at, (size_t)(stop - at)));
        at = stop + 1;
    }
}

static bool pattern_matches(const struct ignore_pattern *pattern, const char *path, bool is_folder)
{
    size_t size = strlen(pattern->folder);
    const char *slash = strrchr(path, '/');

    if ((pattern->folders && !is_folder) || strncmp(path, pattern->folder, size) != 0)
        return false;
    if (pattern->whole)
        return fnmatch(pattern->text, path + size, FNM_PATHNAME) == 0;
    return fnmatch(pattern->text, slash != NULL ? slash + 1 : path, 0) == 0;
}

bool ignore_matches(const struct ignore *ignore, const char *path, bool is_folder)
{
    for (uint32_t i = ignore->count; i-- > 0;)
        if (pattern_matches(&ignore->patterns[i], path, is_folder))
            return !ignore->patterns[i].keep;
    return false;
}
