#include "proto/address.h"

#include <assert.h>
#include <stdio.h>

#include "common/err.h"

#define MEND "write it as HOST:PORT, for example localhost:7420 or [::1]:7420"

static const char *port_parse(struct span text, uint16_t *port)
{
    const char *digits = text.data;
    uint32_t number = 0;

    if (text.size == 0 || text.size > 5)
        return "has no port of 1 to 65535";
    for (size_t i = 0; i < text.size; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return "has a port that is no number";
        number = number * 10 + (uint32_t)(digits[i] - '0');
    }
    if (number == 0 || number > UINT16_MAX)
        return "has no port of 1 to 65535";
    *port = (uint16_t)number;
    return NULL;
}

/* Letters, digits, '-', '.', '_'; in brackets hex digits, ':', '.' and a zone behind '%'. */
static bool host_char(char c, bool v6)
{
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_')
        return true;
    return v6 && (c == ':' || c == '%');
}

static const char *host_parse(struct span text, bool v6, char out[ADDRESS_HOST])
{
    const char *at = text.data;

    if (text.size == 0)
        return "has no host";
    if (text.size >= ADDRESS_HOST)
        return "has too long a host";
    if (v6 && memchr(at, ':', text.size) == NULL)
        return "has no IPv6 address in its brackets";
    for (size_t i = 0; i < text.size; i++) {
        char c = at[i] >= 'A' && at[i] <= 'Z' ? (char)(at[i] - 'A' + 'a') : at[i];

        if (!host_char(c, v6))
            return "has a character that no host has";
        out[i] = c;
    }
    out[text.size] = '\0';
    return NULL;
}

/* Cut `[v6]:port`, `host:port` or `host`; port->data is NULL where there is none. */
static const char *split(struct span text, struct span *host, struct span *port, bool *v6)
{
    const char *at = text.data;
    const char *end = at + text.size;
    const char *colon;

    *v6 = text.size > 0 && at[0] == '[';
    *port = (struct span){NULL, 0};
    if (*v6) {
        const char *close = memchr(at, ']', text.size);

        if (close == NULL || (close + 1 != end && close[1] != ':'))
            return "has a '[' without its ']'";
        *host = span_of(at + 1, (size_t)(close - at - 1));
        colon = close + 1 == end ? NULL : close + 1;
    } else {
        colon = text.size > 0 ? memchr(at, ':', text.size) : NULL;
        *host = span_of(at, colon == NULL ? text.size : (size_t)(colon - at));
        if (colon != NULL && memchr(colon + 1, ':', (size_t)(end - colon - 1)) != NULL)
            return "has several colons; an IPv6 address stands in brackets";
    }
    if (colon != NULL)
        *port = span_of(colon + 1, (size_t)(end - colon - 1));
    return NULL;
}

int address_parse(struct span text, uint16_t default_port, struct address *address,
                  struct trouble *trouble)
{
    struct address parsed = {.port = default_port};
    struct span host = {NULL, 0};
    struct span port = {NULL, 0};
    bool v6 = false;
    const char *wrong = split(text, &host, &port, &v6);

    if (wrong == NULL)
        wrong = host_parse(host, v6, parsed.host);
    if (wrong == NULL && port.data == NULL && default_port == 0)
        wrong = "has no port";
    if (wrong == NULL && port.data != NULL)
        wrong = port_parse(port, &parsed.port);
    if (wrong != NULL) {
        return trouble_set(trouble, ERR_MALFORMED, NULL, MEND, "address '%.*s' %s",
                           text.size > 60 ? 60 : (int)text.size,
                           text.size > 0 ? (const char *)text.data : "", wrong);
    }
    *address = parsed;
    return 0;
}

void address_text(const struct address *address, char out[ADDRESS_TEXT])
{
    const char *format = strchr(address->host, ':') != NULL ? "[%s]:%u" : "%s:%u";
    int size = snprintf(out, ADDRESS_TEXT, format, address->host, (unsigned)address->port);

    assert(size > 0 && (size_t)size < ADDRESS_TEXT);
}

const char *address_plain(const char *ip)
{
    static const char mapped[] = "::ffff:";

    if (strncmp(ip, mapped, sizeof(mapped) - 1) == 0 && strchr(ip, '.') != NULL)
        return ip + sizeof(mapped) - 1;
    return ip;
}
