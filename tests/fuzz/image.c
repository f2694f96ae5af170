/* Images of the core's state: one is refused, or holds every invariant, is saved as it was loaded,
 * and can be worked with. */
#include <assert.h>

#include "head/core/core.h"
#include "tests/fuzz/target.h"

#define NOW_MS UINT64_C(1700000000000)

static struct arena arena;
static struct effects effects;
static struct tape tape;
static struct buf first, second;

static void step(struct core *core, const char *line)
{
    struct event event = {.now_ms = NOW_MS, .origin = 7};

    assert(event_parse(line, &arena, &event, NULL) == 0);
    (void)core_step(core, &event, &tape, &effects);
    assert(core_check(core) == NULL);
}

static void work(struct core *core)
{
    struct buf text = {0};

    tape_record(&tape);
    core_describe(core, &effects);
    (void)core_deadline_ms(core);
    (void)core_status_text(core, 1, &text);
    (void)core_explain(core, 1, 0, &text);
    step(core, "tick");
    core_place(core, NOW_MS, &tape, &effects);
    assert(core_check(core) == NULL);
    step(core, "node_lost node=2 reason=gone");
    step(core, "stop experiment=1 trial=4294967295 principal=1");
    core_place(core, NOW_MS, &tape, &effects);
    assert(core_check(core) == NULL);
    buf_fini(&text);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    effects_init(&effects, &arena);
    tape_init(&tape);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct core *core = core_new();
    struct core *copy = core_new();

    if (core_load(core, span_of(data, size)) == 0) {
        assert(core_check(core) == NULL);
        buf_reset(&first);
        buf_reset(&second);
        core_save(core, &first);
        assert(core_load(copy, buf_span(&first)) == 0);
        core_save(copy, &second);
        assert(span_equal(buf_span(&first), buf_span(&second)));
        work(core);
    }
    core_free(core);
    core_free(copy);
    effects_reset(&effects);
    arena_reset(&arena);
    return 0;
}
