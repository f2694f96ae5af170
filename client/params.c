#include "client/params.h"

#include <math.h>
#include <string.h>

#include "client/flat.h"
#include "client/rows.h"
#include "client/trial_table.h"
#include "common/number.h"
#include "common/space.h"
#include "common/table.h"

#define FOUND_MOST 4096u /* names that are looked at: those of a space (LIMIT_VARIABLES) */
#define OTHERS     "(others)"

/* A name: after the first look at all configurations it is known whether it varies. */
struct found {
    const char *name;
    const char *first; /* its first value, as text */
    uint32_t values;   /* trials that have it */
    bool differs;      /* from the first */
    bool all_numbers;
    struct param *param; /* NULL: it does not vary, or there is no room; the rest is for it alone */
    struct table *by_text; /* the place of a word, from 1 */
};

struct finder {
    struct arena *arena;
    struct table *by_name; /* struct found */
    struct found **items;
    uint32_t count;
    uint32_t trial;
    bool filling; /* the second look */
};

static struct found *found_of(struct finder *finder, const char *name)
{
    struct found *found = table_get(finder->by_name, span_text(name));

    if (found != NULL || finder->count == FOUND_MOST || finder->filling)
        return found;
    found = arena_zalloc(finder->arena, sizeof(*found));
    found->name = arena_strdup(finder->arena, name);
    found->all_numbers = true;
    (void)table_put(finder->by_name, span_text(name), found);
    finder->items[finder->count++] = found;
    return found;
}

/* The place of a word; further ones than there is room for share the last place. */
static uint32_t place_of(struct found *found, const char *text, struct arena *arena)
{
    struct param *param = found->param;
    uintptr_t place = (uintptr_t)table_get(found->by_text, span_text(text));

    if (place != 0)
        return (uint32_t)place - 1;
    if (param->words == FOREST_WORDS) {
        param->texts[FOREST_WORDS - 1] = OTHERS;
        return FOREST_WORDS - 1;
    }
    param->texts[param->words++] = arena_strdup(arena, text);
    (void)table_put(found->by_text, span_text(text), (void *)(uintptr_t)param->words);
    return param->words - 1;
}

static void take_text(struct finder *finder, struct found *found, const char *text, double number)
{
    if (finder->filling) {
        found->param->values[finder->trial] =
            found->all_numbers ? number : place_of(found, text, finder->arena);
        return;
    }
    found->values++;
    if (found->first == NULL)
        found->first = arena_strdup(finder->arena, text);
    found->differs |= strcmp(found->first, text) != 0;
}

static void take_leaf(const char *path, const struct value *value, void *context)
{
    struct finder *finder = context;
    struct found *found = found_of(finder, path);
    double number = value_is_number(value) ? value_number(value) : 0;
    struct buf text = {0};

    if (found == NULL || !isfinite(number) || (finder->filling && found->param == NULL))
        return;
    if (value_is_number(value))
        text.size += number_repr(number, (char *)buf_reserve(&text, NUMBER_BYTES));
    else
        trial_value_text(value, &text);
    found->all_numbers &= value_is_number(value);
    take_text(finder, found, buf_text(&text), number);
    buf_fini(&text);
}

static void look(struct finder *finder, const struct msg_trial_row *rows, uint32_t count)
{
    struct arena scratch = {0};

    for (finder->trial = 0; finder->trial < count; finder->trial++) {
        struct value config;

        arena_reset(&scratch);
        config = rows_unpacked(rows[finder->trial].config, &scratch);
        flat_walk(&config, "", &scratch, take_leaf, finder);
    }
    arena_fini(&scratch);
}

/* Names of the domains in log space, those inside the values of others, too. A name with several
 * domains is logarithmic where all of them are: with any other, it is "linear" in the end. */
struct logs {
    struct table *by_name; /* of what is set: one of the two below */
    struct arena *arena;
};

static char is_log_mark;
static char is_linear_mark;

