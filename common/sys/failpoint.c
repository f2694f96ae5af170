#include "common/sys/failpoint.h"

#ifdef ASSAY_FAILPOINTS

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void failpoint_hit(const char *name)
{
    static atomic_ulong hits;
    const char *wanted = getenv("ASSAY_FAILPOINT");
    size_t length = strlen(name);
    unsigned long nth = 1;

    if (wanted == NULL || strncmp(wanted, name, length) != 0)
        return;
    if (wanted[length] == ':')
        nth = strtoul(wanted + length + 1, NULL, 10);
    else if (wanted[length] != '\0')
        return;
    if (atomic_fetch_add(&hits, 1) + 1 == nth)
        (void)kill(getpid(), SIGKILL);
}

#endif
