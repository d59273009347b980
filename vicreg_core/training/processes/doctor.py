"""What of a machine, or of a group of processes, would be in the way of a run."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Literal, NamedTuple

import torch

from vicreg_core.data.workers import cores
from vicreg_core.distributed import all_reduce_sum, barrier, gather_integers, is_distributed, rank, world_size

_SHARED_MEMORY = Path("/dev/shm")
_LEAST_SHARED = 1 << 30
_LEAST_FILES = 4096
_LEAST_DISK = 5 << 30
_MOST_SKEW = 1.0
"""Seconds that the clocks of processes may differ by before their logs cannot be read side by side."""
_BYTES, _REPEATS = 1 << 26, 5


class Finding(NamedTuple):
    """One line of the doctor's.

    Attributes:
        what: was looked at.
        found: in words.
        mend: what to do about it; empty where it is well.
    """

    what: str
    found: str
    mend: str = ""

    @property
    def state(self) -> Literal["ok", "mend"]:
        """Whether there is something to do."""
        return "mend" if self.mend else "ok"


def examine(device: torch.device, folder: Path) -> list[Finding]:
    """Look at this process's machine; called in every process of a group, collectively.

    Args:
        device: that a run would train on.
        folder: that runs would be written into.
    """
    return [
        _torch(device),
        _cores(),
        *_shared_memory(),
        *_open_files(),
        _disk(folder),
        *(_group(device) if is_distributed() else [Finding("processes", "one")]),
    ]


def _torch(device: torch.device) -> Finding:
    kinds = [f"{torch.cuda.device_count()} CUDA device(s)"] if torch.cuda.is_available() else []
    return Finding("torch", f"{torch.__version__}, trains on {device.type}{', '.join(['', *kinds])}")


def _cores() -> Finding:
    own = cores()
    threads = torch.get_num_threads()
    found = f"{own} of {os.cpu_count()} cores, {threads} thread(s)"
    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if threads * local <= own:
        return Finding("cores", found)
    crowd = f"{local} process(es) of {threads} threads share {own} cores"
    return Finding("cores", found, f"{crowd}: set OMP_NUM_THREADS={max(1, own // local)}")


def _shared_memory() -> list[Finding]:
    if not _SHARED_MEMORY.is_dir():
        return []
    size = shutil.disk_usage(_SHARED_MEMORY).total
    found = f"{size / 2**30:.1f} GiB in {_SHARED_MEMORY}"
    mend = "loader workers hand batches on in it: give the container more (--shm-size=8g), or data.workers=0"
    return [Finding("shared memory", found, mend if size < _LEAST_SHARED else "")]


def _open_files() -> list[Finding]:
    try:
        import resource
    except ImportError:  # Windows has no such module
        return []
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = soft == resource.RLIM_INFINITY
    mend = f"loader workers and shards hold many open: ulimit -n {min(hard, 65_536) if hard > 0 else 65_536}"
    found = "without limit" if unlimited else f"at most {soft:,}"
    return [Finding("open files", found, "" if unlimited or soft >= _LEAST_FILES else mend)]


def _disk(folder: Path) -> Finding:
    there = next(each for each in (folder, *folder.resolve().parents) if each.is_dir())
    free = shutil.disk_usage(there).free
    found = f"{free / 2**30:,.1f} GiB free at {there}"
    if not os.access(there, os.W_OK):
        return Finding("disk", found, f"{there} may not be written to: name another --out")
    return Finding("disk", found, "checkpoints need room: name another --out" if free < _LEAST_DISK else "")


def _group(device: torch.device) -> list[Finding]:
    backend = torch.distributed.get_backend()
    mend = "nccl is many times faster between GPUs" if device.type == "cuda" and backend != "nccl" else ""
    return [
        Finding("processes", f"{world_size()}, this is {rank()}, over {backend}", mend),
        _bandwidth(device),
        _clocks(device),
    ]


def _bandwidth(device: torch.device) -> Finding:
    """Of an all-reduce: bytes that every process has to send, over the time it took."""
    tensor = torch.ones(_BYTES // 4, device=device)
    all_reduce_sum(tensor)
    seconds = []
    for _ in range(_REPEATS):
        barrier()
        start = time.perf_counter()
        float(all_reduce_sum(tensor)[0])
        seconds.append(time.perf_counter() - start)
    moved = 2 * (world_size() - 1) / world_size() * _BYTES
    rate = moved / min(seconds) / 1e9
    return Finding(
        "all-reduce", f"{_BYTES >> 20} MiB in {1000 * min(seconds):.1f} ms, {rate:.2f} GB/s a process"
    )


def _clocks(device: torch.device) -> Finding:
    """Read right after a barrier, which lets all processes go at about the same moment."""
    barrier()
    times = [row[0] for row in gather_integers([int(1000 * time.time())], device)]
    skew = (max(times) - min(times)) / 1000
    mend = "set the machines' clocks by NTP, or their logs cannot be read side by side"
    return Finding("clocks", f"differ by {skew:.2f} s", mend if skew > _MOST_SKEW else "")