static void note_domain(struct logs *logs, const char *path, enum domain_kind kind)
{
    bool log = kind == DOMAIN_LOGUNIFORM || kind == DOMAIN_QLOGUNIFORM || kind == DOMAIN_LOGRANDINT;

    if (!log || table_get(logs->by_name, span_text(path)) == NULL)
        (void)table_put(logs->by_name, span_text(path), log ? &is_log_mark : &is_linear_mark);
}

static void look_for_logs(struct logs *logs, const struct value *space, const char *path)
{
    struct space_error error;
    struct domain domain;

    if (domain_parse(space, &domain, &error) == 1) {
        bool chooses = domain.kind == DOMAIN_GRID || domain.kind == DOMAIN_CHOICE;

        if (!chooses)
            note_domain(logs, path, domain.kind);
        for (uint32_t i = 0; chooses && i < domain.choices->count; i++)
            look_for_logs(logs, &domain.choices->items[i], path);
        return;
    }
    for (uint32_t i = 0; space->type == VALUE_MAP && i < space->count; i++)
        look_for_logs(logs, &space->members[i].value,
                      path[0] == '\0'
                          ? space->members[i].key
                          : arena_printf(logs->arena, "%s.%s", path, space->members[i].key));
}

static void prepare(struct found *found, struct param *param, uint32_t place, uint32_t trials,
                    struct arena *arena)
{
    *param = (struct param){
        .name = found->name,
        .place = place,
        .absent = found->values < trials,
        .values = arena_alloc(arena, trials * sizeof(double)),
        .share = (double)NAN,
    };
    for (uint32_t i = 0; i < trials; i++)
        param->values[i] = (double)NAN;
    found->param = param;
    if (found->all_numbers)
        return;
    param->texts = arena_alloc(arena, FOREST_WORDS * sizeof(char *));
    found->by_text = table_new();
}

static void keep_those_that_vary(const struct finder *finder, uint32_t trials, struct params *out)
{
    out->items = arena_alloc(finder->arena, PARAMS_MOST * sizeof(*out->items));
    for (uint32_t i = 0; i < finder->count; i++) {
        struct found *found = finder->items[i];

        if (found->values == 0 || (!found->differs && found->values == trials))
            continue;
        if (out->count == PARAMS_MOST) {
            out->left_out++;
        } else {
            prepare(found, &out->items[out->count], out->count, trials, finder->arena);
            out->count++;
        }
    }
}

static void finish(struct param *param, const struct logs *logs, uint32_t trials)
{
    param->low = (double)INFINITY;
    param->high = (double)-INFINITY;
    for (uint32_t i = 0; i < trials; i++) {
        if (isnan(param->values[i]))
            continue;
        param->low = param->values[i] < param->low ? param->values[i] : param->low;
        param->high = param->values[i] > param->high ? param->values[i] : param->high;
    }
    param->log = param->words == 0 && param->low > 0 &&
                 table_get(logs->by_name, span_text(param->name)) == &is_log_mark;
}

void params_find(const struct msg_trial_row *rows, uint32_t count, const struct value *space,
                 struct arena *arena, struct params *out)
{
    struct finder finder = {.arena = arena, .by_name = table_new()};
    struct logs logs = {.arena = arena, .by_name = table_new()};

    *out = (struct params){0};
    finder.items = arena_alloc(arena, FOUND_MOST * sizeof(struct found *));
    look(&finder, rows, count);
    keep_those_that_vary(&finder, count, out);
    finder.filling = true;
    look(&finder, rows, count);
    if (space != NULL)
        look_for_logs(&logs, space, "");
    for (uint32_t i = 0; i < out->count; i++)
        finish(&out->items[i], &logs, count);
    for (uint32_t i = 0; i < finder.count; i++)
        table_free(finder.items[i]->by_text);
    table_free(finder.by_name);
    table_free(logs.by_name);
}

void params_text(const struct param *param, double value, struct buf *out)
{
    if (isnan(value))
        buf_append_text(out, "(none)");
    else if (param->words > 0)
        buf_append_text(out, param->texts[(uint32_t)value]);
    else
        buf_printf(out, "%.6g", value);
}
