#include "bench/sockets.h"

#include <zmq.h>

#include "bench/limit.h"

/* As proto/link.c sets them: they cost timers and memory. */
static int set_common(void *socket)
{
    static const int options[][2] = {
        {ZMQ_HANDSHAKE_IVL, 3000},
        {ZMQ_HEARTBEAT_IVL, 2000},
        {ZMQ_HEARTBEAT_TIMEOUT, 6000},
        {ZMQ_HEARTBEAT_TTL, 6000},
        {ZMQ_IPV6, 1},
    };

    for (unsigned i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (zmq_setsockopt(socket, options[i][0], &options[i][1], sizeof(int)) < 0)
            return -1;
    return 0;
}

void *socket_router(void *context, struct peer *peer)
{
    char secret_key[SOCKETS_KEY_BYTES];
    size_t size = sizeof(peer->endpoint);
    int yes = 1;
    int backlog = 1024;
    void *router = zmq_socket(context, ZMQ_ROUTER);

    if (router == NULL || set_common(router) < 0 || zmq_curve_keypair(peer->key, secret_key) < 0 ||
        zmq_setsockopt(router, ZMQ_BACKLOG, &backlog, sizeof(backlog)) < 0 ||
        zmq_setsockopt(router, ZMQ_CURVE_SERVER, &yes, sizeof(yes)) < 0 ||
        zmq_setsockopt(router, ZMQ_CURVE_SECRETKEY, secret_key, SOCKETS_KEY_BYTES) < 0 ||
        zmq_bind(router, "tcp://127.0.0.1:*") < 0 ||
        zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, peer->endpoint, &size) < 0)
        limit_fail("ROUTER", zmq_strerror(zmq_errno()));
    return router;
}

void *socket_dealer(void *context, const struct peer *peer)
{
    void *dealer = zmq_socket(context, ZMQ_DEALER);
    char public_key[SOCKETS_KEY_BYTES], secret_key[SOCKETS_KEY_BYTES];

    if (dealer == NULL || set_common(dealer) < 0 || zmq_curve_keypair(public_key, secret_key) < 0 ||
        zmq_setsockopt(dealer, ZMQ_CURVE_SERVERKEY, peer->key, SOCKETS_KEY_BYTES) < 0 ||
        zmq_setsockopt(dealer, ZMQ_CURVE_PUBLICKEY, public_key, SOCKETS_KEY_BYTES) < 0 ||
        zmq_setsockopt(dealer, ZMQ_CURVE_SECRETKEY, secret_key, SOCKETS_KEY_BYTES) < 0 ||
        zmq_connect(dealer, peer->endpoint) < 0)
        limit_fail("DEALER", zmq_strerror(zmq_errno()));
    return dealer;
}
