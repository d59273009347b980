"""The files for clusters in ``docs/scale``: they parse, and do what they say before a stand-in scheduler."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

FOLDER = Path(__file__).parent.parent / "docs" / "scale"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")

STAND_INS = {
    "scontrol": 'if [[ $1 == show ]]; then echo node-a; echo node-b; else echo "$@" >> "$CALLS"; fi',
    "srun": 'echo "$@" >> "$CALLS"; mkdir -p "$RUN"; echo "$SAID" > "$RUN/train.log"; exit "$STATUS"',
}


def submit(folder, *arguments, said="", status=0, **variables):
    """Run the batch script as SLURM would; returns its exit status and what it called."""
    for name, body in STAND_INS.items():
        path = folder / name
        path.write_text(f"#!/bin/bash\n{body}\n")
        path.chmod(0o755)
    calls = folder / "calls"
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "CALLS": str(calls),
        "RUN": str(folder / "runs" / variables.pop("RUN", "cifar10")),
        "SAID": said,
        "STATUS": str(status),
        "VICREG_RUNS": str(folder / "runs"),
        "SLURM_JOB_ID": "12345",
        "SLURM_JOB_NODELIST": "node-[a-b]",
        "SLURM_NNODES": "2",
        "SLURM_GPUS_ON_NODE": "4",
        **variables,
    }
    command = ["bash", str(FOLDER / "slurm.sh"), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, calls.read_text().splitlines() if calls.exists() else []


def test_the_batch_script_starts_torchrun_on_every_node_with_a_command_that_can_be_repeated(tmp_path):
    status, (started,) = submit(tmp_path, "vision/cifar10", "train.epochs=5")
    assert status == 0
    for part in (
        "--nnodes=2 --nproc-per-node=4",
        "--rdzv-endpoint=node-a:32345",
        "-m vicreg_core train vision/cifar10 train.epochs=5",
        f"--out {tmp_path}/runs/cifar10 --resume",
    ):
        assert part in started


def test_a_run_that_a_signal_stopped_is_queued_again_and_one_that_failed_is_not(tmp_path):
    said = "ended early: stopped by a signal after step 120"
    status, calls = submit(tmp_path, "vision/cifar10", said=said, status=138)
    assert (status, calls[1:]) == (138, ["requeue 12345"])
    (tmp_path / "calls").unlink()
    status, calls = submit(tmp_path, "vision/cifar10", said="ended early: the loss is nan", status=1)
    assert (status, calls[1:]) == (1, [])


def test_tasks_of_an_array_are_runs_of_their_own(tmp_path):
    status, calls = submit(
        tmp_path,
        "vision/cifar10",
        said="stopped by a signal",
        status=143,
        RUN="cifar10-2",
        SLURM_ARRAY_TASK_ID="2",
        SLURM_ARRAY_JOB_ID="12000",
    )
    assert status == 143
    assert f"train vision/cifar10 seed=2 --out {tmp_path}/runs/cifar10-2 --resume" in calls[0]
    assert calls[1:] == ["requeue 12000_2"]


@pytest.mark.parametrize("name", ["trainjob.yaml", "pytorchjob.yaml"])
def test_the_manifests_start_a_run_that_can_be_repeated(name):
    manifest = yaml.safe_load((FOLDER / name).read_text())
    if manifest["kind"] == "TrainJob":
        trainer = manifest["spec"]["trainer"]
        command = [*trainer["command"], *trainer["args"]]
        pod = manifest["spec"]["podTemplateOverrides"][0]["spec"]
    else:
        pod = manifest["spec"]["pytorchReplicaSpecs"]["Worker"]["template"]["spec"]
        command = pod["containers"][0]["command"]
        elastic = manifest["spec"]["elasticPolicy"]
        assert elastic["minReplicas"] <= elastic["maxReplicas"]
    assert command[0] == "torchrun"
    assert command[command.index("-m") + 1 :][:2] == ["vicreg_core", "train"]
    assert command[-1] == "--resume"
    mounts = {each["name"] for each in pod["containers"][0]["volumeMounts"]}
    assert mounts == {each["name"] for each in pod["volumes"]} == {"runs", "data", "shm"}
    assert pod["terminationGracePeriodSeconds"] >= 60
