#include "client/yaml.h"

#include <libfyaml.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/table.h"

#define CORE_TAG "tag:yaml.org,2002:"

/* What an alias may repeat. */
struct anchor {
    struct value value;
    const struct yaml_place *children;
};

struct reader {
    struct fy_parser *parser; /* owned */
    struct fy_diag *diag;     /* owned: a reference */
    struct arena *arena;      /* borrowed */
    struct table *anchors;    /* owned: name to struct anchor, which is in the arena */
    uint64_t items;           /* values read, those of aliases again each time */
    uint64_t bytes;           /* of texts and keys, the same way */
    uint32_t line;            /* of the last event that has a place */
    uint32_t column;
    struct yaml_error *error; /* borrowed */
};

/* Children under collection; arrays double in the arena. */
struct children {
    bool map;
    uint32_t count;
    uint32_t capacity;
    struct value *items;
    struct member *members;
    struct yaml_place *places;
};

static int refuse(struct reader *reader, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(struct reader *reader, int err, const char *format, ...)
{
    va_list args;

    reader->error->line = reader->line;
    reader->error->column = reader->column;
    va_start(args, format);
    (void)vsnprintf(reader->error->what, sizeof(reader->error->what), format, args);
    va_end(args);
    return err;
}

static int refuse_depth(struct reader *reader)
{
    return refuse(reader, ERR_TOO_BIG, "more than %u lists and maps inside one another",
                  LIMIT_VALUE_DEPTH);
}

static bool is_container(const struct fy_event *event)
{
    return event->type == FYET_SEQUENCE_START || event->type == FYET_MAPPING_START;
}

/* What libfyaml found wrong: its first error is the cause of the others. */
static int refuse_syntax(struct reader *reader)
{
    void *at = NULL;
    const struct fy_diag_error *found = fy_diag_errors_iterate(reader->diag, &at);

    if (found == NULL)
        return refuse(reader, ERR_MALFORMED, "the file cannot be read as YAML");
    if (found->line > 0 && found->column >= 0) {
        reader->line = (uint32_t)found->line;
        reader->column = (uint32_t)found->column;
    }
    return refuse(reader, ERR_MALFORMED, "%s", found->msg);
}

/* A quoted scalar's mark stands behind its quote, an alias's behind its star. */
static bool is_marked_inside(const struct fy_event *event)
{
    enum fy_scalar_style style;

    if (event->type == FYET_ALIAS)
        return true;
    if (event->type != FYET_SCALAR || event->scalar.value == NULL)
        return false;
    style = fy_token_scalar_style(event->scalar.value);
    return style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
}

/* The next event, which the caller frees. */
static int event_next(struct reader *reader, struct fy_event **out)
{
    struct fy_event *event = fy_parser_parse(reader->parser);
    const struct fy_mark *mark;

    if (event == NULL)
        return refuse_syntax(reader);
    mark = fy_event_start_mark(event);
    if (mark != NULL) {
        reader->line = (uint32_t)mark->line + 1;
        reader->column = (uint32_t)mark->column + (is_marked_inside(event) ? 0 : 1);
    }
    *out = event;
    return 0;
}

static int charge(struct reader *reader, uint64_t items, uint64_t bytes)
{
    reader->items += items;
    reader->bytes += bytes;
    if (reader->items > LIMIT_SPEC_ITEMS)
        return refuse(reader, ERR_TOO_BIG, "more than %u values", LIMIT_SPEC_ITEMS);
    if (reader->bytes > LIMIT_SPEC_BYTES)
        return refuse(reader, ERR_TOO_BIG, "more than %u bytes of text", LIMIT_SPEC_BYTES);
    return 0;
}

static void *grown(struct arena *arena, const void *old, uint32_t count, uint32_t capacity,
                   size_t size)
{
    void *array = arena_alloc(arena, capacity * size);

    if (count > 0)
        memcpy(array, old, count * size);
    return array;
}

static void children_add(struct children *children, struct arena *arena, const char *key,
                         struct value value, struct yaml_place place)
{
    uint32_t count = children->count;

    if (count == children->capacity) {
        uint32_t capacity = count ? count * 2 : 4;

        children->capacity = capacity;
        children->places = grown(arena, children->places, count, capacity, sizeof(place));
        if (children->map)
            children->members =
                grown(arena, children->members, count, capacity, sizeof(*children->members));
        else
            children->items = grown(arena, children->items, count, capacity, sizeof(value));
    }
    if (children->map)
        children->members[count] = (struct member){.key = key, .value = value};
    else
        children->items[count] = value;
    children->places[count] = place;
    children->count++;
}

static struct value children_value(const struct children *children)
{
    struct value value = {.type = children->map ? VALUE_MAP : VALUE_LIST, .count = children->count};

    if (children->map)
        value.members = children->members;
    else
        value.items = children->items;
    return value;
}

/* The text of a token, zero-terminated; NULL where the token is none. */
static const char *token_text(struct reader *reader, struct fy_token *token, size_t *size)
{
    const char *text = token != NULL ? fy_token_get_text(token, size) : NULL;

    return text != NULL ? arena_text(reader->arena, span_of(text, *size)) : NULL;
}

static int node_read(struct reader *reader, struct fy_event *event, uint32_t depth,
                     struct value *out, struct yaml_place *place);

/* Whether the node says itself what it is; *type is the name behind YAML's own prefix. */
static int tag_read(struct reader *reader, struct fy_event *event, const char **type)
{
    size_t size = 0;
    const char *tag = token_text(reader, fy_event_get_tag_token(event), &size);

    *type = NULL;
    if (tag == NULL || tag[0] == '\0')
        return 0;
    if (strcmp(tag, "!") == 0) {
        *type = "str";
        return 0;
    }
    if (strncmp(tag, CORE_TAG, strlen(CORE_TAG)) != 0)
        return refuse(reader, ERR_MALFORMED, "the tag %s is not known", tag);
    *type = tag + strlen(CORE_TAG);
    return 0;
}

/* The text of a scalar; an empty one where nothing is written. */
static int scalar_text(struct reader *reader, struct fy_event *event, const char **out)
{
    size_t size = 0;
    const char *text = token_text(reader, event->scalar.value, &size);

    if (text != NULL && strlen(text) != size)
        return refuse(reader, ERR_MALFORMED, "a text must not have a zero byte in it");
    if (text != NULL && !cursor_text_is_utf8(span_of(text, size)))
        return refuse(reader, ERR_MALFORMED, "a text is not UTF-8");
    *out = text != NULL ? text : "";
    return charge(reader, 1, size);
}

static int scalar_read(struct reader *reader, struct fy_event *event, struct value *out)
{
    struct fy_token *token = event->scalar.value;
    bool plain = token == NULL || fy_token_scalar_style(token) == FYSS_PLAIN;
    const char *type, *text, *wrong;
    int err = tag_read(reader, event, &type);

    if (err == 0)
        err = scalar_text(reader, event, &text);
    if (err < 0)
        return err;
    if (type != NULL) {
        wrong = yaml_scalar_tagged(type, text, reader->arena, out);
        return wrong == NULL ? 0 : refuse(reader, ERR_MALFORMED, "!!%s: %s", type, wrong);
    }
    if (!plain) {
        *out = value_text(reader->arena, text);
        return 0;
    }
    wrong = yaml_scalar(text, reader->arena, out);
    return wrong == NULL ? 0 : refuse(reader, ERR_MALFORMED, "%s", wrong);
}

static int container_tag_check(struct reader *reader, struct fy_event *event, const char *want)
{
    const char *type;
    int err = tag_read(reader, event, &type);

    if (err < 0)
        return err;
    if (type != NULL && strcmp(type, want) != 0)
        return refuse(reader, ERR_MALFORMED, "this is no !!%s", type);
    return 0;
}

static int list_read(struct reader *reader, struct fy_event *event, uint32_t depth,
                     struct children *children)
{
    int err = container_tag_check(reader, event, "seq");

    while (err == 0) {
        struct fy_event *item;
        struct yaml_place place;
        struct value value;
        bool end;

        err = event_next(reader, &item);
        if (err < 0)
            return err;
        end = item->type == FYET_SEQUENCE_END;
        if (!end)
            err = node_read(reader, item, depth + 1, &value, &place);
        fy_parser_event_free(reader->parser, item);
        if (end)
            return 0;
        if (err == 0)
            children_add(children, reader->arena, NULL, value, place);
    }
    return err;
}

static int key_read(struct reader *reader, struct fy_event *event, struct table *seen,
                    const char **key)
{
    const char *text;
    int err;

    if (event->type != FYET_SCALAR)
        return refuse(reader, ERR_MALFORMED, "a key must be a text");
    err = scalar_text(reader, event, &text);
    if (err < 0)
        return err;
    if (text[0] == '\0')
        return refuse(reader, ERR_MALFORMED, "a key must not be empty");
    if (strcmp(text, "<<") == 0 && fy_token_scalar_style(event->scalar.value) == FYSS_PLAIN)
        return refuse(reader, ERR_MALFORMED, "merge keys (<<) are not read");
    /* any pointer will do: that it is there says all */
    if (table_put(seen, span_text(text), (void *)reader) != NULL)
        return refuse(reader, ERR_MALFORMED, "the key '%.100s' is there twice", text);
    *key = text;
    return 0;
}

static int member_read(struct reader *reader, struct fy_event *key_event, uint32_t depth,
                       struct table *seen, struct children *children)
{
    struct yaml_place place = {.line = reader->line, .column = reader->column};
    struct yaml_place inner;
    struct fy_event *event;
    struct value value;
    const char *key = NULL;
    int err = key_read(reader, key_event, seen, &key);

    if (err < 0)
        return err;
    err = event_next(reader, &event);
    if (err < 0)
        return err;
    err = node_read(reader, event, depth + 1, &value, &inner);
    fy_parser_event_free(reader->parser, event);
    if (err < 0)
        return err;
    place.children = inner.children;
    children_add(children, reader->arena, key, value, place);
    return 0;
}

static int map_read(struct reader *reader, struct fy_event *event, uint32_t depth,
                    struct children *children)
{
    struct table *seen = table_new();
    int err = container_tag_check(reader, event, "map");
    bool end = false;

    while (err == 0 && !end) {
        struct fy_event *key;

        err = event_next(reader, &key);
        if (err < 0)
            break;
        end = key->type == FYET_MAPPING_END;
        if (!end)
            err = member_read(reader, key, depth, seen, children);
        fy_parser_event_free(reader->parser, key);
    }
    table_free(seen);
    return err;
}

static int alias_read(struct reader *reader, struct fy_event *event, uint32_t depth,
                      struct value *out, struct yaml_place *place)
{
    size_t size = 0;
    const char *name = token_text(reader, event->alias.anchor, &size);
    const struct anchor *anchor = name != NULL ? table_get(reader->anchors, span_text(name)) : NULL;
    uint64_t items = 0, bytes = 0;
    uint32_t deepest = 0;
    int err;

    if (anchor == NULL)
        return refuse(reader, ERR_MALFORMED, "*%s: nothing before it is called &%s",
                      name != NULL ? name : "", name != NULL ? name : "");
    yaml_measure(&anchor->value, &items, &bytes, depth, &deepest);
    if (deepest > LIMIT_VALUE_DEPTH)
        return refuse_depth(reader);
    err = charge(reader, items, bytes);
    if (err < 0)
        return err;
    *out = anchor->value;
    place->children = anchor->children;
    return 0;
}

/* Known from here on; inside itself an anchor does not exist yet, so there are no circles. */
static void anchor_note(struct reader *reader, struct fy_event *event, const struct value *value,
                        const struct yaml_place *place)
{
    size_t size = 0;
    const char *name = token_text(reader, fy_event_get_anchor_token(event), &size);
    struct anchor *anchor;

    if (name == NULL)
        return;
    anchor = arena_alloc(reader->arena, sizeof(*anchor));
    *anchor = (struct anchor){*value, place->children};
    (void)table_put(reader->anchors, span_text(name), anchor);
}

/* The node that begins with event, up to its end. */
static int node_read(struct reader *reader, struct fy_event *event, uint32_t depth,
                     struct value *out, struct yaml_place *place)
{
    struct yaml_place at = {.line = reader->line, .column = reader->column};
    struct children children = {.map = event->type == FYET_MAPPING_START};
    struct value value;
    int err;

    if (depth > LIMIT_VALUE_DEPTH && is_container(event))
        return refuse_depth(reader);
    switch (event->type) {
    case FYET_SCALAR:
        err = scalar_read(reader, event, &value);
        break;
    case FYET_ALIAS:
        err = alias_read(reader, event, depth, &value, &at);
        break;
    case FYET_SEQUENCE_START:
        err = charge(reader, 1, 0);
        if (err == 0)
            err = list_read(reader, event, depth, &children);
        break;
    case FYET_MAPPING_START:
        err = charge(reader, 1, 0);
        if (err == 0)
            err = map_read(reader, event, depth, &children);
        break;
    default:
        return refuse(reader, ERR_MALFORMED, "a value is missing");
    }
    if (err < 0)
        return err;
    if (is_container(event)) {
        value = children_value(&children);
        at.children = children.places;
    }
    if (event->type != FYET_ALIAS)
        anchor_note(reader, event, &value, &at);
    *out = value;
    *place = at;
    return 0;
}

/* Pass one event that has to be there. */
static int event_expect(struct reader *reader, enum fy_event_type type, const char *otherwise)
{
    struct fy_event *event;
    bool found;
    int err = event_next(reader, &event);

    if (err < 0)
        return err;
    found = event->type == type;
    fy_parser_event_free(reader->parser, event);
    return found ? 0 : refuse(reader, ERR_MALFORMED, "%s", otherwise);
}

static int document_read(struct reader *reader, struct value *out, struct yaml_place *place)
{
    struct yaml_place at;
    struct fy_event *event;
    struct value value;
    int err = event_expect(reader, FYET_STREAM_START, "this is no YAML");

    if (err == 0)
        err = event_expect(reader, FYET_DOCUMENT_START, "there is nothing in it");
    if (err == 0)
        err = event_next(reader, &event);
    if (err < 0)
        return err;
    err = node_read(reader, event, 1, &value, &at);
    fy_parser_event_free(reader->parser, event);
    if (err == 0)
        err = event_expect(reader, FYET_DOCUMENT_END, "something follows the document");
    if (err == 0)
        err = event_expect(reader, FYET_STREAM_END, "there is a second document in it");
    if (err < 0)
        return err;
    *out = value;
    *place = at;
    return 0;
}

static int parser_open(struct reader *reader, struct span text)
{
    const struct fy_diag_cfg diag_cfg = {.level = FYET_ERROR, .module_mask = UINT32_MAX};
    struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_JSON_NONE | FYPCF_DEFAULT_VERSION_1_2 |
                                        FYPCF_SLOPPY_FLOW_INDENTATION};

    reader->diag = fy_diag_create(&diag_cfg);
    if (reader->diag == NULL)
        return refuse(reader, ERR_MALFORMED, "the YAML reader does not start");
    fy_diag_set_collect_errors(reader->diag, true);
    cfg.diag = reader->diag;
    reader->parser = fy_parser_create(&cfg);
    if (reader->parser == NULL || fy_parser_set_string(reader->parser, text.data, text.size) < 0)
        return refuse(reader, ERR_MALFORMED, "the YAML reader does not start");
    return 0;
}

int yaml_read(struct span text, struct arena *arena, struct value *out, struct yaml_place *place,
              struct yaml_error *error)
{
    struct reader reader = {
        .arena = arena, .anchors = table_new(), .line = 1, .column = 1, .error = error};
    int err = yaml_check_bytes(text, error);

    if (err == 0)
        err = parser_open(&reader, text);
    if (err == 0)
        err = document_read(&reader, out, place);
    if (reader.diag != NULL)
        fy_diag_reset_error(reader.diag); /* it does not free what it collected by itself */
    fy_parser_destroy(reader.parser);
    fy_diag_unref(reader.diag);
    table_free(reader.anchors);
    return err;
}
