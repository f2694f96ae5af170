/* Experiment files as the client reads them, and experiments as they reach the head: what the
 * client takes, the head takes; what it writes to a file, it reads again. */
#include <assert.h>
#include <string.h>

#include "client/experiment_file.h"
#include "client/yaml_write.h"
#include "common/err.h"
#include "common/limits.h"
#include "common/spec.h"
#include "tests/fuzz/target.h"

#define POINTS     3u /* variants to make of a space */
#define PACKED_TOP 0x80u

static struct arena arena;
static struct buf packed, text, again;

static const struct cursor_limits frame_limits = {
    .depth = LIMIT_MESSAGE_DEPTH,
    .items = LIMIT_MESSAGE_ITEMS,
    .text_bytes = LIMIT_MESSAGE_BYTES,
};

static void check_command(const struct spec *spec, const struct value *config)
{
    struct spec_error error;
    char **argv;

    if (spec->run_kind == RUN_COMMAND &&
        spec_command(spec->run, config, "params.json", &arena, &argv, &error) == 0)
        assert(argv[0] != NULL);
}

static void check_variants(const struct spec *spec)
{
    uint64_t points = space_points(&spec->config);

    for (uint64_t point = 0; point < points && point < POINTS; point++) {
        struct rng rng = {.seed = 7, .stream = point};
        struct value config;
        const char *vars, *tag;

        assert(space_variant(&spec->config, point, &rng, &arena, &config, &vars) == 0);
        assert(strlen(vars) <= LIMIT_TAG_BYTES);
        buf_reset(&packed);
        value_pack(&config, &packed);
        assert(packed.size <= space_bytes_most(&spec->config));
        tag = space_tag(&spec->config, &config, &arena);
        assert(strlen(tag) <= LIMIT_TAG_BYTES);
        assert(strlen(spec_trial_name(spec, "00000000", 0, vars, &arena)) <= LIMIT_TRIAL_NAME);
        check_command(spec, &config);
    }
}

static struct value draw_middle(void *context, const struct domain *domain, struct arena *unused)
{
    (void)context;
    (void)unused;
    return domain_at(domain, 0.5);
}

/* A point that was let in leaves as many variants as it is said to, and each has what it names. */
static void check_first(const struct spec *spec)
{
    const struct space_source source = {draw_middle, NULL};
    struct space_error error;
    struct value config;
    const char *vars;

    for (uint32_t i = 0; spec->first_points != NULL && i < spec->first_points->count; i++) {
        const struct value *point = &spec->first_points->items[i];
        uint64_t points = space_points_given(&spec->config, point);

        assert(points > 0);
        assert(space_variant_from(&spec->config, point, points - 1, &source, &arena, &config,
                                  &vars) == 0);
        assert(space_check_given(&config, point, "", &error) == 0);
        assert(space_variant_from(&spec->config, point, points, &source, &arena, &config, &vars) ==
               ERR_NOT_FOUND);
    }
}

/* As the head does. */
static int read_packed(struct span bytes, struct value *value, struct spec *spec,
                       struct spec_error *error)
{
    struct cursor cursor;
    int err = cursor_scan(bytes, &frame_limits);

    if (err < 0)
        return err;
    cursor_init(&cursor, bytes);
    err = value_unpack(&cursor, &arena, value);
    return err < 0 ? err : spec_parse(value, &arena, spec, error);
}

static void check_head(const struct value *value)
{
    struct spec_error error;
    struct value copy;
    struct spec spec;
    struct span bytes;

    buf_reset(&packed);
    value_pack(value, &packed);
    if (packed.size > LIMIT_SPEC_BYTES)
        return; /* refused on the way */
    bytes = arena_copy(&arena, buf_span(&packed));
    assert(read_packed(bytes, &copy, &spec, &error) == 0);
    assert(value_equal(value, &copy));
}

static void check_file(const struct value *value)
{
    struct experiment_file file;
    struct experiment_error error;
    int err;

    buf_reset(&text);
    yaml_write_file(value, &text);
    err = experiment_file_parse(buf_span(&text), &arena, &file, &error);
    assert(err == 0 || err == ERR_TOO_BIG);
    assert(err != 0 || (file.count == 1 && value_equal(&file.entries[0].value, value)));
    buf_reset(&again);
    yaml_write(value, true, &again);
}

static void take_entry(const struct experiment_entry *entry)
{
    struct spec_error error = {0};
    struct spec spec;
    uint32_t line, column;

    if (spec_parse(&entry->value, &arena, &spec, &error) < 0) {
        assert(error.what[0] != '\0');
        experiment_file_place(entry, error.path, &line, &column);
        assert(line > 0 && column > 0);
        return;
    }
    check_head(&entry->value);
    check_file(&entry->value);
    check_variants(&spec);
    check_first(&spec);
}

/* libfyaml 0.7 keeps a page of its own where a quoted text has very many pieces. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml.so";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = span_of(data, size);
    struct experiment_error wrong = {0};
    struct experiment_file file;
    struct spec_error error = {0};
    struct value value;
    struct spec spec;

    /* No text begins so, and every packed map that is not large does. */
    if (size > 0 && (data[0] & 0xf0) == PACKED_TOP) {
        if (read_packed(bytes, &value, &spec, &error) == 0)
            check_variants(&spec);
    } else if (experiment_file_parse(bytes, &arena, &file, &wrong) == 0) {
        for (uint32_t i = 0; i < file.count; i++)
            take_entry(&file.entries[i]);
    } else {
        assert(wrong.what[0] != '\0');
    }
    arena_reset(&arena);
    return 0;
}
