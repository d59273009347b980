from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from vicreg_core.contracts import DataInfo, Encoder
from vicreg_core.errors import DataError, PluginError, RecipeError
from vicreg_vision.encoders import small_cnn
from vicreg_vision.encoders.config import (
    ConvNeXtConfig,
    ResNetConfig,
    SmallCNNConfig,
    TorchvisionConfig,
    ViTConfig,
)

torchvision = pytest.importorskip("torchvision")

from vicreg_vision.encoders import convnext, resnet, torchvision_models, vit  # noqa: E402


def images_of(channels: int = 3, side: int | None = 32) -> DataInfo:
    return DataInfo({"kind": "image", "channels": channels, "height": side, "width": side})


def classifier(model: str, **keys: Any) -> Callable[[DataInfo], Encoder]:
    return lambda info: torchvision_models.build(TorchvisionConfig(model=model, **keys), info)


SMALL_VIT = ViTConfig(image_size=32, patch_size=8, width=32, depth=2, heads=2)
BUILDERS: dict[str, tuple[Callable[[DataInfo], Encoder], int, int]] = {
    "small-cnn": (lambda i: small_cnn.build(SmallCNNConfig(width=16), i), 64, 32),
    "resnet18": (lambda i: resnet.build_resnet18(ResNetConfig(), i), 512, 32),
    "resnet34": (lambda i: resnet.build_resnet34(ResNetConfig(stem="imagenet"), i), 512, 32),
    "resnet50": (lambda i: resnet.build_resnet50(ResNetConfig(zero_init_residual=True), i), 2048, 16),
    "vit": (lambda i: vit.build(SMALL_VIT, i), 32, 32),
    "convnext-tiny": (lambda i: convnext.build_tiny(ConvNeXtConfig(), i), 768, 32),
    "mobilenet": (classifier("mobilenet_v3_small"), 1024, 32),
    "shufflenet": (classifier("shufflenet_v2_x0_5"), 1024, 32),
    "googlenet": (classifier("googlenet"), 1024, 32),
    "vit by name": (classifier("vit_b_32", image_size=32), 768, 32),
}


@pytest.mark.parametrize("name", BUILDERS)
def test_representations_for_any_number_of_channels(name: str) -> None:
    build, width, side = BUILDERS[name]
    for channels in (1, 3, 5):
        torch.manual_seed(0)
        encoder = build(images_of(channels))
        output = encoder(torch.randn(2, channels, side, side))
        assert (output.shape, output.dtype, encoder.embedding_dim) == ((2, width), torch.float32, width)
    output.square().sum().backward()
    unused = [n for n, parameter in encoder.named_parameters() if parameter.grad is None]
    assert unused == []


@pytest.mark.parametrize("name", ["small-cnn", "resnet18", "convnext-tiny"])
def test_channels_last_changes_nothing_but_the_layout(name: str) -> None:
    build, _, side = BUILDERS[name]
    encoder = build(images_of()).eval()
    batch = torch.randn(2, 3, side, side)
    expected = encoder(batch)
    assert encoder.channels_last
    encoder.to(memory_format=torch.channels_last)
    torch.testing.assert_close(encoder(batch.contiguous(memory_format=torch.channels_last)), expected)


@pytest.mark.parametrize(
    ("stem", "side", "small"),
    [
        ("auto", 32, True),
        ("auto", 64, True),
        ("auto", 65, False),
        ("auto", None, False),
        ("small", 224, True),
        ("imagenet", 32, False),
    ],
)
def test_the_stem_follows_the_size_of_the_images(stem: str, side: int | None, small: bool) -> None:
    encoder = resnet.build_resnet18(ResNetConfig(stem=stem), images_of(3, side))  # type: ignore[arg-type]
    first = next(m for m in encoder.modules() if isinstance(m, nn.Conv2d))
    assert (first.kernel_size, first.stride) == (((3, 3), (1, 1)) if small else ((7, 7), (2, 2)))
    assert any(isinstance(m, nn.MaxPool2d) for m in encoder.modules()) is not small


def test_residual_blocks_may_start_as_the_identity() -> None:
    for zero in (True, False):
        encoder: Any = resnet.build_resnet18(ResNetConfig(zero_init_residual=zero), images_of())
        assert encoder.network.layer1[0].bn2.weight.abs().sum().item() == (0.0 if zero else 64.0)


@pytest.mark.parametrize(("side", "stride", "maps"), [(8, 1, 8), (28, 2, 14), (64, 2, 32), (None, 4, None)])
def test_the_small_cnn_follows_the_size_of_the_images(
    side: int | None, stride: int, maps: int | None
) -> None:
    encoder = small_cnn.build(SmallCNNConfig(width=8), images_of(1, side))
    assert isinstance(encoder.layers[0], nn.Conv2d)
    assert encoder.layers[0].stride == (stride, stride)
    if side is not None:
        assert encoder.layers[0](torch.zeros(1, 1, side, side)).shape[-2:] == (maps, maps)
    assert small_cnn.build(SmallCNNConfig(width=8, stride=4), images_of(1, 8)).smallest == 16


@pytest.mark.parametrize("side", [4, 5, 7, 9])
def test_the_small_cnn_takes_odd_sizes(side: int) -> None:
    encoder = small_cnn.build(SmallCNNConfig(width=8, depth=2), images_of(1, 8))
    assert encoder(torch.randn(2, 1, side, side + 2)).shape == (2, 32)


def too_small(encoder: Encoder, side: int) -> str:
    with pytest.raises(DataError) as error:
        encoder(torch.zeros(2, 1, side, side))
    return str(error.value)


