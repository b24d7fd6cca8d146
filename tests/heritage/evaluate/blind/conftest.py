"""A small evaluation on disk, as ``heritage evaluate`` leaves it, and a catalogue."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from db.votes import Answer, Ballot, Contender, VoterRole
from heritage.catalogue import Catalogue

FAMILIES = ("hairlines", "losses")
PICTURES = ("SK-A-1", "SK-A-2", "SK-A-3")
MODELS = {"art": "a" * 64, "art-small": "b" * 64, "opencv-telea": ""}
SIDE = (40, 32)  # height and width


def _write_evaluation(folder: Path, models=None, families=FAMILIES, pictures=PICTURES) -> Path:
    """An evaluation; each model fills with a colour of its own, so that tests can tell them."""
    models = MODELS if models is None else models
    for f, family in enumerate(families):
        for p, picture in enumerate(pictures):
            place = folder / "fills" / family / picture
            place.mkdir(parents=True, exist_ok=True)
            truth = np.random.default_rng([f, p]).integers(0, 256, (*SIDE, 3), np.uint8)
            mask = np.zeros(SIDE, bool)
            mask[10 + p : 20, 12 + f : 25] = True
            Image.fromarray(truth).save(place / "truth.png")
            Image.fromarray(np.where(mask[..., None], np.uint8(0), truth)).save(
                place / "damaged.png"
            )
            Image.fromarray(mask.astype(np.uint8) * 255).save(place / "mask.png")
            for m, name in enumerate(models):
                fill = np.where(mask[..., None], np.uint8(40 * m + 30), truth)
                Image.fromarray(fill).save(place / f"{name}.png")
    summary = {
        "format": 1,
        "circumstances": {"date": "2026-11-24"},
        "models": {name: {"weights_sha256": weights} for name, weights in models.items()},
        "seeds": {family: dict.fromkeys(pictures, 7) for family in families},
    }
    (folder / "evaluation.json").write_text(json.dumps(summary))
    return folder


@pytest.fixture
def folder(tmp_path) -> Path:
    return _write_evaluation(tmp_path / "evaluation")


@pytest.fixture
def catalogue(tmp_path) -> Iterator[Catalogue]:
    with Catalogue(f"sqlite:///{tmp_path}/catalogue.sqlite", "A. Registrar") as opened:
        yield opened


def _vote(first, second, answer, voter="V", picture="p", family="f", role=VoterRole.UNSTATED):
    """A ballot in few words; models are named by letters."""
    return Ballot(
        evaluation="e" * 64,
        voter=voter,
        role=role,
        family=family,
        picture=picture,
        left=first if isinstance(first, Contender) else Contender(first),
        right=second if isinstance(second, Contender) else Contender(second),
        answer=Answer(answer),
        seconds=2.0,
        at=datetime(2026, 11, 24, tzinfo=UTC) + timedelta(seconds=1),
    )


@contextmanager
def _served(app):
    """The page on a real port, in a thread; yields its address."""
    import socket

    import uvicorn

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", server_header=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            threading.Event().wait(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


# --import-mode=importlib: a test cannot import from here, so functions come as fixtures.


@pytest.fixture
def write_evaluation():
    return _write_evaluation


@pytest.fixture(scope="session")
def vote():
    return _vote


@pytest.fixture
def served():
    return _served
