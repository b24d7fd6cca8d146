import pytest
import torch

import models
from models.device import one_thread
from models.networks.canny import canny_edges, luminance
from models.testing import tiny_network
from models.training.judges import DISCRIMINATORS, make_discriminator
from models.training.subjects import (
    Batch,
    Colouring,
    Completion,
    Drawing,
    LabelledCompletion,
    subject_of,
)

SMALL = {
    "aot": {"ndf": 4},
    "biggan": {"width": 4, "n_down": 3},
    "context-encoder": {"ndf": 4},
    "deepfillv2": {"cnum": 8},
    "edgeconnect": {"ndf": 4},
    "global-local": {"side": 32, "local_side": 16, "ndf": 4, "features": 8},
    "lama": {"ndf": 4, "n_layers": 2},
    "stylegan2": {"resolution": 64, "channel_base": 512, "channel_max": 8},
}


@pytest.fixture(autouse=True)
def _quick():
    """Networks this small are done sooner by one thread, several times so on a busy machine."""
    with one_thread():
        yield


@pytest.fixture
def batch():
    torch.manual_seed(1)
    image = torch.rand(2, 3, 16, 16).repeat_interleave(4, 2).repeat_interleave(4, 3)
    mask = torch.zeros(2, 1, 64, 64)
    mask[..., 20:44, 16:40] = 1
    return Batch(image, mask, label=torch.tensor([0, -1]), edges=canny_edges(image, 0 * mask))


@pytest.mark.parametrize(
    ("architecture", "kind"),
    [
        ("lama", Completion),
        ("comodgan", Completion),
        ("biggan", LabelledCompletion),
        ("edgeconnect-inpaint", Colouring),
    ],
)
def test_every_network_is_asked_in_its_own_way(architecture, kind, batch):
    network = tiny_network(architecture)
    subject = subject_of(network)
    assert type(subject) is kind
    stages = subject.stages(network, batch)
    assert stages[-1].shape == batch.image.shape


def test_a_label_changes_what_is_made(batch):
    network = tiny_network("biggan").requires_grad_(False)
    torch.nn.init.normal_(network.head.weight)
    one = Batch(batch.image, batch.mask, label=torch.tensor([0, 0]))
    two = Batch(batch.image, batch.mask, label=torch.tensor([0, 3]))
    subject = subject_of(network)
    (first,), (second,) = subject.stages(network, one), subject.stages(network, two)
    assert torch.equal(first[0], second[0])
    assert not torch.equal(first[1], second[1])


def test_colours_follow_the_edges_of_the_truth(batch):
    network = tiny_network("edgeconnect-inpaint").requires_grad_(False)
    hole = batch.mask != 0
    assert (batch.edges[hole] > 0).any()
    told = subject_of(network).stages(network, batch)[-1]
    untold = network.complete(batch.emptied, batch.mask)
    assert not torch.equal(told, untold)


def test_drawn_edges_are_judged_everywhere_beside_the_brightness(batch):
    network = models.create("edgeconnect-edge", width=8, blocks=1)
    subject = subject_of(network)
    assert isinstance(subject, Drawing)
    (drawn,) = subject.stages(network, batch)
    assert drawn.shape == batch.edges.shape
    assert torch.equal(subject.finished(drawn, batch), drawn)
    assert subject.area(batch).all()
    seen = []

    def judge(picture, mask):
        seen.append(picture)
        return picture, []

    subject.judge(judge, drawn, batch)
    assert torch.equal(seen[0], torch.cat([luminance(batch.image), drawn], dim=1))


def test_edges_are_drawn_without_knowing_those_of_the_hole(batch):
    network = models.create("edgeconnect-edge", width=8, blocks=1).eval()
    image = torch.where(batch.mask != 0, 0.3, batch.image)
    edges = torch.where(batch.mask != 0, 1 - batch.edges, batch.edges)
    other = Batch(image, batch.mask, edges=edges)
    with torch.no_grad():
        one, two = (Drawing().stages(network, each)[0] for each in (batch, other))
    assert torch.equal(one, two)


@pytest.mark.parametrize("kind", DISCRIMINATORS)
def test_every_discriminator_answers_alike(kind, batch):
    judge = make_discriminator(kind, **SMALL[kind])
    logits, maps = Completion().judge(judge, batch.image, batch)
    assert logits.ndim == 4
    assert len(logits) == 2
    assert all(each.ndim == 4 for each in maps)
    logits.sum().backward()
    assert any(p.grad is not None and p.grad.any() for p in judge.parameters())


def test_the_projection_discriminator_is_told_the_label(batch):
    judge = make_discriminator("biggan", **SMALL["biggan"]).eval()
    other = Batch(batch.image, batch.mask, label=torch.tensor([0, 2]))
    with torch.no_grad():
        one, two = (Completion().judge(judge, b.image, b)[0] for b in (batch, other))
    assert torch.equal(one[0], two[0])
    assert not torch.equal(one[1], two[1])


def test_the_whole_picture_is_judged_with_its_mask(batch):
    judge = make_discriminator("stylegan2", **SMALL["stylegan2"])
    with torch.no_grad():
        with_mask, without = judge(batch.image, batch.mask)[0], judge(batch.image)[0]
    assert with_mask.shape == (2, 1, 1, 1)
    assert not torch.equal(with_mask, without)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({"kind": "oracle"}, "no kind 'oracle'"), ({"kind": "lama", "cnum": 3}, "takes no 'cnum'")],
)
def test_discriminators_that_do_not_exist_are_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        make_discriminator(**arguments)
