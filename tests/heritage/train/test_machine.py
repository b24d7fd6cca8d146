"""Devices by name, and several processes that train one network."""

import os
import subprocess
import sys

import pytest
import torch

from heritage.train.machine import DeviceRefused, averaged, decided, describe, fabric_for

PROGRAM = """
import sys
from hashlib import sha256
from pathlib import Path
import heritage.train.validation as validation
validation.PICTURES = 2
from heritage.train.loop import Training
from heritage.train.recipe import read_recipe

training = Training(read_recipe(Path(sys.argv[1])), Path(sys.argv[2]), device="cpu", devices=2)
rank, seen = training.fabric.global_rank, []
original = training.advance
def advance(image, mask, label):
    seen.append(float(image.sum()))
    return original(image, mask, label)
training.advance = advance
training.run()
def digest(tensors):
    return sha256(b"".join(t.detach().contiguous().numpy().tobytes() for t in tensors)).hexdigest()
found = [digest(n.parameters()) for n in (training.network, training.critic, training.average)]
found += [digest(p.grad for p in n.parameters()) for n in (training.network, training.critic)]
Path(sys.argv[2], f"rank-{rank}").write_text(repr(found) + repr(seen))
"""


@pytest.mark.slow
def test_two_processes_train_one_network_on_different_windows(recipe, folder):
    out = folder / "run"
    program = folder / "two.py"  # it starts itself again, so it has to be a file
    program.write_text(PROGRAM)
    answer = subprocess.run(
        [sys.executable, program, folder / "tiny.toml", out],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    (one, seen), (two, other) = (
        (out / f"rank-{rank}").read_text().split("][") for rank in range(2)
    )
    assert one == two  # weights and gradients, to the last bit
    assert seen != other
    lines = (out / "metrics.jsonl").read_text().splitlines()
    assert sum('"validation"' in line for line in lines) == 1  # the second writes nothing
    assert answer.stdout.count("validation of step 6") == 1
    assert '"devices": 2' in (out / "run.json").read_text()
    assert len(list(out.glob("checkpoint-*"))) == 1


@pytest.mark.parametrize(
    ("device", "devices", "said"),
    [
        ("cuda:1", 2, "cuda:1 is one device"),
        ("cuda:first", 1, "there is no device"),
        ("toaster", 1, "cannot be had"),
    ],
)
def test_devices_that_are_not_there_are_refused_in_one_line(device, devices, said):
    with pytest.raises(DeviceRefused, match=said) as refused:
        fabric_for(device, devices, "32-true")
    assert "\n" not in str(refused.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(DeviceRefused, match="cannot be had"):
        fabric_for("cuda", 1, "32-true")


def test_alone_numbers_are_what_they_were():
    fabric = fabric_for("cpu", 1, "32-true")
    terms = [{"a": torch.tensor(1.5), "b": torch.tensor(2.0)}, {"a": torch.tensor(-1.0)}]
    assert averaged(fabric, terms) == [{"a": 1.5, "b": 2.0}, {"a": -1.0}]
    assert averaged(fabric, []) == []
    assert decided(fabric, 2.5, True, False) == (2.5, 1.0, 0.0)
    assert describe(fabric)["device"] == "cpu"
