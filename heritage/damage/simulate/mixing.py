"""The families of damage by name, mixtures of them, and cuts of real masks."""

from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np

from heritage.damage.simulate import creases, lacunae, ntire, strokes, surfaces
from heritage.damage.simulate.cracks import craquelure
from heritage.damage.simulate.fields import Mask
from heritage.errors import HeritageError

Family = Callable[[np.random.Generator, int, int], Mask]

FAMILIES: Mapping[str, Family] = {
    "thick": strokes.thick_strokes,
    "medium": strokes.medium_strokes,
    "hairlines": strokes.hairlines,
    "dense-hairlines": strokes.dense_hairlines,
    "scratches": strokes.scratches,
    "losses": lacunae.losses,
    "large-losses": lacunae.large_losses,
    "half": lacunae.half,
    "rectangle": lacunae.rectangle,
    "craquelure": craquelure,
    "flaking": lacunae.flaking,
    "abrasion": surfaces.abrasion,
    "stains": surfaces.stains,
    "foxing": surfaces.foxing,
    "tide-lines": surfaces.tide_lines,
    "folds": creases.folds,
    "tears": creases.tears,
    "ntire-completion": ntire.completion,
    "ntire-expand": ntire.expand,
    "ntire-every-n-lines": ntire.every_n_lines,
    "ntire-nearest-neighbour": ntire.nearest_neighbour,
    "ntire-thin": ntire.thin,
    "ntire-medium": ntire.medium,
    "ntire-thick": ntire.thick,
}
_TRIES = 1000


def from_real(rng: np.random.Generator, height: int, width: int, real: Sequence[Mask]) -> Mask:
    """A random cut of a real mask, turned, mirrored and enlarged one to two times."""
    source = np.rot90(real[int(rng.integers(len(real)))], int(rng.integers(4)))
    if rng.random() < 0.5:
        source = source[:, ::-1]
    repeats = -(-max(height, width) // min(source.shape))
    if repeats > 1:
        source = np.pad(source, [(0, s * (repeats - 1)) for s in source.shape], mode="reflect")
    zoom = rng.uniform(1.0, 2.0)
    h, w = max(1, round(height / zoom)), max(1, round(width / zoom))
    y = int(rng.integers(0, source.shape[0] - h + 1))
    x = int(rng.integers(0, source.shape[1] - w + 1))
    cut = np.ascontiguousarray(source[y : y + h, x : x + w]).astype(np.float32)
    scaled = cv2.resize(cut, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(scaled > 0.5, np.uint8)


def simulate(
    rng: np.random.Generator,
    height: int,
    width: int,
    mix: Mapping[str, float],
    real: Sequence[Mask] = (),
) -> Mask:
    """A mask of a family drawn from ``mix``; never empty, never everything.

    At most 70 % of the picture is lost, but for the challenge's families (``ntire-…``), some of
    which leave less than a tenth.

    Args:
        rng: Source of randomness.
        height: Rows.
        width: Columns.
        mix: Weight of each family of ``FAMILIES``, and of ``real`` where real masks are given.
        real: Real masks for the family ``real``.

    Raises:
        KeyError: If a family is unknown.
        HeritageError: If the mixture only gives masks that are empty, or of everything.
    """
    names = [name for name in mix if mix[name] > 0 and (name != "real" or real)]
    weights = np.array([mix[name] for name in names])
    for _ in range(_TRIES if names else 0):
        name = names[int(rng.choice(len(names), p=weights / weights.sum()))]
        if name == "real":
            mask = from_real(rng, height, width, real)
        else:
            mask = FAMILIES[name](rng, height, width)
        if 0 < mask.mean() < (1.0 if name.startswith("ntire-") else 0.7):
            return mask
    raise HeritageError(
        f"the damage {dict(mix)} gives no usable mask of {height} x {width} pixels: name families "
        "that there are, with weights above 0 (the family 'real' needs real masks)"
    )
