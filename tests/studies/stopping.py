"""Stops a study while it runs, as a user or the system would."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tests.broken_plugins.planting import environment_with


def stopped_after(command: Sequence[str], site: Path, mark: str, kind: int) -> str:
    """Start a command, send it a signal soon after a line with ``mark``, and return what else it said."""
    process = subprocess.Popen(
        command, cwd=site, env=os.environ | environment_with(site), stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if mark in line:
            break
    time.sleep(0.3)
    process.send_signal(kind)
    return process.communicate(timeout=60)[1]
