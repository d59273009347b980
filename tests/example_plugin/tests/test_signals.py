"""What a plugin's author should test: shapes, keyed randomness, unlabelled use and strict keys."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from vicreg_example_signals.augmentation import StandardAugmentation
from vicreg_example_signals.configs import ConvConfig, StandardConfig, WaveformsConfig
from vicreg_example_signals.dataset import read_waveforms
from vicreg_example_signals.encoder import ConvEncoder

from vicreg_core.contracts.keys import Keys, hash_ids
from vicreg_core.errors import DataError

DATA = read_waveforms(WaveformsConfig(samples=32, length=64), "train")


def keys(rows: int = 32, view: int = 0) -> Keys:
    return Keys.of(seed=0, epoch=0, ids=hash_ids(DATA.ids[:rows]), view=view)


def test_plugin_module_is_light():
    code = (
        "import sys, vicreg_example_signals.plugin; sys.exit(bool({'torch', 'numpy'} & sys.modules.keys()))"
    )
    environment = {"PYTHONPATH": ":".join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0


def test_dataset_reads_a_batch_as_it_reads_single_samples():
    batch = DATA.__getitems__([3, 1])
    assert batch.shape == (2, 64)
    assert torch.equal(batch, torch.stack([DATA[3], DATA[1]]))


def test_dataset_is_reproducible_and_its_splits_differ():
    again = read_waveforms(WaveformsConfig(samples=32, length=64), "train")
    test = read_waveforms(WaveformsConfig(samples=32, length=64), "test")
    assert np.array_equal(DATA.signals, again.signals)
    assert not np.array_equal(DATA.signals, test.signals)
    assert not set(DATA.ids) & set(test.ids)


def test_a_view_depends_on_its_key_alone():
    augmentation, batch = StandardAugmentation(StandardConfig(), DATA.info), DATA.__getitems__(range(32))
    view = augmentation(batch, keys())
    assert torch.equal(view, augmentation(batch, keys()))
    assert torch.equal(view[5:7], augmentation(batch[5:7], keys()[5:7]))
    assert not torch.allclose(view, augmentation(batch, keys(view=1)))


def test_evaluation_view_is_the_signal():
    batch = DATA.__getitems__(range(32))
    assert torch.equal(StandardAugmentation(StandardConfig(), DATA.info)(batch), batch)


def test_masked_share_is_what_the_recipe_says():
    config = StandardConfig(mask=0.25, noise=0.0)
    view = StandardAugmentation(config, DATA.info)(DATA.__getitems__(range(32)), keys())
    assert ((view == 0).sum(dim=1) == 16).all()


@pytest.mark.parametrize(("given", "expected"), [(100, 40), (40, 40), (10, 40)])
def test_prepare_brings_any_length_to_the_window(given, expected):
    augmentation = StandardAugmentation(StandardConfig(window=40), DATA.info)
    assert augmentation.per_sample
    assert augmentation.prepare(torch.randn(given), keys(1)).shape == (expected,)
    assert augmentation.prepare(torch.randn(given), None).shape == (expected,)


def test_prepare_cuts_elsewhere_for_another_key():
    augmentation = StandardAugmentation(StandardConfig(window=40), DATA.info)
    starts = {int(augmentation.prepare(torch.arange(100.0), keys()[row])[0]) for row in range(32)}
    assert len(starts) > 10
    assert augmentation.prepare(torch.arange(100.0), None)[0] == 30


@pytest.mark.parametrize("item", ["a string", [[1.0, 2.0]], []])
def test_ingest_refuses_what_is_no_signal(item):
    with pytest.raises(DataError, match="expected a 1-D signal"):
        StandardAugmentation(StandardConfig(), DATA.info).ingest(item)


def test_encoder_gives_representations_of_its_width():
    encoder = ConvEncoder(ConvConfig(width=8, layers=2), DATA.info)
    assert encoder.embedding_dim == 16
    assert encoder(DATA.__getitems__(range(4))).shape == (4, 16)


@pytest.mark.parametrize("config", [WaveformsConfig, StandardConfig, ConvConfig])
def test_unknown_keys_are_refused(config):
    with pytest.raises(ValidationError, match="extra_forbidden"):
        config(no_such_key=1)
