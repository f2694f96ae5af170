/* `assay resume`: what was paused goes on. */
#include "client/order.h"

static int resume_it(struct connection *connection, uint32_t experiment, uint32_t trial,
                     struct arena *arena)
{
    const struct msg_resume body = {.experiment = experiment, .trial = trial};
    void *reply;

    return connection_ask(connection, MSG_RESUME, &body, 0, MSG_OK, arena, &reply);
}

static int resume_one(struct source *source, const char *selects, struct arena *arena)
{
    return order_picked(source, selects, resume_it, arena);
}

static int run(const struct invocation *invocation)
{
    return order_each(invocation, resume_one);
}

const struct command command_resume = {
    .name = "resume",
    .operands = "EXP-or-TRIAL...",
    .help = "Let trials or experiments that were paused go on",
    .about = "They start as soon as a node has room, before trials that never began, and go on "
             "from their latest checkpoints. Resuming an experiment also resumes its trials that "
             "were paused one by one.",
    .example = "assay resume 3/4",
    .takes = TAKES_HEAD,
    .least = 1,
    .most = 1000,
    .operand = OPERAND_EITHER,
    .run = run,
};
