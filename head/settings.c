#include "head/settings.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/number.h"
#include "common/redis/keys.h"
#include "common/sys/home.h"
#include "common/sys/log.h"
#include "common/xalloc.h"
#include "proto/address.h"

#define LOG_TAIL       (16u << 20)
#define LOG_TAIL_LEAST (4u << 10)
#define LOG_TAIL_MOST  (1u << 30)

static const char usage[] =
    "usage: assay head [options]\n"
    "       assay head replay [DATA-DIR] [--archive DIR] [--until ID]\n"
    "\n"
    "Run a head in the foreground: it decides what runs where, and keeps everything in Redis.\n"
    "\n"
    "  --port N             port to listen at (7420; 0: any free one)\n"
    "  --bind ADDR          address or interface to listen on (default: all; every peer needs a "
    "key)\n"
    "  --data-dir DIR       its keys, its Redis and its code store (default: "
    "ASSAY_HOME/heads/NAME)\n"
    "  --name NAME          name of the cluster (default)\n"
    "  --checkpoints DIR    keep checkpoints there (default: checkpoints/ in --data-dir): a "
    "folder\n"
    "                       that workers see as well need not be sent them\n"
    "  --redis-address URL  use this Redis (>= 6.2) instead of one of its own: HOST[:PORT],\n"
    "                       redis://[user@]host[:port], or the path of a unix socket\n"
    "  --log-tail SIZE      log that a restart may have to decide again, about; then it is cut\n"
    "                       (16M; with --redis-address it is cut only where this is said: then\n"
    "                       local_dir has to be one folder for all heads)\n"
    "  --log-archive DIR    keep what is cut off the log there, for assay replay --archive DIR\n"
    "  --standby            with --redis-address: follow the head that leads there, and lead when\n"
    "                       nothing was seen of it for 5 s; needs the same keys/ in --data-dir\n"
    "  --advertise HOST     where others reach this head, HOST[:PORT], if not under this "
    "machine's\n"
    "                       name or the address of --bind\n"
    "  -v, --verbose        say more on stderr\n"
    "  -h, --help           this text\n"
    "\n"
    "example: assay head --port 7420 --data-dir /var/lib/assay\n";

enum {
    OPTION_PRIVATE = 1000,
    OPTION_READY_FD,
    OPTION_STANDBY,
    OPTION_ADVERTISE,
    OPTION_CHECKPOINTS,
    OPTION_LOG_ARCHIVE
};

static const struct option options[] = {
    {"port", required_argument, NULL, 'p'},
    {"bind", required_argument, NULL, 'b'},
    {"data-dir", required_argument, NULL, 'd'},
    {"name", required_argument, NULL, 'n'},
    {"redis-address", required_argument, NULL, 'r'},
    {"log-tail", required_argument, NULL, 't'},
    {"log-archive", required_argument, NULL, OPTION_LOG_ARCHIVE},
    {"standby", no_argument, NULL, OPTION_STANDBY},
    {"advertise", required_argument, NULL, OPTION_ADVERTISE},
    {"checkpoints", required_argument, NULL, OPTION_CHECKPOINTS},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    /* For `assay run`, which starts heads; not for people. */
    {"private", no_argument, NULL, OPTION_PRIVATE},
    {"ready-fd", required_argument, NULL, OPTION_READY_FD},
    {NULL, 0, NULL, 0},
};

static int wrong(const char *what, const char *why)
{
    log_error_for_people(what, why, "assay head --help");
    return 2;
}

static bool read_number(const char *text, long most, long *out)
{
    char *end;
    long number = strtol(text, &end, 10);

    if (*text == '\0' || *end != '\0' || number < 0 || number > most)
        return false;
    *out = number;
    return true;
}

static int read_advertise(struct address *out)
{
    struct trouble trouble;

    if (address_parse(span_text(optarg), 0, out, &trouble) == 0)
        return 0;
    if (address_parse(span_text(optarg), ADDRESS_PORT, out, &trouble) != 0)
        return wrong("--advertise", trouble.why);
    out->port = 0; /* that of --port */
    return 0;
}

