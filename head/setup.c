#include <errno.h>
#include <poll.h>
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
#include "head/shell.h"
#include "head/standby.h"
#include "head/store/audit.h"
#include "proto/token.h"

int setup_say(const char *what, const struct trouble *trouble, int status)
{
    log_error_for_people(what != NULL ? what : trouble->what, trouble->why,
                         trouble_mend_text(trouble));
    return status;
}

/* Not made: peers know the cluster by them. */
static int standby_keys(struct head *head, const char *dir)
{
    static const char *const names[] = {"head.key", "admin.key"};
    struct key_pair *const pairs[] = {&head->keys, &head->admin};
    char path[LIMIT_PATH_BYTES];
    struct trouble trouble;

    for (size_t i = 0; i < 2; i++) {
        int err = fs_join(path, dir, names[i]);

        if (err != 0)
            (void)trouble_set(&trouble, err, NULL, NULL, "%s is too long a path", dir);
        else
            err = key_pair_load(path, pairs[i], &trouble);
        if (err == ERR_NOT_FOUND)
            (void)trouble_set(&trouble, err, NULL, STANDBY_MEND, "%s is not there", path);
        if (err != 0)
            return setup_say("keys of the cluster", &trouble, 2);
    }
    return 0;
}

static int setup_keys(struct head *head, const char *dir)
{
    struct trouble trouble;
    int err = key_pair_load_or_make(dir, "head.key", &head->keys, NULL, &trouble);

    if (err == 0)
        err = key_pair_load_or_make(dir, "admin.key", &head->admin, NULL, &trouble);
    if (err == 0 && head->settings.private_cluster)
        err = key_pair_load_or_make(dir, "worker.key", &head->worker, NULL, &trouble);
    return err != 0 ? setup_say("keys", &trouble, 2) : 0;
}

/* The data directory is one head's at a time; keys are made on first start. */
static int setup_folder(struct head *head)
{
    const char *dir = head->settings.data_dir;
    char path[LIMIT_PATH_BYTES];
    const char *why;
    int rc;

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
    rc = head->settings.standby ? standby_keys(head, path) : setup_keys(head, path);
    if (rc != 0)
        return rc;
    head->audit = audit_open(dir, LIMIT_AUDIT_BYTES);
    head->strikes = strikes_new();
    if (head->audit == NULL) {
        log_error_for_people(dir, strerror(errno), "make room, or name another --data-dir");
        return 2;
    }
    return 0;
}

/* What is there is looked at now: while a head stands by, others may bring it code trees. */
static int setup_blobs(struct head *head)
{
    static const struct blobs_config limits = {.limit_bytes = LIMIT_BLOBS_BYTES,
                                               .limit_count = LIMIT_BLOBS};
    char folder[LIMIT_PATH_BYTES];

    errno = ENAMETOOLONG;
    if (fs_join(folder, head->settings.data_dir, "blobs") == 0)
        head->blobs = blobs_open(folder, &limits);
    if (head->blobs != NULL)
        return 0;
    log_error_for_people(head->settings.data_dir, strerror(errno),
                         "make room, or name another --data-dir");
    return 2;
}

static int setup_redis(struct head *head)
{
    const struct settings *settings = &head->settings;
    struct trouble trouble;
    int err;

    if (settings->redis_address == NULL) {
        err = redisd_start(settings->data_dir, settings->name, settings->private_cluster,
                           &head->redisd, &trouble);
        if (err != 0)
            return setup_say(NULL, &trouble, 2);
        head->redis = *redisd_address(head->redisd);
        head->report.on_disk = true;
        (void)snprintf(head->report.worth, sizeof(head->report.worth), STORE_WORTH, STORE_ON_DISK);
        return 0;
    }
    err = store_address_parse(settings->redis_address, &head->redis, &trouble);
    if (err == 0)
        err = store_audit(&head->redis, false, clock_ms() + SETUP_MS, &head->report, &trouble);
    if (err != 0)
        return setup_say(NULL, &trouble, 2);
    head->replicas = head->report.replicas > 0 ? 1 : 0;
    log_line(LOG_INFO, "redis", "%s", head->report.worth);
    return 0;
}

int setup_claim(struct head *head, uint64_t epoch, struct trouble *trouble)
{
    char host[128] = "?";
    char who[256];
    struct journal_config config = {.address = &head->redis,
                                    .name = head->settings.name,
                                    .who = who,
                                    .replicas = head->replicas,
                                    .epoch = epoch,
                                    .beats = head->settings.redis_address != NULL};
    int err;

    (void)gethostname(host, sizeof(host) - 1);
    (void)snprintf(who, sizeof(who), "%s pid %d", host, (int)getpid());
    err = journal_open(&config, clock_ms() + SETUP_MS, &head->journal, trouble);
    if (err == 0) {
        head->project = project_new(&head->redis, head->settings.name);
        head->gauge = gauge_new(&head->redis);
    }
    return err;
}

