/* Tables that somebody else has made, and the curves that trials of a simulation take from them:
 * what is taken has every step of every curve, in order. */
#include <assert.h>
#include <string.h>

#include "client/curves.h"
#include "common/json.h"
#include "tests/fuzz/target.h"

#define TRIALS 8u
#define STEPS  64u

static const char space_json[] =
    "{\"lr\": {\"loguniform\": [0.001, 1]}, \"act\": {\"choice\": [\"relu\", \"tanh\"]}}";

static struct arena arena;

static void walk(struct curves *curves, const struct value *config)
{
    for (uint32_t trial = 0; trial < TRIALS; trial++) {
        int64_t past = INT64_MIN;
        struct curve_step step;
        double seconds;
        bool last = false;

        curves_give(curves, trial, config);
        for (uint32_t i = 0; i < STEPS && curves_seconds(curves, trial, past, &seconds); i++) {
            const struct value *iteration;

            assert(!last && seconds >= 0);
            curves_step(curves, trial, past, &arena, &step);
            iteration = value_get(&step.metrics, "training_iteration");
            assert(iteration != NULL && iteration->type == VALUE_INT && iteration->integer > past);
            past = iteration->integer;
            assert(past <= curves_longest(curves));
            last = step.last;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char config_json[] = "{\"lr\": 0.1, \"act\": \"relu\"}";
    struct trouble trouble = {0};
    struct table_file table;
    struct json_error wrong;
    struct value space, config;
    struct curves *curves;
    struct buf text = {0};

    arena_reset(&arena);
    if (size == 0 || table_file_parse(span_of(data, size), "t", &arena, &table, &trouble) != 0)
        return 0;
    assert(table.row_count > 0 && table.column_count > 0);
    assert(json_read(span_text(space_json), &arena, &space, &wrong) == 0);
    assert(json_read(span_text(config_json), &arena, &config, &wrong) == 0);
    curves = curves_of_table(&table, &space, "t", &trouble);
    if (curves != NULL) {
        curves_begin(curves, 1);
        walk(curves, &config);
        curves_describe(curves, &text);
        assert(text.size > 0);
    }
    curves_free(curves);
    buf_fini(&text);
    table_file_fini(&table);
    return 0;
}
