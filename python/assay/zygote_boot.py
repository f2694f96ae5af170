# What the executor starts an interpreter with: it may be one that cannot read the rest of this
# package, so nothing here is newer than Python 2.7. The folder of this file comes first in sys.path
# and gives way to the one that the package stands in.
import os
import sys

if sys.version_info < (3, 9):
    sys.exit(
        "assay: %s is Python %s: trainables need 3.9 or later; name another one by "
        "`interpreter` in run, or by ASSAY_PYTHON in the worker's environment"
        % (sys.executable, sys.version.split()[0])
    )
_own = os.path.dirname(os.path.abspath(__file__))
sys.path = [path for path in sys.path if os.path.realpath(path) != os.path.realpath(_own)]
sys.path.insert(0, os.path.dirname(_own))

from assay.zygote import main  # noqa: E402

main(sys.argv[1:])
