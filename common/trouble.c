#include "common/trouble.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

int trouble_set(struct trouble *trouble, int err, const char *what, const char *mend,
                const char *why, ...)
{
    va_list args;

    (void)snprintf(trouble->what, sizeof(trouble->what), "%s", what != NULL ? what : "");
    (void)snprintf(trouble->mend, sizeof(trouble->mend), "%s", mend != NULL ? mend : "");
    va_start(args, why);
    (void)vsnprintf(trouble->why, sizeof(trouble->why), why, args);
    va_end(args);
    return err;
}

int trouble_mend(struct trouble *trouble, int err, const char *mend, ...)
{
    va_list args;

    va_start(args, mend);
    (void)vsnprintf(trouble->mend, sizeof(trouble->mend), mend, args);
    va_end(args);
    return err;
}

const char *trouble_mend_text(const struct trouble *trouble)
{
    return trouble->mend[0] != '\0' ? trouble->mend : NULL;
}
