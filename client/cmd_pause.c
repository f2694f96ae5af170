/* `assay pause`: have trials or experiments wait without resources. */
#include "client/order.h"

static int pause_it(struct connection *connection, uint32_t experiment, uint32_t trial,
                    struct arena *arena)
{
    const struct msg_pause body = {.experiment = experiment, .trial = trial};
    void *reply;

    return connection_ask(connection, MSG_PAUSE, &body, 0, MSG_OK, arena, &reply);
}

static int pause_one(struct source *source, const char *selects, struct arena *arena)
{
    return order_picked(source, selects, pause_it, arena);
}

static int run(const struct invocation *invocation)
{
    return order_each(invocation, pause_one);
}

const struct command command_pause = {
    .name = "pause",
    .operands = "EXP-or-TRIAL...",
    .help = "Have trials or whole experiments wait, holding no resources",
    .about = "A trial that can save is asked to, and leaves when it has. Any other is ended where "
             "it is: when it goes on, it begins at its last complete checkpoint, or where it has "
             "none from scratch; assay explain says which. Of a paused experiment no trial "
             "starts. assay resume lets them go on, on whatever node has room.",
    .example = "assay pause 3/1,4-8",
    .takes = TAKES_HEAD,
    .least = 1,
    .most = 1000,
    .operand = OPERAND_EITHER,
    .run = run,
};
