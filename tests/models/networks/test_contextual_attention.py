import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given, settings
from hypothesis import strategies as st

from models.networks import contextual_attention
from models.networks.contextual_attention import (
    ContextualAttention,
    corner_rows,
    fuse_scores,
    subsample,
)


def by_definition(front, back, mask, fuse, corners):
    """The paper's way for one picture: its background as the weights of two convolutions."""
    channels = back.shape[1]
    small_front, small_back, holes = (
        subsample(x, factor, corners) for x, factor in ((front, 2), (back, 2), (mask, 8))
    )
    (height, width), (rows, columns) = small_front.shape[-2:], small_back.shape[-2:]
    patches = F.pad(small_back, (1, 1, 1, 1)).unfold(2, 3, 1).unfold(3, 3, 1)
    patches = patches[0].permute(1, 2, 0, 3, 4).reshape(-1, channels, 3, 3)
    norm = patches.flatten(1).norm(dim=1).clamp_min(1e-4)
    scores = F.conv2d(small_front, patches / norm[:, None, None, None], padding=1)
    if fuse:
        eye = torch.eye(3)[None, None]
        table = scores.reshape(1, 1, rows * columns, height * width)
        table = F.conv2d(table, eye, padding=1).reshape(rows, columns, height, width)
        table = table.permute(1, 0, 3, 2).reshape(1, 1, rows * columns, height * width)
        table = F.conv2d(table, eye, padding=1).reshape(columns, rows, width, height)
        scores = table.permute(1, 0, 3, 2).reshape(1, rows * columns, height, width)
    near = F.pad(holes, (1, 1, 1, 1)).unfold(2, 3, 1).unfold(3, 3, 1)
    known = (near.sum((-2, -1)) == 0).float().reshape(1, -1, 1, 1)
    weights = torch.softmax(10 * scores * known, dim=1) * known
    raw = F.pad(back, (1, 1, 1, 1)).unfold(2, 4, 2).unfold(3, 4, 2)
    raw = raw[0].permute(1, 2, 0, 3, 4).reshape(-1, channels, 4, 4)
    return F.conv_transpose2d(weights, raw, stride=2, padding=1) / 4


def hole(height, width, box):
    """A mask of the picture that features of (height, width) belong to; the box in features."""
    mask = torch.zeros(1, 1, 4 * height, 4 * width)
    top, left, bottom, right = (4 * side for side in box)
    mask[..., top:bottom, left:right] = 1
    return mask


halves = st.integers(1, 5)


@given(
    size=st.tuples(halves, halves),
    other=st.none() | st.tuples(halves, halves),
    fuse=st.booleans(),
    corners=st.booleans(),
    seed=st.integers(0, 99),
)
@settings(max_examples=20, deadline=None)
def test_equals_the_convolutions_of_the_paper_in_every_item(size, other, fuse, corners, seed):
    torch.manual_seed(seed)
    front = torch.randn(2, 3, 2 * size[0], 2 * size[1])
    back = front if other is None else torch.randn(2, 3, 2 * other[0], 2 * other[1])
    mask = (torch.rand(2, 1, 4 * back.shape[2], 4 * back.shape[3]) > 0.95).float()
    got = ContextualAttention(fuse=fuse, corners=corners)(front, back, mask)
    for item in range(2):
        one = slice(item, item + 1)
        wanted = by_definition(front[one], back[one], mask[one], fuse, corners)
        torch.testing.assert_close(got[one], wanted, rtol=1e-4, atol=1e-4)


