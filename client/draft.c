#include "client/draft.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/code_tree.h"
#include "client/policy.h"
#include "client/say.h"
#include "client/warm_start.h"
#include "client/yaml_write.h"
#include "common/err.h"
#include "common/json.h"
#include "common/sys/fs.h"
#include "common/sys/home.h"

#define LOCAL_DIR "~/assay_results"

static int say_at(const char *file, uint32_t line, uint32_t column, const char *mend,
                  const char *why, struct arena *arena)
{
    const char *what = line > 0 ? arena_printf(arena, "%s:%u:%u", file, line, column) : file;

    if (mend == NULL || mend[0] == '\0')
        mend = "docs/EXPERIMENT.md has all keys; examples/ has files to start from";
    return say(EXIT_USAGE, what, mend, "%s", why);
}

static int refuse(struct spec_error *error, const char *key, const char *mend, const char *what)
{
    *error = (struct spec_error){0};
    (void)snprintf(error->path, sizeof(error->path), "%s", key);
    (void)snprintf(error->what, sizeof(error->what), "%s", what);
    (void)snprintf(error->mend, sizeof(error->mend), "%s", mend);
    return ERR_MALFORMED;
}

/* What the head would refuse where its trials run on nodes; and a program that would wait for
 * results which nobody keeps. */
static int check_placed(const struct draft *draft, const char *base, struct arena *arena,
                        struct spec_error *error)
{
    if (draft->spec.on_result != NULL && (draft->spec.files & FILES_RESULT) == 0)
        return refuse(error, "on_result", "add result to files, or take on_result away",
                      "is told what result.json holds, which files leaves out");
    if (draft->spec.num_samples == 0)
        return refuse(error, "num_samples", "0 is for: assay drive",
                      arena_printf(arena, "must be from 1 to %u", LIMIT_SAMPLES));
    return code_plan_check(draft, base, arena, error);
}

static int check(const char *file, const struct experiment_entry *entry, const struct value *value,
                 const struct drafts *drafts, struct arena *arena, struct draft *draft)
{
    struct spec_error error = {0};
    const char *why;
    uint32_t line = 0;
    uint32_t column = 0;

    if (spec_parse(value, arena, &draft->spec, &error) == 0 &&
        (drafts->by_hand || check_placed(draft, drafts->base, arena, &error) == 0)) {
        draft->value = *value;
        return 0;
    }
    why = error.path[0] != '\0' ? arena_printf(arena, "%s: %s", error.path, error.what)
                                : arena_strdup(arena, error.what);
    if (entry == NULL)
        return say_at("experiment", 0, 0, error.mend, why, arena);
    experiment_file_place(entry, error.path, &line, &column);
    return say_at(file, line, column, error.mend, why, arena);
}

/* Where results go, as an absolute path: the head's working directory is another. */
static int make_local_dir(struct value *value, struct arena *arena)
{
    const struct value *given = value_get(value, "local_dir");
    struct value out;
    char *path;
    int err;

    if (given != NULL && given->type != VALUE_TEXT && given->type != VALUE_NULL)
        return 0; /* spec_parse says so, with its line */
    path = home_expand(given != NULL && given->type == VALUE_TEXT ? given->text : LOCAL_DIR);
    if (path == NULL)
        return say_errno(EXIT_USAGE, "local_dir", "write an absolute path");
    err = value_set_path(value, "local_dir", value_text(arena, path), arena, &out);
    free(path);
    if (err == 0)
        *value = out;
    return 0; /* what is no map is refused by spec_parse */
}

/* The experiments as a file: one, or a map by name. */
static int save(const char *path, const struct value *values, uint32_t count, struct arena *arena)
{
    struct value whole = values[0];
    struct value_builder map;
    struct buf text = {0};
    int err;

    if (count > 1) {
        value_builder_map(&map, arena);
        for (uint32_t i = 0; i < count; i++) {
            const struct value *name = value_get(&values[i], "name");

            value_builder_set(&map,
                              name != NULL && name->type == VALUE_TEXT
                                  ? name->text
                                  : arena_printf(arena, "experiment_%u", i),
                              values[i]);
        }
        whole = value_builder_done(&map);
    }
    if (span_ends_with(span_text(path), ".json")) {
        json_write(&whole, JSON_INDENT, &text);
        buf_append_char(&text, '\n');
    } else {
        yaml_write_file(&whole, &text);
    }
    err = strcmp(path, "-") == 0 ? fs_write_all(1, text.data, text.size)
                                 : fs_write_atomic(path, 0644, text.data, text.size);
    buf_fini(&text);
    return err == 0 ? 0 : say_errno(EXIT_USAGE, path, "name a file that can be written");
}

static const char *folder_of(const char *file, struct arena *arena)
{
    const char *slash = file != NULL ? strrchr(file, '/') : NULL;
    char *folder;
    const char *out;

    if (slash == file && slash != NULL)
        return "/";
    folder =
        home_expand(slash != NULL ? arena_text(arena, span_of(file, (size_t)(slash - file))) : "");
    if (folder == NULL)
        return NULL;
    out = arena_strdup(arena, folder);
    free(folder);
    return out;
}

