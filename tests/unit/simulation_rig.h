/* simulation_rig.h - an experiment, its curves and a run of them, for unit tests. JSON is written
 * with ' for ". */
#ifndef TESTS_SIMULATION_RIG_H
#define TESTS_SIMULATION_RIG_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/simulation.h"
#include "common/json.h"

static struct arena simulation_arena;
static struct table_file simulation_table;
static struct curves *simulation_curves;
static struct simulated simulation_out;
static struct spec_error simulation_error;
static char simulation_path[64];

static inline void simulation_rig_fini(void)
{
    curves_free(simulation_curves);
    simulation_curves = NULL;
    table_file_fini(&simulation_table);
    arena_fini(&simulation_arena);
}

static inline struct value *simulation_value(const char *json)
{
    struct value *value = arena_alloc(&simulation_arena, sizeof(*value));
    char *copy = arena_strdup(&simulation_arena, json);
    struct json_error wrong;

    for (char *at = copy; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    ck_assert_msg(json_read(span_text(copy), &simulation_arena, value, &wrong) == 0, "%s: %s", copy,
                  wrong.what);
    return value;
}

/* more: keys of the experiment behind those that every one has. */
static inline struct value *simulation_experiment(const char *more)
{
    return simulation_value(
        arena_printf(&simulation_arena,
                     "{'name': 'e', 'run': {'command': 'x'}, 'metric': 'loss', 'mode': 'min', "
                     "'search': {'type': 'random', 'seed': 1}%s}",
                     more));
}

static inline int simulation_read(const char *text, struct trouble *trouble)
{
    FILE *file;
    int fd, err;

    (void)snprintf(simulation_path, sizeof(simulation_path), "/tmp/assay-test-XXXXXX");
    fd = mkstemp(simulation_path);
    ck_assert_int_ge(fd, 0);
    file = fdopen(fd, "w");
    ck_assert(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
    table_file_fini(&simulation_table);
    err = table_file_read(simulation_path, &simulation_arena, &simulation_table, trouble);
    ck_assert_int_eq(unlink(simulation_path), 0);
    return err;
}

static inline void simulation_takes_table(const char *text, const char *space)
{
    struct trouble trouble = {0};

    ck_assert_msg(simulation_read(text, &trouble) == 0, "%s: %s", trouble.what, trouble.why);
    curves_free(simulation_curves);
    simulation_curves =
        curves_of_table(&simulation_table, simulation_value(space), "table.csv", &trouble);
    ck_assert_msg(simulation_curves != NULL, "%s: %s", trouble.what, trouble.why);
}

static inline void simulation_takes_formulas(const char *const *texts, uint32_t count,
                                             const char *space)
{
    struct trouble trouble = {0};

    curves_free(simulation_curves);
    simulation_curves = curves_of_formulas(texts, count, simulation_value(space), &trouble);
    ck_assert_msg(simulation_curves != NULL, "%s: %s", trouble.what, trouble.why);
}

static inline int simulation_runs(const char *more, const struct simulation_plan *plan)
{
    simulation_error = (struct spec_error){0};
    return simulation_run(simulation_experiment(more), plan, simulation_curves, &simulation_arena,
                          &simulation_out, &simulation_error);
}

static inline void ck_simulates(const char *more, const struct simulation_plan *plan)
{
    int err = simulation_runs(more, plan);

    ck_assert_msg(err == 0, "%s: %s", simulation_error.path, simulation_error.what);
}

#endif
