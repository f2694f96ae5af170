"""`python -m assay.ray script.py [ARGUMENTS]`: a Ray Tune script as it is."""

import os
import runpy
import sys

from ..errors import AssayError, Interrupted
from . import install


def main() -> None:
    """Run the script; its exit status is ours."""
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit("assay: python -m assay.ray: no script\n  try: python -m assay.ray script.py")
    script = sys.argv[1]
    if not os.path.isfile(script):
        sys.exit("assay: %s: no such file\n  try: the script's path" % script)
    sys.argv = sys.argv[1:]
    sys.path[0] = os.path.dirname(os.path.abspath(script))
    install()
    try:
        runpy.run_path(script, run_name="__main__")
    except AssayError as error:
        sys.stdout.flush()
        sys.exit("assay: %s" % error)
    except Interrupted as stopped:
        print("%s" % stopped, file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
