#include "worker/machine.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/limits.h"
#include "common/sys/fs.h"

#define FILE_BYTES 65536u
#define CPUS_MOST  4096u
#define UNLIMITED  UINT64_MAX

/* The text of root/name; false where it is not there. */
static bool text_read(const char *root, const char *name, struct buf *out)
{
    char path[LIMIT_PATH_BYTES];
    int size = snprintf(path, sizeof(path), "%s/%s", root, name);

    buf_reset(out);
    return size > 0 && (size_t)size < sizeof(path) && fs_read(path, FILE_BYTES, out) == 0;
}

/* A number of a file that holds one; UNLIMITED where it says "max", -1, or is not there. */
static uint64_t number_read(const char *root, const char *name)
{
    struct buf text = {0};
    uint64_t number = UNLIMITED;

    if (text_read(root, name, &text) && buf_text(&text)[0] >= '0' && buf_text(&text)[0] <= '9')
        number = strtoull(buf_text(&text), NULL, 10);
    buf_fini(&text);
    return number;
}

/* What a group's folder limits; UNLIMITED where nothing. */
typedef uint64_t group_limit(const char *root, const char *folder);

static uint64_t quota_cpus(uint64_t quota, uint64_t period)
{
    if (quota == UNLIMITED || period == UNLIMITED || period == 0)
        return UNLIMITED;
    return quota / period > 0 ? quota / period : 1;
}

static uint64_t cpus_v2(const char *root, const char *folder)
{
    char name[LIMIT_PATH_BYTES];
    struct buf text = {0};
    unsigned long long quota;
    unsigned long long period;
    uint64_t cpus = UNLIMITED;

    if (fs_join(name, folder, "cpu.max") == 0 && text_read(root, name, &text) &&
        sscanf(buf_text(&text), "%llu %llu", &quota, &period) == 2)
        cpus = quota_cpus(quota, period);
    buf_fini(&text);
    return cpus;
}

static uint64_t cpus_v1(const char *root, const char *folder)
{
    char quota[LIMIT_PATH_BYTES];
    char period[LIMIT_PATH_BYTES];

    if (fs_join(quota, folder, "cpu.cfs_quota_us") != 0 ||
        fs_join(period, folder, "cpu.cfs_period_us") != 0)
        return UNLIMITED;
    return quota_cpus(number_read(root, quota), number_read(root, period));
}

static uint64_t memory_v2(const char *root, const char *folder)
{
    char name[LIMIT_PATH_BYTES];

    return fs_join(name, folder, "memory.max") == 0 ? number_read(root, name) : UNLIMITED;
}

static uint64_t memory_v1(const char *root, const char *folder)
{
    char name[LIMIT_PATH_BYTES];

    return fs_join(name, folder, "memory.limit_in_bytes") == 0 ? number_read(root, name)
                                                               : UNLIMITED;
}

/* The least limit from a group up to the top. In a container the group's own path may not be there,
 * as it is the host's: then the top is the container's. */
static uint64_t walk_up(const char *root, const char *mount, const char *group, group_limit *limit)
{
    char folder[LIMIT_PATH_BYTES];
    size_t top = strlen(mount);
    uint64_t least = UNLIMITED;
    char *slash;

    if (snprintf(folder, sizeof(folder), "%s%s", mount, group) >= (int)sizeof(folder))
        return UNLIMITED;
    do {
        uint64_t here = limit(root, folder);

        least = here < least ? here : least;
        slash = strrchr(folder + top, '/');
        if (slash != NULL)
            *slash = '\0';
    } while (slash != NULL);
    return least;
}

/* Whether a comma-separated list has a word. */
static bool list_has(const char *list, const char *word)
{
    size_t size = strlen(word);

    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, word, size) == 0 && (at[size] == ',' || at[size] == '\0'))
            return true;
    }
    return false;
}

/* The least limit of this process's groups. Lines are "id:controllers:path"; version 2 names none.
 */
static uint64_t groups_limit(const char *root, const char *controller, group_limit *v1,
                             group_limit *v2)
{
    struct buf text = {0};
    uint64_t least = UNLIMITED;
    char *rest = NULL;

    if (!text_read(root, "proc/self/cgroup", &text))
        goto out;
    (void)buf_text(&text);
    for (char *line = strtok_r((char *)text.data, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char *controllers = strchr(line, ':');
        char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
        char mount[LIMIT_PATH_BYTES];
        uint64_t here = UNLIMITED;

        if (path == NULL)
            continue;
        *path++ = '\0';
        controllers++;
        if (*controllers == '\0') {
            here = walk_up(root, "sys/fs/cgroup", path, v2);
        } else if (list_has(controllers, controller) &&
                   snprintf(mount, sizeof(mount), "sys/fs/cgroup/%s", controllers) <
                       (int)sizeof(mount)) {
            here = walk_up(root, mount, path, v1);
        }
        least = here < least ? here : least;
    }
out:
    buf_fini(&text);
    return least;
}

uint32_t machine_affinity(void)
{
    cpu_set_t *set = CPU_ALLOC(CPUS_MOST);
    size_t size = CPU_ALLOC_SIZE(CPUS_MOST);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t count = online > 0 ? (uint32_t)online : 1;

    if (set != NULL && sched_getaffinity(0, size, set) == 0)
        count = (uint32_t)CPU_COUNT_S(size, set);
    CPU_FREE(set);
    return count > 0 ? count : 1;
}

uint32_t machine_cpus(const char *root, uint32_t most)
{
    uint64_t quota = groups_limit(root, "cpu", cpus_v1, cpus_v2);

    return quota < most ? (uint32_t)quota : most;
}

uint64_t machine_memory(const char *root)
{
    struct buf text = {0};
    uint64_t limit = groups_limit(root, "memory", memory_v1, memory_v2);
    uint64_t total = 0;
    const char *line;

    if (text_read(root, "proc/meminfo", &text) &&
        (line = strstr(buf_text(&text), "MemTotal:")) != NULL)
        total = strtoull(line + strlen("MemTotal:"), NULL, 10) * 1024;
    buf_fini(&text);
    if (total == 0)
        return limit != UNLIMITED ? limit : 0;
    return limit < total ? limit : total;
}

/* The IP of "IP", "IP:PORT" or "[IP]:PORT". */
static void ip_cut(const char *peer, char out[ADDRESS_HOST])
{
    const char *colon = strchr(peer, ':');
    size_t size = strlen(peer);

    if (peer[0] == '[') {
        const char *close = strchr(peer, ']');

        peer++;
        size = close != NULL ? (size_t)(close - peer) : strlen(peer);
    } else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
        size = (size_t)(colon - peer);
    }
    if (size >= ADDRESS_HOST)
        size = ADDRESS_HOST - 1;
    memcpy(out, peer, size);
    out[size] = '\0';
}

void machine_ip(const char *peer, char out[ADDRESS_HOST])
{
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM,
                                   .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    struct sockaddr_storage own;
    socklen_t size = sizeof(own);
    char ip[ADDRESS_HOST];
    int fd = -1;

    out[0] = '\0';
    ip_cut(peer, ip);
    if (getaddrinfo(address_plain(ip), "9", &hints, &found) != 0)
        return;
    /* A UDP socket only looks up the route. */
    fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) == 0 &&
        getsockname(fd, (struct sockaddr *)&own, &size) == 0 &&
        getnameinfo((struct sockaddr *)&own, size, ip, sizeof(ip), NULL, 0, NI_NUMERICHOST) == 0)
        memcpy(out, ip, strlen(ip) + 1);
    if (fd >= 0)
        (void)close(fd);
    freeaddrinfo(found);
}
