/* core_rig.h - a core with all that a turn needs, for unit tests. */
#ifndef TESTS_CORE_RIG_H
#define TESTS_CORE_RIG_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/record.h"
#include "head/core/core.h"

struct rig {
    struct core *core;
    struct arena arena;
    struct effects effects;
    struct tape tape;
    uint64_t now_ms;
};

static inline void rig_init(struct rig *rig)
{
    *rig = (struct rig){.core = core_new(), .now_ms = 1000};
    effects_init(&rig->effects, &rig->arena);
    tape_init(&rig->tape);
    tape_record(&rig->tape);
}

static inline void rig_fini(struct rig *rig)
{
    core_free(rig->core);
    effects_fini(&rig->effects);
    tape_fini(&rig->tape);
    arena_fini(&rig->arena);
}

static inline void rig_reset(struct rig *rig)
{
    effects_reset(&rig->effects);
    arena_reset(&rig->arena);
    tape_record(&rig->tape);
}

/* One event without the turn's end. Forgets the effects of the one before. */
static inline enum core_answer rig_step(struct rig *rig, const char *line)
{
    struct event event = {.now_ms = rig->now_ms, .origin = 7};
    struct schema_error error = {0};
    enum core_answer answer;

    rig_reset(rig);
    ck_assert_msg(event_parse(line, &rig->arena, &event, &error) == 0, "%s: %s", line, error.what);
    answer = core_step(rig->core, &event, &rig->tape, &rig->effects);
    ck_assert_msg(core_check(rig->core) == NULL, "%s: %s", line, core_check(rig->core));
    return answer;
}

/* One event and the turn's end behind it. */
static inline enum core_answer rig_turn(struct rig *rig, const char *line)
{
    enum core_answer answer = rig_step(rig, line);

    core_place(rig->core, rig->now_ms, &rig->tape, &rig->effects);
    ck_assert_msg(core_check(rig->core) == NULL, "%s: %s", line, core_check(rig->core));
    return answer;
}

/* Records of a trial of experiment 1 on node 2, and the turn's end behind them. */
static inline void rig_report(struct rig *rig, uint32_t trial, uint32_t attempt, uint64_t seq,
                              const struct record *records, uint32_t count)
{
    struct event event = {.type = EVENT_REPORT, .now_ms = rig->now_ms};
    struct buf packed = {0};

    rig_reset(rig);
    for (uint32_t i = 0; i < count; i++)
        record_pack(&records[i], &packed);
    event.report = (struct event_report){.node = 2,
                                         .experiment = 1,
                                         .trial = trial,
                                         .attempt = attempt,
                                         .first_seq = seq,
                                         .count = count,
                                         .records = buf_span(&packed)};
    ck_assert(core_step(rig->core, &event, &rig->tape, &rig->effects) == CORE_ADMITTED);
    ck_assert_msg(core_check(rig->core) == NULL, "%s", core_check(rig->core));
    core_place(rig->core, rig->now_ms, &rig->tape, &rig->effects);
    ck_assert_msg(core_check(rig->core) == NULL, "%s", core_check(rig->core));
    buf_fini(&packed);
}

/* An admin is principal 1, a worker 2, a submitter 3, another submitter 4. */
static inline void rig_principals(struct rig *rig)
{
    static const uint32_t roles[] = {ROLE_ADMIN, ROLE_WORKER, ROLE_SUBMIT, ROLE_SUBMIT};

    for (unsigned i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        char line[160];

        (void)snprintf(line, sizeof(line), "principal_add key=%064x role=%u name=p%u", i + 1,
                       roles[i], i + 1);
        ck_assert(rig_step(rig, line) == CORE_ADMITTED);
    }
}

static inline void rig_submit(struct rig *rig, unsigned number, unsigned samples, const char *more)
{
    char line[1024];

    (void)snprintf(line, sizeof(line),
                   "submit submission=%032x principal=3 spec={\"name\":\"e%u\",\"run\":"
                   "{\"command\":\"t.py\"},\"config\":{\"x\":{\"uniform\":[0,1]}},"
                   "\"search\":{\"type\":\"random\",\"seed\":5},\"num_samples\":%u%s}",
                   number, number, samples, more);
    ck_assert(rig_turn(rig, line) == CORE_ADMITTED);
}

static inline uint32_t rig_count(const struct rig *rig, enum effect_type type)
{
    uint32_t count = 0;

    for (size_t i = 0; i < rig->effects.count; i++)
        count += rig->effects.items[i].type == type;
    return count;
}

/* The nth effect of a type; fails where there is none. */
static inline const struct effect *rig_effect(const struct rig *rig, enum effect_type type,
                                              uint32_t nth)
{
    for (size_t i = 0; i < rig->effects.count; i++)
        if (rig->effects.items[i].type == type && nth-- == 0)
            return &rig->effects.items[i];
    ck_abort_msg("no such effect");
    return NULL;
}

#endif
