"""Generations that are bred from the best of the one before."""

from __future__ import annotations

import random
from typing import Any, Optional

from .search_policy import AutoMLSearcher
from .search_space import Gene, SearchSpace

LEAST = 3
"""So many trials a generation has at least, whatever the decay."""

PARENTS_LEAST = 2


class GeneticSearch(AutoMLSearcher):
    """population_size trials, max_generation times, each time population_decay as many.

    The best keep_top_ratio of a generation go on as they are and are the parents of the others: a
    parent with one value of another's (selection_bound of them), the first half or so of one and
    the rest of another (crossover_bound), or one with some values drawn anew (what is left).
    """

    def __init__(
        self,
        search_space: SearchSpace,
        reward_attr: str,
        max_generation: int = 2,
        population_size: int = 10,
        population_decay: float = 0.95,
        keep_top_ratio: float = 0.2,
        selection_bound: float = 0.4,
        crossover_bound: float = 0.4,
    ) -> None:
        super().__init__(search_space, reward_attr)
        self._generations = max_generation
        self._decay = population_decay
        self._keep = keep_top_ratio
        self._bounds = (selection_bound, selection_bound + crossover_bound)
        self._genes = [search_space.random_gene() for _ in range(population_size)]

    def _select(self) -> tuple[list[dict[str, Any]], Optional[list[Any]]]:
        return [self.search_space.params_of(gene) for gene in self._genes], self._genes

    def _feedback(self, trials: list[Any]) -> str:
        self._generations -= 1
        if self._generations <= 0:
            return self.TERMINATE
        judged = [trial for trial in trials if trial.best_result is not None]
        judged.sort(key=lambda trial: trial.best_result[self.reward_attr], reverse=True)
        count = max(int(len(trials) * self._decay), LEAST)
        parents = [trial.extra_arg for trial in judged]
        parents = parents[: max(int(count * self._keep), PARENTS_LEAST)]
        self._genes = [list(gene) for gene in parents]
        while len(self._genes) < count:
            self._genes.append(self._child(parents))
        return self.CONTINUE

    def _child(self, parents: list[Gene]) -> Gene:
        if not parents:  # nobody has reported: all begin anew
            return self.search_space.random_gene()
        one, other = list(random.choice(parents)), random.choice(parents)
        chance = random.random()
        if chance < self._bounds[0]:
            place = random.randrange(len(one))
            one[place] = other[place]
        elif chance < self._bounds[1]:
            cut = int(len(one) * random.uniform(0.3, 0.7)) + 1
            one[cut:] = other[cut:]
        else:
            fresh = self.search_space.random_gene()
            for place in random.sample(range(len(one)), max(len(one) // 10, 1)):
                one[place] = fresh[place]
        return one
