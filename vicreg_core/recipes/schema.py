"""The schema of a recipe: everything a run depends on, as strict frozen models.

Phase one of checking a recipe is validation against these models, which imports nothing heavy. Phase two
validates the keys beside ``name`` in each component reference against that component's own model
(:mod:`vicreg_core.recipes.components`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from vicreg_core.plugins.component import Kind

COMPONENT_SECTIONS: Mapping[str, Kind] = MappingProxyType(
    {"data": "dataset", "augmentation": "augmentation", "encoder": "encoder", "objective": "objective"}
)
"""Which sections of a recipe name a component, and of which kind."""

PositiveInt = Annotated[int, Field(gt=0)]
NonNegativeInt = Annotated[int, Field(ge=0)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegativeFloat = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
BelowOne = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
"""The decay of a moving average: at 1 it would never move."""
Side = Annotated[int, Field(gt=0, le=16_384, description="pixels")]
"""Pixels a side of an image."""
Count = Annotated[int, Field(gt=0, le=10**12)]
"""Of samples, steps or epochs."""
Seed = Annotated[
    int, Field(ge=0, le=2**32 - 1, description="of all randomness; below 2^32, which all libraries take")
]


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_as_tuple), Field(strict=False)]
"""One name, or several."""
ComponentName = Annotated[
    str, Field(pattern=r"^[a-z0-9_.-]+/[a-z0-9_.-]+$", description="<plugin>/<component>")
]


class StrictModel(BaseModel):
    """Base of every recipe model: unknown keys are errors, values are never coerced across types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Component(BaseModel):
    """A component by its name; every other key belongs to the component's own config."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    name: ComponentName

    @property
    def options(self) -> dict[str, Any]:
        """The keys beside ``name``."""
        return dict(self.model_extra or {})


class DataSection(Component):
    """The dataset adapter by name, its own keys, and how its samples are read."""

    holdout: Annotated[
        Fraction,
        Field(description="share held out of training for evaluation where the dataset has no test split"),
    ] = 0.2
    labels: Annotated[
        str | None,
        Field(
            min_length=1,
            description="table with columns label and id (or path): these labels instead of the data's own",
        ),
    ] = None
    label_count: Annotated[
        int | None,
        Field(
            ge=1,
            description="keep so many labels in training, drawn by the seed, evenly over the classes; the "
            "others count as not labelled",
        ),
    ] = None
    unlabelled: Annotated[
        str | None,
        Field(min_length=1, description="the class that means: not labelled; empty labels always do"),
    ] = None
    workers: Annotated[
        Literal["auto"] | Annotated[int, Field(ge=0, le=1024)],
        Field(description="loader processes of a rank for per-file data; auto: all cores but one, at most 8"),
    ] = "auto"


class AddedObjective(Component):
    """An objective that is added to another, with its own keys beside its weight."""

    weight: Annotated[PositiveFloat, Field(description="factor of its loss")] = 1.0


class ObjectiveSection(Component):
    """The objective by name, with its own keys; VICReg where no name is given."""

    name: ComponentName = "core/vicreg"
    also: Annotated[
        tuple[AddedObjective, ...],
        Field(max_length=16, strict=False, description="objectives added to it, each by its weight"),
    ] = ()


class ProjectorSection(StrictModel):
    """The projector ("expander"): linear - batch norm - ReLU blocks and a last linear layer (paper, 4.2)."""

    dims: Annotated[
        tuple[Annotated[int, Field(gt=0, le=1_000_000)], ...],
        Field(min_length=1, max_length=16, description="output width of each layer", strict=False),
    ] = (8192, 8192, 8192)


class OptimizerSection(StrictModel):
    """The optimiser and its learning-rate schedule."""

    name: Literal["lars", "sgd", "adamw"] = "lars"
    lr: Annotated[float, Field(gt=0, le=1e4, allow_inf_nan=False, description="base learning rate")] = 0.3
    scale_lr: Annotated[bool, Field(description="multiply lr by batch_size / 256")] = True
    weight_decay: Annotated[float, Field(ge=0, le=1e4, allow_inf_nan=False)] = 1e-6
    momentum: Annotated[BelowOne, Field(description="lars and sgd")] = 0.9
    betas: Annotated[tuple[BelowOne, BelowOne], Field(description="adamw", strict=False)] = (0.9, 0.999)
    trust_coefficient: Annotated[PositiveFloat, Field(description="lars: eta of You et al., 2017")] = 0.001
    clip_trust: Annotated[bool, Field(description="lars: never scale a layer's step above lr")] = False
    warmup: Annotated[Fraction, Field(description="share of the steps of linear warm-up")] = 0.1
    schedule: Literal["cosine", "constant"] = "cosine"
    final_lr: Annotated[Fraction, Field(description="lr at the end, as a share of its peak")] = 0.001
    clip_grad_norm: Annotated[PositiveFloat | None, Field(description="largest gradient norm")] = None


class TrainSection(StrictModel):
    """Length, batch, precision and housekeeping of the run."""

    epochs: Count | None = None
    steps: Annotated[
        Count | None, Field(description="length in steps, instead of epochs", validate_default=True)
    ] = None
    batch_size: Annotated[
        int, Field(ge=2, le=10_000_000, description="samples a step over all processes")
    ] = 256
    micro_batch: Annotated[
        Annotated[int, Field(ge=4)] | None,
        Field(description="samples the encoder takes at a time, for batches larger than memory; none: all"),
    ] = None
    activation_checkpointing: Annotated[
        bool, Field(description="blocks of the encoder are computed again going back: less memory, more time")
    ] = False
    views: Annotated[int, Field(ge=2, le=16)] = 2
    device: Annotated[
        str,
        Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$", description="auto, cpu, mps, cuda or cuda:<number>"),
    ] = "auto"
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    compile: bool = False
    deterministic: Annotated[bool, Field(description="GPU: deterministic kernels, slower")] = False
    ema: Annotated[
        Annotated[float, Field(gt=0, lt=1)] | None,
        Field(description="decay of an averaged copy of the encoder, which is then the one exported"),
    ] = None
    log_every: Annotated[Count, Field(description="steps")] = 10
    checkpoint_every: Annotated[Count | None, Field(description="steps; none: once an epoch")] = None
    keep_checkpoints: Annotated[PositiveInt, Field(description="latest checkpoints kept")] = 2

    @field_validator("steps")
    @classmethod
    def _one_length(cls, steps: int | None, info: ValidationInfo) -> int | None:
        """On a field, not on the model, so that it is reported beside the mistakes of other fields."""
        if "epochs" in info.data and (info.data["epochs"] is None) == (steps is None):
            given = "neither" if steps is None else "both; set the one you do not want to null"
            raise ValueError(f"expected exactly one of 'epochs' and 'steps', got {given}")
        return steps


class MonitorSection(StrictModel):
    """The collapse monitor."""

    on_collapse: Literal["warn", "stop"] = "warn"
    window: Annotated[
        int, Field(ge=16, le=1_000_000, description="rows of the rolling window of each diagnostic")
    ] = 512
    probes: Annotated[
        NonNegativeInt, Field(description="times in a run that the online kNN probe is scored; 0: never")
    ] = 10
    probe_samples: Annotated[
        int, Field(ge=40, description="labelled training samples of the online probe, a quarter held out")
    ] = 2000


class LabelTraining(StrictModel):
    """How a network is trained with labels, end to end."""

    budget: Annotated[
        PositiveFloat, Field(description="views that are trained on, as a share of those of the run")
    ] = 1.0
    lr: Annotated[
        PositiveFloat | None, Field(description="of AdamW; none: chosen on labels held out of the training")
    ] = None
    weight_decay: NonNegativeFloat = 0.05
    draws: Annotated[PositiveInt, Field(description="trainings for each share of the labels")] = 1


class ProtocolSection(Component):
    """An evaluation protocol by name, with its own options; the core's are named without their plugin."""

    name: Annotated[str, Field(description="protocol")]


