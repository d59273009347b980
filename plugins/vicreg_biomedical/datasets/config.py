"""The recipe keys of the dataset adapters."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from vicreg_core.data.streams.config import ShardsConfig as CoreShardsConfig
from vicreg_core.recipes.schema import PositiveInt, Side, StrictModel

Names = Annotated[tuple[str, ...], Field(strict=False)]
OnError = Annotated[
    Literal["raise", "skip"], Field(description="an unreadable sample: stop, or leave it out and list it")
]
Channels = Annotated[
    tuple[str | int, ...] | None,
    Field(
        strict=False, min_length=1, description="channels kept, by name or from 0, in this order; none: all"
    ),
]
BitDepth = Annotated[
    int | None, Field(ge=1, le=32, description="significant bits of integer pixels, e.g. 12 in a 16-bit file")
]
Depth = Annotated[
    Literal["keep", "max", "mean"],
    Field(description="several planes in depth: keep them as a volume, or project them"),
]
Floor = Annotated[
    Literal["pixels", "intensity"],
    Field(description="features without learning to compare with: small raw pixels or intensity statistics"),
]

Positives = Annotated[
    str | None,
    Field(description="column, e.g. treatment or patient: two cells alike in it make a pair of views"),
]
PositivesAcross = Annotated[
    str | None, Field(description="column, e.g. well or plate, in which the two cells of a pair must differ")
]


MostMiB = Annotated[
    PositiveInt, Field(description="most memory of one image, or of one array in a file, in MiB")
]


class CropsConfig(StrictModel):
    """Single-cell crops: a folder of image files, an npy or npz array, or a Parquet file with image bytes."""

    path: Annotated[
        str, Field(description="folder, .npy, .npz or .parquet; '{split}' in it becomes train or test")
    ]
    image: Annotated[str, Field(description="npz key or Parquet column of the images")] = "image"
    label: Annotated[
        str | None,
        Field(description="npz key, column, or 'folder' for the name of the folder; none: as found"),
    ] = None
    group: Annotated[
        str | None, Field(description="key or column of the plate, patient or slide; never split over")
    ] = None
    positives: Positives = None
    positives_across: PositivesAcross = None
    metadata: Annotated[str | None, Field(description="CSV joined on its column of file names")] = None
    join_on: Annotated[str, Field(description="column of the CSV that holds the file names")] = "file"
    axes: Annotated[
        Literal["auto", "NHW", "NCHW", "NHWC", "NDHW", "NCDHW", "NDHWC"],
        Field(description="order of the axes of an array; D: planes in depth"),
    ] = "auto"
    depth: Depth = "keep"
    channels: Channels = None
    channel_names: Annotated[Names | None, Field(description="names where the data carries none")] = None
    bit_depth: BitDepth = None
    as_float: Annotated[bool, Field(description="read pixels of other dtypes, e.g. float64, as float32")] = (
        False
    )
    resize: Annotated[Side | None, Field(description="resize every crop once to this side, antialiased")] = (
        None
    )
    max_image_mib: MostMiB = 4096
    floor: Floor = "pixels"
    on_error: OnError = "raise"


class ShardsConfig(CoreShardsConfig):
    """Crops in tar archives or Parquet files, read in order."""

    image: Annotated[
        str | None,
        Field(description="column of encoded images; none: image or content, of an archive the image file"),
    ] = None
    label: Annotated[
        str | None,
        Field(description="column, or suffix of a file in an archive, of the class; for scores only"),
    ] = None
    group: Annotated[
        str | None, Field(description="column of the plate, patient or slide; never split over")
    ] = None
    channel_names: Annotated[Names | None, Field(description="names of the channels")] = None
    depth: Depth = "keep"
    bit_depth: BitDepth = None
    max_image_mib: MostMiB = 256
    floor: Floor = "pixels"
    on_error: OnError = "raise"


class PlateConfig(StrictModel):
    """Sites of plates, cut into single-cell crops at the positions of masks, boxes or centroids."""

    path: Annotated[
        str, Field(description="folder of sites, or an OME-Zarr plate; '{split}' becomes train or test")
    ]
    files: Annotated[str, Field(description="glob of the images in the folder")] = "*.tif*"
    pattern: Annotated[
        str | None,
        Field(description="one file a channel: name such as '{plate}_{well}_s{site}_w{channel}.tif'"),
    ] = None
    masks: Annotated[
        str | None,
        Field(description="name of a site's label or binary mask, such as '{stem}_mask.tif'"),
    ] = None
    boxes: Annotated[
        str | None,
        Field(description="CSV (file, x_min, y_min, x_max, y_max), COCO .json, or VOC as '{stem}.xml'"),
    ] = None
    centroids: Annotated[str | None, Field(description="CSV of file, y, x in pixels")] = None
    metadata: Annotated[str | None, Field(description="CSV of the sites")] = None
    join_on: Annotated[
        Names,
        Field(min_length=1, description="columns of the CSV that name a site: file, or plate, well, site"),
    ] = ("file",)
    crop: Annotated[Side, Field(description="side of a crop in pixels, centred on the cell")] = 64
    border: Annotated[
        Literal["drop", "pad"],
        Field(description="a cell whose crop leaves the image: leave it out, or repeat the image's border"),
    ] = "drop"
    min_area: Annotated[PositiveInt, Field(description="smallest object of a mask, pixels")] = 16
    depth: Depth = "keep"
    channels: Channels = None
    channel_names: Annotated[Names | None, Field(description="names where the files carry none")] = None
    bit_depth: BitDepth = None
    label: Annotated[str | None, Field(description="column of the labels")] = None
    group: Annotated[str | None, Field(description="column of the plate, patient or well")] = None
    positives: Positives = None
    positives_across: PositivesAcross = None
    test_groups: Annotated[
        Names | None, Field(description="groups that make the test split; none: the core holds some out")
    ] = None
    centre_by: Annotated[
        str | None,
        Field(description="column, e.g. plate: each of its values is brought to zero mean and unit spread"),
    ] = None
    controls: Annotated[
        dict[str, str] | None,
        Field(
            description="column and value of the control cells that centre_by is fitted on; none: all cells"
        ),
    ] = None
    cache: Annotated[
        str | None,
        Field(description="folder for the cut crops, memory-mapped; none: they are held in memory"),
    ] = None
    max_image_mib: MostMiB = 2048
    floor: Floor = "intensity"
    on_error: OnError = "raise"
