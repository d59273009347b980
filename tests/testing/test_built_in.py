"""The suite's own plugins pass what is asked of everyone's."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from vicreg_core.plugins.registry import load_registry
from vicreg_core.testing import (
    AugmentationConformance,
    DatasetConformance,
    EncoderConformance,
    ObjectiveConformance,
    PluginConformance,
    ProtocolConformance,
)

CELLS = ("data.cells=64", "data.test_cells=16")
DOCUMENTS = ("data.tokenizer.vocab_size=512", "data.token_vectors=32", "data.max_fit=500")
PHOTOS = ("data.path={files}/photos", "augmentation.size=32", "encoder.name=vision/small-cnn")
TABLE = ("data.train={files}/table.csv", "data.text=body", "data.label=kind", *DOCUMENTS, "encoder.dim=32")


@dataclass(frozen=True)
class Case:
    """A component and what its test class says; ``{files}`` is a folder with a few photos and a table."""

    base: type
    name: str
    overrides: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def tests(self) -> list[str]:
        return [name for name in dir(self.base) if name.startswith("test_")]

    def build(self, files: Path) -> Any:
        given = {"overrides": tuple(each.format(files=files) for each in self.overrides), **self.settings}
        return type("Built", (self.base,), {"component": self.name, "plugin": self.name, **given})()


QUICK = [
    Case(ObjectiveConformance, "core/vicreg"),
    Case(ObjectiveConformance, "core/vicreg", settings={"options": {"convention": "paper"}}),
    Case(ObjectiveConformance, "core/info-nce"),
    Case(ObjectiveConformance, "core/supcon"),
    Case(ObjectiveConformance, "core/barlow-twins"),
    Case(ObjectiveConformance, "core/sigreg"),
    Case(ObjectiveConformance, "core/simsiam"),
    Case(ObjectiveConformance, "core/byol"),
    Case(ObjectiveConformance, "core/supervised"),
    Case(ObjectiveConformance, "core/vcreg"),
    Case(ObjectiveConformance, "core/adversarial-prior"),
    Case(ObjectiveConformance, "core/reconstruction"),
    Case(ObjectiveConformance, "core/local"),
    Case(DatasetConformance, "vision/digits"),
    Case(DatasetConformance, "vision/folder", PHOTOS, {"recipe": "vision/folder"}),
    Case(AugmentationConformance, "vision/standard"),
    Case(EncoderConformance, "vision/small-cnn"),
    Case(DatasetConformance, "text/table", TABLE, {"recipe": "text/documents"}),
    Case(AugmentationConformance, "text/spans", TABLE, {"recipe": "text/documents"}),
    Case(EncoderConformance, "text/bag", TABLE, {"recipe": "text/documents"}),
    Case(DatasetConformance, "biomedical/synthetic-cells", CELLS),
    Case(AugmentationConformance, "biomedical/cells", CELLS),
    Case(EncoderConformance, "biomedical/small-cnn", CELLS),
    *(
        Case(ProtocolConformance, f"core/{name}", settings={"recipe": "vision/quickstart"})
        for name in ("knn", "linear", "label-fractions", "clustering", "retrieval")
    ),
    Case(ProtocolConformance, "text/geometry", TABLE, {"recipe": "text/documents"}),
    Case(ProtocolConformance, "biomedical/balanced-linear", CELLS),
    Case(ProtocolConformance, "biomedical/not-same-batch", CELLS),
]
SLOW = [
    Case(PluginConformance, "vision", ("train.batch_size=32",)),
    Case(PluginConformance, "text", (*DOCUMENTS, "encoder.dim=32", "train.batch_size=32")),
    Case(PluginConformance, "biomedical", (*CELLS, "train.batch_size=16")),
    Case(AugmentationConformance, "vision/standard", PHOTOS, {"recipe": "vision/folder"}),
    Case(EncoderConformance, "vision/resnet18", settings={"batch_size": 16}),
    Case(
        EncoderConformance,
        "vision/vit",
        ("augmentation.size=32",),
        {"options": {"image_size": 32, "patch_size": 8, "width": 48, "depth": 2, "heads": 3}},
    ),
    Case(AugmentationConformance, "text/whole", TABLE, {"recipe": "text/documents", "views_differ": False}),
    Case(AugmentationConformance, "text/adjacent", TABLE, {"recipe": "text/documents"}),
    Case(DatasetConformance, "text/stdlib-docs", (*DOCUMENTS, "encoder.dim=32")),
    Case(EncoderConformance, "text/transformer", DOCUMENTS, {"options": {"dim": 32, "depth": 2}}),
    Case(EncoderConformance, "biomedical/channel-adaptive", CELLS, {"batch_size": 16}),
    *(
        Case(ProtocolConformance, f"core/{name}", settings={"recipe": "vision/quickstart"})
        for name in ("finetune", "rank", "robustness")
    ),
    Case(ProtocolConformance, "text/sts", TABLE, {"recipe": "text/documents"}),
    *(
        Case(ProtocolConformance, f"biomedical/{name}", CELLS)
        for name in ("leave-group-out", "batch-correction", "replicate-retrieval")
    ),
]


def every_test() -> list[Any]:
    marks = [(case, ()) for case in QUICK] + [(case, pytest.mark.slow) for case in SLOW]
    return [
        pytest.param(case, test, marks=mark, id=f"{case.name}-{test.removeprefix('test_')}")
        for case, mark in marks
        for test in case.tests
    ]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    sentence = "A sentence {i} about {word}. And another, number {n}, on the same. The end of {word} {i}."
    lines = [f'"{sentence.format(word=word, i=i, n=i % 7)}",{word}' for i in range(40) for word in WORDS]
    folder.joinpath("table.csv").write_text("\n".join(["body,kind", *lines]) + "\n")
    return folder


WORDS = ("cells", "images", "tables")


@pytest.fixture(scope="module")
def photos(files: Path) -> Path:
    image = pytest.importorskip("PIL.Image")
    numpy = pytest.importorskip("numpy")
    draws = numpy.random.default_rng(0)
    for kind in ("left", "right"):
        (files / "photos" / kind).mkdir(parents=True)
        for i in range(16):
            pixels = draws.integers(0, 256, (40 + i, 48, 3), dtype="uint8")
            image.fromarray(pixels).save(files / "photos" / kind / f"{i}.png")
    yield files
    shutil.rmtree(files / "photos")


@pytest.mark.parametrize(("case", "test"), every_test())
def test_built_in(case: Case, test: str, files: Path, request: pytest.FixtureRequest):
    if case.overrides == PHOTOS:
        request.getfixturevalue("photos")
    status = load_registry().status_of(case.name.partition("/")[0])
    if status is not None and status.missing:
        pytest.skip(f"{', '.join(status.missing)} not installed")
    getattr(case.build(files), test)()
