"""The way to compute is tried once, chosen carefully, remembered, and never in anybody's way."""

import json
import pickle
import threading

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import models
from models.cards import InpainterCard
from models.device import laid_out
from models.network import InpaintingNetwork
from models.network_inpainter import NetworkInpainter
from models.remembered import cache_folder, note, recall
from models.trial import CLEARLY, CLOSE, FILE, choose, way_for, window
from models.ways import WAYS, Way, named, precision_of, usual

CARD = InpainterCard("small", "gan", "test", sha256="0" * 64)
CPU = torch.device("cpu")
TIMES = st.lists(st.floats(0.001, 10), min_size=3, max_size=3)


class Small(InpaintingNetwork):
    """A few convolutions; counts its calls and can be made to be wrong in bfloat16."""

    def __init__(self, error=0.0):
        super().__init__()
        self.body = torch.nn.Conv2d(3, 3, 3, padding=1)
        self.error, self.calls = error, 0

    def stages(self, image, mask, latent=None, truncation=1.0):
        self.calls += 1
        wrong = self.error if torch.is_autocast_enabled("cpu") else 0.0
        return [self.body(image).float() * 0.1 + 0.4 + wrong]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "heritage"


@given(st.dictionaries(st.sampled_from(WAYS), TIMES), TIMES, TIMES)
def test_the_usual_way_is_left_only_for_one_that_is_clearly_quicker_every_time(others, own, exact):
    seconds = others | {Way(half=True): own, Way(): exact}
    best = choose(Way(half=True), seconds, dict.fromkeys(seconds, 99.0))
    if best != Way(half=True):
        assert all(a > CLEARLY * b for a, b in zip(own, seconds[best], strict=True))


@given(st.dictionaries(st.sampled_from(WAYS), TIMES), TIMES, st.floats(0, CLOSE))
def test_what_is_not_close_to_float32_is_never_taken_however_quick(others, exact, far):
    seconds = {Way(half=True): [1e-3] * 3} | others | {Way(): exact}
    close = {way: far if way.half else 99.0 for way in seconds}
    assert not choose(Way(half=True), seconds, close | {Way(): float("inf")}).half


def test_one_round_is_not_enough_to_leave_the_usual_way():
    seconds = {Way(): [1.0], Way(contiguous=True): [0.01]}
    assert choose(Way(), seconds, dict.fromkeys(seconds, 99.0)) == Way()


class Slow(Small):
    """Takes some seconds of its own clock, fewer where channels lie one after the other."""

    now = 0.0

    def stages(self, image, mask, latent=None, truncation=1.0):
        self.now += 0.15 if self.body.weight.is_contiguous() else 0.35
        return super().stages(image, mask)


def test_a_way_that_leads_gets_its_second_round_on_a_slow_machine_too(cache):
    network = Slow()
    assert way_for(network, CARD, CPU, lambda: network.now).contiguous
    (entry,) = json.loads((cache / FILE).read_text()).values()
    assert min(len(entry["seconds"][name]) for name in (entry["way"], usual("cpu").name)) >= 2


def test_where_no_way_leads_one_round_is_enough(cache):
    network = Small()
    way_for(network, CARD, CPU, iter(range(10**6)).__next__)
    (entry,) = json.loads((cache / FILE).read_text()).values()
    assert {len(took) for took in entry["seconds"].values()} == {1}


def test_a_network_is_tried_once_and_what_was_found_is_kept(cache):
    network = Small()
    way = way_for(network, CARD, CPU)
    assert network.calls > len(WAYS)
    kept = (cache / FILE).read_bytes()
    again = Small()
    assert way_for(again, CARD, CPU) == way
    assert again.calls == 0
    assert (cache / FILE).read_bytes() == kept
    (entry,) = json.loads(kept).values()
    assert entry["way"] == way.name
    assert entry["decibels"]["float32"] > CLOSE


def test_a_network_that_bfloat16_makes_wrong_computes_in_float32():
    assert not way_for(Small(error=0.01), CARD, CPU).half


