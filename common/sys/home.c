#include "common/sys/home.h"

#include <errno.h>
#include <pthread.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/limits.h"
#include "common/sys/fs.h"
#include "common/xalloc.h"

/* The user's own home; caller frees. NULL with errno set where nobody knows it. */
static char *user_home(void)
{
    const char *home = getenv("HOME");
    struct passwd entry, *found = NULL;
    char text[4096];
    int error;

    if (home != NULL && home[0] == '/')
        return xstrdup(home);
    error = getpwuid_r(getuid(), &entry, text, sizeof(text), &found);
    if (found == NULL || entry.pw_dir == NULL || entry.pw_dir[0] != '/') {
        errno = error != 0 ? error : ENOENT;
        return NULL;
    }
    return xstrdup(entry.pw_dir);
}

/* a + "/" + b; caller frees. */
static char *joined(const char *a, const char *b)
{
    struct buf text = {0};

    buf_printf(&text, "%s/%s", a, b);
    (void)buf_text(&text);
    return (char *)text.data;
}

char *home_expand(const char *path)
{
    bool in_home = path[0] == '~' && (path[1] == '\0' || path[1] == '/');
    char *base, *out;

    if (path[0] == '/')
        return xstrdup(path);
    base = in_home ? user_home() : getcwd(NULL, 0);
    if (base == NULL)
        return NULL;
    if (in_home)
        path += path[1] == '/' ? 2 : 1;
    out = path[0] != '\0' ? joined(base, path) : xstrdup(base);
    free(base);
    return out;
}

const char *home_name(void)
{
    const char *given = getenv("ASSAY_HOME");

    return given != NULL && given[0] != '\0' ? given : "~/.assay";
}

static char *home_find(void)
{
    char *path = home_expand(home_name());

    if (path != NULL && fs_make_dirs(path, 0700) < 0) {
        int saved = errno;

        free(path);
        errno = saved;
        return NULL;
    }
    return path;
}

const char *home_dir(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static char *home; /* lives as long as the process */

    (void)pthread_mutex_lock(&lock);
    if (home == NULL)
        home = home_find();
    (void)pthread_mutex_unlock(&lock);
    return home;
}

int home_of_programs(char *out)
{
    ssize_t size = readlink("/proc/self/exe", out, LIMIT_PATH_BYTES - 1);
    char *slash;

    out[size > 0 ? size : 0] = '\0';
    slash = strrchr(out, '/');
    if (slash == NULL)
        return ERR_NOT_FOUND;
    *slash = '\0';
    return 0;
}
