/* links: proto */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/err.h"
#include "common/limits.h"
#include "proto/local.h"
#include "tests/lib/run_suite.h"

static char folder[64], path[128];
static struct local a, b;
static int raw; /* the other end of a, where a test writes bytes of its own */

static void setup(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/assay-local-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/socket", folder);
    local_init(&a, -1);
    local_init(&b, -1);
    raw = -1;
}

static void teardown(void)
{
    local_fini(&a);
    local_fini(&b);
    if (raw >= 0)
        (void)close(raw);
    (void)unlink(path);
    (void)rmdir(folder);
}

static void pair(void)
{
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    local_init(&a, fds[0]);
    local_init(&b, fds[1]);
}

static void pair_raw(void)
{
    pair();
    raw = b.fd;
    b.fd = -1;
}

static void write_raw(const void *data, size_t size)
{
    ck_assert_int_eq(write(raw, data, size), (ssize_t)size);
}

START_TEST(listen_connect_accept)
{
    struct stat status;
    struct span frame;
    int listening, fd, accepted;

    (void)umask(0);
    listening = local_listen(path);
    ck_assert_int_ge(listening, 0);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0600);
    ck_assert_int_eq(local_accept(listening), ERR_AGAIN);
    fd = local_connect(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    accepted = local_accept(listening);
    ck_assert_int_ge(accepted, 0);
    ck_assert_int_ne(fcntl(accepted, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_ne(fcntl(accepted, F_GETFD) & FD_CLOEXEC, 0);
    local_init(&a, fd);
    local_init(&b, accepted);
    ck_assert_int_eq(local_send(&a, span_text("hello")), 0);
    ck_assert_int_eq(local_read(&b), 0);
    ck_assert(local_next(&b, &frame));
    ck_assert(span_is(frame, "hello"));
    (void)close(listening);
}
END_TEST

START_TEST(an_old_socket_is_replaced_and_nothing_else)
{
    int first = local_listen(path), second;
    FILE *file;

    ck_assert_int_ge(first, 0);
    (void)close(first);
    ck_assert_int_eq(local_connect(path), ERR_CLOSED);
    second = local_listen(path);
    ck_assert_int_ge(second, 0);
    (void)close(second);
    (void)unlink(path);
    ck_assert_int_eq(local_connect(path), ERR_NOT_FOUND);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    (void)fclose(file);
    ck_assert_int_eq(local_listen(path), ERR_EXISTS);
}
END_TEST

START_TEST(paths_have_an_end)
{
    char name[200];

    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    ck_assert_int_eq(local_listen(name), ERR_TOO_BIG);
    ck_assert_int_eq(local_connect(name), ERR_TOO_BIG);
}
END_TEST

/* Another user's process, where this test may make one. */
START_TEST(another_user_is_turned_away)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listening, status;
    pid_t child;

    if (geteuid() != 0)
        return;
    listening = local_listen(path);
    ck_assert_int_ge(listening, 0);
    ck_assert_int_eq(chmod(folder, 0755), 0);
    ck_assert_int_eq(chmod(path, 0666), 0);
    memcpy(address.sun_path, path, strlen(path));
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);

        if (setresuid(65534, 65534, 65534) < 0 || fd < 0)
            _exit(1);
        _exit(connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : 2);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(local_accept(listening), ERR_AGAIN);
    (void)close(listening);
}
END_TEST

START_TEST(frames_stay_apart_and_in_order)
{
    struct span frame;

    pair();
    ck_assert_int_eq(local_send(&a, span_text("one")), 0);
    ck_assert_int_eq(local_send(&a, span_text("")), 0);
    ck_assert_int_eq(local_send(&a, span_text("three")), 0);
    ck_assert(!local_pending(&a));
    ck_assert_int_eq(local_read(&b), 0);
    ck_assert(local_next(&b, &frame));
    ck_assert(span_is(frame, "one"));
    ck_assert_int_eq(local_read(&b), 0);
    ck_assert(local_next(&b, &frame));
    ck_assert_uint_eq(frame.size, 0);
    ck_assert(local_next(&b, &frame));
    ck_assert(span_is(frame, "three"));
    ck_assert(!local_next(&b, &frame));
    ck_assert_int_eq(local_read(&b), 0);
    ck_assert(!local_next(&b, &frame));
}
END_TEST

START_TEST(a_frame_may_come_byte_by_byte)
{
    static const uint8_t bytes[] = {5, 0, 0, 0, 'h', 'e', 'l', 'l', 'o'};
    struct span frame;

    pair_raw();
    for (size_t i = 0; i < sizeof(bytes); i++) {
        ck_assert(!local_next(&a, &frame));
        write_raw(&bytes[i], 1);
        ck_assert_int_eq(local_read(&a), 0);
    }
    ck_assert(local_next(&a, &frame));
    ck_assert(span_is(frame, "hello"));
}
END_TEST

