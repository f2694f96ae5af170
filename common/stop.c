#include "common/stop.h"

#include "common/limits.h"

static const struct field stop_rule_fields[] = {
    FIELD(stop_rule, metric, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(stop_rule, side, FIELD_U32, STOP_AT_MOST),
    FIELD(stop_rule, bound, FIELD_F64, 0),
};

const struct schema stop_rule_schema = SCHEMA(stop_rule, 0, stop_rule_fields);

static const struct field horizon_fields[] = {
    FIELD(horizon, attribute, FIELD_TEXT, LIMIT_NAME_BYTES),
    FIELD(horizon, value, FIELD_F64, 0),
};

const struct schema horizon_schema = SCHEMA(horizon, 0, horizon_fields);

/* Comparisons with NaN are false, so NaN meets nothing. */
static bool rule_met(const struct stop_rule *rule, double number)
{
    return rule->side == STOP_AT_MOST ? number <= rule->bound : number >= rule->bound;
}

enum stop_answer stop_check(const struct stop_rule *rules, uint32_t count,
                            const struct result *result, struct span *missing)
{
    if (result->done)
        return STOP_YES;
    for (uint32_t i = 0; i < count; i++) {
        double number;

        if (!result_metric(result, rules[i].metric, &number)) {
            *missing = rules[i].metric;
            return STOP_MISSING;
        }
        if (rule_met(&rules[i], number))
            return STOP_YES;
    }
    return STOP_NO;
}

bool horizon_reached(const struct horizon *horizon, const struct result *result)
{
    double number;

    return horizon->attribute.size > 0 && result_metric(result, horizon->attribute, &number) &&
           number >= horizon->value;
}
