/* What a report must bring about: its records are the truth, and its rows are its results. */
#include "tests/sim/ledger.h"

/* Whether record hw was written like that, and was on its way when another took its place. */
static bool was_former(struct check_attempt *attempt, uint64_t hash)
{
    for (uint32_t i = 0; i < attempt->former_count; i++) {
        const struct former *former = &attempt->formers[i];

        if (former->seq != attempt->hw || former->truth.hash != hash)
            continue;
        attempt->truth[attempt->hw - 1] = former->truth; /* there was room for it then */
        if (attempt->count < attempt->hw)
            attempt->count = (uint32_t)attempt->hw;
        return true;
    }
    return false;
}

/* One record of a report: its number is known to be new. */
static bool expect_record(struct checker *checker, const struct event_report *report,
                          struct check_attempt *attempt, struct span bytes, uint64_t *hash)
{
    *hash = hash_bytes(HASH_BEGIN, bytes.data, bytes.size);
    attempt->hw++;
    if (attempt->hw <= attempt->count && attempt->truth[attempt->hw - 1].hash == *hash)
        return true;
    if (was_former(attempt, *hash))
        return true;
    world_fail(checker->world, "I2: %u/%u attempt %u: record %llu is not what was written",
               report->experiment, report->trial, report->attempt, (unsigned long long)attempt->hw);
    return false;
}

void report_expect(struct checker *checker, const struct event_report *report,
                   struct expected *expected, uint64_t *hashes)
{
    const struct whose who = {report->experiment, report->trial, report->attempt};
    struct check_attempt *attempt = ledger_attempt(checker, &who);
    struct check_trial *trial = ledger_trial(checker, who.experiment, who.trial);
    bool ended = false;
    struct cursor cursor;

    expected->who = who;
    expected->is_report = true;
    expected->hashes = hashes;
    if (attempt == NULL || !trial->live || trial->count != who.attempt ||
        trial->node != report->node) {
        world_fail(checker->world, "I3: a report of %u/%u attempt %u from node %u is admitted",
                   who.experiment, who.trial, who.attempt, report->node);
        return;
    }
    if (report->first_seq > attempt->hw + 1 || report->first_seq + report->count <= attempt->hw + 1)
        world_fail(checker->world, "I2: %u/%u: records %llu+%u are admitted behind %llu",
                   who.experiment, who.trial, (unsigned long long)report->first_seq, report->count,
                   (unsigned long long)attempt->hw);
    cursor_init(&cursor, report->records);
    for (uint32_t i = 0; i < report->count && !checker->world->failed; i++) {
        const uint8_t *begin = cursor.at;
        struct record record;
        uint64_t hash;

        if (record_unpack(&cursor, &record) < 0)
            world_fail(checker->world, "the simulator sends what is no record");
        else if (report->first_seq + i > attempt->hw &&
                 expect_record(checker, report, attempt,
                               span_of(begin, (size_t)(cursor.at - begin)), &hash)) {
            if (record.kind == RECORD_RESULT && !attempt->final && expected->count < RESULTS_MOST)
                hashes[expected->count++] = hash;
            if (record.kind == RECORD_MARK)
                saved_marked(attempt, &record.mark, expected->count);
            if (record.kind == RECORD_CHECKPOINT)
                saved_brought(trial, attempt, &record.checkpoint);
            ended = record.kind == RECORD_END;
            trial->broken = ended && record.end.reason == END_CHECKPOINT;
        }
    }
    expected->hw = attempt->hw;
    trial->may_leave = trial->must_leave = ended;
    attempt->over = ended;
}

static bool meets_target(const struct spec *spec, const struct result *result)
{
    enum metric_mode mode = spec->metric != NULL ? spec->mode : spec->scheduler.mode;
    double value;

    return spec->budget.has_target && result_number(result, "r", &value) &&
           (mode == MODE_MIN ? value <= spec->budget.target : value >= spec->budget.target);
}

static uint32_t compare_rows(struct checker *checker, const struct effect_results *effect,
                             const struct expected *expected)
{
    struct check_experiment *experiment = ledger_experiment(checker, effect->experiment);
    const struct spec *spec = &checker->world->plan.experiments[experiment->plan].spec;
    struct cursor cursor;
    uint32_t rows = 0;

    cursor_init(&cursor, effect->records);
    while (cursor.at < cursor.end && !checker->world->failed) {
        const uint8_t *begin = cursor.at;
        struct record record;

        if (record_unpack(&cursor, &record) < 0) {
            world_fail(checker->world, "I2: %u/%u: its rows are torn", effect->experiment,
                       effect->trial);
        } else if (record.kind == RECORD_RESULT) {
            if (rows >= expected->count ||
                hash_bytes(HASH_BEGIN, begin, (size_t)(cursor.at - begin)) !=
                    expected->hashes[rows])
                world_fail(checker->world, "I2: %u/%u: row %u is not what was reported",
                           effect->experiment, effect->trial, rows);
            experiment->met |= meets_target(spec, &record.result);
            rows++;
        }
    }
    return rows;
}

void report_rows(struct checker *checker, const struct effect_results *effect,
                 struct expected *expected)
{
    struct check_trial *trial = ledger_trial(checker, effect->experiment, effect->trial);
    struct check_attempt *attempt = ledger_attempt(checker, &expected->who);
    uint32_t rows;

    if (!expected->is_report || expected->told_results || attempt == NULL ||
        effect->experiment != expected->who.experiment || effect->trial != expected->who.trial ||
        effect->attempt != expected->who.attempt || !attempt->opened || trial->closed) {
        world_fail(checker->world, "I2: rows of %u/%u attempt %u come out of their turn",
                   effect->experiment, effect->trial, effect->attempt);
        return;
    }
    expected->told_results = true;
    rows = compare_rows(checker, effect, expected);
    if (rows != effect->count || effect->first_row != attempt->base + attempt->rows ||
        (!effect->final && rows != expected->count) || rows == 0)
        world_fail(checker->world,
                   "I2: %u/%u: rows %llu+%u are told, %u were reported behind row %llu",
                   effect->experiment, effect->trial, (unsigned long long)effect->first_row,
                   effect->count, expected->count, (unsigned long long)attempt->rows);
    attempt->rows += rows;
    attempt->final = effect->final;
}
