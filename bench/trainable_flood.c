/* A trial that reports as fast as it can: `reports` results of five doubles each. */
#include "bench/metrics.h"
#include "client/trainable.h"

static int train(struct assay_trial *trial)
{
    int64_t reports = assay_config_int(trial, "reports", 1);
    uint64_t state = assay_trial_seed(trial) | 1;
    double values[METRIC_COUNT];

    for (int64_t i = 0; i < reports; i++) {
        metrics_next(&state, values);
        if (assay_report(trial, metric_names, values, METRIC_COUNT) != 0)
            return 0;
    }
    return 0;
}

ASSAY_TRAINABLE_FUNCTION(train)
