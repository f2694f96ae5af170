/* links: proto */
#include <pthread.h>
#include <string.h>
#include <zmq.h>

#include "common/err.h"
#include "proto/link.h"
#include "tests/lib/run_suite.h"

static void *context;
static struct zap *zap;
static struct trouble trouble;

static void set_up(void)
{
    context = link_context_new(1);
    ck_assert_ptr_nonnull(context);
    zap = zap_start(context);
    ck_assert_ptr_nonnull(zap);
}

static void tear_down(void)
{
    zap_stop(zap);
    link_context_free(context);
}

START_TEST(the_self_test_passes)
{
    struct zap_audit audit;

    ck_assert_msg(link_self_test(context, zap, &trouble) == 0, "%s", trouble.why);
    ck_assert(!zap_audit_next(zap, &audit));
}
END_TEST

/* Lets everybody in. */
static void *rogue_run(void *socket)
{
    char frame[256];

    while (zmq_recv(socket, frame, sizeof(frame), 0) >= 0) {
        int more = 1;
        size_t size = sizeof(more);

        while (zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) == 0 && more)
            zmq_recv(socket, frame, sizeof(frame), 0);
        zmq_send(socket, "1.0", 3, ZMQ_SNDMORE);
        zmq_send(socket, "1", 1, ZMQ_SNDMORE);
        zmq_send(socket, "200", 3, ZMQ_SNDMORE);
        zmq_send(socket, "", 0, ZMQ_SNDMORE);
        zmq_send(socket, "1", 1, ZMQ_SNDMORE);
        zmq_send(socket, "", 0, 0);
    }
    zmq_close(socket);
    return NULL;
}

START_TEST(the_self_test_fails_where_everybody_gets_in)
{
    void *other = link_context_new(1);
    void *rogue = zmq_socket(other, ZMQ_REP);
    pthread_t thread;

    ck_assert_int_eq(zmq_bind(rogue, "inproc://zeromq.zap.01"), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, rogue_run, rogue), 0);
    ck_assert_int_eq(link_self_test(other, zap, &trouble), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(trouble.why, "a stranger's key was let in"));
    zmq_ctx_shutdown(other);
    pthread_join(thread, NULL);
    link_context_free(other);
}
END_TEST

/* The domain is enforced: without a handler nobody gets in, not even strangers. */
START_TEST(the_self_test_fails_where_nobody_answers)
{
    void *other = link_context_new(1);

    ck_assert_int_eq(link_self_test(other, zap, &trouble), ERR_TIMEOUT);
    link_context_free(other);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("link_self_test");
    TCase *c = tcase_create("self_test");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 30);
    tcase_add_test(c, the_self_test_passes);
    tcase_add_test(c, the_self_test_fails_where_everybody_gets_in);
    tcase_add_test(c, the_self_test_fails_where_nobody_answers);
    suite_add_tcase(s, c);
    return s;
}
