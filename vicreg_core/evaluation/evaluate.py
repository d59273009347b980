"""An encoder and its floors through every protocol asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from pydantic import BaseModel

from vicreg_core.contracts import Encoder
from vicreg_core.data.labelled import count_labelled, labelled_rows
from vicreg_core.evaluation.metrics.finite import finite, undefined
from vicreg_core.evaluation.protocols.registry import Protocol, load_protocol
from vicreg_core.evaluation.subjects.bench import RANDOM_ENCODER, Bench
from vicreg_core.evaluation.subjects.subject import Subject
from vicreg_core.evaluation.supervised.floor import NAME as SUPERVISED
from vicreg_core.evaluation.supervised.floor import supervised_floor
from vicreg_core.evaluation.verdict import add_verdicts
from vicreg_core.recipes.schema import LabelTraining

Say = Callable[[str], None]


def evaluate(
    encoder: Encoder,
    bench: Bench,
    protocols: Mapping[str, BaseModel | None],
    *,
    untrained: Callable[[], Encoder] | None = None,
    baselines: bool = True,
    supervised: LabelTraining | None = None,
    beside: Mapping[str, Callable[[], Subject]] = MappingProxyType({}),
    say: Say = lambda _: None,
) -> dict[str, Any]:
    """Score an encoder beside its floors.

    A protocol that cannot run on the data says why in ``skipped`` instead of failing.

    Args:
        encoder: the trained encoder.
        bench: the samples, and how features are made of them.
        protocols: the options of each by its name as in recipes; ``None``: the defaults.
        untrained: builds the same architecture with random weights; ``None``: no such floor.
        baselines: evaluate the floors.
        supervised: of them also a network trained from scratch with labels in this way
            (:mod:`vicreg_core.evaluation.supervised.floor`).
        beside: further encoders to be floors, by name.
        say: told what is being done.

    Returns:
        JSON values: ``data`` (numbers of samples), ``protocols`` (the encoder's result by protocol, each with
        its ``verdict``, and with its ``options`` where these are not the defaults), ``baselines``
        (the same by floor) and ``notes`` (what a reader must know).

    Raises:
        PluginError: an unknown protocol.
        DataError: samples that cannot be read or scored.
    """
    loaded = {name: load_protocol(name, config) for name, config in protocols.items()}
    results: dict[str, dict[str, Any]] = {}
    lacks_supervised = supervised is not None and baselines
    for subject in _subjects(encoder, bench, untrained if baselines else None, baselines, beside, say):
        results[subject.name] = {
            name: _run(name, protocol, subject, say) for name, protocol in loaded.items()
        }
        if supervised is not None and baselines and subject.name == RANDOM_ENCODER:
            say("supervised training from scratch")
            if (floor := supervised_floor(subject, loaded, supervised)) is not None:
                results[SUPERVISED], lacks_supervised = floor, False
    scored = results.pop("encoder")
    for name, result in scored.items():
        add_verdicts(name, result, {floor: of[name] for floor, of in results.items() if name in of})
        if (config := protocols[name]) and (options := config.model_dump(mode="json", exclude_defaults=True)):
            result["options"] = options
    return {
        "data": _describe(bench),
        "protocols": scored,
        "baselines": results,
        "notes": list(_notes(bench, results, baselines, lacks_supervised)),
    }


def _subjects(
    encoder: Encoder,
    bench: Bench,
    untrained: Callable[[], Encoder] | None,
    baselines: bool,
    beside: Mapping[str, Callable[[], Subject]],
    say: Say,
) -> Iterator[Subject]:
    """The encoder, then its floors, one at a time: the features of only one are held."""
    say(f"encoding {len(bench.train) + len(bench.test or ()):,} samples")
    yield bench.encoder("encoder", encoder)
    if untrained is not None:
        say("encoding them with the untrained encoder")
        yield bench.untrained(untrained)
    if baselines:
        yield from bench.floors()
    for name, make in beside.items():
        say(f"encoding them with {name}")
        yield make()


def _run(name: str, protocol: Protocol, subject: Subject, say: Say) -> dict[str, Any]:
    if protocol.needs_labels and (reason := _no_labels(subject)):
        return {"skipped": reason}
    say(f"{name} of {subject.name}")
    started = time.perf_counter()
    result = {**protocol(subject), **subject.remarks}
    if names := sorted(set(undefined(result))):
        # Samples all alike, say: no figure is made up, and what can be said is.
        result = {**finite(result), "undefined": names}
        say(f"{name} of {subject.name}: not defined for these samples: {', '.join(names)}")
    return {**result, "seconds": round(time.perf_counter() - started, 2)}


def _no_labels(subject: Subject) -> str | None:
    if subject.train.labels is None:
        return "it needs labels, and the data has none"
    if subject.test is None:
        return "it needs samples that were held out, and there are none: the data has no test split"
    if subject.test.labels is None:
        return "it needs labels, and the test samples have none"
    return None


def _describe(bench: Bench) -> dict[str, Any]:
    test = bench.test
    described: dict[str, Any] = {
        "train": len(bench.train),
        "test": 0 if test is None else len(test),
        "classes": list(bench.train.classes),
    }
    if count_labelled(bench.train):
        described["train_labelled"] = len(labelled_rows(bench.train))
    if bench.train.groups is not None:
        described["train_groups"] = len(np.unique(bench.train.groups))
        described["test_groups"] = 0 if test is None or test.groups is None else len(np.unique(test.groups))
    return described


def _notes(bench: Bench, floors: Mapping[str, Any], baselines: bool, lacks_supervised: bool) -> Iterator[str]:
    if not baselines:
        yield "floors were not evaluated (evaluate.baselines is false): a score without its floor says little"
    elif "raw_features" not in floors:
        yield "the dataset offers no raw features, so there is no such floor"
    if lacks_supervised:
        yield (
            "there is no network trained with the labels beside it: that takes labelled training and test "
            "samples, an untrained encoder, and a model that says how long it was trained"
        )
    test = bench.test
    if test is not None and test.groups is not None and bench.train.groups is not None:
        shared = set(map(str, test.groups)) & set(map(str, bench.train.groups))
        if shared:
            yield (
                f"{len(shared)} group(s) have samples in both training and test split, e.g. {min(shared)!r}: "
                "scores on the test split may profit from what such samples share"
            )
    if words := count_labelled(bench.train):
        yield f"of the training samples {words}: classifiers learn from those, other diagnostics from all"
    for skipped in {tuple(data.skipped) for data in (bench.train, bench.test) if data is not None} - {()}:
        yield f"{len(skipped)} unreadable sample(s) left out, e.g. {skipped[0]}"
