"""What an archive is promised: only painted pixels differ, all else is the master's own bytes."""

import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.errors
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin

from heritage.errors import HeritageError, MasterRefused, StorageFailed
from heritage.geometry import Box
from heritage.tiff import Composed, compose, open_master, sha256_file, structure_differences
from heritage.tiff.guard import inspect

RESTORABLE_THOUGH_LISTED = {
    # Every strip is there and three readers agree on every pixel; a tag's type is unusual.
    "TwelveMonkeys__a33.tif",
    # Sound files: no structure is broken, all strips are whole, the second page is a mask.
    "rio-tiler__201404_13SED190110_201404_0x1500m_CL_1_alpha.tif",
    "rio-tiler__201404_13SED190110_201404_0x1500m_CL_1_mask.tif",
}


def pixels_of(path: Path, page: int = 0) -> Any:
    """By tifffile alone, shape (height, width, samples)."""
    with tifffile.TiffFile(path) as file:
        one = file.pages[page]
        pixels = one.asarray()
        if one.planarconfig == 2 and one.samplesperpixel > 1:
            pixels = np.moveaxis(pixels, 0, -1)
        return pixels.reshape(one.imagelength, one.imagewidth, one.samplesperpixel)


def everything(box: Box) -> bool:
    return True


def nothing(box: Box) -> bool:
    return False


def leave(box: Box, pixels: Any) -> None:
    """Paint nothing."""


