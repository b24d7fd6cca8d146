"""What every inpainter promises, whichever it is."""

import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import models
from models.testing import CONFIGS, write_tiny

NAMES = [card.name for card in models.available()]
CLASSICAL = [card.name for card in models.available() if card.architecture is None]
QUICK = settings(max_examples=8, deadline=None)

sizes = st.one_of(
    st.sampled_from([(1, 1), (1, 7), (7, 1), (2, 2), (6, 9), (33, 64)]),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
)


@pytest.fixture(scope="module", params=[*NAMES, *(f"tiny {name}" for name in CONFIGS)])
def inpainter(request, tmp_path_factory):
    """Everything that ships, and every architecture with weights of its user's own."""
    name = request.param
    if not name.startswith("tiny "):
        return models.load(name, device="cpu")
    folder = tmp_path_factory.mktemp("models")
    write_tiny(folder, name.removeprefix("tiny "))
    return models.load("tiny", device="cpu", folder=folder, precision="float32")


@pytest.fixture(scope="module", params=NAMES)
def shipped(request):
    return models.load(request.param, device="cpu")


@pytest.fixture(scope="module", params=CLASSICAL)
def classical(request):
    return models.load(request.param, device="cpu")


def some_picture(count, height, width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand(count, 3, height, width, generator=generator)
    mask = torch.rand(count, 1, height, width, generator=generator) < 0.4
    return image, mask


def a_block(height, width, margin):
    mask = torch.zeros(1, 1, height, width, dtype=torch.bool)
    mask[..., margin : height - margin, margin : width - margin] = True
    return mask


@QUICK
@given(size=sizes, count=st.integers(1, 4), seed=st.integers(0, 2**16))
def test_known_pixels_come_back_bit_by_bit_and_filled_ones_lie_in_range(
    inpainter, size, count, seed
):
    image, mask = some_picture(count, *size, seed)
    restored = inpainter(image, mask)
    assert restored.shape == image.shape
    assert restored.dtype == torch.float32
    assert torch.equal(restored[~mask.expand_as(image)], image[~mask.expand_as(image)])
    assert bool(((restored >= 0) & (restored <= 1)).all())
    restored.requires_grad_()  # an ordinary tensor, not one that only inference may use


@QUICK
@given(size=sizes, seed=st.integers(0, 2**16))
def test_what_lies_under_the_mask_never_shows(inpainter, size, seed):
    image, mask = some_picture(2, *size, seed)
    damaged = torch.where(mask, torch.nan, image)
    assert torch.equal(inpainter(damaged, mask), inpainter(image, mask))


def test_the_same_input_gives_the_same_bytes_alone_and_from_another_process(inpainter):
    image, mask = some_picture(1, 48, 40)
    again = pickle.loads(pickle.dumps(inpainter))
    assert again.name == inpainter.name
    assert torch.equal(again(image, mask), inpainter(image, mask))


def test_other_items_of_the_batch_do_not_matter(inpainter):
    image, mask = some_picture(3, 40, 36)
    alone = torch.cat([inpainter(image[i : i + 1], mask[i : i + 1]) for i in range(3)])
    together = inpainter(image, mask)
    if inpainter.weights_sha256 is None:
        assert torch.equal(together, alone)
    else:  # a network's sums may be ordered by the size of its batch
        torch.testing.assert_close(together, alone, atol=1e-4, rtol=0)


def test_an_empty_mask_changes_nothing(inpainter):
    image, mask = some_picture(2, 20, 30)
    assert torch.equal(inpainter(image, torch.zeros_like(mask)), image)


def test_a_mask_over_everything_gives_something_finite(inpainter):
    image, mask = some_picture(2, 20, 30)
    mask[0] = True
    restored = inpainter(image, mask)
    assert bool(restored.isfinite().all())
    assert bool((restored[0] == restored[0, 0, 0, 0]).all())


def test_an_empty_batch_comes_back_empty(inpainter):
    assert inpainter(torch.zeros(0, 3, 8, 8), torch.zeros(0, 1, 8, 8)).shape == (0, 3, 8, 8)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.float32, torch.float64])
def test_any_kind_of_mask_means_the_same(classical, dtype):
    image, mask = some_picture(1, 24, 24)
    value = 255 if dtype == torch.uint8 else 1
    assert torch.equal(classical(image, mask.to(dtype) * value), classical(image, mask))


def test_a_fill_has_more_levels_than_eight_bits(shipped):
    row = torch.linspace(0.2, 0.8, 128)
    image = (row + 0.05 * row[:, None]).expand(1, 3, 128, 128).contiguous()
    mask = a_block(128, 128, 32)
    levels = shipped(image, mask)[0, 0][mask[0, 0]].unique().numel()
    assert levels > 256


def test_a_plain_picture_is_filled_plainly(classical):
    image = torch.tensor([0.3, 0.5, 0.7]).view(1, 3, 1, 1).expand(1, 3, 64, 64).contiguous()
    mask = a_block(64, 64, 20)
    mask[..., :10, :25] = True  # up to the picture's corner
    torch.testing.assert_close(classical(image, mask), image, atol=1e-3, rtol=0)


def test_device_and_description_are_told(inpainter):
    assert inpainter.device.type == "cpu"
    assert inpainter.description
    assert (inpainter.weights_sha256 is None) == (inpainter.card.weights is None)


def test_identity_returns_the_damage_too():
    identity = models.load("identity")
    image, mask = some_picture(2, 9, 11)
    image[mask.expand_as(image)] = torch.nan
    restored = identity(image, mask)
    assert torch.equal(restored.isnan(), mask.expand_as(image))
    assert restored.data_ptr() != image.data_ptr()


@pytest.mark.parametrize(
    ("image", "mask", "said"),
    [
        (torch.zeros(3, 8, 8), torch.zeros(1, 8, 8), "(B, 3, H, W)"),
        (torch.zeros(1, 4, 8, 8), torch.zeros(1, 1, 8, 8), "(1, 4, 8, 8)"),
        (torch.zeros(1, 3, 0, 8), torch.zeros(1, 1, 0, 8), "(1, 3, 0, 8)"),
        (torch.zeros(1, 3, 8, 8), torch.zeros(1, 1, 8, 9), "mask must have shape (1, 1, 8, 8)"),
        (torch.zeros(1, 3, 8, 8).double(), torch.zeros(1, 1, 8, 8), "float64"),
        (torch.zeros(1, 3, 8, 8), torch.full((1, 1, 8, 8), torch.nan), "NaN"),
        (torch.full((1, 3, 8, 8), torch.nan), torch.zeros(1, 1, 8, 8), "finite"),
        (torch.full((1, 3, 8, 8), 255.0), torch.zeros(1, 1, 8, 8), "255"),
        ("a picture", torch.zeros(1, 1, 8, 8), "not str"),
    ],
)
def test_what_cannot_be_restored_is_refused_with_the_reason(image, mask, said):
    with pytest.raises(models.InputRefused) as refusal:
        models.load("telea")(image, mask)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)
