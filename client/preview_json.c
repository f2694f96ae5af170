/* preview_json.c - an experiment that would run, as JSON. Its trials are written one by one: there
 * may be many. */
#include <math.h>

#include "client/out.h"
#include "client/preview_page.h"
#include "client/rows.h"

/* What is not a number is not known. */
static struct value number(double of)
{
    if (!isfinite(of))
        return value_null();
    return of == floor(of) && of >= 0 && of < 1e15 ? value_int((int64_t)of) : value_double(of);
}

static struct value count(uint32_t of)
{
    return of == NUMBER_NONE ? value_null() : value_int(of);
}

static struct value search_value(const struct preview_page *page, struct arena *arena)
{
    const struct spec_search *search = &preview_spec(page->preview)->search;
    struct value_builder map;

    value_builder_map(&map, arena);
    value_builder_append(&map, "type", value_text(arena, search->type));
    value_builder_append(&map, "seed", value_int((int64_t)preview_seed(page->preview)));
    value_builder_append(&map, "seed_given", value_bool(search->has_seed));
    return value_builder_done(&map);
}

static struct value stop_value(const struct spec *spec, struct arena *arena)
{
    struct value_builder list;

    value_builder_list(&list, arena);
    for (uint32_t i = 0; i < spec->stop_count; i++) {
        struct value_builder map;

        value_builder_map(&map, arena);
        value_builder_append(&map, "metric",
                             value_text(arena, arena_text(arena, spec->stop[i].metric)));
        value_builder_append(&map, spec->stop[i].side == STOP_AT_MOST ? "min" : "max",
                             number(spec->stop[i].bound));
        value_builder_add(&list, value_builder_done(&map));
    }
    return value_builder_done(&list);
}

static struct value budget_value(const struct spec_budget *budget, struct arena *arena)
{
    struct value_builder map;

    value_builder_map(&map, arena);
    value_builder_append(&map, "time_ms",
                         budget->time_ms > 0 ? value_int((int64_t)budget->time_ms) : value_null());
    value_builder_append(&map, "trials",
                         budget->trials > 0 ? value_int(budget->trials) : value_null());
    value_builder_append(&map, "no_improvement",
                         budget->no_improvement > 0 ? value_int(budget->no_improvement)
                                                    : value_null());
    value_builder_append(&map, "target",
                         budget->has_target ? number(budget->target) : value_null());
    value_builder_append(&map, "max_failed",
                         budget->max_failed > 0 ? value_int(budget->max_failed) : value_null());
    return value_builder_done(&map);
}

static struct value plateau_value(const struct spec_plateau *plateau, struct arena *arena)
{
    struct value_builder map;

    if (plateau->patience == 0)
        return value_null();
    value_builder_map(&map, arena);
    value_builder_append(&map, "metric", value_text(arena, plateau->metric));
    value_builder_append(
        &map, "mode",
        plateau->side == PLATEAU_EITHER
            ? value_null()
            : value_text(arena, rows_mode(plateau->side == PLATEAU_DOWN ? MODE_MIN : MODE_MAX)));
    value_builder_append(&map, "patience", value_int(plateau->patience));
    value_builder_append(&map, "delta", number(plateau->delta));
    return value_builder_done(&map);
}

static struct value bracket_value(const struct forecast_bracket *bracket, struct arena *arena)
{
    struct value_builder map, list;

    value_builder_list(&list, arena);
    for (uint32_t i = 0; i < bracket->rung_count; i++) {
        value_builder_map(&map, arena);
        value_builder_append(&map, "at", number(bracket->rungs[i].at));
        value_builder_append(&map, "trials", number(bracket->rungs[i].trials));
        value_builder_add(&list, value_builder_done(&map));
    }
    value_builder_map(&map, arena);
    value_builder_append(&map, "chance", number(bracket->chance));
    value_builder_append(&map, "rungs", value_builder_done(&list));
    return value_builder_done(&map);
}

static struct value scheduler_value(const struct preview_page *page, struct arena *arena)
{
    const struct spec_scheduler *scheduler = &preview_spec(page->preview)->scheduler;
    const struct forecast *forecast = &page->forecast;
    const struct scheduler_type *type = scheduler->type;
    struct value_builder map, list;

    value_builder_map(&map, arena);
    value_builder_append(&map, "type", value_text(arena, type->name));
    value_builder_append(&map, "form",
                         type->form != NULL ? value_text(arena, type->form) : value_null());
    if (type->judges) {
        value_builder_append(&map, "metric", value_text(arena, scheduler->metric));
        value_builder_append(&map, "mode", value_text(arena, rows_mode(scheduler->mode)));
        value_builder_append(&map, "time_attr", value_text(arena, scheduler->time_attr));
    }
    for (uint32_t i = 0; i < SCHEDULER_KEYS && type->keys[i].name != NULL; i++)
        value_builder_append(
            &map, type->keys[i].name,
            type->keys[i].words[0] != NULL
                ? value_text(arena, type->keys[i].words[(size_t)scheduler->numbers[i]])
                : number(scheduler->numbers[i]));
    value_builder_list(&list, arena);
    for (uint32_t i = 0; i < forecast->bracket_count; i++)
        value_builder_add(&list, bracket_value(&forecast->brackets[i], arena));
    /* `brackets` is a number of async_hyperband's own. */
    value_builder_set(&map, "brackets", value_builder_done(&list));
    if (forecast->round_trials > 0)
        value_builder_append(&map, "round_trials", number(forecast->round_trials));
    return value_builder_done(&map);
}

