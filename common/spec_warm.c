/* spec_warm.c - what is known before an experiment begins. The client has made a list of what its
 * file names (client/warm_start.h). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "common/spec_read.h"

static int read_one(struct spec_reader *reader, const struct value *item)
{
    static const char mend[] = "write {config: {lr: 0.1}, value: 0.3}";
    const struct value *value = value_get(item, "value");
    const struct value *config = value_get(item, "config");

    if (item->type != VALUE_MAP || item->count != 2 || config == NULL || value == NULL)
        return spec_refuse(reader, mend, "must be a map of config and value");
    if (config->type != VALUE_MAP)
        return spec_refuse(reader, mend, "config must be a map of configuration values");
    if (!value_is_number(value) || !isfinite(value_number(value)))
        return spec_refuse(reader, mend, "value must be a finite number");
    return 0;
}

int spec_read_warm_start(struct spec_reader *reader, const struct value *value)
{
    if (value->type == VALUE_TEXT)
        return spec_refuse(reader, "hand it in by `assay run` or `assay submit`, which read it",
                           "names what is not read here");
    if (value->type != VALUE_LIST)
        return spec_refuse(reader, "write last, an experiment's number or folder, or FILE.csv",
                           "must name an experiment or a table");
    if (value->count > LIMIT_WARM)
        return spec_refuse(reader, "leave some out", "has more than %u observations", LIMIT_WARM);
    reader->spec->warm_start = value->count > 0 ? value : NULL;
    return spec_read_list(reader, value, read_one);
}

int spec_finish_warm_start(struct spec_reader *reader)
{
    const struct spec *spec = reader->spec;

    if (spec->warm_start == NULL)
        return 0;
    (void)spec_enter(reader, "warm_start");
    if (strcmp(spec->search.type, "tpe") != 0)
        return spec_refuse(reader, "write search: tpe", "%s does not learn", spec->search.type);
    for (uint32_t i = 0; i < spec->warm_start->count; i++) {
        const struct value *config = value_get(&spec->warm_start->items[i], "config");
        struct space_error error = {0};
        char prefix[64];

        (void)snprintf(prefix, sizeof(prefix), "warm_start.%u.config", i);
        if (space_check_given(&spec->config, config, prefix, &error) < 0)
            return spec_refuse_space(reader, &error);
    }
    spec_leave(reader, 0);
    return 0;
}
