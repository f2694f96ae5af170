/* links: core */
/* A rung of the promotion form, beside a plain one that sorts all it has each time. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "common/xalloc.h"
#include "head/core/event.h"
#include "head/core/promote.h"
#include "tests/lib/run_suite.h"

#define MOST 300u

static struct {
    double rewards[MOST];
    bool gone[MOST];
    bool busy[MOST];
    bool ended[MOST];
    uint32_t count;
} plain;

static bool is_free(void *context, uint32_t trial)
{
    (void)context;
    return !plain.busy[trial];
}

static bool has_ended(void *context, uint32_t trial)
{
    (void)context;
    return plain.ended[trial];
}

/* Number of records better than a trial's: a NaN is as bad as can be. */
static uint32_t rank_of(uint32_t trial)
{
    double own = isnan(plain.rewards[trial]) ? (double)-INFINITY : plain.rewards[trial];
    uint32_t better = 0;

    for (uint32_t i = 0; i < plain.count; i++) {
        double other = isnan(plain.rewards[i]) ? (double)-INFINITY : plain.rewards[i];

        better += other > own || (other == own && i < trial);
    }
    return better;
}

static uint32_t plain_best(uint32_t quota)
{
    uint32_t best = NUMBER_NONE;

    for (uint32_t i = 0; i < plain.count; i++)
        if (!plain.gone[i] && !plain.busy[i] && !plain.ended[i] && !isnan(plain.rewards[i]) &&
            rank_of(i) < quota && (best == NUMBER_NONE || rank_of(i) < rank_of(best)))
            best = i;
    return best;
}

static struct promote *through_an_image(struct promote *promote, double factor)
{
    struct promote *other = promote_new(factor);
    struct buf image = {0}, again = {0};
    struct cursor cursor;

    promote_save(promote, &image);
    cursor_init(&cursor, buf_span(&image));
    ck_assert(promote_load(other, MOST, &cursor));
    ck_assert_ptr_eq(cursor.at, cursor.end);
    promote_save(other, &again);
    ck_assert(span_equal(buf_span(&image), buf_span(&again)));
    promote_free(promote);
    buf_fini(&image);
    buf_fini(&again);
    return other;
}

/* Additions, promotions, trials that are busy for a while or end: _i is the seed. */
START_TEST(as_if_sorted)
{
    static const double factors[] = {2, 3, 4, 1.5};
    double factor = factors[_i % 4];
    struct promote *promote = promote_new(factor);
    struct rng rng = {.seed = (uint64_t)_i, .stream = 1};
    uint32_t gone = 0;

    memset(&plain, 0, sizeof(plain));
    while (plain.count < MOST) {
        uint64_t what = rng_next_below(&rng, 10);
        uint32_t some = plain.count > 0 ? (uint32_t)rng_next_below(&rng, plain.count) : 0;
        uint32_t quota;

        if (plain.count == 0 || what < 5) {
            double reward = what == 0 ? (double)NAN : (double)rng_next_below(&rng, 40);

            plain.rewards[plain.count] = reward;
            promote_add(promote, plain.count++, reward);
        } else if (what < 7) {
            plain.busy[some] = !plain.busy[some];
        } else if (what == 7) {
            plain.ended[some] = true;
        }
        quota = (uint32_t)floor(plain.count / factor);
        ck_assert_uint_eq(promote_count(promote), plain.count);
        ck_assert_uint_eq(promote_quota(promote), quota);
        ck_assert_uint_eq(promote_best(promote, is_free, has_ended, NULL), plain_best(quota));
        if (what >= 8 && plain_best(quota) != NUMBER_NONE) {
            uint32_t trial = plain_best(quota);

            promote_take(promote, trial);
            plain.gone[trial] = true;
            gone++;
        }
        ck_assert_uint_eq(promote_gone(promote), gone);
        if (what == 9)
            promote = through_an_image(promote, factor);
    }
    promote_free(promote);
}
END_TEST

START_TEST(refuses_what_is_no_image)
{
    struct promote *promote = promote_new(3);
    struct buf image = {0};

    memset(&plain, 0, sizeof(plain));
    for (uint32_t i = 0; i < 20; i++)
        promote_add(promote, i, i * 7 % 20);
    promote_save(promote, &image);
    for (size_t at = 0; at < image.size; at++) {
        for (int bit = 0; bit < 8; bit++) {
            struct promote *other = promote_new(3);
            struct cursor cursor;

            image.data[at] ^= (uint8_t)(1 << bit);
            cursor_init(&cursor, buf_span(&image));
            if (promote_load(other, 20, &cursor)) { /* then it can be worked with */
                uint32_t best = promote_best(other, is_free, has_ended, NULL);

                ck_assert(best < 20 || best == NUMBER_NONE);
                if (best != NUMBER_NONE)
                    promote_take(other, best);
                promote_add(other, 19, 5);
            }
            promote_free(other);
            image.data[at] ^= (uint8_t)(1 << bit);
        }
    }
    promote_free(promote);
    buf_fini(&image);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("promote");
    TCase *tcase = tcase_create("promote");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, as_if_sorted, 0, 24);
    tcase_add_test(tcase, refuses_what_is_no_image);
    suite_add_tcase(suite, tcase);
    return suite;
}
