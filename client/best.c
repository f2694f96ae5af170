#include "client/best.h"

#include "client/out.h"
#include "client/rows.h"
#include "client/yaml_write.h"
#include "common/number.h"

void best_print(const struct msg_trial_row *row, const struct msg_experiment_row *experiment,
                struct arena *arena)
{
    struct value config = rows_unpacked(row->config, arena);
    struct value_builder map;
    struct value whole;
    struct buf text = {0};

    buf_printf(&text, "Best trial: %.*s\n", SPAN(row->name));
    buf_printf(&text, "%.*s: ", SPAN(experiment->metric));
    text.size += number_repr(row->best, (char *)buf_reserve(&text, NUMBER_BYTES));
    buf_printf(&text, " (%s, at %lld)\n", rows_mode(experiment->mode), (long long)row->best_at);
    if (config.type == VALUE_MAP) {
        value_builder_map(&map, arena);
        value_builder_set(&map, "config", config);
        whole = value_builder_done(&map);
        yaml_write(&whole, false, &text);
    }
    if (row->folder.size > 0)
        buf_printf(&text, "Files: %.*s\n", SPAN(row->folder));
    out_text(&text);
}
