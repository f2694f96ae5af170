#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/sys/clock.h"
#include "common/sys/fs.h"
#include "common/sys/log.h"
#include "common/sys/sig.h"
#include "common/xalloc.h"
#include "head/replay.h"
#include "head/shell.h"
#include "head/sink/redo.h"
#include "head/store/audit.h"
#include "proto/known.h"
#include "proto/token.h"

#define START_MS 30000u /* a large log takes a while to load */

/* what: NULL where the trouble names it. Gives the status to exit with. */
static int say_trouble(const char *what, const struct trouble *trouble, int status)
{
    log_error_for_people(what != NULL ? what : trouble->what, trouble->why,
                         trouble_mend_text(trouble));
    return status;
}

/* The data directory is one head's at a time; keys are made on first start. */
static int setup_folder(struct head *head)
{
    static const struct blobs_config limits = {.limit_bytes = LIMIT_BLOBS_BYTES,
                                               .limit_count = LIMIT_BLOBS};
    const char *dir = head->settings.data_dir;
    char path[LIMIT_PATH_BYTES];
    struct trouble trouble;
    const char *why;
    int err;

    if (fs_make_dirs(dir, 0700) != 0 || fs_join(path, dir, "lock") != 0) {
        log_error_for_people(dir, strerror(errno), "name another folder with --data-dir");
        return 2;
    }
    if (!fs_is_private(dir, &why)) {
        log_error_for_people(dir, why, "chmod 700 it, and own it");
        return 2;
    }
    head->lock = fs_lock(path);
    if (head->lock < 0) {
        log_error_for_people(dir, "another head runs with this data directory",
                             "stop that one, or name another folder with --data-dir");
        return 2;
    }
    if (fs_join(path, dir, "keys") != 0) {
        log_error_for_people(dir, "its name is too long", "name another one with --data-dir");
        return 2;
    }
    err = key_pair_load_or_make(path, "head.key", &head->keys, NULL, &trouble);
    if (err == 0)
        err = key_pair_load_or_make(path, "admin.key", &head->admin, NULL, &trouble);
    if (err == 0 && head->settings.private_cluster)
        err = key_pair_load_or_make(path, "worker.key", &head->worker, NULL, &trouble);
    if (err != 0)
        return say_trouble("keys", &trouble, 2);
    head->audit = audit_open(dir, LIMIT_AUDIT_BYTES);
    head->blobs = blobs_open(dir, &limits);
    head->strikes = strikes_new();
    head->checkpoints = checkpoint_store_open(dir);
    if (head->audit == NULL || head->blobs == NULL || head->checkpoints == NULL) {
        log_error_for_people(dir, strerror(errno), "make room, or name another --data-dir");
        return 2;
    }
    return 0;
}

static int setup_redis(struct head *head, uint32_t *replicas)
{
    const struct settings *settings = &head->settings;
    struct trouble trouble;
    struct audit_report report;
    int err;

    if (settings->redis_address == NULL) {
        err = redisd_start(settings->data_dir, settings->name, settings->private_cluster,
                           &head->redisd, &trouble);
        if (err != 0)
            return say_trouble(NULL, &trouble, 2);
        head->redis = *redisd_address(head->redisd);
        return 0;
    }
    err = store_address_parse(settings->redis_address, &head->redis, &trouble);
    if (err == 0)
        err = store_audit(&head->redis, false, clock_ms() + START_MS, &report, &trouble);
    if (err != 0)
        return say_trouble(NULL, &trouble, 2);
    *replicas = report.replicas > 0 ? 1 : 0;
    log_line(LOG_INFO, "redis", "%s", report.worth);
    return 0;
}

int setup_store(struct head *head)
{
    char host[128] = "?";
    char who[256];
    struct journal_config config = {
        .address = &head->redis, .name = head->settings.name, .who = who};
    struct trouble trouble;
    int rc = setup_folder(head);
    int err;

    if (rc == 0)
        rc = setup_redis(head, &config.replicas);
    if (rc != 0)
        return rc;
    (void)gethostname(host, sizeof(host) - 1);
    (void)snprintf(who, sizeof(who), "%s pid %d", host, (int)getpid());
    err = journal_open(&config, clock_ms() + START_MS, &head->journal, &trouble);
    if (err != 0)
        return say_trouble(NULL, &trouble, err == ERR_FENCED ? 75 : 2);
    head->project = project_new(&head->redis, head->settings.name);
    return 0;
}

struct replaying {
    struct head *head;
    struct redo *redo;
};

/* Effects of the log's entries make the rows again, and the sinks' files. */
static void replayed(void *context, const struct effects *effects, uint64_t now_ms)
{
    const struct replaying *replaying = context;

    shell_apply(replaying->head, effects, true);
    redo_put(replaying->redo, effects);
    turns_set_time(replaying->head->turns, now_ms);
}

