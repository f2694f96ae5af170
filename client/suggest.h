/* suggest.h - a program at a pipe suggests an experiment's trials, and is told how they end.
 *
 * Its lines are read one at a time: the next when the head has answered the last one. What has
 * ended is told before it is said that a suggestion is wanted, so that each may be made of all that
 * is known; and all of it is told anew to every program that comes. */
#ifndef CLIENT_SUGGEST_H
#define CLIENT_SUGGEST_H

#include "client/source.h"

/* Until the experiment has ended (*ended) or standard input has. signals: of sig_open, with which
 * it ends, too. 0 or an exit status. */
int suggest_talk(struct source *source, const struct msg_show_reply *of, int signals, bool *ended);

#endif
