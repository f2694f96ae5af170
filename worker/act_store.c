/* Requests of executors about checkpoints, on their way to the head and back: one in flight an
 * executor, said again until it is answered. */
#include "worker/daemon.h"

void act_store_send(struct daemon *daemon, struct executor_relay *store)
{
    store->sent_ms = daemon->now_ms;
    (void)link_head_send(daemon->link, buf_span(&store->frame)); /* said again until answered */
}

void act_store(struct daemon *daemon, struct executor *executor, const struct message *message)
{
    struct executor_relay *store = executor_store(executor);

    store->own = message->request;
    store->request =
        REQUEST_STORE | (++daemon->stores & 0x0fffffff) << 32 | executor_number(executor);
    message_pack(message->type, store->request, message->body, &store->frame);
    act_store_send(daemon, store);
}

bool act_store_answered(struct daemon *daemon, const struct message *message)
{
    struct executor *executor;
    struct executor_relay *store;

    if ((message->request & (REQUEST_BLOB | REQUEST_OUTPUT | REQUEST_STORE)) != REQUEST_STORE)
        return false;
    executor = executors_find(daemon->executors, (uint32_t)(message->request & UINT32_MAX));
    store = executor != NULL ? executor_store(executor) : NULL;
    if (store == NULL || store->own == 0 || store->request != message->request)
        return true; /* it was asked twice, or whoever asked is gone */
    message_pack(message->type, store->own, message->body, &daemon->frame);
    /* Where it cannot take the answer now, it does not ask again: the head is asked again, until it
     * can. */
    if (executor_say(executor, buf_span(&daemon->frame)))
        store->own = 0;
    return true;
}
