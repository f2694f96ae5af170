/* links: proto */
#include <check.h>
#include <string.h>

#include "proto/msg.h"
#include "proto/roles.h"
#include "tests/lib/run_suite.h"

/* The whole matrix, written another way than in roles.c: n w s r a. */
static const struct {
    uint32_t type;
    const char *roles;
} matrix[] = {
    {MSG_HELLO, "nwsra"},    {MSG_JOIN, "nwsra"},   {MSG_REGISTER, "w"},     {MSG_READY, "w"},
    {MSG_HEARTBEAT, "w"},    {MSG_REPORTS, "w"},    {MSG_OUTPUT, "w"},       {MSG_LEAVING, "w"},
    {MSG_DISK, "w"},         {MSG_BLOB_GET, "w"},   {MSG_BLOB_ASK, "sa"},    {MSG_BLOB_PUT, "sa"},
    {MSG_SUBMIT, "sa"},      {MSG_STOP, "sa"},      {MSG_REMOVE, "sa"},      {MSG_LIST, "sra"},
    {MSG_STATUS, "sra"},     {MSG_TRIALS, "sra"},   {MSG_SHOW, "sra"},       {MSG_RESULTS, "sra"},
    {MSG_LOGS, "sra"},       {MSG_BEST, "sra"},     {MSG_NODES, "sra"},      {MSG_EXPLAIN, "sra"},
    {MSG_TOKEN_CREATE, "a"}, {MSG_TOKEN_LIST, "a"}, {MSG_TOKEN_REVOKE, "a"}, {MSG_DRAIN, "a"},
    {MSG_DOCTOR, "rsa"},     {MSG_STORE_ASK, "w"},  {MSG_STORE_PUT, "w"},    {MSG_PAUSE, "sa"},
    {MSG_RESUME, "sa"},      {MSG_EXTEND, "sa"},    {MSG_SUGGEST, "sa"},     {MSG_WANT, "sra"},
};

static const char letters[] = "nwsra";

static bool expected(uint32_t role, uint32_t type)
{
    for (size_t i = 0; i < sizeof(matrix) / sizeof(matrix[0]); i++)
        if (matrix[i].type == type)
            return strchr(matrix[i].roles, letters[role]) != NULL;
    return false;
}

START_TEST(the_matrix_is_as_agreed)
{
    for (uint32_t role = 0; role < PRINCIPAL_ROLE_COUNT; role++)
        for (uint32_t type = 0; type < 300; type++)
            ck_assert_msg(role_allowed(role, type) == expected(role, type), "role %u, type %u",
                          role, type);
}
END_TEST

START_TEST(what_is_none_may_nothing)
{
    ck_assert(!role_allowed(PRINCIPAL_ROLE_COUNT, MSG_HELLO));
    ck_assert(!role_allowed(UINT32_MAX, MSG_LIST));
    ck_assert(!role_allowed(PRINCIPAL_ADMIN, MSG_EXTEND + 1));
    ck_assert(!role_allowed(PRINCIPAL_ADMIN, UINT32_MAX));
}
END_TEST

START_TEST(names_go_both_ways)
{
    for (uint32_t role = PRINCIPAL_WORKER; role < PRINCIPAL_ROLE_COUNT; role++)
        ck_assert_uint_eq(role_parse(role_name(role)), role);
    ck_assert_ptr_null(role_name(PRINCIPAL_NONE));
    ck_assert_ptr_null(role_name(PRINCIPAL_ROLE_COUNT));
    ck_assert_int_eq(role_parse(""), PRINCIPAL_NONE);
    ck_assert_int_eq(role_parse("Admin"), PRINCIPAL_NONE);
    ck_assert_int_eq(role_parse("administrator"), PRINCIPAL_NONE);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("roles");
    TCase *tc = tcase_create("all");

    tcase_add_test(tc, the_matrix_is_as_agreed);
    tcase_add_test(tc, what_is_none_may_nothing);
    tcase_add_test(tc, names_go_both_ways);
    suite_add_tcase(s, tc);
    return s;
}
