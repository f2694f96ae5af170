"""Trials as search algorithms of Tune 0.7's make them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Optional

from ...errors import UsageError


class Planned:
    """A trial that was made here and may not run yet. What else it is given is its maker's own.

    trial_id: 8 hexadecimal digits, which results and ends are told by; config: what the trial's
    configuration has besides the experiment's, or in its place.
    """

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    TERMINATED = "TERMINATED"
    ERROR = "ERROR"

    def __init__(self, spec: Mapping[str, Any], trial_id: str, experiment_tag: str) -> None:
        self.spec = dict(spec)
        self.config: dict[str, Any] = dict(spec.get("config", {}))
        self.trial_id = trial_id
        self.experiment_tag = experiment_tag
        self.status = self.PENDING
        self.last_result: Optional[dict[str, Any]] = None

    @staticmethod
    def generate_id() -> str:
        """A new one."""
        return uuid.uuid4().hex[:8]

    def __repr__(self) -> str:
        return "<planned trial %s>" % self.trial_id


def make_parser(**more: Any) -> None:
    """Nothing: a spec is read as it is."""
    del more


def create_trial_from_spec(
    spec: Mapping[str, Any],
    output_path: str,
    parser: Any = None,
    trial_id: Optional[str] = None,
    experiment_tag: str = "",
    **more: Any,
) -> Planned:
    """A trial of spec, an experiment's with a config of its own. Where it runs, and its folder, are
    the experiment's. Raises UsageError for what a trial cannot have here."""
    del output_path, parser
    if more:
        raise UsageError(
            "create_trial_from_spec", "it has no %s" % sorted(more)[0], "leave it away"
        )
    return Planned(spec, trial_id or Planned.generate_id(), experiment_tag)
