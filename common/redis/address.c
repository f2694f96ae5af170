#include "common/redis/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/sys/fs.h"

#define REDIS_PORT    6379u
#define PASSWORD_FILE "ASSAY_REDIS_PASSWORD_FILE"

static int bad_address(struct trouble *trouble, const char *text, const char *why)
{
    (void)trouble_set(trouble, 0, "Redis address",
                      "HOST:PORT, redis://[user@]host[:port] or a "
                      "socket's path",
                      "\"%.200s\": %s", text, why);
    return ERR_MALFORMED;
}

static int parse_port(const char *text, uint16_t *out)
{
    char *end;
    unsigned long port = strtoul(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0' || port == 0 || port > 65535)
        return ERR_MALFORMED;
    *out = (uint16_t)port;
    return 0;
}

/* Splits host[:port] and [v6][:port]; text is ours to cut. */
static int split_host(char *text, struct store_address *address)
{
    char *host = text;
    char *rest;

    if (text[0] == '[') {
        host = text + 1;
        rest = strchr(host, ']');
        if (rest == NULL)
            return ERR_MALFORMED;
        *rest++ = '\0';
        if (*rest != '\0' && *rest != ':')
            return ERR_MALFORMED;
    } else {
        rest = strrchr(text, ':');
    }
    address->port = REDIS_PORT;
    if (rest != NULL && *rest == ':') {
        *rest = '\0';
        if (parse_port(rest + 1, &address->port) < 0)
            return ERR_MALFORMED;
    }
    if (host[0] == '\0' || strlen(host) >= sizeof(address->host))
        return ERR_MALFORMED;
    memcpy(address->host, host, strlen(host) + 1);
    return 0;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)address;

        return (ntohl(four->sin_addr.s_addr) >> 24) == 127;
    }
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

static int resolve(struct store_address *address, struct trouble *trouble)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    int status = getaddrinfo(address->host, NULL, &hints, &found);

    if (status == 0) {
        address->loopback = is_loopback(found->ai_addr);
        status = getnameinfo(found->ai_addr, found->ai_addrlen, address->numeric,
                             sizeof(address->numeric), NULL, 0, NI_NUMERICHOST);
        freeaddrinfo(found);
    }
    if (status != 0)
        return trouble_set(trouble, ERR_NOT_FOUND, "Redis address", "check the host's name",
                           "%s: %s", address->host, gai_strerror(status));
    return 0;
}

static int read_password(struct store_address *address, struct trouble *trouble)
{
    const char *path = getenv(PASSWORD_FILE);
    const char *why;
    struct buf bytes = {0};
    int err;

    if (path == NULL || path[0] == '\0')
        return 0;
    if (!fs_is_private(path, &why))
        return trouble_set(trouble, ERR_DENIED, "Redis password file", "chmod 600 the file",
                           "%s: %s", path, why);
    err = fs_read(path, sizeof(address->password) - 1, &bytes);
    if (err < 0) {
        (void)trouble_set(trouble, err, "Redis password file", NULL, "%s: %s", path, err_text(err));
    } else {
        const char *text = buf_text(&bytes);

        (void)snprintf(address->password, sizeof(address->password), "%.*s",
                       (int)strcspn(text, "\r\n"), text);
    }
    explicit_bzero(bytes.data, bytes.size);
    buf_fini(&bytes);
    return err;
}

static int parse_socket(const char *text, struct store_address *address, struct trouble *trouble)
{
    const char *path = strncmp(text, "unix:", 5) == 0 ? text + 5 : text;

    if (path[0] != '/' || strlen(path) >= sizeof(address->path))
        return bad_address(trouble, text, "a socket's path is absolute and under 108 bytes");
    (void)snprintf(address->path, sizeof(address->path), "%s", path);
    address->loopback = true;
    return 0;
}

static int parse_host(const char *text, struct store_address *address, struct trouble *trouble)
{
    char copy[STORE_HOST_BYTES + STORE_USER_BYTES + 16];
    char *host = copy;
    char *at;

    if (strncmp(text, "rediss://", 9) == 0)
        return bad_address(trouble, text, "TLS is not spoken; forward a local port through it");
    if (strncmp(text, "redis://", 8) == 0)
        text += 8;
    if (strlen(text) >= sizeof(copy))
        return bad_address(trouble, text, "too long");
    (void)snprintf(copy, sizeof(copy), "%s", text);
    if (copy[0] != '\0' && copy[strlen(copy) - 1] == '/')
        copy[strlen(copy) - 1] = '\0';
    at = strrchr(copy, '@');
    if (at != NULL) {
        *at = '\0';
        host = at + 1;
        if (strchr(copy, ':') != NULL)
            return bad_address(trouble, host,
                               "a password stands in a file, named by "
                               "$" PASSWORD_FILE ", not in the address");
        if (strlen(copy) >= sizeof(address->user))
            return bad_address(trouble, text, "the user's name is too long");
        (void)snprintf(address->user, sizeof(address->user), "%.*s", (int)sizeof(address->user) - 1,
                       copy);
    }
    if (split_host(host, address) < 0)
        return bad_address(trouble, text, "not a host and port");
    return resolve(address, trouble);
}

int store_address_parse(const char *text, struct store_address *out, struct trouble *trouble)
{
    struct store_address address = {0};
    int err;

    if (text[0] == '/' || strncmp(text, "unix:", 5) == 0)
        err = parse_socket(text, &address, trouble);
    else
        err = parse_host(text, &address, trouble);
    if (err == 0)
        err = read_password(&address, trouble);
    if (err == 0)
        *out = address;
    explicit_bzero(&address, sizeof(address));
    return err;
}

const char *store_address_text(const struct store_address *address, char *out, unsigned size)
{
    if (address->path[0] != '\0')
        (void)snprintf(out, size, "unix:%s", address->path);
    else if (strchr(address->host, ':') != NULL)
        (void)snprintf(out, size, "[%s]:%u", address->host, (unsigned)address->port);
    else
        (void)snprintf(out, size, "%s:%u", address->host, (unsigned)address->port);
    return out;
}
