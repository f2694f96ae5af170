#include "client/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/tame.h"
#include "common/sys/log.h"

static bool verbose;

/* What came from a file or a peer cannot make a second line, or speak to a terminal. */
static const char *tamed(struct buf *text)
{
    tame(text, false);
    return buf_text(text);
}

static void say_lines(const char *what, const char *why, const char *mend)
{
    struct buf lines[3] = {{0}, {0}, {0}};
    const char *texts[3] = {what, why, mend != NULL ? mend : "again with -v, which says more"};

    (void)fflush(stdout); /* in the order in which it happened */
    for (int i = 0; i < 3; i++)
        buf_append_text(&lines[i], texts[i]);
    log_error_for_people(tamed(&lines[0]), tamed(&lines[1]),
                         lines[2].size > 0 ? tamed(&lines[2]) : NULL);
    for (int i = 0; i < 3; i++)
        buf_fini(&lines[i]);
}

int say(int status, const char *what, const char *mend, const char *why, ...)
{
    struct buf text = {0};
    va_list args;

    va_start(args, why);
    buf_vprintf(&text, why, args);
    va_end(args);
    say_lines(what, buf_text(&text), mend);
    buf_fini(&text);
    return status;
}

int say_trouble(int status, const char *what, const struct trouble *trouble)
{
    say_lines(what, trouble->why, trouble_mend_text(trouble));
    return status;
}

int say_refusal(const struct msg_error *error)
{
    struct buf what = {0};
    struct buf why = {0};
    struct buf mend = {0};
    int status = EXIT_REFUSED;

    buf_append_span(&what, error->what);
    buf_append_span(&why, error->why);
    buf_append_span(&mend, error->mend);
    say_lines(buf_text(&what), buf_text(&why), buf_text(&mend));
    buf_fini(&what);
    buf_fini(&why);
    buf_fini(&mend);
    if (error->code == ERROR_DENIED)
        status = EXIT_DENIED;
    else if (error->code == ERROR_UNAVAILABLE)
        status = EXIT_TIMED_OUT;
    else if (error->code == ERROR_VERSION || error->code == ERROR_MALFORMED)
        status = EXIT_OURS;
    return status;
}

int say_errno(int status, const char *what, const char *mend)
{
    say_lines(what, strerror(errno), mend);
    return status;
}

void say_set_verbose(bool on)
{
    verbose = on;
}

bool say_is_verbose(void)
{
    return verbose;
}

void say_note(const char *format, ...)
{
    struct buf text = {0};
    va_list args;

    if (!verbose)
        return;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    (void)fprintf(stderr, "assay: %s\n", tamed(&text));
    buf_fini(&text);
}
