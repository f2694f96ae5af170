/* `assay run`: an experiment here and now, on a cluster of its own that ends with it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/command.h"
#include "client/deliver.h"
#include "client/finish.h"
#include "client/live.h"
#include "client/out.h"
#include "client/private_cluster.h"
#include "client/say.h"
#include "common/sys/fs.h"
#include "common/sys/sig.h"

struct values {
    struct common_flags common;
    struct draft_flags flags;
    struct option_number cpus;
};

/* One run under way. */
struct run {
    const struct values *values;
    struct private_cluster *cluster; /* NULL: on the cluster of --address */
    struct connection *connection;
    struct source *source;
    int signals;
    bool hurry; /* a second Ctrl-C came */
    struct arena *arena;
};

static int run_open(struct run *run)
{
    const struct common_flags *common = &run->values->common;
    uint32_t cpus = run->values->cpus.given ? (uint32_t)run->values->cpus.value : 0;
    struct where where;
    int rc;

    if (run->cluster != NULL) {
        rc = private_cluster_join(run->cluster, cpus, &where);
        if (rc == 0)
            rc = connection_open(&where, CONNECT_MS, false, &run->connection);
    } else {
        rc = connection_open_head(common->address, common->token_file, &run->connection);
    }
    if (rc == 0)
        run->source = source_of_connection(run->connection);
    return rc;
}

/* How to see what is there, after Ctrl-C. */
static void say_stopped(const struct run *run, const struct draft *draft,
                        const struct delivered *delivered)
{
    if (run->values->common.json)
        return;
    if (run->cluster != NULL)
        (void)printf("%s was stopped. What it found: assay trials %s/%s\n", delivered->name,
                     draft->spec.local_dir, delivered->name);
    else
        (void)printf("%s was stopped. What it found: assay trials %u --address %s\n",
                     delivered->name, delivered->experiment, connection_address(run->connection));
}

/* Where a private head is for whoever suggests its trials. */
static void say_where(const struct run *run, const struct draft *draft)
{
    const char *folder;
    struct value_builder map;
    struct value event;

    if (run->cluster == NULL || strcmp(draft->spec.search.type, "external") != 0)
        return;
    folder = private_cluster_folder(run->cluster);
    if (!run->values->common.json) {
        (void)printf("Suggest: assay suggest last --address %s\n", folder);
        out_push();
        return;
    }
    value_builder_map(&map, run->arena);
    value_builder_set(&map, "event", value_text(run->arena, "suggest"));
    value_builder_set(&map, "address", value_text(run->arena, folder));
    event = value_builder_done(&map);
    out_json(&event, true, run->arena);
    out_push();
}

static int run_one(struct run *run, struct draft *draft, const char *base)
{
    struct live_options options = {
        .connection = run->connection,
        .cluster = run->cluster,
        .folder = base,
        .signals = run->signals,
        .json = run->values->common.json,
        .stops = true,
    };
    bool private = run->cluster != NULL;
    struct live_outcome outcome;
    struct delivered delivered;
    int rc = deliver(run->connection, draft, base, private, run->arena, &delivered);

    run->hurry = rc >= 128;
    if (rc != 0)
        return rc;
    options.experiment = delivered.experiment;
    options.on_result = draft->spec.on_result;
    /* So that reading commands find it even if all of us are killed. */
    if (private)
        finish_save(run->source, delivered.experiment, false, run->arena);
    say_where(run, draft);
    rc = live_show(&options, &outcome);
    run->hurry = outcome.killed;
    if (rc != 0 || outcome.killed)
        return rc != 0 ? rc : 128 + outcome.signal;
    rc = finish_print(run->source, delivered.experiment, options.json, run->arena);
    run->hurry = rc >= 128;
    if (run->hurry)
        return rc;
    if (run->cluster != NULL && !options.json)
        (void)printf("Log:     %s\n", private_cluster_folder(run->cluster));
    if (private)
        finish_save(run->source, delivered.experiment, true, run->arena);
    if (outcome.signal != 0) {
        say_stopped(run, draft, &delivered);
        return 128 + outcome.signal;
    }
    return rc == 0 && outcome.callback_status != 0 ? EXIT_TRIALS_FAILED : rc;
}

