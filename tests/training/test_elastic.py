"""Under ``torchrun``: a killed process costs what came after the last checkpoint, and nobody has to act."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

from tests.broken_plugins.planting import environment_with, plant_example

pytestmark = [
    pytest.mark.slow,
    pytest.mark.distributed,
    pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc"),
]

TRAIN = [
    *("-m", "vicreg_core", "train", "signals/quickstart", "data.samples=64", "train.batch_size=32"),
    *("train.epochs=null", "train.steps=300", "train.log_every=20", "train.checkpoint_every=20"),
    "train.precision=float32",
    *("evaluate.protocols=[knn]", "evaluate.baselines=false"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    plant_example(folder)
    return folder


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def start(site: Path, out: str, *options: str, more: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "torch.distributed.run", *options, *TRAIN, "--out", out, *more]
    environment = os.environ | environment_with(site) | {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, cwd=site, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def weights(site: Path, out: str):
    return load_file(site / out / "model" / "model.safetensors")


def same(one, other) -> bool:
    return one.keys() == other.keys() and all(one[name].equal(other[name]) for name in one)


def worker(site: Path, out: str, rank: int) -> int:
    """The process of a rank."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                environment = (entry / "environ").read_bytes().split(b"\0")
                command = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if f"RANK={rank}".encode() in environment and out.encode() in command:
                return int(entry.name)
    raise AssertionError("no such process")


def wait_for_checkpoint(site: Path, out: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not list((site / out).glob("checkpoints/step-*")):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def undisturbed(site):
    process = start(site, "undisturbed", "--standalone", "--nproc-per-node=2")
    said, _ = process.communicate(timeout=200)
    assert process.returncode == 0, said
    return weights(site, "undisturbed")


def test_a_killed_process_is_started_again_and_the_run_ends_bitwise_equal(site, undisturbed):
    process = start(site, "killed", "--standalone", "--nproc-per-node=2", "--max-restarts=2")
    wait_for_checkpoint(site, "killed", process)
    os.kill(worker(site, "killed", 1), signal.SIGKILL)
    said, _ = process.communicate(timeout=200)
    assert process.returncode == 0, said
    assert "resumed after step" in said
    assert same(weights(site, "killed"), undisturbed)
    steps = [
        json.loads(line)["step"] for line in (site / "killed" / "metrics.jsonl").read_text().splitlines()
    ]
    assert steps == list(range(20, 301, 20))


def test_two_agents_play_two_nodes(site, undisturbed):
    endpoint = f"--rdzv-endpoint=127.0.0.1:{free_port()}"
    options = ["--nnodes=2", "--nproc-per-node=1", "--rdzv-backend=c10d", "--rdzv-id=nodes", endpoint]
    agents = [start(site, "nodes", *options, "--local-addr=127.0.0.1") for _ in range(2)]
    for agent in agents:
        said, _ = agent.communicate(timeout=200)
        assert agent.returncode == 0, said
    assert same(weights(site, "nodes"), undisturbed)


def test_with_fewer_processes_a_run_goes_on_with_the_same_batches(site, undisturbed):
    process = start(site, "fewer", "--standalone", "--nproc-per-node=2")
    wait_for_checkpoint(site, "fewer", process)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=100)
    assert process.returncode != 0
    process = start(site, "fewer", "--standalone", "--nproc-per-node=1", more=("--resume",))
    said, _ = process.communicate(timeout=200)
    assert process.returncode == 0, said
    assert "resumed after step" in said
    # Other roundings from there on, and no other batch.
    for one, other in zip(losses(site, "fewer"), losses(site, "undisturbed"), strict=True):
        assert one == pytest.approx(other, rel=0.02)


def losses(site: Path, out: str) -> list[float]:
    lines = (site / out / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]
