#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/sys/sig.h"
#include "common/table.h"
#include "common/xalloc.h"
#include "worker/executor/spawn.h"
#include "worker/executor/zygote_wire.h"

struct zygote_process {
    int fd;
    zygote_enter_function *enter;
    struct table *keys; /* by process: uint64_t, owned */
    uint8_t *request;   /* owned, ZYGOTE_REQUEST_MOST bytes */
};

static zygote_enter_function *library_open(const char *library, char *why, size_t size)
{
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    zygote_enter_function *enter = NULL;

    if (handle == NULL) {
        (void)snprintf(why, size, "%s", dlerror());
        return NULL;
    }
    /* POSIX promises that this pointer can hold a function; C does not. */
    *(void **)&enter = dlsym(handle, ZYGOTE_ENTER);
    if (enter == NULL)
        (void)snprintf(why, size,
                       "%s has no %s: it needs ASSAY_TRAINABLE_FUNCTION or ASSAY_TRAINABLE_CLASS",
                       library, ZYGOTE_ENTER);
    return enter;
}

static bool has_threads(void)
{
    DIR *dir = opendir("/proc/self/task");
    int count = 0;

    if (dir == NULL)
        return true; /* not known: be careful */
    while (readdir(dir) != NULL)
        count++;
    (void)closedir(dir);
    return count > 3; /* ".", ".." and this one */
}

static void reply_unsafe(struct zygote_reply *reply)
{
    reply->kind = ZYGOTE_UNSAFE;
    (void)snprintf(reply->text, sizeof(reply->text),
                   "the library starts threads when it is opened");
}

static void reply_send(const struct zygote_process *zygote, const struct zygote_reply *reply)
{
    bool text = reply->kind == ZYGOTE_FAILED || reply->kind == ZYGOTE_UNSAFE;
    size_t size = text ? sizeof(*reply) : offsetof(struct zygote_reply, text);

    if (send(zygote->fd, reply, size, MSG_NOSIGNAL) != (ssize_t)size)
        _exit(1); /* the executor is gone, and the kernel is about to say so */
}

/* The three descriptors that came with a message; -1 each where they did not. */
static void descriptors_take(struct msghdr *message, int *fds)
{
    const struct cmsghdr *control = CMSG_FIRSTHDR(message);

    fds[0] = fds[1] = fds[2] = -1;
    if (control != NULL && control->cmsg_type == SCM_RIGHTS &&
        control->cmsg_len == CMSG_LEN(3 * sizeof(int)))
        memcpy(fds, CMSG_DATA(control), 3 * sizeof(int));
}

static void environment_apply(char *entries)
{
    for (char *at = entries; *at != '\0'; at += strlen(at) + 1) {
        size_t name = strlen(ZYGOTE_MARK_NAME);
        char *old = getenv(ZYGOTE_MARK_NAME);

        if (strncmp(at, ZYGOTE_MARK_NAME "=", name + 1) == 0 && old != NULL &&
            strlen(old) == strlen(at + name + 1))
            memcpy(old, at + name + 1, strlen(old));
        else
            (void)putenv(at); /* the request stays as long as the process */
    }
}

/* The generators of the C library; a library's own ones are seeded by it from assay_trial_seed. */
static void generators_seed(void)
{
    const char *text = getenv("ASSAY_SEED");
    unsigned long long seed = text != NULL ? strtoull(text, NULL, 10) : 0;

    srand((unsigned)seed);
    srandom((unsigned)seed);
    srand48((long)seed);
}

/* What every child would have to do anew: the C library binds its own calls of malloc and realloc
 * when they are first made, and copies environ when the first name is added. */
static void warm_up(void)
{
    (void)setenv("ASSAY_WARM", "", 1);
    (void)unsetenv("ASSAY_WARM");
    generators_seed();
    (void)fflush(NULL);
}

