"""Where the time of a step goes: parts that add up, words that follow from them, and nothing left behind."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest
from click.testing import CliRunner

from tests.evaluation.toy import RECIPE
from vicreg_core.bench.clock import Clock
from vicreg_core.bench.measure import PARTS, Bench, Variant, bench
from vicreg_core.bench.words import in_words, rows_of
from vicreg_core.cli.main import cli
from vicreg_core.recipes.load import load_recipe


def test_a_moment_belongs_to_the_innermost_span():
    clock = Clock("rest")
    with clock.span("outer"):
        time.sleep(0.02)
        with clock.span("inner"):
            time.sleep(0.04)
    time.sleep(0.01)
    wall = clock.elapsed
    assert sum(clock.seconds.values()) == pytest.approx(wall, rel=1e-9)
    assert clock.seconds["inner"] >= 0.04
    assert 0.02 <= clock.seconds["outer"] < clock.seconds["inner"]
    assert clock.seconds["rest"] >= 0.01


def test_a_span_is_charged_where_it_raises():
    clock = Clock("rest")

    def fails():
        time.sleep(0.01)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        clock.timed("bad", fails)()
    assert clock.seconds["bad"] >= 0.01
    clock.restart()
    assert clock.elapsed < 1
    assert set(clock.seconds) == {"rest"}


@pytest.fixture
def recipe(tmp_path, toy_modality):
    path = tmp_path / "toy.yaml"
    path.write_text(RECIPE, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    "options", [(), ("data.in_memory=false",), ("data.in_memory=false", "data.workers=0")]
)
def test_the_parts_of_a_step_add_up_to_it(recipe, options):
    found = bench(load_recipe(recipe, options), 6)
    assert set(found.parts) == set(PARTS)
    assert sum(found.parts.values()) == pytest.approx(found.wall, rel=0.03)
    for part in ("forward", "loss", "backward", "optimiser", "augment", "logging"):
        assert found.parts[part] > 0, part
    workers = found.workers > 0
    assert (found.parts["waiting"] > 0) == workers
    assert (found.parts["read"] > 0) != workers
    assert found.samples_per_second == pytest.approx(found.batch_size * 6 / found.wall)
    assert found.peak_memory > 0
    assert {each.name for each in found.variants} & {"train.precision=bfloat16", "train.precision=float32"}


MADE = Bench(
    device="cpu", precision="float32", threads=2, workers=3, batch_size=100, total_steps=1000, steps=10,
    wall=10.0, parts=dict.fromkeys(PARTS, 0.0) | {"forward": 4.0, "backward": 5.0, "waiting": 1.0},
    samples_per_second=100.0, model_samples_per_second=110.0, peak_memory=2**20, variants=(),
)  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"backward": 9.0}, "the model itself limits (90 % of a step, most of it backward)"),
        ({"waiting": 8.0, "forward": 2.0}, "loading takes 80 % of a step: raise data.workers (now 3)"),
        ({"augment": 3.0, "forward": 7.0}, "augmenting takes 30 % of a step"),
        ({"logging": 3.0, "forward": 7.0}, "logging takes 30 % of a step: set train.log_every higher (now"),
    ],
)
def test_the_words_name_what_limits_and_the_key(parts, message):
    made = replace(MADE, parts=dict.fromkeys(PARTS, 0.0) | parts)
    assert message in in_words(made, load_recipe("vision/quickstart").recipe)[2]
    assert [row[0] for row in rows_of(made)] == [name for name in PARTS if name in parts]


def test_a_variant_is_advised_where_it_pays():
    recipe = load_recipe("vision/quickstart").recipe
    variants = (Variant("A=1", 220.0), Variant("B=1", 111.0), Variant("C=1", 220.0, prepared=50.0))
    said = in_words(replace(MADE, variants=variants), recipe)[3:]
    assert said[0].endswith("2.00 times as fast: set it")
    assert said[1].endswith("1.01 times as fast")
    # A step takes 100/110 s, of which half is saved: 50 s are 110 steps.
    assert "after 50 s of compiling: it pays from 110 steps on, and the recipe has 1,000" in said[2]


def test_the_command_prints_a_table_or_json_and_keeps_nothing(recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    shown = CliRunner().invoke(cli, ["bench", recipe, "--steps", "3"])
    assert shown.exit_code == 0, shown.output
    assert "of the" in shown.output
    read = CliRunner().invoke(cli, ["bench", recipe, "--steps", "3", "--json"])
    values = json.loads(read.stdout)
    assert sum(values["parts"].values()) == pytest.approx(values["wall"], rel=0.03)
    assert values["of_ceiling"] > 0
    assert sorted(tmp_path.iterdir()) == before


def test_bad_input_is_one_message(recipe):
    for arguments, message in (
        (["bench", "vision/nothing"], "there is no recipe"),
        (["bench", recipe, "encoder.width=x"], "encoder.width"),
        (["bench", recipe, "--steps", "1"], "1 is not in the range"),
    ):
        result = CliRunner().invoke(cli, arguments)
        assert result.exit_code == 2, result.output
        assert message in result.output
        assert "Traceback" not in result.output
