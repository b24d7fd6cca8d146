"""Checks of a TIFF's pictures: size, colours, depth, packing, and where their pixels lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from heritage.archive.rules.fields import COLOURS, COMPRESSIONS
from heritage.archive.rules.subject import Remark, Remarks, Subject
from heritage.tiff.codec import row_bytes
from heritage.tiff.structure import Directory

COLOUR_NAMES: Final = {number: name for name, number in COLOURS.items()}
COMPRESSION_NAMES: Final = {number: name for name, number in COMPRESSIONS.items()}
FORMATS: Final = {1: "unsigned", 2: "signed", 3: "float", 4: "undefined"}
NEEDED: Final = {2: 3, 5: 4, 6: 3, 8: 3, 9: 3, 10: 3}
"""Samples that colour interpretations need, where it is more than one."""
ALONE: Final = frozenset({0, 1, 3, 4, 32844})
"""Colour interpretations of a single sample: all others of a pixel are extra."""
OLD_JPEG: Final = 6


def picture(subject: Subject) -> Remarks:
    """All of these checks."""
    for directory in subject.pictures():
        yield from _size(subject, directory)
        yield from _colours(subject, directory)
        yield from _samples(subject, directory)
        yield from _packing(subject, directory)
        yield from _data(subject, directory)


def _size(subject: Subject, directory: Directory) -> Remarks:
    for code in (256, 257):
        if subject.first(directory, code) == 0:
            yield Remark("size", "is 0: the picture has no pixels", directory, code)
    allowed, kind = subject.rules.subfile_types, subject.first(directory, 254, 0)
    page = any(directory is one for one in subject.structure.pages)
    if page and allowed is not None and kind is not None and kind not in allowed:
        yield Remark("subfile", f"is {kind}, allowed is {_either(allowed)}", directory, 254)


def _colours(subject: Subject, directory: Directory) -> Remarks:
    number, rules = subject.first(directory, 262), subject.rules
    if number is None:
        return
    name = COLOUR_NAMES.get(number, str(number))
    if name not in rules.colours:
        yield Remark("colours", f"says {name}, which is not allowed", directory, 262)
        return
    if name in rules.colours_discouraged:
        yield Remark("discouraged", f"says {name}, which is better avoided", directory, 262)
    if number == COLOURS["palette"] and 320 not in directory.tags:
        yield Remark(
            "colours", "says palette, but there is no colour table (tag 320)", directory, 262
        )
    depths, allowed = subject.numbers(directory, 258, [1]), rules.bits.get(name)
    wrong = [bits for bits in depths or [] if allowed is not None and bits not in allowed]
    if wrong and allowed is not None:
        words = f"{wrong[0]} bits a sample; allowed for {name} is {_either(allowed)}"
        yield Remark("bits", words, directory, None, _at(directory, 258))


def _samples(subject: Subject, directory: Directory) -> Remarks:
    number, count = subject.first(directory, 262), subject.samples(directory)
    extra = subject.numbers(directory, 338, [])
    if number is not None and count is not None and extra is not None:
        yield from _counted(subject, directory, number, count, len(extra))
    rules, formats = subject.rules, subject.numbers(directory, 339, [1])
    for kind in sorted(set(formats or [])):
        if FORMATS.get(kind) not in rules.sample_formats:
            name = FORMATS.get(kind, str(kind))
            yield Remark("sample_formats", f"says {name}, which is not allowed", directory, 339)


def _counted(
    subject: Subject, directory: Directory, number: int, count: int, extra: int
) -> Remarks:
    needed = 1 if number in ALONE else NEEDED.get(number)
    name = COLOUR_NAMES.get(number, str(number))
    unsaid = 277 not in directory.tags and 277 not in subject.rules.required_tags
    if needed is None:
        return
    if count < needed or (needed > 1 and unsaid and number != COLOURS["ycbcr"]):
        said = f"has {_many(count)} a pixel" if 277 in directory.tags else "does not say how many"
        yield Remark(
            "samples", f"{said}, {name} needs {needed}", directory, None, _at(directory, 277)
        )
    elif count - needed != extra and not (number == COLOURS["cmyk"] and count > needed):
        over = count - needed
        words = f"has {_many(over)} beyond its colours, and tag 338 tells of {extra}"
        yield Remark("samples", words, directory, None, _at(directory, 338))
    elif extra and not subject.rules.extra_samples:
        yield Remark(
            "samples",
            f"has {_many(extra)} beyond its colours",
            directory,
            None,
            _at(directory, 338),
        )


def _packing(subject: Subject, directory: Directory) -> Remarks:
    rules = subject.rules
    number = subject.first(directory, 259, 1)
    name = COMPRESSION_NAMES.get(number or 0, str(number))
    if number is not None and name not in rules.compressions:
        yield Remark("compressions", f"says {name}, which is not allowed", directory, 259)
    elif number is not None and name in rules.compressions_discouraged:
        yield Remark("discouraged", f"says {name}, which is better avoided", directory, 259)
    layout = "tiles" if 324 in directory.tags or 322 in directory.tags else "strips"
    if layout not in rules.layouts:
        yield Remark("layouts", f"its pixels lie in {layout}", directory, None, _at(directory, 322))
    planes, samples = subject.first(directory, 284, 1), subject.samples(directory)
    if planes not in (None, 1, 2) or (planes == 2 and not rules.planes and (samples or 0) > 1):
        yield Remark("planes", f"is {planes}, which is not allowed", directory, 284)
    order = subject.first(directory, 266, 1)
    if order is not None and order not in rules.fill_orders:
        yield Remark(
            "fill_orders", f"is {order}, allowed is {_either(rules.fill_orders)}", directory, 266
        )
    turned = subject.first(directory, 274, 1)
    if turned is not None and turned not in rules.orientations:
        words = f"is {turned}, allowed is {_either(rules.orientations)}"
        yield Remark("orientations", words, directory, 274)


def _data(subject: Subject, directory: Directory) -> Remarks:
    """Strips or tiles; told of at most one thing for each rule."""
    if 0 in (subject.first(directory, 256), subject.first(directory, 257)):
        return
    yield from _jpeg_inside(subject, directory)
    where = next((code for code in (324, 273) if code in directory.tags), None)
    old = subject.first(directory, 259, 1) == OLD_JPEG and 513 in directory.tags
    if where is None:
        if not old and not {273, 324} & set(subject.rules.required_tags):
            yield Remark("data_table", "does not say where its pixels are", directory)
        return
    length = {324: 325, 273: 279}[where]
    starts = subject.numbers(directory, where)
    lengths = subject.numbers(directory, length, [])
    expected = _expected(subject, directory, tiled=where == 324)
    if starts is None or lengths is None or old:
        return
    what = "tiles" if where == 324 else "strips"
    if isinstance(expected, str):
        yield Remark("data_table", expected, directory)
        return
    if expected is not None and len(starts) != expected:
        yield Remark(
            "data_table",
            f"lists {len(starts)} {what}, the picture has {expected}",
            directory,
            where,
        )
        return
    if length not in directory.tags:
        if length not in subject.rules.required_tags:
            yield Remark("data_table", f"does not say how long its {what} are", directory)
        return
    if len(lengths) != len(starts):
        yield Remark(
            "data_table",
            f"lists {len(lengths)} lengths for {len(starts)} {what}",
            directory,
            length,
        )
        return
    yield from _placed(
        subject, directory, where, np.array(starts, np.uint64), np.array(lengths, np.uint64)
    )


def _placed(
    subject: Subject,
    directory: Directory,
    where: int,
    starts: np.ndarray[tuple[int], np.dtype[np.uint64]],
    lengths: np.ndarray[tuple[int], np.dtype[np.uint64]],
) -> Remarks:
    what = "tile" if where == 324 else "strip"
    end = np.uint64(subject.structure.bytes)
    absent = (starts == 0) | (lengths == 0)
    outside = ~absent & ((starts < 8) | (lengths > end) | (starts > end - np.minimum(lengths, end)))
    short = ~absent & (
        lengths < np.array(_needed(subject, directory, where, len(starts)), np.uint64)
    )
    for rule, wrong, words in (
        ("data_complete", absent, "is left out"),
        ("data_inside", outside, "reaches past the end of the file"),
        ("data_table", short & ~outside, "is shorter than its pixels"),
    ):
        if wrong.any():
            first, count = int(np.argmax(wrong)), int(np.count_nonzero(wrong))
            more = f", and {count - 1} more" if count > 1 else ""
            said = f"{what} {first + 1} of {len(starts)} {words}{more}"
            yield Remark(rule, said, directory, None, _at(directory, where))


def _jpeg_inside(subject: Subject, directory: Directory) -> Remarks:
    start, length = subject.first(directory, 513), subject.first(directory, 514)
    if start and length and start + length > subject.structure.bytes:
        words = "the JPEG data of tag 513 reach past the end of the file"
        yield Remark("data_inside", words, directory, None, _at(directory, 513))


def _expected(subject: Subject, directory: Directory, *, tiled: bool) -> int | str | None:
    """How many strips or tiles there must be, or what is wrong; None where others tell."""
    width, height = subject.first(directory, 256), subject.first(directory, 257)
    samples, planes = subject.samples(directory), subject.first(directory, 284, 1)
    if not width or not height or samples is None or planes is None:
        return None
    if tiled:
        across, down = subject.first(directory, 322), subject.first(directory, 323)
        if not across or not down:
            return "does not say how large its tiles are"
        count = -(-width // across) * -(-height // down)
    else:
        rows = subject.first(directory, 278, height)
        if rows == 0:
            return "says that its strips have no rows"
        count = -(-height // min(rows or height, height))
    return count * (samples if planes == 2 else 1)


def _needed(subject: Subject, directory: Directory, where: int, count: int) -> list[int]:
    """Bytes that the pixels of each strip or tile take where nothing is compressed; else 0."""
    depths = set(subject.numbers(directory, 258, [1]) or [])
    size = [subject.first(directory, code) for code in (256, 257)]
    plain = (
        subject.first(directory, 259, 1) == 1 and subject.first(directory, 262) != COLOURS["ycbcr"]
    )
    samples, planes = subject.samples(directory), subject.first(directory, 284, 1)
    if not plain or len(depths) != 1 or samples is None or not all(size):
        return [0] * count
    width, height = size[0] or 0, size[1] or 0
    rows = subject.first(directory, 323 if where == 324 else 278, height) or height
    if where == 324:
        width = subject.first(directory, 322) or width
    rows = rows if where == 324 else min(rows, height)
    row = row_bytes(depths.pop(), width * (1 if planes == 2 else samples))
    needed = [rows * row] * count
    if where == 273:
        down = -(-height // rows)
        needed[down - 1 :: down] = [(height - (down - 1) * rows) * row] * len(
            needed[down - 1 :: down]
        )
    return needed


def _many(samples: int) -> str:
    return "1 sample" if samples == 1 else f"{samples} samples"


def _either(allowed: Sequence[int]) -> str:
    return " or ".join(map(str, allowed))


def _at(directory: Directory, code: int) -> int:
    tag = directory.tags.get(code)
    return directory.at if tag is None else tag.at
