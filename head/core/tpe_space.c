#include "head/core/tpe_space.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "common/table.h"
#include "common/xalloc.h"
#include "head/core/event.h"

/* The walk that lists dimensions: where it is in the tree. */
struct place {
    uint32_t parent;
    uint32_t branch;
};

static uint32_t list_value(struct tpe_space *space, const struct value *value, struct place place);

static uint32_t list_items(struct tpe_space *space, const struct value *value, struct place place)
{
    uint32_t together = 0;

    if (value->type == VALUE_LIST)
        for (uint32_t i = 0; i < value->count; i++)
            together += list_value(space, &value->items[i], place);
    else if (value->type == VALUE_MAP)
        for (uint32_t i = 0; i < value->count; i++)
            together += list_value(space, &value->members[i].value, place);
    return together;
}

static void read_scale(struct tpe_dimension *dimension)
{
    struct tpe_scale *scale = &dimension->scale;
    double count;

    *scale = tpe_scale_of(&dimension->domain);
    dimension->prior = tpe_bell_prior(scale);
    count = tpe_scale_count(scale);
    dimension->few = count > 0 && count <= TPE_FEW;
    if (!dimension->few)
        return;
    dimension->priors = xcalloc((size_t)count, sizeof(*dimension->priors));
    for (uint32_t i = 0; i < count; i++) {
        struct tpe_spot spot = tpe_spot_of(scale, tpe_scale_nth(scale, i));

        dimension->priors[i] = tpe_bell_log(&dimension->prior, &spot);
    }
}

/* Returns how many a configuration has of what is listed, at the most. */
static uint32_t list_domain(struct tpe_space *space, const struct domain *domain,
                            struct place place)
{
    uint32_t index = space->count++;
    struct tpe_dimension *dimension = &space->dimensions[index];
    uint32_t most = 0, below;

    *dimension = (struct tpe_dimension){
        .kind = TPE_NUMBER, .parent = place.parent, .branch = place.branch, .domain = *domain};
    (void)table_put_u64(space->by_marker, (uintptr_t)domain->marker, dimension);
    if (domain->choices == NULL) {
        read_scale(dimension);
        if (!(dimension->scale.step > 0))
            space->finite = false;
        return tpe_scale_count(&dimension->scale) != 1;
    }
    dimension->kind = domain->kind == DOMAIN_GRID ? TPE_GRID : TPE_CHOICE;
    dimension->count = domain->choices->count;
    dimension->prior_other = -log(dimension->count);
    for (uint32_t i = 0; i < domain->choices->count; i++) {
        below = list_value(space, &domain->choices->items[i], (struct place){index, i});
        most = below > most ? below : most;
    }
    return most + (dimension->kind == TPE_CHOICE && dimension->count > 1);
}

static uint32_t list_value(struct tpe_space *space, const struct value *value, struct place place)
{
    struct space_error error;
    struct domain domain;

    if (domain_parse(value, &domain, &error) == 1)
        return list_domain(space, &domain, place);
    return list_items(space, value, place);
}

void tpe_space_init(struct tpe_space *space, const struct value *config)
{
    *space = (struct tpe_space){.config = config, .finite = true, .by_marker = table_new()};
    space->dimensions = xcalloc(space_domains(config) + (size_t)1, sizeof(*space->dimensions));
    space->together = list_value(space, config, (struct place){.parent = NUMBER_NONE});
}

void tpe_space_fini(struct tpe_space *space)
{
    for (uint32_t i = 0; i < space->count; i++)
        free(space->dimensions[i].priors);
    free(space->dimensions);
    table_free(space->by_marker);
}

uint32_t tpe_space_find(const struct tpe_space *space, const struct domain *domain)
{
    const struct tpe_dimension *dimension =
        table_get_u64(space->by_marker, (uintptr_t)domain->marker);

    assert(dimension != NULL); /* the domain is one of the space */
    return (uint32_t)(dimension - space->dimensions);
}

static bool is_within(const struct domain *domain, const struct value *value)
{
    double number;

    if (!value_is_number(value) || !isfinite(value_number(value)))
        return false;
    number = value_number(value);
    return domain->kind == DOMAIN_RANDN ||
           (number >= domain->low - domain->q && number <= domain->high + domain->q);
}

/* Whether a value could have come out of this part of the space. */
static bool fits(const struct value *space, const struct value *value)
{
    struct space_error error;
    struct domain domain;

    if (domain_parse(space, &domain, &error) == 1) {
        if (domain.choices == NULL)
            return is_within(&domain, value);
        for (uint32_t i = 0; i < domain.choices->count; i++)
            if (fits(&domain.choices->items[i], value))
                return true;
        return false;
    }
    if (space->type != value->type || space->count != value->count ||
        (space->type != VALUE_LIST && space->type != VALUE_MAP))
        return value_equal(space, value);
    for (uint32_t i = 0; i < space->count; i++) {
        const struct value *part =
            space->type == VALUE_LIST ? &value->items[i] : value_get(value, space->members[i].key);

        if (part == NULL ||
            !fits(space->type == VALUE_LIST ? &space->items[i] : &space->members[i].value, part))
            return false;
    }
    return true;
}

static void read_value(const struct tpe_space *space, const struct value *from,
                       const struct value *value, double *row);

static void read_domain(const struct tpe_space *space, const struct domain *domain,
                        const struct value *value, double *row)
{
    uint32_t index = tpe_space_find(space, domain);

    if (domain->choices == NULL) {
        if (value_is_number(value) && isfinite(value_number(value)))
            row[index] = value_number(value);
        return;
    }
    for (uint32_t i = 0; i < domain->choices->count; i++)
        if (fits(&domain->choices->items[i], value)) {
            row[index] = i;
            read_value(space, &domain->choices->items[i], value, row);
            return;
        }
}

static void read_value(const struct tpe_space *space, const struct value *from,
                       const struct value *value, double *row)
{
    struct space_error error;
    struct domain domain;

    if (domain_parse(from, &domain, &error) == 1) {
        read_domain(space, &domain, value, row);
        return;
    }
    if (from->type != value->type)
        return;
    if (from->type == VALUE_LIST) {
        for (uint32_t i = 0; i < from->count && i < value->count; i++)
            read_value(space, &from->items[i], &value->items[i], row);
    } else if (from->type == VALUE_MAP) {
        for (uint32_t i = 0; i < from->count; i++) {
            const struct value *part = value_get(value, from->members[i].key);

            if (part != NULL)
                read_value(space, &from->members[i].value, part, row);
        }
    }
}

void tpe_space_read(const struct tpe_space *space, const struct value *config, double *row)
{
    for (uint32_t i = 0; i < space->count; i++)
        row[i] = NAN;
    read_value(space, space->config, config, row);
}

struct value tpe_space_value(const struct tpe_space *space, const double *row, uint32_t i)
{
    const struct tpe_dimension *dimension = &space->dimensions[i];

    switch (dimension->domain.kind) {
    case DOMAIN_GRID:
    case DOMAIN_CHOICE:
        return dimension->domain.choices->items[(uint32_t)row[i]];
    case DOMAIN_RANDINT:
    case DOMAIN_LOGRANDINT:
    case DOMAIN_QRANDINT:
        return value_int((int64_t)row[i]);
    default:
        return value_double(row[i]);
    }
}
