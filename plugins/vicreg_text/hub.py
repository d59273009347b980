"""What a user names by hub id or local folder is opened without running any code that lies there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from vicreg_core.errors import DataError

T = TypeVar("T")

NO_CODE: dict[str, Any] = {"trust_remote_code": False}
"""For every call of transformers that opens something: else it asks at the terminal, and a yes runs it."""


def opened(what: str, open_: Callable[[], T]) -> T:
    """What ``open_`` gives.

    Args:
        what: key and value of the recipe, for the message.
        open_: a call of transformers or datasets.

    Raises:
        DataError: where it fails: for a name, the network, a damaged file or code that would have to run.
    """
    try:
        return open_()
    except (DataError, ImportError, MemoryError):
        raise
    # A damaged folder fails in whichever library reads the damaged file.
    except Exception as error:
        reason = str(error) or type(error).__name__
        if "trust_remote_code" in reason:
            reason = (
                "it brings Python code of its own (auto_map in its config), and such code is never run; "
                "name a model of an architecture that the installed transformers knows by itself"
            )
        raise DataError(f"{what} cannot be opened: {reason}") from error
