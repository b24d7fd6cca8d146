"""Verification: everything that is tampered with is found and named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

from heritage.damage.masks import import_mask
from heritage.errors import VerificationFailed
from heritage.restore.canonical import canonical_json
from heritage.restore.engine import restore
from heritage.restore.verify import verify
from heritage.tiff import compose, sha256_file
from heritage.tiff.tagging import embed_xmp

HEIGHT, WIDTH = 130, 170


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A restoration beside its master."""
    place = tmp_path_factory.mktemp("made")
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    picture = np.stack([x * 300, y * 400, x + y], axis=-1).astype(np.uint16)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[30:34, 20:150], mask[80:100, 100:120] = 255, 255
    tifffile.imwrite(
        place / "m.tif", picture, photometric="rgb", rowsperstrip=10, software="a scanner",
        metadata=None,
    )  # fmt: skip
    tifffile.imwrite(place / "m.mask.tif", mask)
    restore(place / "m.tif", None, "telea", place / "out")
    return place


@pytest.fixture
def copy(made, tmp_path):
    """A copy to tamper with: the folder of the restoration."""
    place = tmp_path / "copy"
    shutil.copytree(made, place)
    return place / "out/m"


def sentences(folder: Path, **more: Path) -> list[str]:
    return [str(finding) for finding in verify(folder, **more).findings]


def repaint(folder: Path, row: int, column: int, count: int = 1) -> None:
    """Change pixels of the restored file as a careful forger would: the file stays sound."""
    path = folder / "m.restored.tif"

    def paint(box, pixels):
        for x in range(column, column + count):
            if box.y0 <= row < box.y1 and box.x0 <= x < box.x1:
                pixels[row - box.y0, x - box.x0, 0] ^= 1

    compose(path, path.with_suffix(".new"), paint, lambda box: box.y0 <= row < box.y1)
    path.with_suffix(".new").replace(path)


def rerecord(folder: Path, change) -> None:
    """Rewrite the record with something changed."""
    path = folder / "m.provenance.json"
    record = json.loads(path.read_bytes())
    change(record)
    path.write_bytes(canonical_json(record))


def rehash(folder: Path, kind: str) -> None:
    """Put the hash of a tampered file into the record, so that only its content betrays it."""
    names = {"restored": "m.restored.tif", "layer": "m.layer.tif", "mask": "m.mask.tif"}
    found = sha256_file(folder / names[kind])
    rerecord(folder, lambda record: record[kind].update(sha256=found))


def test_an_untouched_restoration_is_proven(made):
    found = verify(made / "out/m")
    assert found.ok
    assert found.pixels == HEIGHT * WIDTH
    found.require()


def test_one_pixel_changed_outside_the_mask_is_found_and_located(copy):
    repaint(copy, 70, 33)
    rehash(copy, "restored")
    assert sentences(copy) == [
        "m.restored.tif: 1 pixel differs from the master outside the mask, at row 70, column 33"
    ]
    with pytest.raises(VerificationFailed, match="row 70, column 33"):
        verify(copy).require()


def test_pixels_changed_inside_the_mask_are_found_and_counted(copy):
    repaint(copy, 31, 40, 3)
    rehash(copy, "restored")
    assert sentences(copy) == [
        "m.restored.tif: 3 pixels differ from the layer inside the mask, "
        "the first at row 31, column 40"
    ]


def test_any_change_of_a_file_is_found_by_its_hash(copy):
    for name in ("m.restored.tif", "m.layer.tif", "m.mask.tif"):
        path = copy / name
        before = path.read_bytes()
        path.write_bytes(before + b"\0")
        found = sentences(copy)
        assert any(name in said and "is not the file of the record" in said for said in found)
        path.write_bytes(before)
    assert verify(copy).ok


def test_a_changed_tag_is_named(copy):
    with tifffile.TiffFile(copy / "m.restored.tif", mode="r+b") as file:
        file.pages[0].tags["Software"].overwrite("a forger")
    rehash(copy, "restored")
    found = sentences(copy)
    assert len(found) == 1
    assert "Software" in found[0]


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_changed_layer_is_found(copy):
    import rasterio
    from rasterio.windows import Window

    with rasterio.open(copy / "m.layer.tif", "r+") as layer:
        values = layer.read(2, window=Window(60, 31, 1, 1))
        layer.write(values ^ 1, 2, window=Window(60, 31, 1, 1))
    rehash(copy, "layer")
    assert sentences(copy) == [
        "m.restored.tif: 1 pixel differs from the layer inside the mask, at row 31, column 60"
    ]


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_layer_that_hides_a_pixel_is_found(copy):
    import rasterio
    from rasterio.windows import Window

    with rasterio.open(copy / "m.layer.tif", "r+") as layer:
        layer.write(np.zeros((1, 2), np.uint16), 4, window=Window(60, 31, 2, 1))
    rehash(copy, "layer")
    assert sentences(copy) == [
        "m.layer.tif: 2 pixels have an alpha that contradicts the mask, "
        "the first at row 31, column 60"
    ]


