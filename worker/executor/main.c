/* assay-executor: runs the trials of one experiment on one node. Started by the worker; it leaves
 * the worker's session and goes on without it.
 *
 *   assay-executor --socket PATH --data DIR --experiment N [--share-results]
 *                  [--checkpoints DIR]
 *
 * The process that is started ends as soon as PATH can be connected to: with 0, or with 1 and a
 * line on stderr. What the executor has to say later stands in DIR/executor.log.
 *
 * Three more forms are its own: --helper (helper.h), --zygote PARENT LIBRARY (speaks zygote_wire.h
 * on descriptor 3) and
 * --trial LIBRARY (one native trial in a process of its own). */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/err.h"
#include "common/sys/fs.h"
#include "common/sys/log.h"
#include "common/sys/sig.h"
#include "worker/executor/cage.h"
#include "worker/executor/executor.h"
#include "worker/executor/helper.h"
#include "worker/executor/spawn.h"
#include "worker/executor/zygote_wire.h"

#define READY_FD                                                                                   \
    3 /* of the process that stays: says to the one that was started that it listens               \
       */

static bool number_read(const char *text, uint32_t *out)
{
    char *end;
    unsigned long number;

    errno = 0;
    number = strtoul(text, &end, 10);
    if (errno != 0 || *end != '\0' || end == text || *text == '-' || number > UINT32_MAX)
        return false;
    *out = (uint32_t)number;
    return true;
}

static bool options_read(int argc, char **argv, struct executor_options *options)
{
    bool has_number = false;

    *options = (struct executor_options){0};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (strcmp(argv[i], "--share-results") == 0) {
            options->shares_results = true;
            continue;
        }
        if (value == NULL)
            return false;
        if (strcmp(argv[i], "--socket") == 0)
            options->socket = value;
        else if (strcmp(argv[i], "--data") == 0)
            options->dir = value;
        else if (strcmp(argv[i], "--checkpoints") == 0)
            options->checkpoints = value;
        else if (strcmp(argv[i], "--experiment") == 0)
            has_number = number_read(value, &options->experiment);
        else
            return false;
        i++;
    }
    return has_number && options->socket != NULL && options->dir != NULL &&
           options->dir[0] == '/' && options->socket[0] == '/' &&
           (options->checkpoints == NULL || options->checkpoints[0] == '/');
}

/* The process that was started: waits until the other one listens. */
static int await_ready(int fd)
{
    char answer;
    ssize_t got;

    do {
        got = read(fd, &answer, 1);
    } while (got < 0 && errno == EINTR);
    return got == 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Own session, nothing of the worker's but stderr (until the log is there) and READY_FD. */
static int leave_parent(int ready)
{
    int null = open("/dev/null", O_RDWR);

    if (setsid() < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
        dup2(ready, READY_FD) < 0 || fcntl(READY_FD, F_SETFD, FD_CLOEXEC) < 0 ||
        close_range(READY_FD + 1, ~0u, 0) < 0)
        return err_from_errno();
    return 0;
}

static int log_open(const char *dir)
{
    char path[LIMIT_PATH_BYTES];
    int err = fs_join(path, dir, "executor.log");
    int fd;

    if (err < 0)
        return err;
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
        return err_from_errno();
    (void)close(fd);
    return 0;
}

/* Three descriptors a trial, and two files: as many as the system lets us have. */
static void descriptors_raise(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* then it stays as it was */
    }
}

/* What an experiment leaves that has ended: what trials wrote in their folders stays. */
static void data_remove(const struct executor_options *options)
{
    static const char *const names[] = {"code",         "checkpoints", "zygote.log",
                                        "executor.log", "cgroup",      "lock"};
    char path[LIMIT_PATH_BYTES];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (fs_join(path, options->dir, names[i]) == 0 && fs_remove_tree(path) < 0)
            log_line(LOG_WARNING, "data_left", "cannot be removed: %s", path);
    if (fs_join(path, options->dir, "work") == 0)
        (void)rmdir(path);
    (void)rmdir(options->dir);
}

static int run(const struct executor_options *options)
{
    static struct executor executor;
    struct cage cage;
    const char *why = "cannot make its folder";
    char path[LIMIT_PATH_BYTES];
    int lock = ERR_TOO_BIG;
    int err = fs_make_dirs(options->dir, 0700);

    if (err == 0 && fs_join(path, options->dir, "lock") == 0)
        lock = fs_lock(path);
    if (err == 0 && lock < 0) {
        why = "another executor has its folder";
        err = lock;
    }
    if (err == 0)
        err = executor_open(&executor, options, &why);
    if (err < 0) {
        log_error_for_people(options->dir, why, NULL);
        return EXIT_FAILURE;
    }
    err = log_open(options->dir);
    if (err < 0 || write(READY_FD, "", 1) != 1) {
        log_error_for_people(options->dir, "cannot write its log", NULL);
        return EXIT_FAILURE;
    }
    (void)close(READY_FD);
    cage_open(&cage, options->dir);
    executor.cage = &cage;
    executor_run(&executor);
    executor_close(&executor);
    cage_close(&cage);
    if (executor.released)
        data_remove(options);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct executor_options options;
    uint32_t parent;
    int ready[2];
    pid_t pid;

    sig_reset(); /* so that no child has to */
    if (helper_is_asked(argc, argv))
        return helper_main(argc, argv);
    if (argc == 4 && strcmp(argv[1], "--zygote") == 0 && number_read(argv[2], &parent))
        return zygote_main(SPAWN_REPORT_FD, (int)parent, argv[3]);
    if (argc == 3 && strcmp(argv[1], "--trial") == 0)
        return zygote_main_single(argv[2]);
    if (!options_read(argc, argv, &options)) {
        log_error_for_people("assay-executor", "wrong usage", "assay worker starts it by itself");
        return 2;
    }
    if (pipe2(ready, O_CLOEXEC) < 0)
        return EXIT_FAILURE;
    pid = fork();
    if (pid < 0)
        return EXIT_FAILURE;
    if (pid > 0) {
        (void)close(ready[1]);
        return await_ready(ready[0]);
    }
    if (leave_parent(ready[1]) < 0) {
        log_error_for_people("assay-executor", "cannot leave its parent", NULL);
        return EXIT_FAILURE;
    }
    descriptors_raise();
    spawn_self_note();
    return run(&options);
}
