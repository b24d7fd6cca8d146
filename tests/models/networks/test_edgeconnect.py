import pytest
import torch
from torch import nn

from models.cards import InpainterCard
from models.network_inpainter import NetworkInpainter
from models.networks.canny import canny_edges, luminance
from models.networks.edgeconnect import (
    CompletionGenerator,
    EdgeConnect,
    EdgeGenerator,
    config_of,
    config_of_completion,
    config_of_edges,
)

quiet = pytest.mark.filterwarnings(  # the golden folder's reader leaves files to the collector
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)


def tiny(**config):
    torch.manual_seed(0)
    sizes = {"width": 4, "blocks": 1, "edge_width": 3, "edge_blocks": 2}
    network = EdgeConnect(**sizes | config).eval()
    for name, parameter in network.named_parameters():
        if name.endswith("decoder.7.weight"):  # outputs worth comparing
            nn.init.normal_(parameter, std=0.2)
    return network


def batch(count=1, height=32, width=32):
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 3, 4, 4, generator=generator)
    image = nn.functional.interpolate(coarse, (height, width), mode="nearest")
    mask = torch.zeros(count, 1, height, width)
    mask[..., 12:20, 9:22] = 1
    return image * (1 - mask), mask


def shapes_of(network):
    return {key: tuple(value.shape) for key, value in network.state_dict().items()}


@quiet
def test_the_edge_generator_equals_the_official_one(golden):
    def forward(network, x):
        weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
        grey = (x["image"] * weights).sum(1, keepdim=True)
        known = 1 - x["mask"]
        return network(torch.cat([grey * known + x["mask"], x["edge"] * known, x["mask"]], 1))

    report = golden.run_golden("edgeconnect_edge", build=EdgeGenerator, forward=forward)
    assert report["ok"], report
    assert report["keys"] == ([], [], [])


@quiet
def test_the_completion_generator_equals_the_official_one(golden):
    report = golden.run_golden(
        "edgeconnect_inpaint",
        build=CompletionGenerator,
        forward=lambda net, x: net.guided(x["image"], x["mask"], x["edge"]),
    )
    assert report["ok"], report
    assert report["keys"] == ([], [], [])


class Recording(nn.Module):
    """Answers with a constant and remembers what it was shown."""

    def __init__(self, value, channels):
        super().__init__()
        self.value, self.channels = value, channels

    def forward(self, x):
        self.shown = x
        return torch.full_like(x[:, : self.channels], self.value)


def test_drawn_edges_count_inside_holes_and_given_ones_outside():
    network = tiny()
    network.edges = Recording(0.4, 1)
    image, mask = batch()
    given = (torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(2)) < 0.3).float()
    drawn = network.draw(image, mask, given)
    assert torch.equal(drawn, torch.where(mask > 0, torch.tensor(0.4), given))
    grey, edges, hole = network.edges.shown.split(1, dim=1)
    assert torch.equal(grey, torch.where(mask > 0, torch.tensor(1.0), luminance(image)))
    assert torch.equal(edges, given * (1 - mask))
    assert torch.equal(hole, mask)


def test_the_completion_network_sees_white_holes_and_edges_but_no_mask():
    network = tiny()
    shown = []
    network.completion.encoder.register_forward_pre_hook(lambda _, args: shown.append(args[0]))
    image, mask = batch()
    network.complete(image, mask)
    (x,) = shown
    assert x.shape == (1, 4, 32, 32)
    assert torch.equal(x[:, :3], torch.where(mask > 0, torch.tensor(1.0), image))
    edges = canny_edges(image, mask)
    assert edges.any()
    assert torch.equal(x[:, 3:], network.draw(image, mask, edges))


def test_without_an_edge_generator_no_edges_are_drawn():
    network = tiny(edge_generator=False)
    image, mask = batch()
    everywhere = torch.ones_like(mask)
    assert torch.equal(network.draw(image, mask, everywhere), 1 - mask)
    alone = network.completion
    assert torch.equal(network.complete(image, mask), alone.complete(image, mask))


