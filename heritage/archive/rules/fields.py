"""What a rules file for TIFFs may say: every field, with what it means and what it may be."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from tifffile import TIFF

COLOURS: Final = {
    "white-is-zero": 0, "black-is-zero": 1, "rgb": 2, "palette": 3, "mask": 4, "cmyk": 5,
    "ycbcr": 6, "cielab": 8, "icclab": 9, "itulab": 10, "cfa": 32803, "logl": 32844,
    "logluv": 32845, "linear-raw": 34892,
}  # fmt: skip
"""TIFF's numbers of what samples mean (tag 262)."""
COMPRESSIONS: Final = {
    "none": 1, "ccitt-rle": 2, "ccitt-t4": 3, "ccitt-t6": 4, "lzw": 5, "old-jpeg": 6, "jpeg": 7,
    "deflate": 8, "old-deflate": 32946, "packbits": 32773, "sgilog": 34676, "sgilog24": 34677,
    "jpeg2000": 34712, "lerc": 34887, "lzma": 34925, "zstd": 50000, "webp": 50001, "jpegxl": 50002,
}  # fmt: skip
"""TIFF's numbers of how pixels are packed (tag 259)."""
RULES: Final = {
    "structure": "The file is a TIFF whose header, directories and tags lie inside it, in no loop, "
    "no tag twice. Where this fails nothing else is looked at.",
    "format": "Byte order and classic or BigTIFF are as `byte_orders` and `bigtiff` say.",
    "pages": "Not more pages than `most_pages`, sub-images only where `sub_images` says so.",
    "entry_order": "The entries of a directory ascend by tag.",
    "even_offsets": "Directories and values begin at an even place.",
    "overlap": "No two directories, values, strips or tiles lie over each other.",
    "shared_data": "Nothing in the file is pointed to from two places.",
    "tag_types": "Tags have the data type and number of values that their definition gives them.",
    "required_tags": "The tags of `required_tags` are there.",
    "recommended_tags": "The tags of `recommended_tags` are there; a warning.",
    "allowed_tags": "No tag of `forbidden_tags`, and none that `allowed_tags` leaves out.",
    "private_tags": "No private tag (32768 and above) that no list names, unless `private_tags`.",
    "discouraged": "Nothing that a list of what is discouraged names; a warning.",
    "subfile": "NewSubfileType (tag 254) is one of `subfile_types`.",
    "size": "The picture has rows and columns.",
    "colours": "The colour interpretation (tag 262) is one of `colours`; a palette has its table.",
    "bits": "The bits of a sample are those that `bits` gives for the colour interpretation.",
    "samples": "There are as many samples as the colours need; others are declared, and allowed by "
    "`extra_samples`.",
    "sample_formats": "Samples are of a kind in `sample_formats`.",
    "compressions": "The compression (tag 259) is one of `compressions`.",
    "layouts": "The pixels lie in strips or tiles, as `layouts` says.",
    "planes": "Samples lie pixel by pixel, or in planes of their own where `planes` says so.",
    "fill_orders": "The order of bits in a byte (tag 266) is one of `fill_orders`.",
    "orientations": "The orientation (tag 274) is one of `orientations`.",
    "data_table": "There are as many strips or tiles as the picture needs, each with a length that "
    "holds its pixels.",
    "data_inside": "All strips or tiles lie inside the file.",
    "data_complete": "No strip or tile is left out.",
    "resolution": "The resolution that is stated makes sense, in one of `units`, and reaches "
    "`least_ppi`.",
    "square_pixels": "Pixels are as wide as they are high, where `square_pixels` asks for it.",
    "icc_profile": "An embedded ICC profile has a sound header.",
    "icc_colour": "It is a profile for the picture's kind of colour.",
    "xmp": "An embedded XMP packet is well-formed XML without a document type.",
    "text": "Texts are 7-bit ASCII and end with a NUL byte.",
    "date": "DateTime (tag 306) is written `YYYY:MM:DD HH:MM:SS`.",
}
"""Every rule by name, with what it demands."""

RuleName = Annotated[str, BeforeValidator(lambda one: _one_of(one, RULES, "rule"))]
Colour = Annotated[str, BeforeValidator(lambda one: _one_of(one, COLOURS, "colour"))]
Compression = Annotated[str, BeforeValidator(lambda one: _one_of(one, COMPRESSIONS, "compression"))]
Severity = Literal["error", "warning", "ignore"]


def _one_of(name: Any, known: dict[str, Any], kind: str) -> Any:  # noqa: ANN401 - checked here
    if name not in known:
        raise ValueError(f"there is no {kind} {name!r}; there are {', '.join(known)}")
    return name


