/* spec_policy.c - policy: which values a trial has from when on. The client has made a list of what
 * its file names (client/policy.h). */
#include <math.h>

#include "common/limits.h"
#include "common/spec_read.h"
#include "common/table.h"

static int check_change(struct spec_reader *reader, const struct value *item)
{
    static const char mend[] = "write {at: 10, config: {lr: 0.1}}";
    const struct value *at = value_get(item, "at");
    const struct value *config = value_get(item, "config");

    if (item->type != VALUE_MAP || item->count != 2 || at == NULL || config == NULL)
        return spec_refuse(reader, mend, "must be a map of at and config");
    if (!value_is_number(at) || !isfinite(value_number(at)))
        return spec_refuse(reader, mend, "at must be a finite number");
    if (config->type != VALUE_MAP || config->count == 0)
        return spec_refuse(reader, mend, "config must be a map of values");
    if (config->count > LIMIT_MUTATIONS)
        return spec_refuse(reader, "", "changes more than %u values", LIMIT_MUTATIONS);
    return 0;
}

int spec_read_policy(struct spec_reader *reader, const struct value *value)
{
    struct policy_change *changes;
    int err;

    if (value->type == VALUE_TEXT)
        return spec_refuse(reader, "hand it in by `assay run` or `assay submit`, which read it",
                           "names what is not read here");
    if (value->type != VALUE_LIST)
        return spec_refuse(reader, "write pbt_policy_3.txt, or [{at: 10, config: {lr: 0.1}}]",
                           "must name a file, or be a list of changes");
    if (value->count > LIMIT_CHANGES)
        return spec_refuse(reader, "leave some out", "has more than %u changes", LIMIT_CHANGES);
    err = spec_read_list(reader, value, check_change);
    if (err < 0)
        return err;
    changes = arena_alloc(reader->arena, value->count * sizeof(*changes));
    for (uint32_t i = 0; i < value->count; i++)
        changes[i] = (struct policy_change){.at = value_number(value_get(&value->items[i], "at")),
                                            .config = value_get(&value->items[i], "config")};
    reader->spec->scheduler.changes = changes;
    reader->spec->scheduler.change_count = value->count;
    return 0;
}

/* The most bytes of all values that changes may put into a configuration. */
static uint64_t bytes_most(const struct spec_scheduler *scheduler, struct arena *arena)
{
    struct table *keys = table_new();
    uint64_t all = 0;

    for (uint32_t i = 0; i < scheduler->change_count; i++) {
        const struct value *config = scheduler->changes[i].config;

        for (uint32_t k = 0; k < config->count; k++) {
            const struct value one = {
                .type = VALUE_MAP, .count = 1, .members = &config->members[k]};
            const struct span key = span_text(config->members[k].key);
            uint64_t bytes = space_bytes_most(&one);
            uint64_t *most = table_get(keys, key);

            if (most == NULL) {
                most = arena_zalloc(arena, sizeof(*most));
                (void)table_put(keys, key, most);
            }
            all += bytes > *most ? bytes - *most : 0;
            *most = bytes > *most ? bytes : *most;
        }
    }
    table_free(keys);
    return all;
}

int spec_check_policy(struct spec_reader *reader, const struct spec_scheduler *scheduler)
{
    size_t size = spec_enter(reader, "policy");

    if (scheduler->change_count == 0)
        return spec_refuse(reader, "write scheduler: {type: pbt_replay, policy: pbt_policy_3.txt}",
                           "must say what is changed when");
    if (space_bytes_most(&reader->spec->config) + bytes_most(scheduler, reader->arena) >
        LIMIT_CONFIG_BYTES)
        return spec_refuse(reader, "", "one trial's configuration can have more than %u bytes",
                           LIMIT_CONFIG_BYTES);
    spec_leave(reader, size);
    return 0;
}
