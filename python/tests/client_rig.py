"""What tests of the client's side share: the package, a folder, and what may not be installed."""

import importlib
import os
import shutil
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

PYTHON = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, PYTHON)


def folder_of(test: unittest.TestCase) -> Path:
    """An empty folder, until the test ends."""
    folder = tempfile.mkdtemp(prefix="assay-test-")
    test.addCleanup(shutil.rmtree, folder)
    return Path(folder)


def needs(test: unittest.TestCase, module: str) -> Any:
    """The module; without it the test is passed over."""
    try:
        return importlib.import_module(module)
    except ImportError:
        return test.skipTest(module + " is not installed")
