#include "head/store/trouble.h"

#include <stdarg.h>
#include <stdio.h>

int trouble_set(struct trouble *trouble, int err, const char *what, const char *mend,
                const char *why, ...)
{
    va_list args;

    (void)snprintf(trouble->what, sizeof(trouble->what), "%s", what);
    (void)snprintf(trouble->mend, sizeof(trouble->mend), "%s", mend != NULL ? mend : "");
    va_start(args, why);
    (void)vsnprintf(trouble->why, sizeof(trouble->why), why, args);
    va_end(args);
    return err;
}
