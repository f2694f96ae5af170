"""The interface of Tune 0.7's search algorithms: what makes trials, and learns from them."""

from __future__ import annotations

from typing import Any, Optional


class SearchAlgorithm:
    """What makes configurations. One of your own runs at the client, beside the experiment.

    Override add_configurations, next_trials and is_finished, or rather be a SuggestionAlgorithm.
    """

    in_head = False
    """Whether the head has it: then keys says which of its own it is."""

    patience: Optional[str] = None
    """How long a free place waits for a suggestion, then random fills in: "10s"; None: for ever."""

    def keys(self) -> dict[str, Any]:
        """Those of an experiment file that say the same."""
        return {
            "search": {"type": "external", "open": True, "timeout": self.patience or "never"},
        }

    def add_configurations(self, experiments: Any) -> None:
        """What trials are to be made of: an Experiment, a list of them, or {name: spec}."""
        raise NotImplementedError

    def next_trials(self) -> list[Any]:
        """Trials (`config_parser.create_trial_from_spec`); asked when a place is free, and none of
        those that it made before waits for one. []: not now."""
        raise NotImplementedError

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """A result of one of its trials, in order; the last one is on_trial_complete's."""

    def on_trial_complete(
        self,
        trial_id: str,
        result: Optional[dict[str, Any]] = None,
        error: bool = False,
        early_terminated: bool = False,
    ) -> None:
        """One of its trials has ended, behind its results: with its last one, or in an error.

        early_terminated: neither by itself nor by a rule of stop.
        """

    def is_finished(self) -> bool:
        """Whether it makes no more trials."""
        raise NotImplementedError
