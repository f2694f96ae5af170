#include "worker/settings.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/number.h"
#include "common/sys/fs.h"
#include "common/sys/home.h"
#include "common/sys/log.h"
#include "worker/machine.h"
#include "worker/settings_inside.h"

#define EXIT_HELP 1

static const char usage[] =
    "usage: assay worker [--address HOST:PORT] [options]\n"
    "\n"
    "Run a worker in the foreground: it lends this machine to a head's trials.\n"
    "\n"
    "  --address HOST:PORT     the head ($ASSAY_ADDRESS; else this user's own on this machine), "
    "or\n"
    "                          redis://[user@]host[:port][/NAME]: the one that leads there\n"
    "  --token-file FILE       the token to join with, once; - reads stdin ($ASSAY_TOKEN_FILE)\n"
    "  --cpus N                processors to lend (all that this process may use)\n"
    "  --gpus N                GPUs to lend (all that are visible)\n"
    "  --memory SIZE           memory to lend, as 512M or 2G (all)\n"
    "  --resource NAME=AMOUNT  anything else that trials ask for; may be given again\n"
    "  --name NAME             what people call this node (its host name)\n"
    "  --data-dir DIR          its key and its trials' folders (ASSAY_HOME/workers/NAME)\n"
    "  --checkpoints DIR       where this machine sees the folder that the head keeps checkpoints "
    "in:\n"
    "                          they are put there instead of being sent\n"
    "  -v, --verbose           say more on stderr\n"
    "  -h, --help              this text\n"
    "\n"
    "example: assay worker --address head.example:7420 --token-file token --cpus 8\n";

enum {
    OPTION_ADDRESS = 1000,
    OPTION_TOKEN_FILE,
    OPTION_CPUS,
    OPTION_GPUS,
    OPTION_MEMORY,
    OPTION_RESOURCE,
    OPTION_NAME,
    OPTION_DATA_DIR,
    OPTION_CHECKPOINTS,
    OPTION_HEAD_KEY,
    OPTION_KEY_FILE,
    OPTION_RESULTS_SHARED,
    OPTION_PRIVATE,
    OPTION_READY_FD
};

static const struct option options[] = {
    {"address", required_argument, NULL, OPTION_ADDRESS},
    {"token-file", required_argument, NULL, OPTION_TOKEN_FILE},
    {"cpus", required_argument, NULL, OPTION_CPUS},
    {"gpus", required_argument, NULL, OPTION_GPUS},
    {"memory", required_argument, NULL, OPTION_MEMORY},
    {"resource", required_argument, NULL, OPTION_RESOURCE},
    {"name", required_argument, NULL, OPTION_NAME},
    {"data-dir", required_argument, NULL, OPTION_DATA_DIR},
    {"checkpoints", required_argument, NULL, OPTION_CHECKPOINTS},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    /* For `assay run`, which starts workers; not for people. */
    {"head-key", required_argument, NULL, OPTION_HEAD_KEY},
    {"key-file", required_argument, NULL, OPTION_KEY_FILE},
    {"results-shared", no_argument, NULL, OPTION_RESULTS_SHARED},
    {"private", no_argument, NULL, OPTION_PRIVATE},
    {"ready-fd", required_argument, NULL, OPTION_READY_FD},
    {NULL, 0, NULL, 0},
};

int settings_wrong(const char *what, const char *why)
{
    log_error_for_people(what, why, "assay worker --help");
    return EXIT_USAGE;
}

/* ---- single values ---- */

static bool size_read(const char *text, int64_t *out)
{
    double bytes;

    if (!number_size(text, &bytes) || !(bytes >= 1 && bytes < 1e18))
        return false;
    *out = (int64_t)bytes;
    return true;
}

static bool amount_read(const char *text, int64_t *out)
{
    char *end;
    double number;

    if (text[0] < '0' || text[0] > '9')
        return false;
    number = strtod(text, &end);
    return *end == '\0' && resource_amount(number, out);
}

static bool count_read(const char *text, int64_t most, int64_t *out)
{
    char *end;
    long long number;

    errno = 0;
    number = strtoll(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number > most)
        return false;
    *out = number;
    return true;
}

