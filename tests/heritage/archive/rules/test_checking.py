"""Each rule finds what breaks it, once, and nothing in sound files."""

import csv
import re
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heritage.archive.quality.standards import FADGI, ISO, METAMORFOZE, NOT_CLAIMED
from heritage.archive.rules.checking import SHIPPED, RulesRefused, check_tiff, load_rules
from heritage.archive.rules.fields import RULES, Rules
from heritage.errors import StorageFailed
from tests.heritage.archive.conftest import ICC

PAGE = Path(__file__).parents[4] / "docs" / "quality.md"
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><a/></x:xmpmeta>"
FORMATS = {1: "B", 2: "c", 3: "H", 4: "I", 5: "II", 7: "c"}


class Made:
    """A TIFF made byte by byte, so that one thing at a time can be wrong with it."""

    def __init__(self, order="<"):
        self.order, self.pages = order, [self.page()]

    @staticmethod
    def page():
        """An RGB picture of 8 x 6 pixels in three strips, as TI/A's draft likes it best."""
        return {
            254: (4, [0]), 256: (4, [8]), 257: (4, [6]), 258: (3, [8, 8, 8]), 259: (3, [1]),
            262: (3, [2]), 270: (2, b"The Mill\0"), 273: (4, None), 274: (3, [1]), 277: (3, [3]),
            278: (4, [2]), 279: (4, [48, 48, 48]), 282: (5, [600, 1]), 283: (5, [600, 1]),
            284: (3, [1]), 296: (3, [2]), 306: (2, b"2026:11:24 12:00:00\0"), 700: (1, XMP),
            33432: (2, b"none\0"), 34675: (7, ICC),
        }  # fmt: skip

    def write(self, path: Path) -> Path:
        raw = bytearray({"<": b"II", ">": b"MM"}[self.order] + self._pack("HI", 42, 0))
        pointer = 4
        for page in self.pages:
            strips = [len(raw) + 48 * n for n in range(3)]
            raw += bytes(range(144))
            raw[pointer : pointer + 4] = self._pack("I", len(raw))
            at = len(raw) + 2 + 12 * len(page)
            raw += self._pack("H", len(page)) + bytes(12 * len(page) + 4)
            pointer = at
            for number, (code, (kind, values)) in enumerate(page.items()):
                entry = at - 12 * (len(page) - number)
                raw += b"\0" * (len(raw) % 2)
                self._put(raw, entry, code, kind, strips if values is None else values)
            raw += b"\0" * (len(raw) % 2)
        path.write_bytes(raw)
        return path

    def _put(self, raw, entry, code, kind, values):
        if isinstance(values, bytes):
            data, count = values, len(values)
        else:
            letters = FORMATS[kind]
            count = len(values) // len(letters)
            data = self._pack(letters * count, *values)
        raw[entry : entry + 8] = self._pack("HHI", code, kind, count)
        if len(data) > 4:
            raw[entry + 8 : entry + 12] = self._pack("I", len(raw))
            raw += data
        else:
            raw[entry + 8 : entry + 8 + len(data)] = data

    def _pack(self, letters, *values):
        return struct.pack(self.order + letters, *values)


def entry_of(raw, code: int) -> int:
    """Where a tag's entry lies in a little-endian file of one page."""
    (at,) = struct.unpack_from("<I", raw, 4)
    (count,) = struct.unpack_from("<H", raw, at)
    (entry,) = (
        n
        for n in range(at + 2, at + 2 + 12 * count, 12)
        if raw[n : n + 2] == code.to_bytes(2, "little")
    )
    return entry


def value_at(raw, code: int) -> int:
    return struct.unpack_from("<I", raw, entry_of(raw, code) + 8)[0]


def point(raw, code: int, at: int) -> None:
    struct.pack_into("<I", raw, entry_of(raw, code) + 8, at)


def tag(code, kind, values):
    """A change of the page: a tag set, or taken away."""

    def change(page):
        page.pop(code, None)
        if values is not None:
            page[code] = (kind, values)
        # dict order is file order
        for key in sorted(page):
            page[key] = page.pop(key)

    return change


def patch(function):
    function.patches = True
    return function


@patch
def twice(raw):
    at = entry_of(raw, 257)
    raw[at : at + 2] = raw[at - 12 : at - 10]


@patch
def swapped(raw):
    at = entry_of(raw, 282)
    raw[at : at + 12], raw[at + 12 : at + 24] = raw[at + 12 : at + 24], raw[at : at + 12]


