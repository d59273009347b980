"""A short way to write specs that are alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from vicreg_core.plugins.specs import ComponentSpec

S = TypeVar("S", bound=ComponentSpec)


def family(kind: type[S], package: str, *, configs: str = "config", **shared: Any) -> Callable[..., S]:
    """What makes the specs of one kind whose builders and config models lie in one package.

    Nothing is imported: the result puts names together.

    >>> from vicreg_core.plugins.specs import EncoderSpec
    >>> encoder = family(EncoderSpec, "my_package.encoders", requires=("torchvision",), extra="my[vision]")
    >>> spec = encoder("conv", "conv:build", "ConvConfig", "a convolutional network")
    >>> spec.target, spec.config
    ('my_package.encoders.conv:build', 'my_package.encoders.config:ConvConfig')

    Args:
        kind: class of the specs.
        package: that targets and configs are relative to.
        configs: module of the config models, relative to the package.
        **shared: further fields of every spec, which one spec may replace.

    Returns:
        ``spec(name, target, config, summary, **own)``; ``config`` is the name of a model or ``None``.
    """

    def spec(name: str, target: str, config: str | None, summary: str, **own: Any) -> S:
        model = None if config is None else f"{package}.{configs}:{config}"
        return kind(
            name=name, target=f"{package}.{target}", config=model, summary=summary, **{**shared, **own}
        )

    return spec
