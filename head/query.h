/* query.h - answers to readers, made from the view and from the files of the sinks.
 *
 * Each fills the message that answers; lists and texts live in arena or are borrowed from the view,
 * so a reply is packed before the view changes. Rows in a reply have QUERY_ROWS_BYTES together:
 * what is over is left out, so that every reply fits into one message. ERR_NOT_FOUND where what was
 * asked for is not there. */
#ifndef HEAD_QUERY_H
#define HEAD_QUERY_H

#include "common/arena.h"
#include "common/limits.h"
#include "head/core/core.h"
#include "head/sink/sink.h"
#include "head/view.h"
#include "proto/msg.h"

#define QUERY_ROWS_BYTES (LIMIT_MESSAGE_BYTES / 2)

/* About what a row takes in a message. */
size_t query_row_bytes(const struct msg_trial_row *row);

/* The newest, where not all fit into one reply. */
void query_list(const struct view *view, const struct msg_list *ask, struct arena *arena,
                struct msg_experiments *out);

/* The status block's parts, cut as Tune cuts them. committing: whether the log takes entries. */
int query_status(const struct view *view, const struct core *core, const struct msg_status *ask,
                 bool committing, struct arena *arena, struct msg_status_reply *out);

/* Rows that changed after a version, oldest change first. *nothing: there are none yet and the
 * experiment goes on, so a reader that waits should. */
int query_trials(const struct view *view, const struct msg_trials *ask, struct arena *arena,
                 struct msg_trial_rows *out, bool *nothing);

/* *nothing: it could not use one now, and may later. */
int query_want(const struct view *view, const struct msg_want *ask, struct msg_wanted *out,
               bool *nothing);

int query_best(const struct view *view, const struct msg_best *ask, struct arena *arena,
               struct msg_trial_rows *out);
/* core: how a trial's attempts ended. */
int query_show(const struct view *view, const struct core *core, const struct msg_show *ask,
               struct arena *arena, struct msg_show_reply *out);
/* The words of a trial's last end that had some, with the end of its stderr, behind an explanation.
 */
void query_said_last(const struct view *view, uint32_t experiment, uint32_t trial,
                     struct arena *arena, struct buf *out);

void query_nodes(const struct view *view, uint64_t now_ms, struct arena *arena,
                 struct msg_node_rows *out);
void query_tokens(const struct view *view, const struct msg_token_list *ask, struct arena *arena,
                  struct msg_token_rows *out);

/* Lines of result.json and bytes of stdout and stderr; *nothing as above. */
int query_results(const struct view *view, struct sinks *sinks, const struct msg_results *ask,
                  struct arena *arena, struct msg_lines *out, bool *nothing);
int query_logs(const struct view *view, const struct msg_logs *ask, struct arena *arena,
               struct msg_log_chunk *out, bool *nothing);

#endif
