/* The trainable of the quickstart: a curve that rises to `height`, the later the larger `width` is.
 * It goes on until it is stopped. */
#include <math.h>

#include "client/trainable.h"

static int train(struct assay_trial *trial)
{
    double width = assay_config_number(trial, "width", 1);
    double height = assay_config_number(trial, "height", 1);

    for (double timestep = 1;; timestep++) {
        double value = tanh(timestep / width) * height;

        if (assay_report_number(trial, "episode_reward_mean", value) != 0)
            return 0;
    }
}

ASSAY_TRAINABLE_FUNCTION(train)
