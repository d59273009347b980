"""Several processes on one machine, or one of the processes ``torchrun`` started.

``--nproc`` meets through a file and talks over the loopback interface: nothing listens on the network.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException
from torch.multiprocessing.spawn import spawn as spawn_processes

from vicreg_core.errors import TrainingFailed, VicregError
from vicreg_core.training.processes.signals import STOPPING

_LOOPBACK = {"linux": "lo", "darwin": "lo0"}


def local_device(device: torch.device) -> torch.device:
    """The device of this process: one GPU a local rank where there are several processes."""
    local_rank = os.environ.get("LOCAL_RANK")
    if device.type != "cuda" or device.index is not None or local_rank is None:
        return device
    return torch.device("cuda", int(local_rank))


@contextmanager
def process_group(device_type: str, **address: Any) -> Iterator[None]:
    """A process group over nccl on GPUs and gloo on CPUs, destroyed on leaving."""
    if restarted() and not address:
        address = _address_after_restart()
    torch.distributed.init_process_group("nccl" if device_type == "cuda" else "gloo", **address)
    try:
        yield
    finally:
        # What still holds the group, such as a model under DDP in a cycle of references, would keep its
        # threads running into the end of the process, which aborts it.
        gc.collect()
        torch.distributed.destroy_process_group()


def _address_after_restart() -> dict[str, Any]:
    """Where a group meets that ``torchrun`` started anew.

    Its agent's store outlives the group that failed and still holds where those processes listened; torch
    2.14 does not tell the two apart, and who comes early asks the dead.
    """
    distributed: Any = torch.distributed
    store, rank, world_size = next(distributed.rendezvous("env://"))
    attempt = os.environ["TORCHELASTIC_RESTART_COUNT"]
    own = distributed.PrefixStore(f"attempt-{attempt}", store)
    return {"store": own, "rank": rank, "world_size": world_size}


def started_by_torchrun() -> bool:
    """Whether this process is one of several that an outer launcher started."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def restarted() -> bool:
    """Whether ``torchrun`` started this process anew because one of the group had failed."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0


def spawn(function: Callable[..., None], args: tuple[Any, ...], processes: int, device_type: str) -> None:
    """Run ``function(*args)`` in ``processes`` processes that form a process group; wait for all of them.

    SIGINT, SIGTERM and SIGUSR1 are handed on to the processes, which stop together.

    Raises:
        VicregError: the first that a process raised, with its exit code.
    """
    with tempfile.TemporaryDirectory(prefix="vicreg-") as folder:
        worker_args = (processes, device_type, folder, function, args)
        context = spawn_processes(_worker, worker_args, nprocs=processes, join=False)
        with _forward_signals(context.pids()):
            try:
                while not context.join(timeout=1.0):
                    pass
            except (ProcessExitedException, ProcessRaisedException) as stopped:
                # A process that was left alone in a collective fails too, and may be the first seen to.
                raise _reported(Path(folder)) or _ended(stopped) from None


def _worker(
    rank: int,
    processes: int,
    device_type: str,
    folder: str,
    function: Callable[..., None],
    args: tuple[Any, ...],
) -> None:
    if sys.platform in _LOOPBACK:
        for variable in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
            os.environ.setdefault(variable, _LOOPBACK[sys.platform])
    os.environ["LOCAL_RANK"] = str(rank)
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // processes))
    if device_type == "cuda":
        torch.cuda.set_device(rank)
    store = Path(folder, "store").as_uri()
    with process_group(device_type, init_method=store, rank=rank, world_size=processes):
        try:
            function(*args)
        except VicregError as error:
            # Written before the group is left, which is what the others notice.
            report = {"message": str(error), "exit_code": error.exit_code}
            Path(folder, f"rank-{rank}.json").write_text(json.dumps(report), encoding="utf-8")
            sys.exit(error.exit_code)


def _reported(folder: Path) -> VicregError | None:
    """The error that the lowest rank wrote down before it left."""
    for path in sorted(folder.glob("rank-*.json")):
        report = json.loads(path.read_text(encoding="utf-8"))
        error = VicregError(report["message"])
        error.exit_code = report["exit_code"]
        return error
    return None


def _ended(stopped: ProcessExitedException | ProcessRaisedException) -> Exception:
    """The error of a process that a signal ended, which leaves no words; else what stopped it."""
    name = getattr(stopped, "signal_name", None)
    if name is None:
        return stopped
    reason = "; the system does that where memory runs out" if name == "SIGKILL" else ""
    return TrainingFailed(
        f"process {stopped.error_index} of the run was ended by {name}{reason}, and the others with it. "
        "What is in its last checkpoint is kept: go on with the same command and --resume, with a smaller "
        "train.batch_size or fewer data.workers where memory was short"
    )


@contextmanager
def _forward_signals(pids: list[int]) -> Iterator[None]:
    def forward(number: int, frame: FrameType | None) -> None:
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue

    numbers = [getattr(signal, name) for name in STOPPING if hasattr(signal, name)]
    previous = {number: signal.signal(number, forward) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