/* Names and hosts: what stands well in a path, a table and a message. */
static bool name_is_good(const char *name)
{
    size_t size = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    return size > 0 && size <= 64 && name[size] == '\0' && name[0] != '.';
}

int settings_resource(const char *text, struct arena *arena, struct resources *capacity)
{
    struct resource_custom *items = capacity->custom.items;
    const char *equals = strchr(text, '=');
    struct resource_custom add;
    uint32_t count = capacity->custom.count;
    uint32_t at = 0;

    if (equals == NULL || equals == text || equals - text > (ptrdiff_t)LIMIT_NAME_BYTES ||
        !amount_read(equals + 1, &add.amount))
        return ERR_MALFORMED;
    if (count == LIMIT_CUSTOM)
        return ERR_FULL;
    add.name = arena_copy(arena, span_of(text, (size_t)(equals - text)));
    if (!cursor_text_is_utf8(add.name) || span_is(add.name, "cpu") || span_is(add.name, "gpu") ||
        span_is(add.name, "memory"))
        return ERR_MALFORMED;
    if (items == NULL)
        items = arena_alloc(arena, LIMIT_CUSTOM * sizeof(*items));
    while (at < count && strcmp(arena_text(arena, items[at].name), arena_text(arena, add.name)) < 0)
        at++;
    if (at < count && span_equal(items[at].name, add.name))
        return ERR_EXISTS;
    memmove(&items[at + 1], &items[at], (count - at) * sizeof(*items));
    items[at] = add;
    capacity->custom = (struct record_list){items, count + 1};
    return 0;
}

/* ---- the command line ---- */

static int read_amount(int option, struct given *given)
{
    switch (option) {
    case OPTION_CPUS:
        if (!amount_read(optarg, &given->cpu) || given->cpu == 0)
            return settings_wrong("--cpus", "it takes a number above 0");
        return 0;
    case OPTION_GPUS:
        if (!count_read(optarg, LIMIT_GPUS, &given->gpus))
            return settings_wrong("--gpus", "it takes a whole number up to 64");
        return 0;
    default:
        if (!size_read(optarg, &given->memory))
            return settings_wrong("--memory", "it takes a size, as 512M or 2G");
        return 0;
    }
}

static int read_resource(struct settings *settings)
{
    switch (settings_resource(optarg, &settings->arena, &settings->capacity)) {
    case 0:
        return 0;
    case ERR_EXISTS:
        return settings_wrong(optarg, "this resource was named before");
    case ERR_FULL:
        return settings_wrong("--resource", "a node has at most 16 of them");
    default:
        return settings_wrong(optarg, "a resource is written NAME=AMOUNT; cpu, gpu and memory have "
                                      "options of their own");
    }
}

static int read_option(int option, struct given *given, struct settings *settings)
{
    int64_t number;

    switch (option) {
    case OPTION_ADDRESS:
        given->address = optarg;
        return 0;
    case OPTION_TOKEN_FILE:
        given->token_file = optarg;
        return 0;
    case OPTION_CPUS:
    case OPTION_GPUS:
    case OPTION_MEMORY:
        return read_amount(option, given);
    case OPTION_RESOURCE:
        return read_resource(settings);
    case OPTION_NAME:
        if (!name_is_good(optarg))
            return settings_wrong("--name",
                                  "a name is 1 to 64 of A-Z a-z 0-9 . _ - and begins with no dot");
        settings->name = optarg;
        return 0;
    case OPTION_DATA_DIR:
        given->data_dir = optarg;
        return 0;
    case OPTION_CHECKPOINTS:
        free(settings->checkpoints);
        settings->checkpoints = *optarg != '\0' ? home_expand(optarg) : NULL;
        return settings->checkpoints != NULL ? 0
                                             : settings_wrong("--checkpoints", "it takes a folder");
    case OPTION_HEAD_KEY:
        given->head_key = optarg;
        return 0;
    case OPTION_KEY_FILE:
        given->key_file = optarg;
        return 0;
    case OPTION_RESULTS_SHARED:
        settings->shares_results = true;
        return 0;
    case OPTION_PRIVATE:
        settings->private_cluster = true;
        return 0;
    case OPTION_READY_FD:
        if (!count_read(optarg, 1 << 20, &number))
            return settings_wrong("--ready-fd", "a descriptor is a number");
        settings->ready_fd = (int)number;
        return 0;
    case 'v':
        settings->verbose = true;
        return 0;
    case 'h':
        (void)fputs(usage, stdout);
        return EXIT_HELP;
    default:
        return settings_wrong("assay worker", "an option that is not known");
    }
}

