"""Shards of every format: counted, read from anywhere, and refused in words."""

from __future__ import annotations

import json
import pickle
import random

import pytest

from tests.data.streams.toy import rows, write_lines, write_parquet, write_tar
from vicreg_core.contracts.stream import Broken
from vicreg_core.data.streams import stores
from vicreg_core.data.streams.manifest import FILE
from vicreg_core.data.streams.pack import index
from vicreg_core.data.streams.sampled import sampled
from vicreg_core.data.streams.shards import Shards
from vicreg_core.errors import DataError

WRITERS = {
    "parquet": write_parquet,
    "jsonl": write_lines,
    "jsonl.gz": write_lines,
    "jsonl.zst": write_lines,
    "tar": write_tar,
}


@pytest.fixture(params=WRITERS)
def kind(request):
    return request.param


@pytest.fixture
def folder(tmp_path, kind):
    for shard, count in enumerate((11, 1, 23)):
        WRITERS[kind](tmp_path / f"part-{shard}.{kind}", rows(count, 100 * shard))
    return tmp_path


def text(placed):
    value = placed.content.get("text", placed.content.get("txt"))
    return value.decode() if isinstance(value, bytes) else value


def test_rows_are_those_that_were_written_wherever_one_begins(folder, kind):
    shards = Shards("data.train", [f"{folder}/part-*.{kind}"])
    assert shards.counts.tolist() == [11, 1, 23]
    assert shards.names == [f"part-{i}.{kind}" for i in range(3)]
    expected = [[row["text"] for row in rows(count, 100 * i)] for i, count in enumerate((11, 1, 23))]
    generator = random.Random(0)
    for _ in range(60):
        shard = generator.randrange(3)
        start = generator.randrange(len(expected[shard]))
        stop = generator.randrange(start, len(expected[shard])) + 1
        found = shards.rows(shard, start, stop)
        assert [text(each) for each in found] == expected[shard][start:stop]
        assert found[0].place == f"row {start} of {folder}/part-{shard}.{kind}"


def test_shards_go_to_other_processes(folder, kind):
    shards = Shards("data.train", [f"{folder}/*.{kind}"])
    shards.rows(0, 0, 2)
    twin = pickle.loads(pickle.dumps(shards))
    assert [text(each) for each in twin.rows(2, 5, 7)] == [row["text"] for row in rows(2, 205)]


def test_an_object_store_is_read_as_a_disk(folder, kind):
    import fsspec

    memory = fsspec.filesystem("memory")
    for path in folder.glob(f"*.{kind}"):
        memory.pipe(f"/{kind}-bucket/{path.name}", path.read_bytes())
    shards = Shards("data.train", [f"memory://{kind}-bucket/*.{kind}"])
    assert shards.counts.tolist() == [11, 1, 23]
    found = shards.rows(2, 20, 23)
    assert [text(each) for each in found] == [row["text"] for row in rows(3, 220)]
    assert found[0].place == f"row 20 of memory://{kind}-bucket/part-2.{kind}"


def test_a_manifest_saves_the_counting_and_is_held_to(folder, kind, monkeypatch):
    index([f"{folder}/*.{kind}"], folder / FILE)
    shards = Shards("data.train", [str(folder / FILE)])
    assert shards.counts.tolist() == [11, 1, 23]
    WRITERS[kind](folder / f"part-2.{kind}", rows(4))
    with pytest.raises(DataError, match=r"part-2.* ends at row 4 of 23: it is truncated, or its manifest"):
        shards.rows(2, 0, 23)