def test_images_too_small_for_the_network_are_refused_with_advice() -> None:
    digits = images_of(1, 8)
    message = too_small(resnet.build_resnet18(ResNetConfig(stem="imagenet"), digits), 8)
    assert "at least 32 x 32 pixels, got 8 x 8" in message
    assert "encoder.stem=small" in message
    assert "at least 8 x 8" in too_small(resnet.build_resnet18(ResNetConfig(), digits), 4)
    assert "augmentation.size" in too_small(convnext.build_tiny(ConvNeXtConfig(), digits), 8)
    assert "encoder.stride" in too_small(small_cnn.build(SmallCNNConfig(stride=4), digits), 8)
    assert "built for images of 32 x 32 pixels, got 8 x 8" in too_small(vit.build(SMALL_VIT, digits), 8)


def test_a_torchvision_model_that_cannot_take_the_size_says_so() -> None:
    message = too_small(classifier("vit_b_32", image_size=64)(images_of(1)), 32)
    assert "vit_b_32 cannot take images of 32 x 32 pixels" in message
    assert "encoder.image_size" in message
    assert "densenet121 cannot take" in too_small(classifier("densenet121")(images_of(1)), 8)


def test_other_failures_of_a_torchvision_model_are_not_put_down_to_the_size() -> None:
    encoder = classifier("shufflenet_v2_x0_5")(images_of(3))
    with pytest.raises(RuntimeError, match="type"):
        encoder(torch.zeros(2, 3, 32, 32, dtype=torch.float64))


def test_dropout_before_the_removed_layer_goes_with_it() -> None:
    encoder = classifier("efficientnet_b0")(images_of())
    dropouts = [m for m in encoder.modules() if isinstance(m, nn.Dropout)]
    linear = [m for m in encoder.modules() if isinstance(m, nn.Linear)]
    assert (dropouts, linear) == ([], [])


def test_names_of_torchvision_models() -> None:
    with pytest.raises(
        RecipeError, match=r"no classifier 'mobilnet-v3-small'; did you mean mobilenet_v3_small"
    ):
        classifier("mobilnet-v3-small")(images_of())
    with pytest.raises(RecipeError, match=r"no classifier 'qqq'; it knows alexnet, "):
        classifier("qqq")(images_of())
    with pytest.raises(RecipeError, match="does not end in a linear layer"):
        classifier("squeezenet1_1")(images_of())
    with pytest.raises(RecipeError, match="images of any size"):
        classifier("shufflenet_v2_x0_5", image_size=32)(images_of())


def test_configs_that_contradict_themselves() -> None:
    with pytest.raises(ValidationError, match="image_size 30 is not a multiple of patch_size 16"):
        ViTConfig(image_size=30)
    with pytest.raises(ValidationError, match="width 100 is not a multiple of heads 3"):
        ViTConfig(preset="tiny", width=100)
    with pytest.raises(ValidationError, match="small has no ImageNet weights"):
        ResNetConfig(stem="small", weights="imagenet")
    with pytest.raises(ValidationError, match="their own size"):
        TorchvisionConfig(model="vit_b_16", weights="imagenet", image_size=32)
    assert ViTConfig(preset="tiny", depth=2).shape == (192, 2, 3)


def test_data_that_are_no_images() -> None:
    text = DataInfo({"kind": "text"})
    for build, _, _ in BUILDERS.values():
        with pytest.raises(RecipeError, match=r"takes images, but the dataset gives 'text'"):
            build(text)


@pytest.fixture
def pretrained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    """A network whose weights lie where torchvision looks for the ImageNet ones of ShuffleNet."""
    torch.manual_seed(1)
    network: nn.Module = torchvision.models.shufflenet_v2_x0_5().eval()
    enum = torchvision.models.ShuffleNet_V2_X0_5_Weights.DEFAULT
    (tmp_path / "checkpoints").mkdir()
    torch.save(network.state_dict(), tmp_path / "checkpoints" / enum.url.rsplit("/", 1)[-1])
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    return network


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pretrained_weights_answer_to_gray_pictures_as_before(pretrained: Any, channels: int) -> None:
    encoder = classifier("shufflenet_v2_x0_5", weights="imagenet")(images_of(channels)).eval()
    pretrained.fc = nn.Identity()
    gray = torch.rand(2, 1, 64, 64)
    expected = pretrained(gray.expand(-1, 3, -1, -1))
    torch.testing.assert_close(encoder(gray.expand(-1, channels, -1, -1)), expected, rtol=1e-4, atol=1e-5)


def test_a_saved_pretrained_encoder_is_rebuilt_without_a_download(pretrained: Any) -> None:
    trained = classifier("shufflenet_v2_x0_5", weights="imagenet")(images_of(3))
    assert trained.rebuild_options == {"weights": "none"}
    rebuilt = classifier("shufflenet_v2_x0_5", **trained.rebuild_options)(images_of(3))
    rebuilt.load_state_dict(trained.state_dict())
    images = torch.rand(2, 3, 64, 64)
    torch.testing.assert_close(rebuilt.eval()(images), trained.eval()(images))


def test_a_saved_resnet_keeps_the_stem_it_was_trained_with() -> None:
    small = resnet.build_resnet18(ResNetConfig(), images_of(3, 32))
    assert small.rebuild_options == {"weights": "none", "stem": "small"}
    large = resnet.build_resnet18(ResNetConfig(), images_of(3, 224))
    assert large.rebuild_options == {"weights": "none", "stem": "imagenet"}


def test_weights_that_cannot_be_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: Any, **__: Any) -> None:
        raise URLError("no network")

    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", unreachable)
    with pytest.raises(PluginError, match=r"could not be downloaded.*resnet18-\w+\.pth.*weights=none"):
        resnet.build_resnet18(ResNetConfig(weights="imagenet"), images_of())
