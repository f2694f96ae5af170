"""XGBoost in a trial: a callback of `train` that reports each round, and saves and goes on.

    import assay.xgboost

    def train(config):
        import xgboost
        report = assay.xgboost.ReportCallback()
        xgboost.train(config, data, report.rounds(100), evals=[(test, "test")],
                      xgb_model=report.model, callbacks=[report], verbose_eval=False)

Each round is one result: the metrics of all `evals`, named as XGBoost prints them (`test-logloss`).
A verdict to stop ends boosting, so that what stands behind `train` still runs, within 5 seconds; a
pause ends the trial inside, behind its checkpoint.

Nothing here imports XGBoost before a callback is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, cast

from . import library
from .errors import UsageError
from .trial import current_trial

if TYPE_CHECKING:
    from typing_extensions import Self

MODEL = "model.ubj"
"""Of a checkpoint: the booster, as XGBoost saves it."""


class ReportCallback:
    """Reports each round; an `xgboost.callback.TrainingCallback` as soon as it is made.

    save: whether checkpoints are made of the booster: every `checkpoint_freq` rounds, before a
    pause, and with `checkpoint_at_end` at the end of `train`. The trial then goes on from there:
    pass `model` and `rounds` to `train`.

    model: the path of the booster to go on with; None: there is none.

    Raises UsageError where XGBoost is not installed, where the checkpoint is not one of this class,
    and where boosting begins with another booster than that of the checkpoint.
    """

    def __new__(cls, *what: Any, **more: Any) -> Self:
        """An instance of a class that is XGBoost's as well."""
        mend = "pip install xgboost"
        own: Any = cls
        whole: Any = library.below(own, "xgboost.callback", "TrainingCallback", mend)
        return cast("Self", object.__new__(whole))

    def __init__(self, save: bool = True) -> None:
        super().__init__()
        self.save = save
        self.model: Optional[str] = None
        self._done = 0  # rounds of the checkpoint
        folder = current_trial().get_checkpoint() if save else None
        if folder is not None:
            self.model = str(folder / MODEL)
            self._done = _rounds(self.model)

    def rounds(self, total: int) -> int:
        """Rounds that are left of so many."""
        return max(0, total - self._done)

    def before_training(self, model: Any) -> Any:
        """It has to be the booster of the checkpoint that is gone on with."""
        if self.model is not None and model.num_boosted_rounds() != self._done:
            raise UsageError(
                "train",
                "the booster has %d rounds, and that of the checkpoint %d"
                % (model.num_boosted_rounds(), self._done),
                "train(..., xgb_model=report.model, callbacks=[report])",
            )
        return model

    def after_iteration(
        self, model: Any, epoch: int, evals_log: Mapping[str, Mapping[str, list[float]]]
    ) -> bool:
        """One result, and a checkpoint where one is due. True: boosting ends."""
        result = {
            "%s-%s" % (data, metric): float(values[-1])
            for data, metrics in evals_log.items()
            for metric, values in metrics.items()
        }
        return library.step(result, self._saver(model))

    def after_training(self, model: Any) -> Any:
        """What `checkpoint_at_end` wants."""
        library.at_end(self._saver(model))
        return model

    def _saver(self, model: Any) -> Optional[library.Save]:
        def save(folder: Path) -> None:
            model.save_model(str(folder / MODEL))

        return save if self.save else None


def _rounds(path: str) -> int:
    """Of a booster that was saved."""
    import xgboost

    try:
        return int(xgboost.Booster(model_file=path).num_boosted_rounds())
    except xgboost.core.XGBoostError as error:
        raise library.not_ours(error) from None
