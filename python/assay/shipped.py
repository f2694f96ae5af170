"""What was shipped as bytes, on a node. Nothing else of the client's side is imported there."""

import importlib
import json
import os
import sys
from typing import Any

MODULE = "assay_shipped"
"""The module on the nodes that what is shipped becomes."""


def unpack(module_file: str) -> Any:
    """On a node: what was shipped beside module_file. Raises RuntimeError for another Python."""
    with open(os.path.join(os.path.dirname(module_file), MODULE + ".pkl"), "rb") as file:
        head = json.loads(file.readline())
        data = file.read()
    here, there = tuple(sys.version_info[:2]), tuple(head["python"])
    if here != there:
        raise RuntimeError(
            "it was shipped by Python %d.%d and this node's is %d.%d (%s): start the worker with "
            "ASSAY_PYTHON=python%d.%d, or put the trainable into a module, which any Python imports"
            % (*there, *here, sys.executable, *there)
        )
    importlib.import_module("cloudpickle")
    return importlib.import_module("pickle").loads(data)