@given(top=st.integers(0, 2), left=st.integers(9, 12), fuse=st.booleans())
@settings(max_examples=12, deadline=None)
def test_a_hole_that_looks_like_the_background_is_filled_with_it(top, left, fuse):
    torch.manual_seed(0)
    back = 10 * torch.randn(1, 4, 20, 40)
    copy = back[..., 2 * top : 2 * top + 12, 2 * left : 2 * left + 12]
    front = back.clone()
    front[..., 4:16, 2:14] = copy
    got = ContextualAttention(fuse=fuse)(front, back, hole(20, 40, (4, 2, 16, 14)))
    # Patches that reach beyond the copy match something else; three features in, none do.
    middle = (..., slice(3, -3), slice(3, -3))
    inside = got[..., 4:16, 2:14]
    torch.testing.assert_close(inside[middle], copy[middle], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("fuse", [False, True])
def test_each_item_of_a_batch_has_its_own_mask(fuse):
    torch.manual_seed(0)
    x = torch.randn(3, 4, 16, 16)
    boxes = ((0, 0, 8, 8), (8, 8, 16, 16), (4, 0, 10, 16))
    mask = torch.cat([hole(16, 16, box) for box in boxes])
    attention = ContextualAttention(fuse=fuse)
    together = attention(x, x, mask)
    alone = [attention(x[i : i + 1], x[i : i + 1], mask[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(together, torch.cat(alone))
    first_for_all = attention(x, x, mask[:1].expand(3, -1, -1, -1))
    assert not torch.allclose(together[1:], first_for_all[1:], atol=1e-2)


@pytest.mark.parametrize("items", [1, 2])
def test_large_batches_are_worked_off_in_groups_with_the_same_result(monkeypatch, items):
    torch.manual_seed(0)
    x, mask = torch.randn(3, 4, 16, 16), hole(16, 16, (4, 4, 12, 12)).repeat(3, 1, 1, 1)
    attention = ContextualAttention()
    whole = attention(x, x, mask)
    seen = []
    rebuild = attention._rebuild
    monkeypatch.setattr(
        attention, "_rebuild", lambda *group: (seen.append(len(group[0])), rebuild(*group))[1]
    )
    monkeypatch.setattr(contextual_attention, "_MAP_BYTES", items * 4 * 64**2)
    with torch.no_grad():
        torch.testing.assert_close(attention(x, x, mask), whole)
    assert seen == {1: [1, 1, 1], 2: [2, 1]}[items]


def test_missing_pixels_are_never_pasted():
    torch.manual_seed(0)
    front, back = torch.randn(2, 1, 4, 16, 16)
    mask = hole(16, 16, (4, 6, 10, 12))
    other = back.clone()
    other[..., 4:10, 6:12] = 1000
    attention = ContextualAttention(fuse=False)
    assert torch.equal(attention(front, back, mask), attention(front, other, mask))
    assert not torch.equal(attention(front, back), attention(front, other))


def test_where_nothing_is_known_nothing_is_borrowed():
    x = torch.randn(1, 4, 8, 8)
    assert not ContextualAttention()(x, x, torch.ones(1, 1, 32, 32)).any()


def test_no_mask_means_that_all_of_the_background_is_known():
    x = torch.randn(2, 4, 8, 8)
    attention = ContextualAttention()
    assert torch.equal(attention(x, x), attention(x, x, torch.zeros(2, 1, 32, 32)))


def test_neighbours_support_each_other_along_the_diagonal():
    # Two passes over a line of three: 1 1 1 -> 2 3 2 -> 5 7 5.
    got = fuse_scores(torch.eye(3)[None], (1, 3), (1, 3))
    assert torch.equal(got[0], torch.diag(torch.tensor([5.0, 7.0, 5.0])))


def test_fusion_runs_over_rows_first_and_then_over_columns():
    scores = torch.zeros(1, 4, 4)
    scores[0, 1, 2] = 1
    wanted = torch.zeros(4, 4)
    # Grids of two by two. By rows the score spreads from (1, 2) to (0, 1) and (2, 3).
    for place in ((0, 1), (1, 2), (2, 3)):
        wanted[place] += 1
    # By columns the places are numbered 0 2 1 3, so the three are (0, 2), (2, 1) and (1, 3) there.
    # They spread to (1, 3); to (1, 0) and (3, 2); to (0, 2); by rows again:
    for place in ((2, 3), (2, 0), (3, 1), (0, 1)):
        wanted[place] += 1
    assert torch.equal(fuse_scores(scores, (2, 2), (2, 2))[0], wanted)


def test_corners_are_always_kept():
    assert corner_rows(8, 2).tolist() == [0, 2, 5, 7]  # of 0, 2.33, 4.67, 7
    assert corner_rows(24, 8).tolist() == [0, 12, 23]
    assert corner_rows(8, 8).tolist() == [0]


@pytest.mark.parametrize("factor", [2, 8])
def test_corner_rows_round_as_the_converted_network_does(factor):
    for count in range(1, 600):
        size = factor * count
        wanted = torch.linspace(0, size - 1, count).add(0.5).floor().long()
        assert torch.equal(corner_rows(size, factor), wanted)


def test_plain_subsampling_is_nearest_interpolation():
    x = torch.rand(2, 3, 16, 24)
    assert torch.equal(subsample(x, 8), F.interpolate(x, scale_factor=1 / 8, mode="nearest"))


@pytest.mark.parametrize("fuse", [False, True])
def test_gradients_flow_and_empty_patches_do_not_spoil_them(fuse):
    torch.manual_seed(0)
    front, back = torch.randn(2, 1, 3, 8, 12)
    back[..., :6] = 0  # the root of a sum of zeros
    front.requires_grad_()
    back.requires_grad_()
    ContextualAttention(fuse=fuse)(
        front, back, hole(8, 12, (4, 8, 8, 12))
    ).square().sum().backward()
    for gradient in (front.grad, back.grad):
        assert torch.isfinite(gradient).all()
        assert gradient.any()


def test_matches_are_made_in_float32_under_autocast():
    torch.manual_seed(0)
    x = torch.randn(1, 4, 8, 8).bfloat16()
    attention = ContextualAttention()
    with torch.autocast("cpu", torch.bfloat16):
        got = attention(x, x)
    assert got.dtype == torch.bfloat16
    assert torch.equal(got, attention(x.float(), x.float()).bfloat16())


def test_an_odd_rate_is_refused():
    with pytest.raises(ValueError, match="even"):
        ContextualAttention(rate=3)


def test_another_rate_pastes_larger_patches():
    torch.manual_seed(0)
    x = 10 * torch.randn(1, 4, 16, 16)
    got = ContextualAttention(rate=4, fuse=False)(x, x)  # everything is its own best match
    torch.testing.assert_close(got[..., 2:-2, 2:-2], x[..., 2:-2, 2:-2], rtol=1e-3, atol=1e-3)
