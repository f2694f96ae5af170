/* space_given.c - configurations in part: whether one fits a space, and what it leaves. */
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/json.h"
#include "common/space_inside.h"
#include "common/spec.h"

/* A walk over a space and what is said about it, side by side. */
struct check {
    struct space_error *error; /* NULL: nobody asks why; its path is where the walk is */
    size_t size;               /* of the path */
};

static int check_value(struct check *check, const struct value *space, const struct value *given);

static int refuse(struct check *check, const char *what, const char *mend)
{
    if (check->error != NULL) {
        (void)snprintf(check->error->what, sizeof(check->error->what), "%s", what);
        (void)snprintf(check->error->mend, sizeof(check->error->mend), "%s", mend);
    }
    return ERR_MALFORMED;
}

/* The path is left standing on the culprit where a step fails. */
static int check_step(struct check *check, const char *key, uint32_t index,
                      const struct value *space, const struct value *given)
{
    size_t size = check->size;
    int err;

    if (check->error != NULL) {
        char *end = check->error->path + size;
        size_t room = sizeof(check->error->path) - size;
        int written =
            key != NULL ? snprintf(end, room, ".%s", key) : snprintf(end, room, ".%u", index);

        if (written > 0)
            check->size += (size_t)written < room ? (size_t)written : room - 1;
    }
    if (space == NULL)
        return ERR_NOT_FOUND;
    err = check_value(check, space, given);
    if (err == 0 && check->error != NULL)
        check->error->path[size] = '\0';
    check->size = err == 0 ? size : check->size;
    return err;
}

static int refuse_key(struct check *check, const struct value *map, const char *key)
{
    const char *nearest = NULL;
    struct arena arena = {0};
    const char **names;
    char what[256], mend[256] = "";

    if (check->error == NULL)
        return ERR_MALFORMED;
    names = arena_alloc(&arena, map->count * sizeof(*names));
    for (uint32_t i = 0; i < map->count; i++)
        names[i] = map->members[i].key;
    nearest = spec_nearest(key, names, map->count);
    (void)snprintf(what, sizeof(what), "config has no key '%s' there", key);
    if (nearest != NULL)
        (void)snprintf(mend, sizeof(mend), "did you mean %s?", nearest);
    arena_fini(&arena);
    return refuse(check, what, mend);
}

const struct value *space_member(const struct value *map, const char *key, uint32_t *from)
{
    for (uint32_t i = 0; i < map->count; i++) {
        uint32_t at = (*from + i) % map->count;

        if (strcmp(map->members[at].key, key) == 0) {
            *from = at + 1;
            return &map->members[at].value;
        }
    }
    return NULL;
}

static int check_map(struct check *check, const struct value *space, const struct value *given)
{
    uint32_t from = 0;

    if (given->type != VALUE_MAP)
        return refuse(check, "must be a map, as it is in config", "");
    for (uint32_t i = 0; i < given->count; i++) {
        const struct member *member = &given->members[i];
        const struct value *part = space_member(space, member->key, &from);
        int err = check_step(check, member->key, 0, part, &member->value);

        if (part == NULL)
            return refuse_key(check, space, member->key);
        if (err < 0)
            return err;
    }
    return 0;
}

static int check_list(struct check *check, const struct value *space, const struct value *given)
{
    char what[256];

    if (given->type != VALUE_LIST || given->count != space->count) {
        (void)snprintf(what, sizeof(what), "must be a list of %u, as it is in config",
                       space->count);
        return refuse(check, what, "");
    }
    for (uint32_t i = 0; i < given->count; i++) {
        int err = check_step(check, NULL, i, &space->items[i], &given->items[i]);

        if (err < 0)
            return err;
    }
    return 0;
}

