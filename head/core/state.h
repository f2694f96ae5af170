/* state.h - what the core holds; for the files of the core only. */
#ifndef CORE_STATE_H
#define CORE_STATE_H

#include "common/table.h"
#include "head/core/experiment.h"
#include "head/core/node.h"
#include "head/core/registry.h"
#include "head/core/step.h"

#define CORE_FINDING_BYTES 256u

struct core {
    struct experiment **experiments; /* owned; by number; ended ones until they are removed */
    uint32_t experiment_count;
    uint32_t experiment_capacity;
    struct experiment **running; /* borrowed; those that are not done, by number */
    uint32_t running_count;
    uint32_t running_capacity;
    uint32_t last_number; /* of an experiment */
    struct table *by_number;
    struct table *by_submission;

    struct node **nodes; /* owned; in the order in which they first came */
    uint32_t node_count;
    uint32_t node_capacity;
    struct table *by_node;
    struct node **fresh; /* borrowed; have room that placement has not looked at */
    uint32_t fresh_count;
    struct node **changed; /* borrowed; their rows are to be told */
    uint32_t changed_count;
    uint32_t next_index; /* of the node to try first */
    bool wants_place;    /* something happened that may let a trial start */
    bool spent;          /* within one step: an experiment has reached a bound of its budget */

    struct registry registry;
    struct arena scratch;
    char *finding; /* owned; the words of core_check */
};

struct experiment *core_experiment(const struct core *core, uint32_t number);
struct node *core_node(const struct core *core, uint32_t number);

/* Keep one that is new or was read from an image; the core owns it from now on. */
void core_keep_experiment(struct core *core, struct experiment *experiment);
void core_drop_experiment(struct core *core, struct experiment *experiment);
struct node *core_add_node(struct core *core, uint32_t number);

/* It is done: placement need not look at it again. */
void core_retire_experiment(struct core *core, struct experiment *experiment);

/* And now it must: it was extended. */
void core_revive_experiment(struct core *core, struct experiment *experiment);

/* A node has got room. */
void core_node_fresh(struct core *core, struct node *node);

/* on_stop.c: the experiment, if it is there and this principal may change it; else NULL, and it was
 * answered. */
struct experiment *own_experiment(struct step *step, uint32_t number, uint32_t principal);

/* A node's row is to be told at the turn's end. */
void core_node_changed(struct core *core, struct node *node);

/* Handlers, one kind of event each. */
enum core_answer on_submit(struct step *step, const struct event_submit *submit);
enum core_answer on_stop(struct step *step, const struct event_stop *stop);
enum core_answer on_remove(struct step *step, const struct event_remove *remove);
enum core_answer on_node_back(struct step *step, const struct event_node_back *back);
enum core_answer on_node_lost(struct step *step, const struct event_node_lost *lost);
enum core_answer on_node_disk(struct step *step, const struct event_node_disk *disk);
enum core_answer on_drain(struct step *step, const struct event_drain *drain);
enum core_answer on_report(struct step *step, const struct event_report *report);
enum core_answer on_principal_add(struct step *step, const struct event_principal_add *add);
enum core_answer on_token_create(struct step *step, const struct event_token_create *create);
enum core_answer on_token_revoke(struct step *step, const struct event_token_revoke *revoke);
enum core_answer on_pause(struct step *step, const struct event_pause *pause);
enum core_answer on_resume(struct step *step, const struct event_pause *resume);
enum core_answer on_extend(struct step *step, const struct event_extend *extend);
enum core_answer on_suggest(struct step *step, const struct event_suggest *suggest);
enum core_answer on_recall(struct step *step, const struct event_recall *recall);
enum core_answer on_join(struct step *step, const struct event_join *join);

#endif
