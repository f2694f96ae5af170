#include "head/core/ranking.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

/* Node 0 is none. */
struct node {
    double number;
    uint32_t trial;
    uint32_t left; /* of one that is free: the next free one */
    uint32_t right;
    uint32_t size; /* with all below it */
};

struct ranking {
    struct node *nodes; /* owned */
    uint32_t node_count;
    uint32_t node_capacity;
    uint32_t free;
    uint32_t root;
    uint32_t *of; /* owned; by trial number: its node, 0: it is not there */
    uint32_t of_count;
};

struct ranking *ranking_new(void)
{
    struct ranking *ranking = xcalloc(1, sizeof(*ranking));

    ranking->node_capacity = 16;
    ranking->nodes = xcalloc(ranking->node_capacity, sizeof(*ranking->nodes));
    ranking->node_count = 1;
    return ranking;
}

void ranking_free(struct ranking *ranking)
{
    if (ranking == NULL)
        return;
    free(ranking->nodes);
    free(ranking->of);
    free(ranking);
}

/* Every step is a bijection, so no two trials have the same. */
static uint32_t priority(uint32_t trial)
{
    trial ^= trial >> 16;
    trial *= 0x85ebca6bu;
    trial ^= trial >> 13;
    trial *= 0xc2b2ae35u;
    return trial ^ trial >> 16;
}

static bool comes_before(const struct node *a, const struct node *b)
{
    if (isnan(a->number) || isnan(b->number)) {
        if (isnan(a->number) != isnan(b->number))
            return isnan(a->number);
    } else if (a->number != b->number) {
        return a->number < b->number;
    }
    return a->trial < b->trial;
}

static void count_again(struct ranking *ranking, uint32_t at)
{
    struct node *node = &ranking->nodes[at];

    node->size = 1 + ranking->nodes[node->left].size + ranking->nodes[node->right].size;
}

/* Two trees of which all of the left come before all of the right. */
static uint32_t join(struct ranking *ranking, uint32_t left, uint32_t right)
{
    struct node *nodes = ranking->nodes;

    if (left == 0 || right == 0)
        return left + right;
    if (priority(nodes[left].trial) > priority(nodes[right].trial)) {
        nodes[left].right = join(ranking, nodes[left].right, right);
        count_again(ranking, left);
        return left;
    }
    nodes[right].left = join(ranking, left, nodes[right].left);
    count_again(ranking, right);
    return right;
}

/* Into those that come before a node, which is in neither, and those behind it. */
static void divide(struct ranking *ranking, uint32_t at, const struct node *by, uint32_t *left,
                   uint32_t *right)
{
    struct node *node = &ranking->nodes[at];

    if (at == 0) {
        *left = *right = 0;
        return;
    }
    if (comes_before(node, by)) {
        *left = at;
        divide(ranking, node->right, by, &node->right, right);
    } else {
        *right = at;
        divide(ranking, node->left, by, left, &node->left);
    }
    count_again(ranking, at);
}

static uint32_t node_take(struct ranking *ranking)
{
    uint32_t at = ranking->free;

    if (at != 0) {
        ranking->free = ranking->nodes[at].left;
        return at;
    }
    if (ranking->node_count == ranking->node_capacity) {
        ranking->node_capacity *= 2;
        ranking->nodes = xrealloc(ranking->nodes, ranking->node_capacity, sizeof(*ranking->nodes));
    }
    return ranking->node_count++;
}

static void reserve(struct ranking *ranking, uint32_t trial)
{
    uint32_t count = ranking->of_count;

    if (trial < count)
        return;
    count = trial < count * 2 ? count * 2 : trial + 16;
    ranking->of = xrealloc(ranking->of, count, sizeof(*ranking->of));
    memset(&ranking->of[ranking->of_count], 0, (count - ranking->of_count) * sizeof(*ranking->of));
    ranking->of_count = count;
}

bool ranking_has(const struct ranking *ranking, uint32_t trial)
{
    return trial < ranking->of_count && ranking->of[trial] != 0;
}

uint32_t ranking_count(const struct ranking *ranking)
{
    return ranking->nodes[ranking->root].size;
}

void ranking_put(struct ranking *ranking, uint32_t trial, double number)
{
    uint32_t left, right, at;

    ranking_remove(ranking, trial);
    reserve(ranking, trial);
    at = node_take(ranking);
    ranking->of[trial] = at;
    ranking->nodes[at] = (struct node){.number = number, .trial = trial, .size = 1};
    divide(ranking, ranking->root, &ranking->nodes[at], &left, &right);
    ranking->root = join(ranking, join(ranking, left, at), right);
}

void ranking_remove(struct ranking *ranking, uint32_t trial)
{
    struct node *nodes = ranking->nodes;
    uint32_t *link = &ranking->root;
    uint32_t at;

    if (!ranking_has(ranking, trial))
        return;
    at = ranking->of[trial];
    while (*link != at) {
        struct node *above = &nodes[*link];

        above->size--;
        link = comes_before(&nodes[at], above) ? &above->left : &above->right;
    }
    *link = join(ranking, nodes[at].left, nodes[at].right);
    ranking->of[trial] = 0;
    nodes[at].left = ranking->free;
    ranking->free = at;
}

uint32_t ranking_place(const struct ranking *ranking, uint32_t trial)
{
    const struct node *nodes = ranking->nodes;
    const struct node *node;
    uint32_t at = ranking->root;
    uint32_t place = 0;

    assert(ranking_has(ranking, trial));
    node = &nodes[ranking->of[trial]];
    for (;;) {
        if (comes_before(node, &nodes[at])) {
            at = nodes[at].left;
            continue;
        }
        place += nodes[nodes[at].left].size;
        if (&nodes[at] == node)
            return place;
        place++;
        at = nodes[at].right;
    }
}

uint32_t ranking_at(const struct ranking *ranking, uint32_t place)
{
    const struct node *nodes = ranking->nodes;
    uint32_t at = ranking->root;

    assert(place < ranking_count(ranking));
    for (;;) {
        uint32_t before = nodes[nodes[at].left].size;

        if (place == before)
            return nodes[at].trial;
        if (place < before) {
            at = nodes[at].left;
        } else {
            place -= before + 1;
            at = nodes[at].right;
        }
    }
}
