/* code_plan.c - which files an experiment's trials need: the first half of code_tree.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/code_tree.h"
#include "client/say.h"
#include "common/err.h"
#include "common/sys/fs.h"
#include "common/sys/home.h"

static const char *under(const char *base, const char *path, struct arena *arena)
{
    return path[0] == '/' ? path : arena_printf(arena, "%s/%s", base, path);
}

/* The folder of this program, where the libraries of the examples are, too. */
static const char *own_folder(struct arena *arena)
{
    char self[LIMIT_PATH_BYTES];

    return home_of_programs(self) == 0 ? arena_strdup(arena, self) : ".";
}

static int change_run(struct draft *draft, const char *key, const char *to, struct arena *arena)
{
    const char *path = arena_printf(arena, "run.%s", key);
    struct spec_error error;
    struct value value;

    if (value_set_path(&draft->value, path, value_text(arena, to), arena, &value) != 0 ||
        spec_parse(&value, arena, &draft->spec, &error) != 0)
        return say(EXIT_USAGE, path, NULL, "%s cannot stand there", to);
    draft->value = value;
    return 0;
}

/* Where the shared object is: beside the experiment's file or this program; NULL: in neither. */
static const char *library_find(const char *written, const char *base, struct arena *arena)
{
    const char *places[] = {base, own_folder(arena)};

    for (size_t i = 0; i < 2; i++) {
        const char *path = under(places[i], written, arena);

        if (fs_is_file(path))
            return path;
    }
    return NULL;
}

/* The folder that `code` names; NULL: there is none. */
static const char *folder_find(const char *written, const char *base, struct arena *arena)
{
    struct stat status;
    const char *path = under(base, written, arena);

    if (written[0] == '~') {
        char *real = home_expand(written);

        path = real != NULL ? arena_strdup(arena, real) : written;
        free(real);
    }
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode) ? path : NULL;
}

static bool has_folder(const struct spec *spec)
{
    return spec->code != NULL && strcmp(spec->code, "none") != 0;
}

static int missing(struct spec_error *error, const char *path, const char *written,
                   const char *what, const char *mend)
{
    (void)snprintf(error->path, sizeof(error->path), "%s", path);
    (void)snprintf(error->what, sizeof(error->what), "%.200s %s", written, what);
    (void)snprintf(error->mend, sizeof(error->mend), "%s", mend);
    return ERR_NOT_FOUND;
}

int code_plan_check(const struct draft *draft, const char *base, struct arena *arena,
                    struct spec_error *error)
{
    const struct spec *spec = &draft->spec;

    if (spec->run_kind == RUN_NATIVE && strchr(spec->run, '/') != NULL &&
        library_find(spec->run, base, arena) == NULL)
        return missing(error, "run.native", spec->run, "is not there",
                       "build it, or write its path from the file's folder");
    if (has_folder(spec) && folder_find(spec->code, base, arena) == NULL)
        return missing(error, "code", spec->code, "is no folder",
                       "code: . for the file's own folder, code: none for nothing");
    return 0;
}

/* Keeps the name that trials get from how the library was written. */
static int plan_native(struct draft *draft, const char *base, bool shared, struct arena *arena,
                       struct code_plan *plan)
{
    const char *written = draft->spec.run;
    const char *slash = strrchr(written, '/');
    const char *path = library_find(written, base, arena);

    if (path == NULL) { /* one with a folder was there when the file was checked */
        say_note("%s is not here: each node's system is to find it", written);
        return 0;
    }
    if (shared)
        return change_run(draft, "native", path, arena);
    plan->library = path;
    return change_run(draft, "native", slash != NULL ? slash + 1 : written, arena);
}

/* The words of a command; a rough cut where the configuration is not there to be put in. */
static char **command_words(const struct spec *spec, struct arena *arena)
{
    struct spec_error error;
    char **words;
    char *text;
    uint32_t count = 0;

    if (spec_command(spec->run, &spec->config, NULL, arena, &words, &error) == 0)
        return words;
    text = arena_strdup(arena, spec->run);
    words = arena_alloc(arena, (strlen(text) / 2 + 2) * sizeof(*words));
    for (char *word = strtok(text, " \t\n"); word != NULL; word = strtok(NULL, " \t\n"))
        words[count++] = word;
    words[count] = NULL;
    return words;
}

