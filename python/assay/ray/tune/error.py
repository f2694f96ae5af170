"""What tune raises."""

from ...errors import AssayError


class TuneError(AssayError):
    """An experiment that cannot be, or that did not go well.

    analysis: what there is of it, where it has run.
    """

    analysis: object = None