class EvaluateSection(StrictModel):
    """What is evaluated after training."""

    protocols: Annotated[
        tuple[ProtocolSection, ...], Field(description="names, or names with options", strict=False)
    ] = (ProtocolSection(name="knn"), ProtocolSection(name="linear"))
    max_train: Annotated[
        Annotated[int, Field(ge=2)] | None,
        Field(description="most training samples a probe sees, drawn by seed"),
    ] = 10_000
    max_test: Annotated[
        Annotated[int, Field(ge=2)] | None, Field(description="most test samples, drawn by seed")
    ] = 10_000
    baselines: Annotated[bool, Field(description="evaluate the floors beside the encoder")] = True
    supervised: Annotated[
        bool | LabelTraining,
        Field(description="of the floors also a network trained from scratch with the labels"),
    ] = False

    @property
    def label_training(self) -> LabelTraining | None:
        """How the floor ``supervised`` is trained; ``None`` where it is not asked for."""
        if isinstance(self.supervised, LabelTraining):
            return self.supervised
        return LabelTraining() if self.supervised else None


class Recipe(StrictModel):
    """A run, whole.

    ``required`` maps dotted keys the recipe leaves to its user (a folder, a column) to a line saying what
    they are; such a recipe passes ``vicreg recipe check`` and asks for them when it is trained.
    """

    summary: Annotated[str, Field(description="one line for vicreg recipe list")] = ""
    required: dict[str, str] = {}
    seed: Seed = 0
    data: DataSection
    augmentation: Component
    encoder: Component
    projector: ProjectorSection = ProjectorSection()
    objective: ObjectiveSection = ObjectiveSection()
    optimizer: OptimizerSection = OptimizerSection()
    train: TrainSection
    monitor: MonitorSection = MonitorSection()
    evaluate: EvaluateSection = EvaluateSection()


def expand_names(data: dict[str, Any]) -> None:
    """Write ``encoder: vision/resnet18`` out as ``encoder: {name: vision/resnet18}``, in place."""
    for section in COMPONENT_SECTIONS:
        if isinstance(data.get(section), str):
            data[section] = {"name": data[section]}
