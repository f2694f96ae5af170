/* zoo_peer - a client with a real key that says what no client of ours would say: for the zoo.
 *
 *   zoo_peer HOST:PORT TOKEN-FILE KEY-FILE
 *
 * connects to one plane of the head whose key the token carries, as the key pair in KEY-FILE, which
 * is made where there is none. Says "up", "refused", "stranger" or "no-head", and then obeys the
 * lines of its standard input, with one line of answer for each:
 *
 *   say TYPE PROBE      the smallest valid message of a type, and behind it one of a type that is
 *                       always answered: "TYPE WHAT CODE" is what came for the first one before the
 *                       second was answered (CODE is an ERROR's), "TYPE silence", "TYPE gone"
 *   join TOKEN-FILE     a JOIN with that token
 *   raw HEX PROBE       a frame as it is given
 *   parts COUNT BYTES   one message of so many parts, each of so many bytes
 *   big BYTES           one frame of so many bytes
 *   ask EXPERIMENT      STATUS again and again until the next line; then "COUNT P50 P99 MOST", in
 *                       microseconds
 *   wait                until the head hangs up: "gone"
 *
 * Ends with its input. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/pack.h"
#include "common/xalloc.h"
#include "proto/link.h"
#include "proto/link_watch.h"
#include "proto/msg.h"
#include "proto/token.h"

#define ANSWER_MS    10000
#define ASK_EVERY_MS 5
#define EXACT_MOST   64u /* bytes of one size only have a limit no higher than this */
#define LINE_ROOM    65536

struct peer {
    void *context;
    void *socket;
    struct monitor *monitor;
    struct link_watch watch;
    struct arena arena;
    struct buf frame;
    uint64_t number; /* of the last request */
};

static uint64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static bool is_gone(const struct peer *peer)
{
    return peer->watch.dead || peer->watch.state != LINK_UP;
}

/* Wait until something comes, at most so long; the state of the connection is looked at, too. */
static void look(struct peer *peer, long wait_ms)
{
    zmq_pollitem_t items[2] = {
        {.socket = peer->socket, .events = ZMQ_POLLIN},
        {.socket = monitor_socket(peer->monitor), .events = ZMQ_POLLIN},
    };

    (void)zmq_poll(items, 2, wait_ms);
    (void)link_watch_update(&peer->watch, peer->monitor);
}

/* ---- one message there, one back ---- */

/* All of it zero, but bytes that must have a size have it. */
static void smallest(uint32_t type, uint64_t request, struct buf *out)
{
    const struct schema *schema = message_schema(type);
    static const uint8_t zeros[EXACT_MOST];
    uint64_t *body;

    if (schema == NULL) {
        pack_list(out, 3);
        pack_uint(out, PROTOCOL_VERSION);
        pack_uint(out, type);
        pack_uint(out, request);
        return;
    }
    body = xcalloc(1, schema->size);
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct field *field = &schema->fields[i];

        if (field->kind == FIELD_BYTES && field->limit > 0 && field->limit <= EXACT_MOST)
            *(struct span *)(void *)((char *)body + field->offset) = span_of(zeros, field->limit);
    }
    message_pack((enum msg_type)type, request, body, out);
    free(body);
}

/* Give a frame to the connection. False where it ends first. */
static bool hand_over(struct peer *peer, struct span frame)
{
    uint64_t until_us = now_us() + ANSWER_MS * 1000u;

    while (!is_gone(peer) && now_us() < until_us) {
        if (link_send_to_head(peer->socket, frame) == 0)
            return true;
        look(peer, 10);
    }
    return false;
}

/* The next message from the head. False where the connection ends, or nothing comes. */
static bool hear(struct peer *peer, struct message *message)
{
    uint64_t until_us = now_us() + ANSWER_MS * 1000u;
    struct link_message received;
    struct schema_error error;
    int err;

    for (;;) {
        err = link_receive(peer->socket, &received);
        if (err == 0) {
            struct span body;

            arena_reset(&peer->arena);
            body = arena_copy(&peer->arena, link_message_body(&received));
            link_message_fini(&received);
            if (message_unpack(body, &peer->arena, message, &error) == 0)
                return true;
            continue;
        }
        if (is_gone(peer) || now_us() > until_us)
            return false;
        look(peer, 50);
    }
}

