/* Where this head is, for everybody who may want to know. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/sys/fs.h"
#include "common/sys/log.h"
#include "head/shell.h"
#include "proto/known.h"

/* Where others reach this head: as it was told, else at the address that it is bound to, else under
 * this machine's name. */
static void find_endpoint(const struct head *head, char out[ADDRESS_TEXT])
{
    const struct settings *settings = &head->settings;
    struct address address = settings->advertise;
    struct in6_addr number;

    if (address.host[0] == '\0' && settings->bind != NULL &&
        (inet_pton(AF_INET, settings->bind, &number) == 1 ||
         inet_pton(AF_INET6, settings->bind, &number) == 1))
        (void)snprintf(address.host, sizeof(address.host), "%s", settings->bind);
    else if (address.host[0] == '\0' && gethostname(address.host, sizeof(address.host) - 1) != 0)
        (void)snprintf(address.host, sizeof(address.host), "HOST");
    if (address.port == 0)
        address.port = head->planes[LINK_JOIN].port;
    address_text(&address, out);
}

void setup_announce(struct head *head)
{
    const char *host = head->settings.bind != NULL && strcmp(head->settings.bind, "*") != 0
                           ? head->settings.bind
                           : "127.0.0.1";
    char endpoint[ADDRESS_TEXT];
    char fingerprint[KEY_FINGERPRINT];
    char key[KEY_TEXT];
    char path[LIMIT_PATH_BYTES];
    struct last_head last = {0};
    struct trouble trouble;
    struct buf line;

    key_text(head->keys.public_key, key);
    key_fingerprint(head->keys.public_key, fingerprint);
    find_endpoint(head, endpoint);
    (void)snprintf(path, sizeof(path), "%s/keys/admin.key", head->settings.data_dir);
    buf_init(&line);
    project_announce(head->project, journal_epoch(head->journal), endpoint, fingerprint);
    (void)snprintf(last.address.host, sizeof(last.address.host), "%s", host);
    last.address.port = head->planes[LINK_JOIN].port;
    memcpy(last.key, head->keys.public_key, KEY_BYTES);
    (void)snprintf(last.admin_key, sizeof(last.admin_key), "%s", path);
    if (last_head_save(head->settings.private_cluster ? head->settings.data_dir : NULL, &last,
                       &trouble) != 0)
        log_line(LOG_WARNING, "last-head", "%s", trouble.why);
    if (!head->settings.private_cluster) {
        (void)printf("assay head %s listens at %s:%u\n\n"
                     "join a worker:  assay token create --role worker > worker.token    (here)\n"
                     "                assay worker --address %s --token-file worker.token\n"
                     "submit:         assay submit FILE                                  (here)\n"
                     "                assay token create --role submit > submit.token    (here)\n"
                     "                assay submit FILE --address %s --token-file submit.token\n",
                     head->settings.name, host, last.address.port, endpoint, endpoint);
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
