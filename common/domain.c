/* domain.c - markers read and checked, and drawn from. The rest of space.h is in space.c. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/space.h"

/* Whole numbers up to here are exact in a double. */
#define WHOLE_MOST 9007199254740992.0

static const struct form {
    const char *name;
    enum domain_kind kind;
    uint32_t numbers; /* in its list; 0: any values */
    const char *example;
} forms[] = {
    {"grid_search", DOMAIN_GRID, 0, "{grid_search: [a, b]}"},
    {"choice", DOMAIN_CHOICE, 0, "{choice: [a, b]}"},
    {"uniform", DOMAIN_UNIFORM, 2, "{uniform: [0, 1]}"},
    {"loguniform", DOMAIN_LOGUNIFORM, 2, "{loguniform: [0.0001, 0.1]}"},
    {"quniform", DOMAIN_QUNIFORM, 3, "{quniform: [0, 1, 0.1]}"},
    {"qloguniform", DOMAIN_QLOGUNIFORM, 3, "{qloguniform: [0.001, 1, 0.001]}"},
    {"randn", DOMAIN_RANDN, 2, "{randn: [0, 1]}"},
    {"randint", DOMAIN_RANDINT, 2, "{randint: [0, 10]}"},
    {"lograndint", DOMAIN_LOGRANDINT, 2, "{lograndint: [1, 1000]}"},
    {"qrandint", DOMAIN_QRANDINT, 3, "{qrandint: [0, 100, 10]}"},
};

static const struct form *form_find(const struct value *value)
{
    if (value->type != VALUE_MAP || value->count != 1)
        return NULL;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (strcmp(forms[i].name, value->members[0].key) == 0)
            return &forms[i];
    return NULL;
}

bool domain_is_marker(const struct value *value)
{
    return form_find(value) != NULL;
}

static int refuse(struct space_error *error, const struct form *form, const char *what)
{
    (void)snprintf(error->what, sizeof(error->what), "%s %s", form->name, what);
    (void)snprintf(error->mend, sizeof(error->mend), "write it like %s", form->example);
    return ERR_MALFORMED;
}

static bool is_log(enum domain_kind kind)
{
    return kind == DOMAIN_LOGUNIFORM || kind == DOMAIN_QLOGUNIFORM || kind == DOMAIN_LOGRANDINT;
}

static bool is_whole(enum domain_kind kind)
{
    return kind == DOMAIN_RANDINT || kind == DOMAIN_LOGRANDINT || kind == DOMAIN_QRANDINT;
}

/* Up to three numbers, finite, whole where the form wants them so; NULL or what is wrong. */
static const char *numbers_read(const struct form *form, const struct value *list,
                                double numbers[3])
{
    for (uint32_t i = 0; i < form->numbers; i++) {
        if (!value_is_number(&list->items[i]))
            return "takes numbers only";
        numbers[i] = value_number(&list->items[i]);
        if (!isfinite(numbers[i]))
            return "takes finite numbers only";
        if (is_whole(form->kind) &&
            (floor(numbers[i]) != numbers[i] || fabs(numbers[i]) > WHOLE_MOST))
            return "takes whole numbers only, up to 2^53";
    }
    return NULL;
}

/* Whether a bound is a multiple of q: whole numbers exactly, others but for rounding, as 0.3 is one
 * of 0.1. */
static bool is_multiple(const struct domain *domain, double bound)
{
    double steps = bound / domain->q;

    if (is_whole(domain->kind))
        return fmod(bound, domain->q) == 0;
    return fabs(steps - rint(steps)) <= 1e-9 * (fabs(steps) > 1 ? fabs(steps) : 1);
}

/* The multiples of q inside the bounds, as counts of q. */
static double multiple_first(const struct domain *domain)
{
    double steps = domain->low / domain->q;

    return is_multiple(domain, domain->low) ? rint(steps) : ceil(steps);
}

static double multiple_last(const struct domain *domain)
{
    double steps = domain->high / domain->q;

    return is_multiple(domain, domain->high) ? rint(steps) : floor(steps);
}

bool domain_steps(const struct domain *domain, double *step, double *first, double *last)
{
    if (domain->kind == DOMAIN_RANDINT || domain->kind == DOMAIN_LOGRANDINT) {
        *step = 1;
        *first = domain->low;
        *last = domain->high - 1;
        return true;
    }
    if (!(domain->q > 0))
        return false;
    *step = domain->q;
    *first = multiple_first(domain);
    *last = multiple_last(domain);
    return true;
}

