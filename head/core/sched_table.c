#include <string.h>

#include "head/core/sched.h"

static const struct {
    const char *symbol;
    const struct sched_ops *ops;
} rows[] = {
#define SCHEDULER(symbol, ...) {#symbol, &sched_##symbol},
#include "common/schedulers.def"
#undef SCHEDULER
};

const struct sched_ops *sched_find(const struct scheduler_type *type)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i].symbol, type->symbol) == 0)
            return rows[i].ops;
    return NULL;
}