static _Noreturn void run_child(const struct zygote_process *zygote,
                                const struct zygote_request *request, const int *fds, pid_t parent)
{
    char *dir = (char *)zygote->request + sizeof(*request);
    char *json = dir + request->dir_size;
    char *environment = json + request->json_size;
    const char *config = environment + request->environment_size;
    struct spawn_ends ends = {.output = fds[0], .error = fds[1], .report = fds[2]};
    int status;

    sig_unblock();
    if (spawn_become(&ends, dir, parent) < 0)
        _exit(126);
    environment_apply(environment);
    generators_seed();
    status = zygote->enter(config, request->config_size, json, SPAWN_REPORT_FD, request->go);
    (void)fflush(NULL);
    _exit(status);
}

static void child_start(struct zygote_process *zygote, const struct zygote_request *request,
                        const int *fds)
{
    struct zygote_reply reply = {.key = request->key, .kind = ZYGOTE_STARTED};
    pid_t parent = getpid();
    pid_t child = fds[2] < 0 ? -1 : fork();
    uint64_t *key;

    if (child == 0)
        run_child(zygote, request, fds, parent);
    if (child < 0) {
        reply.kind = ZYGOTE_REFUSED;
        reply.status = errno;
    } else {
        key = xmalloc(sizeof(*key));
        *key = request->key;
        free(table_put_u64(zygote->keys, (uint64_t)child, key));
        reply.pid = child;
    }
    for (int i = 0; i < 3; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
    reply_send(zygote, &reply);
}

static void request_read(struct zygote_process *zygote)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(3 * sizeof(int))];
    } control;
    struct iovec data = {zygote->request, ZYGOTE_REQUEST_MOST};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    struct zygote_request request;
    int fds[3];
    ssize_t got = recvmsg(zygote->fd, &message, MSG_CMSG_CLOEXEC);

    if (got < 0 && errno == EINTR)
        return;
    if (got < (ssize_t)sizeof(request))
        _exit(0); /* the executor has closed: there will be no more trials */
    memcpy(&request, zygote->request, sizeof(request));
    if ((size_t)got != sizeof(request) + request.dir_size + request.json_size +
                           request.environment_size + request.config_size)
        _exit(1); /* it was cut: our own mistake, which the executor hears of */
    descriptors_take(&message, fds);
    child_start(zygote, &request, fds);
}

static void children_reap(struct zygote_process *zygote)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        uint64_t *key = table_remove_u64(zygote->keys, (uint64_t)pid);
        struct zygote_reply reply = {.kind = ZYGOTE_EXITED, .pid = pid, .status = status};

        if (key == NULL)
            continue; /* the library's own child */
        reply.key = *key;
        free(key);
        reply_send(zygote, &reply);
    }
}

static _Noreturn void serve(struct zygote_process *zygote, int signals)
{
    struct pollfd fds[2] = {{.fd = zygote->fd, .events = POLLIN},
                            {.fd = signals, .events = POLLIN}};

    for (;;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            _exit(1);
        if (fds[1].revents != 0) {
            while (sig_next(signals) != 0)
                ;
            children_reap(zygote);
        }
        if (fds[0].revents != 0)
            request_read(zygote);
    }
}

int zygote_main(int fd, int parent, const char *library)
{
    static const int watched[] = {SIGCHLD, 0};
    struct zygote_process zygote = {.fd = fd};
    struct zygote_reply reply = {.kind = ZYGOTE_READY};
    int signals;

    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent)
        return 1;
    zygote.enter = library_open(library, reply.text, sizeof(reply.text));
    signals = sig_open(watched);
    if (zygote.enter == NULL || signals < 0)
        reply.kind = ZYGOTE_FAILED;
    else if (has_threads())
        reply_unsafe(&reply);
    reply_send(&zygote, &reply);
    if (reply.kind != ZYGOTE_READY)
        return 0;
    warm_up();
    zygote.keys = table_new();
    zygote.request = xmalloc(ZYGOTE_REQUEST_MOST);
    serve(&zygote, signals);
}

int zygote_main_single(const char *library)
{
    char why[ZYGOTE_TEXT] = "";
    zygote_enter_function *enter = library_open(library, why, sizeof(why));
    int status;

    if (enter == NULL) {
        (void)fprintf(stderr, "assay: %s\n", why);
        return 127;
    }
    generators_seed();
    status = enter(NULL, 0, NULL, SPAWN_REPORT_FD, -1);
    (void)fflush(NULL);
    _exit(status);
}
