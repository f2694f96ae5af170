#include "client/preview_words.h"

#include <math.h>
#include <string.h>

#include "head/core/event.h"

#define WHOLE_MOST     1e15
#define BRACKETS_SHOWN 10u

static struct words whole(double number)
{
    struct words words = {""};
    char digits[NUMBER_BYTES];
    size_t count = number_uint((uint64_t)fabs(number), digits);
    size_t at = 0;

    if (number < 0)
        words.text[at++] = '-';
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0)
            words.text[at++] = ',';
        words.text[at++] = digits[i];
    }
    return words;
}

static struct words print(double number, size_t (*other)(double, char *))
{
    struct words words = {""};

    if (number == floor(number) && fabs(number) < WHOLE_MOST)
        return whole(number);
    words.text[other(number, words.text)] = '\0';
    return words;
}

struct words words_amount(double number)
{
    return print(number, number_tag);
}

struct words words_exact(double number)
{
    return print(number, number_repr);
}

/* Of what is only expected: two digits say enough. */
static struct words words_about(double number)
{
    if (number >= 10)
        return words_amount(isinf(number) ? number : floor(number + 0.5));
    return words_amount(floor(number * 10 + 0.5) / 10);
}

/* Trials at a rung. Less than half of one is no promise that there will be none. */
static struct words words_trials(double number)
{
    if (isinf(number))
        return (struct words){"some"};
    return number < 0.5 ? (struct words){"few"} : words_about(number);
}

static const char *unit_text(const struct forecast *forecast)
{
    return strcmp(forecast->unit, "training_iteration") == 0 ? "iterations" : forecast->unit;
}

void words_cost(const struct forecast *forecast, uint32_t total, struct buf *out)
{
    bool known = isfinite(forecast->expected);
    bool exact = known && forecast->expected == forecast->worst;

    buf_append_text(out, "Cost:      ");
    if (isinf(forecast->cap)) {
        buf_printf(out, "unbounded: no stop rule on %s (--stop %s=100)\n", forecast->unit,
                   forecast->unit);
        return;
    }
    if (isinf(forecast->worst) || total == NUMBER_NONE) {
        buf_printf(out,
                   "unbounded: each trial ends at %s %s, but how many there are is not known\n",
                   forecast->unit, words_amount(forecast->cap).text);
        return;
    }
    if (exact)
        buf_printf(out, "%s %s in all", words_amount(forecast->worst).text, unit_text(forecast));
    else if (known)
        buf_printf(out, "about %s %s in all, at worst %s (%s trials to %s)",
                   words_about(forecast->expected).text, unit_text(forecast),
                   words_amount(forecast->worst).text, words_amount(total).text,
                   words_amount(forecast->cap).text);
    else
        buf_printf(out, "at worst %s %s in all (%s trials to %s)",
                   words_amount(forecast->worst).text, unit_text(forecast),
                   words_amount(total).text, words_amount(forecast->cap).text);
    if (isfinite(forecast->worst_anew) && forecast->worst_anew > forecast->worst)
        buf_printf(out, "; at worst %s if trials keep no checkpoints",
                   words_amount(forecast->worst_anew).text);
    buf_append_char(out, '\n');
}

static void put_rungs(const struct forecast_bracket *bracket, struct buf *out)
{
    /* From here on the numbers are only expected. HyperBand's are not. */
    uint32_t first = isnan(bracket->chance) ? bracket->rung_count : bracket->chance < 1 ? 0 : 1;

    for (uint32_t i = 0; i < bracket->rung_count; i++) {
        const struct forecast_rung *rung = &bracket->rungs[i];

        buf_printf(out, "%s%s%s%s to %s", i > 0 ? ", " : "", i == first ? "about " : "",
                   words_trials(rung->trials).text, i > 0 ? "" : " trials",
                   words_amount(rung->at).text);
    }
    buf_append_char(out, '\n');
}

/* How many rounds, brackets and places of a bracket so many trials take. */
static void put_rounds(const struct forecast *forecast, uint32_t total, struct buf *out)
{
    double rounds = floor(total / forecast->round_trials);
    double rest = total - rounds * forecast->round_trials;
    uint32_t filled = 0;
    bool more = rounds > 0;

    buf_printf(out, "           %s trials fill a round of these; the %s here fill ",
               words_amount(forecast->round_trials).text, words_amount(total).text);
    if (rounds > 0)
        buf_printf(out, "%s round%s", words_amount(rounds).text, rounds == 1 ? "" : "s");
    while (rest >= forecast->brackets[filled].rungs[0].trials)
        rest -= forecast->brackets[filled++].rungs[0].trials;
    if (filled > 0)
        buf_printf(out, "%s%u bracket%s", more ? rest > 0 ? ", " : " and " : "", filled,
                   filled == 1 ? "" : "s");
    more = more || filled > 0;
    if (rest > 0)
        buf_printf(out, "%s%s of the %s one's %s", more ? " and " : "", words_amount(rest).text,
                   more ? "next" : "first",
                   words_amount(forecast->brackets[filled].rungs[0].trials).text);
    buf_append_char(out, '\n');
}

void words_brackets(const struct forecast *forecast, uint32_t total, struct buf *out)
{
    bool several = forecast->bracket_count > 1;

    for (uint32_t i = 0; i < forecast->bracket_count && i < BRACKETS_SHOWN; i++) {
        const struct forecast_bracket *bracket = &forecast->brackets[i];

        buf_append_text(out, i > 0 ? "           " : several ? "Brackets:  " : "Rungs:     ");
        if (several && !isnan(bracket->chance))
            buf_printf(out, "%2.0f%% chance: ", bracket->chance * 100);
        put_rungs(bracket, out);
    }
    if (forecast->bracket_count > BRACKETS_SHOWN)
        buf_printf(out, "           and %u more (--json has them)\n",
                   forecast->bracket_count - BRACKETS_SHOWN);
    if (forecast->round_trials > 0 && total > 0 && total != NUMBER_NONE)
        put_rounds(forecast, total, out);
}
