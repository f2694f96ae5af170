/* links: client */
#include <math.h>

#include "client/csv_table.h"
#include "client/flat.h"
#include "common/json.h"
#include "common/limits.h"
#include "tests/lib/run_suite.h"

static struct arena arena;
static struct buf out;

static void setup(void)
{
    arena_init(&arena);
    out = (struct buf){0};
}

static void teardown(void)
{
    buf_fini(&out);
    arena_fini(&arena);
}

static struct value read(const char *json)
{
    struct json_error error;
    struct value value;

    ck_assert_msg(json_read(span_text(json), &arena, &value, &error) == 0, "%s", error.what);
    return value;
}

START_TEST(texts_are_quoted_where_they_need_it)
{
    static const char *const pairs[][2] = {
        {"", ""},
        {"plain", "plain"},
        {"a;b'c|d", "a;b'c|d"},
        {"a,b", "\"a,b\""},
        {"say \"no\"", "\"say \"\"no\"\"\""},
        {"\"", "\"\"\"\""},
        {"two\nlines", "\"two\nlines\""},
        {"two\rlines", "\"two\rlines\""},
        {" blank", "\" blank\""},
        {"blank ", "\"blank \""},
        {"h\xc3\xa9", "h\xc3\xa9"},
    };

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        buf_reset(&out);
        csv_text(span_text(pairs[i][0]), &out);
        ck_assert_str_eq(buf_text(&out), pairs[i][1]);
    }
}
END_TEST

static struct csv_table *table;

static void name_leaf(const char *path, const struct value *value, void *context)
{
    (void)value;
    (void)context;
    ck_assert(csv_table_column(table, path));
}

static void fill_leaf(const char *path, const struct value *value, void *context)
{
    (void)context;
    ck_assert(csv_table_cell(table, path, value));
}

START_TEST(rows_have_all_columns)
{
    struct value first = read("{\"b\": {\"c\": 0.1, \"d\": {\"e\": \"x,y\"}}, \"a\": true}");
    struct value second =
        read("{\"a\": null, \"f\": [1, \"z\"], \"b\": {\"c\": NaN}, \"g\": -Infinity}");
    struct value third = read("{\"b.c\": 1, \"b\": {\"c\": 2}}");

    table = csv_table_new();
    flat_walk(&first, "", &arena, name_leaf, NULL);
    flat_walk(&second, "", &arena, name_leaf, NULL);
    csv_table_head(table, &out);
    flat_walk(&first, "", &arena, fill_leaf, NULL);
    csv_table_row(table, &out);
    flat_walk(&second, "", &arena, fill_leaf, NULL);
    csv_table_row(table, &out);
    flat_walk(&third, "", &arena, fill_leaf, NULL);
    csv_table_row(table, &out);
    ck_assert_str_eq(buf_text(&out), "b.c,b.d.e,a,f,g\n"
                                     "0.1,\"x,y\",true,,\n"
                                     "nan,,,\"[1,\"\"z\"\"]\",-inf\n"
                                     "1,,,,\n");
    ck_assert(!csv_table_cell(table, "h", &first));
    csv_table_free(table);
}
END_TEST

START_TEST(there_is_an_end_to_columns)
{
    table = csv_table_new();
    for (uint32_t i = 0; i < LIMIT_EXPORT_COLUMNS; i++)
        ck_assert(csv_table_column(table, arena_printf(&arena, "c%u", i)));
    ck_assert(!csv_table_column(table, "one more"));
    ck_assert(csv_table_column(table, "c0"));
    csv_table_free(table);
}
END_TEST

START_TEST(a_metric_is_found_as_the_scheduler_finds_it)
{
    struct value result = read("{\"a\": {\"b\": {\"c\": 1.5}, \"d/e\": 2, \"yes\": true}, "
                               "\"a.b\": 3, \"t\": \"4\", \"l\": [1], \"n\": null}");
    double number = 0;

    ck_assert(flat_number(&result, "a/b/c", &number) && number == 1.5);
    ck_assert(flat_number(&result, "a.b.c", &number) && number == 1.5);
    ck_assert(flat_number(&result, "a/d/e", &number) && number == 2);
    ck_assert(flat_number(&result, "a.b", &number) && number == 3);
    ck_assert(flat_number(&result, "a/yes", &number) && number == 1);
    ck_assert(!flat_number(&result, "a", &number));
    ck_assert(!flat_number(&result, "t", &number));
    ck_assert(!flat_number(&result, "l", &number));
    ck_assert(!flat_number(&result, "n", &number));
    ck_assert(!flat_number(&result, "a/", &number));
    ck_assert(!flat_number(&result, "/", &number));
    ck_assert(!flat_number(&result, "", &number));
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("csv_table");
    TCase *cases = tcase_create("all");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, texts_are_quoted_where_they_need_it);
    tcase_add_test(cases, rows_have_all_columns);
    tcase_add_test(cases, there_is_an_end_to_columns);
    tcase_add_test(cases, a_metric_is_found_as_the_scheduler_finds_it);
    suite_add_tcase(suite, cases);
    return suite;
}
