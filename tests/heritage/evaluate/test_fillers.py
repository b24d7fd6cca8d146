import os
import shutil
import time

import numpy as np
import pytest

import models
from heritage.evaluate.fillers import FillFailed, ModelFiller, open_fillers
from heritage.evaluate.outside import Gmic, ProgramMissing
from models.errors import ModelNotFound

HERE = {"gmic": shutil.which("gmic") is not None}


@pytest.fixture
def damaged(picture, hole):
    pixels = (picture[48:144, 48:144] * 255).astype(np.uint8)
    mask = hole[48:144, 48:144].copy()
    mask[40:, :] = False
    return np.where(mask[..., None], 0, pixels).astype(np.uint8), mask


@pytest.mark.parametrize("name", ["telea", "opencv-telea", "opencv-ns", "gmic"])
def test_everything_fills_the_hole_and_nothing_else(name, damaged):
    if not HERE.get(name, True):
        pytest.skip(f"{name} is not installed here")
    pixels, mask = damaged
    (filler,) = open_fillers([name], "cpu")
    filled = filler.fill(pixels, mask)
    assert filled.picture.dtype == np.uint8
    assert np.array_equal(filled.picture[~mask], pixels[~mask])
    assert filled.picture[mask].mean() > 30, "black is what was in the hole"
    assert filled.seconds > 0
    assert filler.identity


def test_models_say_which_weights_they_have(damaged):
    filler = ModelFiller("art-small", "cpu")
    assert filler.identity["weights_sha256"] == models.load("art-small", "cpu").weights_sha256
    assert filler.side is None


def test_all_models_are_compared_unless_some_are_named():
    names = [filler.name for filler in open_fillers(None, "cpu")]
    assert names == [card.name for card in models.available()]
    assert [filler.name for filler in open_fillers(["telea", "telea"], "cpu")] == ["telea"]


def test_what_is_not_here_is_told_before_anything_begins(tmp_path):
    with pytest.raises(ModelNotFound, match="nix"):
        open_fillers(["telea", "nix"], "cpu")
    with pytest.raises(ProgramMissing, match="apt install gmic"):
        Gmic(program=str(tmp_path / "gmic"))


def _program(tmp_path, script: str) -> str:
    path = tmp_path / "program"
    path.write_text(f"#!/bin/sh\ncase $1 in version) exit 0;; esac\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_a_program_that_fails_or_hangs_is_told_and_ended(tmp_path, damaged):
    failing = Gmic(_program(tmp_path, "echo out of luck >&2; exit 4"))
    with pytest.raises(FillFailed, match="status 4: out of luck"):
        failing.fill(*damaged)
    mark = tmp_path / "pid"
    hanging = Gmic(_program(tmp_path, f"echo $$ > {mark}; exec sleep 60"), patience=0.3)
    start = time.monotonic()
    with pytest.raises(FillFailed, match="more than 0 seconds"):
        hanging.fill(*damaged)
    assert time.monotonic() - start < 5
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)
    silent = Gmic(_program(tmp_path, "exit 0"))
    with pytest.raises(FillFailed, match="no picture"):
        silent.fill(*damaged)
