import numpy as np
from PIL import Image

from heritage.damage.classes import DamageClass
from heritage.damage.detect.preview import LONGEST, Preview, colours_of
from heritage.geometry import Box


def test_up_to_seven_classes_have_colours_of_their_own():
    kinds = list(DamageClass)[1:]
    for first in range(len(kinds) - 6):
        colours = colours_of(kinds[first : first + 7])
        assert len(set(colours.values())) == 7
    assert set(colours_of(kinds)) == set(kinds)


def test_a_class_has_its_colour_whatever_else_is_there():
    alone = colours_of([DamageClass.CRACKS])[DamageClass.CRACKS]
    assert colours_of(list(DamageClass)[1:])[DamageClass.CRACKS] == alone


def test_large_masters_are_averaged_across_windows(tmp_path):
    ramp = np.linspace(0, 1, 7000, dtype=np.float32)
    picture = np.broadcast_to(ramp[None, :, None], (20, 7000, 3))
    preview = Preview(20, 7000)
    for x in range(0, 7000, 512):
        core = Box(0, x, 20, min(x + 512, 7000))
        preview.add(core, picture[core.slices])
    preview.mark(0, 6656, np.pad([[True]], ((3, 16), (100, 243))), np.array([9], np.uint8))
    preview.save(tmp_path / "p.jpg", [])
    with Image.open(tmp_path / "p.jpg") as image:
        shown = np.asarray(image.convert("RGB")).astype(int)
    assert shown.shape[1] == -(-7000 // preview.step) <= LONGEST
    blocks = ramp[: 2000 * preview.step].reshape(2000, -1).mean(axis=1) * 255
    assert abs(shown[2, :2000] - blocks[:, None]).max() < 6
    # A single pixel of 7000 columns is seen.
    x = (6656 + 100) // preview.step
    assert shown[1, x, 0] - shown[1, x, 2] > 60
