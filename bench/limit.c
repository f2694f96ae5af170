#include "bench/limit.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bare.h"
#include "bench/first.h"
#include "common/sys/fs.h"

static char folder[PATH_MAX];

static void remove_folder(void)
{
    if (folder[0] != '\0' && fs_remove_tree(folder) < 0)
        (void)fprintf(stderr, "assay-bench-limit: %s: cannot be removed\n", folder);
}

void limit_fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "assay-bench-limit: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

/* Where the benchmark's own data is, so that both meet the same disk. */
static const char *make_folder(void)
{
    const char *parent = getenv("TMPDIR");

    (void)snprintf(folder, sizeof(folder), "%s/assay-limit-XXXXXX",
                   parent != NULL ? parent : "/tmp");
    if (mkdtemp(folder) == NULL) {
        folder[0] = '\0';
        limit_fail("temporary folder", strerror(errno));
    }
    if (atexit(remove_folder) != 0)
        limit_fail("temporary folder", "cannot be removed at the end");
    return folder;
}

static uint64_t number(const char *word)
{
    char *end;
    uint64_t value = strtoull(word, &end, 10);

    if (value == 0 || *end != '\0')
        limit_fail(word, "is no count");
    return value;
}

static struct peer peer_of(char **words)
{
    struct peer peer = {.endpoint = ""};

    if (strlen(words[0]) >= sizeof(peer.endpoint) || strlen(words[1]) >= sizeof(peer.key))
        limit_fail("ENDPOINT KEY", "are not what a bare head has printed");
    (void)strcpy(peer.endpoint, words[0]);
    (void)strcpy(peer.key, words[1]);
    return peer;
}

static void print(double figure)
{
    (void)printf("%.6f\n", figure);
}

static void run_chain(char **words)
{
    print(chain_rate(make_folder(), number(words[0]), number(words[1]), false));
}

static void run_chain_files(char **words)
{
    print(chain_rate(make_folder(), number(words[0]), number(words[1]), true));
}

static void run_xadd(char **words)
{
    print(xadd_median_ms(make_folder(), number(words[0])));
}

static void run_fork(char **words)
{
    print(fork_rate(number(words[0])));
}

static void run_spawn(char **words)
{
    print(spawn_rate(number(words[0]), number(words[1]), words + 2));
}

static void run_first(char **words)
{
    print(first_median_ms(make_folder(), number(words[0])));
}

static void run_first_from_nothing(char **words)
{
    print(first_from_nothing_median_ms(make_folder(), number(words[0])));
}

static void run_first_client(char **words)
{
    const struct peer peer = peer_of(words);

    first_client(&peer);
}

static void run_bare_head(char **words)
{
    (void)words;
    bare_head(make_folder());
}

static void run_bare_workers(char **words)
{
    const struct peer peer = peer_of(words);

    bare_workers(&peer, number(words[2]));
}

static const struct command {
    const char *name;
    const char *operands;
    int least; /* of operands */
    void (*run)(char **words);
} commands[] = {
    {"chain", "COUNT EACH", 2, run_chain},
    {"chain-files", "COUNT EACH", 2, run_chain_files},
    {"xadd", "COUNT", 1, run_xadd},
    {"fork", "COUNT", 1, run_fork},
    {"spawn", "COUNT AT-ONCE PROGRAM [WORD ...]", 3, run_spawn},
    {"first", "COUNT", 1, run_first},
    {"first-from-nothing", "COUNT", 1, run_first_from_nothing},
    {"first-client", "ENDPOINT KEY", 2, run_first_client},
    {"bare-head", "", 0, run_bare_head},
    {"bare-workers", "ENDPOINT KEY COUNT", 3, run_bare_workers},
};

int main(int argc, char **argv)
{
    const size_t count = sizeof(commands) / sizeof(commands[0]);

    for (size_t i = 0; argc >= 2 && i < count; i++) {
        if (strcmp(argv[1], commands[i].name) != 0 || argc - 2 < commands[i].least)
            continue;
        commands[i].run(argv + 2);
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    for (size_t i = 0; i < count; i++)
        (void)fprintf(stderr, "%s assay-bench-limit %s %s\n", i == 0 ? "usage:" : "      ",
                      commands[i].name, commands[i].operands);
    return 2;
}