/* A secret in argv can be read by everybody on the machine, and stays in shell histories. */
static bool looks_like_token(const char *text)
{
    return strncasecmp(text, "ASSAY1-", 7) == 0 || strstr(text, "=ASSAY1-") != NULL;
}

static int read_line(int argc, char **argv, struct given *given, struct settings *settings)
{
    int option;
    int rc;

    for (int i = 1; i < argc; i++) {
        if (!looks_like_token(argv[i]))
            continue;
        log_error_for_people("token", "an argument can be read by everybody on this machine",
                             "put it into a file, chmod 600 it, and give: --token-file FILE");
        return EXIT_USAGE;
    }
    opterr = 0;
    while ((option = getopt_long(argc, argv, "hv", options, NULL)) != -1) {
        if (option == '?')
            return settings_wrong(argv[optind - 1], "this option is not known, or lacks its value");
        rc = read_option(option, given, settings);
        if (rc != 0)
            return rc;
    }
    if (optind < argc)
        return settings_wrong(argv[optind], "this argument means nothing here");
    return 0;
}

/* ---- what follows from it ---- */

static int set_name_and_folder(const struct given *given, struct settings *settings)
{
    char path[LIMIT_PATH_BYTES];
    char host[LIMIT_NAME_BYTES] = "";
    const char *home;

    if (settings->name == NULL) {
        (void)gethostname(host, sizeof(host) - 1);
        settings->name = name_is_good(host) ? arena_strdup(&settings->arena, host) : "worker";
    }
    if (given->data_dir != NULL) {
        settings->data_dir = home_expand(given->data_dir);
    } else {
        home = home_dir();
        if (home == NULL) {
            log_error_for_people(home_name(), strerror(errno), HOME_MEND);
            return EXIT_USAGE;
        }
        if (snprintf(path, sizeof(path), "%s/workers/%s", home, settings->name) >=
            (int)sizeof(path))
            return settings_wrong("--data-dir", "the path is too long");
        settings->data_dir = home_expand(path);
    }
    /* Names below it have to fit as well. */
    if (settings->data_dir == NULL || strlen(settings->data_dir) > LIMIT_PATH_BYTES / 2)
        return settings_wrong("--data-dir", "the path is too long");
    if (fs_make_dirs(settings->data_dir, 0700) != 0) {
        log_error_for_people(settings->data_dir, strerror(errno), "another --data-dir");
        return EXIT_USAGE;
    }
    return 0;
}

static void set_capacity(const struct given *given, struct settings *settings)
{
    struct resources *capacity = &settings->capacity;

    capacity->cpu =
        given->cpu >= 0 ? given->cpu : (int64_t)machine_cpus("", machine_affinity()) * RESOURCE_ONE;
    capacity->memory_bytes = given->memory >= 0 ? given->memory : (int64_t)machine_memory("");
    gpus_detect(&settings->gpus);
    if (given->gpus >= 0)
        gpus_say(&settings->gpus, (uint32_t)given->gpus);
    capacity->gpu = (int64_t)settings->gpus.count * RESOURCE_ONE;
}

int settings_read(int argc, char **argv, struct settings *out)
{
    struct given given = {.cpu = -1, .memory = -1, .gpus = -1};
    int rc;

    *out = (struct settings){.ready_fd = -1};
    arena_init(&out->arena);
    rc = read_line(argc, argv, &given, out);
    if (rc == 0)
        rc = set_name_and_folder(&given, out);
    if (rc == 0)
        rc = settings_set_keys(&given, out);
    if (rc == 0)
        set_capacity(&given, out);
    return rc;
}

void settings_fini(struct settings *settings)
{
    finder_free(settings->finder);
    key_pair_fini(&settings->keys);
    token_fini(&settings->token);
    free(settings->data_dir);
    free(settings->checkpoints);
    arena_fini(&settings->arena);
}
