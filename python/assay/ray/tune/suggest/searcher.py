"""Searchers as Ray 2 has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ....errors import UsageError


class Searcher:
    """Override suggest and on_trial_complete. metric, mode ("max", "min"): of what it learns."""

    FINISHED = "FINISHED"
    """What suggest returns where nothing is left to suggest."""

    patience: Optional[str] = None
    """How long a free place waits for a suggestion, then random fills in: "10s"; None: for ever."""

    _metric: Any = None
    _mode: Any = None

    def __init__(self, metric: Any = None, mode: Any = None) -> None:
        modes = mode if isinstance(mode, list) else [mode]
        if any(one not in (None, "min", "max") for one in modes):
            raise UsageError("mode", "there is no %r" % (mode,), '"min" or "max"')
        self._metric, self._mode = metric, mode

    @property
    def metric(self) -> Any:
        """What it learns from; None: not said."""
        return self._metric

    @property
    def mode(self) -> Any:
        """ "max", "min"; None: not said."""
        return self._mode

    def set_search_properties(
        self, metric: Optional[str], mode: Optional[str], config: dict[str, Any], **spec: Any
    ) -> bool:
        """Told before the first suggestion: metric and mode of tune.run, and the config with its
        domains. Whether it took them over."""
        return False

    def suggest(self, trial_id: str) -> Any:
        """A configuration, in part; None: not now; FINISHED: no more."""
        raise NotImplementedError

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """A result of a trial, in order; the last one is on_trial_complete's."""

    def on_trial_complete(
        self, trial_id: str, result: Optional[dict[str, Any]] = None, error: bool = False
    ) -> None:
        """A trial has ended, behind its results: with its last one, or in an error."""
        raise NotImplementedError


class ConcurrencyLimiter(Searcher):
    """At most max_concurrent trials of a searcher at a time. batch: that many, then so many again;
    it is told of the ends of a batch together."""

    def __init__(self, searcher: Searcher, max_concurrent: int, batch: bool = False) -> None:
        if not isinstance(max_concurrent, int) or max_concurrent < 1:
            raise UsageError("max_concurrent", "%r is none" % (max_concurrent,), "1 or more")
        self.searcher = searcher
        self.max_concurrent = max_concurrent
        self.batch = batch
        self.live_trials: set[str] = set()
        self._ended: dict[str, tuple[Optional[dict[str, Any]], bool]] = {}
        self.patience = searcher.patience
        super().__init__(searcher.metric, searcher.mode)

    def set_search_properties(
        self, metric: Optional[str], mode: Optional[str], config: dict[str, Any], **spec: Any
    ) -> bool:
        """The searcher's own answer."""
        return bool(properties(self.searcher, metric, mode, config, spec))

    def suggest(self, trial_id: str) -> Any:
        """The searcher's, where there is room."""
        if len(self.live_trials) >= self.max_concurrent:
            return None
        suggested = self.searcher.suggest(trial_id)
        if isinstance(suggested, Mapping):
            self.live_trials.add(trial_id)
        return suggested

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Told to the searcher."""
        self.searcher.on_trial_result(trial_id, result)

    def on_trial_complete(
        self, trial_id: str, result: Optional[dict[str, Any]] = None, error: bool = False
    ) -> None:
        """Told to the searcher, of a batch when the whole of it has ended."""
        if trial_id not in self.live_trials:
            return
        self._ended[trial_id] = (result, error)
        if self.batch and len(self._ended) < self.max_concurrent:
            return
        ended, self._ended = self._ended, {}
        self.live_trials -= set(ended)
        for one, (last, failed) in ended.items():
            self.searcher.on_trial_complete(one, result=last, error=failed)


def properties(
    searcher: Searcher,
    metric: Optional[str],
    mode: Optional[str],
    config: dict[str, Any],
    spec: dict[str, Any],
) -> bool:
    """Its set_search_properties, whose older forms know no spec."""
    try:
        return searcher.set_search_properties(metric, mode, config, **spec)
    except TypeError as error:
        if "unexpected keyword argument" not in str(error):
            raise
    return searcher.set_search_properties(metric, mode, config)
