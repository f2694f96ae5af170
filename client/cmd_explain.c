/* `assay explain`: why a trial is where it is. */
#include "client/command.h"
#include "client/out.h"
#include "client/source.h"

static void print(const struct msg_text *reply, bool json, struct arena *arena)
{
    struct value_builder map;
    struct value whole;
    struct buf text = {0};

    if (!json) {
        buf_append_span(&text, reply->text);
        if (text.size > 0 && text.data[text.size - 1] != '\n')
            buf_append_char(&text, '\n');
        out_text(&text);
        return;
    }
    value_builder_map(&map, arena);
    value_builder_set(&map, "text", value_text(arena, arena_text(arena, reply->text)));
    whole = value_builder_done(&map);
    out_json(&whole, false, arena);
}

static int run(const struct invocation *invocation)
{
    const struct common_flags *flags = invocation->flags;
    struct arena *arena = invocation->arena;
    struct connection *connection;
    struct msg_explain ask;
    struct source *source;
    struct pick pick;
    void *reply;
    int rc = connection_open_head(flags->address, flags->token_file, &connection);

    if (rc != 0)
        return rc;
    source = source_of_connection(connection);
    rc = source_pick_trial(source, invocation->operands[0], arena, &pick);
    if (rc == 0) {
        ask =
            (struct msg_explain){.experiment = pick.experiment.experiment, .trial = pick.trials[0]};
        rc = connection_ask(connection, MSG_EXPLAIN, &ask, 0, MSG_TEXT, arena, &reply);
    }
    if (rc == 0)
        print(reply, flags->json, arena);
    source_close(source);
    connection_close(connection);
    return rc;
}

const struct command command_explain = {
    .name = "explain",
    .operands = "TRIAL",
    .help = "Say why a trial runs there, what it waits for, why it was stopped",
    .about = "Answered from what the head decided: on which node and why there, what it "
             "waits for, what ended it.",
    .example = "assay explain 3/17",
    .takes = TAKES_HEAD | TAKES_JSON,
    .least = 1,
    .most = 1,
    .operand = OPERAND_TRIAL,
    .run = run,
};