static struct value cost_value(const struct forecast *forecast, struct arena *arena)
{
    struct value_builder map;

    value_builder_map(&map, arena);
    value_builder_append(&map, "unit", value_text(arena, forecast->unit));
    value_builder_append(&map, "trial", number(forecast->cap));
    value_builder_append(&map, "worst", number(forecast->worst));
    value_builder_append(&map, "expected", number(forecast->expected));
    value_builder_append(&map, "worst_anew", number(forecast->worst_anew));
    return value_builder_done(&map);
}

static const char *hex(const uint8_t *bytes, size_t count_of, struct arena *arena)
{
    struct buf text = {0};
    const char *out;

    for (size_t i = 0; i < count_of; i++)
        buf_printf(&text, "%02x", bytes[i]);
    out = arena_strdup(arena, buf_text(&text));
    buf_fini(&text);
    return out;
}

static struct value code_value(const struct preview_page *page, struct arena *arena)
{
    const struct code_tree *code = &page->code;
    struct value_builder map, list;

    if (code->count == 0)
        return value_null();
    value_builder_list(&list, arena);
    for (size_t i = 0; i < code->count; i++) {
        value_builder_map(&map, arena);
        value_builder_append(&map, "path", value_text(arena, code->files[i].name));
        value_builder_append(&map, "bytes", value_int((int64_t)code->files[i].size));
        value_builder_add(&list, value_builder_done(&map));
    }
    value_builder_map(&map, arena);
    value_builder_append(&map, "hash", value_text(arena, hex(code->hash, CODE_HASH_BYTES, arena)));
    value_builder_append(&map, "bytes", value_int((int64_t)code->bytes));
    value_builder_append(&map, "packed_bytes", value_int((int64_t)page->code_packed));
    value_builder_append(&map, "run_ships", value_bool(!page->stays));
    value_builder_append(&map, "files", value_builder_done(&list));
    return value_builder_done(&map);
}

static void write_trial(const struct previewed *trial, struct arena *arena)
{
    struct value_builder map;
    struct value whole;

    value_builder_map(&map, arena);
    value_builder_append(&map, "config", trial->config);
    value_builder_append(&map, "tag", value_text(arena, trial->tag));
    value_builder_append(&map, "name", value_text(arena, trial->name));
    whole = value_builder_done(&map);
    out_json_part(&whole, arena);
}

static void write_trials(const struct preview_page *page, uint32_t most)
{
    uint32_t known = preview_known(page->preview);
    struct arena arena = {0};
    struct previewed trial;

    out_write(span_text("{\"trials\": ["));
    for (uint32_t i = 0; i < known && i < most; i++) {
        arena_reset(&arena);
        if (!preview_trial(page->preview, i, &arena, &trial))
            break;
        out_write(span_text(i > 0 ? ", " : ""));
        write_trial(&trial, &arena);
    }
    out_write(span_text("]"));
    arena_fini(&arena);
}

static void write_member(const char *key, struct value value, struct arena *arena)
{
    struct value name = value_text(arena, key);

    out_write(span_text(", "));
    out_json_part(&name, arena);
    out_write(span_text(": "));
    out_json_part(&value, arena);
}

void preview_json(const struct preview_page *page, uint32_t most, struct arena *arena)
{
    const struct spec *spec = preview_spec(page->preview);
    double gpus = (double)spec->resources.gpu / RESOURCE_ONE;

    write_trials(page, most);
    write_member("name", value_text(arena, spec->name), arena);
    write_member("run", value_text(arena, spec->run), arena);
    write_member("total", count(preview_total(page->preview)), arena);
    write_member("known", count(preview_known(page->preview)), arena);
    write_member("search", search_value(page, arena), arena);
    write_member("stop", stop_value(spec, arena), arena);
    write_member("budget", budget_value(&spec->budget, arena), arena);
    write_member("plateau", plateau_value(&spec->plateau, arena), arena);
    write_member("scheduler", scheduler_value(page, arena), arena);
    write_member("cost", cost_value(&page->forecast, arena), arena);
    write_member("resources", rows_resources(&spec->resources, gpus, arena), arena);
    write_member("max_concurrent",
                 spec->max_concurrent > 0 ? value_int(spec->max_concurrent) : value_null(), arena);
    write_member("code", code_value(page, arena), arena);
    write_member("folder", value_text(arena, preview_folder(page->preview)), arena);
    out_write(span_text("}"));
}
