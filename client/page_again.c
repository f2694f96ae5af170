/* page_again.c - how to run the best trial again: its program's command line, and an experiment of
 * it alone. */
#include <string.h>

#include "client/html.h"
#include "client/page.h"
#include "client/rows.h"
#include "client/yaml_write.h"

/* As a shell reads it back. */
static void put_word(const char *word, struct buf *out)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./=:,+@%";

    if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
        buf_append_text(out, word);
        return;
    }
    buf_append_char(out, '\'');
    for (; *word != '\0'; word++) {
        if (*word == '\'')
            buf_append_text(out, "'\\''");
        else
            buf_append_char(out, *word);
    }
    buf_append_char(out, '\'');
}

static void put_block(struct page *page, const struct buf *text)
{
    buf_append_text(page->out, "<pre>");
    html_text(buf_span(text), page->out);
    buf_append_text(page->out, "</pre>\n");
}

static void put_command(struct page *page, const struct value *config)
{
    struct spec_error error;
    struct buf line = {0};
    char **argv;

    if (page->spec.run_kind != RUN_COMMAND ||
        spec_command(page->spec.run, config, "params.json", page->arena, &argv, &error) != 0)
        return;
    page_say(page, "Its program alone, beside the code (its results go to standard output):");
    for (uint32_t i = 0; argv[i] != NULL; i++) {
        buf_append_text(&line, i > 0 ? " " : "");
        put_word(argv[i], &line);
    }
    put_block(page, &line);
    buf_fini(&line);
}

/* What has to do with choosing and judging trials goes; the configuration is the trial's. */
static bool is_kept(const char *key)
{
    static const char *const gone[] = {
        "num_samples", "search",         "scheduler", "points_to_evaluate",
        "warm_start",  "max_concurrent", "budget",    "name"};

    for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
        if (strcmp(gone[i], key) == 0)
            return false;
    return true;
}

/* Its stop rules, and the scheduler's own end, which no scheduler looks after any more. */
static struct value stop_of(struct page *page)
{
    const struct spec_scheduler *scheduler = &page->spec.scheduler;
    const struct value *stop = value_get(&page->of->spec, "stop");
    struct value_builder map;

    value_builder_map(&map, page->arena);
    for (uint32_t i = 0; stop != NULL && stop->type == VALUE_MAP && i < stop->count; i++)
        value_builder_set(&map, stop->members[i].key, stop->members[i].value);
    for (uint32_t i = 0; i < SCHEDULER_KEYS && scheduler->type->keys[i].name != NULL; i++)
        if (strcmp(scheduler->type->keys[i].name, "max_t") == 0)
            value_builder_set(&map, scheduler->time_attr, value_double(scheduler->numbers[i]));
    return value_builder_done(&map);
}

static void put_experiment(struct page *page, const struct value *config)
{
    const struct value *spec = &page->of->spec;
    const char *name = arena_printf(page->arena, "%s_again", page->spec.name);
    struct buf text = {0};
    struct value_builder map;
    struct value whole;
    struct value stop;

    value_builder_map(&map, page->arena);
    if (span_text(name).size <= LIMIT_NAME_BYTES)
        value_builder_set(&map, "name", value_text(page->arena, name));
    for (uint32_t i = 0; i < spec->count; i++)
        if (is_kept(spec->members[i].key))
            value_builder_set(&map, spec->members[i].key,
                              strcmp(spec->members[i].key, "config") == 0 ? *config
                                                                          : spec->members[i].value);
    stop = stop_of(page);
    if (stop.count > 0)
        value_builder_set(&map, "stop", stop);
    value_builder_set(&map, "metric", value_text(page->arena, page->metric));
    value_builder_set(&map, "mode", value_text(page->arena, rows_mode(page->experiment->mode)));
    whole = value_builder_done(&map);
    yaml_write_file(&whole, &text);
    page_say(page, "As an experiment: save this as again.yaml in the folder where the first one's "
                   "file was, and then: assay run again.yaml");
    put_block(page, &text);
    buf_fini(&text);
}

void page_again(struct page *page)
{
    struct value config;

    if (page->ranked_count == 0 || !page->has_spec)
        return;
    config = rows_unpacked(page_ranked(page, 0)->config, page->arena);
    if (config.type != VALUE_MAP)
        return;
    page_section(page, "again", "Run the best trial again");
    page_say(page, "Nothing but its own end and its stop rules ends it, then.");
    put_command(page, &config);
    put_experiment(page, &config);
    buf_append_text(page->out, "</section>\n");
}
