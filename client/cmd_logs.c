/* `assay logs`: what a trial's program wrote to its standard output or error. */
#include "client/command.h"
#include "client/out.h"
#include "client/source.h"

#define WAIT_MS 20000u

struct values {
    struct common_flags common;
    bool follow;
    bool errors;
};

static int run(const struct invocation *invocation)
{
    const struct values *values = invocation->values;
    const char *selects = invocation->operands[0];
    uint32_t stream = values->errors ? OUTPUT_STDERR : OUTPUT_STDOUT;
    struct msg_log_chunk chunk = {0};
    struct arena arena = {0};
    struct source *source;
    struct pick pick;
    int rc = source_open(values->common.address, values->common.token_file, selects, &source);

    if (rc != 0)
        return rc;
    rc = source_pick_trial(source, selects, invocation->arena, &pick);
    while (rc == 0) {
        arena_reset(&arena);
        rc = source_log(source, pick.experiment.experiment, pick.trials[0], stream, chunk.offset,
                        values->follow ? WAIT_MS : 0, &arena, &chunk);
        if (rc != 0 || (chunk.bytes.size == 0 && (chunk.ended || !values->follow)))
            break;
        out_write(chunk.bytes);
        if (values->follow)
            rc = out_flush();
    }
    arena_fini(&arena);
    source_close(source);
    return rc;
}

static const struct option_row options[] = {
    OPTION(values, follow, "follow", 'f', OPTION_FLAG, NULL, "wait for more, until the end"),
    OPTION(values, errors, "stderr", 0, OPTION_FLAG, NULL, "standard error instead of output"),
};

const struct command command_logs = {
    .name = "logs",
    .operands = "TRIAL",
    .help = "Print what a trial's program wrote",
    .about = "The bytes are printed as they were written, standard output or standard "
             "error.",
    .example = "assay logs 3/17 --stderr",
    .takes = TAKES_HEAD,
    .least = 1,
    .most = 1,
    .options = options,
    .option_count = 2,
    .values_size = sizeof(struct values),
    .operand = OPERAND_TRIAL,
    .run = run,
};
