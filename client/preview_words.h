/* preview_words.h - a forecast in words. */
#ifndef CLIENT_PREVIEW_WORDS_H
#define CLIENT_PREVIEW_WORDS_H

#include "common/buf.h"
#include "common/number.h"
#include "head/core/forecast.h"

struct words {
    char text[NUMBER_BYTES + 1];
};

/* "1,500,000", "0.25"; what is not whole to five digits. */
struct words words_amount(double number);

/* The same with all digits: for what a person gave. */
struct words words_exact(double number);

/* "Cost: ..." in one line; total: trials, NUMBER_NONE for not known. */
void words_cost(const struct forecast *forecast, uint32_t total, struct buf *out);

/* How many trials run how far, a line a bracket; nothing where no scheduler ends them early. */
void words_brackets(const struct forecast *forecast, uint32_t total, struct buf *out);

#endif
