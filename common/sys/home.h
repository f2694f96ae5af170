/* home.h - where a user's own files are: ASSAY_HOME, else ~/.assay; and where our programs are. */
#ifndef SYS_HOME_H
#define SYS_HOME_H

/* The folder, made (0700) if need be; constant after the first call. NULL with errno set where
 * there is none to be had. */
const char *home_dir(void);

/* What people call it: $ASSAY_HOME as it is set, else "~/.assay". */
const char *home_name(void);

/* The way out where there is none to be had. */
#define HOME_MEND "set ASSAY_HOME to a folder that can be written"

/* "~" and "~/x" with the user's home in front; other paths made absolute from the working
 * directory. Caller frees; NULL with errno set where the home or working directory is not known. */
char *home_expand(const char *path);

/* The folder that this program stands in, where the others of Assay are, too; out has
 * LIMIT_PATH_BYTES. ERR_NOT_FOUND: the system does not say. */
int home_of_programs(char *out);

#endif
