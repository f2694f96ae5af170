/* say.h - the two lines that people see when something is wrong: `assay: WHAT: WHY` and
 * `  try: MEND`. Every function returns the status it is given, to be returned on. */
#ifndef CLIENT_SAY_H
#define CLIENT_SAY_H

#include "client/exits.h"
#include "common/trouble.h"
#include "proto/msg.h"

/* mend NULL: nothing better to advise than -v. */
int say(int status, const char *what, const char *mend, const char *why, ...)
    __attribute__((format(printf, 4, 5)));

/* What a function of ours was refused; what: the thing that was asked for. */
int say_trouble(int status, const char *what, const struct trouble *trouble);

/* What a head refused; the status goes by its code. */
int say_refusal(const struct msg_error *error);

/* With errno's text as the reason. */
int say_errno(int status, const char *what, const char *mend);

/* A note that only -v shows. */
void say_set_verbose(bool verbose);
bool say_is_verbose(void);
void say_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
