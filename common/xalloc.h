/* xalloc.h - memory that is always there: running out of it ends the process with one line. */
#ifndef COMMON_XALLOC_H
#define COMMON_XALLOC_H

#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);

/* Like realloc for count objects of size bytes, with the multiplication checked. */
void *xrealloc(void *old, size_t count, size_t size);

char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t size);

#endif
