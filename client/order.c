#include "client/order.h"

int order_each(const struct invocation *invocation,
               int (*act)(struct source *source, const char *selects, struct arena *arena))
{
    const struct common_flags *flags = invocation->flags;
    struct connection *connection;
    struct source *source;
    int rc = connection_open_head(flags->address, flags->token_file, &connection);

    if (rc != 0)
        return rc;
    source = source_of_connection(connection);
    for (int i = 0; rc == 0 && i < invocation->operand_count; i++)
        rc = act(source, invocation->operands[i], invocation->arena);
    source_close(source);
    connection_close(connection);
    return rc;
}

int order_picked(struct source *source, const char *selects, order_fn *order, struct arena *arena)
{
    struct connection *connection = source_connection(source);
    struct pick pick;
    int rc = source_pick(source, selects, arena, &pick);

    if (rc == 0 && !pick.has_trials)
        return order(connection, pick.experiment.experiment, MSG_ALL, arena);
    for (uint32_t i = 0; rc == 0 && i < pick.count; i++)
        rc = order(connection, pick.experiment.experiment, pick.trials[i], arena);
    return rc;
}
