/* home.h - where a user's own files are: ASSAY_HOME, else ~/.assay. */
#ifndef SYS_HOME_H
#define SYS_HOME_H

/* The folder, made (0700) if need be; constant after the first call. NULL with errno set where
 * there is none to be had. */
const char *home_dir(void);

/* "~" and "~/x" with the user's home in front; other paths made absolute from the working
 * directory. Caller frees; NULL with errno set where the home or working directory is not known. */
char *home_expand(const char *path);

#endif
