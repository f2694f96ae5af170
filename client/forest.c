#include "client/forest.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "common/rng.h"
#include "common/xalloc.h"

#define LEAST_LEAF 3u /* rows */
#define LEAF       UINT32_MAX

/* Where a value goes left: a number at most `limit`, a word in `set`, one that is absent by its bit
 * behind the words, or by absent_left. */
struct split {
    uint32_t column; /* LEAF: there is none */
    uint32_t words;  /* of the column; 0: numbers */
    bool absent_left;
    double limit;
    uint64_t set;
};

struct node {
    struct split split;
    uint32_t left;
    uint32_t right;
    double mean;
};

struct tree {
    struct node *nodes; /* owned; the first is the root */
    uint32_t count;
    uint32_t room;
};

struct forest {
    struct tree *trees; /* owned */
    uint32_t count;
    uint32_t rows;
    bool *saw; /* owned: a row of each tree */
};

/* A row as one column orders it. */
struct item {
    double key;
    double y;
    uint32_t row; /* makes the order, and so all sums, the same everywhere */
};

struct grower {
    const struct forest_table *table;
    struct tree *tree;
    uint32_t *rows;     /* of the sample, split in place */
    struct item *items; /* scratch */
};

struct choice {
    struct split split;
    double gain;
};

static double value_at(const struct forest_table *table, uint32_t row, uint32_t column)
{
    return table->x[(size_t)row * table->columns + column];
}

static uint32_t word_of(double value, uint32_t words)
{
    return isnan(value) ? words : (uint32_t)value;
}

static bool goes_left(const struct split *split, double value)
{
    if (split->words > 0)
        return (split->set >> word_of(value, split->words) & 1u) != 0;
    return isnan(value) ? split->absent_left : value <= split->limit;
}

static int compare_items(const void *a, const void *b)
{
    const struct item *left = a;
    const struct item *right = b;

    if (left->key != right->key)
        return left->key < right->key ? -1 : 1;
    return left->row < right->row ? -1 : left->row > right->row;
}

/* Each word's key is the mean of its rows. */
static void order_words(struct item *items, uint32_t count, const struct forest_table *table,
                        uint32_t column)
{
    double sums[FOREST_WORDS + 1] = {0};
    uint32_t counts[FOREST_WORDS + 1] = {0};
    uint32_t words = table->words[column];

    for (uint32_t i = 0; i < count; i++) {
        uint32_t word = word_of(value_at(table, items[i].row, column), words);

        sums[word] += items[i].y;
        counts[word]++;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t word = word_of(value_at(table, items[i].row, column), words);

        items[i].key = sums[word] / counts[word];
    }
}

/* The place of the ordered items where a split gains most: the first item on the right; 0: nowhere.
 * Squared errors fall by the sum of squared sums over counts. */
static uint32_t best_cut(const struct item *items, uint32_t count, double *gain)
{
    uint32_t best = 0;
    double all = 0;
    double left = 0;

    for (uint32_t i = 0; i < count; i++)
        all += items[i].y;
    for (uint32_t i = 1; i < count; i++) {
        double right;
        double here;

        left += items[i - 1].y;
        right = all - left;
        if (i < LEAST_LEAF || count - i < LEAST_LEAF || items[i].key == items[i - 1].key)
            continue;
        here = left * left / i + right * right / (count - i) - all * all / count;
        if (here > *gain) {
            *gain = here;
            best = i;
        }
    }
    return best;
}

static double between(double low, double high)
{
    double middle = low / 2 + high / 2;

    return middle >= low && middle < high ? middle : low;
}

/* Look at one column, with what is absent before (absent: -INFINITY) or behind all numbers. */
static void try_column(struct grower *grower, uint32_t column, uint32_t first, uint32_t count,
                       double absent, struct choice *best)
{
    const struct forest_table *table = grower->table;
    struct item *items = grower->items;
    uint32_t words = table->words[column];
    uint32_t cut;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = grower->rows[first + i];
        double value = value_at(table, row, column);

        items[i] = (struct item){isnan(value) ? absent : value, table->y[row], row};
    }
    if (words > 0)
        order_words(items, count, table, column);
    qsort(items, count, sizeof(*items), compare_items);
    cut = best_cut(items, count, &best->gain);
    if (cut == 0)
        return;
    best->split = (struct split){.column = column, .words = words, .absent_left = absent < 0};
    if (words == 0) {
        best->split.limit =
            isinf(items[cut].key) ? (double)INFINITY : between(items[cut - 1].key, items[cut].key);
        return;
    }
    for (uint32_t i = 0; i < cut; i++)
        best->split.set |= UINT64_C(1) << word_of(value_at(table, items[i].row, column), words);
}

