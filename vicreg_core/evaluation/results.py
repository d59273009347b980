"""What a run's ``evaluation.json`` keeps: the latest result of each protocol, and of each transfer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from vicreg_core.evaluation.subjects.bench import RANDOM_ENCODER
from vicreg_core.evaluation.subjects.floors import RAW_FEATURES
from vicreg_core.evaluation.verdict import add_verdicts
from vicreg_core.runs.lock import file_lock
from vicreg_core.runs.reading import DamagedFile, read_sealed, set_aside, write_sealed

TRANSFER = "transfer"

Say: TypeAlias = Callable[[str], None]

_SAME = ("format", "model", "seed", "data")
_ALWAYS = {RANDOM_ENCODER, RAW_FEATURES}


def keep_evaluation(path: Path, result: Mapping[str, Any], say: Say = lambda _: None) -> dict[str, Any]:
    """Write the result, joined by what an earlier one of the same model says beside it; returns both.

    Args:
        path: ``evaluation.json``.
        result: an evaluation with ``format``, ``model`` and ``seed``.
        say: told where the earlier one is damaged.
    """
    with file_lock(path):
        earlier = _read(path, say)
        joined = _joined(earlier, result)
        if earlier.get("model") == result["model"] and (transfers := earlier.get(TRANSFER)):
            joined[TRANSFER] = transfers
        write_sealed(path, joined)
        return joined


def keep_transfer(
    path: Path, name: str, result: Mapping[str, Any], say: Say = lambda _: None
) -> dict[str, Any]:
    """Write the evaluation of the same model on other data; returns it, with what was there of that data.

    Args:
        path: ``evaluation.json``.
        name: of the other data.
        result: an evaluation with ``format``, ``model`` and ``seed``.
        say: told where what is there is damaged.
    """
    with file_lock(path):
        kept = _read(path, say)
        if kept.get("model") != result["model"]:
            kept = {
                **{key: result[key] for key in ("format", "model", "seed")},
                "data": None,
                "protocols": {},
                "baselines": {},
                "notes": [],
            }
        transfers = kept.get(TRANSFER, {})
        joined = _joined(transfers.get(name, {}), result)
        write_sealed(path, {**kept, TRANSFER: {**transfers, name: joined}})
        return joined


def _joined(earlier: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    """The result with the protocols and floors that an earlier one of the same model and samples adds.

    What both have is that of the new one. An encoder is judged by the floors of both.
    """
    try:
        floors = earlier["baselines"]
        same = all(earlier[key] == result[key] for key in _SAME)
        if not same or _ALWAYS & set(floors) != _ALWAYS & set(result["baselines"]):
            return dict(result)
        floors = {name: _comparable(of, earlier, result) for name, of in floors.items()}
        names = dict.fromkeys([*result["baselines"], *floors])
        baselines = {name: {**floors.get(name, {}), **result["baselines"].get(name, {})} for name in names}
        protocols = {**earlier["protocols"], **result["protocols"]}
        for name, own in protocols.items():
            add_verdicts(name, own, {floor: of[name] for floor, of in baselines.items() if name in of})
    except (KeyError, TypeError, AttributeError):
        return dict(result)
    return {**result, "protocols": protocols, "baselines": baselines}


def _comparable(
    floor: Mapping[str, Any], earlier: Mapping[str, Any], result: Mapping[str, Any]
) -> dict[str, Any]:
    """A floor's earlier results, less those of protocols that have other options now."""
    now, then = result["protocols"], earlier["protocols"]
    return {
        name: of
        for name, of in floor.items()
        if name not in now or name not in then or now[name].get("options") == then[name].get("options")
    }


def _read(path: Path, say: Say) -> dict[str, Any]:
    """What is there; empty where that is nothing. What is damaged is set aside, and said to be."""
    try:
        return read_sealed(path) or {}
    except DamagedFile as error:
        say(f"warning: {error}; it was set aside as {set_aside(path)}, and what it held is evaluated anew")
        return {}
