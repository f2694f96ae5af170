/* `assay extend`: more samples of an experiment, or more of its trials. */
#include "client/draft.h"
#include "client/order.h"
#include "client/say.h"
#include "common/limits.h"

struct values {
    struct common_flags common;
    struct option_number samples;
    struct option_texts stop;
};

/* The rules of all --stop flags as one packed map; nothing where there is none. */
static int pack_rules(const struct option_texts *rules, struct arena *arena, struct buf *out)
{
    struct value_builder map;
    struct value whole;
    int rc = 0;

    value_builder_map(&map, arena);
    whole = value_builder_done(&map);
    for (uint32_t i = 0; rc == 0 && i < rules->count; i++)
        rc = draft_set_stop(&whole, rules->items[i], arena);
    if (rc == 0 && rules->count > 0)
        value_pack(value_get(&whole, "stop"), out);
    return rc;
}

static int extend(struct connection *connection, const char *selects, struct msg_extend *body,
                  struct arena *arena)
{
    struct source *source = source_of_connection(connection);
    struct pick pick;
    void *reply;
    int rc = source_pick_experiment(source, selects, arena, &pick);

    if (rc == 0) {
        body->experiment = pick.experiment.experiment;
        body->total = pick.experiment.total;
        rc = connection_ask(connection, MSG_EXTEND, body, 0, MSG_OK, arena, &reply);
    }
    source_close(source);
    return rc;
}

static int run(const struct invocation *invocation)
{
    const struct values *values = invocation->values;
    const struct common_flags *flags = invocation->flags;
    struct msg_extend body = {.samples = (uint32_t)values->samples.value};
    struct connection *connection;
    struct buf rules = {0};
    int rc = 0;

    if (values->samples.given &&
        (values->samples.value == 0 || values->samples.value > LIMIT_SAMPLES))
        return say(EXIT_USAGE, "-n", NULL, "%llu is not between 1 and %u",
                   (unsigned long long)values->samples.value, LIMIT_SAMPLES);
    if (!values->samples.given && values->stop.count == 0)
        return say(EXIT_USAGE, "extend", "assay extend 3 -n 50",
                   "neither more samples (-n) nor other stop rules (--stop) are given");
    rc = pack_rules(&values->stop, invocation->arena, &rules);
    body.stop = buf_span(&rules);
    if (rc == 0)
        rc = connection_open_head(flags->address, flags->token_file, &connection);
    if (rc == 0) {
        rc = extend(connection, invocation->operands[0], &body, invocation->arena);
        connection_close(connection);
    }
    buf_fini(&rules);
    return rc;
}

static const struct option_row options[] = {
    OPTION(values, samples, "samples", 'n', OPTION_NUMBER, "N",
           "more samples than it was to have (num_samples)"),
    OPTION(values, stop, "stop", 0, OPTION_TEXTS, "METRIC=BOUND",
           "end its trials there instead; once it has ended"),
};

const struct command command_extend = {
    .name = "extend",
    .operands = "EXP",
    .help = "Go on with an experiment: more samples, or more of its trials",
    .about =
        "With -n it gets so many samples more, each with all points of its grids, whether it "
        "still runs or has ended.\n\n"
        "With --stop an experiment that has ended goes on by other stop rules: trials that a "
        "rule has ended begin another attempt, at their latest checkpoint, or from scratch "
        "where they have none. Rules for other metrics stay, and a trial that meets them "
        "already stays ended, as do those that ended by themselves, failed, or were stopped by "
        "the scheduler or by a person.",
    .example = "assay extend 3 --stop training_iteration=200",
    .takes = TAKES_HEAD,
    .least = 1,
    .most = 1,
    .operand = OPERAND_EXPERIMENT,
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .values_size = sizeof(struct values),
    .run = run,
};
