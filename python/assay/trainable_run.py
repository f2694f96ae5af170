"""A trial from its beginning to its end: the loop of a class, the call of a function, and how
each way to end is said.

A function is called with the configuration, or with the configuration and a `reporter`, Ray Tune's
word for `assay.report`. One that yields reports what it yields; a dict that it returns is its last
result.
"""
import copy
import faulthandler
import os
import signal
import sys
import traceback
from collections.abc import Generator, Mapping
from types import FunctionType, TracebackType
from typing import Any, Callable, Optional

from . import trainable_save
from .successors import Successors
from .trainable import Trainable, has_reset, has_save
from .trial import Trial, TrialStopped, current_trial, report, set_current

STDERR_FD = 2  # sys.stderr may be something of the module's

_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep


def run(
    target: Callable[..., Any], trial: Trial, successors: Optional[Successors] = None
) -> int:
    """Run it to its end, and those that follow it; say how the last one ended, and return the
    status that the process is to end with.

    A KeyboardInterrupt ends the process itself, by SIGINT, as Python does.
    """
    set_current(trial)
    faulthandler.enable(STDERR_FD)
    faulthandler.register(signal.SIGTERM, STDERR_FD, chain=True)  # where it hung
    os.register_at_fork(after_in_child=lambda: faulthandler.unregister(signal.SIGTERM))
    try:
        if isinstance(target, type) and issubclass(target, Trainable):
            _run_class(target, trial, successors)
        else:
            _run_functions(target, trial, successors)
    except SystemExit as leave:
        return _left(leave, current_trial())
    except BaseException as error:
        return _failed(error, current_trial())
    current_trial().say("end")
    return 0


def _run_class(
    kind: type[Trainable], trial: Trial, successors: Optional[Successors]
) -> None:
    trainable = kind(trial.config)
    try:
        _train(trainable, trial)
        while successors is not None and has_reset(kind) and _reset(trainable, successors):
            _train(trainable, current_trial())
    except BaseException:
        try:
            trainable.cleanup()
        except Exception:
            traceback.print_exc()  # the first error is why it ends
        raise
    trainable.cleanup()


def _reset(trainable: Trainable, successors: Successors) -> bool:
    """Wait for another trial; whether there is one, and it has taken it on."""
    trial = successors.next()
    if trial is None:
        return False
    try:
        taken = bool(trainable.reset_config(copy.deepcopy(trial.config)))
    except BaseException:
        successors.answer(True)  # it is that trial that fails
        raise
    successors.answer(taken)
    if taken:
        trainable.config = dict(trial.config)
    return taken


def _train(trainable: Trainable, trial: Trial) -> None:
    saves = has_save(type(trainable))
    folder = trial.get_checkpoint()
    trainable._iteration = trial.iteration
    if saves:
        trial.saves_by_itself()
    if folder is not None:
        trainable_save.load(trainable, str(folder))
    done = False
    while not done and not trial.is_over:
        result = trainable.train()
        done = bool(result.get("done"))
        try:
            trial.report(result)
        except TrialStopped:
            break
        if saves and not done and not trial.is_over and trial.should_checkpoint():
            _save(trainable, trial)
    if saves and trial.is_due_at_end():
        _save(trainable, trial)


def _save(trainable: Trainable, trial: Trial) -> None:
    with trial.checkpoint() as folder:
        trainable_save.save(trainable, str(folder))


def reporter(metrics: Optional[Mapping[str, Any]] = None, **more: Any) -> None:
    """What a function of Ray Tune's form reports by: `reporter(mean_loss=0.3)`."""
    report(metrics, **more)


def _run_functions(
    function: Callable[..., Any], trial: Trial, successors: Optional[Successors]
) -> None:
    """It is called once a trial."""
    following: Optional[Trial] = trial
    while following is not None:
        try:
            _run_function(function, following)
        except TrialStopped:
            if successors is None:
                raise
        following = successors.next() if successors is not None else None
        if successors is not None and following is not None:
            successors.answer(True)


def _run_function(function: Callable[..., Any], trial: Trial) -> None:
    takes_reporter = _parameters(function) >= 2
    got = function(trial.config, reporter) if takes_reporter else function(trial.config)
    if isinstance(got, Generator):
        got = _run_generator(got, trial)
    if isinstance(got, Mapping):
        trial.report(got)
    elif got is not None:
        raise TypeError(
            "%s returned %s: return a dict of results, or nothing"
            % (_name(function), type(got).__name__)
        )


def _run_generator(generator: "Generator[Any, Any, Any]", trial: Trial) -> Any:
    """Reports what it yields; what it returns."""
    try:
        while True:
            try:
                result = next(generator)
            except StopIteration as end:
                return end.value
            trial.report(result)
    finally:
        generator.close()


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)


def _parameters(function: Callable[..., Any]) -> int:
    """How many positional arguments it must or may be given; 1 where that is not known."""
    if isinstance(function, FunctionType) and not hasattr(function, "__wrapped__"):
        return function.__code__.co_argcount - len(function.__defaults__ or ())
    import inspect  # takes a while, and is seldom needed

    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 1
    return sum(
        p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty
        for p in parameters
    )


def _left(leave: SystemExit, trial: Trial) -> int:
    """sys.exit(): its status as Python has it."""
    if isinstance(leave, TrialStopped) or leave.code is None or leave.code == 0:
        trial.say("end")
        return 0
    if isinstance(leave.code, int):
        return leave.code & 0xFF or 1
    print(leave.code, file=sys.stderr)
    trial.say("error", "sys.exit: %s" % (leave.code,))
    return 1


def _failed(error: BaseException, trial: Trial) -> int:
    own = user_part(error.__traceback__)
    traceback.print_exception(type(error), error, own)
    trial.say("error", describe(error))
    if isinstance(error, KeyboardInterrupt):
        sys.stdout.flush()
        sys.stderr.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    return 1


def user_part(tb: Optional[TracebackType]) -> Optional[TracebackType]:
    """A traceback without the frames before the user's own; all of it where there are none."""
    at = tb
    while at is not None and _is_ours(at.tb_frame.f_code.co_filename):
        at = at.tb_next
    return at if at is not None else tb


def _is_ours(file: str) -> bool:
    return os.path.abspath(file).startswith(_OURS) or file.startswith("<frozen importlib")


def describe(error: BaseException) -> str:
    """In a line: `ValueError: what (train.py:12, in step)`, the place the last one that is not
    this package's."""
    what = traceback.format_exception_only(type(error), error)[-1].strip()
    places: list[tuple[str, int, str]] = [
        (frame.filename, frame.lineno or 0, frame.name)
        for frame in traceback.extract_tb(error.__traceback__)
        if not _is_ours(frame.filename)
    ]
    if not places:
        return what
    file, line, name = places[-1]
    return "%s (%s:%d, in %s)" % (what, os.path.basename(file), line, name)