SETTINGS = settings(max_examples=70, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class TestForEveryLayout:
    @SETTINGS
    @given(data=st.data())
    def test_identity_paint_gives_the_same_file(self, any_recipe: Any, data: Any) -> None:
        recipe = data.draw(any_recipe)
        with tempfile.TemporaryDirectory() as folder:
            master, target = Path(folder, "m.tif"), Path(folder, "r.tif")
            recipe.write(master)
            answer = compose(master, target, leave, everything)
            assert target.read_bytes() == master.read_bytes()
            assert answer.sha256 == answer.source_sha256 == sha256_file(master)
            assert answer.touched_segments == 0

    @SETTINGS
    @given(data=st.data(), share=st.sampled_from([0.0, 0.01, 0.5]), seed=st.integers(0, 99))
    def test_paint_changes_exactly_the_painted_pixels(
        self, any_recipe: Any, painting: Any, data: Any, share: float, seed: int
    ) -> None:
        recipe = data.draw(any_recipe)
        with tempfile.TemporaryDirectory() as folder:
            master, target = Path(folder, "m.tif"), Path(folder, "r.tif")
            recipe.write(master)
            before = pixels_of(master)
            kind = np.dtype(recipe.dtype)
            top = 1 if kind.kind in "bf" else min(np.iinfo(kind).max, 2**40)
            top = top if recipe.bits is None else 2**recipe.bits - 1
            work = painting(before, recipe.colour_samples, top, share, seed)
            answer = compose(master, target, work.paint, work.touched)
            assert answer.reencoded is None
            assert pixels_of(target).tobytes() == work.applied(before).tobytes()
            assert structure_differences(master, target, 0, reencoded=False) == []
            assert answer.sha256 == sha256_file(target)
            assert answer.source_sha256 == sha256_file(master)
            assert answer.bytes == target.stat().st_size


class TestWithRealMasters:
    def test_every_valid_file_is_restored_or_refused_with_a_reason(
        self, shared: Path, painting: Any, tmp_path: Path
    ) -> None:
        restored, refused = 0, []
        for master in sorted((shared / "data/tiff/valid").glob("*.[tT]*")):
            try:
                info = inspect(master)
            except HeritageError as error:
                refused.append((master.name, str(error)))
                continue
            restore_and_check(master, info.page, painting, tmp_path / f"{restored}.tif")
            restored += 1
        assert restored >= 46
        assert not [reason for _, reason in refused if "\n" in reason]
        assert sorted(name for name, _ in refused) == [
            "TwelveMonkeys__WangJPEG.tif",
            "TwelveMonkeys__old-style-jpeg-multiple-strips.tif",
            "TwelveMonkeys__planar-yuv422-bt601-lzw.tif",
            "image-tiff__off_luv24.tif",
            "libvips__subsampled.tif",
        ]

    @pytest.mark.parametrize("name", sorted(RESTORABLE_THOUGH_LISTED))
    def test_sound_files_among_the_malformed_are_restored(
        self, shared: Path, painting: Any, out: Path, name: str
    ) -> None:
        master = shared / "data/tiff/malformed" / name
        restore_and_check(master, inspect(master).page, painting, out)


def restore_and_check(master: Path, page: int, painting: Any, target: Path) -> Composed:
    """Restore 2 % of the pixels; only those may differ, for us and for tifffile."""
    with open_master(master, page) as one:
        info = one.info
        before = one.read(Box(0, 0, info.height, info.width))
    work = painting(before, info.colour_samples, min(info.max_value, 200), 0.02, 7)
    answer = compose(master, target, work.paint, work.touched, page)
    after = pixels_of(target, page)
    assert after.tobytes() == work.applied(before).tobytes(), master.name
    differences = structure_differences(master, target, page, answer.reencoded is not None)
    assert differences == [], master.name
    assert answer.source_sha256 == sha256_file(master)
    return answer


class TestEverythingElseSurvives:
    def test_pages_sub_images_and_private_tags(self, recipe: Any, painting: Any, out: Path) -> None:
        master = out.with_name("m.tif")
        extra = [
            (65000, 7, 300, bytes(range(256)) + b"x" * 44, True),
            (315, 2, 0, "Somebody", True),
            (700, 1, 20, b"<x:xmpmeta>......../", True),
        ]
        plain = recipe(compression="deflate", predictor=True)
        before = plain.pixels()
        with tifffile.TiffWriter(master) as writer:
            writer.write(
                before, photometric="rgb", compression="deflate", predictor=True, rowsperstrip=8,
                subifds=2, extratags=extra, iccprofile=b"\0" * 500, metadata=None,
                resolution=(300, 300), resolutionunit=2,
            )  # fmt: skip
            for step in (2, 4):
                writer.write(
                    before[::step, ::step], photometric="rgb", subfiletype=1, metadata=None
                )
            writer.write(before[..., 0], photometric="minisblack", compression="lzw", metadata=None)
        work = painting(before, 3, 255, 0.3, 3)
        compose(master, out, work.paint, work.touched)
        with tifffile.TiffFile(master) as one, tifffile.TiffFile(out) as other:
            assert len(other.pages) == len(one.pages) == 2
            for was, now in zip(one.pages[0].pages, other.pages[0].pages, strict=True):
                # Smaller versions of the picture are made anew where it changed, only there.
                changed = (was.asarray() != now.asarray()).any(axis=2)
                step = round(before.shape[1] / changed.shape[1])
                rows, columns = (np.arange(0, size, step) for size in before.shape[:2])
                reached = np.logical_or.reduceat(work.mask, rows, axis=0)
                reached = np.logical_or.reduceat(reached, columns, axis=1)
                assert changed.any()
                assert not changed[~reached].any()
            assert np.array_equal(one.pages[1].asarray(), other.pages[1].asarray())
            for code in (65000, 315, 700, 34675, 282, 283, 296):
                assert one.pages[0].tags[code].value == other.pages[0].tags[code].value
        assert structure_differences(master, out, 0, reencoded=False) == []

    def test_exif_and_gps_as_an_independent_reader_sees_them(
        self, painting: Any, out: Path
    ) -> None:
        master = out.with_name("m.tif")
        before = np.random.default_rng(0).integers(0, 255, (60, 70, 3), np.uint8)
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags[271], tags[315], tags[33432] = "Maker", "Artist", "Copyright"
        tags[34665] = {36867: "2026:11:23 10:00:00", 37500: b"a maker's own note"}
        tags[34853] = {1: "N", 2: (48.0, 8.0, 9.5)}
        Image.fromarray(before).save(master, tiffinfo=tags, dpi=(300, 300))
        work = painting(before, 3, 255, 0.5, 1)
        compose(master, out, work.paint, work.touched)
        with Image.open(master) as one, Image.open(out) as other:
            assert np.array_equal(np.asarray(other), work.applied(before))
            # Where things lie may differ, what they say may not.
            places = {273, 279}
            was, now = (dict(image.tag_v2) for image in (one, other))
            assert {k: v for k, v in was.items() if k not in places} == {
                k: v for k, v in now.items() if k not in places
            }
            for block in (34665, 34853):
                assert one.getexif().get_ifd(block) == other.getexif().get_ifd(block) != {}

    @pytest.mark.parametrize("compression", [None, "lzw", "deflate", "packbits", "zstd", "lzma"])
    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
    def test_libtiff_sees_the_same_pixels(
        self, recipe: Any, painting: Any, out: Path, compression: str | None, dtype: str
    ) -> None:
        master = out.with_name("m.tif")
        predictor = compression not in (None, "packbits")
        plain = recipe(
            height=150,
            width=170,
            tile=(64, 64),
            dtype=dtype,
            byteorder=">",
            compression=compression,
            predictor=predictor,
        )
        before = plain.write(master)
        work = painting(before, 3, 255, 0.2, 3)
        compose(master, out, work.paint, work.touched)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            with rasterio.open(out) as file:
                pixels = np.moveaxis(file.read(), 0, -1)
        assert pixels.tobytes() == work.applied(before).tobytes()

    def test_a_page_that_is_not_the_first(self, painting: Any, out: Path) -> None:
        master = out.with_name("m.tif")
        rng = np.random.default_rng(0)
        pages = [rng.integers(0, 255, (30, 40), np.uint8) for _ in range(3)]
        with tifffile.TiffWriter(master) as writer:
            for one in pages:
                writer.write(one, photometric="minisblack", compression="zstd", metadata=None)
        work = painting(pages[1][..., None], 1, 255, 0.5, 1)
        compose(master, out, work.paint, work.touched, page=1)
        pages[1] = work.applied(pages[1][..., None])[..., 0]
        with tifffile.TiffFile(out) as file:
            for index, one in enumerate(pages):
                assert np.array_equal(file.pages[index].asarray(), one)


class TestLossyMasters:
    @pytest.mark.parametrize("tile", [None, (32, 32)])
    @pytest.mark.parametrize("bigtiff", [False, True])
    def test_a_jpeg_page_is_written_anew_without_loss(
        self, recipe: Any, painting: Any, out: Path, tile: Any, bigtiff: bool
    ) -> None:
        master = out.with_name("m.tif")
        before = recipe(height=70, width=90).pixels()
        with tifffile.TiffWriter(master, bigtiff=bigtiff) as writer:
            for _ in range(2):
                writer.write(
                    before,
                    photometric="ycbcr",
                    compression="jpeg",
                    tile=tile,
                    rowsperstrip=None if tile else 16,
                    metadata=None,
                    extratags=[(65001, 3, 5, (1, 2, 3, 4, 5), True)],
                )
        answer = restore_and_check(master, 1, painting, out)
        assert answer.reencoded is not None
        assert "JPEG" in answer.reencoded
        with tifffile.TiffFile(out) as file:
            assert file.pages[0].compression == 7
            assert file.pages[1].compression == 8
            assert file.pages[1].photometric == 2
            assert file.pages[1].tags[65001].value == (1, 2, 3, 4, 5)
        with Image.open(out) as other:
            other.seek(1)
            assert np.array_equal(np.asarray(other), pixels_of(out, 1))

    @pytest.mark.parametrize("codec", ["webp", "jpeg2000", "jpegxl", "png"])
    def test_codecs_with_a_lossless_mode_keep_their_other_tiles(
        self, recipe: Any, painting: Any, out: Path, codec: str
    ) -> None:
        master = out.with_name("m.tif")
        before = recipe(height=64, width=64).pixels()
        tifffile.imwrite(
            master, before, photometric="rgb", compression=codec, tile=(32, 32), metadata=None
        )
        decoded = pixels_of(master)
        work = painting(decoded, 3, 255, 0, 5)
        answer = compose(master, out, work.paint, work.touched)
        assert answer.reencoded is None
        assert answer.touched_segments == 1
        assert np.array_equal(pixels_of(out), work.applied(decoded))

    def test_a_compression_that_cannot_hold_the_pixels_gives_a_page_written_anew(
        self, painting: Any, out: Path
    ) -> None:
        # WebP without loss still drops colours under full transparency.
        master = out.with_name("m.tif")
        before = np.random.default_rng(0).integers(1, 255, (64, 64, 4), np.uint8)
        tifffile.imwrite(
            master,
            before,
            photometric="rgb",
            extrasamples=["unassalpha"],
            compression="webp",
            compressionargs={"level": 50},
            metadata=None,
        )
        decoded = pixels_of(master)
        work = painting(decoded, 3, 255, 0.2, 5)
        answer = compose(master, out, work.paint, work.touched)
        assert np.array_equal(pixels_of(out), work.applied(decoded))
        assert structure_differences(master, out, 0, answer.reencoded is not None) == []


class TestWhenItFails:
    def test_nothing_is_left_behind(self, recipe: Any, out: Path) -> None:
        master = out.with_name("m.tif")
        recipe(compression="deflate").write(master)

        def fail(box: Box, pixels: Any) -> None:
            raise RuntimeError("the engine failed")

        with pytest.raises(RuntimeError):
            compose(master, out, fail, everything)
        assert not out.exists()

    def test_paint_that_does_not_fit_the_bits_is_refused(self, recipe: Any, out: Path) -> None:
        master = out.with_name("m.tif")
        recipe(samples=1, colour="minisblack", bits=4).write(master)

        def too_bright(box: Box, pixels: Any) -> None:
            pixels[0, 0] = 200

        with pytest.raises(MasterRefused, match="do not fit 4 bits"):
            compose(master, out, too_bright, everything)
        assert not out.exists()

    def test_an_existing_file_is_not_overwritten(self, recipe: Any, out: Path) -> None:
        master = out.with_name("m.tif")
        recipe().write(master)
        out.write_bytes(b"precious")
        with pytest.raises(StorageFailed):
            compose(master, out, leave, everything)
        assert out.read_bytes() == b"precious"

    def test_a_disk_that_takes_no_more_is_named(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            master, target = Path(folder, "m.tif"), Path(folder, "r.tif")
            tifffile.imwrite(master, shape=(2000, 2000), dtype=np.uint8, metadata=None)
            code = (
                "import resource, signal, sys\n"
                "from pathlib import Path\n"
                "from heritage.errors import StorageFailed\n"
                "from heritage.tiff import compose\n"
                "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
                "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
                "try:\n"
                "    compose(sys.argv[1], sys.argv[2], lambda b, p: None, lambda b: True)\n"
                "except StorageFailed as error:\n"
                "    print('refused', error.reason, Path(sys.argv[2]).exists())\n"
            )
            done = subprocess.run(
                [sys.executable, "-c", code, master, target],
                text=True,
                capture_output=True,
                check=True,
            )
            assert done.stdout.startswith("refused cannot be written")
            assert done.stdout.strip().endswith("False")

    def test_a_damaged_strip_names_itself(self, recipe: Any, out: Path) -> None:
        master = out.with_name("m.tif")
        recipe(compression="deflate").write(master)
        with tifffile.TiffFile(master) as file:
            at = file.pages[0].dataoffsets[1]
        with master.open("r+b") as file:
            file.seek(at)
            file.write(b"\xff" * 8)
        with pytest.raises(MasterRefused, match="strip 2 of 3"):
            compose(master, out, leave, everything)
        # Where nothing is touched, nothing is decoded: that strip is copied as it is.
        compose(master, out, leave, nothing)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [20_000, 100])
def test_memory_does_not_grow_with_the_picture(tmp_path: Path, rows: int) -> None:
    """20 000 x 20 000 pixels, 400 MB, also as one single strip: under 200 MB over the imports."""
    master, target = tmp_path / "m.tif", tmp_path / "r.tif"
    tifffile.imwrite(
        master,
        shape=(20_000, 20_000),
        dtype=np.uint8,
        photometric="minisblack",
        rowsperstrip=rows,
        metadata=None,
    )
    code = (
        "import sys\n"
        "import numpy, tifffile, imagecodecs\n"
        "from heritage.tiff import compose, open_master\n"
        "from heritage.geometry import Box\n"
        "from heritage.resident import resident\n"
        "before = resident('peak')\n"
        "def paint(box, pixels): pixels[::7, ::7] = 9\n"
        "compose(sys.argv[1], sys.argv[2], paint, lambda box: box.y0 % 5 == 0)\n"
        "with open_master(sys.argv[2]) as master:\n"
        "    for y in range(0, 20_000 - 512, 4096): master.read(Box(y, 0, y + 512, 512))\n"
        "print((resident('peak') - before) >> 20)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, master, target],
        text=True,
        capture_output=True,
        check=True,
        env=os.environ,
    )
    assert int(done.stdout) < 200
    with master.open("rb") as file, target.open("rb") as other:
        assert file.read(200) == other.read(200)
