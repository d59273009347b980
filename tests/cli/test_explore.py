"""``vicreg explore``, as typed; embedding-atlas itself is started only where it is installed."""

from __future__ import annotations

import io
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest
from click.testing import CliRunner

from tests.evaluation.toy import make_run, planted
from tests.report.folder import write_run
from vicreg_core.cli.explore import atlas_arguments
from vicreg_core.cli.main import cli
from vicreg_core.data.png import png
from vicreg_core.errors import RunError
from vicreg_core.vectors.files import VectorTable, write_vectors


def invoke(*arguments):
    return CliRunner().invoke(cli, [str(each) for each in arguments])


def test_explore_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = invoke("explore", write_run(tmp_path / "run"))
    assert result.exit_code == 2
    assert "pip install 'vicreg-suite[explore]'" in result.output


def test_explore_says_how_to_write_vectors_that_were_named(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    run = write_run(tmp_path / "run")
    result = invoke("explore", run, "--vectors", tmp_path / "x.parquet")
    assert result.exit_code == 2
    assert f"vicreg embed {run} --out {tmp_path / 'x.parquet'}" in result.output


def test_explore_needs_a_free_port(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    file = tmp_path / "x.parquet"
    write_vectors(file, VectorTable({"id": ["a"]}, np.zeros((1, 3), np.float32)))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = invoke("explore", tmp_path, "--vectors", file, "--port", taken.getsockname()[1])
    assert result.exit_code == 2
    assert "give another --port" in result.output


def test_explore_stays_on_the_loopback_and_names_the_columns_there_are(tmp_path):
    file = tmp_path / "x.parquet"
    vectors = np.zeros((2, 3), np.float32)
    write_vectors(file, VectorTable({"id": ["a", "b"], "text": ["one", "two"]}, vectors))
    given = atlas_arguments(file, 5055)
    assert given[0] == str(file)
    assert given[given.index("--host") + 1] == "127.0.0.1"
    assert given[given.index("--vector") + 1] == "vector"
    assert given[given.index("--text") + 1] == "text"
    assert "--x" not in given
    assert "--image" not in given


def test_explore_refuses_a_file_without_vectors(tmp_path):
    import pyarrow
    import pyarrow.parquet

    file = tmp_path / "x.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"id": ["a"]}), file)
    with pytest.raises(RunError, match="no column 'vector'"):
        atlas_arguments(file, 5055)
    file.write_text("no parquet")
    with pytest.raises(RunError, match="parquet"):
        atlas_arguments(file, 5055)


def test_vectors_are_written_where_they_are_missing_damaged_or_of_another_model(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: object() if name == "embedding_atlas" else None
    )
    monkeypatch.setattr("vicreg_core.vectors.projection.find_spec", lambda name: None)
    served = []
    monkeypatch.setattr("vicreg_core.cli.explore._serve", served.append)
    run = tmp_path / "run"
    with planted():
        make_run(run)
        first = invoke("explore", run)
        assert first.exit_code == 0, first.output
        again = invoke("explore", run)
        file = run / "embeddings.parquet"
        whole = file.read_bytes()
        file.write_bytes(whole[:200] + bytes([whole[200] ^ 4]) + whole[201:])
        damaged = invoke("explore", run)
        assert file.read_bytes() == whole
        make_run(tmp_path / "other", "seed=1")
        shutil.rmtree(run / "model")
        shutil.copytree(tmp_path / "other" / "model", run / "model")
        of_another = invoke("explore", run)
    said = [str(file) in each.output for each in (first, again, damaged, of_another)]
    assert said == [True, False, True, True]
    assert [given[0] for given in served] == [str(file)] * 4
    assert "--x" in served[0]


@pytest.mark.slow
def test_embedding_atlas_serves_the_vectors_on_the_loopback_until_interrupted(tmp_path):
    import pyarrow.parquet

    pytest.importorskip("embedding_atlas", reason="needs the extra: explore")
    file, port = tmp_path / "x.parquet", _free_port()
    columns = {
        "id": ["a", "b", "c"],
        "projection_x": np.arange(3, dtype=np.float32),
        "projection_y": np.arange(3, dtype=np.float32),
    }
    pictures = [png(np.full((8, 8, 3), 80 * i, np.uint8)) for i in range(3)]
    write_vectors(file, VectorTable(columns, np.eye(3, dtype=np.float32), pictures))
    code = "from vicreg_core.cli.main import main; main()"
    command = [
        sys.executable,
        "-c",
        code,
        "explore",
        str(tmp_path),
        "--vectors",
        str(file),
        "--port",
        str(port),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as atlas:
        try:
            _wait_for(port, atlas)
            assert b"<html" in _fetch(port, "/")
            table = pyarrow.parquet.read_table(io.BytesIO(_fetch(port, "/data/dataset.parquet")))
            assert table["id"].to_pylist() == ["a", "b", "c"]
            assert [each["bytes"] for each in table["image"].to_pylist()] == pictures
            # A server on all addresses would answer on this one too.
            with socket.socket() as elsewhere:
                assert elsewhere.connect_ex(("127.0.0.2", port)) != 0
        finally:
            atlas.send_signal(signal.SIGINT)
            output = atlas.communicate(timeout=60)[0]
    assert atlas.returncode == 0, output
    assert "Traceback" not in output


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _fetch(port: int, path: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        return bytes(answer.read())


def _wait_for(port: int, process: subprocess.Popen[str]) -> None:
    for _ in range(600):
        assert process.poll() is None, "embedding-atlas ended by itself"
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("embedding-atlas does not listen")
