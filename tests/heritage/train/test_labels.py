import pytest
from PIL import Image

from heritage.train.labels import labels_of
from models.networks.biggan import CLASSES


@pytest.fixture
def pictures(tmp_path):
    (tmp_path / "more").mkdir()
    for name in ("a.png", "b.png", "more/c.png"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    return tmp_path


def test_kinds_are_found_by_file_in_short_or_in_the_plural(pictures):
    (pictures / "manifest.csv").write_text("file,kind\nmore/c.png,photo\nb.png,Murals\n")
    expected = [-1, CLASSES.index("mural"), CLASSES.index("photograph")]
    assert labels_of(pictures, CLASSES) == expected


@pytest.mark.parametrize(
    "manifest",
    ["file,kind\na.png,furniture\nb.png,\n", "file,title\na.png,Night\n", "kind\nmural\n"],
)
def test_what_is_not_told_or_not_known_is_unknown(pictures, manifest):
    (pictures / "manifest.csv").write_text(manifest)
    assert labels_of(pictures, CLASSES) == [-1, -1, -1]


def test_without_a_manifest_nothing_is_known(pictures):
    assert labels_of(pictures, CLASSES) == [-1, -1, -1]


def test_the_kinds_of_the_collection_are_all_known(shared):
    labels = labels_of(shared / "data" / "train", CLASSES)
    assert -1 not in labels
    assert set(labels) >= {CLASSES.index(name) for name in ("painting", "mural", "manuscript")}
