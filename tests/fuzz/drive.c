/* Lines of a caller of `assay drive`: each is answered with one line of JSON, one that is refused
 * or only looks changes nothing, and the core stays sound.
 *
 * The first byte of an input chooses the experiment; the rest are lines. */
#include "client/drive.h"

#include <string.h>

#include "common/json.h"
#include "tests/fuzz/target.h"

#define NOW_MS UINT64_C(1700000000000)

/* Keys of an experiment, as JSON. */
static const char *const experiments[] = {
    "{\"num_samples\":0}",
    "{\"num_samples\":9,\"config\":{\"a\":{\"uniform\":[0,1]}},\"stop\":{\"m\":{\"min\":1}},"
    "\"max_concurrent\":3}",
    "{\"num_samples\":20,\"scheduler\":{\"type\":\"asha\",\"grace_period\":1,\"max_t\":9,"
    "\"reduction_factor\":3,\"brackets\":2}}",
    "{\"num_samples\":9,\"scheduler\":{\"type\":\"asha\",\"form\":\"promotion\",\"grace_period\":1,"
    "\"max_t\":9,\"reduction_factor\":3}}",
    "{\"num_samples\":14,\"scheduler\":{\"type\":\"hyperband\",\"max_t\":9}}",
    "{\"config\":{\"a\":{\"choice\":[1,{\"b\":2}]}},\"search\":{\"type\":\"list\",\"points\":"
    "[{\"a\":1},{\"a\":{\"b\":3}}],\"seed\":1},\"num_samples\":2,\"scheduler\":{\"type\":\"asha\","
    "\"semantics\":\"tune-0.7\",\"reward_attr\":\"m\"}}",
};
#define EXPERIMENT_COUNT (sizeof(experiments) / sizeof(experiments[0]))

static struct arena arena;
static struct buf out;

static struct value read_json(struct span text)
{
    struct json_error error;
    struct value value;

    assert(json_read(text, &arena, &value, &error) == 0);
    return value;
}

static struct drive *open_one(uint8_t which)
{
    const char *json = experiments[which % EXPERIMENT_COUNT];
    struct value value = read_json(span_text(json));
    struct spec_error error = {0};
    struct drive *drive;

    assert(value_set_path(&value, "run.command", value_text(&arena, "x"), &arena, &value) == 0);
    assert(value_set_path(&value, "search.seed", value_int(3), &arena, &value) == 0);
    if (strstr(json, "reward_attr") == NULL) {
        assert(value_set_path(&value, "metric", value_text(&arena, "m"), &arena, &value) == 0);
        assert(value_set_path(&value, "mode", value_text(&arena, "min"), &arena, &value) == 0);
    }
    drive = drive_new(&value, NOW_MS, &error);
    assert(drive != NULL);
    return drive;
}

static bool is_look(const struct value *line)
{
    const struct value *op = value_get(line, "op");
    const struct value *peek = value_get(line, "peek");

    return strcmp(op->text, "status") == 0 || strcmp(op->text, "best") == 0 ||
           (peek != NULL && peek->boolean);
}

static void take_line(struct drive *drive, struct span line)
{
    uint64_t before = drive_digest(drive);
    struct json_error error;
    struct value answer, said;

    buf_reset(&out);
    drive_line(drive, line, NOW_MS, &out);
    assert(out.size > 1 && memchr(out.data, '\n', out.size) == &out.data[out.size - 1]);
    answer = read_json(buf_span(&out));
    assert(answer.type == VALUE_MAP);
    if (value_get(&answer, "error") != NULL) {
        assert(drive_digest(drive) == before);
    } else {
        assert(json_read(line, &arena, &said, &error) == 0);
        assert(!is_look(&said) || drive_digest(drive) == before);
    }
    assert(drive_check(drive) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *at = data + 1;
    const uint8_t *end = data + size;
    struct drive *drive;

    if (size == 0)
        return 0;
    drive = open_one(data[0]);
    while (at < end) {
        const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));

        if (newline == NULL)
            newline = end;
        take_line(drive, span_of(at, (size_t)(newline - at)));
        at = newline + 1;
        arena_reset(&arena);
    }
    drive_free(drive);
    arena_reset(&arena);
    return 0;
}