/* Before anything is started: a folder that cannot be written to is to be told at once. */
static int setup_archive(struct head *head)
{
    const struct settings *settings = &head->settings;
    struct trouble trouble;

    if (settings->log_archive == NULL)
        return 0;
    if (archive_open(settings->log_archive, settings->name, &head->archive, &trouble) == 0)
        return 0;
    return setup_say(NULL, &trouble, 2);
}

int setup_store(struct head *head)
{
    int rc = setup_folder(head);

    if (rc == 0)
        rc = setup_archive(head);
    if (rc == 0 && !head->settings.standby)
        rc = setup_blobs(head);
    return rc == 0 ? setup_redis(head) : rc;
}

/* What a core has around it. No turn is on its way. */
static void drop_core(struct head *head)
{
    sinks_free(head->sinks);
    turns_free(head->turns);
    view_free(head->view);
    core_free(head->core);
    checkpoint_store_close(head->checkpoints);
    head->sinks = NULL;
    head->turns = NULL;
    head->view = NULL;
    head->core = NULL;
    head->checkpoints = NULL;
}

int setup_core(struct head *head)
{
    char folder[LIMIT_PATH_BYTES];
    int rc;

    if (fs_join(folder, head->settings.data_dir, "ended") != 0) {
        log_error_for_people(head->settings.data_dir, "its name is too long",
                             "name another one with --data-dir");
        return 2;
    }
    drop_core(head);
    rc = setup_checkpoints(head);
    if (rc != 0)
        return rc;
    head->core = core_new();
    head->view = view_new(folder);
    head->sinks = sinks_new();
    head->turns = turns_new(head->core);
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

int setup_sockets(struct head *head)
{
    struct trouble trouble;
    size_t count;
    const struct view_principal *principals = view_principals(head->view, &count);
    int rc = setup_checkpoints_mark(head);

    if (rc != 0)
        return rc;
    head->context = link_context_new(1);
    head->zap = head->context != NULL ? zap_start(head->context) : NULL;
    if (head->zap == NULL) {
        log_error_for_people("sockets", strerror(errno), NULL);
        return 70;
    }
    if (link_self_test(head->context, head->zap, &trouble) != 0)
        return setup_say("self-test of the encryption", &trouble, 70);
    for (size_t i = 0; i < count; i++)
        if (!principals[i].revoked)
            (void)zap_add(head->zap, principals[i].key, principals[i].principal,
                          (enum principal_role)principals[i].role);
    if (bind_planes(head, &trouble) != 0)
        return setup_say("cannot listen", &trouble, 2);
    head->fleet = fleet_new(&(struct fleet_parts){.socket = head->planes[LINK_WORKER].socket,
                                                  .view = head->view,
                                                  .turns = head->turns,
                                                  .sinks = head->sinks,
                                                  .blobs = head->blobs,
                                                  .checkpoints = head->checkpoints,
                                                  .checkpoint_folder = head->checkpoint_folder,
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
        .epoch = journal_epoch(head->journal),
        .facts = shell_facts,
        .context = head,
    });
    add_principal(head, &head->admin, ROLE_ADMIN, "admin");
    end_former(head, &head->admin, "admin");
    if (head->settings.private_cluster)
        add_principal(head, &head->worker, ROLE_WORKER, "worker");
    /* Whoever reads that this head listens may knock at once: the keys are known by then. */
    shell_settle(head, clock_ms() + SETUP_MS);
    if (head->status != 0)
        return head->status;
    setup_announce(head);
    return 0;
}

/* At once, whoever led before. */
static int take_lead(struct head *head)
{
    struct trouble trouble;
    int err = setup_claim(head, 0, &trouble);

    if (err != 0)
        return setup_say(NULL, &trouble, err == ERR_FENCED ? STATUS_FENCED : 2);
    return setup_replay(head);
}

/* Trials may start without, where their node has the code already; elsewhere they fail. */
static void say_missing_code(struct head *head)
{
    uint64_t missing = shell_missing_code(head);

    if (missing > 0)
        log_line(LOG_WARNING, "code-missing",
                 "code trees of experiments that run are not in blobs/ of this data directory "
                 "count=%llu",
                 (unsigned long long)missing);
}

/* When the one that leads has fallen silent. */
static int take_over(struct head *head)
{
    int rc = setup_core(head);

    if (rc == 0)
        rc = standby_follow(head);
    if (rc == 0)
        rc = setup_blobs(head);
    if (rc == 0)
        say_missing_code(head);
    return rc == 0 ? setup_files(head) : rc;
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
    if (rc == 0 && settings->standby)
        rc = take_over(head);
    else if (rc == 0)
        rc = take_lead(head);
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
    sinks_free(head->sinks); /* they may have a part of an image in hand */
    imager_free(head->imager);
    archive_close(head->archive);
    if (head->committing == NULL)
        turns_free(head->turns);
    view_free(head->view);
    core_free(head->core);
    gauge_free(head->gauge);
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