/* The file's own texts were looked at when it was read; flags and words come as they are. */
static int check_words(char *const *words, const struct draft_flags *flags, struct arena *arena)
{
    const struct option_texts *lists[] = {&flags->sets, &flags->spaces};

    for (size_t i = 0; words != NULL && words[i] != NULL; i++)
        if (!cursor_text_is_utf8(span_text(words[i])))
            return say(EXIT_USAGE, "the command", "a file's name can stand in a script of UTF-8",
                       "word %zu is not UTF-8", i + 1);
    for (size_t i = 0; i < 2; i++)
        for (uint32_t k = 0; k < lists[i]->count; k++)
            if (!cursor_text_is_utf8(span_text(lists[i]->items[k])))
                return say(EXIT_USAGE,
                           arena_printf(arena, "%s%s", i == 0 ? "--" : "-p ", lists[i]->items[k]),
                           "write it in UTF-8", "it is not UTF-8");
    return 0;
}

static int read_entries(const char *file, char *const *words, struct arena *arena,
                        struct experiment_file *out)
{
    struct experiment_error error = {0};
    int err;

    if (file == NULL) {
        out->entries = arena_zalloc(arena, sizeof(*out->entries));
        out->entries[0].value = draft_of_words(words, arena);
        out->count = 1;
        return 0;
    }
    err = experiment_file_read(file, arena, out, &error);
    if (err == 0)
        return 0;
    return say_at(file, error.line, error.column,
                  error.line > 0       ? NULL
                  : err == ERR_TOO_BIG ? "put big data in a file of its own, and its path here"
                                       : "check its name and place",
                  error.what, arena);
}

/* Who runs the trials by hand need not say what is run. */
static void make_run(struct value *value, struct arena *arena)
{
    const struct value *given = value_get(value, "run");
    struct value_builder map;
    struct value out;

    if (value->type != VALUE_MAP || (given != NULL && given->type != VALUE_NULL))
        return;
    value_builder_map(&map, arena);
    value_builder_set(&map, "command", value_text(arena, "drive"));
    if (value_set_path(value, "run", value_builder_done(&map), arena, &out) == 0)
        *value = out;
}

static int check_all(const char *file, const struct experiment_file *entries,
                     const struct value *values, const struct warm_start_place *place,
                     struct arena *arena, struct drafts *out)
{
    for (uint32_t i = 0; i < entries->count; i++) {
        struct value value = values[i];
        int rc = make_local_dir(&value, arena);

        if (out->by_hand)
            make_run(&value, arena);
        if (rc == 0)
            rc = policy_read(&value, place->base, arena);
        if (rc == 0)
            rc = warm_start_read(&value, place, arena);
        if (rc == 0)
            rc = check(file, file != NULL ? &entries->entries[i] : NULL, &value, out, arena,
                       &out->items[i]);
        if (rc != 0)
            return rc;
    }
    return 0;
}

int drafts_read(const char *file, char *const *words, const struct draft_flags *flags,
                struct arena *arena, struct drafts *out)
{
    struct experiment_file entries;
    struct drafts drafts = {.base = folder_of(file, arena), .by_hand = flags->by_hand};
    const struct warm_start_place place = {
        .base = drafts.base, .address = flags->address, .token_file = flags->token_file};
    struct value *values;
    int rc = check_words(words, flags, arena);

    if (rc == 0)
        rc = read_entries(file, words, arena, &entries);
    if (rc != 0)
        return rc;
    if (drafts.base == NULL)
        return say_errno(EXIT_USAGE, "this folder", "cd to one that is there");
    drafts.items = arena_zalloc(arena, entries.count * sizeof(*drafts.items));
    drafts.count = entries.count;
    values = arena_alloc(arena, entries.count * sizeof(*values));
    for (uint32_t i = 0; i < entries.count; i++) {
        values[i] = entries.entries[i].value;
        rc = draft_apply_flags(flags, arena, &values[i]);
        if (rc != 0)
            return rc;
    }
    rc = check_all(file, &entries, values, &place, arena, &drafts);
    if (rc == 0 && flags->save != NULL)
        rc = save(flags->save, values, entries.count, arena);
    if (rc == 0)
        *out = drafts;
    return rc;
}

int drafts_read_one(const char *file, const struct draft_flags *flags, const char *doing,
                    struct arena *arena, struct draft **out)
{
    struct draft_flags by_hand = *flags;
    struct drafts drafts;
    int rc;

    *out = NULL;
    by_hand.by_hand = true;
    rc = drafts_read(file, NULL, &by_hand, arena, &drafts);
    if (rc != 0 || flags->save != NULL)
        return rc;
    if (drafts.count > 1)
        return say(EXIT_USAGE, file, "put each into a file of its own",
                   "it has %u experiments, and one can be %s", drafts.count, doing);
    *out = &drafts.items[0];
    return 0;
}
