#include "client/importance.h"

#include <math.h>
#include <stdlib.h>

#include "common/rng.h"
#include "common/xalloc.h"

#define AS_IT_IS UINT32_MAX

struct looker {
    const struct forest_table *table;
    struct forest *forest;
    uint32_t *unseen; /* rows that the tree at hand has not seen */
    uint32_t *shuffled;
    uint32_t count;
    double *sums;    /* a row: of its predictions out of bag */
    uint32_t *votes; /* a row */
};

static const double *row_at(const struct forest_table *table, uint32_t row)
{
    return table->x + (size_t)row * table->columns;
}

static double squared(double number)
{
    return number * number;
}

static void find_unseen(struct looker *looker, uint32_t tree)
{
    looker->count = 0;
    for (uint32_t row = 0; row < looker->table->rows; row++)
        if (!forest_saw(looker->forest, tree, row))
            looker->unseen[looker->count++] = row;
}

/* The mean squared error of the rows as they are; and their votes. */
static double plain_error(struct looker *looker, uint32_t tree)
{
    const struct forest_table *table = looker->table;
    double sum = 0;

    for (uint32_t i = 0; i < looker->count; i++) {
        uint32_t row = looker->unseen[i];
        double said = forest_predict(looker->forest, tree, row_at(table, row), AS_IT_IS, 0);

        looker->sums[row] += said;
        looker->votes[row]++;
        sum += squared(table->y[row] - said);
    }
    return sum / looker->count;
}

static double shuffled_error(struct looker *looker, uint32_t tree, uint32_t column, struct rng *rng)
{
    const struct forest_table *table = looker->table;
    double sum = 0;

    for (uint32_t i = 0; i < looker->count; i++) {
        uint32_t k = (uint32_t)rng_next_below(rng, i + 1);

        looker->shuffled[i] = looker->shuffled[k];
        looker->shuffled[k] = looker->unseen[i];
    }
    for (uint32_t i = 0; i < looker->count; i++) {
        uint32_t row = looker->unseen[i];
        double other = row_at(table, looker->shuffled[i])[column];

        sum += squared(table->y[row] -
                       forest_predict(looker->forest, tree, row_at(table, row), column, other));
    }
    return sum / looker->count;
}

static double explained_of(const struct looker *looker)
{
    const struct forest_table *table = looker->table;
    double mean = 0;
    double errors = 0;
    double variance = 0;

    for (uint32_t row = 0; row < table->rows; row++)
        mean += table->y[row];
    mean /= table->rows;
    for (uint32_t row = 0; row < table->rows; row++) {
        if (looker->votes[row] == 0)
            continue;
        errors += squared(table->y[row] - looker->sums[row] / looker->votes[row]);
        variance += squared(table->y[row] - mean);
    }
    return variance > 0 ? 1 - errors / variance : 0;
}

/* Means over the trees become shares of their sum. */
static void make_shares(struct importance *out, uint32_t columns, uint32_t trees)
{
    double all = 0;

    for (uint32_t i = 0; i < columns; i++) {
        double mean = out[i].share / trees;
        double spread = out[i].error / trees - squared(mean);

        out[i].error = spread > 0 ? sqrt(spread / trees) : 0;
        out[i].share = mean > 0 ? mean : 0;
        all += out[i].share;
    }
    for (uint32_t i = 0; i < columns; i++) {
        out[i].share = all > 0 ? out[i].share / all : 0;
        out[i].error = all > 0 ? out[i].error / all : 0;
    }
}

void importance_of(const struct forest_table *table, uint64_t seed, struct importance *out,
                   double *explained)
{
    struct looker looker = {.table = table,
                            .forest = forest_grow(table, IMPORTANCE_TREES, seed),
                            .unseen = xcalloc(table->rows, sizeof(uint32_t)),
                            .shuffled = xcalloc(table->rows, sizeof(uint32_t)),
                            .sums = xcalloc(table->rows, sizeof(double)),
                            .votes = xcalloc(table->rows, sizeof(uint32_t))};
    uint32_t used = 0;

    for (uint32_t i = 0; i < table->columns; i++)
        out[i] = (struct importance){0};
    for (uint32_t tree = 0; tree < IMPORTANCE_TREES; tree++) {
        /* The streams behind those of the forest's samples. */
        struct rng rng = {.seed = seed, .stream = (uint64_t)IMPORTANCE_TREES + tree};
        double plain;

        find_unseen(&looker, tree);
        if (looker.count == 0)
            continue;
        used++;
        plain = plain_error(&looker, tree);
        for (uint32_t i = 0; i < table->columns; i++) {
            double more = shuffled_error(&looker, tree, i, &rng) - plain;

            out[i].share += more;
            out[i].error += squared(more);
        }
    }
    if (used > 0)
        make_shares(out, table->columns, used);
    *explained = explained_of(&looker);
    forest_free(looker.forest);
    free(looker.unseen);
    free(looker.shuffled);
    free(looker.sums);
    free(looker.votes);
}
