"""``vicreg embed --parts``: vectors of any number of samples, by one process or a cluster, none lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.broken_plugins.planting import vicreg
from tests.vision.test_datasets_shards import write_tar
from vicreg_core.data.streams.manifest import FILE
from vicreg_core.errors import RunError
from vicreg_core.vectors import parts as parts_of
from vicreg_core.vectors.of_run import embed_run
from vicreg_core.vectors.parts import embed_parts

QUICK = ["train.epochs=1", "evaluate.protocols=[knn]", "evaluate.baselines=false", "monitor.probes=0"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = vicreg(folder, "train", "vision/quickstart", *QUICK, "--out", "run")
    assert done.returncode == 0, done.stderr
    return folder


def read(folder: Path):
    import pyarrow.parquet as pq

    made = pq.ParquetDataset(sorted(folder.glob("*.parquet"))).read()
    return made.to_pydict()


def test_parts_hold_every_vector_once_with_its_id_and_label(site):
    manifest = embed_parts(site / "run", site / "local", rows=500)
    assert [each.rows for each in manifest.shards] == [500, 500, 500, 297]
    found = read(site / "local")
    whole = embed_run(site / "run", samples=False, projected=False)
    assert found["id"] == [str(i) for i in whole.columns["id"]]
    assert found["label"] == list(whole.columns["label"])
    assert found["split"] == list(whole.columns["split"])
    embed_parts(site / "run", site / "test", "test", rows=400)
    assert read(site / "test")["id"] == found["id"][1297:]
    np.testing.assert_allclose(np.array(found["vector"]), whole.vectors, atol=1e-6)


def test_what_was_interrupted_goes_on_with_the_parts_that_lack(site, monkeypatch):
    make, made = parts_of.PartMaker.__call__, []

    def failing(self, part):
        if part == 2 and made == [0, 1]:
            raise RunError("the disk is full")
        made.append(part)
        return make(self, part)

    monkeypatch.setattr(parts_of.PartMaker, "__call__", failing)
    with pytest.raises(RunError, match="the disk is full"):
        embed_parts(site / "run", site / "cut", rows=500)
    assert not (site / "cut" / FILE).exists()
    (site / "cut" / "part-000000.parquet").write_bytes(b"damaged")
    made.append(-1)
    said: list[str] = []
    embed_parts(site / "run", site / "cut", rows=500, say=said.append)
    assert made == [0, 1, -1, 0, 2, 3]
    assert said[0] == "1 of 4 parts are there already"
    embed_parts(site / "run", site / "at-once", rows=500)
    assert read(site / "cut") == read(site / "at-once")


def test_a_stream_is_embedded_whole_and_what_cannot_be_read_is_left_out(tmp_path):
    for shard in range(3):
        write_tar(tmp_path / f"train-{shard}.tar", range(40 * shard, 40 * (shard + 1)), broken=(0, 70, 71))
    keys = ["data.train=train-*.tar", "data.on_error=skip", "data.sample=30", "train.steps=2", *QUICK[1:]]
    small = [
        "augmentation.size=16",
        "augmentation.evaluation_size=16",
        "encoder.width=8",
        "train.batch_size=16",
    ]
    done = vicreg(tmp_path, "train", "vision/shards", *keys, *small, "--out", "run")
    assert done.returncode == 0, done.stderr
    done = vicreg(tmp_path, "embed", "run", "--parts", "50", "--out", "vectors")
    assert done.returncode == 0, done.stderr
    assert "117 vectors in 3 parts" in done.stdout
    ids = [f"train-{s}.tar:{i}" for s in range(3) for i in range(40) if 40 * s + i not in (0, 70, 71)]
    assert read(tmp_path / "vectors")["id"] == ids


def test_mistakes_are_one_message(site):
    (site / "full").mkdir()
    (site / "full" / "mine.txt").write_text("mine")
    embed_parts(site / "run", site / "other", rows=1000)
    for more, message in (
        (["--parts", "100", "--out", "full"], "holds no vectors of an earlier call"),
        (["--parts", "100", "--out", "other"], "holds vectors made of something else"),
        (["--engine", "ray", "--out", "new"], "say of how many vectors"),
        (["--parts", "100", "--out", "new", "encoder.width=3"], "does not apply"),
        (["--parts", "100", "--out", "new", "--overwrite"], "remove it to begin anew"),
    ):
        done = vicreg(site, "embed", "run", *more)
        assert done.returncode == 2
        assert message in done.stderr
        assert "Traceback" not in done.stderr
    assert (site / "full" / "mine.txt").read_text() == "mine"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
def test_a_cluster_makes_the_same_vectors_though_a_worker_is_killed(site, tmp_path):
    pytest.importorskip("ray", reason="needs ray (extra ray)")
    command = [sys.executable, "-m", "vicreg_core", "embed", "run", "--parts", "15", "--engine", "ray"]
    process = subprocess.Popen(
        [*command, "--out", "cluster"], cwd=site, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 180
    while len(list((site / "cluster").glob("part-*.parquet"))) < 5:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    killed = _workers()
    os.kill(killed[0], signal.SIGKILL)
    said, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert "1,797 vectors in 120 parts" in said
    names = [each["name"] for each in json.loads((site / "cluster" / FILE).read_text())["shards"]]
    assert names == [f"part-{i:06d}.parquet" for i in range(120)]
    embed_parts(site / "run", tmp_path / "alone", rows=15)
    found, expected = read(site / "cluster"), read(tmp_path / "alone")
    assert found["id"] == expected["id"]
    np.testing.assert_allclose(np.array(found["vector"]), np.array(expected["vector"]), atol=1e-6)


def _workers() -> list[int]:
    """Processes of actors that embed."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if b"MapWorker" in command:
                found.append(int(entry.name))
    assert found
    return found
