/* export.h - an experiment for other programs and for the eye: what `assay export` writes.
 * Functions return 0 or an exit status, and it was said why. */
#ifndef CLIENT_EXPORT_H
#define CLIENT_EXPORT_H

#include "client/outlet.h"
#include "client/source.h"

/* What every form is made of: a look at one moment, but for results, which are read as they are
 * needed. */
struct export
{
    struct source *source;
    struct msg_status_reply status;
    struct value spec;          /* null: not known */
    struct msg_trial_row *rows; /* by number */
    uint32_t count;
    bool results; /* --results */
    struct arena *arena;
};

/* In export_csv.c, export_json.c and page.c. */
int export_csv(const struct export *of, struct outlet *outlet);
int export_json(const struct export *of, struct outlet *outlet);
int export_html(const struct export *of, struct outlet *outlet);

#endif