def test_what_is_remembered_holds_whatever_a_new_trial_would_say():
    way_for(Small(), CARD, CPU)
    entries = json.loads((cache_folder() / FILE).read_text())
    (key,) = entries
    for way in WAYS:
        note(FILE, key, {"way": way.name})
        inpainter = NetworkInpainter(Small(), CARD, "cpu")
        assert inpainter.device_class == way.on("cpu")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"k": 3}', "\xff", "[" * 100_000])
def test_a_damaged_file_means_another_trial(cache, text):
    cache.mkdir()
    (cache / FILE).write_text(text, encoding="latin-1")
    network = Small()
    assert way_for(network, CARD, CPU) in WAYS
    assert network.calls
    assert recall(FILE, "no such key") is None
    assert json.loads((cache / FILE).read_text())


def test_a_cache_that_cannot_be_written_means_another_trial_each_time(cache):
    cache.write_text("a file where the folder should be")
    for network in (Small(), Small()):
        assert way_for(network, CARD, CPU) in WAYS
        assert network.calls


def test_other_weights_networks_and_thread_counts_are_tried_for_themselves():
    way_for(Small(), CARD, CPU)
    other = Small()
    way_for(other, InpainterCard("small", "gan", "test", sha256="1" * 64), CPU)
    assert other.calls
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        more = Small()
        way_for(more, CARD, CPU)
        assert more.calls
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float32 contiguous"])
def test_who_asks_for_a_precision_gets_it_without_a_trial(cache, precision):
    inpainter = NetworkInpainter(Small(), CARD, "cpu", precision)
    inpainter(*shown())
    assert inpainter.network.calls == 1
    assert inpainter.device_class == named(precision).on("cpu")
    assert not cache.exists()


def test_weights_without_a_digest_are_not_tried():
    network = Small()
    way_for(network, InpainterCard("small", "gan", "test"), CPU)
    assert not network.calls


def test_the_class_of_device_says_how_to_get_the_same_bytes_again():
    for way in WAYS:
        assert named(precision_of(way.on("cpu"))) == way
        assert named(precision_of(way.on("cuda"))) == way
    assert precision_of("cpu something new") == "auto"


@pytest.mark.parametrize("way", WAYS)
def test_the_same_way_gives_the_same_bytes_after_a_journey(way):
    inpainter = models.load("art-small", "cpu", precision=way.name)
    again = pickle.loads(pickle.dumps(inpainter))
    image, mask = shown(64)
    assert again.device_class == inpainter.device_class == way.on("cpu")
    assert torch.equal(inpainter(image, mask), again(image, mask))


def test_the_pair_of_networks_of_art_goes_one_way():
    inpainter = models.load("art", "cpu", precision="float32 contiguous")
    inpainter(*shown(96))
    assert inpainter.device_class == "cpu contiguous"
    assert inpainter._thin.way == inpainter._wide.way == Way(contiguous=True)


def test_a_network_can_still_be_trained_after_a_trial():
    network = Small()
    with torch.inference_mode():
        way_for(network, CARD, CPU)
    image, mask = window(32)
    network.complete(image, mask).mean().backward()
    assert network.body.weight.grad is not None


def test_two_at_once_keep_to_what_the_first_has_found():
    found = []

    def look():
        found.append(way_for(Small(), CARD, CPU))

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) <= set(WAYS)
    assert way_for(Small(), CARD, CPU) in found


def test_a_gpu_is_taken_as_it_is():
    assert way_for(Small(), CARD, torch.device("cuda")) == usual("cuda")


def test_laying_out_changes_no_value():
    network = Small()
    before = network.body.weight.detach().clone()
    for way in WAYS:
        assert torch.equal(laid_out(network, way.layout).body.weight, before)


def shown(side=24):
    image = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    mask = torch.zeros(1, 1, side, side, dtype=torch.bool)
    mask[..., side // 3 : side // 2, 4:20] = True
    return image, mask