static int read_option(int option, struct settings *settings)
{
    double bytes;
    long number;

    switch (option) {
    case 'p':
        if (!read_number(optarg, 65535, &number))
            return wrong("--port", "a port is a number from 0 to 65535");
        settings->port = (uint16_t)number;
        return 0;
    case 'b':
        settings->bind = optarg;
        return 0;
    case 'd':
        free(settings->data_dir);
        settings->data_dir = home_expand(optarg);
        return 0;
    case 'n':
        if (!store_name_is_good(optarg))
            return wrong("--name", "a name is 1 to 64 of A-Z a-z 0-9 . _ -");
        settings->name = optarg;
        return 0;
    case 'r':
        settings->redis_address = optarg;
        return 0;
    case 't':
        if (!number_size(optarg, &bytes) || bytes < LOG_TAIL_LEAST || bytes > LOG_TAIL_MOST)
            return wrong("--log-tail", "it takes a size from 4K to 1G, as 16M");
        settings->log_tail = (uint64_t)bytes;
        settings->cuts = true;
        return 0;
    case OPTION_LOG_ARCHIVE:
        free(settings->log_archive);
        settings->log_archive = home_expand(optarg);
        return settings->log_archive != NULL ? 0 : wrong("--log-archive", strerror(errno));
    case OPTION_STANDBY:
        settings->standby = true;
        return 0;
    case OPTION_ADVERTISE:
        return read_advertise(&settings->advertise);
    case OPTION_CHECKPOINTS:
        free(settings->checkpoints);
        settings->checkpoints = *optarg != '\0' ? home_expand(optarg) : NULL;
        return settings->checkpoints != NULL ? 0 : wrong("--checkpoints", "it takes a folder");
    case 'v':
        settings->verbose = true;
        return 0;
    case OPTION_PRIVATE:
        settings->private_cluster = true;
        return 0;
    case OPTION_READY_FD:
        if (!read_number(optarg, 1 << 20, &number))
            return wrong("--ready-fd", "a descriptor is a number");
        settings->ready_fd = (int)number;
        return 0;
    case 'h':
        (void)fputs(usage, stdout);
        return 1;
    default:
        return wrong("assay head", "this option means nothing to it");
    }
}

int settings_read(int argc, char **argv, struct settings *out)
{
    char path[LIMIT_PATH_BYTES];
    const char *home;
    int option;
    int rc;

    *out = (struct settings){
        .name = "default", .port = ADDRESS_PORT, .log_tail = LOG_TAIL, .ready_fd = -1};
    opterr = 0;
    while ((option = getopt_long(argc, argv, "hv", options, NULL)) != -1) {
        if (option == '?')
            return wrong(argv[optind - 1], "this option is not known, or lacks its value");
        rc = read_option(option, out);
        if (rc != 0)
            return rc;
    }
    if (optind < argc)
        return wrong(argv[optind], "this argument means nothing here");
    if (out->standby && out->redis_address == NULL) {
        log_error_for_people("--standby", "it follows the head of a Redis that both share",
                             "assay head --redis-address URL --standby");
        return 2;
    }
    /* Who takes over without the result files would have nothing to make them from. */
    out->cuts |= out->redis_address == NULL;
    if (out->log_archive != NULL && out->redis_address != NULL) {
        log_error_for_people("--log-archive", "a log that several heads cut is not archived",
                             "leave out --log-archive, or --redis-address");
        return 2;
    }
    if (out->data_dir == NULL) {
        home = home_dir();
        if (home == NULL) {
            log_error_for_people(home_name(), strerror(errno), HOME_MEND);
            return 2;
        }
        if ((size_t)snprintf(path, sizeof(path), "%s/heads/%s", home, out->name) >= sizeof(path))
            return wrong("--data-dir", "the path is too long");
        out->data_dir = xstrdup(path);
    }
    return 0;
}

void settings_fini(struct settings *settings)
{
    free(settings->data_dir);
    settings->data_dir = NULL;
    free(settings->checkpoints);
    settings->checkpoints = NULL;
    free(settings->log_archive);
    settings->log_archive = NULL;
}
