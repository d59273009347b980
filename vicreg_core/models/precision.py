"""Numeric precision of the encoder and projector; loss statistics are float32 whatever is chosen here."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

import torch

from vicreg_core.errors import RecipeError

PrecisionName = Literal["auto", "float32", "bfloat16", "float16"]
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


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


def resolve_precision(name: PrecisionName, device: torch.device) -> Precision:
    """``auto`` is bfloat16 where the hardware computes in it natively, else float32."""
    if name != "auto":
        return Precision(device.type, _DTYPES[name])
    return Precision(device.type, torch.bfloat16 if _native_bfloat16(device) else torch.float32)


def _native_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu" and hasattr(torch.cpu, "get_capabilities"):
        capabilities = torch.cpu.get_capabilities()
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return False
