/* past.h - how a trial's attempts ended: the last of them, for whoever asks why. */
#ifndef CORE_PAST_H
#define CORE_PAST_H

#include "common/schema.h"

/* One attempt. */
struct past {
    uint32_t attempt;
    uint32_t reason; /* enum end_reason */
    int64_t status;
    uint32_t node;          /* NUMBER_NONE: not known any more */
    bool restored;          /* it was given a checkpoint to go on from, ... */
    int64_t from_iteration; /* ... of this training_iteration */
    uint64_t ran_ms;        /* from its start; 0: it never began */
    uint64_t ended_ms;      /* unix, when its end was heard of; 0: not known, of an older head */
    uint64_t results;       /* taken of it */
};

extern const struct schema past_schema;

/* Lists of struct past, owned: past_fini frees the items, past_copy makes some of others'. */
void past_add(struct record_list *list, const struct past *past);
struct record_list past_copy(const struct record_list *list);
void past_fini(struct record_list *list);

#endif
