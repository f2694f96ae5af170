#include "client/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/out.h"
#include "client/say.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/xalloc.h"

#define MEND "name a file that can be written"

struct outlet {
    FILE *file;       /* owned; NULL: standard output */
    const char *path; /* borrowed */
    bool force;
    int first_errno; /* of the first write that failed; 0: none did */
};

/* What a signal finds to remove: a handler is given nothing else. */
static char temporary[LIMIT_PATH_BYTES];
static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
static struct sigaction before[sizeof(signals) / sizeof(signals[0])];

static void end_by(int number)
{
    (void)unlink(temporary);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = end_by, .sa_flags = (int)SA_RESETHAND};

    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        (void)sigaction(signals[i], &action, &before[i]);
        if (before[i].sa_handler == SIG_IGN) /* as `nohup` has it */
            (void)sigaction(signals[i], &before[i], NULL);
    }
}

static void leave_signals(void)
{
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        (void)sigaction(signals[i], &before[i], NULL);
}

/* What is no file is never replaced: it may be a device, or somebody's pipe. */
static int check_place(const char *path, bool force)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return 0; /* open tells what else is wrong */
    if (!S_ISREG(status.st_mode))
        return say(EXIT_USAGE, path, "another name, or - for standard output",
                   "that is there, and it is no file");
    if (!force)
        return say(EXIT_USAGE, path, "--force, or another name", "a file is there already");
    return 0;
}

static int open_file(struct outlet *outlet)
{
    int length = snprintf(temporary, sizeof(temporary), "%s.%ld.tmp", outlet->path, (long)getpid());
    int fd = -1;

    if (length < 0 || (size_t)length >= sizeof(temporary)) {
        errno = ENAMETOOLONG;
    } else if (unlink(temporary) == 0 || errno == ENOENT) { /* left by a process that was killed */
        catch_signals();
        fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    }
    if (fd >= 0)
        outlet->file = fdopen(fd, "w");
    return fd >= 0 && outlet->file != NULL ? 0 : say_errno(EXIT_USAGE, outlet->path, MEND);
}

int outlet_open(const char *path, bool force, struct outlet **out)
{
    struct outlet *outlet;
    int rc = 0;

    if (path[0] == '\0')
        return say(EXIT_USAGE, "FILE", "a name, or - for standard output", "it is empty");
    outlet = xcalloc(1, sizeof(*outlet));
    outlet->path = path;
    outlet->force = force;
    if (strcmp(path, "-") != 0)
        rc = check_place(path, force);
    if (rc == 0 && strcmp(path, "-") != 0)
        rc = open_file(outlet);
    if (rc == 0)
        *out = outlet;
    else
        free(outlet);
    return rc;
}

void outlet_write(struct outlet *outlet, struct span bytes)
{
    if (outlet->file == NULL)
        out_write(bytes);
    else if (bytes.size > 0 && fwrite(bytes.data, 1, bytes.size, outlet->file) != bytes.size &&
             outlet->first_errno == 0)
        outlet->first_errno = errno != 0 ? errno : EIO;
}

void outlet_take(struct outlet *outlet, struct buf *text)
{
    outlet_write(outlet, buf_span(text));
    buf_reset(text);
}

void outlet_json(struct outlet *outlet, const struct value *value, struct arena *arena)
{
    struct value shown = json_writable(value, arena);
    struct buf text = {0};

    json_write(&shown, JSON_LINE, &text);
    outlet_write(outlet, buf_span(&text));
    buf_fini(&text);
}

bool outlet_failed(const struct outlet *outlet)
{
    return outlet->file == NULL ? out_failed() : outlet->first_errno != 0;
}

/* Into its place. Where nothing may be replaced the kernel is asked for just that, since somebody
 * may have put a file there meanwhile; a file system that cannot do so was asked before. */
static int put(const struct outlet *outlet)
{
    if (!outlet->force) {
        if (renameat2(AT_FDCWD, temporary, AT_FDCWD, outlet->path, RENAME_NOREPLACE) == 0)
            return 0;
        if (errno != EINVAL && errno != ENOSYS)
            return -1;
    }
    return rename(temporary, outlet->path);
}

static int close_file(struct outlet *outlet, bool whole)
{
    int rc = 0;

    if (whole && outlet->first_errno == 0 &&
        (fflush(outlet->file) != 0 || fsync(fileno(outlet->file)) != 0))
        outlet->first_errno = errno;
    if (fclose(outlet->file) != 0 && outlet->first_errno == 0)
        outlet->first_errno = errno;
    if (whole && outlet->first_errno == 0 && put(outlet) != 0)
        outlet->first_errno = errno;
    if (!whole || outlet->first_errno != 0)
        (void)unlink(temporary);
    leave_signals();
    errno = outlet->first_errno;
    if (outlet->first_errno == EEXIST)
        rc = say(EXIT_USAGE, outlet->path, "--force, or another name", "a file is there already");
    else if (outlet->first_errno != 0)
        rc = say_errno(EXIT_USAGE, outlet->path, MEND);
    return rc;
}

int outlet_close(struct outlet *outlet, bool whole)
{
    int rc = outlet->file != NULL ? close_file(outlet, whole) : out_flush();

    free(outlet);
    return rc;
}
