#include "head/core/tape.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/pack.h"

void tape_init(struct tape *tape)
{
    *tape = (struct tape){0};
    buf_init(&tape->written);
}

void tape_fini(struct tape *tape)
{
    buf_fini(&tape->written);
}

void tape_record(struct tape *tape)
{
    tape->replaying = false;
    tape->diverged = false;
    tape->what[0] = '\0';
    buf_reset(&tape->written);
}

void tape_replay(struct tape *tape, struct span decided)
{
    tape->replaying = true;
    tape->diverged = false;
    tape->what[0] = '\0';
    cursor_init(&tape->from, decided);
}

/* Only the first difference is told: the others follow from it. */
static void tape_diverge(struct tape *tape, const char *what, const char *how)
{
    if (!tape->diverged)
        (void)snprintf(tape->what, sizeof(tape->what), "%s: %s", what, how);
    tape->diverged = true;
}

double tape_double(struct tape *tape, double computed)
{
    double decided;

    if (!tape->replaying) {
        pack_double(&tape->written, computed);
        return computed;
    }
    if (!cursor_double(&tape->from, &decided)) {
        tape_diverge(tape, "a number", "the log has none here");
        return computed;
    }
    return decided;
}

struct span tape_packed(struct tape *tape, struct span computed)
{
    struct span decided;

    if (!tape->replaying) {
        buf_append_span(&tape->written, computed);
        return computed;
    }
    if (!cursor_skip(&tape->from, &decided)) {
        tape_diverge(tape, "a proposal", "the log has none here");
        return (struct span){0};
    }
    return decided;
}

/* Reads on to the end of what was confirmed, so that one difference does not shift the rest. */
static bool tape_compare(struct tape *tape, const char *what, const uint64_t *numbers,
                         uint32_t count)
{
    uint32_t written;
    bool same = true;

    if (!cursor_list(&tape->from, &written))
        return false;
    for (uint32_t i = 0; i < written; i++) {
        uint64_t decided;
        char how[96];

        if (!cursor_uint(&tape->from, &decided))
            return false;
        if (!same || i >= count || decided == numbers[i])
            continue;
        (void)snprintf(how, sizeof(how), "number %" PRIu32 " is %" PRIu64 ", the log says %" PRIu64,
                       i + 1, numbers[i], decided);
        tape_diverge(tape, what, how);
        same = false;
    }
    return written == count && same;
}

void tape_confirm(struct tape *tape, const char *what, const uint64_t *numbers, uint32_t count)
{
    if (tape->replaying) {
        if (!tape_compare(tape, what, numbers, count))
            tape_diverge(tape, what, "the log has something else here");
        return;
    }
    pack_list(&tape->written, count);
    for (uint32_t i = 0; i < count; i++)
        pack_uint(&tape->written, numbers[i]);
}

bool tape_ended_well(const struct tape *tape)
{
    return !tape->diverged &&
           (!tape->replaying || (!tape->from.failed && tape->from.at == tape->from.end));
}
