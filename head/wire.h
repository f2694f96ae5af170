/* wire.h - the one place where messages become events, and effects become messages.
 *
 * Nothing is decided here: names are matched, spans are handed on. The wire can change without
 * touching judgement, and judgement without touching the wire. */
#ifndef HEAD_WIRE_H
#define HEAD_WIRE_H

#include "head/core/effect.h"
#include "head/core/event.h"
#include "head/core/past.h"
#include "head/view.h"
#include "proto/msg.h"

/* Whether a message of this type becomes an event: its frame has to outlive the turn then. */
bool wire_becomes_event(uint32_t type);

/* Events of messages that were unpacked. Spans stay borrowed from the message's frame; what has to
 * be made anew lives in arena. *event gets no time and no origin. */
void wire_submit(const struct msg_submit *message, uint32_t principal, struct event *event);
void wire_stop(const struct msg_stop *message, uint32_t principal, struct event *event);
void wire_extend(const struct msg_extend *message, uint32_t principal, struct event *event);
void wire_suggest(const struct msg_suggest *message, uint32_t principal, struct event *event);
void wire_pause(const struct msg_pause *message, uint32_t principal, struct event *event);
void wire_resume(const struct msg_resume *message, uint32_t principal, struct event *event);
void wire_remove(const struct msg_remove *message, uint32_t principal, struct event *event);
void wire_drain(const struct msg_drain *message, struct event *event);
void wire_ready(const struct msg_register *who, const struct msg_ready *message, uint32_t principal,
                struct arena *arena, struct event *event);

/* Checks the records; ERR_MALFORMED or ERR_TOO_BIG where they are none. */
int wire_batch(const struct msg_batch *batch, uint32_t node, struct event *event);

/* Messages of effects; borrowed alike. */
void wire_lease(const struct effect_launch *launch, struct msg_lease *lease);
void wire_verdict(const struct effect_verdict *verdict, struct msg_verdict *out);
void wire_error(const struct effect_reply *reply, struct msg_error *error);
/* What the trials of an experiment share; lists live in arena. */
void wire_experiment(const struct view_experiment *experiment, struct arena *arena,
                     struct msg_experiment *out);

/* Rows for readers. */
void wire_experiment_row(const struct view *view, const struct view_experiment *experiment,
                         struct msg_experiment_row *row);
/* whole: with configuration, last result and texts. Made texts live in arena. */
void wire_trial_row(const struct view *view, const struct view_experiment *experiment,
                    const struct view_trial *trial, bool whole, struct arena *arena,
                    struct msg_trial_row *row);
/* Of past attempts. */
void wire_attempt_row(const struct view *view, const struct past *past,
                      struct msg_attempt_row *row);
void wire_node_row(const struct view_node *node, uint64_t now_ms, struct msg_node_row *row);

#endif
