"""What a bench says: the parts as rows, and a sentence on what limits and which key helps."""

from __future__ import annotations

from vicreg_core.bench.measure import MODEL, PARTS, Bench, Variant
from vicreg_core.recipes.schema import Recipe

_MUCH = 0.1
"""Share of a step from which a part beside the model is worth a word."""
_WORTH = 1.1
"""How much faster a variant must be to be advised."""


def rows_of(found: Bench) -> list[list[str]]:
    """Part, milliseconds a step, share, what it is; parts that take nothing are left out."""
    return [
        [name, f"{1000 * found.parts[name] / found.steps:.2f}", f"{100 * found.share(name):.1f} %", what]
        for name, what in PARTS.items()
        if found.parts[name] > 0
    ]


def in_words(found: Bench, recipe: Recipe) -> list[str]:
    """Rates, memory, what limits, and what was faster."""
    said = [
        f"{found.samples_per_second:,.0f} samples/s, {100 * found.of_ceiling:.0f} % of the "
        f"{found.model_samples_per_second:,.0f} that the model alone reaches on a batch that lies ready",
        f"peak memory {found.peak_memory / 2**20:,.0f} MiB on {found.device}, {found.precision}, "
        f"{found.threads} thread(s), {found.workers} loader process(es)",
        _limit(found, recipe),
    ]
    return said + [_variant(each, found) for each in found.variants]


def _limit(found: Bench, recipe: Recipe) -> str:
    beside = {
        "loading": found.share("read", "waiting"),
        "preparing": found.share("prepare"),
        "augmenting": found.share("augment"),
        "copying": found.share("copy"),
        "logging": found.share("logging"),
    }
    advice = {
        "loading": (
            f"raise data.workers (now {found.workers}), or store the samples smaller than they are"
            if found.workers
            else "samples are read one by one in the training process; set data.workers=4"
        ),
        "preparing": "samples are prepared in the training process; set data.workers=4",
        "augmenting": "fewer operations or smaller views (augmentation.*) make it less",
        "copying": "the device waits for batches; store them in the dtype they come in",
        "logging": f"set train.log_every higher (now {recipe.train.log_every})",
    }
    name, share = max(beside.items(), key=lambda item: item[1])
    if share > _MUCH:
        return f"{name} takes {100 * share:.0f} % of a step: {advice[name]}"
    part = max(MODEL, key=lambda each: found.parts[each])
    return (
        f"the model itself limits ({100 * found.share(*MODEL):.0f} % of a step, most of it {part}): a "
        "smaller encoder, smaller views or a narrower projector make it faster"
    )


def _variant(each: Variant, found: Bench) -> str:
    ratio = each.samples_per_second / found.model_samples_per_second
    said = (
        f"{each.name}: the model alone at {each.samples_per_second:,.0f} samples/s, {ratio:.2f} times as fast"
    )
    if each.prepared:
        said += f", after {each.prepared:.0f} s of compiling"
        if ratio > 1:
            step = found.batch_size / found.model_samples_per_second
            steps = each.prepared / (step * (1 - 1 / ratio))
            said += f": it pays from {steps:,.0f} steps on, and the recipe has {found.total_steps:,}"
    elif ratio > _WORTH:
        said += ": set it"
    return said
