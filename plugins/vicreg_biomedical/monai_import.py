"""The one door to MONAI, whose import takes seconds and replaces ``warnings.showwarning``."""

from __future__ import annotations

import importlib
import warnings
from types import ModuleType


def import_monai(name: str) -> ModuleType:
    """Import a module of MONAI, leaving ``warnings.showwarning`` as it was.

    Args:
        name: dotted name such as ``"monai.networks.nets"``.

    Raises:
        ModuleNotFoundError: where MONAI is not installed.
    """
    shown = warnings.showwarning
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)
    finally:
        warnings.showwarning = shown