static const char *step_check(const struct domain *domain)
{
    if (!(domain->q > 0))
        return "needs a step above 0";
    if (fabs(domain->low / domain->q) > WHOLE_MOST || fabs(domain->high / domain->q) > WHOLE_MOST)
        return "has a step that is too fine for its bounds";
    if (multiple_first(domain) > multiple_last(domain))
        return "has no multiple of its step between its bounds";
    return NULL;
}

static const char *bounds_check(const struct form *form, const struct domain *domain)
{
    if (form->kind == DOMAIN_RANDN)
        return domain->high > 0 ? NULL : "needs a standard deviation above 0";
    if (!(domain->low < domain->high) &&
        !(form->kind == DOMAIN_QRANDINT && domain->low <= domain->high))
        return "needs a lower bound below the upper one";
    if (is_log(form->kind) && !(domain->low > 0))
        return "needs bounds above 0";
    if (!isfinite(domain->high - domain->low))
        return "has bounds too far apart";
    return form->numbers == 3 ? step_check(domain) : NULL;
}

static const char *domain_read(const struct form *form, const struct value *list,
                               struct domain *out)
{
    double numbers[3] = {0};
    const char *wrong;

    if (list->type != VALUE_LIST)
        return "takes a list";
    if (form->numbers == 0) {
        *out = (struct domain){.kind = form->kind, .choices = list};
        return list->count > 0 ? NULL : "needs at least one value";
    }
    if (list->count != form->numbers)
        return form->numbers == 2 ? "takes two numbers" : "takes three numbers";
    wrong = numbers_read(form, list, numbers);
    if (wrong != NULL)
        return wrong;
    *out =
        (struct domain){.kind = form->kind, .low = numbers[0], .high = numbers[1], .q = numbers[2]};
    return bounds_check(form, out);
}

int domain_parse(const struct value *value, struct domain *out, struct space_error *error)
{
    const struct form *form = form_find(value);
    struct domain domain;
    const char *wrong;

    if (form == NULL)
        return 0;
    wrong = domain_read(form, &value->members[0].value, &domain);
    if (wrong != NULL)
        return refuse(error, form, wrong);
    domain.marker = value->members;
    *out = domain;
    return 1;
}

/* In [low, high); a sum that was rounded up to high is one of the 2^53 that low stands for, too. */
static double draw_between(double low, double high, struct rng *rng)
{
    double number = low + (high - low) * rng_next_unit(rng);

    return number < high ? number : low;
}

static double draw_log(const struct domain *domain, struct rng *rng)
{
    double number = exp(draw_between(log(domain->low), log(domain->high), rng));

    if (number < domain->low || number >= domain->high)
        return domain->low;
    return number;
}

/* The nearest multiple that is inside the bounds. */
static double to_step(const struct domain *domain, double number)
{
    double first = multiple_first(domain);
    double last = multiple_last(domain);
    double steps = rint(number / domain->q);

    steps = steps < first ? first : steps > last ? last : steps;
    return steps * domain->q;
}

/* Box and Muller's; the other of the pair is not kept, so that every draw takes two numbers. */
static double draw_normal(struct rng *rng)
{
    double radius = sqrt(-2.0 * log(1.0 - rng_next_unit(rng)));

    return radius * cos(2.0 * M_PI * rng_next_unit(rng));
}

static int64_t draw_multiple(const struct domain *domain, struct rng *rng)
{
    double first = multiple_first(domain);
    double count = multiple_last(domain) - first + 1;

    return ((int64_t)first + (int64_t)rng_next_below(rng, (uint64_t)count)) * (int64_t)domain->q;
}

struct value domain_draw(const struct domain *domain, struct rng *rng, struct arena *arena)
{
    (void)arena;
    switch (domain->kind) {
    case DOMAIN_CHOICE:
        return domain->choices->items[rng_next_below(rng, domain->choices->count)];
    case DOMAIN_UNIFORM:
        return value_double(draw_between(domain->low, domain->high, rng));
    case DOMAIN_LOGUNIFORM:
        return value_double(draw_log(domain, rng));
    case DOMAIN_QUNIFORM:
        return value_double(to_step(domain, draw_between(domain->low, domain->high, rng)));
    case DOMAIN_QLOGUNIFORM:
        return value_double(to_step(domain, draw_log(domain, rng)));
    case DOMAIN_RANDN:
        return value_double(domain->low + domain->high * draw_normal(rng));
    case DOMAIN_RANDINT:
        return value_int((int64_t)domain->low +
                         (int64_t)rng_next_below(rng, (uint64_t)(domain->high - domain->low)));
    case DOMAIN_LOGRANDINT:
        return value_int((int64_t)floor(draw_log(domain, rng)));
    case DOMAIN_QRANDINT:
        return value_int(draw_multiple(domain, rng));
    case DOMAIN_GRID:
        break;
    }
    assert(!"a grid is not drawn from");
    return value_null();
}
