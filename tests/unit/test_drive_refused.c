/* links: client */
/* Lines that are refused change nothing: two drives, of which only one hears them, go on alike. */
#include "common/rng.h"
#include "tests/lib/run_suite.h"
#include "tests/unit/drive_rig.h"

#define LINES 25000u /* of each experiment */
#define MOST  400u

static const char *const experiments[] = {
    ", 'num_samples': 40, 'config': {'a': {'uniform': [0, 1]}}, 'search': {'type': 'random', "
    "'seed': 7}, 'stop': {'training_iteration': 4, 'r': 100}",
    ", 'num_samples': 60, 'config': {'a': {'grid_search': [1, 2]}}, 'max_concurrent': 9, "
    "'scheduler': {'type': 'asha', 'grace_period': 1, 'max_t': 9, 'reduction_factor': 3, "
    "'brackets': 2}, 'search': {'type': 'grid', 'seed': 1}",
    ", 'num_samples': 30, 'search': {'type': 'random', 'seed': 1}, 'scheduler': {'type': 'asha', "
    "'form': 'promotion', 'grace_period': 1, 'max_t': 9, 'reduction_factor': 3}",
    ", 'num_samples': 30, 'search': {'type': 'random', 'seed': 1}, 'scheduler': {'type': "
    "'hyperband', 'max_t': 9, 'reduction_factor': 3}",
};

/* %u: a trial, %d: a small number. */
static const char *const shapes[] = {
    "{\"op\":\"ask\"}",
    "{\"op\":\"ask\"}",
    "{\"op\":\"ask\",\"blocked\":[\"t%u\"]}",
    "{\"op\":\"ask\",\"peek\":true}",
    "{\"op\":\"result\",\"trial\":\"t%u\",\"result\":{\"r\":%d,\"training_iteration\":3}}",
    "{\"op\":\"result\",\"trial\":\"t%u\",\"result\":{\"r\":%d}}",
    "{\"op\":\"result\",\"trial\":\"t%u\",\"result\":{\"r\":%d}}",
    "{\"op\":\"result\",\"trial\":\"t%u\",\"result\":{\"r\":%d.5}}",
    "{\"op\":\"result\",\"trial\":\"t%u\",\"result\":{\"x\":%d}}",
    "{\"op\":\"result\",\"trial\":\"t%u\",\"result\":{\"r\":[[[[[[[[[%d]]]]]]]]]}}",
    "{\"op\":\"complete\",\"trial\":\"t%u\",\"result\":{\"r\":%d}}",
    "{\"op\":\"complete\",\"trial\":\"t%u\"}",
    "{\"op\":\"error\",\"trial\":\"t%u\"}",
    "{\"op\":\"requeue\",\"trial\":\"t%u\"}",
    "{\"op\":\"remove\",\"trial\":\"t%u\"}",
    "{\"op\":\"add\",\"config\":{\"a\":%d}}",
    "{\"op\":\"add\",\"config\":{},\"trial\":\"t%u\",\"bracket\":1}",
    "{\"op\":\"status\"}",
    "{\"op\":\"best\"}",
};

struct made {
    char text[MOST + 1];
    uint32_t size;
};

static struct drive *told, *spared;
static struct buf one, other;
static struct arena tree;

static void teardown(void)
{
    drive_free(told);
    drive_free(spared);
    told = spared = NULL;
    buf_fini(&one);
    buf_fini(&other);
    arena_fini(&tree);
    drive_rig_fini();
}

static uint32_t below(struct rng *rng, uint32_t most)
{
    return (uint32_t)rng_next_below(rng, most);
}

/* A line of one of the shapes, with the numbers filled in. */
static void make(struct made *made, struct rng *rng)
{
    const char *shape = shapes[below(rng, sizeof(shapes) / sizeof(shapes[0]))];

    made->size = 0;
    for (const char *at = shape; *at != '\0'; at++) {
        if (*at != '%') {
            made->text[made->size++] = *at;
            continue;
        }
        at++;
        made->size += (uint32_t)snprintf(made->text + made->size, 12, "%u",
                                         *at == 'u' ? below(rng, 70) : below(rng, 10));
    }
}