static int check_choice(struct check *check, const struct domain *domain, const struct value *given)
{
    struct given_choices of = given_choices(domain->choices, given);
    struct buf mend = {0};
    char what[256];

    for (uint32_t i = 0; i < domain->choices->count; i++)
        if (given_allows(&of, i))
            return 0;
    if (check->error == NULL)
        return ERR_MALFORMED;
    (void)snprintf(what, sizeof(what), "is none of the values of its %s", domain->marker->key);
    buf_append_text(&mend, "one of: ");
    for (uint32_t i = 0; i < domain->choices->count && mend.size < 256; i++) {
        buf_append_text(&mend, i > 0 ? ", " : "");
        json_write(&domain->choices->items[i], JSON_LINE, &mend);
    }
    (void)refuse(check, what, buf_text(&mend));
    buf_fini(&mend);
    return ERR_MALFORMED;
}

/* Whole numbers and others are the same where their values are: JSON and people write 1 for 1.0. */
static bool same(const struct value *a, const struct value *b)
{
    if (value_is_number(a) && value_is_number(b) && a->type != b->type)
        return value_number(a) == value_number(b);
    if (a->type != b->type || (a->type != VALUE_LIST && a->type != VALUE_MAP))
        return value_equal(a, b);
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0, from = 0; i < a->count; i++) {
        const struct value *one = a->type == VALUE_LIST ? &a->items[i] : &a->members[i].value;
        const struct value *other =
            a->type == VALUE_LIST ? &b->items[i] : space_member(b, a->members[i].key, &from);

        if (other == NULL || !same(one, other))
            return false;
    }
    return true;
}

static int check_constant(struct check *check, const struct value *space, const struct value *given)
{
    struct buf text = {0};
    char what[256];

    if (same(space, given))
        return 0;
    if (check->error == NULL)
        return ERR_MALFORMED;
    json_write(space, JSON_LINE, &text);
    (void)snprintf(what, sizeof(what), "is not what config says: %s", buf_text(&text));
    buf_fini(&text);
    return refuse(check, what, "leave it out, or make it something to choose in config");
}

static int check_value(struct check *check, const struct value *space, const struct value *given)
{
    struct space_error ignored;
    struct domain domain;
    struct value value;

    if (domain_parse(space, &domain, &ignored) == 1)
        return domain.choices != NULL ? check_choice(check, &domain, given)
                                      : domain_take(&domain, given, &value, check->error);
    if (space->type == VALUE_MAP)
        return check_map(check, space, given);
    return space->type == VALUE_LIST ? check_list(check, space, given)
                                     : check_constant(check, space, given);
}

int space_check_given(const struct value *config, const struct value *given, const char *prefix,
                      struct space_error *error)
{
    struct check check = {.error = error};

    (void)snprintf(error->path, sizeof(error->path), "%s", prefix);
    check.size = strlen(error->path);
    return check_value(&check, config, given);
}

const struct value *given_part(const struct value *given, const char *key, uint32_t index)
{
    if (given == NULL)
        return NULL;
    if (key != NULL)
        return value_get(given, key);
    return given->type == VALUE_LIST && index < given->count ? &given->items[index] : NULL;
}

struct given_choices given_choices(const struct value *choices, const struct value *given)
{
    struct given_choices of = {choices, given, choices->count};

    for (uint32_t i = 0; given != NULL && i < choices->count && of.exact == choices->count; i++)
        if (same(&choices->items[i], given))
            of.exact = i;
    return of;
}

bool given_allows(const struct given_choices *of, uint32_t choice)
{
    struct check check = {0};

    if (of->given == NULL)
        return true;
    if (of->exact < of->choices->count)
        return choice == of->exact;
    return check_value(&check, &of->choices->items[choice], of->given) == 0;
}

struct value given_left(const struct value *choices, const struct value *given, struct arena *arena)
{
    struct given_choices of = given_choices(choices, given);
    struct value_builder list;

    value_builder_list(&list, arena);
    for (uint32_t i = 0; i < choices->count; i++)
        if (given_allows(&of, i))
            value_builder_add(&list, choices->items[i]);
    return value_builder_done(&list);
}