@patch
def odd(raw):
    text = b"The Mill\0"
    raw += b"\0" * (1 - len(raw) % 2)
    point(raw, 270, len(raw))
    raw += text


@patch
def over(raw):
    at = value_at(raw, 273)
    struct.pack_into("<I", raw, at + 4, struct.unpack_from("<I", raw, at)[0] + 10)


@patch
def shared(raw):
    point(raw, 283, value_at(raw, 282))


@patch
def outside(raw):
    struct.pack_into("<I", raw, value_at(raw, 273) + 8, len(raw) - 10)


@patch
def left_out(raw):
    struct.pack_into("<I", raw, value_at(raw, 273) + 8, 0)
    struct.pack_into("<I", raw, value_at(raw, 279) + 8, 0)


@patch
def icc_of_grey(raw):
    at = value_at(raw, 34675)
    raw[at + 16 : at + 20] = b"GRAY"


BROKEN = [
    ("structure", twice, {}),
    ("format", None, {"byte_orders": ["big"]}),
    ("pages", "second page", {"most_pages": 1}),
    ("entry_order", swapped, {}),
    ("even_offsets", odd, {}),
    ("overlap", over, {}),
    ("shared_data", shared, {}),
    ("tag_types", tag(274, 4, [1]), {}),
    ("tag_types", tag(297, 3, [0]), {}),
    ("tag_types", tag(258, 3, [8]), {}),
    ("required_tags", tag(270, 2, None), {"required_tags": ["ImageDescription"]}),
    ("recommended_tags", None, {"recommended_tags": ["Artist"]}),
    ("allowed_tags", tag(315, 2, b"me\0"), {"forbidden_tags": [315]}),
    ("allowed_tags", tag(269, 2, b"x\0"), {"allowed_tags": [c for c in Made.page() if c < 32768]}),
    ("private_tags", tag(40000, 3, [1]), {"private_tags": False, "allowed_tags": [*Made.page()]}),
    ("discouraged", None, {"discouraged_tags": ["XMP"]}),
    ("discouraged", None, {"compressions_discouraged": ["none"]}),
    ("discouraged", None, {"colours_discouraged": ["rgb"]}),
    ("subfile", tag(254, 4, [2]), {"subfile_types": [0]}),
    ("size", tag(256, 4, [0]), {}),
    ("colours", tag(262, 3, [6]), {"colours": ["rgb"]}),
    ("colours", tag(262, 3, [99]), {}),
    ("bits", None, {"bits": {"rgb": [16]}}),
    ("samples", tag(262, 3, [5]), {"severity": {"icc_colour": "ignore"}}),
    ("samples", tag(338, 3, [0]), {}),
    ("samples", tag(277, 3, None), {}),
    ("sample_formats", tag(339, 3, [3, 3, 3]), {"sample_formats": ["unsigned"]}),
    ("compressions", tag(259, 3, [5]), {"compressions": ["none", "deflate"]}),
    ("compressions", tag(259, 3, [65000]), {}),
    ("layouts", None, {"layouts": ["tiles"]}),
    ("planes", tag(284, 3, [7]), {}),
    ("fill_orders", tag(266, 3, [2]), {"fill_orders": [1]}),
    ("orientations", tag(274, 3, [6]), {"orientations": [1]}),
    ("data_table", tag(278, 4, [3]), {}),
    ("data_table", tag(278, 4, [0]), {}),
    ("data_table", tag(256, 4, [9]), {}),
    ("data_table", tag(279, 4, None), {}),
    ("data_table", tag(279, 4, [48, 48, 47]), {}),
    ("data_inside", outside, {}),
    ("data_complete", left_out, {}),
    ("resolution", tag(282, 5, [600, 0]), {}),
    ("resolution", tag(296, 3, [1]), {"units": ["inch"]}),
    ("resolution", None, {"least_ppi": 601}),
    ("resolution", tag(296, 3, [1]), {"least_ppi": 1}),
    ("square_pixels", tag(283, 5, [300, 1]), {"square_pixels": True}),
    ("icc_profile", tag(34675, 7, b"\0" * 200), {}),
    ("icc_profile", tag(34675, 7, ICC[:-9]), {}),
    ("icc_colour", icc_of_grey, {}),
    ("xmp", tag(700, 1, XMP[:-3]), {}),
    ("xmp", tag(700, 1, b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>"), {}),
    ("text", tag(270, 2, "Gemälde\0".encode()), {}),
    ("text", tag(270, 2, b"no end"), {}),
    ("date", tag(306, 2, b"2026-11-24 12:00:00\0"), {}),
    ("date", tag(306, 2, b"2026:13:24 12:00:00\0"), {}),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "change", "said"), BROKEN)
def test_what_breaks_one_rule_is_found_exactly_once(tmp_path, rule, change, said):
    made = Made()
    if change == "second page":
        made.pages.append(made.page())
    elif change is not None and not hasattr(change, "patches"):
        change(made.pages[0])
    path = made.write(tmp_path / "broken.tif")
    if hasattr(change, "patches"):
        raw = bytearray(path.read_bytes())
        change(raw)
        path.write_bytes(raw)
    faults = check_tiff(path, Rules.model_validate(said))
    assert [fault.rule for fault in faults] == [rule], faults
    assert "\n" not in str(faults[0])
    assert faults[0].refuses is (rule not in ("recommended_tags", "discouraged"))
    # What the rules are told to ignore is not told; a file that is no TIFF always is.
    quiet = Rules.model_validate(said | {"severity": dict.fromkeys(RULES, "ignore")})
    assert [fault.rule for fault in check_tiff(path, quiet)] == ["structure"] * (
        rule == "structure"
    )


def test_every_rule_has_a_file_that_breaks_it():
    assert {rule for rule, _, _ in BROKEN} == RULES.keys()


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("rules", ["tiff", "baseline", "ti-a"])
def test_a_plain_picture_keeps_all_rules_that_ship(tmp_path, order, rules):
    path = Made(order).write(tmp_path / "plain.tif")
    assert check_tiff(path, load_rules(rules)) == []
    assert tifffile.imread(path).tobytes() == bytes(range(144))
    if shutil.which("tiffinfo"):
        assert "Warning" not in tiffinfo(path)


def tiffinfo(path: Path) -> str:
    done = subprocess.run(["tiffinfo", path], capture_output=True, check=False)
    return done.stderr.decode(errors="replace")


def test_a_fault_says_where(tmp_path):
    made = Made()
    made.pages.append(made.page())
    tag(274, 3, [6])(made.pages[1])
    path = made.write(tmp_path / "two.tif")
    (fault,) = check_tiff(path, load_rules("baseline"))
    assert (fault.page, fault.tag) == (1, 274)
    assert path.read_bytes()[fault.offset :][:2] == (274).to_bytes(2, "little")
    assert str(fault).startswith("error: page 2: tag 274 (Orientation) is 6, allowed is 1")
    assert fault.to_json()["rule"] == "orientations"


def test_errors_come_first(tmp_path):
    made = Made()
    tag(270, 2, "Gemälde\0".encode())(made.pages[0])
    tag(274, 3, [6])(made.pages[0])
    found = check_tiff(made.write(tmp_path / "a.tif"), load_rules("baseline"))
    assert [fault.severity for fault in found] == ["error", "warning"]


def test_smaller_versions_need_no_tags_of_an_archive(tmp_path):
    path = tmp_path / "levels.tif"
    with tifffile.TiffWriter(path) as file:
        plain = {"photometric": "rgb", "tile": (16, 16), "metadata": None}
        file.write(np.zeros((64, 64, 3), np.uint8), subifds=1, iccprofile=ICC, **plain)
        file.write(np.zeros((32, 32, 3), np.uint8), subfiletype=1, **plain)
    rules = Rules.model_validate({"required_tags": ["InterColorProfile"]})
    assert check_tiff(path, rules) == []
    (fault,) = check_tiff(path, Rules.model_validate({"sub_images": False}))
    assert fault.rule == "pages"


@st.composite
def written(draw):
    """Arguments of tifffile for any kind of sound TIFF."""
    dtype = draw(st.sampled_from(["uint8", "uint16", "int16", "float32", "bool"]))
    colour, samples = draw(
        st.sampled_from([("minisblack", 1), ("miniswhite", 1), ("rgb", 3), ("rgb", 4)])
    )
    if dtype == "bool":
        colour, samples = "minisblack", 1
    shape = draw(st.integers(1, 40)), draw(st.integers(1, 40)), samples
    arguments = {
        "photometric": colour,
        "planarconfig": draw(st.sampled_from(["contig", "separate"])) if samples > 1 else None,
        "compression": draw(st.sampled_from([None, "lzw", "zlib", "zstd", "packbits"])),
        "iccprofile": ICC if colour == "rgb" else None,
        "resolution": draw(st.sampled_from([(300, 300), (118.11, 118.11)])),
        "metadata": None,
    }
    if draw(st.booleans()):
        arguments["tile"] = (16, 32)
    else:
        arguments["rowsperstrip"] = draw(st.integers(1, 50))
    data = np.zeros(shape, dtype)
    if arguments["planarconfig"] == "separate":
        data = np.moveaxis(data, -1, 0)
    file = {"bigtiff": draw(st.booleans()), "byteorder": draw(st.sampled_from("<>"))}
    return (data if samples > 1 else data[..., 0]), arguments, file


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(case=written())
def test_nothing_is_found_in_sound_files(tmp_path, case):
    data, arguments, file = case
    path = tmp_path / "sound.tif"
    with tifffile.TiffWriter(path, **file) as writer:
        writer.write(data, **arguments)
    assert check_tiff(path, load_rules("tiff")) == []


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(at=st.integers(0, 900), value=st.integers(0, 255), cut=st.integers(0, 900))
def test_no_damage_makes_the_check_itself_fail(tmp_path, at, value, cut):
    raw = bytearray(Made().write(tmp_path / "sound.tif").read_bytes())
    raw[at % len(raw)] = value
    path = tmp_path / "hit.tif"
    path.write_bytes(raw if cut < 450 else raw[:cut])
    for fault in check_tiff(path, load_rules("ti-a")):
        assert fault.rule in RULES
        assert "\n" not in fault.sentence


def test_the_size_of_a_lie_costs_nothing(tmp_path):
    made = Made()
    tag(256, 4, [4_000_000_000])(made.pages[0])
    tag(257, 4, [4_000_000_000])(made.pages[0])
    (fault,) = check_tiff(made.write(tmp_path / "a.tif"), Rules())
    assert fault.rule == "data_table"


def test_what_is_no_file_is_said_in_one_line(tmp_path):
    for path in (tmp_path, tmp_path / "none.tif"):
        with pytest.raises(StorageFailed, match="no such file"):
            check_tiff(path, Rules())
    empty = tmp_path / "empty.tif"
    empty.touch()
    (fault,) = check_tiff(empty, Rules())
    assert (fault.rule, fault.sentence) == ("structure", "the file is empty")


# --- rules files


def house(folder: Path, text: str, name: str = "house.toml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_a_house_tightens_and_loosens(tmp_path):
    path = house(
        tmp_path, 'name = "Ours"\nextends = "baseline"\nmost_pages = 1\n[bits]\nrgb = [8, 16]\n'
    )
    ours, theirs = load_rules(path), load_rules("baseline")
    assert (ours.name, ours.most_pages) == ("Ours", 1)
    assert ours.bits == theirs.bits | {"rgb": [8, 16]}
    changed = {"name", "extends", "most_pages", "bits"}
    assert ours.model_dump(exclude=changed) == theirs.model_dump(exclude=changed)


def test_a_house_may_extend_its_own_file_beside_it(tmp_path):
    house(tmp_path, 'extends = "ti-a"\nleast_ppi = 300\n[severity]\ntext = "ignore"\n', "all.toml")
    path = house(tmp_path, 'extends = "all.toml"\nleast_ppi = 600\n')
    ours = load_rules(str(path))
    assert ours.least_ppi == 600
    assert ours.severity_of("text") == "ignore"
    assert ours.severity_of("date") == "error"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colors = []", "unknown field 'colors'"),
        ('compressions = ["zip"]', "there is no compression 'zip'"),
        ('colours = ["sepia"]', "there is no colour 'sepia'"),
        ('required_tags = ["Imagewidth"]', "there is no tag 'Imagewidth'"),
        ("required_tags = [0]", "there is no tag 0"),
        ("[severity]\nspelling = 'error'", "there is no rule 'spelling'"),
        ("[severity]\ntext = 'grave'", "severity"),
        ("bigtiff = 'no'", "bigtiff"),
        ("most_pages = 0", "most_pages"),
        ("least_ppi = nan", "least_ppi"),
        ("[bits]\nrgb = [0]", "bits"),
        ('extends = "nobody"', "there are no such rules; those that come with this are"),
        ('extends = "house.toml"', "extends itself"),
        ("extends = 3", "extends"),
        ("this is no TOML", "cannot be read as rules"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(tmp_path, text, said):
    path = house(tmp_path, text)
    with pytest.raises(RulesRefused, match=re.escape(said)) as refused:
        load_rules(path)
    assert "\n" not in str(refused.value)


def test_unknown_rules_are_refused_with_the_names_of_those_that_are_there():
    with pytest.raises(RulesRefused, match="baseline, ti-a, tiff"):
        load_rules("strict")


def test_a_fault_in_a_base_is_told_of_the_base(tmp_path):
    house(tmp_path, "pages = 3", "base.toml")
    with pytest.raises(RulesRefused) as refused:
        load_rules(house(tmp_path, 'extends = "base.toml"'))
    assert refused.value.path == tmp_path / "base.toml"


# --- the documentation


def test_every_field_is_documented():
    text = PAGE.read_text(encoding="utf-8")
    for name, field in Rules.model_fields.items():
        assert f"| `{name}` | {field.description} |" in text, name


def test_every_rule_is_documented():
    text = PAGE.read_text(encoding="utf-8")
    for name, demand in RULES.items():
        assert f"| `{name}` | {demand} |" in text, name


def test_every_set_of_rules_that_ships_is_documented():
    text = PAGE.read_text(encoding="utf-8")
    for path in SHIPPED.glob("*.toml"):
        assert f"| `{path.stem}` | {load_rules(path.stem).source} |" in text


def test_the_example_in_the_documentation_is_valid(tmp_path):
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert load_rules(house(tmp_path, example)).extends


def test_everything_that_is_not_claimed_is_documented():
    text = PAGE.read_text(encoding="utf-8")
    for standard in (FADGI, METAMORFOZE, ISO):
        assert standard in text
        for item in NOT_CLAIMED[standard]:
            assert item in text, item


# --- the team's collection

UNSOUND = {
    # No PhotometricInterpretation; entries out of order.
    "Pillow__10ct_32bit_128.tiff": {"required_tags"},
    "metadata-extra__f4bcc246f3471102a2dea2ee9153b372.tif": {"entry_order"},
}
ONLY_READERS_MIND = {
    # tests/heritage/tiff says of these that they can be restored.
    "TwelveMonkeys__a33.tif",
    "rio-tiler__201404_13SED190110_201404_0x1500m_CL_1_alpha.tif",
    "rio-tiler__201404_13SED190110_201404_0x1500m_CL_1_mask.tif",
    # Its JPEG stream is longer than a tag says, inside the file.
    "TwelveMonkeys__old-style-jpeg-bogus-jpeginterchangeformatlength.tif",
}
BASELINE_BITS = {"MINISWHITE": {1, 4, 8}, "MINISBLACK": {1, 4, 8}, "RGB": {8}, "PALETTE": {4, 8}}


def collection(shared: Path, kind: str):
    folder = shared / "data" / "tiff" / kind
    with (folder / "manifest.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield folder / row["file"], row


def errors(path: Path, rules: Rules) -> set[str]:
    return {fault.rule for fault in check_tiff(path, rules) if fault.refuses}


def test_sound_files_of_the_collection_are_sound(shared):
    rules = load_rules("tiff")
    for path, _ in collection(shared, "valid"):
        assert errors(path, rules) == UNSOUND.get(path.name, set()), path.name


def test_damaged_files_of_the_collection_are_refused(shared):
    rules = load_rules("tiff")
    accepted = {p.name for p, _ in collection(shared, "malformed") if not errors(p, rules)}
    assert accepted == ONLY_READERS_MIND


def test_baseline_refuses_what_others_say_is_beyond_it(shared):
    rules = load_rules("baseline")
    for path, row in collection(shared, "valid"):
        within = (
            row["compression"] in ("NONE", "1", "PACKBITS", "CCITTRLE")
            and int(row["bits"]) in BASELINE_BITS.get(row["photometric"], ())
            and "float" not in row["dtype"]
            and (row["tiled"], row["bigtiff"], row["planar"]) == ("False", "False", "1")
        )
        beyond = errors(path, rules) - {"required_tags"}
        assert bool(beyond) is not within, (path.name, beyond)


@pytest.mark.skipif(shutil.which("tiffinfo") is None, reason="tiffinfo is not installed")
def test_what_tiffinfo_warns_of_is_not_called_faultless(shared):
    rules = load_rules("tiff")
    for path, _ in collection(shared, "valid"):
        said = tiffinfo(path)
        # Tags that libtiff has not heard of are no fault.
        grave = [
            line for line in said.splitlines() if "Warning" in line and "Unknown field" not in line
        ]
        if not check_tiff(path, rules):
            assert not grave, (path.name, grave)
