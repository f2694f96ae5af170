/* `assay drive`: the pipe around drive.h. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "client/command.h"
#include "client/draft.h"
#include "client/drive.h"
#include "client/out.h"
#include "client/say.h"
#include "common/limits.h"
#include "common/sys/clock.h"

#define READ_BYTES 65536u

struct values {
    struct common_flags common;
    struct draft_flags flags;
};

/* Lines as they come in, and answers until nothing more is there to be answered. */
struct pipe {
    struct drive *drive;
    struct buf in;
    struct buf out;
    bool too_long; /* the rest of a line that was answered is still to come */
};

static void take_line(struct pipe *pipe, struct span line)
{
    if (pipe->too_long || line.size > LIMIT_DRIVE_BYTES)
        drive_too_long(&pipe->out);
    else
        drive_line(pipe->drive, line, clock_unix_ms(), &pipe->out);
    pipe->too_long = false;
}

static void push(struct pipe *pipe)
{
    out_write(buf_span(&pipe->out));
    out_push();
    buf_reset(&pipe->out);
}

/* All whole lines of what has been read. */
static void take_lines(struct pipe *pipe)
{
    size_t from = 0;
    const uint8_t *end;

    while (from < pipe->in.size &&
           (end = memchr(pipe->in.data + from, '\n', pipe->in.size - from)) != NULL) {
        size_t size = (size_t)(end - (pipe->in.data + from));

        take_line(pipe, span_of(pipe->in.data + from, size));
        from += size + 1;
        if (pipe->out.size >= READ_BYTES)
            push(pipe);
    }
    buf_consume(&pipe->in, from);
    if (pipe->in.size > LIMIT_DRIVE_BYTES) {
        pipe->too_long = true;
        buf_reset(&pipe->in);
    }
    if (pipe->out.size > 0)
        push(pipe);
}

/* Until the caller closes its end, or reads no more. */
static int pass_lines(struct pipe *pipe)
{
    ssize_t got = 1;

    while (got != 0 && !out_failed()) {
        got = read(STDIN_FILENO, buf_reserve(&pipe->in, READ_BYTES), READ_BYTES);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return say_errno(EXIT_OURS, "standard input", "give it a pipe or a file");
        pipe->in.size += (size_t)got;
        take_lines(pipe);
    }
    if (pipe->in.size > 0 || pipe->too_long) {
        take_line(pipe, buf_span(&pipe->in)); /* it may be whole without a newline */
        push(pipe);
    }
    return 0;
}

static int drive_pipe(const struct value *experiment)
{
    struct spec_error error = {0};
    struct pipe pipe = {.drive = drive_new(experiment, clock_unix_ms(), &error)};
    int rc;

    if (pipe.drive == NULL)
        return say(EXIT_USAGE, error.path[0] != '\0' ? error.path : "experiment", error.mend, "%s",
                   error.what);
    rc = pass_lines(&pipe);
    drive_free(pipe.drive);
    buf_fini(&pipe.in);
    buf_fini(&pipe.out);
    return rc;
}

static int run(const struct invocation *invocation)
{
    const struct values *values = invocation->values;
    struct draft *draft;
    int rc = drafts_read_one(invocation->operands[0], &values->flags, "driven", invocation->arena,
                             &draft);

    return draft != NULL ? drive_pipe(&draft->value) : rc;
}

static const struct option_row options[] = {
    DRAFT_OPTIONS(values, flags),
};

const struct command command_drive = {
    .name = "drive",
    .operands = "FILE",
    .help = "Let another program run an experiment's trials: ask and tell on a pipe",
    .about =
        "The searcher and the scheduler of FILE decide as a head's would, with no cluster: the "
        "program at the other end runs the trials. It writes one JSON object a line to standard "
        "input and reads one a line from standard output, in order.\n\n"
        "{\"op\":\"ask\"} is answered with a trial to run, {\"op\":\"result\",\"trial\":\"t0\","
        "\"result\":{\"loss\":0.3}} with what the trial is to do now: continue, pause or stop. "
        "The other ops are add, complete, error, remove, requeue, status and best; docs/DRIVE.md "
        "has all of them. A wrong line is answered with {\"error\":\"...\"} and changes "
        "nothing.\n\n"
        "FILE needs no run key, and num_samples may be 0: then there are only the trials that "
        "are added. It ends with its standard input.",
    .example = "echo '{\"op\":\"ask\"}' | assay drive exp.yaml --seed 1",
    .least = 1,
    .most = 1,
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .values_size = sizeof(struct values),
    .operand = OPERAND_FILE,
    .run = run,
};
