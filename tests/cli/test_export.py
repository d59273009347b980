"""``vicreg export``, as typed."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from tests.evaluation.toy import make_run, planted, toy_registry
from vicreg_core.cli.main import cli
from vicreg_core.errors import RunError
from vicreg_core.plugins import ExportSpec
from vicreg_core.plugins.component import Component
from vicreg_core.plugins.registry import Registry
from vicreg_core.plugins.status import PluginState, PluginStatus
from vicreg_core.pretrained.files import model_name
from vicreg_core.vectors.of_run import embed_run


def write_width(model, folder):
    folder.mkdir()
    (folder / "width.txt").write_text(str(model.embedding_dim))


def write_half(model, folder):
    folder.mkdir()
    (folder / "half.txt").write_text("half")
    raise RunError("this encoder has no half")


def offered(plugin, name, target, requires=()):
    spec = ExportSpec(
        name=name,
        target=f"{__name__}:{target}",
        summary=f"planted {name}",
        encoders=("toy/net",),
        requires=requires,
        extra="big" if requires else None,
    )
    return Component("export", f"{plugin}/{name}", f"{plugin} 1.0", spec)


@pytest.fixture(autouse=True)
def _formats():
    ours = (
        offered("ours", "width", "write_width"),
        offered("ours", "half", "write_half"),
        offered("ours", "both", "write_width"),
        offered("ours", "lacking", "write_width", requires=("no_such_library",)),
    )
    theirs = (offered("theirs", "both", "write_width"),)
    ready = PluginState.READY
    statuses = [
        *toy_registry().statuses,
        PluginStatus(name="ours", distribution="ours", version="1", state=ready, components=ours),
        PluginStatus(name="theirs", distribution="theirs", version="1", state=ready, components=theirs),
    ]
    with planted(Registry(statuses)):
        yield


@pytest.fixture
def run(tmp_path):
    make_run(tmp_path / "run")
    return tmp_path / "run"


def vicreg(*arguments):
    return CliRunner().invoke(cli, ["export", *map(str, arguments)])


def test_without_a_format_those_of_the_encoder_are_listed(run):
    done = vicreg(run)
    assert done.exit_code == 0, done.output
    assert [line.split()[0] for line in done.stdout.splitlines()[-8:]] == [
        "ours/both",
        "ours/half",
        "ours/lacking",
        "ours/width",
        "theirs/both",
        "faiss",
        "usearch",
        "lancedb",
    ]


def test_no_format_at_all(run):
    with planted():
        done = vicreg(run)
    assert "no installed plugin offers a format for the encoder toy/net" in done.stdout


@pytest.mark.parametrize("name", ["width", "ours/width"])
def test_a_format_by_its_own_or_its_full_name(run, name):
    done = vicreg(run, "--format", name)
    assert done.exit_code == 0, done.output
    assert (run / "export" / "width" / "width.txt").read_text() == "8"
    assert str(run / "export" / "width") in done.stdout


def test_what_is_there_is_replaced_only_when_asked(run, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").touch()
    refused = vicreg(run, "--format", "width", "--out", out)
    assert refused.exit_code == 2
    assert "exists; replace it with --overwrite" in refused.stderr
    assert (out / "mine").exists()
    assert vicreg(run, "--format", "width", "--out", out, "--overwrite").exit_code == 0
    assert [path.name for path in out.iterdir()] == ["width.txt"]


def test_a_format_that_fails_leaves_nothing(run, tmp_path):
    done = vicreg(run, "--format", "half", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "this encoder has no half" in done.stderr
    assert [path for path in tmp_path.iterdir() if "out" in path.name] == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("widht", "has no format 'widht'; did you mean 'width'? (there are: ours/both"),
        ("both", "offered by ours/both and theirs/both; name one"),
        ("lacking", "needs no_such_library, which is not installed: pip install 'big'"),
    ],
)
def test_a_format_that_cannot_be_had(run, name, message):
    done = vicreg(run, "--format", name)
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (run / "export").exists()


def test_no_run(tmp_path):
    done = vicreg(tmp_path / "nothing", "--format", "width")
    assert done.exit_code == 2
    assert "does not exist" in done.stderr


def nearest_of_each(form, folder, vectors):
    """The row that an index finds nearest to each vector, opened by the library itself."""
    if form == "faiss":
        import faiss

        unit = vectors.copy()
        faiss.normalize_L2(unit)
        return faiss.read_index(str(folder / "vectors.faiss")).search(unit, 1)[1][:, 0].tolist()
    if form == "usearch":
        from usearch.index import Index

        return Index.restore(str(folder / "vectors.usearch")).search(vectors, 1).keys[:, 0].tolist()
    import lancedb

    table = lancedb.connect(str(folder)).open_table("samples")
    ids = table.to_arrow()["id"].to_pylist()
    found = (table.search(v).distance_type("cosine").limit(1).to_list()[0]["id"] for v in vectors)
    return [ids.index(name) for name in found]


@pytest.mark.parametrize("form", ["faiss", "usearch", "lancedb"])
def test_an_index_of_the_vectors_is_opened_by_its_library(run, form):
    pytest.importorskip(form, reason="needs the extra: index")
    result = CliRunner().invoke(cli, ["export", str(run), "--format", form])
    assert result.exit_code == 0, result.output
    folder = run / "export" / form
    table = embed_run(run, samples=False, projected=False)
    assert nearest_of_each(form, folder, table.vectors[:5]) == [0, 1, 2, 3, 4]
    about = json.loads((folder / "index.json").read_text())
    assert about == {
        "metric": "cosine",
        "vectors": len(table.vectors),
        "dimensions": table.vectors.shape[1],
        "model": model_name(run),
    }
    if form != "lancedb":
        import pyarrow.parquet

        samples = pyarrow.parquet.read_table(folder / "samples.parquet")
        assert samples["id"].to_pylist() == table.columns["id"]
        assert "label" in samples.column_names


def test_a_missing_library_is_named_before_anything_is_encoded(run, monkeypatch):
    monkeypatch.setattr("vicreg_core.vectors.indexes.find_spec", lambda name: None)
    result = CliRunner().invoke(cli, ["export", str(run), "--format", "faiss"])
    assert result.exit_code == 2
    assert "pip install 'vicreg-suite[index]'" in result.output
    assert "embedding" not in result.output
    assert not (run / "export").exists() or not list((run / "export").iterdir())