static void print_answer(const struct message *message)
{
    const struct msg_error *error = message->body;
    const struct msg_joined *joined = message->body;
    const struct msg_welcome *welcome = message->body;
    uint32_t code = 0;

    if (message->type == MSG_ERROR)
        code = error->code;
    else if (message->type == MSG_JOINED)
        code = joined->role;
    else if (message->type == MSG_WELCOME)
        code = welcome->role;
    printf("%s %u\n", message_schema(message->type)->name + strlen("msg_"), code);
}

/* What comes for `request`, or, where probe is not 0, before the probe's answer. */
static void print_heard(struct peer *peer, uint64_t request, uint64_t probe)
{
    struct message message;

    while (hear(peer, &message)) {
        if (message.request == request) {
            print_answer(&message);
            return;
        }
        if (probe != 0 && message.request == probe)
            break;
    }
    puts(is_gone(peer) ? "gone" : "silence");
}

/* A frame, and a probe behind it. */
static void exchange(struct peer *peer, struct span frame, uint64_t request, uint32_t probe)
{
    struct buf second = {0};

    if (!hand_over(peer, frame)) {
        puts("gone");
        return;
    }
    smallest(probe, ++peer->number, &second);
    (void)hand_over(peer, buf_span(&second)); /* where it is not taken the connection has ended */
    print_heard(peer, request, peer->number);
    buf_fini(&second);
}

static void do_say(struct peer *peer, uint32_t type, uint32_t probe)
{
    buf_reset(&peer->frame);
    smallest(type, ++peer->number, &peer->frame);
    printf("%u ", type);
    exchange(peer, buf_span(&peer->frame), peer->number, probe);
}

/* A frame that cannot be read has no request id: it is answered under 0. */
static void do_raw(struct peer *peer, const char *hex, uint32_t probe)
{
    uint8_t *bytes = xmalloc(strlen(hex) / 2 + 1);
    size_t size = 0;

    if (sodium_hex2bin(bytes, strlen(hex) / 2 + 1, hex, strlen(hex), NULL, &size, NULL) != 0)
        puts("no hex");
    else
        exchange(peer, span_of(bytes, size), 0, probe);
    free(bytes);
}

static void do_join(struct peer *peer, const char *path)
{
    struct trouble trouble;
    struct token token;
    struct msg_join join;

    if (token_read(path, &token, &trouble) != 0) {
        puts("no token");
        return;
    }
    join = (struct msg_join){.token = span_of(token.id, TOKEN_ID_BYTES),
                             .secret = span_of(token.secret, TOKEN_SECRET_BYTES),
                             .name = span_text("zoo")};
    message_pack(MSG_JOIN, ++peer->number, &join, &peer->frame);
    if (hand_over(peer, buf_span(&peer->frame)))
        print_heard(peer, peer->number, 0);
    else
        puts("gone");
    token_fini(&token);
}

/* ---- what no message is ---- */

static void do_wait(struct peer *peer)
{
    uint64_t until_us = now_us() + ANSWER_MS * 1000u;

    while (!is_gone(peer) && now_us() < until_us)
        look(peer, 100);
    puts(is_gone(peer) ? "gone" : "still there");
}

static void do_parts(struct peer *peer, size_t count, size_t bytes)
{
    uint8_t *part = xcalloc(1, bytes + 1);

    for (size_t i = 0; i < count && !is_gone(peer); i++) {
        int more = i + 1 < count ? ZMQ_SNDMORE : 0;

        while (zmq_send(peer->socket, part, bytes, more | ZMQ_DONTWAIT) < 0 && !is_gone(peer))
            look(peer, 10);
    }
    free(part);
    do_wait(peer);
}

static void do_big(struct peer *peer, size_t bytes)
{
    uint8_t *frame = xcalloc(1, bytes + 1);

    (void)hand_over(peer, span_of(frame, bytes)); /* what becomes of it is seen below */
    free(frame);
    do_wait(peer);
}

/* ---- an honest one, who looks how long it takes ---- */

static int earlier(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static bool line_waits(int wait_ms)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

    return poll(&input, 1, wait_ms) > 0;
}

static void do_ask(struct peer *peer, uint32_t experiment)
{
    const struct msg_status status = {.experiment = experiment};
    uint32_t *took = NULL;
    size_t count = 0;
    size_t room = 0;

    do {
        uint64_t begun_us = now_us();
        struct message message;

        message_pack(MSG_STATUS, ++peer->number, &status, &peer->frame);
        if (!hand_over(peer, buf_span(&peer->frame)) || !hear(peer, &message) ||
            message.request != peer->number || message.type != MSG_STATUS_REPLY) {
            puts("not answered");
            goto out;
        }
        if (count == room) {
            room = room == 0 ? 1024 : 2 * room;
            took = xrealloc(took, room, sizeof(*took));
        }
        took[count++] = (uint32_t)(now_us() - begun_us);
    } while (!line_waits(ASK_EVERY_MS));
    qsort(took, count, sizeof(*took), earlier);
    printf("%zu %" PRIu32 " %" PRIu32 " %" PRIu32 "\n", count, took[count / 2],
           took[count * 99 / 100], took[count - 1]);
out:
    free(took);
}

