/* attempt.h - one run of a trial, from its launch to its end. */
#ifndef CORE_ATTEMPT_H
#define CORE_ATTEMPT_H

#include "head/core/node.h"
#include "head/core/step.h"

/* Lease a waiting trial to a node, to start now or to wait there ahead. */
void attempt_launch(struct step *step, struct trial *trial, struct node *node, bool ahead);

/* Its node does not know of it: say it again. */
void attempt_launch_again(struct step *step, const struct trial *trial);

/* Its program runs. */
void attempt_begin(struct step *step, struct trial *trial, const struct record_start *start);

/* Its program has ended, or nobody will hear of it again. Gives the lease back; tries again, or
 * ends the trial, which is freed then. text is borrowed for the turn. */
void attempt_end(struct step *step, struct trial *trial, const struct record_end *end);

/* End a trial before its program does; nothing happens where it is ending already. One that has no
 * lease is freed. */
void attempt_stop(struct step *step, struct trial *trial, enum stop_cause cause);

/* Whoever runs it by hand (hand.h) says so: it failed and gets no other attempt, or it is nobody's
 * fault and waits for the next one, before all others. */
void attempt_fail(struct step *step, struct trial *trial, struct span text);
void attempt_requeue(struct step *step, struct trial *trial);

/* End one that has no lease and waits for another attempt: it failed, and gets none. */
void attempt_give_up(struct step *step, struct trial *trial, struct span text);
/* pause.c: have it wait with its latest checkpoint and without a lease, as soon as it can; nothing
 * happens where it is ending. */
void attempt_pause(struct step *step, struct trial *trial, enum pause_by by);
/* One that was to wait has given its lease back. */
void attempt_suspend(struct step *step, struct trial *trial);
/* As far as this one wanted it, it may go on. */
void attempt_resume(struct step *step, struct trial *trial, enum pause_by by);

/* A result that no longer belongs to an order: what the scheduler wants done with other trials. */
void attempt_obey(struct step *step, const struct experiment *experiment,
                  const struct sched_verdict *verdict);

/* How far a trial that runs may go without asking, in the time attribute. */
double attempt_horizon(const struct trial *trial);

/* Tell the node of a leased trial where it stands. */
void attempt_verdict(struct step *step, const struct trial *trial);

/* Tell the searcher how a trial does. */
void attempt_observe(struct step *step, const struct trial *trial, bool ended, bool early);

#endif
