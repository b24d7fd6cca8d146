import numpy as np
import pytest
import torch

from heritage.damage.simulate import simulate
from heritage.train import device_masks
from heritage.train.device_draws import Draws
from heritage.train.device_masks import MaskBank

CPU = torch.device("cpu")
MIX = {"thick": 0.5, "medium": 0.3, "losses": 0.2}


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(device_masks, "_FIRST", 8)
    monkeypatch.setattr(device_masks, "_PIECE", 4)


def bank(size=40, seed=1, side=64, **more):
    return MaskBank(MIX, (), side, seed, CPU, size=size, **more)


def test_masks_are_those_of_the_simulator_in_eight_positions():
    made = bank(size=8).masks(Draws(1, 0, 0, 64), 0)
    assert made.shape == (64, 1, 64, 64)
    assert made.dtype == torch.float32
    known = set()
    for slot in range(8):
        rng = np.random.default_rng((1, device_masks._OWN, slot))
        mask = simulate(rng, 64, 64, MIX)
        for turned in (mask, mask.T):
            known |= {np.rot90(turned, n).tobytes() for n in range(4)}
    seen = {mask[0].to(torch.uint8).numpy().tobytes() for mask in made}
    assert seen <= known
    assert len(seen) > 24  # not the same position every time


def test_a_step_depends_on_seed_and_number_alone():
    one, two = bank(), bank()
    for number in (0, 5, 9):
        one.masks(Draws(1, number, 0, 4), number)
    late = two.masks(Draws(1, 9, 0, 4), 9)
    assert torch.equal(one.masks(Draws(1, 9, 0, 4), 9), late)
    other = bank(seed=2)
    assert not torch.equal(other.masks(Draws(1, 9, 0, 4), 9), late)
    for each in (one, two, other):
        each.close()


def test_the_bank_grows_with_the_steps_until_it_is_full():
    made = bank(size=40)
    assert [made.ready(number, 16) for number in (0, 1, 2, 8, 100)] == [8, 12, 16, 40, 40]
    made.masks(Draws(1, 0, 0, 16), 0)
    assert 8 <= made._there < 40
    made.masks(Draws(1, 100, 0, 16), 100)
    assert made._there == 40
    assert made._pool is None  # nothing is left to make


def test_a_closed_bank_goes_on_where_it_was():
    made = bank(size=16)
    made.masks(Draws(1, 0, 0, 4), 0)
    made.close()
    assert torch.equal(made.masks(Draws(1, 50, 0, 4), 50), bank(16).masks(Draws(1, 50, 0, 4), 50))


def test_a_mask_takes_a_bit_per_pixel():
    assert bank(size=40)._bits.numel() == 40 * 64 * 64 // 8
