"""Numeric precision of the encoder and projector; loss statistics are float32 whatever is chosen here."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from vicreg_core.errors import RecipeError

PrecisionName = Literal["auto", "float32", "bfloat16", "float16"]
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_UNSOUND_ON_CPU = (nn.Conv3d, nn.ConvTranspose3d)
"""Layers whose gradient is wrong or infinite in bfloat16 on a CPU that computes in it natively (torch 2.14
with oneDNN), and that half precision slows down on one that does not."""


@dataclass(frozen=True, slots=True)
class Precision:
    """A device type and the dtype autocast uses on it (float32: autocast off)."""

    device_type: str
    dtype: torch.dtype

    def autocast(self) -> AbstractContextManager[None]:
        """The context of the forward pass through encoder and projector."""
        return torch.autocast(self.device_type, dtype=self.dtype, enabled=self.dtype != torch.float32)

    def scaler(self) -> torch.amp.GradScaler:
        """A gradient scaler, active for float16 only: bfloat16 has the range of float32."""
        return torch.amp.GradScaler(self.device_type, enabled=self.dtype == torch.float16)

    def sound_for(self, model: nn.Module) -> Precision:
        """This precision, or float32 where ``model`` cannot be trusted in it on this kind of device.

        That is any module with a convolution over volumes on a CPU.
        """
        if self.dtype == torch.float32 or self.device_type != "cpu" or not _has_volumes(model):
            return self
        return Precision(self.device_type, torch.float32)

    @classmethod
    def in_force(cls, device: torch.device) -> Precision:
        """That of the caller's own autocast; float32 outside of any."""
        kind = device.type
        return cls(kind, torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else torch.float32)

    @property
    def native(self) -> bool:
        """False where bfloat16 is asked of a CPU or an NVIDIA GPU that has no instructions for it."""
        known = self.dtype == torch.bfloat16 and self.device_type != "mps"
        return not known or _native_bfloat16(torch.device(self.device_type))

    @property
    def name(self) -> str:
        """The dtype's name, as in recipes."""
        return str(self.dtype).removeprefix("torch.")


def resolve_device(name: str) -> torch.device:
    """``auto`` is the first of cuda, mps and cpu that is there.

    Raises:
        RecipeError: for a device this machine lacks.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    device = torch.device(name)
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not available[device.type]:
        raise RecipeError(
            f"train.device is {name!r} but torch {torch.__version__} sees no {device.type} device on this "
            "machine; set train.device=auto"
        )
    return device


def device_name(device: torch.device) -> str:
    """What people call it: the model of a GPU, else ``cpu`` or ``mps``."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def resolve_precision(
    name: PrecisionName, device: torch.device, *, training: nn.Module | None = None
) -> Precision:
    """``auto`` is bfloat16 where the hardware computes in it natively and the model may be, else float32.

    Args:
        name: as in recipes.
        device: where the model is computed.
        training: the model to train; ``None``: not known yet, so that whoever trains it asks
            :meth:`Precision.sound_for`.

    Raises:
        RecipeError: a half precision is named that ``training`` cannot be trained in on this device.
    """
    if name == "auto":
        best = Precision(device.type, torch.bfloat16 if _native_bfloat16(device) else torch.float32)
        return best if training is None else best.sound_for(training)
    named = Precision(device.type, _DTYPES[name])
    if training is not None and named.sound_for(training) != named:
        raise RecipeError(
            f"train.precision is {name!r}, but the encoder has convolutions over volumes (Conv3d), whose "
            f"gradients are not right in {name} on a CPU; set train.precision=auto or float32, or use a GPU"
        )
    return named


def _has_volumes(model: nn.Module) -> bool:
    return any(isinstance(module, _UNSOUND_ON_CPU) for module in model.modules())


def _native_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu" and hasattr(torch.cpu, "get_capabilities"):
        capabilities = torch.cpu.get_capabilities()
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return False
