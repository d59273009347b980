"""One thread a process: tests are small, and several run beside each other on shared machines."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
