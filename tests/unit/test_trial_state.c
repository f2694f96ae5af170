/* links: core */
#include <check.h>
#include <string.h>

#include "head/core/trial_state.h"
#include "tests/lib/run_suite.h"

/* _i runs over every state: a final one has no way out, any other can be stopped. */
START_TEST(only_final_states_are_dead_ends)
{
    enum trial_state state = (enum trial_state)_i;
    int ways_out = 0;

    for (int in = 0; in < TRIAL_INPUT_COUNT; in++)
        ways_out += trial_next(state, (enum trial_input)in) != TRIAL_NONE;
    ck_assert_msg((ways_out == 0) == trial_is_final(state), "%s", trial_state_name(state));
    if (!trial_is_final(state) && state != TRIAL_STOPPING)
        ck_assert(trial_next(state, TRIAL_STOP) != TRIAL_NONE);
}
END_TEST

/* However a node loses or ends a trial that has a lease, the trial gets rid of the lease. */
START_TEST(live_ones_can_end)
{
    enum trial_state state = (enum trial_state)_i;

    if (!trial_is_live(state))
        return;
    ck_assert(!trial_is_live(trial_next(state, TRIAL_EXITED)));
    ck_assert(!trial_is_live(trial_next(state, TRIAL_RETRY)));
    ck_assert(!trial_is_live(trial_next(state, TRIAL_GIVE_UP)));
    ck_assert(trial_next(state, TRIAL_EXITED) != TRIAL_NONE);
    ck_assert(trial_next(state, TRIAL_RETRY) != TRIAL_NONE);
    ck_assert(trial_next(state, TRIAL_GIVE_UP) != TRIAL_NONE);
}
END_TEST

START_TEST(a_stopping_trial_ends_stopped)
{
    for (int in = 0; in < TRIAL_INPUT_COUNT; in++) {
        enum trial_state to = trial_next(TRIAL_STOPPING, (enum trial_input)in);

        ck_assert(to == TRIAL_NONE || to == TRIAL_STOPPED);
    }
}
END_TEST

START_TEST(people_see_the_states_of_tune)
{
    ck_assert_str_eq(trial_state_label(TRIAL_PENDING), "PENDING");
    ck_assert_str_eq(trial_state_label(TRIAL_STARTING), "RUNNING");
    ck_assert_str_eq(trial_state_label(TRIAL_STOPPING), "RUNNING");
    ck_assert_str_eq(trial_state_label(TRIAL_PAUSED), "PAUSED");
    ck_assert_str_eq(trial_state_label(TRIAL_DONE), "TERMINATED");
    ck_assert_str_eq(trial_state_label(TRIAL_STOPPED), "TERMINATED");
    ck_assert_str_eq(trial_state_label(TRIAL_FAILED), "ERROR");
    ck_assert_str_eq(trial_state_name(TRIAL_PAUSING), "pausing");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("trial_state");
    TCase *tc = tcase_create("all");

    tcase_add_loop_test(tc, only_final_states_are_dead_ends, TRIAL_PENDING, TRIAL_STATE_COUNT);
    tcase_add_loop_test(tc, live_ones_can_end, TRIAL_PENDING, TRIAL_STATE_COUNT);
    tcase_add_test(tc, a_stopping_trial_ends_stopped);
    tcase_add_test(tc, people_see_the_states_of_tune);
    suite_add_tcase(s, tc);
    return s;
}
