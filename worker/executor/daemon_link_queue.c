/* Who waits to send something: records, and output. */
#include "worker/executor/attempt.h"
#include "worker/executor/daemon_link.h"
#include "worker/executor/executor.h"

void daemon_link_wake_records(struct executor *executor, struct attempt *attempt)
{
    struct attempt_queue *queue = &executor->link.unsent;

    if (attempt->in_unsent || attempt->fenced)
        return;
    attempt->in_unsent = true;
    attempt->next_unsent = NULL;
    if (queue->last != NULL)
        queue->last->next_unsent = attempt;
    else
        queue->first = attempt;
    queue->last = attempt;
}

void daemon_link_wake_output(struct executor *executor, struct attempt *attempt)
{
    struct attempt_queue *queue = &executor->link.output;

    if (attempt->in_output)
        return;
    attempt->in_output = true;
    attempt->next_output = NULL;
    if (queue->last != NULL)
        queue->last->next_output = attempt;
    else
        queue->first = attempt;
    queue->last = attempt;
}

struct attempt *daemon_link_next_records(struct daemon_link *link)
{
    struct attempt *attempt = link->unsent.first;

    link->unsent.first = attempt->next_unsent;
    if (link->unsent.first == NULL)
        link->unsent.last = NULL;
    attempt->in_unsent = false;
    return attempt;
}

struct attempt *daemon_link_next_output(struct daemon_link *link)
{
    struct attempt *attempt = link->output.first;

    link->output.first = attempt->next_output;
    if (link->output.first == NULL)
        link->output.last = NULL;
    attempt->in_output = false;
    return attempt;
}

void daemon_link_forget(struct executor *executor, struct attempt *attempt)
{
    struct daemon_link *link = &executor->link;
    struct attempt *last = NULL;

    for (struct attempt **at = &link->unsent.first; *at != NULL && attempt->in_unsent;) {
        if (*at == attempt) {
            *at = attempt->next_unsent;
            attempt->in_unsent = false;
            if (link->unsent.last == attempt)
                link->unsent.last = last;
        } else {
            last = *at;
            at = &last->next_unsent;
        }
    }
    last = NULL;
    for (struct attempt **at = &link->output.first; *at != NULL && attempt->in_output;) {
        if (*at == attempt) {
            *at = attempt->next_output;
            attempt->in_output = false;
            if (link->output.last == attempt)
                link->output.last = last;
        } else {
            last = *at;
            at = &last->next_output;
        }
    }
}
