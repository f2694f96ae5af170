/* source.h - where reading commands read: at a head, or, where none is there, in an experiment's
 * own folder (saved.h). The functions return 0 or an exit status, and it was said why. */
#ifndef CLIENT_SOURCE_H
#define CLIENT_SOURCE_H

#include "client/connection.h"
#include "client/saved.h"
#include "client/selector.h"

struct source;

/* What selects, as the user wrote it (NULL: nothing), decides: a path is always read itself. */
int source_open(const char *address, const char *token_file, const char *selects,
                struct source **out);

/* A head that was connected to already, which stays the caller's. */
struct source *source_of_connection(struct connection *connection);

void source_close(struct source *source);

/* NULL where it is a folder. */
struct connection *source_connection(struct source *source);

/* Whether it is the folder that the user named, and not that of the last run. */
bool source_is_named(const struct source *source);

int source_list(struct source *source, struct arena *arena, struct msg_experiments *out);
int source_status(struct source *source, uint32_t experiment, bool whole, struct arena *arena,
                  struct msg_status_reply *out);
int source_show(struct source *source, uint32_t experiment, uint32_t trial, struct arena *arena,
                struct msg_show_reply *out);
int source_best(struct source *source, uint32_t experiment, uint32_t count, struct arena *arena,
                struct msg_trial_rows *out);
int source_lines(struct source *source, uint32_t experiment, uint32_t trial, uint64_t cursor,
                 uint32_t wait_ms, struct arena *arena, struct msg_lines *out);
int source_log(struct source *source, uint32_t experiment, uint32_t trial, uint32_t stream,
               uint64_t offset, uint32_t wait_ms, struct arena *arena, struct msg_log_chunk *out);

/* Each trial's row, in pages; a row lives until visit returns, which answers whether to go on. */
int source_each_trial(struct source *source, uint32_t experiment,
                      bool (*visit)(const struct msg_trial_row *row, void *context), void *context);

/* Sort rows by number: the head's come by their last change. */
void source_sort(struct msg_trial_row *rows, uint32_t count);

/* All rows of an experiment, by number; without those that were never proposed. */
int source_trials(struct source *source, uint32_t experiment, struct arena *arena,
                  struct msg_trial_row **rows, uint32_t *count);

/* In pick.c: what a selector means. */
struct pick {
    struct msg_experiment_row experiment;
    bool has_trials;
    uint32_t *trials; /* numbers that are there */
    uint32_t count;
};

/* selects NULL: the last experiment. */
int source_pick(struct source *source, const char *selects, struct arena *arena, struct pick *out);

/* The same for what has to be one trial, and for what has to be one experiment. */
int source_pick_trial(struct source *source, const char *selects, struct arena *arena,
                      struct pick *out);
int source_pick_experiment(struct source *source, const char *selects, struct arena *arena,
                           struct pick *out);

#endif
