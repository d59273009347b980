"""Checkpoints: atomic, guarded, and no code in them."""

from __future__ import annotations

import os
import pickle

import pytest
import torch

from vicreg_core.errors import RunError
from vicreg_core.runs.checkpoints import load_checkpoint, save_checkpoint, steps_saved


def state(step):
    return {"step": step, "model": {"w": torch.arange(3.0) * step}, "nested": [(1, 2.5, "x", None)]}


def test_round_trip_and_retention(tmp_path):
    for step in (10, 20, 1_000_000):
        path = save_checkpoint(tmp_path, step, state(step), "print", keep=2)
    assert steps_saved(tmp_path) == [20, 1_000_000]
    loaded = load_checkpoint(path, "print")
    assert loaded["model"]["w"].equal(torch.arange(3.0) * 1_000_000)
    assert loaded["nested"] == [(1, 2.5, "x", None)]


def test_another_recipes_checkpoint_is_refused(tmp_path):
    path = save_checkpoint(tmp_path, 1, state(1), "one", keep=1)
    with pytest.raises(RunError, match="another recipe"):
        load_checkpoint(path, "two")


def test_a_truncated_checkpoint_names_itself_and_the_way_out(tmp_path):
    path = save_checkpoint(tmp_path, 1, state(1), "print", keep=1)
    file = path / "state.pt"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(RunError, match=r"step-000001 cannot be read .*remove that folder"):
        load_checkpoint(path, "print")


def test_a_pickle_with_code_is_not_executed(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "exploded"), "w"))

    path = save_checkpoint(tmp_path, 1, state(1), "print", keep=1)
    (path / "state.pt").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(RunError, match="cannot be read"):
        load_checkpoint(path, "print")
    torch.save({"x": Bomb()}, path / "state.pt")
    with pytest.raises(RunError, match="cannot be read"):
        load_checkpoint(path, "print")
    assert not (tmp_path / "exploded").exists()


def test_an_incomplete_folder_is_not_a_checkpoint(tmp_path):
    (tmp_path / ".partial-1-step-000005").mkdir()
    (tmp_path / "notes").mkdir()
    assert steps_saved(tmp_path) == []
    assert steps_saved(tmp_path / "missing") == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_keeps_what_is_there_and_says_how_to_go_on(tmp_path, monkeypatch):
    save_checkpoint(tmp_path, 5, state(5), "print", keep=2)
    save = torch.save
    with open("/dev/full", "wb", buffering=0) as full:
        monkeypatch.setattr(torch, "save", lambda state, stream: save(state, full))
        with pytest.raises(RunError, match=r"step-000010: No space left .* from step 5 with --resume"):
            save_checkpoint(tmp_path, 10, state(10), "print", keep=2)
    assert steps_saved(tmp_path) == [5]
    assert [p.name for p in tmp_path.iterdir()] == ["step-000005"]
