from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from vicreg_biomedical.encoders import config as configs
from vicreg_biomedical.encoders.channel_adaptive import build as build_adaptive
from vicreg_biomedical.encoders.small_cnn import build as build_small
from vicreg_core.contracts import DataInfo
from vicreg_core.errors import RecipeError


def info(channels: int, side: int = 40) -> DataInfo:
    return DataInfo({"channels": channels, "height": side, "width": side})


@pytest.mark.parametrize("channels", [1, 3, 8])
@pytest.mark.parametrize("options", [{}, {"pool": "mean-std"}, {"depths": (2,)}, {"stem_stride": 1}])
def test_small_cnn_has_the_width_it_says(channels: int, options: dict) -> None:
    encoder = build_small(configs.SmallCNNConfig(width=8, **options), info(channels))
    made = encoder(torch.randn(2, channels, 24, 24))
    assert made.shape == (2, encoder.embedding_dim)


def test_averaged_orientations_make_it_blind_to_them() -> None:
    torch.manual_seed(0)
    images = torch.randn(3, 2, 24, 24)
    encoder = build_small(configs.SmallCNNConfig(width=8, orientations=8), info(2)).eval()
    plain = build_small(configs.SmallCNNConfig(width=8), info(2)).eval()
    for turned in (images.rot90(1, (2, 3)), images.flip(3), images.flip(2).rot90(3, (2, 3))):
        torch.testing.assert_close(encoder(turned), encoder(images), rtol=1e-4, atol=1e-5)
        assert (plain(turned) - plain(images)).abs().max() > 1e-3


def test_channel_adaptive_takes_another_panel_and_order() -> None:
    torch.manual_seed(0)
    encoder = build_adaptive(configs.ChannelAdaptiveConfig(width=8), info(3)).eval()
    images = torch.randn(2, 5, 24, 24)
    assert encoder(images).shape == (2, encoder.embedding_dim)
    torch.testing.assert_close(encoder(images[:, [4, 2, 0, 1, 3]]), encoder(images))
    fixed = build_adaptive(configs.ChannelAdaptiveConfig(width=8, pool="concatenate"), info(3))
    assert fixed(images[:, :3]).shape == (2, fixed.embedding_dim)
    with pytest.raises(ValueError, match="trained on 3 channels and got 5"):
        fixed(images)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet", "densenet", "efficientnet", "vit"])
def test_monai_networks_take_any_number_of_channels(name: str) -> None:
    from vicreg_biomedical.encoders import monai_nets

    config = {
        "resnet": configs.MonaiResNetConfig(depth=10),
        "densenet": configs.MonaiDenseNetConfig(),
        "efficientnet": configs.MonaiEfficientNetConfig(),
        "vit": configs.MonaiViTConfig(layers=2),
    }[name]
    encoder = getattr(monai_nets, f"build_{name}")(config, info(5))
    assert encoder(torch.randn(2, 5, 40, 40)).shape == (2, encoder.embedding_dim)


@pytest.mark.slow
def test_a_patch_must_divide_the_view() -> None:
    from vicreg_biomedical.encoders.monai_nets import build_vit

    with pytest.raises(RecipeError, match=r"encoder\.patch is 7, which does not divide views of 40 x 40"):
        build_vit(configs.MonaiViTConfig(patch=7), info(3))


@pytest.mark.slow
def test_importing_monai_leaves_warnings_alone() -> None:
    code = (
        "import warnings; before = warnings.showwarning\n"
        "from vicreg_biomedical.monai_import import import_monai\n"
        "import_monai('monai.networks.nets')\n"
        "assert warnings.showwarning is before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_monai_transforms_by_name_are_keyed() -> None:
    from tests.biomedical.fixtures import cells
    from vicreg_biomedical.augmentations.config import MonaiConfig
    from vicreg_biomedical.augmentations.monai import build
    from vicreg_core.contracts.keys import Keys

    data = cells()
    transforms = (
        {"name": "RandRotate", "range_x": 3.0, "prob": 1.0},
        {"name": "RandGaussianNoise", "prob": 1.0},
    )
    views, key = build(MonaiConfig(transforms=transforms), data.info), Keys.of(0, 0, torch.arange(2), 0)
    first = views.prepare(data[0], key[0])
    views.prepare(data[1], key[1])
    assert torch.equal(first, views.prepare(data[0], key[0]))
    assert not torch.equal(first, views.prepare(data[0], key[1]))
    assert views(views.collate([first, first])).shape == (2, 3, 24, 24)
    for bad in (
        {"name": "Lambda"},
        {"name": "os.system"},
        {"name": "RandFlip", "chance": 1.0},
        {"name": "RandFlipd"},
    ):
        with pytest.raises(RecipeError, match=r"augmentation\.transforms"):
            build(MonaiConfig(transforms=(bad,)), data.info)
