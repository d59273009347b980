"""The recipe keys of ``biomedical/synthetic-cells``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from vicreg_core.recipes.schema import Fraction, NonNegativeFloat, NonNegativeInt, PositiveInt, StrictModel

PHENOTYPES = ("normal", "enlarged", "fragmented", "condensed")
CHANNELS = ("DNA", "cytoplasm", "texture")


class SyntheticCellsConfig(StrictModel):
    """Generated cells; a cell is a pure function of the seed and its number."""

    cells: Annotated[PositiveInt, Field(description="training cells")] = 2000
    test_cells: PositiveInt = 800
    size: Annotated[int, Field(ge=24, description="side of a crop in pixels")] = 40
    plates: PositiveInt = 4
    replicates: Annotated[PositiveInt, Field(description="wells of a treatment on a plate")] = 2
    penetrance: Annotated[
        Fraction, Field(description="share of treated cells that show the treatment's phenotype")
    ] = 0.9
    plate_effect: Annotated[
        NonNegativeFloat, Field(description="strength of the gain, haze and focus that differ between plates")
    ] = 0.0
    confounding: Annotated[
        Fraction, Field(description="how far each plate is given to one treatment; 0: balanced plates")
    ] = 0.0
    seed: NonNegativeInt = 0
    floor: Literal["pixels", "intensity"] = "pixels"
