"""Vectors of more samples than fit a memory: parts of Parquet, made one by one or by many machines."""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vicreg_core.contracts import DatasetAdapter
from vicreg_core.contracts.stream import StreamAdapter
from vicreg_core.data.reading import ingested
from vicreg_core.data.splits import open_data, open_test
from vicreg_core.data.streams.journal import Journal, entry_of
from vicreg_core.data.streams.manifest import Manifest, ShardEntry
from vicreg_core.errors import DataError, RunError
from vicreg_core.inference.embedder import Embedder
from vicreg_core.models.precision import resolve_device
from vicreg_core.pretrained import load
from vicreg_core.pretrained.files import model_name
from vicreg_core.recipes.load import LoadedRecipe, load_recipe
from vicreg_core.vectors.files import VectorTable, write_vectors
from vicreg_core.vectors.of_run import Part, checked

Engine = Literal["local", "ray"]
Say = Callable[[str], None]


class PartMaker:
    """Embeds parts of a run's data, a stream or not; picklable, opened in the process that uses it.

    Args:
        run: folder of a finished run.
        part: ``"train"``, ``"test"`` or ``"all"``: both, one behind the other.
        overrides: of its ``data``, and ``train.device``.
        target: folder of the parts.
        rows: samples of a part.
    """

    def __init__(self, run: Path, part: Part, overrides: Sequence[str], target: Path, rows: int) -> None:
        self.run, self.part, self.overrides = run.resolve(), part, list(overrides)
        self.target, self.rows = target.resolve(), rows
        self._opened: tuple[dict[str, DatasetAdapter], Embedder] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Without what is open."""
        return {**self.__dict__, "_opened": None}

    @property
    def loaded(self) -> LoadedRecipe:
        """The run's recipe with the overrides."""
        return load_recipe(str(self.run / "recipe.yaml"), checked(self.overrides), command="vicreg embed")

    @property
    def count(self) -> int:
        """Of samples."""
        return sum(map(len, self._open()[0].values()))

    @property
    def mark(self) -> str:
        """Changes with the model, the data and how they are cut."""
        section = self.loaded.recipe.data.model_dump(mode="json")
        told = [model_name(self.run), self.part, section, self.count, self.rows]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    @property
    def names(self) -> list[str]:
        """Of the parts, in order."""
        return [f"part-{number:06d}.parquet" for number in range(-(-self.count // self.rows))]

    def __call__(self, number: int) -> ShardEntry:
        """Make one part, whole or not at all: ``id``, ``split``, ``vector``, ``label`` where there are any.

        Raises:
            DataError: a sample cannot be read, unless ``data.on_error=skip``.
            RunError: the disk refuses.
        """
        opened, embedder = self._open()
        vectors, columns, first = list[NDArray[np.float32]](), dict[str, list[Any]](), 0
        labelled = any(data.labels is not None for data in opened.values())
        for split, data in opened.items():
            low, high = (min(len(data), max(0, n * self.rows - first)) for n in (number, number + 1))
            first += len(data)
            if low == high:
                continue
            made, kept = self._vectors(data, embedder, np.arange(low, high))
            vectors.append(made)
            columns.setdefault("id", []).extend(str(data.ids[int(row)]) for row in kept)
            columns.setdefault("split", []).extend([split] * len(kept))
            if labelled:
                columns.setdefault("label", []).extend(_labels(data, kept))
        path = self.target / f"part-{number:06d}.parquet"
        write_vectors(path, VectorTable(columns, np.concatenate(vectors), model=model_name(self.run)))
        return entry_of(path, path.name, len(columns["id"]))

    def _open(self) -> tuple[dict[str, DatasetAdapter], Embedder]:
        if self._opened is None:
            model, loaded = load(self.run), self.loaded
            data = loaded.recipe.data
            config = loaded.configs["dataset"]
            train, test = open_data(data, config, loaded.recipe.seed, stream=True)
            if isinstance(train, StreamAdapter) and self.part != "train":
                test = open_test(data, config)
            there = {"train": train, "test": test}
            chosen = {
                name: each if isinstance(each, StreamAdapter) else each.for_model(model.info)
                for name, each in there.items()
                if each is not None and self.part in (name, "all")
            }
            if not chosen:
                raise RunError(f"--split {self.part}: the data has no test split and none was held out")
            device = resolve_device(loaded.recipe.train.device)
            embedder = Embedder(model.encoder, model.augmentation, device=device, workers=data.workers)
            self._opened = (chosen, embedder)
        return self._opened

    def _vectors(
        self, data: DatasetAdapter, embedder: Embedder, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The vectors of those rows that can be read, and which they are."""
        try:
            return embedder.embed(data, rows), rows
        except DataError:
            if not (isinstance(data, StreamAdapter) and data.skip):
                raise
        readable = [row for row in rows if ingested(embedder.augmentation, [data[int(row)]], skip=True)[0]]
        return embedder.embed(data, np.array(readable, dtype=np.int64)), np.array(readable, dtype=np.int64)


def embed_parts(
    run: Path,
    target: Path,
    part: Part = "all",
    *,
    overrides: Sequence[str] = (),
    rows: int = 65_536,
    engine: Engine = "local",
    address: str | None = None,
    workers: int | None = None,
    say: Say = lambda _: None,
) -> Manifest:
    """Embed the samples of a run's recipe, of a stream all of them, or of other data, with a manifest.

    What was interrupted goes on with the parts that lack.

    Args:
        run: folder of a finished run.
        target: folder of the parts; new, or of the same model and data.
        part: ``"train"``: the samples trained on; ``"test"``: those that were not; ``"all"``: both.
        overrides: ``key.path=value`` of ``data``, and ``train.device``.
        rows: samples of a part.
        engine: ``"local"``: this process; ``"ray"``: actors of a Ray cluster, which see ``run`` and
            ``target`` as this process does.
        address: of the cluster; ``None``: one on this machine.
        workers: actors; ``None``: one a core, or one a GPU.
        say: told of each part.

    Raises:
        VicregError: whatever the user can act on.
    """
    maker = PartMaker(run, part, overrides, target, rows)
    journal = Journal(target, maker.mark, "vectors")
    names = maker.names
    open_parts = [part for part, name in enumerate(names) if name not in journal.done]
    if len(open_parts) < len(names):
        say(f"{len(names) - len(open_parts)} of {len(names)} parts are there already")
    target.mkdir(parents=True, exist_ok=True)
    made = map(maker, open_parts) if engine == "local" else _by_ray(maker, open_parts, address, workers)
    for entry in made:
        journal.add(entry)
        say(f"{entry.name}: {entry.rows:,} vectors ({len(journal.done)} of {len(names)})")
    return journal.finish(names)


def _labels(data: DatasetAdapter, rows: NDArray[np.int64]) -> list[str | None]:
    """Names of the classes; ``None`` where a sample has no label."""
    if data.labels is None:
        return [None] * len(rows)
    return [data.classes[label] if label >= 0 else None for label in data.labels[rows]]


class _Actor:
    """One process of a cluster, with the model and the data open."""

    def __init__(self, maker: PartMaker) -> None:
        self.maker = maker

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        entries = [self.maker(int(part)).model_dump_json() for part in batch["item"]]
        return {"entry": np.array(entries, dtype=object)}


def _by_ray(
    maker: PartMaker, parts: Sequence[int], address: str | None, workers: int | None
) -> Iterator[ShardEntry]:
    """Entries as Ray's actors make them; what an actor that died had begun is made again, in its place."""
    if not parts:
        return
    ray = _connected(address)
    resources = ray.cluster_resources()
    gpus = int(resources.get("GPU", 0))
    most = max(1, min(workers or gpus or int(resources["CPU"]), len(parts)))
    done = ray.data.from_items(list(parts), override_num_blocks=len(parts)).map_batches(
        _Actor,
        fn_constructor_args=(maker,),
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=most),
        num_gpus=1 if gpus else 0,
    )
    for row in done.iter_rows():
        yield ShardEntry.model_validate_json(row["entry"])


def _connected(address: str | None) -> Any:
    """The library, connected to a cluster, or to one that it starts on this machine, on loopback alone."""
    try:
        ray: Any = importlib.import_module("ray")
        importlib.import_module("ray.data")
    except ImportError as error:
        raise RunError("--engine ray needs ray: pip install 'vicreg-suite[ray]'") from error
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    if ray.is_initialized():
        return ray
    where: dict[str, Any] = {"address": address} if address else {"_node_ip_address": "127.0.0.1"}
    try:
        ray.init(
            **where, log_to_driver=False, include_dashboard=None if address else False, logging_level="ERROR"
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise RunError(f"--address: cannot reach a Ray cluster at {address}: {error}") from error
    return ray
