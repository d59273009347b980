"""The files of an exported model: what is written, what is read, and what is refused."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from vicreg_core.errors import RunError
from vicreg_core.files import atomic_path, is_whole, regular, sealed, sha256, why

FORMAT = 2
CONFIG, WEIGHTS, CARD, ASSETS = "config.json", "model.safetensors", "README.md", "assets"
START_ONLY = "init/"
"""Assets under this name are read by a fresh encoder only, and not saved with it."""

_ASSET = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")


def find_model(path: Path) -> Path:
    """The model folder that ``path`` is or holds.

    Raises:
        RunError: there is none; the message says what there is instead.
    """
    for folder in (path, path / "model"):
        if (folder / CONFIG).is_file():
            return folder
    if not path.exists():
        raise RunError(f"{path} does not exist; give the folder of a run, such as runs/quickstart")
    if (path / "recipe.yaml").is_file():
        raise RunError(
            f"the run {path} has no model: its training has not finished, or the model was damaged; this "
            f"continues it, and writes the model anew where training has finished:\n  {resume_line(path)}"
        )
    raise RunError(f"{path} is neither a run nor a model: expected {CONFIG} in it, or in {path / 'model'}")


def model_name(path: Path) -> str:
    """What tells a model from any other: the digest of its ``config.json``, which holds those of its files.

    Raises:
        RunError: there is no model.
    """
    return sha256(find_model(path) / CONFIG)


def resume_line(run: Path) -> str:
    """The command that continues a run, and exports its model anew where training has finished."""
    return f"vicreg train {shlex.quote(str(run / 'recipe.yaml'))} --out {shlex.quote(str(run))} --resume"


def write_files(
    folder: Path,
    config: Mapping[str, Any],
    weights: Mapping[str, Tensor],
    assets: Mapping[str, bytes],
    card: str,
) -> None:
    """Write a model folder atomically; an earlier model there is replaced.

    Raises:
        ValueError: an asset's name is not a plain relative path.
        RunError: the disk refuses, or the folder holds something that is not a model.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    _check_replaceable(folder)
    for name in assets:
        if not _ASSET.fullmatch(name):
            raise ValueError(f"asset {name!r}: expected a plain relative path such as 'tokenizer.json'")
    with atomic_path(folder) as temporary:
        temporary.mkdir()
        # A copy of each tensor: safetensors refuses tensors that share memory or are not contiguous.
        copies = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in weights.items()}
        try:
            save_file(copies, temporary / WEIGHTS)
        except SafetensorError as error:
            raise OSError(str(error)) from error
        for name, content in assets.items():
            path = temporary / ASSETS / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        written = {name: sha256(temporary / name) for name in [WEIGHTS, *(f"{ASSETS}/{a}" for a in assets)]}
        values = sealed({**config, "sha256": written})
        (temporary / CONFIG).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
        (temporary / CARD).write_text(card, encoding="utf-8")


def read_config(folder: Path) -> dict[str, Any]:
    """The mapping in ``config.json``, without its checksum.

    Raises:
        RunError: it is damaged, no model's, or written by another version.
    """
    path = folder / CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        written = config["format"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{path} is damaged or not the config of a model ({_first_line(error)})") from error
    if not isinstance(written, int) or written > FORMAT:
        raise RunError(
            f"{path} has model format {written!r} and this version reads up to {FORMAT}: "
            "pip install -U vicreg-suite"
        )
    if written == FORMAT and not is_whole(config):
        raise RunError(
            f"{path} is damaged: its checksum does not fit its content; copy it again, or export it again by "
            "vicreg train --resume"
        )
    return {key: value for key, value in config.items() if key != "checksum"}


def read_weights(folder: Path, checksums: Mapping[str, str]) -> dict[str, Tensor]:
    """The tensors of ``model.safetensors``, on the CPU.

    Args:
        folder: of the model.
        checksums: SHA-256 by file, as its config says; empty for a model of format 1.

    Raises:
        RunError: the file is missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = folder / WEIGHTS
    try:
        _check(path, checksums.get(WEIGHTS))
        return load_file(regular(path))
    except (OSError, ValueError, SafetensorError) as error:
        raise RunError(
            f"{path} cannot be read ({_first_line(error)}): it is missing, truncated or damaged; copy it "
            "again, or export it again by vicreg train --resume"
        ) from error


def read_assets(folder: Path, names: tuple[str, ...], checksums: Mapping[str, str]) -> dict[str, bytes]:
    """The files a config names; ``checksums`` as for :func:`read_weights`.

    Raises:
        RunError: a name leads out of the folder, or a file is missing or damaged.
    """
    home, assets = Path(os.path.realpath(folder / ASSETS)), dict[str, bytes]()
    for name in names:
        path = Path(os.path.realpath(home / name))
        if not _ASSET.fullmatch(name) or not path.is_relative_to(home):
            raise RunError(
                f"{folder / CONFIG} names the asset {name!r}, which leads out of {folder / ASSETS}"
            )
        try:
            _check(path, checksums.get(f"{ASSETS}/{name}"))
            assets[name] = regular(path).read_bytes()
        except (OSError, ValueError) as error:
            raise RunError(
                f"the model {folder} lacks its asset {name!r} ({why(error)}); copy it again, or export it "
                "again by vicreg train --resume"
            ) from error
    return assets


def _check(path: Path, checksum: str | None) -> None:
    if checksum is not None and sha256(path) != checksum:
        raise ValueError("its checksum is not the one that the config holds")


def _check_replaceable(folder: Path) -> None:
    """Refuse to replace what is no model; one that lost a part, its config even, is one."""
    known = {CONFIG, WEIGHTS, CARD, ASSETS}
    if folder.is_file() or (folder.is_dir() and {path.name for path in folder.iterdir()} - known):
        raise RunError(f"{folder} holds something that is not a model; give a new or empty folder")


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}".rstrip(": ")