int setup_replay(struct head *head)
{
    struct replaying replaying = {.head = head};
    struct replay_summary summary;
    struct trouble trouble;
    uint64_t begun_ms = clock_ms();
    int err;

    head->core = core_new();
    head->view = view_new();
    head->sinks = sinks_new();
    head->turns = turns_new(head->core);
    replaying.redo = redo_new(head->sinks);
    err = replay_log(&head->redis, head->settings.name, journal_committed(head->journal),
                     head->core, replayed, &replaying, &summary, &trouble);
    redo_free(replaying.redo);
    checkpoint_store_settle(head->checkpoints, clock_ms());
    if (err != 0)
        return say_trouble(NULL, &trouble, 2);
    log_line(LOG_INFO, "replayed", "%llu entries, %llu events in %llu ms, all decided alike",
             (unsigned long long)summary.entries, (unsigned long long)summary.events,
             (unsigned long long)(clock_ms() - begun_ms));
    return 0;
}

/* A key of this machine's own becomes a principal, if it is none yet. */
static void add_principal(struct head *head, const struct key_pair *keys, enum role role,
                          const char *name)
{
    struct event event = {.type = EVENT_PRINCIPAL_ADD};

    if (view_principal_of_key(head->view, keys->public_key) != NULL || !turns_ready(head->turns))
        return;
    event.principal_add = (struct event_principal_add){
        .key = span_of(keys->public_key, KEY_BYTES), .role = role, .name = span_text(name)};
    shell_step(head, &event);
}

/* What this machine's key of that name was before: who took its file away, or whose restored backup
 * has another one, wants no more of it. */
static void end_former(struct head *head, const struct key_pair *keys, const char *name)
{
    const uint8_t *key = keys->public_key;
    size_t count;
    const struct view_principal *all = view_principals(head->view, &count);

    for (size_t i = 0; i < count && turns_ready(head->turns); i++) {
        struct event event = {.type = EVENT_PRINCIPAL_ADD};

        if (all[i].revoked || strcmp(all[i].name, name) != 0 ||
            memcmp(all[i].key, key, KEY_BYTES) == 0 || !core_is_own(head->core, all[i].principal))
            continue;
        event.principal_add = (struct event_principal_add){
            .key = arena_copy(turns_arena(head->turns), span_of(all[i].key, KEY_BYTES)),
            .role = ROLE_NONE,
            .name = span_text(name)};
        shell_step(head, &event);
    }
}

static int bind_planes(struct head *head, struct trouble *trouble)
{
    static const enum link_plane order[PLANES] = {LINK_JOIN, LINK_CLIENT, LINK_WORKER};
    uint16_t want = head->settings.port;

    for (int i = 0; i < PLANES; i++) {
        struct plane *plane = &head->planes[order[i]];
        int err = link_bind(head->context, order[i], head->settings.bind, want, &head->keys,
                            &plane->socket, &plane->port, &plane->monitor, trouble);

        /* The two behind the public one may have any port: peers learn them from it. */
        if (err == ERR_EXISTS && i > 0)
            err = link_bind(head->context, order[i], head->settings.bind, 0, &head->keys,
                            &plane->socket, &plane->port, &plane->monitor, trouble);
        if (err != 0)
            return err;
        plane->watch = peerwatch_new(link_plane_limit(order[i]));
        want = want > 0 && want < UINT16_MAX ? (uint16_t)(plane->port + 1) : 0;
    }
    return 0;
}

static void announce(struct head *head)
{
    const char *host = head->settings.bind != NULL && strcmp(head->settings.bind, "*") != 0
                           ? head->settings.bind
                           : "127.0.0.1";
    char hostname[128] = "HOST";
    char key[KEY_TEXT];
    char path[LIMIT_PATH_BYTES];
    struct last_head last = {0};
    struct trouble trouble;
    struct buf line;

    key_text(head->keys.public_key, key);
    (void)snprintf(path, sizeof(path), "%s/keys/admin.key", head->settings.data_dir);
    buf_init(&line);
    buf_printf(&line, "%s:%u", host, head->planes[LINK_JOIN].port);
    project_announce(head->project, journal_epoch(head->journal), buf_text(&line));
    buf_reset(&line);
    if (!head->settings.private_cluster) {
        (void)snprintf(last.address.host, sizeof(last.address.host), "%s", host);
        last.address.port = head->planes[LINK_JOIN].port;
        memcpy(last.key, head->keys.public_key, KEY_BYTES);
        (void)snprintf(last.admin_key, sizeof(last.admin_key), "%s", path);
        if (last_head_save(&last, &trouble) != 0)
            log_line(LOG_WARNING, "last-head", "%s", trouble.why);
        (void)gethostname(hostname, sizeof(hostname) - 1);
        (void)printf(
            "assay head %s listens at %s:%u\n\n"
            "join a worker:  assay token create --role worker > worker.token    (here)\n"
            "                assay worker --address %s:%u --token-file worker.token\n"
            "submit:         assay submit FILE                                  (here)\n"
            "                assay token create --role submit > submit.token    (here)\n"
            "                assay submit FILE --address %s:%u --token-file submit.token\n",
            head->settings.name, host, last.address.port, hostname, last.address.port, hostname,
            last.address.port);
        (void)fflush(stdout);
    }
    if (head->settings.ready_fd < 0) {
        buf_fini(&line);
        return;
    }
    buf_printf(&line,
               "{\"address\": \"%s:%u\", \"key\": \"%s\", \"admin_key\": \"%s\", "
               "\"worker_key\": \"%s/keys/worker.key\"}\n",
               host, head->planes[LINK_JOIN].port, key, path, head->settings.data_dir);
    if (fs_write_all(head->settings.ready_fd, line.data, line.size) != 0)
        log_line(LOG_WARNING, "ready-fd", "nobody listens");
    (void)close(head->settings.ready_fd);
    buf_fini(&line);
}

