/* address.h - where a head listens: HOST:PORT, or [IPV6]:PORT. */
#ifndef PROTO_ADDRESS_H
#define PROTO_ADDRESS_H

#include <stdint.h>

#include "common/span.h"
#include "common/trouble.h"

#define ADDRESS_HOST 256u  /* longest name, with its terminator */
#define ADDRESS_TEXT 272u  /* of address_text, with its terminator */
#define ADDRESS_PORT 7420u /* a head's, unless told otherwise */

struct address {
    char host[ADDRESS_HOST]; /* lower case; an IPv6 address stands without brackets */
    uint16_t port;
};

/* A text without a port gets default_port; with default_port 0 it is ERR_MALFORMED, as are other
 * characters than a name or an address has. Names are not looked up. */
int address_parse(struct span text, uint16_t default_port, struct address *address,
                  struct trouble *trouble);

/* HOST:PORT again, the same text for the same address. */
void address_text(const struct address *address, char out[ADDRESS_TEXT]);

/* The text of an IP without the "::ffff:" that IPv4 peers of an IPv6 socket have in front: a place
 * in ip. */
const char *address_plain(const char *ip);

#endif
