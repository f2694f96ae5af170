/* address.h - where a Redis is and who we are there. */
#ifndef STORE_ADDRESS_H
#define STORE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/trouble.h"

#define STORE_PATH_BYTES     108u /* of sockaddr_un */
#define STORE_HOST_BYTES     256u
#define STORE_USER_BYTES     129u
#define STORE_PASSWORD_BYTES 513u

struct store_address {
    char path[STORE_PATH_BYTES]; /* unix socket; empty: TCP */
    char host[STORE_HOST_BYTES]; /* as given, for people */
    char numeric[64];            /* host as it was resolved: so a reconnect asks no name server */
    uint16_t port;
    bool loopback;               /* the unix socket, or an address of this machine's loopback */
    char user[STORE_USER_BYTES]; /* empty: Redis's default user */
    char password[STORE_PASSWORD_BYTES]; /* empty: no AUTH */
};

/* Reads `/path/of/socket`, `unix:/path`, `host[:port]`, `[v6]:port` and
 * `redis://[user@]host[:port]` (port 6379), resolves the host (this may take as long as the name
 * server takes) and reads the password from the file that $ASSAY_REDIS_PASSWORD_FILE names. A
 * password inside the text is refused: command lines can be read by everybody. 0, ERR_MALFORMED,
 * ERR_NOT_FOUND, ERR_DENIED. */
int store_address_parse(const char *text, struct store_address *out, struct trouble *trouble);

/* "unix:/path" or "host:port" without user or password, into out; returns out. */
const char *store_address_text(const struct store_address *address, char *out, unsigned size);

#endif
