/* image.h - the tables with which trials and experiments are written into an image and read back.
 *
 * An image is a msgpack list: CORE_RULES, the core's own numbers, principals, tokens, nodes,
 * experiments, and last the leases of each node in their order. What can be summed up again from
 * these (what is used, how many are in a state) is not in it. */
#ifndef CORE_IMAGE_H
#define CORE_IMAGE_H

#include "head/core/state.h"

#define IMAGE_PARTS 7u

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
};

struct image_row {
    uint64_t hw;
    uint32_t attempt;
    uint32_t state;
    uint32_t reason;
    uint32_t cause;
    uint32_t failures;
};

extern const struct schema image_numbers_schema;
extern const struct schema image_principal_schema;
extern const struct schema image_token_schema;
extern const struct schema image_node_schema;
extern const struct schema image_row_schema;

#endif
