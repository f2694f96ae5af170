/* failpoint.h - places where a test may end the process: ASSAY_FAILPOINT=name[:nth].
 *
 * Nothing at all in a build without -DASSAY_FAILPOINTS=ON, which release is. */
#ifndef SYS_FAILPOINT_H
#define SYS_FAILPOINT_H

#ifdef ASSAY_FAILPOINTS
void failpoint_hit(const char *name); /* common/sys/failpoint.c: SIGKILL to self at the nth hit */
#define FAILPOINT(name) failpoint_hit(name)
#else
#define FAILPOINT(name) ((void)0)
#endif

#endif
