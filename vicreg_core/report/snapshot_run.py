"""Takes the snapshot of a run: opens its model and its data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from vicreg_core.data.draw import limited
from vicreg_core.data.splits import open_data
from vicreg_core.evaluation.subjects.bench import Bench
from vicreg_core.inference.cache import model_digest
from vicreg_core.models.precision import resolve_device
from vicreg_core.pretrained import load
from vicreg_core.recipes.load import load_recipe
from vicreg_core.report.snapshot import take_snapshot
from vicreg_core.report.snapshot_file import Snapshot

MOST_SAMPLES = 10_000


def snapshot_run(run: Path, say: Callable[[str], None] = lambda _: None) -> Snapshot:
    """The snapshot of the samples a run is evaluated on, or trained on where none are held out.

    Vectors that an evaluation has kept are not computed again.

    Raises:
        VicregError: no model, or data that cannot be read.
    """
    model = load(run)
    loaded = load_recipe(str(run / "recipe.yaml"), command="vicreg report")
    recipe = loaded.recipe
    train, test = open_data(recipe.data, loaded.configs["dataset"], recipe.seed)
    train = train.for_model(model.info)
    evaluated = train if test is None else test.for_model(model.info)
    most = min(recipe.evaluate.max_test or MOST_SAMPLES, MOST_SAMPLES)
    samples = limited(evaluated, most, recipe.seed)
    made_by = model.manifest.augmentation.model_dump(mode="json")
    bench = Bench(
        train=samples,
        test=None,
        augmentation=model.augmentation,
        seed=recipe.seed,
        device=resolve_device(recipe.train.device),
        workers=recipe.data.workers,
        cache=run / "cache" / "vectors",
        made_by=made_by,
    )
    say(f"mapping {len(samples):,} samples for the report")
    return take_snapshot(
        bench.encoder("encoder", model.encoder).train.vectors,
        samples,
        train,
        model.augmentation,
        model=model_digest(model.encoder, made_by),
        split="training" if test is None else "held-out",
        views=recipe.train.views,
        seed=recipe.seed,
    )
