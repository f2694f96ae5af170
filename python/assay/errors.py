"""What goes wrong at the client: one line of what and why, and one of what would mend it.

try:
    assay.run(train, config={"lr": assay.uniform(0, 1)})
except assay.AssayError as error:
    print(error.what, error.why, error.mend)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from .analysis import Analysis


class AssayError(Exception):
    """Anything that Assay refuses or cannot do.

    what: the thing that it is about; why: the reason; mend: what to do, "" where nobody knows.
    Its text is `WHAT: WHY` and, below it, `  try: MEND`.
    """

    def __init__(self, what: str, why: str, mend: str = "") -> None:
        super().__init__(what, why, mend)
        self.what = what
        self.why = why
        self.mend = mend

    def __str__(self) -> str:
        text = "%s: %s" % (self.what, self.why)
        return text + "\n  try: " + self.mend if self.mend else text


class UsageError(AssayError):
    """What was asked for cannot be: a wrong argument, or a bad experiment (exit status 2)."""


class NoHeadError(AssayError):
    """No head is there (3)."""


class DeniedError(AssayError):
    """This key may not do it (4)."""


class TimedOutError(AssayError):
    """It was not done in the time that was given (5)."""


class RefusedError(AssayError):
    """The head refused: no such thing, a limit, a conflict (6)."""


class InternalError(AssayError):
    """Our own fault, or this machine's (70, or a program of ours was killed)."""


class TrialsFailedError(AssayError):
    """The experiment has ended and some of its trials failed (1).

    analysis: all that there is of it.
    """

    def __init__(self, what: str, why: str, mend: str, analysis: Optional[Analysis] = None) -> None:
        super().__init__(what, why, mend)
        self.analysis = analysis


class Interrupted(KeyboardInterrupt):
    """Ctrl-C: the trials were stopped, and what they reported is kept.

    analysis: what there is of it; None where a second Ctrl-C ended everything at once.
    """

    def __init__(self, text: str, analysis: Optional[Analysis] = None) -> None:
        super().__init__(text)
        self.analysis = analysis


_BY_STATUS: dict[int, type[AssayError]] = {
    2: UsageError,
    3: NoHeadError,
    4: DeniedError,
    5: TimedOutError,
    6: RefusedError,
}


def of_program(status: int, stderr: str, what: str, made: Optional[str] = None) -> AssayError:
    """The error that a program of ours ended with: of its exit status and its two lines.

    what: the thing that it was asked for, where it said nothing; made: a file that was made for it:
    places in there tell nobody anything.
    """
    if made is not None:
        stderr = re.sub(re.escape(made) + r":\d+:\d+: ", "", stderr)
    subject, why, mend = what, "", ""
    for line in stderr.splitlines():
        if line.startswith("  try: ") and why:
            mend = line[len("  try: ") :]
        elif line.startswith("assay: "):
            subject, _, why = line[len("assay: ") :].partition(": ")
    if not why:
        tail = stderr.strip()[-2000:]
        why = tail or "assay ended with status %d and said nothing" % status
        mend = "assay doctor looks at this machine and at the head"
    return _BY_STATUS.get(status, InternalError)(subject, why, mend)