def test_another_mask_is_found(copy, tmp_path):
    mask = tifffile.imread(copy / "m.mask.tif")
    mask[0, 5] = 255
    tifffile.imwrite(tmp_path / "other.tif", mask)
    (copy / "m.mask.tif").unlink()
    import_mask(tmp_path / "other.tif", copy / "m.mask.tif", HEIGHT, WIDTH)
    rehash(copy, "mask")
    found = sentences(copy)
    words = "1 pixel has an alpha that contradicts the mask, at row 0, column 5"
    assert f"m.layer.tif: {words}" in found


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: r["master"].update(sha256="0" * 64), "m.tif: is not the file of the record"),
        (lambda r: r.update(name="n"), "is the record of 'n'"),
        (lambda r: r["layer"].update(file="x.tif"), "names 'x.tif' as the layer"),
        (lambda r: r["mask"].update(pixels=3), "its regions have 920 pixels and its mask 3"),
        (lambda r: r.pop("layer"), "is unusable: 'layer' is missing"),
        (lambda r: r["times"].update(seconds="1"), "'times.seconds' is missing or of the wrong"),
        (lambda r: r.update(version=9), "version 9 of the record is not known here"),
        (lambda r: r.update(format="x"), "not a provenance record of this system"),
        (lambda r: r["master"].update(place="../gone.tif"), "say where it is now"),
    ],
)
def test_a_changed_record_is_found(copy, change, words):
    rerecord(copy, change)
    assert any(words in said for said in sentences(copy)), sentences(copy)


def test_a_record_that_is_no_json_is_found(copy):
    (copy / "m.provenance.json").write_bytes(b"\xff{")
    assert "not JSON" in sentences(copy)[0]


def test_missing_files_are_named_at_once(copy):
    (copy / "m.layer.tif").unlink()
    (copy / "m.mask.tif").unlink()
    assert sentences(copy) == ["m.mask.tif: is missing", "m.layer.tif: is missing"]
    assert len(sentences(copy.parent / "nothing")) == 4


def test_a_master_that_moved_can_be_pointed_at(copy, tmp_path):
    moved = tmp_path / "moved.tif"
    (copy.parent.parent / "m.tif").rename(moved)
    assert "say where it is now" in sentences(copy)[0]
    assert verify(copy, moved).ok
    shutil.copytree(copy, tmp_path / "elsewhere/m")
    assert verify(tmp_path / "elsewhere/m", moved).ok


def test_a_changed_master_is_found(copy):
    path = copy.parent.parent / "m.tif"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    found = sentences(copy)
    assert any(said.startswith("m.tif: is not the file of the record") for said in found)
    assert any("1 pixel differs from the master outside the mask" in said for said in found)


@pytest.mark.parametrize("name", ["m.restored.tif", "m.layer.tif", "m.mask.tif"])
def test_a_file_cut_short_is_a_finding_and_no_crash(copy, name):
    path = copy / name
    path.write_bytes(path.read_bytes()[:300])
    assert any(said.startswith(name) for said in sentences(copy))


PACKET = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"


def embed(folder: Path, packet: bytes = PACKET) -> Path:
    """Put a packet into the restored file; returns where the file without it is kept."""
    path, plain = folder / "m.restored.tif", folder.parent / "plain.tif"
    path.replace(plain)
    done = embed_xmp(plain, path, packet)

    def change(record):
        record["embedded"] = {"xmp_sha256": done.xmp_sha256, "of": record["restored"]["sha256"]}
        record["restored"].update(sha256=done.sha256, bytes=done.bytes)

    rerecord(folder, change)
    return plain


def test_a_restoration_with_a_packet_is_proven(copy):
    embed(copy)
    found = verify(copy)
    assert found.ok
    assert found.pixels == HEIGHT * WIDTH


def test_another_packet_than_the_recorded_one_is_found(copy):
    plain = embed(copy)
    (copy / "m.restored.tif").unlink()
    embed_xmp(plain, copy / "m.restored.tif", b"<forged/>" * 4)
    rehash(copy, "restored")
    (only,) = sentences(copy)
    assert "does not carry the XMP packet of the record" in only


def test_a_packet_that_was_taken_out_is_found(copy):
    plain = embed(copy)
    plain.replace(copy / "m.restored.tif")
    rehash(copy, "restored")
    assert sentences(copy) == ["m.restored.tif: has lost the XMP packet that was put into it"]


def test_a_packet_that_no_record_tells_of_is_found(copy):
    embed(copy)
    rerecord(copy, lambda record: record.pop("embedded"))
    assert sentences(copy) == ["m.restored.tif: page 1: tag 700 (XMP) was added"]


def test_a_packet_excuses_no_pixel(copy):
    embed(copy)
    repaint(copy, 70, 33)
    rehash(copy, "restored")
    (only,) = sentences(copy)
    assert "1 pixel differs from the master outside the mask, at row 70, column 33" in only


@pytest.mark.parametrize("said", [[], {}, {"of": "0" * 64}, {"xmp_sha256": 1, "of": "0" * 64}])
def test_a_record_must_tell_all_of_a_packet(copy, said):
    rerecord(copy, lambda record: record.update(embedded=said))
    (only,) = sentences(copy)
    assert "is missing or of the wrong kind" in only
    assert "embedded." in only
