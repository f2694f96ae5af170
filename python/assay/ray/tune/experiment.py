"""An experiment as Tune says it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Optional

from ...errors import UsageError
from ...ship import name_of
from . import registry
from .error import TuneError
from .logger import files
from .result import DEFAULT_RESULTS_DIR
from .sample import function, with_evals
from .trial import Resources

KEYS = (
    "run stop config resources_per_trial num_samples local_dir upload_dir trial_name_creator "
    "loggers sync_function checkpoint_freq checkpoint_at_end keep_checkpoints_num "
    "checkpoint_score_attr export_formats max_failures restore env repeat"
).split()
"""Of a spec; others are errors."""

FAILURES = 3
"""How often Tune tries a trial again that makes checkpoints."""

_NOT_HERE = {
    "upload_dir": "copy local_dir/NAME when the experiment has ended",
    "sync_function": "results are on the head's machine already",
    "export_formats": "write what is to be kept in cleanup(), below the trial's folder",
    "restore": "put the path into config, and load it in setup()",
    "repeat": "num_samples",
}


class Experiment:
    """name, run and the keys of a spec, as for tune.run. Raises TuneError for what cannot be."""

    def __init__(self, name: Optional[str], run: Any, **spec: Any) -> None:
        unknown = sorted(set(spec) - set(KEYS))
        if unknown:
            raise TuneError(
                unknown[0], "improper argument of an experiment", "one of: " + ", ".join(KEYS)
            )
        for key, way in _NOT_HERE.items():
            if spec.get(key):
                raise TuneError(key, "it is not there", way)
        self.run = registry.get_trainable(run)
        self.trainable_name = run if isinstance(run, str) else name_of(self.run)
        self.name = name or self.trainable_name
        self.spec = {key: value for key, value in spec.items() if value is not None}

    @classmethod
    def from_json(cls, name: str, spec: Mapping[str, Any]) -> Experiment:
        """Of a dict with `run` in it."""
        if "run" not in spec:
            raise TuneError(name, "no trainable specified", 'a spec has "run"')
        keys = {key: value for key, value in spec.items() if key not in ("run", "env")}
        if "env" in spec:
            keys["config"] = {**keys.get("config", {}), "env": spec["env"]}
        return cls(name, spec["run"], **keys)

    @property
    def loggers(self) -> Optional[Sequence[Any]]:
        """Classes; None: Tune's own."""
        return self.spec.get("loggers")

    def keys(self) -> dict[str, Any]:
        """Those of an experiment file."""
        spec = self.spec
        freq, at_end = spec.get("checkpoint_freq", 0), spec.get("checkpoint_at_end", False)
        failures = spec.get("max_failures")
        if failures is None:
            failures = FAILURES if freq else 0
        keys = {
            "name": self.name,
            "config": with_evals(spec.get("config", {})),
            "stop": _stop(spec.get("stop")),
            "num_samples": spec.get("num_samples", 1),
            "resources_per_trial": self._resources(),
            "local_dir": os.path.expanduser(spec.get("local_dir") or DEFAULT_RESULTS_DIR),
            "trial_name": self._trial_name(),
            "checkpoint_freq": freq,
            "checkpoint_at_end": bool(at_end),
            "keep_checkpoints_num": spec.get("keep_checkpoints_num"),
            "checkpoint_score_attr": spec.get("checkpoint_score_attr"),
            "max_failures": failures,
            "files": files(self.loggers),
        }
        return {key: value for key, value in keys.items() if value is not None}

    def _resources(self) -> Any:
        given = self.spec.get("resources_per_trial")
        ask = getattr(self.run, "default_resource_request", None)
        if given is None and ask is not None:
            given = ask(dict(self.spec.get("config", {})))
        if isinstance(given, str):
            given = json.loads(given)
        if given is None:
            return None
        if isinstance(given, Resources):
            return given.section()
        try:
            return Resources(**{key.lower(): value for key, value in given.items()}).section()
        except TypeError as error:
            raise TuneError(
                "resources_per_trial", str(error), '{"cpu": 1, "gpu": 0, "custom_resources": {}}'
            ) from None

    def _trial_name(self) -> str:
        env = self.spec.get("config", {}).get("env")
        name = "%s_%s" % (self.trainable_name, env) if isinstance(env, str) else self.trainable_name
        creator = self.spec.get("trial_name_creator")
        if creator is None:
            return name.replace("/", "_").replace("{", "{{") + "_{tag}"
        return _pattern(creator, self.trainable_name)


class _Nameless:
    """A trial of which only what its name can be made of is known: words to be replaced later."""

    def __init__(self, trainable_name: str) -> None:
        self.trainable_name = trainable_name
        self.trial_id = "{id}"
        self.experiment_tag = "{tag}"

    def __getattr__(self, name: str) -> Any:
        raise UsageError(
            "trial_name_creator",
            "trial.%s is not known where names are made" % name,
            "use trial.trainable_name, trial.trial_id and trial.experiment_tag",
        )

    def __str__(self) -> str:
        return self.trainable_name + "_{tag}"


def _pattern(creator: Callable[[Any], Any], trainable_name: str) -> str:
    """The pattern that a function of names stands for."""
    called = creator.func if isinstance(creator, function) else creator
    name = str(called(_Nameless(trainable_name)))
    if "{id}" not in name and "{tag}" not in name:
        name += "_{tag}"  # so that folders can be told apart
    return name.replace("/", "_")


def _stop(stop: Any) -> Any:
    if callable(stop):
        raise TuneError(
            "stop",
            "a function cannot run on the nodes",
            'stop={"metric": bound}, or "done" in a result',
        )
    return stop


def convert(experiments: Any) -> list[Experiment]:
    """Tune's ways to say several: one, a list, or {name: spec}. Raises TuneError."""
    if isinstance(experiments, Experiment):
        return [experiments]
    if isinstance(experiments, dict):
        return [Experiment.from_json(name, spec) for name, spec in experiments.items()]
    if isinstance(experiments, (list, tuple)):
        if all(isinstance(one, Experiment) for one in experiments):
            return list(experiments)
    elif experiments is None:
        return []
    raise TuneError("experiments", "neither Experiments nor a dict of specs", "{name: spec}")