int setup_sockets(struct head *head)
{
    struct trouble trouble;
    size_t count;
    const struct view_principal *principals = view_principals(head->view, &count);

    head->context = link_context_new(1);
    head->zap = head->context != NULL ? zap_start(head->context) : NULL;
    if (head->zap == NULL) {
        log_error_for_people("sockets", strerror(errno), NULL);
        return 70;
    }
    if (link_self_test(head->context, head->zap, &trouble) != 0)
        return say_trouble("self-test of the encryption", &trouble, 70);
    for (size_t i = 0; i < count; i++)
        if (!principals[i].revoked)
            (void)zap_add(head->zap, principals[i].key, principals[i].principal,
                          (enum principal_role)principals[i].role);
    if (bind_planes(head, &trouble) != 0)
        return say_trouble("cannot listen", &trouble, 2);
    head->fleet = fleet_new(&(struct fleet_parts){.socket = head->planes[LINK_WORKER].socket,
                                                  .view = head->view,
                                                  .turns = head->turns,
                                                  .sinks = head->sinks,
                                                  .blobs = head->blobs,
                                                  .checkpoints = head->checkpoints,
                                                  .epoch = journal_epoch(head->journal)});
    head->front = front_new(&(struct front_parts){
        .client_socket = head->planes[LINK_CLIENT].socket,
        .join_socket = head->planes[LINK_JOIN].socket,
        .view = head->view,
        .core = head->core,
        .turns = head->turns,
        .sinks = head->sinks,
        .blobs = head->blobs,
        .audit = head->audit,
        .head_key = head->keys.public_key,
        .name = head->settings.name,
        .client_port = head->planes[LINK_CLIENT].port,
        .worker_port = head->planes[LINK_WORKER].port,
    });
    add_principal(head, &head->admin, ROLE_ADMIN, "admin");
    end_former(head, &head->admin, "admin");
    if (head->settings.private_cluster)
        add_principal(head, &head->worker, ROLE_WORKER, "worker");
    /* Whoever reads that this head listens may knock at once: the keys are known by then. */
    shell_settle(head, clock_ms() + START_MS);
    announce(head);
    return 0;
}

int head_open(const struct settings *settings, struct head **out)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, 0};
    struct head *head = xcalloc(1, sizeof(*head));
    int rc;

    head->settings = *settings;
    head->lock = -1;
    if (settings->private_cluster)
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    head->signals = sig_open(signals);
    rc = setup_store(head);
    if (rc == 0)
        rc = setup_replay(head);
    if (rc == 0)
        rc = setup_sockets(head);
    if (rc != 0) {
        setup_close(head);
        free(head);
        return rc;
    }
    *out = head;
    return 0;
}

void setup_close(struct head *head)
{
    struct trouble trouble;

    front_free(head->front);
    fleet_free(head->fleet);
    for (int i = 0; i < PLANES; i++) {
        link_close(head->planes[i].socket, head->planes[i].monitor);
        peerwatch_free(head->planes[i].watch);
        free(head->planes[i].owners);
    }
    zap_stop(head->zap);
    link_context_free(head->context);
    sinks_free(head->sinks);
    if (head->committing == NULL)
        turns_free(head->turns);
    view_free(head->view);
    core_free(head->core);
    project_free(head->project);
    journal_free(head->journal);
    if (head->redisd != NULL && redisd_stop(head->redisd, &trouble) != 0)
        log_line(LOG_WARNING, "redis-stop", "%s", trouble.why);
    redisd_free(head->redisd);
    blobs_close(head->blobs);
    checkpoint_store_close(head->checkpoints);
    audit_close(head->audit);
    strikes_free(head->strikes);
    arena_fini(&head->scratch);
    key_pair_fini(&head->keys);
    key_pair_fini(&head->admin);
    key_pair_fini(&head->worker);
    if (head->lock >= 0)
        (void)close(head->lock);
}
