/* sched_rig.h - what the tests of schedulers share. */
#ifndef TESTS_SCHED_RIG_H
#define TESTS_SCHED_RIG_H

#include <check.h>

#include "head/core/sched.h"

/* One made from the image of a scheduler, which has the same image: it takes the place of that one,
 * which is freed. */
static inline void *sched_through_an_image(const struct sched_ops *ops, void *self,
                                           const struct spec *spec, const struct sched_view *view,
                                           struct tape *tape)
{
    struct buf image = {0}, again = {0};
    struct cursor cursor;
    void *other = ops->new (spec, 1, view, tape);

    ops->save(self, &image);
    cursor_init(&cursor, buf_span(&image));
    ck_assert(ops->load(other, &cursor));
    ck_assert_ptr_eq(cursor.at, cursor.end);
    ops->save(other, &again);
    ck_assert(span_equal(buf_span(&image), buf_span(&again)));
    ops->free(self);
    buf_fini(&image);
    buf_fini(&again);
    return other;
}

#endif
