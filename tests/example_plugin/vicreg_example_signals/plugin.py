"""What this plugin has. Every ``vicreg`` command imports this module, so it imports nothing else of ours."""

from __future__ import annotations

from vicreg_core.plugins import AugmentationSpec, DatasetSpec, EncoderSpec, RecipeFolder, hookimpl


@hookimpl
def vicreg_datasets() -> list[DatasetSpec]:
    """``signals/waveforms``."""
    return [
        DatasetSpec(
            name="waveforms",
            target="vicreg_example_signals.dataset:read_waveforms",
            config="vicreg_example_signals.configs:WaveformsConfig",
            summary="generated sines, squares, triangles and sawtooths",
        )
    ]


@hookimpl
def vicreg_augmentations() -> list[AugmentationSpec]:
    """``signals/standard``."""
    return [
        AugmentationSpec(
            name="standard",
            target="vicreg_example_signals.augmentation:StandardAugmentation",
            config="vicreg_example_signals.configs:StandardConfig",
            summary="random window, shift in time, scale, noise and mask",
        )
    ]


@hookimpl
def vicreg_encoders() -> list[EncoderSpec]:
    """``signals/conv``."""
    return [
        EncoderSpec(
            name="conv",
            target="vicreg_example_signals.encoder:ConvEncoder",
            config="vicreg_example_signals.configs:ConvConfig",
            summary="a small 1-D convolutional network, trained from scratch",
        )
    ]


@hookimpl
def vicreg_recipes() -> list[RecipeFolder]:
    """``signals/quickstart``."""
    return [RecipeFolder(package="vicreg_example_signals")]
