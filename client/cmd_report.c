/* `assay report`: a result, said from a shell inside a trial. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/command.h"
#include "client/say.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/units.h"

/* A value is JSON; a word that is none is text. */
static struct value value_of(const char *text, struct arena *arena)
{
    struct json_error error;
    struct value value;

    if (json_read(span_text(text), arena, &value, &error) == 0)
        return value;
    return value_text(arena, text);
}

static void append_line(struct value_builder *map, struct buf *out)
{
    struct value line = value_builder_done(map);

    json_write(&line, JSON_COMPACT, out);
    buf_append_char(out, '\n');
}

struct report_flags {
    struct common_flags common;
    const char *checkpoint;
};

/* Its executor does not know where the caller is. */
static const char *absolute(const char *path, struct arena *arena)
{
    char here[LIMIT_PATH_BYTES];

    if (path[0] == '/' || getcwd(here, sizeof(here)) == NULL)
        return path;
    return arena_printf(arena, "%s/%s", here, path);
}

/* Whose report it is, and the report. */
static int make_lines(char *const *operands, int count, const char *checkpoint, struct arena *arena,
                      struct buf *out)
{
    const char *id = getenv("ASSAY_TRIAL_ID");
    const char *attempt = getenv("ASSAY_ATTEMPT");
    struct value_builder map;
    uint64_t number;
    size_t head_size;

    if (id == NULL)
        return say(EXIT_USAGE, "report", "assay run -- sh -c 'assay report loss=0.3'",
                   "this is no trial: $ASSAY_TRIAL_ID is not set");
    value_builder_map(&map, arena);
    value_builder_set(&map, "trial_id", value_text(arena, id));
    if (attempt != NULL && number_read(attempt, UINT32_MAX, &number))
        value_builder_set(&map, "attempt", value_int((int64_t)number));
    append_line(&map, out);
    head_size = out->size;
    value_builder_map(&map, arena);
    for (int i = 0; i < count; i++) {
        const char *equals = strchr(operands[i], '=');

        if (equals == NULL || equals == operands[i])
            return say(EXIT_USAGE, operands[i], "assay report loss=0.3 acc=0.9",
                       "a result is KEY=VALUE");
        value_builder_set(&map,
                          arena_text(arena, span_of(operands[i], (size_t)(equals - operands[i]))),
                          value_of(equals + 1, arena));
    }
    if (checkpoint != NULL)
        value_builder_set(&map, "checkpoint", value_text(arena, absolute(checkpoint, arena)));
    append_line(&map, out);
    if (out->size - head_size > LIMIT_RESULT_BYTES)
        return say(EXIT_USAGE, "report", "write large things to files of the trial",
                   "a report has at most %u bytes", LIMIT_RESULT_BYTES);
    return 0;
}

static int open_socket(int *out)
{
    const char *path = getenv("ASSAY_REPORT_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    if (path == NULL || path[0] == '\0')
        return say(EXIT_USAGE, "report", "assay run -- sh -c 'assay report loss=0.3'",
                   "this is no trial: $ASSAY_REPORT_SOCKET is not set");
    if (strlen(path) >= sizeof(address.sun_path))
        return say(EXIT_OURS, path, NULL, "the path is too long for a socket");
    memcpy(address.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return say_errno(EXIT_OURS, path, NULL);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        (void)say_errno(EXIT_OURS, path, "the trial may have been ended");
        (void)close(fd);
        return EXIT_OURS;
    }
    *out = fd;
    return 0;
}

static int send_line(int fd, struct span line)
{
    const char *at = line.data;
    size_t left = line.size;

    while (left > 0) {
        ssize_t put = send(fd, at, left, MSG_NOSIGNAL);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return say_errno(EXIT_OURS, "report", "the trial may have been ended");
        at += put;
        left -= (size_t)put;
    }
    return 0;
}

/* The answer's one line; the trial waits for it at its horizon. */
static int read_answer(int fd, struct arena *arena)
{
    const struct value *action;
    struct json_error error;
    struct buf line = {0};
    struct value answer;
    int rc = EXIT_OURS;

    while (line.size == 0 || line.data[line.size - 1] != '\n') {
        ssize_t got = read(fd, buf_reserve(&line, 1024), 1024);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || line.size > LIMIT_LINE_BYTES)
            break;
        line.size += (size_t)got;
    }
    if (line.size == 0 || json_read(buf_span(&line), arena, &answer, &error) != 0) {
        buf_fini(&line);
        return say(EXIT_OURS, "report", "see the trial's own end: assay explain",
                   "no answer came: the attempt has ended");
    }
    action = value_get(&answer, "action");
    if (action != NULL && action->type == VALUE_TEXT)
        rc = strcmp(action->text, "stop") == 0 ? EXIT_STOP : EXIT_DONE;
    buf_fini(&line);
    return rc;
}

static int run(const struct invocation *invocation)
{
    const struct report_flags *flags = invocation->values;
    struct buf line = {0};
    int fd = -1;
    int rc = make_lines(invocation->operands, invocation->operand_count, flags->checkpoint,
                        invocation->arena, &line);

    if (rc == 0)
        rc = open_socket(&fd);
    if (rc == 0)
        rc = send_line(fd, buf_span(&line));
    if (rc == 0)
        rc = read_answer(fd, invocation->arena);
    if (fd >= 0)
        (void)close(fd);
    buf_fini(&line);
    return rc;
}

static const struct option_row options[] = {
    OPTION(report_flags, checkpoint, "checkpoint", 0, OPTION_TEXT, "DIR",
           "a complete checkpoint: it holds all that was reported, this one included"),
};

const struct command command_report = {
    .name = "report",
    .operands = "KEY=VALUE...",
    .help = "Inside a trial: report a result; status 0 says go on, 10 stop",
    .about = "For trials written in shell. The keys are metrics, the values numbers, true, "
             "false or text. Inside a trial only: it finds its executor by "
             "$ASSAY_REPORT_SOCKET. Exit status 10 says that the trial is to end now; a "
             "program that goes on regardless is ended.\n\n"
             "With --checkpoint the answer comes when DIR was read, so that it may be changed "
             "or removed. A later attempt of the trial finds a copy of it at $ASSAY_RESTORE.",
    .example = "assay report loss=0.3 acc=0.9",
    .least = 1,
    .most = LIMIT_RESULT_KEYS,
    .options = options,
    .option_count = 1,
    .values_size = sizeof(struct report_flags),
    .run = run,
};