/* More than the socket takes at once: what is left waits, and arrives whole. */
START_TEST(a_large_frame_passes_in_parts)
{
    size_t size = LIMIT_MESSAGE_BYTES;
    uint8_t *bytes = malloc(size);
    struct span frame;
    unsigned rounds = 0;

    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 7 + (i >> 8));
    pair();
    ck_assert_int_eq(local_send(&a, span_of(bytes, size)), 0);
    ck_assert(local_pending(&a));
    while (!local_next(&b, &frame)) {
        ck_assert_uint_lt(rounds++, 10000);
        ck_assert_int_eq(local_flush(&a), 0);
        ck_assert_int_eq(local_read(&b), 0);
    }
    ck_assert(!local_pending(&a));
    ck_assert_uint_eq(frame.size, size);
    ck_assert_mem_eq(frame.data, bytes, size);
    free(bytes);
}
END_TEST

START_TEST(what_waits_is_bounded)
{
    size_t size = LIMIT_MESSAGE_BYTES / 4;
    void *bytes = calloc(1, LIMIT_MESSAGE_BYTES + 1);
    struct span frame;
    unsigned taken = 0, arrived = 0, rounds = 0;
    int err;

    ck_assert_ptr_nonnull(bytes);
    pair();
    ck_assert_int_eq(local_send(&a, span_of(bytes, LIMIT_MESSAGE_BYTES + 1)), ERR_TOO_BIG);
    ck_assert(!local_pending(&a));
    while ((err = local_send(&a, span_of(bytes, size))) == 0)
        ck_assert_uint_lt(++taken, 100);
    ck_assert_int_eq(err, ERR_AGAIN);
    ck_assert_uint_le(a.out.size, LIMIT_MESSAGE_BYTES + size + 4);
    /* Who reads and does not take has at most one frame's worth and what one read adds. */
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(local_flush(&a), 0);
        ck_assert_int_eq(local_read(&b), 0);
    }
    ck_assert_uint_le(b.in.size, LIMIT_MESSAGE_BYTES + 4 + 65536);
    while (arrived < taken) {
        ck_assert_uint_lt(rounds++, 10000);
        while (local_next(&b, &frame))
            arrived++;
        ck_assert_int_eq(local_flush(&a), 0);
        ck_assert_int_eq(local_read(&b), 0);
    }
    ck_assert_int_eq(local_send(&a, span_of(bytes, size)), 0);
    free(bytes);
}
END_TEST

START_TEST(a_length_over_the_limit_closes)
{
    static const uint8_t good[] = {1, 0, 0, 0, 'x'}, bad[] = {1, 0, 0x40, 0};
    struct span frame;

    pair_raw();
    write_raw(good, sizeof(good));
    write_raw(bad, sizeof(bad));
    ck_assert_int_eq(local_read(&a), 0);
    ck_assert(local_next(&a, &frame));
    ck_assert(span_is(frame, "x"));
    ck_assert(!local_next(&a, &frame));
    ck_assert_int_eq(a.fd, -1);
    ck_assert(!local_next(&a, &frame));
    ck_assert_int_eq(local_read(&a), ERR_CLOSED);
    ck_assert_int_eq(local_send(&a, span_text("y")), ERR_CLOSED);
}
END_TEST

START_TEST(frames_before_the_end_can_be_taken)
{
    static const uint8_t bytes[] = {1, 0, 0, 0, 'x', 2, 0, 0, 0, 'y', 'z', 9, 0};
    struct span frame;

    pair_raw();
    write_raw(bytes, sizeof(bytes));
    (void)close(raw);
    raw = -1;
    ck_assert_int_eq(local_read(&a), ERR_CLOSED);
    ck_assert(local_next(&a, &frame));
    ck_assert(span_is(frame, "x"));
    ck_assert(local_next(&a, &frame));
    ck_assert(span_is(frame, "yz"));
    ck_assert(!local_next(&a, &frame));
}
END_TEST

START_TEST(a_gone_peer_is_told_not_killed_by)
{
    pair();
    local_fini(&b);
    local_init(&b, -1);
    ck_assert_int_eq(local_send(&a, span_text("anybody?")), ERR_CLOSED);
    ck_assert_int_eq(a.fd, -1);
    ck_assert(!local_pending(&a));
    ck_assert_int_eq(local_flush(&a), ERR_CLOSED);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("local");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, listen_connect_accept);
    tcase_add_test(tc, an_old_socket_is_replaced_and_nothing_else);
    tcase_add_test(tc, paths_have_an_end);
    tcase_add_test(tc, another_user_is_turned_away);
    tcase_add_test(tc, frames_stay_apart_and_in_order);
    tcase_add_test(tc, a_frame_may_come_byte_by_byte);
    tcase_add_test(tc, a_large_frame_passes_in_parts);
    tcase_add_test(tc, what_waits_is_bounded);
    tcase_add_test(tc, a_length_over_the_limit_closes);
    tcase_add_test(tc, frames_before_the_end_can_be_taken);
    tcase_add_test(tc, a_gone_peer_is_told_not_killed_by);
    suite_add_tcase(s, tc);
    return s;
}
