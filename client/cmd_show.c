/* `assay show`: all that is known of an experiment or a trial. */
#include <time.h>

#include "client/command.h"
#include "client/out.h"
#include "client/rows.h"
#include "client/say.h"
#include "client/source.h"
#include "client/yaml_write.h"

/* The same with times as people read them, and without what is not known. */
static struct value for_people(const struct value *row, struct arena *arena)
{
    struct value_builder map;

    value_builder_map(&map, arena);
    for (uint32_t i = 0; i < row->count; i++) {
        const char *key = row->members[i].key;
        struct value value = row->members[i].value;
        size_t size = span_text(key).size;
        time_t seconds;
        struct tm local;
        char text[32];

        if (value.type == VALUE_NULL)
            continue;
        if (size > 3 && span_is(span_of(key + size - 3, 3), "_ms") && value.type == VALUE_INT) {
            seconds = (time_t)(value.integer / 1000);
            if (localtime_r(&seconds, &local) != NULL &&
                strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local) > 0)
                value = value_text(arena, text);
            key = arena_text(arena, span_of(key, size - 3));
        }
        value_builder_append(&map, key, value);
    }
    return value_builder_done(&map);
}

static void print(struct value row, const char *also, struct value more, bool json,
                  struct arena *arena)
{
    struct value_builder map;
    struct value whole;
    struct buf text = {0};

    if (!json)
        row = for_people(&row, arena);
    value_builder_map(&map, arena);
    for (uint32_t i = 0; i < row.count; i++)
        value_builder_append(&map, row.members[i].key, row.members[i].value);
    if (also != NULL && more.type != VALUE_NULL)
        value_builder_set(&map, also, more);
    whole = value_builder_done(&map);
    if (json) {
        out_json(&whole, false, arena);
        return;
    }
    yaml_write(&whole, false, &text);
    out_write(buf_span(&text));
    buf_fini(&text);
}

static int show_trials(struct source *source, const struct pick *pick, bool json,
                       struct arena *arena)
{
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < pick->count; i++) {
        struct msg_show_reply reply;

        rc = source_show(source, pick->experiment.experiment, pick->trials[i], arena, &reply);
        if (rc == 0 && reply.trials.count == 0)
            rc = say(EXIT_REFUSED, "show", "assay trials", "there is no trial %u", pick->trials[i]);
        if (rc != 0)
            break;
        if (i > 0 && !json)
            out_write(span_text("\n"));
        print(rows_trial(reply.trials.items, arena), NULL, value_null(), json, arena);
    }
    return rc;
}

static int run(const struct invocation *invocation)
{
    const struct common_flags *flags = invocation->flags;
    const char *selects = invocation->operands[0];
    struct arena *arena = invocation->arena;
    struct msg_show_reply reply;
    struct source *source;
    struct pick pick;
    int rc = source_open(flags->address, flags->token_file, selects, &source);

    if (rc != 0)
        return rc;
    rc = source_pick(source, selects, arena, &pick);
    if (rc == 0 && pick.has_trials) {
        rc = show_trials(source, &pick, flags->json, arena);
    } else if (rc == 0) {
        rc = source_show(source, pick.experiment.experiment, MSG_ALL, arena, &reply);
        if (rc == 0)
            print(rows_experiment(&reply.experiment, arena), "spec",
                  rows_unpacked(reply.spec, arena), flags->json, arena);
    }
    source_close(source);
    return rc;
}

const struct command command_show = {
    .name = "show",
    .operands = "[EXP-or-TRIAL]",
    .help = "Show all that is known of an experiment or a trial",
    .about = "Of a trial: its state, node and times, its configuration and what it last "
             "reported. Of an experiment: how it does, and what was handed in. Without an "
             "operand it is the last experiment.",
    .example = "assay show 3/17",
    .takes = TAKES_HEAD | TAKES_JSON,
    .most = 1,
    .operand = OPERAND_EITHER,
    .run = run,
};
