"""Encoders for any number of input channels: reading it from the data, and fitting the first convolution."""

from __future__ import annotations

from torch import nn

from vicreg_core.contracts import DataInfo
from vicreg_core.errors import RecipeError


def input_channels(info: DataInfo, encoder: str) -> int:
    """The number of channels of the data.

    Raises:
        RecipeError: where the data are not images.
    """
    channels = info.facts.get("channels")
    if info.facts.get("kind") != "image" or not isinstance(channels, int):
        raise RecipeError(
            f"encoder {encoder} takes images, but the dataset gives "
            f"{info.facts.get('kind', 'data of no stated kind')!r}: choose a dataset vision/... for it"
        )
    return channels


def fit_first_convolution(model: nn.Module, channels: int, pretrained: bool) -> None:
    """Make the first convolution of ``model`` take ``channels`` channels, in place.

    Random weights are drawn anew (Kaiming normal over the fan-out, as torchvision's networks start).
    Pretrained ones become, for each new channel, the mean filter over red, green and blue times 3 /
    ``channels``: a picture that is the same in all channels gives the response the gray picture gave before.
    """
    name, first = next((name, m) for name, m in model.named_modules() if isinstance(m, nn.Conv2d))
    if first.in_channels == channels:
        return
    fitted = nn.Conv2d(
        channels,
        first.out_channels,
        first.kernel_size,  # type: ignore[arg-type]
        first.stride,  # type: ignore[arg-type]
        first.padding,  # type: ignore[arg-type]
        bias=first.bias is not None,
    )
    if pretrained:
        mean = first.weight.detach().mean(dim=1, keepdim=True)
        fitted.weight.data = (mean * (first.in_channels / channels)).repeat(1, channels, 1, 1)
    else:
        nn.init.kaiming_normal_(fitted.weight, mode="fan_out", nonlinearity="relu")
    if first.bias is not None and fitted.bias is not None:
        fitted.bias.data = first.bias.detach().clone()
    model.set_submodule(name, fitted)
