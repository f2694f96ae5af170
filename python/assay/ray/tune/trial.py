"""A trial as tune.run returns it, and the resources that it asks for."""

from __future__ import annotations

from typing import Any, Optional

from ...analysis import TrialResult


class Resources:
    """What a trial needs: whole or fractional CPUs and GPUs, and custom resources by name.

    extra_cpu and extra_gpu are reserved besides, for what the trial starts.
    """

    def __init__(
        self,
        cpu: float = 1,
        gpu: float = 0,
        extra_cpu: float = 0,
        extra_gpu: float = 0,
        custom_resources: Optional[dict[str, float]] = None,
    ) -> None:
        self.cpu, self.gpu = cpu, gpu
        self.extra_cpu, self.extra_gpu = extra_cpu, extra_gpu
        self.custom_resources = custom_resources or {}

    def section(self) -> dict[str, Any]:
        """As in an experiment file."""
        found: dict[str, Any] = {"cpu": self.cpu + self.extra_cpu, "gpu": self.gpu + self.extra_gpu}
        if self.custom_resources:
            found["custom_resources"] = self.custom_resources
        return found


class Trial(TrialResult):
    """A trial that has ended. Its text is its name."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    TERMINATED = "TERMINATED"
    ERROR = "ERROR"

    def __init__(self, row: dict[str, Any], trainable_name: str) -> None:
        super().__init__(row)
        self.trainable_name = trainable_name

    @property
    def status(self) -> str:
        """PENDING, RUNNING, PAUSED, TERMINATED or ERROR."""
        return self.state

    @property
    def trial_id(self) -> str:
        """8 hexadecimal digits."""
        return self.id

    @property
    def experiment_tag(self) -> str:
        """Its number, and what was chosen."""
        return self.tag

    @property
    def logdir(self) -> str:
        """Its folder."""
        return self.folder

    @property
    def error_file(self) -> Optional[str]:
        """What a failed trial printed on stderr."""
        return self.folder + "/stderr" if self.failed else None

    def __str__(self) -> str:
        return self.name
