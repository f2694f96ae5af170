"""Keras in a trial: a callback of `fit` that reports each epoch, and saves and goes on.

    import assay.keras

    def train(config):
        import keras
        model = ...                                    # built and compiled, of config
        report = assay.keras.ReportCallback()
        model.fit(x, y, epochs=81, initial_epoch=report.initial_epoch, callbacks=[report])

Each epoch is one result: what Keras logs of it (`loss`, `val_accuracy`, ...), as numbers. A verdict
to stop ends `fit` as `model.stop_training` does, so that what stands behind it still runs, within 5
seconds; a pause ends the trial inside `fit`, behind its checkpoint.

It needs Keras 3, with any of its engines; nothing here imports it before a callback is made.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, cast

from . import library
from .errors import UsageError
from .trial import current_trial

if TYPE_CHECKING:
    from typing_extensions import Self

WEIGHTS = "model.weights.h5"
NOTE = "epoch.json"
"""Of a checkpoint: JSON, {"epoch": epochs that it holds, "learning_rate": what the model was
compiled with, or null}."""


class ReportCallback:
    """Reports each epoch; a `keras.callbacks.Callback` as soon as it is made.

    save: whether checkpoints are made of the model, its optimizer with it: every `checkpoint_freq`
    epochs, before a pause, and with `checkpoint_at_end` at the end of `fit`. The trial then goes on
    from there: pass `initial_epoch` to `fit`. Only the learning rate may be another one by then, as
    population based training has it: that which the model was compiled with anew counts.

    initial_epoch: epochs that the checkpoint holds; 0 where there is none.

    Raises UsageError where Keras is not installed, where the checkpoint is not one of this class,
    and, from the first `fit` behind a checkpoint, where that begins at another epoch.
    """

    model: Any  # Keras sets it

    def __new__(cls, *what: Any, **more: Any) -> Self:
        """An instance of a class that is Keras's as well."""
        mend = "pip install keras, and one of its engines"
        own: Any = cls
        whole: Any = library.below(own, "keras.callbacks", "Callback", mend)
        return cast("Self", object.__new__(whole))

    def __init__(self, save: bool = True) -> None:
        super().__init__()
        self.save = save
        self.initial_epoch = 0
        self._epochs = 0  # in all, with those of the checkpoint
        self._compiled: Optional[float] = None
        self._folder = current_trial().get_checkpoint() if save else None
        self._note: dict[str, Any] = {}
        if self._folder is not None:
            self._note = _read(self._folder / NOTE)
            self.initial_epoch = self._epochs = self._note["epoch"]

    def on_train_begin(self, logs: Optional[dict[str, Any]] = None) -> None:
        """`fit` begins: the model is what the checkpoint holds."""
        self._compiled = _learning_rate(self.model)
        if self._folder is not None:
            self.model.load_weights(self._folder / WEIGHTS)
            if self._compiled is not None and self._compiled != self._note["learning_rate"]:
                with contextlib.suppress(TypeError):  # a schedule, which stays what it is
                    self.model.optimizer.learning_rate = self._compiled

    def on_epoch_begin(self, epoch: int, logs: Optional[dict[str, Any]] = None) -> None:
        """The first one has to be that behind the checkpoint."""
        if self._folder is not None and epoch != self.initial_epoch:
            raise UsageError(
                "fit",
                "it begins with epoch %d, and the checkpoint holds %d"
                % (epoch, self.initial_epoch),
                "fit(..., initial_epoch=report.initial_epoch, callbacks=[report])",
            )
        self._folder = None

    def on_epoch_end(self, epoch: int, logs: Optional[dict[str, Any]] = None) -> None:
        """One result, and a checkpoint where one is due."""
        self._epochs += 1
        result = {name: float(value) for name, value in (logs or {}).items()}
        if library.step(result, self._save if self.save else None):
            self.model.stop_training = True

    def on_train_end(self, logs: Optional[dict[str, Any]] = None) -> None:
        """What `checkpoint_at_end` wants."""
        library.at_end(self._save if self.save else None)

    def _save(self, folder: Path) -> None:
        self.model.save_weights(folder / WEIGHTS)
        note = {"epoch": self._epochs, "learning_rate": self._compiled}
        (folder / NOTE).write_text(json.dumps(note), encoding="utf-8")


def _learning_rate(model: Any) -> Optional[float]:
    """The optimizer's, now; None: there is no optimizer."""
    optimizer = getattr(model, "optimizer", None)
    return None if optimizer is None else float(optimizer.learning_rate)


def _read(path: Path) -> dict[str, Any]:
    try:
        note: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return note
    except (OSError, ValueError) as error:
        raise library.not_ours(error) from None
