/* domain.c - markers read and checked, drawn from and held against what is named. */
#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/normal.h"
#include "common/number.h"
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

static int refuse_named(struct space_error *error, const struct domain *domain, const char *format,
                        ...) __attribute__((format(printf, 3, 4)));

static int refuse_named(struct space_error *error, const struct domain *domain, const char *format,
                        ...)
{
    va_list args;
    size_t size;

    if (error == NULL)
        return ERR_MALFORMED;
    va_start(args, format);
    (void)vsnprintf(error->what, sizeof(error->what), format, args);
    va_end(args);
    size = strlen(error->what);
    (void)snprintf(error->what + size, sizeof(error->what) - size, ", as its %s says",
                   domain->marker->key);
    error->mend[0] = '\0';
    return ERR_MALFORMED;
}

static int take_whole(const struct domain *domain, const struct value *named, struct value *out,
                      struct space_error *error)
{
    double number = value_number(named);
    int64_t low = (int64_t)domain->low;
    int64_t high = (int64_t)domain->high - (domain->kind != DOMAIN_QRANDINT);

    if (floor(number) != number)
        return refuse_named(error, domain, "must be a whole number");
    if (number < (double)low || number > (double)high)
        return refuse_named(error, domain, "must be from %lld to %lld", (long long)low,
                            (long long)high);
    if (domain->kind == DOMAIN_QRANDINT && fmod(number, domain->q) != 0)
        return refuse_named(error, domain, "must be a multiple of %lld", (long long)domain->q);
    *out = value_int((int64_t)number);
    return 0;
}

/* What was drawn may be named again: three times 0.1 is above a bound of 0.3. */
static bool is_within(const struct domain *domain, double number)
{
    double steps;

    if (!(domain->q > 0))
        return number >= domain->low && number <= domain->high;
    steps = rint(number / domain->q);
    return steps >= multiple_first(domain) && steps <= multiple_last(domain);
}

int domain_take(const struct domain *domain, const struct value *named, struct value *out,
                struct space_error *error)
{
    char low[NUMBER_BYTES + 1], high[NUMBER_BYTES + 1], step[NUMBER_BYTES + 1];
    double number;

    if (!value_is_number(named))
        return refuse_named(error, domain, "must be a number, not %s",
                            value_type_name(named->type));
    number = value_number(named);
    if (!isfinite(number))
        return refuse_named(error, domain, "must be a finite number");
    if (is_whole(domain->kind))
        return take_whole(domain, named, out, error);
    low[number_repr(domain->low, low)] = '\0';
    high[number_repr(domain->high, high)] = '\0';
    step[number_repr(domain->q, step)] = '\0';
    if (domain->q > 0 && !is_multiple(domain, number))
        return refuse_named(error, domain, "must be a multiple of %s", step);
    if (domain->kind != DOMAIN_RANDN && !is_within(domain, number))
        return refuse_named(error, domain, "must be from %s to %s", low, high);
    *out = value_double(number);
    return 0;
}

/* In [low, high); a sum that was rounded up to high is one of the 2^53 that low stands for, too. */
static double at_between(double low, double high, double share)
{
    double number = low + (high - low) * share;

    return number < high ? number : low;
}

static double at_log(const struct domain *domain, double share)
{
    double number = exp(at_between(log(domain->low), log(domain->high), share));

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

/* Every draw takes two numbers. */
static double draw_normal(struct rng *rng)
{
    double one = rng_next_unit(rng);

    return normal_of_two(one, rng_next_unit(rng));
}

/* One of so many that are as likely. */
static uint64_t at_nth(double count, double share)
{
    double nth = floor(count * share);

    return (uint64_t)(nth < count ? nth : count - 1);
}

/* How many multiples of its step a domain has, counted from the first. */
static double multiple_count(const struct domain *domain)
{
    return multiple_last(domain) - multiple_first(domain) + 1;
}

static struct value multiple_nth(const struct domain *domain, uint64_t nth)
{
    return value_int(((int64_t)multiple_first(domain) + (int64_t)nth) * (int64_t)domain->q);
}

struct value domain_at(const struct domain *domain, double share)
{
    switch (domain->kind) {
    case DOMAIN_CHOICE:
        return domain->choices->items[at_nth(domain->choices->count, share)];
    case DOMAIN_UNIFORM:
        return value_double(at_between(domain->low, domain->high, share));
    case DOMAIN_LOGUNIFORM:
        return value_double(at_log(domain, share));
    case DOMAIN_QUNIFORM:
        return value_double(to_step(domain, at_between(domain->low, domain->high, share)));
    case DOMAIN_QLOGUNIFORM:
        return value_double(to_step(domain, at_log(domain, share)));
    case DOMAIN_RANDN:
        return value_double(domain->low + domain->high * normal_quantile(share));
    case DOMAIN_RANDINT:
        return value_int((int64_t)domain->low + (int64_t)at_nth(domain->high - domain->low, share));
    case DOMAIN_LOGRANDINT:
        return value_int((int64_t)floor(at_log(domain, share)));
    case DOMAIN_QRANDINT:
        return multiple_nth(domain, at_nth(multiple_count(domain), share));
    case DOMAIN_GRID:
        break;
    }
    assert(!"a grid has no quantiles");
    return value_null();
}

/* Whole numbers are drawn without the bias that a share of 53 bits has, and normal ones as they
 * always were: a seed goes on drawing the same. */
struct value domain_draw(const struct domain *domain, struct rng *rng, struct arena *arena)
{
    (void)arena;
    switch (domain->kind) {
    case DOMAIN_CHOICE:
        return domain->choices->items[rng_next_below(rng, domain->choices->count)];
    case DOMAIN_RANDN:
        return value_double(domain->low + domain->high * draw_normal(rng));
    case DOMAIN_RANDINT:
        return value_int((int64_t)domain->low +
                         (int64_t)rng_next_below(rng, (uint64_t)(domain->high - domain->low)));
    case DOMAIN_QRANDINT:
        return multiple_nth(domain, rng_next_below(rng, (uint64_t)multiple_count(domain)));
    default:
        return domain_at(domain, rng_next_unit(rng));
    }
}

static double clamp(double number, double low, double high)
{
    return number < low ? low : number > high ? high : number;
}

struct value domain_nearest(const struct domain *domain, double number, bool whole)
{
    switch (domain->kind) {
    case DOMAIN_RANDINT:
    case DOMAIN_LOGRANDINT:
        return value_int((int64_t)clamp(number, domain->low, domain->high - 1));
    case DOMAIN_QRANDINT:
        return value_int((int64_t)to_step(domain, clamp(number, domain->low, domain->high)));
    case DOMAIN_QUNIFORM:
    case DOMAIN_QLOGUNIFORM:
        return value_double(to_step(domain, clamp(number, domain->low, domain->high)));
    case DOMAIN_UNIFORM:
    case DOMAIN_LOGUNIFORM:
        number = clamp(number, domain->low, domain->high);
        break;
    case DOMAIN_RANDN:
    case DOMAIN_CHOICE:
    case DOMAIN_GRID:
        break;
    }
    if (whole && fabs(number) <= WHOLE_MOST)
        return value_int((int64_t)number);
    return value_double(number);
}
