#include "tests/matrix/cell.h"

#include <stdio.h>
#include <string.h>

#include "head/core/search.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Domains of every kind, one inside another; and a value for who explores. */
static const char config[] =
    "{\"lr\":{\"loguniform\":[0.0001,1]},\"units\":{\"qrandint\":[8,64,8]},\"act\":{\"choice\":["
    "\"relu\",{\"leaky\":{\"uniform\":[0,0.3]}}]},\"noise\":{\"randn\":[0,1]},\"layers\":{"
    "\"lograndint\":[1,100]},\"decay\":{\"qloguniform\":[0.001,1,0.0005]},\"drop\":{\"quniform\":"
    "[0,0.9,0.1]},\"seed\":{\"randint\":[0,1000]},\"width\":{\"grid_search\":[1,2]},\"momentum\":"
    "0.9}";

static const char points[] = "[{\"lr\":0.1},{\"units\":16,\"act\":\"relu\",\"width\":2}]";

/* What a searcher needs beside its name. */
static const struct {
    const char *searcher;
    const char *keys;
} search_keys[] = {
    {"list", ",\"points\":[{\"lr\":0.5},{\"units\":24,\"act\":\"relu\"}]"},
};

/* A value of a key that reads its own. */
static const struct {
    const char *key;
    const char *value;
} own_keys[] = {
    {"policy", "[{\"at\":2,\"config\":{\"momentum\":0.8}},{\"at\":4,\"config\":{\"momentum\":0.7,"
               "\"lr\":0.01}},{\"at\":6,\"config\":{\"lr\":0.02}}]"},
    {"hyperparam_mutations", "{\"momentum\":[0.8,0.9,0.99],\"lr\":{\"loguniform\":[0.0001,1]}}"},
};

static void write_own_keys(const struct scheduler_type *type, struct buf *out)
{
    for (uint32_t i = 0; i < SCHEDULER_KEYS && type->keys[i].name != NULL; i++)
        for (size_t k = 0; k < COUNT(own_keys); k++)
            if (strcmp(own_keys[k].key, type->keys[i].name) == 0)
                buf_printf(out, ",\"%s\":%s", own_keys[k].key, own_keys[k].value);
}

static void write_scheduler(const struct cell *cell, struct buf *out)
{
    buf_printf(out, ",\"scheduler\":{\"type\":\"%s\"", cell->type->name);
    if (cell->type->form != NULL)
        buf_printf(out, ",\"form\":\"%s\"", cell->type->form);
    if (cell->type->judges)
        buf_append_text(out, ",\"time_attr\":\"training_iteration\"");
    if (cell->old)
        buf_append_text(out, ",\"semantics\":\"tune-0.7\"");
    if (cell->word != NULL)
        buf_printf(out, ",\"%s\":\"%s\"", cell->key->name, cell->word);
    else if (cell->key != NULL)
        buf_printf(out, ",\"%s\":%u", cell->key->name, cell->count);
    write_own_keys(cell->type, out);
    buf_append_char(out, '}');
}

void cell_print(const struct cell *cell, struct buf *out)
{
    buf_printf(out,
               "{\"name\":\"m\",\"run\":{\"command\":\"t.py\"},\"local_dir\":\"/r\","
               "\"num_samples\":10,\"max_failures\":2,\"metric\":\"r\",\"mode\":\"%s\","
               "\"stop\":{\"training_iteration\":200},\"config\":%s,\"search\":{\"type\":"
               "\"%s\",\"seed\":7",
               cell->min ? "min" : "max", config, cell->searcher);
    for (size_t i = 0; i < COUNT(search_keys); i++)
        if (strcmp(search_keys[i].searcher, cell->searcher) == 0)
            buf_append_text(out, search_keys[i].keys);
    buf_append_char(out, '}');
    if (cell->points)
        buf_printf(out, ",\"points_to_evaluate\":%s", points);
    write_scheduler(cell, out);
    buf_append_char(out, '}');
}

static void cell_name(struct cell *cell)
{
    int at = snprintf(cell->name, sizeof(cell->name), "%s%s %s", cell->searcher,
                      cell->points ? "+points" : "", cell->type->name);

    if (cell->type->form != NULL)
        at += snprintf(cell->name + at, sizeof(cell->name) - (size_t)at, " form=%s",
                       cell->type->form);
    if (cell->word != NULL)
        (void)snprintf(cell->name + at, sizeof(cell->name) - (size_t)at, " %s=%s", cell->key->name,
                       cell->word);
    else if (cell->key != NULL)
        (void)snprintf(cell->name + at, sizeof(cell->name) - (size_t)at, " %s=%u", cell->key->name,
                       cell->count);
    else if (cell->old)
        (void)snprintf(cell->name + at, sizeof(cell->name) - (size_t)at, " semantics=tune-0.7");
}

static void visit_one(struct cell cell, cell_fn *visit, void *context)
{
    cell.min = cell.key != NULL || cell.old;
    cell_name(&cell);
    visit(context, &cell);
}

static void visit_key(struct cell cell, const struct scheduler_key *key, cell_fn *visit,
                      void *context)
{
    cell.key = key;
    for (uint32_t i = 0; i < SCHEDULER_WORDS && key->words[i] != NULL; i++) {
        cell.word = key->words[i];
        if ((double)i < key->missing || (double)i > key->missing)
            visit_one(cell, visit, context);
    }
    cell.word = NULL;
    cell.count = (uint32_t)key->missing * 2 + 1;
    if (key->most > 0)
        visit_one(cell, visit, context);
}

static void visit_schedulers(struct cell cell, cell_fn *visit, void *context)
{
    for (size_t i = 0; (cell.type = scheduler_type_row(i)) != NULL; i++) {
        visit_one(cell, visit, context);
        for (uint32_t k = 0; k < SCHEDULER_KEYS && cell.type->keys[k].name != NULL; k++)
            visit_key(cell, &cell.type->keys[k], visit, context);
        cell.old = cell.type->judges;
        if (cell.old)
            visit_one(cell, visit, context);
        cell.old = false;
    }
}

void cells_each(cell_fn *visit, void *context)
{
    size_t count;
    const char *const *searchers = search_names(&count);

    for (size_t i = 0; i < count; i++) {
        visit_schedulers((struct cell){.searcher = searchers[i]}, visit, context);
        visit_schedulers((struct cell){.searcher = searchers[i], .points = true}, visit, context);
    }
}
