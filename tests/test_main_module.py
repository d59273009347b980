"""``python -m vicreg_core`` is the command."""

from __future__ import annotations

import subprocess
import sys


def test_it_answers_as_the_command_does():
    done = subprocess.run(
        [sys.executable, "-m", "vicreg_core", "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Usage: ")
    assert "train" in done.stdout
