/* node.h - a worker as the core knows it, and the ledger of what is leased there.
 *
 * What is free is the capacity less the leases; nothing else counts. A lease that waits ahead is in
 * the list and holds nothing until there is room for it. The worker goes by the same rule: it keeps
 * its leases in the order in which they came and starts the first that waits when it fits. */
#ifndef CORE_NODE_H
#define CORE_NODE_H

#include "head/core/trial.h"

struct node {
    uint32_t number; /* its principal's */
    uint32_t index;  /* its place among the core's nodes */
    char *name;      /* owned */
    char *hostname;  /* owned */
    char *node_ip;   /* owned */
    bool lost;
    bool draining;
    bool full; /* its disk */
    uint64_t incarnation;
    struct arena arena; /* of the custom names in capacity and used */
    struct resources capacity;
    struct resources used;
    struct gpu_pool gpus;
    uint32_t credit;
    struct trial *first; /* leases, in the order of leasing; borrowed */
    struct trial *last;
    struct trial *waiting; /* the first that waits ahead; those that do are the end of the list */
    uint32_t leases;       /* in the list */
    uint32_t ahead;        /* of them waiting */
    bool over;             /* it came back smaller: what is leased may be more than it has */
    bool fresh;            /* has got room that placement has not looked at */
    bool changed;          /* its row is to be told */
};

struct node *node_new(uint32_t number, uint32_t index);
void node_free(struct node *node);

/* What a worker says of itself; what is used is summed up again from the leases. */
void node_describe(struct node *node, const struct event_node_back *said);

/* Whether it may get anything new at all. */
bool node_is_open(const struct node *node);

/* Whether a trial with this need could start there at once, and whether it could if nothing else
 * were there. */
bool node_has_room(const struct node *node, const struct resources *need);
bool node_could_fit(const struct node *node, const struct resources *need);

/* Put a lease at the end of its list: with what it needs, or to wait ahead. */
void node_lease(struct node *node, struct trial *trial, bool ahead);

/* Take a lease off; those that waited and fit now, in their order, are counted. */
void node_release(struct node *node, struct trial *trial);

/* Put a lease that was read from an image at the end of its list; count them all, from nothing,
 * when all are there. */
void node_attach(struct node *node, struct trial *trial);
void node_recount(struct node *node);

void node_tell(const struct node *node, struct effects *effects);

#endif
