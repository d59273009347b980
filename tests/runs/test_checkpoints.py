"""Checkpoints: atomic, guarded, and no code in them."""

from __future__ import annotations

import json
import os
import pickle

import pytest
import torch

from vicreg_core.errors import RunError
from vicreg_core.files import sealed, sha256
from vicreg_core.runs.checkpoints import (
    load_checkpoint,
    newest_good,
    restore_newest,
    save_checkpoint,
    steps_saved,
)


def state(step):
    return {"step": step, "model": {"w": torch.arange(3.0) * step}, "nested": [(1, 2.5, "x", None)]}


def whole(step):
    return state(step) | {"optimizer": {}, "scaler": {}, "average": None, "monitor": {}}


def reseal(path):
    """Checksums that fit what lies there, as a stranger would write them."""
    meta = json.loads((path / "meta.json").read_text())
    meta = {k: v for k, v in meta.items() if k != "checksum"} | {
        "sha256": {"state.pt": sha256(path / "state.pt")}
    }
    (path / "meta.json").write_text(json.dumps(sealed(meta)))


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
    with pytest.raises(RunError, match=r"step-000001/state\.pt is damaged"):
        load_checkpoint(path, "print")


def test_a_pickle_with_code_is_not_executed(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "exploded"), "w"))

    path = save_checkpoint(tmp_path, 1, state(1), "print", keep=1)
    (path / "state.pt").write_bytes(pickle.dumps(Bomb()))
    reseal(path)
    with pytest.raises(RunError, match="cannot be read"):
        load_checkpoint(path, "print")
    torch.save({"x": Bomb()}, path / "state.pt")
    reseal(path)
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


def test_a_flipped_bit_is_seen_wherever_it_is(tmp_path):
    path = save_checkpoint(tmp_path, 1, whole(1), "print", keep=1)
    for name in ("state.pt", "meta.json"):
        content = (path / name).read_bytes()
        for place in range(0, len(content), 37):
            flipped = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
            (path / name).write_bytes(flipped)
            with pytest.raises(RunError):
                load_checkpoint(path, "print")
        (path / name).write_bytes(content)
    load_checkpoint(path, "print")


def truncated(path):
    (path / "state.pt").write_bytes((path / "state.pt").read_bytes()[:-20])


def emptied(path):
    (path / "state.pt").write_bytes(b"")


def gutted(path):
    (path / "state.pt").unlink()


def without_meta(path):
    (path / "meta.json").unlink()


def strange_meta(path):
    (path / "meta.json").write_text("[1, 2]")


def without_an_optimizer(path):
    torch.save({k: v for k, v in whole(2).items() if k != "optimizer"}, path / "state.pt")
    reseal(path)


def a_list(path):
    torch.save([1, 2], path / "state.pt")
    reseal(path)


def of_another_shape(path):
    torch.save(whole(2) | {"model": {"w": torch.zeros(7)}}, path / "state.pt")
    reseal(path)


def take_into(restored):
    def take(found):
        if found["model"]["w"].shape != (3,):
            raise RuntimeError("size mismatch for w")
        restored.append(found["step"])

    return take


@pytest.mark.parametrize(
    "damage",
    [truncated, emptied, gutted, without_meta, strange_meta, without_an_optimizer, a_list, of_another_shape],
)
def test_a_damaged_newest_is_set_aside_and_the_one_before_it_taken(tmp_path, damage):
    for step in (1, 2):
        path = save_checkpoint(tmp_path, step, whole(step), "print", keep=2)
    damage(path)
    restored, said = [], []
    restore_newest(tmp_path, "print", "cpu", take_into(restored), said.append)
    assert restored == [1]
    assert len(said) == 1
    assert "set aside as" in said[0]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["damaged-step-000002", "step-000001"]


def test_where_none_is_whole_it_says_so_and_what_to_do(tmp_path):
    emptied(save_checkpoint(tmp_path, 1, whole(1), "print", keep=2))
    with pytest.raises(RunError, match=r"none of the checkpoints .*steps 1.*--overwrite"):
        restore_newest(tmp_path, "print", "cpu", lambda _: None, lambda _: None)


def test_a_checkpoint_of_another_recipe_is_refused_and_stays(tmp_path):
    save_checkpoint(tmp_path, 1, whole(1), "one", keep=2)
    with pytest.raises(RunError, match="another recipe"):
        restore_newest(tmp_path, "two", "cpu", lambda _: None, lambda _: None)
    assert steps_saved(tmp_path) == [1]


def test_weights_that_are_not_finite_are_neither_good_nor_continued_from(tmp_path):
    save_checkpoint(tmp_path, 1, whole(1), "print", keep=2)
    bad = whole(2) | {"model": {"w": torch.tensor([1.0, float("nan"), 2.0])}}
    save_checkpoint(tmp_path, 2, bad, "print", keep=2)
    assert newest_good(tmp_path).name == "step-000001"
    restored, said = [], []
    restore_newest(tmp_path, "print", "cpu", take_into(restored), said.append)
    assert restored == [1]
    assert "NaN or infinity" in said[0]
