/* export_json.c - an experiment as one document, written as it is read. */
#include "client/export.h"
#include "client/results_each.h"
#include "client/rows.h"

struct list {
    struct outlet *outlet;
    struct arena arena;
    bool any;
};

static void put_text(struct outlet *outlet, const char *text)
{
    outlet_write(outlet, span_text(text));
}

static bool put_result(const struct value *result, void *context)
{
    struct list *list = context;

    put_text(list->outlet, list->any ? ",\n" : "\n");
    list->any = true;
    outlet_json(list->outlet, result, &list->arena);
    arena_reset(&list->arena);
    return !outlet_failed(list->outlet);
}

/* A map with one member more, which is written behind it: all of a map but its closing brace. */
static void put_open(struct outlet *outlet, const struct value *map, const char *more,
                     struct arena *arena)
{
    for (uint32_t i = 0; i < map->count; i++) {
        struct value key = value_text(arena, map->members[i].key);

        put_text(outlet, i == 0 ? "{" : ", ");
        outlet_json(outlet, &key, arena);
        put_text(outlet, ": ");
        outlet_json(outlet, &map->members[i].value, arena);
    }
    put_text(outlet, more);
}

static int put_trial(const struct export *of, struct outlet *outlet,
                     const struct msg_trial_row *row, struct arena *arena)
{
    struct list results = {.outlet = outlet};
    struct value trial = rows_trial(row, arena);
    uint64_t count;
    int rc;

    if (!of->results) {
        outlet_json(outlet, &trial, arena);
        return 0;
    }
    put_open(outlet, &trial, ", \"reported\": [", arena);
    rc = results_each(of->source, of->status.experiment.experiment, row->trial, UINT64_MAX,
                      put_result, &results, &count);
    put_text(outlet, "]}");
    arena_fini(&results.arena);
    return rc;
}

int export_json(const struct export *of, struct outlet *outlet)
{
    const struct msg_status_reply *status = &of->status;
    struct arena arena = {0};
    struct value_builder map;
    struct msg_trial_rows best;
    struct value whole;
    int rc = source_best(of->source, status->experiment.experiment, 1, of->arena, &best);

    if (rc != 0)
        return rc;
    value_builder_map(&map, of->arena);
    value_builder_set(&map, "experiment", rows_experiment(&status->experiment, of->arena));
    value_builder_set(&map, "spec", of->spec);
    value_builder_set(&map, "scheduler",
                      status->scheduler.size > 0
                          ? value_text(of->arena, arena_text(of->arena, status->scheduler))
                          : value_null());
    value_builder_set(&map, "best",
                      best.rows.count > 0 ? rows_trial(best.rows.items, of->arena) : value_null());
    whole = value_builder_done(&map);
    put_open(outlet, &whole, ", \"trials\": [", of->arena);
    for (uint32_t i = 0; i < of->count && rc == 0 && !outlet_failed(outlet); i++) {
        put_text(outlet, i == 0 ? "\n" : ",\n");
        arena_reset(&arena);
        rc = put_trial(of, outlet, &of->rows[i], &arena);
    }
    put_text(outlet, "]}\n");
    arena_fini(&arena);
    return rc;
}