def test_what_lies_under_the_mask_does_not_matter():
    network = tiny()
    image, mask = batch(2)
    with torch.no_grad():
        one = network.complete(image, mask)
        other = network.complete(image + 0.6 * mask, mask)
    assert torch.equal(one, other)


def test_training_reaches_every_weight():
    network = tiny().train()
    image, mask = batch(2)
    (picture,) = network.stages(image, mask)
    assert picture.shape == image.shape
    picture.square().mean().backward()
    # A bias before an instance normalisation has no effect, as in the published networks.
    weights = {k: p for k, p in network.named_parameters() if "weight" in k}
    assert all(bool(p.grad.any()) for p in weights.values())


@pytest.mark.parametrize("spectral_norm", [True, False])
@pytest.mark.parametrize("edge_generator", [True, False])
def test_the_arguments_are_told_from_the_shapes(edge_generator, spectral_norm):
    network = tiny(edge_generator=edge_generator, spectral_norm=spectral_norm)
    again = EdgeConnect(**config_of(shapes_of(network)))
    again.load_state_dict(dict(network.state_dict()), strict=True)
    completion = CompletionGenerator(**config_of_completion(shapes_of(network.completion)))
    completion.load_state_dict(network.completion.state_dict(), strict=True)
    if edge_generator:
        edges = EdgeGenerator(**config_of_edges(shapes_of(network.edges)))
        edges.load_state_dict(dict(network.edges.state_dict()), strict=True)


def test_one_part_is_not_taken_for_the_other_nor_for_the_whole():
    network = tiny()
    whole, edges = shapes_of(network), shapes_of(network.edges)
    completion = shapes_of(network.completion)
    assert config_of(edges) is None
    assert config_of(completion) is None
    assert config_of(whole | {"other.weight": (1,)}) is None
    assert config_of_edges(completion) is None
    assert config_of_edges(whole) is None
    assert config_of_completion(edges) is None
    assert config_of_completion(whole) is None
    assert config_of({}) is None


def test_published_files_of_both_parts_make_one_network():
    edges, completion = EdgeGenerator(3, 2), CompletionGenerator(4, 1)
    joined = {f"edges.{key}": value for key, value in edges.state_dict().items()}
    joined |= {f"completion.{key}": value for key, value in completion.state_dict().items()}
    tiny().load_state_dict(joined, strict=True)


@pytest.mark.parametrize("size", [(16, 16), (1, 5), (33, 50)])
def test_any_size_goes_and_known_pixels_come_back_exactly(size):
    restore = NetworkInpainter(tiny(), InpainterCard("x", "gan", "test"), "cpu")
    image = torch.rand(2, 3, *size)
    mask = torch.rand(2, 1, *size) > 0.8
    filled = restore(image, mask)
    known = ~mask.expand_as(image)
    assert torch.equal(filled[known], image[known])
    assert torch.equal(restore(image, mask), filled)


def test_a_picture_has_more_levels_than_eight_bits_under_autocast():
    image, mask = batch(1, 64, 64)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        picture = tiny().complete(image, mask)
    assert picture.dtype == torch.float32
    assert picture.unique().numel() > 256


@pytest.mark.filterwarnings("ignore:The tensor attributes:UserWarning")  # normalised weights
def test_the_graph_can_be_exported_for_any_size():
    network = tiny()
    any_size = {
        0: torch.export.Dim.DYNAMIC,
        2: torch.export.Dim.DYNAMIC,
        3: torch.export.Dim.DYNAMIC,
    }
    image, mask = batch(2, 32, 40)
    given = (image, mask, canny_edges(image, mask))
    graph = torch.export.export(network, given, dynamic_shapes=(any_size,) * 3).module()
    image, mask = batch(3, 48, 36)
    edges = canny_edges(image, mask)
    with torch.no_grad():
        torch.testing.assert_close(graph(image, mask, edges), network(image, mask, edges))