/* ---- all of it ---- */

static const char *up(struct peer *peer)
{
    uint64_t until_us = now_us() + ANSWER_MS * 1000u;

    while (now_us() < until_us) {
        look(peer, 50);
        switch (peer->watch.state) {
        case LINK_UP:
            return "up";
        case LINK_REFUSED:
            return "refused";
        case LINK_STRANGER:
            return "stranger";
        case LINK_NO_HEAD:
            return "no-head";
        case LINK_TRYING:
        case LINK_LOST:
            break;
        }
    }
    return "nothing";
}

static bool obey(struct peer *peer, char *line)
{
    char *words[3] = {"", "0", "0"};
    char *rest = NULL;
    char *word = strtok_r(line, " \n", &rest);

    for (size_t i = 0; i < 3 && word != NULL; i++, word = strtok_r(NULL, " \n", &rest))
        words[i] = word;
    if (strcmp(words[0], "say") == 0)
        do_say(peer, (uint32_t)strtoul(words[1], NULL, 10), (uint32_t)strtoul(words[2], NULL, 10));
    else if (strcmp(words[0], "raw") == 0)
        do_raw(peer, words[1], (uint32_t)strtoul(words[2], NULL, 10));
    else if (strcmp(words[0], "join") == 0)
        do_join(peer, words[1]);
    else if (strcmp(words[0], "parts") == 0)
        do_parts(peer, strtoul(words[1], NULL, 10), strtoul(words[2], NULL, 10));
    else if (strcmp(words[0], "big") == 0)
        do_big(peer, strtoul(words[1], NULL, 10));
    else if (strcmp(words[0], "ask") == 0)
        do_ask(peer, (uint32_t)strtoul(words[1], NULL, 10));
    else if (strcmp(words[0], "wait") == 0)
        do_wait(peer);
    else
        return false;
    return fflush(stdout) == 0;
}

static bool keys_take(char *path, struct key_pair *keys, struct trouble *trouble)
{
    char *slash = strrchr(path, '/');

    if (slash == NULL) {
        (void)trouble_set(trouble, ERR_NOT_FOUND, NULL, NULL, "a key file has a folder");
        return false;
    }
    *slash = '\0';
    return key_pair_load_or_make(path, slash + 1, keys, NULL, trouble) == 0;
}

int main(int argc, char **argv)
{
    struct peer peer = {.socket = NULL};
    struct key_pair keys = {.secret = NULL};
    struct token token = {.id = {0}};
    struct address address;
    struct trouble trouble;
    char *line = NULL;
    int status = 2;

    if (argc != 4) {
        (void)fputs("zoo_peer HOST:PORT TOKEN-FILE KEY-FILE\n", stderr);
        return 2;
    }
    key_library_init();
    (void)setvbuf(stdin, NULL, _IONBF, 0); /* line_waits asks the descriptor */
    peer.context = link_context_new(1);
    if (peer.context == NULL || token_read(argv[2], &token, &trouble) != 0 ||
        !keys_take(argv[3], &keys, &trouble) ||
        address_parse(span_text(argv[1]), 0, &address, &trouble) != 0 ||
        link_connect(peer.context, &address, token.head_key, &keys, LIMIT_MESSAGE_BYTES,
                     &peer.socket, &peer.monitor, &trouble) != 0) {
        (void)fprintf(stderr, "zoo_peer: %s\n", peer.context != NULL ? trouble.why : "no sockets");
        goto out;
    }
    link_watch_init(&peer.watch);
    puts(up(&peer));
    (void)fflush(stdout);
    line = xmalloc(LINE_ROOM);
    status = 0;
    while (status == 0 && fgets(line, LINE_ROOM, stdin) != NULL)
        if (!obey(&peer, line))
            status = 2;
out:
    free(line);
    link_close(peer.socket, peer.monitor);
    link_context_free(peer.context);
    key_pair_fini(&keys);
    token_fini(&token);
    arena_fini(&peer.arena);
    buf_fini(&peer.frame);
    return status;
}
