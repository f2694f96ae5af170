/* stop.h - rules that end a trial by a number it reports; and the horizon, up to which it may run
 * without asking. */
#ifndef COMMON_STOP_H
#define COMMON_STOP_H

#include "common/result.h"
#include "common/schema.h"

enum stop_side {
    STOP_AT_LEAST = 0, /* met when >= bound: {metric: bound}, {metric: {max: bound}} */
    STOP_AT_MOST = 1   /* met when <= bound: {metric: {min: bound}} */
};

struct stop_rule {
    struct span metric;
    uint32_t side; /* enum stop_side */
    double bound;
};

extern const struct schema stop_rule_schema;

enum stop_answer { STOP_NO, STOP_YES, STOP_MISSING };

/* Rules in order, the first hit wins. A result that is done already answers YES. STOP_MISSING: the
 * result has no such metric; *missing names it. NaN meets no rule. */
enum stop_answer stop_check(const struct stop_rule *rules, uint32_t count,
                            const struct result *result, struct span *missing);

/* How far a trial may go: at the first result whose attribute is at or past value it waits for a
 * verdict. An empty attribute is no limit. */
struct horizon {
    struct span attribute;
    double value;
};

extern const struct schema horizon_schema;

/* A result without the attribute is inside. */
bool horizon_reached(const struct horizon *horizon, const struct result *result);

#endif
