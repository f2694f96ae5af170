/* image.h - the tables with which trials and experiments are written into an image and read back.
 *
 * An image is a msgpack list: CORE_IMAGE, the core's own numbers, principals, tokens, nodes,
 * experiments, and last the leases of each node in their order. What can be summed up again from
 * these (what is used, how many are in a state) is not in it. */
#ifndef CORE_IMAGE_H
#define CORE_IMAGE_H

#include "head/core/state.h"

#define IMAGE_PARTS 7u

/* Of a trial, without what it is to take over. */
#define IMAGE_TRIAL_PARTS (8u + CHECKPOINT_MARKS)

/* The fields of struct trial and struct experiment that are plain numbers, and a judged. */
extern const struct schema image_trial_schema;
extern const struct schema image_experiment_schema;
extern const struct schema image_judged_schema;
extern const struct schema image_checkpoint_schema;

/* The core's own numbers. */
struct image_numbers {
    uint32_t last_number;
    uint32_t next_index;
    bool wants_place;
};

/* token: of TOKEN_ID_BYTES, or empty. */
struct image_principal {
    struct span key;
    uint32_t role;
    struct span name;
    struct span token;
};

struct image_token {
    struct span id;
    struct span secret_hash;
    uint32_t role;
    uint32_t uses_left;
    uint64_t expires_ms;
    uint32_t principal;
    bool revoked;
};

/* What a node has beside what it said of itself. */
struct image_node {
    bool lost;
    bool draining;
    bool fresh;
    bool changed;
    bool over;
    bool full;
};

/* Rows of a trial each, whether it has ended or not, as bytes one behind the other: of what grows
 * with ended trials there is nothing else, and an image is written while the head waits. A row is
 * hw (8 bytes, little-endian), attempt (4), state, reason, cause, failures; zeros where the trial
 * has not ended. */
#define IMAGE_ROW_BYTES 16u

void image_row_put(uint8_t out[IMAGE_ROW_BYTES], const struct trial_row *row);

/* Behind the rows: of trials that took several attempts, how these ended. */
struct image_past {
    struct record_list list; /* struct past */
};

extern const struct schema image_past_schema;

/* False where no ended trial has such a row. */
bool image_row_get(const uint8_t in[IMAGE_ROW_BYTES], struct trial_row *row);

/* image_load_trial.c: the next trial of the experiment that has not ended. False: there is none
 * that could be. */
bool image_load_trial(struct core *core, struct experiment *experiment, struct cursor *in);

/* The checkpoints of one, behind those that list has. */
bool image_load_checkpoints(struct core *core, struct cursor *in, struct checkpoints *list);

extern const struct schema image_numbers_schema;
extern const struct schema image_principal_schema;
extern const struct schema image_token_schema;
extern const struct schema image_node_schema;

#endif
