"""Biharmonic fills continue gradients, in holes of any size."""

import pytest
import torch

import models
from models.classical import biharmonic


def a_ramp(side):
    ys, xs = torch.meshgrid(*[torch.linspace(0.1, 0.9, side)] * 2, indexing="ij")
    return torch.stack([xs, ys, (xs + ys) / 2])[None].contiguous()


def a_hole(side, margin):
    mask = torch.zeros(1, 1, side, side)
    mask[..., margin:-margin, margin:-margin] = 1
    return mask


def test_a_ramp_continues():
    image = a_ramp(96)
    restored = models.load("biharmonic")(image, a_hole(96, 24))
    torch.testing.assert_close(restored, image, atol=1e-4, rtol=0)


def test_a_hole_too_large_for_one_system_is_filled_nearly_the_same(monkeypatch):
    image = a_ramp(300) + 0.08 * torch.sin(a_ramp(300) * 20)
    mask = a_hole(300, 64)
    fill = models.load("biharmonic")
    monkeypatch.setattr(biharmonic, "LIMIT", 10**6)
    exact = fill(image, mask)
    monkeypatch.setattr(biharmonic, "LIMIT", 10_000)
    assert float((fill(image, mask) - exact).abs().max()) < 0.02


@pytest.mark.parametrize("gap", [1, 2, 3, 4, 5])
def test_holes_near_each_other_do_not_see_each_others_damage(gap):
    image = a_ramp(40)
    mask = torch.zeros(1, 1, 40, 40)
    mask[..., 10:20, 10:20] = 1
    mask[..., 10:20, 20 + gap : 30 + gap] = 1
    torch.testing.assert_close(models.load("biharmonic")(image, mask), image, atol=1e-4, rtol=0)