def tag_number(tag: Any) -> int:  # noqa: ANN401 - checked here
    """The number of a tag that is given by number or name.

    Raises:
        ValueError: If there is no such tag.
    """
    if isinstance(tag, int) and not isinstance(tag, bool) and 0 < tag < 65536:
        return tag
    if isinstance(tag, str) and tag in TIFF.TAGS:
        return int(TIFF.TAGS[tag])
    raise ValueError(f"there is no tag {tag!r}; give its number, or its name such as 'Orientation'")


def tag_name(code: int) -> str:
    """A tag in words: number and name."""
    return f"tag {code} ({TIFF.TAGS[code]})" if code in TIFF.TAGS else f"tag {code}"


Tag = Annotated[int, BeforeValidator(tag_number)]


class Rules(BaseModel):
    """What a TIFF must be; ``checking.load_rules`` makes one of a TOML file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str = Field("House rules", description="What these rules are called.")
    source: str = Field("", description="The document they follow, with its edition.")
    extends: str | None = Field(
        None,
        description="Rules that these begin from: `tiff`, `baseline`, `ti-a`, or another file, "
        "relative to this one. What this file does not say is as there; of `bits` and `severity` "
        "single keys may be changed, lists are replaced as a whole.",
    )
    byte_orders: list[Literal["little", "big"]] = Field(
        ["little", "big"], description="Allowed byte orders."
    )
    bigtiff: bool = Field(True, description="Whether BigTIFF (64-bit offsets) is allowed.")
    most_pages: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Most pages in a file; left out: any number."
    )
    sub_images: bool = Field(
        True, description="Whether sub-images (tag 330: thumbnails, pyramid levels) are allowed."
    )
    layouts: list[Literal["strips", "tiles"]] = Field(
        ["strips", "tiles"], description="How pixels may be cut up."
    )
    compressions: list[Compression] = Field(
        [*COMPRESSIONS],
        description=f"Allowed compressions: {', '.join(map('`{}`'.format, COMPRESSIONS))}.",
    )
    compressions_discouraged: list[Compression] = Field(
        [], description="Those of them that are better avoided."
    )
    colours: list[Colour] = Field(
        [*COLOURS],
        description=f"Allowed colour interpretations: {', '.join(map('`{}`'.format, COLOURS))}.",
    )
    colours_discouraged: list[Colour] = Field(
        [], description="Those of them that are better avoided."
    )
    bits: dict[Colour, list[Annotated[int, Field(ge=1, le=64)]]] = Field(
        {},
        description="A table: for a colour interpretation, the allowed bits of a sample. Any where "
        "it says nothing.",
    )
    sample_formats: list[Literal["unsigned", "signed", "float", "undefined"]] = Field(
        ["unsigned", "signed", "float", "undefined"], description="Allowed kinds of samples."
    )
    extra_samples: bool = Field(True, description="Whether alpha and other extra samples may be.")
    planes: bool = Field(True, description="Whether samples may lie in planes of their own.")
    fill_orders: list[Literal[1, 2]] = Field([1, 2], description="Allowed orders of bits.")
    orientations: list[Annotated[int, Field(ge=1, le=8)]] = Field(
        [1, 2, 3, 4, 5, 6, 7, 8], description="Allowed orientations; 1 is upright."
    )
    subfile_types: list[Annotated[int, Field(ge=0, le=31)]] | None = Field(
        None,
        description="Allowed NewSubfileType of pages: 0 is a picture at full size; left out: any.",
    )
    required_tags: list[Tag] = Field(
        [], description="Tags that every full-size page must have, by number or name."
    )
    recommended_tags: list[Tag] = Field([], description="Tags that every one should have.")
    discouraged_tags: list[Tag] = Field([], description="Tags that are better avoided.")
    forbidden_tags: list[Tag] = Field([], description="Tags that must not be.")
    allowed_tags: list[Tag] | None = Field(
        None,
        description="With this list, only tags that it or one of the lists above names may be; "
        "left out: all others too.",
    )
    private_tags: bool = Field(
        True, description="Whether private tags (32768 and above) may be that no list names."
    )
    units: list[Literal["none", "inch", "centimetre"]] = Field(
        ["none", "inch", "centimetre"], description="Allowed units of resolution (tag 296)."
    )
    least_ppi: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        None, description="Least resolution that full-size pages must state, in pixels per inch."
    )
    square_pixels: bool = Field(False, description="Whether both resolutions must be the same.")
    severity: dict[RuleName, Severity] = Field(
        {},
        description="A table: what a rule's fault is: `error`, `warning`, or `ignore`. `error` "
        "where it says nothing, but for the two that are warnings by nature.",
    )

    def severity_of(self, rule: str) -> Severity:
        """What a fault against a rule is."""
        gentle = rule in ("recommended_tags", "discouraged")
        return self.severity.get(rule, "warning" if gentle else "error")

    @property
    def named_tags(self) -> frozenset[int]:
        """All tags that any list but that of the forbidden ones names."""
        lists = self.required_tags, self.recommended_tags, self.discouraged_tags
        return frozenset(code for one in (*lists, self.allowed_tags or []) for code in one)
