/* pick.c - what a selector means: the second half of source.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "client/say.h"
#include "client/source.h"
#include "common/xalloc.h"

static int none(const char *selects)
{
    return say(EXIT_REFUSED, selects, "assay list", "no experiment or trial is called so");
}

static int several(const char *selects)
{
    return say(EXIT_USAGE, selects, "write more of it", "that may be more than one");
}

enum found { FOUND_ONE, FOUND_NONE, FOUND_SEVERAL };

/* The experiment of a number, or the one whose name begins so. */
static enum found find_experiment(const struct msg_experiments *list,
                                  const struct selector *selector, struct msg_experiment_row *out)
{
    const struct msg_experiment_row *rows = list->rows.items;
    const struct msg_experiment_row *found = NULL;
    bool several_found = false;

    for (uint32_t i = 0; i < list->rows.count; i++) {
        if (selector->kind == SELECT_LAST) {
            found = &rows[i]; /* they come in the order of their numbers */
        } else if (selector->kind == SELECT_NUMBER) {
            if (rows[i].experiment == selector->number)
                found = &rows[i];
        } else if (span_is(rows[i].name, selector->text)) {
            /* The whole name goes before longer ones; of equal ones the newest counts. */
            found = &rows[i];
            several_found = false;
        } else if (selector_begins(rows[i].name, selector->text) &&
                   (found == NULL || !span_is(found->name, selector->text))) {
            several_found |= found != NULL && !span_equal(found->name, rows[i].name);
            found = &rows[i];
        }
    }
    if (found == NULL)
        return FOUND_NONE;
    if (several_found)
        return FOUND_SEVERAL;
    *out = *found;
    return FOUND_ONE;
}

/* Looks for trials by the beginning of their id or name. */
struct hunt {
    const char *text;
    uint32_t trial;
    uint32_t hits;
    bool exact;
};

/* `stop 12` is about an experiment, and not about a trial whose id begins so when that has gone. */
static bool is_number(const char *text)
{
    return text[strspn(text, "0123456789")] == '\0';
}

static bool hunt_row(const struct msg_trial_row *row, void *context)
{
    struct hunt *hunt = context;

    if (span_is(row->id, hunt->text) || span_is(row->name, hunt->text)) {
        hunt->trial = row->trial;
        hunt->hits = 1;
        hunt->exact = true;
        return false;
    }
    if (!is_number(hunt->text) &&
        (selector_begins(row->id, hunt->text) || selector_begins(row->name, hunt->text))) {
        hunt->hits += hunt->hits == 0 || hunt->trial != row->trial;
        hunt->trial = row->trial;
    }
    return true;
}

static void pick_one(struct pick *pick, uint32_t trial, struct arena *arena)
{
    pick->has_trials = true;
    pick->trials = arena_alloc(arena, sizeof(*pick->trials));
    pick->trials[0] = trial;
    pick->count = 1;
}

/* No experiment is called so: a trial may be. The newest experiments are looked at first. */
static int find_trial(struct source *source, const struct msg_experiments *list,
                      const char *selects, struct arena *arena, struct pick *out)
{
    const struct msg_experiment_row *rows = list->rows.items;
    uint32_t hits = 0;

    for (uint32_t i = list->rows.count; i-- > 0;) {
        struct hunt hunt = {.text = selects};
        int rc = source_each_trial(source, rows[i].experiment, hunt_row, &hunt);

        if (rc != 0)
            return rc;
        if (hunt.hits == 0)
            continue;
        hits += hunt.hits;
        out->experiment = rows[i];
        pick_one(out, hunt.trial, arena);
        if (hunt.exact)
            return 0;
    }
    return hits == 0 ? none(selects) : hits > 1 ? several(selects) : 0;
}

struct range_hunt {
    const struct selector *selector;
    uint32_t *trials; /* owned */
    size_t count;
    size_t room;
};

static bool range_row(const struct msg_trial_row *row, void *context)
{
    struct range_hunt *hunt = context;

    if (!selector_has(hunt->selector, row->trial))
        return true;
    if (hunt->count == hunt->room) {
        hunt->room = hunt->room > 0 ? hunt->room * 2 : 16;
        hunt->trials = xrealloc(hunt->trials, hunt->room, sizeof(*hunt->trials));
    }
    hunt->trials[hunt->count++] = row->trial;
    return true;
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;

    return left < right ? -1 : left > right;
}

