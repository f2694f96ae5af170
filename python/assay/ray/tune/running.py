"""tune.run and tune.run_experiments."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Any, Optional

from ... import running
from ...analysis import Analysis
from ...callbacks import Callback
from ...errors import TrialsFailedError, UsageError
from ...ship import AS_RAY
from .. import state
from .analysis import ExperimentAnalysis
from .error import TuneError
from .experiment import Experiment, convert
from .logger import Loggers
from .schedulers import TrialScheduler
from .suggest import SearchAlgorithm, Searcher
from .suggest.of_searcher import OfSearcher
from .suggest.outside import SAMPLES_MOST, Outside
from .suggest.suggestion import SuggestionAlgorithm

logger = logging.getLogger("ray.tune")

_NOT_HERE = {
    "with_server": "assay list, trials, stop: the head answers them while it runs",
    "trial_executor": "leave it away: workers run trials",
    "sync_config": "results are on the head's machine already",
}


def run(
    run_or_experiment: Any,
    name: Optional[str] = None,
    stop: Any = None,
    config: Optional[dict[str, Any]] = None,
    resources_per_trial: Any = None,
    num_samples: int = 1,
    local_dir: Optional[str] = None,
    upload_dir: Optional[str] = None,
    trial_name_creator: Any = None,
    loggers: Optional[Sequence[Any]] = None,
    sync_function: Any = None,
    checkpoint_freq: int = 0,
    checkpoint_at_end: bool = False,
    export_formats: Any = None,
    max_failures: Optional[int] = None,
    restore: Optional[str] = None,
    search_alg: Any = None,
    scheduler: Optional[TrialScheduler] = None,
    with_server: bool = False,
    server_port: int = 4321,
    verbose: int = 2,
    resume: Any = False,
    queue_trials: bool = False,
    reuse_actors: bool = False,
    trial_executor: Any = None,
    raise_on_failed_trial: bool = True,
    *,
    keep_checkpoints_num: Optional[int] = None,
    checkpoint_score_attr: Optional[str] = None,
    metric: Optional[str] = None,
    mode: Optional[str] = None,
    callbacks: Sequence[Callback] = (),
    max_concurrent_trials: Optional[int] = None,
    time_budget_s: Optional[float] = None,
) -> ExperimentAnalysis:
    """Run one experiment to its end; its trials, as a list that answers questions as well.

    run_or_experiment: a class, a function, a registered name, or an Experiment, which then says all
    that stands before search_alg. Arguments are Tune 0.7's; metric, mode, callbacks
    (`assay.Callback`), max_concurrent_trials and time_budget_s are Ray 2's. verbose: 0 nothing, 1
    status blocks, 2 results as well.

    Raises TuneError for what cannot be, and, where raise_on_failed_trial is set, for failed trials.
    """
    del server_port, queue_trials  # trials wait for room
    for key, given in (("with_server", with_server), ("trial_executor", trial_executor)):
        if given:
            raise TuneError(key, "it is not there", _NOT_HERE[key])
    experiment = run_or_experiment
    if not isinstance(experiment, Experiment):
        experiment = Experiment(
            name,
            run_or_experiment,
            stop=stop,
            config=config,
            resources_per_trial=resources_per_trial,
            num_samples=num_samples,
            local_dir=local_dir,
            upload_dir=upload_dir,
            trial_name_creator=trial_name_creator,
            loggers=loggers,
            sync_function=sync_function,
            checkpoint_freq=checkpoint_freq,
            checkpoint_at_end=checkpoint_at_end,
            keep_checkpoints_num=keep_checkpoints_num,
            checkpoint_score_attr=checkpoint_score_attr,
            export_formats=export_formats,
            max_failures=max_failures,
            restore=restore,
        )
    keys = {
        "max_concurrent": max_concurrent_trials,
        "budget": {"time": "%gs" % time_budget_s} if time_budget_s is not None else None,
        "metric": metric,
        "mode": mode or ("max" if metric is not None else None),
        "reuse": True if reuse_actors else None,
    }
    if isinstance(search_alg, Searcher):
        search_alg = OfSearcher(search_alg, metric, mode)
    keys.update(_judges(search_alg, scheduler, metric, mode))
    outside = None
    if search_alg is not None and not search_alg.in_head:
        outside = Outside(search_alg, experiment)
        if not isinstance(search_alg, SuggestionAlgorithm):
            keys["num_samples"] = SAMPLES_MOST
    return _run(experiment, keys, callbacks, int(verbose), resume, raise_on_failed_trial, outside)


def _judges(
    search_alg: Any, scheduler: Any, metric: Optional[str], mode: Optional[str]
) -> dict[str, Any]:
    keys: dict[str, Any] = {}
    if scheduler is not None:
        if not isinstance(scheduler, TrialScheduler):
            raise TuneError("scheduler", "%r is none" % (scheduler,), "one of tune.schedulers")
        keys["scheduler"] = scheduler.section(metric, mode)
    if search_alg is not None:
        if not isinstance(search_alg, SearchAlgorithm):
            raise TuneError("search_alg", "%r is none" % (search_alg,), "leave it away")
        keys.update(search_alg.keys())
    return keys


def _run(
    experiment: Experiment,
    keys: dict[str, Any],
    callbacks: Sequence[Callback],
    verbose: int,
    resume: Any,
    raise_on_failed_trial: bool,
    outside: Optional[Outside],
) -> ExperimentAnalysis:
    if resume is True:
        raise TuneError(
            "resume",
            "an experiment on this machine alone cannot be gone on with",
            "a cluster (assay head, assay worker; ray.init(redis_address=...)): it survives",
        )
    _say("Starting a new experiment.", verbose)
    try:
        heard = list(callbacks)
        if experiment.loggers is not None:
            heard.append(Loggers(experiment.loggers))
        analysis = running.run(
            experiment.run,
            address=state.address,
            worker_cpus=state.cpus,
            callbacks=heard,
            verbose=verbose,
            raise_on_failed_trial=False,
            prepare=AS_RAY,
            brain=outside,
            **{**experiment.keys(), **{k: v for k, v in keys.items() if v is not None}},
        )
    except UsageError as error:
        raise TuneError(error.what, error.why, error.mend) from error
    if analysis.failed:
        _failed(analysis, raise_on_failed_trial)
    return ExperimentAnalysis(analysis, experiment.trainable_name)


def _say(text: str, verbose: int) -> None:
    if verbose and not logger.handlers and not logging.getLogger().handlers:
        handler = logging.StreamHandler(sys.stderr)
        form = "%(asctime)s\t%(levelname)s %(filename)s:%(lineno)d -- %(message)s"
        handler.setFormatter(logging.Formatter(form))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    if verbose:
        logger.info(text)


def _failed(analysis: Analysis, raise_on_failed_trial: bool) -> None:
    try:
        raise running.failure(analysis)
    except TrialsFailedError as error:
        if not raise_on_failed_trial:
            logger.error("Trials did not complete: %s", error)
            return
        raised = TuneError(
            "Trials did not complete", "%s: %s" % (error.what, error.why), error.mend
        )
        raised.analysis = analysis
        raise raised from None


def run_experiments(
    experiments: Any,
    search_alg: Any = None,
    scheduler: Optional[TrialScheduler] = None,
    with_server: bool = False,
    server_port: int = 4321,
    verbose: int = 2,
    resume: Any = False,
    queue_trials: bool = False,
    reuse_actors: bool = False,
    trial_executor: Any = None,
    raise_on_failed_trial: bool = True,
) -> list[Any]:
    """Run one experiment after the other: an Experiment, a list of them, or {name: spec}.

    All trials, in one list. Each experiment has a scheduler of its own. Raises TuneError as run.
    """
    trials: list[Any] = []
    for experiment in convert(experiments):
        trials += run(
            experiment,
            search_alg=search_alg,
            scheduler=scheduler,
            with_server=with_server,
            server_port=server_port,
            verbose=verbose,
            resume=resume,
            queue_trials=queue_trials,
            reuse_actors=reuse_actors,
            trial_executor=trial_executor,
            raise_on_failed_trial=raise_on_failed_trial,
        )
    return trials
