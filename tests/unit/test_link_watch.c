/* links: proto */
#include "proto/link_watch.h"
#include "tests/lib/run_suite.h"

/* Who stands still lets a handshake take its time; who does not hold the key ends it at once. */
START_TEST(silence_is_no_stranger)
{
    struct link_watch seen;

    link_watch_init(&seen);
    for (uint32_t i = 1; i <= 4; i++) {
        link_watch_event(&seen, &(struct monitor_event){.kind = MONITOR_FAILED, .fd = -1});
        ck_assert(!link_watch_is_stranger(&seen, 3000 * i));
        ck_assert(link_watch_is_stranger(&seen, 100 * i) == (i >= 3));
    }
    link_watch_event(&seen, &(struct monitor_event){.kind = MONITOR_READY, .fd = -1});
    ck_assert(!link_watch_is_stranger(&seen, 100));
    link_watch_event(&seen,
                     &(struct monitor_event){.kind = MONITOR_FAILED, .fd = -1, .final = true});
    ck_assert(link_watch_is_stranger(&seen, 100000));
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("link_watch");
    TCase *tcase = tcase_create("link_watch");

    tcase_add_test(tcase, silence_is_no_stranger);
    suite_add_tcase(suite, tcase);
    return suite;
}
