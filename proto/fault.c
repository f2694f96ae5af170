#include "proto/fault.h"

#include <errno.h>

void fault_init(struct fault *fault)
{
    buf_init(&fault->why);
    buf_init(&fault->mend);
}

void fault_fini(struct fault *fault)
{
    buf_fini(&fault->why);
    buf_fini(&fault->mend);
}

void fault_set(struct fault *fault, const char *subject, const char *why, const char *mend)
{
    buf_reset(&fault->why);
    buf_reset(&fault->mend);
    if (subject != NULL)
        buf_printf(&fault->why, "%s ", subject);
    buf_append_text(&fault->why, why);
    if (mend == NULL)
        return;
    buf_append_text(&fault->mend, mend);
    if (subject != NULL && fault->mend.size > 0 && fault->mend.data[fault->mend.size - 1] == ' ')
        buf_append_text(&fault->mend, subject);
}

void fault_set_errno(struct fault *fault, const char *doing, const char *subject)
{
    int error = errno;

    buf_reset(&fault->why);
    buf_reset(&fault->mend);
    buf_printf(&fault->why, "cannot %s %s: %s", doing, subject, strerror(error));
    errno = error;
}