static int pick_ranges(struct source *source, const struct selector *selector, const char *selects,
                       struct arena *arena, struct pick *out)
{
    struct range_hunt hunt = {.selector = selector};
    uint32_t trial;
    int rc;

    if (selector_single(selector, &trial)) {
        pick_one(out, trial, arena); /* the head says if it is not there */
        return 0;
    }
    rc = source_each_trial(source, out->experiment.experiment, range_row, &hunt);
    if (rc == 0 && hunt.count == 0)
        rc = none(selects);
    if (rc == 0) {
        qsort(hunt.trials, hunt.count, sizeof(*hunt.trials), compare_u32);
        out->has_trials = true;
        out->trials = arena_alloc(arena, hunt.count * sizeof(*hunt.trials));
        memcpy(out->trials, hunt.trials, hunt.count * sizeof(*hunt.trials));
        for (size_t i = 0; i < hunt.count; i++)
            if (out->count == 0 || out->trials[out->count - 1] != out->trials[i])
                out->trials[out->count++] = out->trials[i];
    }
    free(hunt.trials);
    return rc;
}

static int pick_trials(struct source *source, const struct selector *selector, const char *selects,
                       struct arena *arena, struct pick *out)
{
    struct hunt hunt = {.text = selector->trial};
    int rc;

    if (selector->trial == NULL)
        return pick_ranges(source, selector, selects, arena, out);
    rc = source_each_trial(source, out->experiment.experiment, hunt_row, &hunt);
    if (rc != 0)
        return rc;
    if (hunt.hits == 0)
        return none(selects);
    if (hunt.hits > 1)
        return several(selects);
    pick_one(out, hunt.trial, arena);
    return 0;
}

int source_pick(struct source *source, const char *selects, struct arena *arena, struct pick *out)
{
    struct selector selector;
    struct msg_experiments list;
    struct pick pick = {0};
    enum found found;
    const char *why;
    int rc;

    if (selects == NULL)
        selects = "last";
    if (source_is_named(source))
        selects = "last"; /* the one that is there */
    if (!selector_parse(selects, arena, &selector, &why))
        return say(EXIT_USAGE, selects, "assay list", "%s", why);
    rc = source_list(source, arena, &list);
    if (rc != 0)
        return rc;
    if (list.rows.count == 0)
        return say(EXIT_REFUSED, selects, "assay submit FILE", "there are no experiments");
    if (selector.kind == SELECT_PATH)
        return say(EXIT_USAGE, selects, "its number or name; see: assay list",
                   "a folder's experiment is not the head's");
    if (selector.kind == SELECT_ALL)
        return several(selects);
    found = find_experiment(&list, &selector, &pick.experiment);
    if (found == FOUND_NONE && selector.kind == SELECT_NUMBER) {
        selector.kind = SELECT_TEXT; /* a name may begin with digits */
        found = find_experiment(&list, &selector, &pick.experiment);
    }
    if (found == FOUND_SEVERAL)
        return several(selects);
    if (found == FOUND_NONE)
        rc = selector.has_trials ? none(selects) : find_trial(source, &list, selects, arena, &pick);
    else if (selector.has_trials)
        rc = pick_trials(source, &selector, selects, arena, &pick);
    if (rc == 0)
        *out = pick;
    return rc;
}

int source_pick_trial(struct source *source, const char *selects, struct arena *arena,
                      struct pick *out)
{
    struct pick pick;
    int rc = source_pick(source, selects, arena, &pick);

    if (rc != 0)
        return rc;
    if (!pick.has_trials && pick.experiment.created == 1)
        pick_one(&pick, 0, arena);
    if (!pick.has_trials || pick.count != 1)
        return say(EXIT_USAGE, selects, "EXPERIMENT/NUMBER, or its id; see: assay trials",
                   "one trial is wanted here");
    *out = pick;
    return 0;
}

int source_pick_experiment(struct source *source, const char *selects, struct arena *arena,
                           struct pick *out)
{
    struct pick pick;
    int rc = source_pick(source, selects, arena, &pick);

    if (rc != 0)
        return rc;
    if (pick.has_trials)
        return say(EXIT_USAGE, selects, "its number or name; see: assay list",
                   "an experiment is wanted here");
    *out = pick;
    return 0;
}
