/* curve_formula.c - curves that are reckoned, by muParser. */
#include <math.h>
#include <muParserDLL.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/curves_inside.h"
#include "common/err.h"
#include "common/limits.h"
#include "common/normal.h"
#include "common/space.h"
#include "common/xalloc.h"

#define KEYS_MOST 256u

/* Of draws. */
#define STREAM_LUCK  3u
#define STREAM_NOISE 4u

struct formula {
    const char *name;
    const char *text;        /* behind the = */
    muParserHandle_t parser; /* owned */
};

struct formula_curves {
    struct curves face;
    struct arena arena;
    struct formula *formulas; /* in the arena */
    uint32_t count;
    const struct formula *timer; /* the one that says how long a step takes; NULL */
    struct curve_key *keys;      /* in the arena; the numbers of a configuration */
    uint32_t key_count;

    /* What formulas see of the step that is reckoned. */
    double iteration;
    double luck;
    double noise;
    double *numbers; /* in the arena; by key */

    double *given; /* owned; by trial, then by key */
    uint32_t given_room;
    uint64_t seed;
};

static struct formula_curves *of(struct curves *curves)
{
    return (struct formula_curves *)(void *)curves;
}

static void formula_destroy(struct curves *curves)
{
    struct formula_curves *self = of(curves);

    for (uint32_t i = 0; i < self->count; i++)
        if (self->formulas[i].parser != NULL)
            mupRelease(self->formulas[i].parser);
    free(self->given);
    arena_fini(&self->arena);
    free(self);
}

static void formula_begin(struct curves *curves, uint64_t seed)
{
    of(curves)->seed = seed;
}

static void formula_give(struct curves *curves, uint32_t trial, const struct value *config)
{
    struct formula_curves *self = of(curves);

    if (trial >= self->given_room) {
        self->given_room = trial * 2 + 64;
        self->given =
            xrealloc(self->given, (size_t)self->given_room * (self->key_count + 1), sizeof(double));
    }
    for (uint32_t i = 0; i < self->key_count; i++) {
        const struct value *value = curve_key_value(config, self->keys[i].name);
        double number = (double)NAN;

        if (value != NULL && value_is_number(value))
            number = value_number(value);
        else if (value != NULL && value->type == VALUE_BOOL)
            number = value->boolean;
        self->given[(size_t)trial * self->key_count + i] = number;
    }
}

static double draw_normal(uint64_t seed, uint32_t trial, int64_t iteration)
{
    uint64_t stream = (uint64_t)STREAM_NOISE << 32 | trial;

    return normal_of_two(rng_unit(seed, stream, (uint64_t)iteration * 2),
                         rng_unit(seed, stream, (uint64_t)iteration * 2 + 1));
}

static void set_variables(struct formula_curves *self, uint32_t trial, int64_t past)
{
    self->iteration = (double)(past + 1);
    self->luck = rng_unit(self->seed, STREAM_LUCK, trial);
    self->noise = draw_normal(self->seed, trial, past + 1);
    for (uint32_t i = 0; i < self->key_count; i++)
        self->numbers[i] = self->given[(size_t)trial * self->key_count + i];
}

static bool formula_seconds(struct curves *curves, uint32_t trial, int64_t past, double *out)
{
    struct formula_curves *self = of(curves);
    double number;

    *out = 1;
    if (self->timer == NULL)
        return true;
    set_variables(self, trial, past);
    number = mupEval(self->timer->parser);
    *out = number > 0 && isfinite(number) ? number : 0;
    return true;
}

static void formula_step(struct curves *curves, uint32_t trial, int64_t past, struct arena *arena,
                         struct curve_step *out)
{
    struct formula_curves *self = of(curves);
    struct value_builder map;

    set_variables(self, trial, past);
    value_builder_map(&map, arena);
    for (uint32_t i = 0; i < self->count; i++)
        if (&self->formulas[i] != self->timer)
            value_builder_append(&map, self->formulas[i].name,
                                 value_double(mupEval(self->formulas[i].parser)));
    value_builder_append(&map, "training_iteration", value_int(past + 1));
    out->metrics = value_builder_done(&map);
    out->last = false;
}

static int64_t formula_longest(const struct curves *curves)
{
    (void)curves;
    return 0;
}

static void formula_describe(const struct curves *curves, struct buf *out)
{
    const struct formula_curves *self = (const struct formula_curves *)(const void *)curves;

    for (uint32_t i = 0; i < self->count; i++)
        buf_printf(out, "%s%s = %s", i > 0 ? ", " : "", self->formulas[i].name,
                   self->formulas[i].text);
}

static const struct curves_ops formula_ops = {
    .begin = formula_begin,
    .give = formula_give,
    .seconds = formula_seconds,
    .step = formula_step,
    .describe = formula_describe,
    .destroy = formula_destroy,
    .longest = formula_longest,
};

/* ---- reading them ---- */

