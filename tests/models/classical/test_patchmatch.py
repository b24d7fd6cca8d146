"""Exemplar-based fills copy what is there, find it again, and cost what the hole costs."""

import torch

import models
from models.classical.correspondence import Search
from models.classical.patches import PatchSpace
from models.classical.scales import depth_of, make_scales, smooth_fill, texture


def stripes(height, width, period=8):
    row = 0.5 + 0.4 * torch.sin(torch.arange(width) * 2 * torch.pi / period)
    tint = torch.tensor([1.0, 0.8, 0.6]).view(3, 1, 1)
    return (row * tint).expand(3, height, width)[None].contiguous()


def a_hole(height, width, top, left, side):
    mask = torch.zeros(1, 1, height, width, dtype=torch.bool)
    mask[..., top : top + side, left : left + side] = True
    return mask


def test_a_pattern_is_continued_through_a_hole():
    image, mask = stripes(96, 128), a_hole(96, 128, 30, 40, 32)
    restored = models.load("patchmatch", device="cpu")(image, mask)
    assert float((restored - image).abs().max()) < 0.02


def test_the_number_of_cores_does_not_matter():
    image = torch.rand(1, 3, 64, 80, generator=torch.Generator().manual_seed(4))
    mask, fill = a_hole(64, 80, 20, 20, 20), models.load("patchmatch", device="cpu")
    first, threads = fill(image, mask), torch.get_num_threads()
    torch.set_num_threads(threads + 2)
    try:
        assert torch.equal(fill(image, mask), first)
        assert torch.get_num_threads() == threads + 2
    finally:
        torch.set_num_threads(threads)


def test_what_is_farther_than_the_reach_does_not_matter():
    image, mask = stripes(32, 1200), a_hole(32, 1200, 8, 20, 10)
    other = image.clone()
    other[..., 700:] = 0.1
    fill = models.load("patchmatch", device="cpu")
    assert torch.equal(fill(image, mask)[..., :600], fill(other, mask)[..., :600])


def test_with_nothing_to_copy_from_it_fills_smoothly():
    image = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(1))
    mask = torch.ones(1, 1, 40, 40)
    mask[..., :3, :] = 0
    restored = models.load("patchmatch", device="cpu")(image, mask)
    assert float(restored[..., 20:, :].std()) < float(image[..., :3, :].std())


def test_propagation_and_random_search_come_close_to_comparing_all(monkeypatch):
    generator = torch.Generator().manual_seed(3)
    picture = torch.rand(3, 12, 14, generator=generator)[None]
    picture = torch.nn.functional.interpolate(picture, size=(96, 112), mode="bilinear")[0]
    picture = picture.permute(1, 2, 0).contiguous()
    holes = a_hole(96, 112, 40, 50, 12)[0, 0]
    space = PatchSpace(picture, holes)
    wanted = space.describe_targets(picture)
    exact = Search(space, torch.Generator().manual_seed(0))
    assert exact.exact
    exact.improve(wanted)
    monkeypatch.setattr("models.classical.correspondence._EXACT", 0)
    search = Search(space, torch.Generator().manual_seed(0))
    for _ in range(4):
        search.improve(wanted)
    assert bool(space.is_source[search.matches].all())
    assert float(search.distances.mean()) < 1.5 * float(exact.distances.mean())


def test_sources_are_wholly_known_and_targets_touch_a_hole():
    holes = a_hole(30, 40, 10, 10, 2)[0, 0]
    space = PatchSpace(torch.rand(30, 40, 3), holes)
    assert len(space.targets) == 8 * 8
    assert len(space.sources) + len(space.targets) == (30 - 6) * (40 - 6)


def test_scales_end_where_holes_are_shallow_and_sources_remain():
    image = stripes(256, 256)[0].permute(1, 2, 0)
    shallow = a_hole(256, 256, 40, 40, 5)[0, 0]
    deep = a_hole(256, 256, 40, 40, 100)[0, 0]
    assert len(make_scales(image, shallow)) == 1
    assert len(make_scales(image, deep)) > 3
    assert make_scales(image, torch.ones(256, 256, dtype=torch.bool)) == []


def test_depth_counts_from_known_pixels_not_from_the_pictures_side():
    holes = torch.zeros(5, 9, dtype=torch.bool)
    holes[:, :4] = True
    assert depth_of(holes)[2].tolist() == [4, 3, 2, 1, 0, 0, 0, 0, 0]


def test_smooth_filling_and_texture_ignore_what_is_unknown():
    planes = torch.full((1, 3, 21, 13), 0.4)
    known = (torch.rand(1, 1, 21, 13, generator=torch.Generator().manual_seed(2)) < 0.3).float()
    assert bool(torch.isclose(smooth_fill(planes * known, known), planes).all())
    assert float(texture(planes * known, known, 5).abs().max()) == 0
