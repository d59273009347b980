"""A saved encoder comes back whole, and whatever is wrong with a folder is said."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from tests.evaluation.toy import DIMS, Net, NetConfig, Points, PointsConfig, make_run, planted, toy_registry
from vicreg_core.errors import DataError, PluginError, RunError
from vicreg_core.files import sealed
from vicreg_core.pretrained import PretrainedEncoder, load

pytestmark = pytest.mark.usefixtures("toy_modality")


@pytest.fixture
def run(tmp_path):
    make_run(tmp_path / "run", "encoder.start=download")
    return tmp_path / "run"


POINTS = np.random.default_rng(0).normal(size=(11, DIMS)).astype(np.float32)


def test_round_trip_by_run_model_folder_and_save(run, tmp_path):
    model = load(run)
    vectors = model.encode(POINTS)
    assert vectors.shape == (11, model.embedding_dim)
    assert vectors.dtype == np.float32
    model.save_pretrained(tmp_path / "copy")
    for other in (load(run / "model"), PretrainedEncoder.from_pretrained(tmp_path / "copy")):
        np.testing.assert_array_equal(other.encode(POINTS), vectors)
        assert other.info.assets == {"words/list.txt": b"a b c", "net/config.json": b"{}"}


def test_loading_downloads_nothing_and_leaves_the_generator_alone(run):
    before, state = Net.downloads, torch.random.get_rng_state()
    load(run)
    assert Net.downloads == before
    assert torch.equal(torch.random.get_rng_state(), state)


def test_vectors_do_not_depend_on_the_batch(run):
    model = load(run)
    whole = model.encode(POINTS, batch_size=11)
    for size in (1, 4):
        np.testing.assert_allclose(model.encode(iter(POINTS), batch_size=size), whole, atol=1e-6)
    np.testing.assert_allclose(model.encode_batch(torch.from_numpy(POINTS)).numpy(), whole, atol=1e-6)


def test_nothing_to_encode(run):
    assert load(run).encode([]).shape == (0, 8)


@pytest.mark.parametrize("item", ["photo.jpg", b"x", {"a": 1}])
def test_a_single_item_is_refused(run, item):
    with pytest.raises(TypeError, match=r"encode\(\[item\]\)"):
        load(run).encode(item)


def test_an_unreadable_item_is_named(run):
    with pytest.raises(DataError, match="expected 6 numbers"):
        load(run).encode([POINTS[0], [1.0, 2.0]])


def test_nan_is_not_handed_out(run):
    with pytest.raises(DataError, match=r"NaN or infinity for 1 of 2 .* 'item 1'"):
        load(run).encode([POINTS[0], np.full(DIMS, np.nan)])


def test_the_untrained_encoder_is_random_by_seed(run):
    model = load(run)
    first, again, other = (model.untrained(seed).linear.weight for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_folder_without_a_model(run, tmp_path):
    with pytest.raises(RunError, match="does not exist"):
        load(tmp_path / "nowhere")
    with pytest.raises(RunError, match="neither a run nor a model"):
        load(tmp_path)
    (tmp_path / "young").mkdir()
    (tmp_path / "young" / "recipe.yaml").write_text("x")
    with pytest.raises(RunError, match="training has not finished, or the model was damaged"):
        load(tmp_path / "young")


def test_truncated_weights(run):
    path = run / "model" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(RunError, match=r"model\.safetensors cannot be read"):
        load(run)


def test_missing_weights(run):
    (run / "model" / "model.safetensors").unlink()
    with pytest.raises(RunError, match="missing, truncated or damaged"):
        load(run)


def edit(run, **changes):
    """Another config, as a program might write it: with a checksum that fits."""
    path = run / "model" / "config.json"
    values = json.loads(path.read_text()) | changes
    path.write_text(json.dumps(sealed({key: value for key, value in values.items() if key != "checksum"})))


def test_a_flipped_bit_in_any_file_is_seen(run):
    files = [path for path in (run / "model").rglob("*") if path.is_file() and path.name != "README.md"]
    assert len(files) == 4
    for path in files:
        content = path.read_bytes()
        for place in (len(content) // 3, len(content) // 2, len(content) - 2):
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            with pytest.raises(RunError, match=path.name):
                load(run)
        path.write_bytes(content)
    load(run)


def test_a_model_of_the_first_format_is_read_without_checksums(run):
    path = run / "model" / "config.json"
    values = {k: v for k, v in json.loads(path.read_text()).items() if k not in {"checksum", "sha256"}}
    path.write_text(json.dumps(values | {"format": 1}))
    assert load(run).embedding_dim == values["embedding_dim"]


def test_a_model_without_its_config_is_replaced(run):
    model = load(run)
    (run / "model" / "config.json").unlink()
    with pytest.raises(RunError, match=r"(?s)has no model: .*vicreg train .*recipe.yaml --out .* --resume"):
        load(run)
    model.save_pretrained(run / "model")
    assert load(run).manifest == model.manifest


def test_a_newer_format(run):
    edit(run, format=99)
    with pytest.raises(RunError, match="format 99 and this version reads up to 2"):
        load(run)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"format": 1}'])
def test_a_damaged_config(run, text):
    (run / "model" / "config.json").write_text(text)
    with pytest.raises(RunError, match="config"):
        load(run)


@pytest.mark.parametrize("name", ["../../secret", "/etc/hostname", "a/../../../b", ".hidden"])
def test_an_asset_cannot_lead_out_of_its_folder(run, name):
    (run / "secret").write_text("x")
    edit(run, assets=[name])
    with pytest.raises(RunError, match="leads out"):
        load(run)


def test_an_asset_behind_a_link_out_of_its_folder(run):
    (run / "secret").write_text("x")
    (run / "model" / "assets" / "link").symlink_to(run / "secret")
    edit(run, assets=["link"])
    with pytest.raises(RunError, match="leads out"):
        load(run)


def test_a_missing_asset(run):
    edit(run, assets=["absent.txt"])
    with pytest.raises(RunError, match=r"lacks its asset 'absent.txt'"):
        load(run)


def test_a_plugin_that_is_not_installed(run):
    with (
        planted(toy_registry("other")),
        pytest.raises(PluginError, match=r"saved with toy-plugin 1.0: encoder"),
    ):
        load(run)


def test_options_and_weights_that_no_longer_fit(run):
    name = {"name": "toy/net", "distribution": "toy-plugin 0.9"}
    edit(run, encoder={**name, "options": {"depth": 3}})
    with pytest.raises(RunError, match=r"does not take the saved options .*depth.*saved with toy-plugin 0.9"):
        load(run)
    edit(run, encoder={**name, "options": {"width": 9}})
    with pytest.raises(RunError, match=r"do not fit the encoder toy/net"):
        load(run)


def test_something_else_is_not_overwritten(run, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(RunError, match="not a model"):
        load(run).save_pretrained(tmp_path / "mine")


def test_names_in_the_config_are_all_that_is_executed(run):
    config = json.loads((run / "model" / "config.json").read_text())
    assert config["encoder"]["name"] == "toy/net"
    assert not any("tests." in str(value) for value in config.values())
    edit(run, encoder={**config["encoder"], "name": "os:system"})
    with pytest.raises(PluginError):
        load(run)


def test_channels_last_weights_are_saved_in_order(tmp_path):
    data = Points(PointsConfig())
    net = Net(NetConfig(), data.info)
    net.register_buffer(
        "kernel", torch.arange(24.0).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last)
    )
    from safetensors.torch import load_file

    from vicreg_core.pretrained.files import write_files

    write_files(tmp_path / "m", {"format": 2}, net.state_dict(), {}, "card")
    assert torch.equal(load_file(tmp_path / "m" / "model.safetensors")["kernel"], net.kernel)
