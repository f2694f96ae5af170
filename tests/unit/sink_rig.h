/* sink_rig.h - effects for sinks, made by hand: one experiment, trials with one metric. */
#ifndef UNIT_SINK_RIG_H
#define UNIT_SINK_RIG_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/pack.h"
#include "common/record.h"
#include "common/spec.h"
#include "common/sys/fs.h"
#include "head/sink/sink.h"

static char folder[64];
static struct sinks *sinks;
static struct arena arena;
static struct effects effects;

static inline void setup(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/test-sink-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    arena_init(&arena);
    effects_init(&effects, &arena);
    sinks = sinks_new();
}

static inline void teardown(void)
{
    sinks_free(sinks);
    effects_fini(&effects);
    arena_fini(&arena);
    (void)fs_remove_tree(folder);
}

static inline void put(void)
{
    sinks_put(sinks, effects.items, effects.count, NULL, NULL);
    sinks_drain(sinks);
    effects_reset(&effects);
}

static inline struct span packed_config(void)
{
    struct buf config = {0};
    struct span out;

    pack_map(&config, 2);
    pack_text(&config, "width");
    pack_int(&config, 57);
    pack_text(&config, "act");
    pack_text(&config, "re,lu");
    out = arena_copy(&arena, buf_span(&config));
    buf_fini(&config);
    return out;
}

static inline void add_experiment(void)
{
    struct effect_experiment *row = &effects_add(&effects, EFFECT_EXPERIMENT)->experiment;

    row->experiment = 1;
    row->folder = span_text(arena_printf(&arena, "%s/exp", folder));
    row->spec = span_text("x");
}

static inline struct effect_attempt *add_attempt(uint32_t trial, uint32_t attempt, uint64_t rows)
{
    struct effect_attempt *row = &effects_add(&effects, EFFECT_ATTEMPT)->attempt;

    row->experiment = 1;
    row->trial = trial;
    row->attempt = attempt;
    row->rows = rows;
    row->trial_folder = span_text(arena_printf(&arena, "trial_%u", trial));
    row->experiment_folder = span_text(arena_printf(&arena, "%s/exp", folder));
    row->config = packed_config();
    row->experiment_id = span_text("00112233445566778899aabbccddeeff");
    row->hostname = span_text("here");
    row->node_ip = span_text("127.0.0.1");
    row->pid = 42;
    row->files = FILES_PARAMS | FILES_RESULT | FILES_PROGRESS;
    return row;
}

/* Results first to last of a trial, loss = 1/iteration. */
static inline void add_results(uint32_t trial, uint32_t attempt, int64_t first, int64_t last,
                               bool final)
{
    struct effect_results *row = &effects_add(&effects, EFFECT_RESULTS)->results;
    struct buf records = {0};

    for (int64_t i = first; i <= last; i++) {
        struct record record = {.kind = RECORD_RESULT};
        struct buf metrics = {0};

        pack_map(&metrics, 1);
        pack_text(&metrics, "loss");
        pack_double(&metrics, 1.0 / (double)i);
        record.result = (struct result){.metrics = buf_span(&metrics),
                                        .training_iteration = i,
                                        .timestamp = 1555836893,
                                        .time_this_iter_s = 0.5,
                                        .time_total_s = 0.5 * (double)i,
                                        .time_since_restore = 0.5 * (double)i,
                                        .iterations_since_restore = i};
        record_pack(&record, &records);
        buf_fini(&metrics);
    }
    row->experiment = 1;
    row->trial = trial;
    row->attempt = attempt;
    row->count = (uint32_t)(last - first + 1);
    row->first_row = (uint64_t)(first - 1);
    row->records = arena_copy(&arena, buf_span(&records));
    row->final = final;
    buf_fini(&records);
}

#endif
