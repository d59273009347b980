"""``vicreg doctor``: what is looked at, alone and in a group, and what there is to mend."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import pytest
import torch

from tests.broken_plugins.planting import vicreg
from vicreg_core.training.processes import doctor


def findings(folder):
    return {each.what: each for each in doctor.examine(torch.device("cpu"), folder)}


def test_it_looks_at_the_machine(tmp_path):
    done = vicreg(tmp_path, "doctor", "--json")
    assert done.returncode == 0, done.stderr
    found = {each["what"]: each for each in json.loads(done.stdout)}
    assert {"torch", "cores", "disk", "processes"} <= found.keys()
    assert torch.__version__ in found["torch"]["found"]
    assert found["processes"]["found"] == "one"
    assert all((each["state"] == "mend") == bool(each["mend"]) for each in found.values())


@pytest.mark.distributed
def test_in_a_group_it_measures_what_lies_between(tmp_path):
    done = vicreg(tmp_path, "doctor", "--nproc", "2")
    assert done.returncode == 0, done.stderr
    assert "2, this is 0, over gloo" in done.stdout
    assert "GB/s a process" in done.stdout
    assert "differ by 0." in done.stdout


def test_what_is_short_comes_with_what_to_do(tmp_path, monkeypatch):
    small = SimpleNamespace(total=64 << 20, free=1 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: small)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "1000")
    found = findings(tmp_path / "new")
    assert "checkpoints need room" in found["disk"].mend
    assert "share" in found["cores"].mend
    assert "set OMP_NUM_THREADS=1" in found["cores"].mend
    if "shared memory" in found:
        assert "--shm-size=8g" in found["shared memory"].mend


def test_few_open_files_are_said(tmp_path, monkeypatch):
    resource = pytest.importorskip("resource", reason="Windows has no such limit")
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (256, 100_000))
    assert findings(tmp_path)["open files"].mend.endswith("ulimit -n 65536")
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (resource.RLIM_INFINITY, -1))
    assert findings(tmp_path)["open files"].state == "ok"