def test_a_sample_is_of_evenly_spaced_shards(folder, kind):
    shards = Shards("data.train", [f"{folder}/*.{kind}"])
    found = sampled(shards, 9)
    assert [identifier for identifier, _ in found] == [
        *(f"part-0.{kind}:{i}" for i in range(3)),
        f"part-1.{kind}:0",
        *(f"part-2.{kind}:{i}" for i in range(5)),
    ]
    assert len(sampled(shards, None)) == 35


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.parquet", b"PAR1 and then nothing", "cannot be read as Parquet"),
        ("a.tar", b"x" * 1024, "cannot be read as a tar archive"),
        ("a.jsonl.gz", b"\x1f\x8b and then nothing", "cannot be read"),
        ("a.zip", b"PK", "is no shard: expected .parquet"),
        ("a.tar.gz", b"packed", "rows of a compressed tar cannot be found; unpack it"),
    ],
)
def test_a_damaged_shard_is_named_and_left_out_on_request(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    write_parquet(tmp_path / "good.parquet", rows(5))
    patterns = [f"{tmp_path}/{name}", f"{tmp_path}/good.parquet"]
    with pytest.raises(DataError, match=message) as caught:
        Shards("data.train", patterns)
    assert name in str(caught.value)
    assert "data.on_error=skip" in str(caught.value)
    shards = Shards("data.train", patterns, skip=True)
    assert shards.counts.tolist() == [5]
    assert len(shards.skipped) == 1
    assert name in shards.skipped[0]
    with pytest.raises(DataError, match=message):
        Shards("data.train", patterns[:1], skip=True)


def test_a_truncated_tar_names_where_it_ends(tmp_path):
    write_tar(tmp_path / "a.tar", [{"n": 0, "text": "x" * 5000}, {"n": 1, "text": "y" * 5000}])
    content = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "a.tar").write_bytes(content[:8000])
    with pytest.raises(DataError, match=r"a.tar ends within part/000001.txt: it is truncated"):
        Shards("data.train", [str(tmp_path / "a.tar")])


def test_a_broken_line_is_one_broken_row(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "one"}\n{"text": \n\n[1]\n{"text": "four"}\n')
    found = Shards("data.train", [str(tmp_path / "a.jsonl")]).rows(0, 0, 4)
    assert [isinstance(each, Broken) for each in found] == [False, True, True, False]
    assert "not JSON" in found[1].reason
    assert "a JSON list where an object was expected" in found[2].reason


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("nothing-*.tar", "no file matches"),
        ("missing.parquet", "no file matches"),
        (".", "is a folder; name its shards"),
        ("unknown://bucket/a.tar", "cannot open unknown://|Protocol not known"),
    ],
)
def test_a_list_of_none_is_refused(tmp_path, monkeypatch, pattern, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=message):
        Shards("data.train", [pattern])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"version": 2, "shards": []}', "is a manifest of version 2, this suite reads version 1"),
        ("[]", "is a manifest of version None"),
        ("{", "is no manifest of shards"),
        ('{"version": 1, "shards": []}', "lists no shard"),
    ],
)
def test_a_manifest_that_is_none_is_refused(tmp_path, content, message):
    (tmp_path / FILE).write_text(content)
    with pytest.raises(DataError, match=message):
        Shards("data.train", [str(tmp_path / FILE)])


def test_a_manifest_does_not_lead_out_of_its_folder(tmp_path):
    entry = {"name": "../secret.parquet", "rows": 1, "size": 1, "sha256": "0" * 64}
    (tmp_path / FILE).write_text(json.dumps({"version": 1, "shards": [entry]}))
    with pytest.raises(DataError, match="leads out of its folder"):
        Shards("data.train", [str(tmp_path / FILE)])


def test_a_network_that_fails_now_and_then_is_asked_again(monkeypatch):
    pauses = []
    monkeypatch.setattr(stores.time, "sleep", pauses.append)
    answers = iter([OSError("reset"), TimeoutError("slow"), "content"])

    def ask():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert stores.patiently(ask, "s3://bucket/a") == "content"
    assert pauses == [0.5, 1.0]

    def never():
        raise OSError("unreachable")

    with pytest.raises(DataError, match=r"cannot read s3://bucket/a: unreachable \(tried 4 times\)"):
        stores.patiently(never, "s3://bucket/a")

    def refused():
        raise PermissionError("credentials refused")

    pauses.clear()
    with pytest.raises(DataError, match="credentials refused"):
        stores.patiently(refused, "s3://bucket/a")
    assert not pauses