/* Bytes changed, taken out, doubled, or an end cut off. */
static void spoil(struct made *made, struct rng *rng)
{
    static const char signs[] = "\"{}[]:,0-eNI\\u\xff\x01 t";

    for (uint32_t times = 1 + below(rng, 3); times > 0 && made->size > 0; times--) {
        uint32_t at = below(rng, made->size);

        switch (below(rng, 5)) {
        case 0:
            made->text[at] = (char)below(rng, 256);
            break;
        case 1:
            made->text[at] = signs[below(rng, sizeof(signs))];
            break;
        case 2:
            made->size--;
            memmove(&made->text[at], &made->text[at + 1], made->size - at);
            break;
        case 3:
            made->size = at;
            break;
        default:
            if (made->size * 2 <= MOST) {
                memmove(&made->text[made->size], made->text, made->size);
                made->size *= 2;
            }
        }
    }
    for (uint32_t i = 0; i < made->size; i++)
        if (made->text[i] == '\n')
            made->text[i] = ' ';
}

static bool is_error(const struct buf *answer)
{
    static const char begin[] = "{\"error\":\"";

    return answer->size > sizeof(begin) && memcmp(answer->data, begin, sizeof(begin) - 1) == 0;
}

static void answer(struct drive *drive, struct span line, struct buf *out)
{
    struct json_error wrong;
    struct value value;

    buf_reset(out);
    drive_line(drive, line, DRIVE_NOW_MS, out);
    ck_assert(out->size > 2 && memchr(out->data, '\n', out->size) == &out->data[out->size - 1]);
    ck_assert_msg(json_read(buf_span(out), &tree, &value, &wrong) == 0, "%.*s: %s",
                  SPAN(buf_span(out)), wrong.what);
    ck_assert(value.type == VALUE_MAP);
    arena_reset(&tree);
}

static void both_say(const char *line)
{
    answer(told, span_text(line), &one);
    answer(spared, span_text(line), &other);
    ck_assert_msg(span_equal(buf_span(&one), buf_span(&other)), "%s:\n%s%s", line, buf_text(&one),
                  buf_text(&other));
}

START_TEST(refused_lines_change_nothing)
{
    struct rng rng = {.seed = 20, .stream = (uint64_t)_i};
    uint32_t refused = 0;
    uint32_t done = 0;

    told = drive_made(experiments[_i]);
    spared = drive_made(experiments[_i]);
    for (uint32_t i = 0; i < LINES; i++) {
        struct made made;
        struct span line;

        make(&made, &rng);
        if (below(&rng, 4) != 0)
            spoil(&made, &rng);
        line = span_of(made.text, made.size);
        answer(told, line, &one);
        if (is_error(&one)) {
            refused++;
            continue;
        }
        done++;
        answer(spared, line, &other);
        ck_assert_msg(span_equal(buf_span(&one), buf_span(&other)), "%.*s:\n%s%s", SPAN(line),
                      buf_text(&one), buf_text(&other));
        if (i % 1000 == 0)
            ck_assert(drive_digest(told) == drive_digest(spared));
    }
    ck_assert_msg(refused > LINES / 4 && done > LINES / 20, "%u refused, %u done", refused, done);
    ck_assert(drive_check(told) == NULL && drive_digest(told) == drive_digest(spared));
    both_say("{\"op\":\"status\"}");
    both_say("{\"op\":\"best\"}");
    for (int i = 0; i < 20; i++) {
        both_say("{\"op\":\"add\",\"config\":{\"a\":1}}");
        both_say("{\"op\":\"ask\"}");
    }
}
END_TEST

Suite *suite(void)
{
    Suite *all = suite_create("drive_refused");
    TCase *tests = tcase_create("all");

    tcase_set_timeout(tests, 110);
    tcase_add_checked_fixture(tests, NULL, teardown);
    tcase_add_loop_test(tests, refused_lines_change_nothing, 0,
                        (int)(sizeof(experiments) / sizeof(experiments[0])));
    suite_add_tcase(all, tests);
    return all;
}
