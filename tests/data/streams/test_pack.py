"""``vicreg shards``: a folder or a table as shards, resumably, and a manifest of what is there."""

from __future__ import annotations

import hashlib
import json

import pytest

from tests.broken_plugins.planting import vicreg
from tests.data.streams.toy import rows, write_lines, write_parquet
from vicreg_core.data.streams import pack as packing
from vicreg_core.data.streams.manifest import FILE
from vicreg_core.data.streams.pack import pack
from vicreg_core.data.streams.shards import Shards
from vicreg_core.errors import DataError, RunError


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    for i in range(11):
        path = folder / ("cat" if i % 2 else "dog") / f"{i:02d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes([i]) * 100)
    return folder


def test_a_folder_becomes_shards_with_a_manifest_of_checksums(tmp_path, photos):
    target = tmp_path / "shards"
    made = vicreg(tmp_path, "shards", "pack", str(photos), str(target), "--rows", "4")
    assert made.returncode == 0, made.stderr
    assert "11 rows in 3 shards" in made.stdout
    manifest = json.loads((target / FILE).read_text())
    assert [each["rows"] for each in manifest["shards"]] == [4, 4, 3]
    for each in manifest["shards"]:
        assert hashlib.sha256((target / each["name"]).read_bytes()).hexdigest() == each["sha256"]
    shards = Shards("data.train", [str(target / FILE)])
    cells = [each.content for shard in range(3) for each in shards.rows(shard, 0, int(shards.counts[shard]))]
    assert sorted(cell["path"] for cell in cells) == sorted(
        path.relative_to(photos).as_posix() for path in photos.rglob("*.jpg")
    )
    for cell in cells:
        assert cell["content"] == (photos / cell["path"]).read_bytes()
        assert cell["label"] == cell["path"].split("/")[0]
    assert sorted(path.name for path in target.iterdir()) == [
        FILE,
        *(f"shard-{i:06d}.parquet" for i in range(3)),
    ]


def test_what_was_interrupted_goes_on_and_whole_shards_are_not_written_again(tmp_path, photos, monkeypatch):
    target, write, calls = tmp_path / "shards", packing._write, []

    def failing(block, path):
        calls.append(path.name)
        if calls == ["shard-000000.parquet", "shard-000001.parquet"]:
            raise OSError("stopped")
        return write(block, path)

    monkeypatch.setattr(packing, "_write", failing)
    with pytest.raises(OSError, match="stopped"):
        pack(photos, target, rows=4)
    assert not (target / FILE).exists()
    interrupted = pack(photos, target, rows=4)
    assert calls == ["shard-000000.parquet", *(f"shard-{i:06d}.parquet" for i in (1, 1, 2))]
    assert interrupted == pack(photos, tmp_path / "whole", rows=4)
    (target / "shard-000001.parquet").write_bytes(b"damaged")
    calls.clear()
    assert pack(photos, target, rows=4) == interrupted
    assert calls == ["shard-000001.parquet"]


def test_a_table_becomes_shards_and_its_files_can_be_put_in(tmp_path, photos):
    table = tmp_path / "photos.csv"
    table.write_text("file,kind\nphotos/dog/00.jpg,dog\nphotos/cat/01.jpg,cat\n")
    pack(table, tmp_path / "shards", rows=10, embed="file")
    (first, second) = Shards("data.train", [str(tmp_path / "shards" / FILE)]).rows(0, 0, 2)
    assert first.content == {"file": bytes([0]) * 100, "kind": "dog"}
    assert second.content == {"file": bytes([1]) * 100, "kind": "cat"}


def test_a_table_does_not_reach_files_beyond_its_folder(tmp_path):
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "a.csv").write_text("file\n../secret\n")
    with pytest.raises(DataError, match="leads out of"):
        pack(tmp_path / "inside" / "a.csv", tmp_path / "shards", rows=10, embed="file")


def test_mistakes_are_one_message_and_lose_nothing(tmp_path, photos):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "empty").mkdir()
    target = tmp_path / "shards"
    pack(photos, target, rows=4)
    before = {path: path.read_bytes() for path in target.iterdir()}
    (photos / "new.jpg").write_bytes(b"new")
    for source, out, message in (
        (photos, tmp_path / "full", "is not empty and holds no shards"),
        (photos, target, "holds shards made of something else"),
        (tmp_path / "empty", tmp_path / "of-none", "holds nothing to pack"),
        (tmp_path / "missing", tmp_path / "of-none", "there is no folder or table"),
        (photos, photos / "new.jpg", "is a file; name a folder"),
    ):
        done = vicreg(tmp_path, "shards", "pack", str(source), str(out), "--rows", "4")
        assert done.returncode == 2
        assert message in done.stderr
        assert "Traceback" not in done.stderr
    assert {path: path.read_bytes() for path in target.iterdir()} == before
    with pytest.raises(RunError, match="made of something else, or otherwise"):
        pack(photos, target, rows=5)


def test_an_index_counts_what_is_there(tmp_path):
    write_parquet(tmp_path / "a.parquet", rows(5))
    write_lines(tmp_path / "b.jsonl.gz", rows(7))
    done = vicreg(tmp_path, "shards", "index", "a.parquet", "b.jsonl.gz", "--out", FILE)
    assert done.returncode == 0, done.stderr
    assert "12 rows in 2 shards" in done.stdout
    assert Shards("data.train", [str(tmp_path / FILE)]).counts.tolist() == [5, 7]
    (tmp_path / "elsewhere").mkdir()
    done = vicreg(tmp_path, "shards", "index", "a.parquet", "--out", "elsewhere/manifest.json")
    assert done.returncode == 2
    assert "does not lie below elsewhere" in done.stderr