static int run_all(struct run *run, struct drafts *drafts)
{
    int worst = 0;

    for (uint32_t i = 0; i < drafts->count; i++) {
        int rc = run_one(run, &drafts->items[i], drafts->base);

        if (rc != 0 && rc != EXIT_TRIALS_FAILED)
            return rc;
        worst = rc != 0 ? rc : worst;
    }
    return worst;
}

/* Results are written on this machine: better said now than by every trial. */
static int check_folders(const struct drafts *drafts)
{
    for (uint32_t i = 0; i < drafts->count; i++) {
        const char *folder = drafts->items[i].spec.local_dir;

        if (fs_make_dirs(folder, 0755) != 0 || access(folder, W_OK | X_OK) != 0)
            return say_errno(EXIT_USAGE, folder, "name another folder: --set local_dir=DIR");
    }
    return 0;
}

static int run(const struct invocation *invocation)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, 0};
    const struct values *values = invocation->values;
    struct run run = {.values = values, .arena = invocation->arena, .signals = -1};
    struct drafts drafts;
    int stopped;
    int rc = drafts_read(invocation->operands[0], invocation->program, &values->flags,
                         invocation->arena, &drafts);

    if (rc != 0 || values->flags.save != NULL)
        return rc;
    if (values->cpus.given && values->cpus.value == 0)
        return say(EXIT_USAGE, "--worker-cpus", "--worker-cpus 1, or leave it away for all",
                   "a worker without CPUs runs nothing");
    if (values->common.address != NULL && values->cpus.given)
        return say(EXIT_USAGE, "--worker-cpus", "leave one of them away",
                   "with --address there is no worker of its own");
    if (values->common.address == NULL && values->common.token_file != NULL)
        return say(EXIT_USAGE, "--token-file", "--address HOST:PORT",
                   "a private cluster needs no token");
    if (values->common.address == NULL)
        rc = check_folders(&drafts);
    if (rc == 0 && values->common.address == NULL)
        rc = private_cluster_start(&run.cluster);
    if (rc == 0)
        rc = run_open(&run);
    if (rc == 0) {
        run.signals = sig_open(signals);
        connection_watch_signals(run.connection, run.signals);
        rc = run_all(&run, &drafts);
    }
    out_push(); /* before it takes a while to end; main tells of failures */
    source_close(run.source);
    connection_close(run.connection);
    stopped = private_cluster_stop(run.cluster, run.signals, run.hurry, true);
    return rc == 0 || rc == EXIT_TRIALS_FAILED ? (stopped != 0 ? stopped : rc) : rc;
}

static const struct option_row options[] = {
    DRAFT_OPTIONS(values, flags),
    OPTION(values, common.address, "address", 0, OPTION_TEXT, "HOST:PORT",
           "on that cluster instead of a private one"),
    OPTION(values, common.token_file, "token-file", 0, OPTION_TEXT, "FILE",
           "with --address: join with this token, once ($ASSAY_TOKEN_FILE)"),
    OPTION(values, cpus, "worker-cpus", 0, OPTION_NUMBER, "N",
           "the private worker's size (all of this machine)"),
};

const struct command command_run = {
    .name = "run",
    .operands = "FILE",
    .help = "Run an experiment here and now, with nothing to set up",
    .about = "A head, a worker and a Redis of its own are started, run the experiment of "
             "FILE, and end with it. Several at once do not disturb each other. The status "
             "block is shown live, then the best trial and where the files are.\n\n"
             "Without a FILE the words behind -- are the trial's program: places such as "
             "{lr} become the trial's values, of which -p says what there is to choose "
             "from. Flags beat the file. What the private head decided is kept below "
             "ASSAY_HOME/runs, the newest 20 of them.\n\n"
             "Ctrl-C once stops the trials and keeps their results; twice ends everything "
             "at once.",
    .example = "assay run -n 30 -p lr=loguniform:1e-4,1e-1 --scheduler asha --metric loss "
               "--mode min\n         --max-t 81 -- python3 train.py --lr {lr}",
    .takes = TAKES_JSON | TAKES_PROGRAM,
    .least = 1,
    .most = 1,
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .values_size = sizeof(struct values),
    .operand = OPERAND_FILE,
    .run = run,
};
