"""The class that trainables are made of.

    class Model(assay.Trainable):
        def setup(self, config):
            self.x = config["x"]

        def step(self):
            self.x *= 0.9
            return {"loss": self.x}

        def save_checkpoint(self, folder):
            return {"x": self.x}

        def load_checkpoint(self, saved):
            self.x = saved["x"]

Ray Tune 0.7's names do as well: `_setup`, `_train`, `_save`, `_restore`, `_stop`.
"""
import copy
import os
from collections.abc import Mapping
from typing import Any, Optional

from . import trial


class Trainable:
    """One trial: made once, then `step` is called until the trial is to end.

    config: the configuration; iteration: results so far, with those of the checkpoint that it went
    on from. Overridden methods need not call those here.
    """

    def __init__(self, config: Optional[Mapping[str, Any]] = None, *more: Any) -> None:
        """config: the trial's; {} where None. What else Tune's scripts hand on is not looked at."""
        del more
        self.config: dict[str, Any] = dict(config) if config is not None else {}
        self._iteration = 0
        self.setup(copy.deepcopy(self.config))

    def setup(self, config: dict[str, Any]) -> None:
        """Once, before everything else. config: a copy of the trial's own."""
        self._setup(config)

    def step(self) -> Mapping[str, Any]:
        """One iteration. Returns its result: names to numbers, texts, booleans, lists and maps.
        `"done": True` in it says that it was the last one. What it raises ends the trial as failed.
        """
        return self._train()

    def save_checkpoint(self, checkpoint_dir: str) -> Any:
        """Save all that `step` goes by: into files below checkpoint_dir, an empty folder.

        Returns a dict, which is pickled there; or the path of what it wrote, below the folder; or
        None, the folder itself. Who has it has load_checkpoint.
        """
        return self._save(checkpoint_dir)

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Behind setup, to go on: the dict, or the path, that save_checkpoint returned."""
        self._restore(checkpoint)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take on another trial instead of being made anew: all that `step` goes by begins again.

        Called where `run` says `reuse: true`, behind a trial that ended well; new_config: a copy
        of the next one's. False: it cannot, and that trial gets a new process. `self.config` is
        the new one only behind it. What it raises fails the trial that it was to take on.
        """
        del new_config
        return False

    def cleanup(self) -> None:
        """Once, at the end, also after a failure."""
        self._stop()

    def _setup(self, config: dict[str, Any]) -> None:
        del config

    def _train(self) -> Mapping[str, Any]:
        raise NotImplementedError("%s has no step()" % type(self).__name__)

    def _save(self, checkpoint_dir: str) -> Any:
        raise NotImplementedError("%s has no save_checkpoint()" % type(self).__name__)

    def _restore(self, checkpoint: Any) -> None:
        raise NotImplementedError(
            "%s has a checkpoint to go on from, and no load_checkpoint()" % type(self).__name__
        )

    def _stop(self) -> None:
        pass

    @property
    def iteration(self) -> int:
        """Results so far, with those of the checkpoint that it went on from."""
        return self._iteration

    @property
    def training_iteration(self) -> int:
        """The same."""
        return self._iteration

    @property
    def logdir(self) -> str:
        """The trial's working directory."""
        return os.environ.get("ASSAY_TRIAL_DIR", os.getcwd())

    @property
    def trial_id(self) -> str:
        """8 hexadecimal digits; empty without Assay."""
        return os.environ.get("ASSAY_TRIAL_ID", "")

    @property
    def trial_name(self) -> str:
        """As in the name of its folder; empty without Assay."""
        return os.environ.get("ASSAY_TRIAL_NAME", "")

    def train(self) -> dict[str, Any]:
        """One step, counted; its result. Raises TypeError where `step` returns no map."""
        result = self.step()
        if not isinstance(result, Mapping):
            raise TypeError(
                "step() of %s returned %s, not a dict of results"
                % (type(self).__name__, type(result).__name__)
            )
        self._iteration += 1
        return dict(result)


def has_step(kind: type) -> bool:
    """Whether a class says what one iteration is."""
    return _overrides(kind, "step") or _overrides(kind, "_train")


def has_reset(kind: type) -> bool:
    """Whether a class can take on another trial."""
    return _overrides(kind, "reset_config")


def has_save(kind: type) -> bool:
    """Whether a class can save."""
    return _overrides(kind, "save_checkpoint") or _overrides(kind, "_save")


def _overrides(kind: type, name: str) -> bool:
    return getattr(kind, name, None) is not getattr(Trainable, name)


def current_iteration() -> int:
    """What a new Trainable begins to count at."""
    return trial.current_trial().iteration
