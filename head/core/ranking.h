/* ranking.h - trials in the order of a number each, and which place one has.
 *
 * A search tree whose nodes know how many are below them, kept even by priorities that follow from
 * the trials' numbers (Seidel, Aragon: Randomized search trees, 1996): everything here is O(log n)
 * on average, and its shape, too, is a function of what is in it. NaN comes before all numbers; of
 * equals the lower trial comes first. */
#ifndef CORE_RANKING_H
#define CORE_RANKING_H

#include <stdbool.h>
#include <stdint.h>

struct ranking;

struct ranking *ranking_new(void);

/* Accepts NULL. */
void ranking_free(struct ranking *ranking);

/* A trial's number, in place of the one it had. */
void ranking_put(struct ranking *ranking, uint32_t trial, double number);

/* Nothing happens where it is not there. */
void ranking_remove(struct ranking *ranking, uint32_t trial);

bool ranking_has(const struct ranking *ranking, uint32_t trial);
uint32_t ranking_count(const struct ranking *ranking);

/* How many come before a trial, which must be there. */
uint32_t ranking_place(const struct ranking *ranking, uint32_t trial);

/* Who is at a place below the count. */
uint32_t ranking_at(const struct ranking *ranking, uint32_t place);

#endif