static bool is_shell(const char *word)
{
    static const char *const shells[] = {"sh", "bash", "dash", "zsh", "ksh"};
    const char *slash = strrchr(word, '/');
    const char *name = slash != NULL ? slash + 1 : word;

    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
        if (strcmp(name, shells[i]) == 0)
            return true;
    return false;
}

/* The word that names the script; NULL where none does. */
static const char *script_word(char *const *words, const char *base, struct arena *arena)
{
    if (words[0] == NULL)
        return NULL;
    if (words[0][0] != '/' && strchr(words[0], '/') != NULL)
        return fs_is_file(under(base, words[0], arena)) ? words[0] : NULL;
    for (size_t i = 1; words[i] != NULL; i++) {
        if (strcmp(words[i], "-c") == 0 && is_shell(words[0]))
            return NULL;
        if (words[i][0] != '-' && fs_is_file(under(base, words[i], arena)))
            return words[i];
    }
    return NULL;
}

/* "./a/../b" and the like cannot be a place in a tree. */
static bool goes_up(const char *path)
{
    for (const char *at = path; (at = strstr(at, "..")) != NULL; at += 2)
        if ((at == path || at[-1] == '/') && (at[2] == '\0' || at[2] == '/'))
            return true;
    return false;
}

/* The command with its script called by its name alone, as it stands at the tree's top. */
static int rename_script(struct draft *draft, const char *word, struct arena *arena)
{
    const char *slash = strrchr(word, '/');
    const char *at = strstr(draft->spec.run, word);

    if (at == NULL)
        return 0; /* quoted in a way of its own: it stays as it is */
    return change_run(draft, "command",
                      arena_printf(arena, "%.*s%s%s%s", (int)(at - draft->spec.run),
                                   draft->spec.run, at == draft->spec.run ? "./" : "", slash + 1,
                                   at + strlen(word)),
                      arena);
}

static int plan_command(struct draft *draft, const char *base, bool shared, struct arena *arena,
                        struct code_plan *plan)
{
    const char *word = script_word(command_words(&draft->spec, arena), base, arena);
    const char *path;
    const char *slash;

    if (word == NULL || (word[0] == '/' && shared))
        return 0;
    while (strncmp(word, "./", 2) == 0)
        word += 2;
    path = under(base, word, arena);
    slash = strrchr(path, '/');
    plan->root = arena_text(arena, span_of(path, (size_t)(slash - path)));
    if (slash == path)
        plan->root = "/";
    plan->only = slash + 1; /* until the folder is found to be small */
    slash = strrchr(word, '/');
    if (slash == NULL)
        return 0;
    if (word[0] == '/' || goes_up(word))
        return rename_script(draft, word, arena);
    plan->prefix = arena_text(arena, span_of(word, (size_t)(slash - word) + 1));
    return 0;
}

/* The folder that a Python module stands in is that of the experiment's file; its top is a file
 * there, or a folder. */
static void plan_python(const struct draft *draft, const char *base, struct arena *arena,
                        struct code_plan *plan)
{
    const char *run = draft->spec.run;
    const char *top = arena_text(arena, span_of(run, strcspn(run, ".:")));
    const char *file = arena_printf(arena, "%s.py", top);

    if (fs_is_file(under(base, file, arena))) {
        plan->root = base;
        plan->only = file; /* until the folder is found to be small */
    } else if (folder_find(top, base, arena) != NULL) {
        plan->root = base;
    } else {
        say_note("%s is not beside the experiment's file: each node's Python is to find it", top);
    }
}

int code_plan_make(struct draft *draft, const char *base, bool shared, struct arena *arena,
                   struct code_plan *out)
{
    /* Results are no code, and the home holds keys. */
    struct code_plan plan = {.prefix = "", .leave_out = {draft->spec.local_dir, home_dir()}};
    int rc = 0;

    if (draft->spec.run_kind == RUN_NATIVE)
        rc = plan_native(draft, base, shared, arena, &plan);
    else if (draft->spec.run_kind == RUN_PYTHON && draft->spec.code == NULL)
        plan_python(draft, base, arena, &plan);
    else if (draft->spec.code == NULL)
        rc = plan_command(draft, base, shared, arena, &plan);
    if (rc == 0 && has_folder(&draft->spec)) {
        plan.root = folder_find(draft->spec.code, base, arena);
        plan.asked = true;
        if (plan.root == NULL)
            rc = say(EXIT_USAGE, "code", "submit again", "%s has just gone", draft->spec.code);
    }
    if (rc == 0)
        *out = plan;
    return rc;
}