/* model/size as model_size, as formulas have no other letters. */
static const char *variable_name(const char *key, struct arena *arena)
{
    char *name = arena_strdup(arena, key);

    for (char *at = name; *at != '\0'; at++)
        if (!((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
              (*at >= '0' && *at <= '9')))
            *at = '_';
    return name;
}

static bool is_text(const struct value *marker)
{
    struct space_error error;
    struct domain domain;

    if (domain_parse(marker, &domain, &error) != 1)
        return marker->type == VALUE_TEXT;
    for (uint32_t i = 0; domain.choices != NULL && i < domain.choices->count; i++)
        if (domain.choices->items[i].type == VALUE_TEXT)
            return true;
    return false;
}

/* A name that is one of muParser's own stays muParser's. */
static void define_keys(struct formula_curves *self, muParserHandle_t parser)
{
    for (uint32_t i = 0; i < self->key_count; i++) {
        mupDefineVar(parser, variable_name(self->keys[i].name, &self->arena), &self->numbers[i]);
        mupErrorReset(parser);
    }
}

/* The first key that a formula names and that is no number; NULL. */
static const char *find_text(struct formula_curves *self, muParserHandle_t parser)
{
    int used = mupGetExprVarNum(parser);

    for (int i = 0; i < used; i++) {
        const char *name;
        double *variable;

        mupGetExprVar(parser, (unsigned)i, &name, &variable);
        if (variable >= self->numbers && variable < self->numbers + self->key_count &&
            is_text(self->keys[variable - self->numbers].marker))
            return self->keys[variable - self->numbers].name;
    }
    return NULL;
}

/* Errors are asked for, not told. */
static void hear_nothing(muParserHandle_t parser)
{
    (void)parser;
}

static int refuse(struct trouble *trouble, const char *text, muParserHandle_t parser)
{
    char why[256];

    (void)snprintf(why, sizeof(why), "%s", mupGetErrorMsg(parser));
    return trouble_set(trouble, ERR_MALFORMED, text,
                       "numbers of the configuration, training_iteration, luck, noise; + - * / ^, "
                       "exp, ln, sqrt, min, max, c ? a : b",
                       "%s", why);
}

static int read_formula(struct formula_curves *self, const char *text, struct trouble *trouble)
{
    const char *equals = strchr(text, '=');
    struct formula *formula = &self->formulas[self->count];
    const char *word;

    if (equals == NULL || equals == text || equals[1] == '\0')
        return trouble_set(trouble, ERR_MALFORMED, text,
                           "write it as loss=exp(-training_iteration)",
                           "it is not NAME=EXPRESSION");
    formula->name = arena_text(&self->arena, span_of(text, (size_t)(equals - text)));
    for (uint32_t i = 0; i < self->count; i++)
        if (strcmp(self->formulas[i].name, formula->name) == 0)
            return trouble_set(trouble, ERR_MALFORMED, text, "give each metric one formula",
                               "%s has a formula already", formula->name);
    formula->text = arena_strdup(&self->arena, equals + 1);
    if (strcmp(formula->name, "time_this_iter_s") == 0)
        self->timer = formula;
    formula->parser = mupCreate(muBASETYPE_FLOAT);
    self->count++;
    mupSetErrorHandler(formula->parser, hear_nothing);
    mupDefineVar(formula->parser, "training_iteration", &self->iteration);
    mupDefineVar(formula->parser, "luck", &self->luck);
    mupDefineVar(formula->parser, "noise", &self->noise);
    define_keys(self, formula->parser);
    mupSetExpr(formula->parser, formula->text);
    (void)mupEval(formula->parser);
    if (mupError(formula->parser))
        return refuse(trouble, text, formula->parser);
    word = find_text(self, formula->parser);
    if (word != NULL)
        return trouble_set(trouble, ERR_MALFORMED, text, "put what was measured into a --table",
                           "%s is a text, and formulas have numbers alone", word);
    return 0;
}

struct curves *curves_of_formulas(const char *const *texts, uint32_t count,
                                  const struct value *space, struct trouble *trouble)
{
    struct formula_curves *self = xcalloc(1, sizeof(*self));
    int err = 0;

    self->face.ops = &formula_ops;
    self->formulas = arena_zalloc(&self->arena, (count + 1) * sizeof(*self->formulas));
    self->keys = arena_zalloc(&self->arena, KEYS_MOST * sizeof(*self->keys));
    self->numbers = arena_zalloc(&self->arena, KEYS_MOST * sizeof(*self->numbers));
    self->key_count = curve_keys(space, &self->arena, self->keys, KEYS_MOST);
    if (count > LIMIT_FORMULAS)
        err = trouble_set(trouble, ERR_TOO_BIG, "--formula", "leave some out",
                          "there are %u, and at most %u can be", count, LIMIT_FORMULAS);
    for (uint32_t i = 0; i < count && err == 0; i++)
        err = read_formula(self, texts[i], trouble);
    if (err == 0)
        return &self->face;
    formula_destroy(&self->face);
    return NULL;
}