static bool lacks_some(const struct grower *grower, uint32_t column, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (isnan(value_at(grower->table, grower->rows[first + i], column)))
            return true;
    return false;
}

/* Rows that go left to the front; returns how many. */
static uint32_t part(struct grower *grower, const struct split *split, uint32_t first,
                     uint32_t count)
{
    uint32_t left = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = grower->rows[first + i];

        if (!goes_left(split, value_at(grower->table, row, split->column)))
            continue;
        grower->rows[first + i] = grower->rows[first + left];
        grower->rows[first + left++] = row;
    }
    return left;
}

static uint32_t add_node(struct tree *tree)
{
    if (tree->count == tree->room) {
        tree->room = tree->room > 0 ? tree->room * 2 : 64;
        tree->nodes = xrealloc(tree->nodes, tree->room, sizeof(*tree->nodes));
    }
    tree->nodes[tree->count] = (struct node){.split.column = LEAF};
    return tree->count++;
}

/* The node of some rows and all below it; at most a third as deep as there are rows. */
static uint32_t grow(struct grower *grower, uint32_t first, uint32_t count)
{
    uint32_t at = add_node(grower->tree);
    struct choice best = {.split.column = LEAF, .gain = 1e-12};
    double sum = 0;
    uint32_t left;
    uint32_t child;

    for (uint32_t i = 0; i < count; i++)
        sum += grower->table->y[grower->rows[first + i]];
    grower->tree->nodes[at].mean = sum / count;
    for (uint32_t column = 0; column < grower->table->columns && count >= 2 * LEAST_LEAF;
         column++) {
        try_column(grower, column, first, count, (double)-INFINITY, &best);
        if (grower->table->words[column] == 0 && lacks_some(grower, column, first, count))
            try_column(grower, column, first, count, (double)INFINITY, &best);
    }
    if (best.split.column == LEAF)
        return at;
    left = part(grower, &best.split, first, count);
    assert(left > 0 && left < count);
    grower->tree->nodes[at].split = best.split;
    child = grow(grower, first, left); /* nodes may move */
    grower->tree->nodes[at].left = child;
    child = grow(grower, first + left, count - left);
    grower->tree->nodes[at].right = child;
    return at;
}

struct forest *forest_grow(const struct forest_table *table, uint32_t trees, uint64_t seed)
{
    struct forest *forest = xcalloc(1, sizeof(*forest));
    struct grower grower = {.table = table};

    assert(trees > 0 && table->rows > 0);
    forest->count = trees;
    forest->rows = table->rows;
    forest->trees = xcalloc(trees, sizeof(*forest->trees));
    forest->saw = xcalloc((size_t)trees * table->rows, sizeof(*forest->saw));
    grower.rows = xcalloc(table->rows, sizeof(*grower.rows));
    grower.items = xcalloc(table->rows, sizeof(*grower.items));
    for (uint32_t i = 0; i < trees; i++) {
        struct rng rng = {.seed = seed, .stream = i};

        for (uint32_t k = 0; k < table->rows; k++) {
            grower.rows[k] = (uint32_t)rng_next_below(&rng, table->rows);
            forest->saw[(size_t)i * table->rows + grower.rows[k]] = true;
        }
        grower.tree = &forest->trees[i];
        (void)grow(&grower, 0, table->rows);
    }
    free(grower.rows);
    free(grower.items);
    return forest;
}

void forest_free(struct forest *forest)
{
    if (forest == NULL)
        return;
    for (uint32_t i = 0; i < forest->count; i++)
        free(forest->trees[i].nodes);
    free(forest->trees);
    free(forest->saw);
    free(forest);
}

bool forest_saw(const struct forest *forest, uint32_t tree, uint32_t row)
{
    return forest->saw[(size_t)tree * forest->rows + row];
}

double forest_predict(const struct forest *forest, uint32_t tree, const double *values,
                      uint32_t column, double other)
{
    const struct node *nodes = forest->trees[tree].nodes;
    const struct node *node = nodes;

    while (node->split.column != LEAF) {
        uint32_t at = node->split.column;
        double value = at == column ? other : values[at];

        node = &nodes[goes_left(&node->split, value) ? node->left : node->right];
    }
    return node->mean;
}
