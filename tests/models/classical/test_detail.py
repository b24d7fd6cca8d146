"""Soft fills get the fine structure of their surroundings, and keep their colours."""

import torch

from models.classical.detail import NONE, Detail, add_detail


def grained(side=96, seed=0):
    noise = torch.randn(1, side, side, generator=torch.Generator().manual_seed(seed))
    slope = torch.linspace(0.3, 0.7, side).expand(3, side, side)
    return (slope + 0.06 * noise).clamp(0, 1)


def case():
    truth = grained()
    holes = torch.zeros(96, 96, dtype=torch.bool)
    holes[30:66, 30:66] = True
    soft = torch.where(holes, torch.linspace(0.3, 0.7, 96).expand(3, 96, 96), truth)
    return truth, holes, soft


def roughness(picture, where):
    return float((picture[:, 1:] - picture[:, :-1]).abs()[:, where[1:]].mean())


def test_grain_of_the_surroundings_comes_in_and_the_mean_stays():
    truth, holes, soft = case()
    made = add_detail(soft, holes, holes, Detail(1.0, 0.0))
    inner = torch.zeros_like(holes)
    inner[36:60, 36:60] = True
    assert roughness(soft, inner) < 0.2 * roughness(truth, inner)
    assert 0.6 < roughness(made, inner) / roughness(truth, inner) < 1.3
    assert abs(float(made[:, inner].mean() - soft[:, inner].mean())) < 0.01


def test_a_place_that_does_not_look_like_the_fill_has_no_say():
    truth, holes, soft = case()
    strange = torch.where(holes, soft * torch.tensor([0.0, 0.2, 1.0])[:, None, None], truth)
    made = {doubt: add_detail(strange, holes, holes, Detail(1.0, 0.0, doubt)) for doubt in (9, 0.1)}
    inner = torch.zeros_like(holes)
    inner[36:60, 36:60] = True
    assert roughness(made[9], inner) > 3 * roughness(made[0.1], inner)


def test_what_fine_structure_the_fill_has_itself_is_raised():
    truth, holes, _ = case()
    faint = 0.5 + 0.4 * (truth - 0.5)
    inner = torch.zeros_like(holes)
    inner[42:54, 42:54] = True
    made = add_detail(faint, holes, holes, Detail(0.0, 0.5))
    assert 1.3 < roughness(made, inner) / roughness(faint, inner) < 1.5
    assert abs(float(made[:, inner].mean() - faint[:, inner].mean())) < 0.01
    assert torch.equal(made[:, ~holes], faint[:, ~holes])


def test_a_raised_fill_stays_a_picture():
    _, holes, soft = case()
    harsh = torch.where(holes, (torch.rand(96, 96) > 0.5).float(), soft)
    made = add_detail(harsh, holes, holes, Detail(0.0, 0.5))
    assert torch.equal(made, made.clamp(0, 1))


def test_nothing_changes_outside_nor_without_a_share():
    _, holes, soft = case()
    made = add_detail(soft, holes, holes, Detail())
    assert torch.equal(made[:, ~holes], soft[:, ~holes])
    assert torch.allclose(add_detail(soft, holes, holes, NONE), soft)


def test_only_the_part_that_is_asked_for_gets_any():
    _, holes, soft = case()
    part = holes.clone()
    part[:, 48:] = False
    made = add_detail(soft, holes, part, Detail())
    assert torch.equal(made[:, ~part], soft[:, ~part])
    assert not torch.equal(made, soft)
    assert torch.equal(add_detail(soft, holes, torch.zeros_like(holes), Detail()), soft)


def test_where_nothing_is_known_there_is_nothing_to_copy():
    soft = torch.rand(3, 40, 40)
    everywhere = torch.ones(40, 40, dtype=torch.bool)
    assert torch.equal(add_detail(soft, everywhere, everywhere, Detail()), soft)


def test_a_small_window_goes_too():
    soft = torch.rand(3, 5, 9)
    holes = torch.zeros(5, 9, dtype=torch.bool)
    holes[:, 3:] = True
    assert torch.isfinite(add_detail(soft, holes, holes, Detail())).all()
    tiny = torch.rand(3, 1, 1)
    assert torch.equal(add_detail(tiny, holes[:1, 3:4], holes[:1, 3:4], Detail()), tiny)


def test_the_same_fill_every_time():
    _, holes, soft = case()
    assert torch.equal(
        add_detail(soft, holes, holes, Detail()), add_detail(soft, holes, holes, Detail())
    )
