"""How the light table's pictures come when many people pan at once.

    python benchmarks/review_load.py --viewers 50 --seconds 60

makes a master of one gigapixel (or --side) with a restoration, serves the review room in a process
of its own, and lets so many people pan: each moves to a view of which the browser lacks some tiles,
looks for a few seconds, and moves on. Prints how long tiles took. The people share the machine's
cores with the server.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import tifffile

from db.vocabulary import Role
from heritage.damage.masks import open_mask
from heritage.damage.regions import find_regions
from heritage.restore.engine import restore
from heritage.restore.provenance import read_provenance
from heritage.review.desk import Desk
from heritage.settings import Settings
from heritage.tiff import inspect

PASSWORD = "correct horse battery"
EXAMPLE = Path(__file__).parents[1] / "examples" / "classical_landscape.tif"
NEW_TILES = 6
"""Tiles of a view that the browser does not have yet: more than half of them."""

SERVE = "from heritage.settings import load_settings\n" \
    "from heritage.review.serve import serve_review\n" \
    "serve_review(load_settings(), port=0, say=lambda words: print(words, flush=True))"  # fmt: skip


def make(folder: Path, side: int) -> str:
    """A catalogue with one restoration; returns its identifier."""
    master, rng = folder / "wall.tif", np.random.default_rng(3)
    picture = tifffile.imread(EXAMPLE)
    across, down = picture.shape[1] // 512, picture.shape[0] // 512

    def tiles() -> Iterator[np.ndarray]:
        for number in range((side // 512) ** 2):
            y, x = number // across % down * 512, number % across * 512
            yield np.ascontiguousarray(picture[y : y + 512, x : x + 512])

    with tifffile.TiffWriter(master, bigtiff=True) as file:
        file.write(
            tiles(), shape=(side, side, 3), dtype=np.uint8, tile=(512, 512), photometric="rgb"
        )
    mask = np.zeros((side, side), np.uint8)
    for y, x in rng.integers(0, side - 100, (400, 2)):
        mask[y : y + 60, x : x + 20] = 1
    tifffile.imwrite(folder / "wall.mask.tif", mask, compression="zlib")
    done = restore(master, model="telea", output=folder / "out", device="cpu")
    settings = Settings(home=folder / "home")
    with Desk(settings.database_url, "benchmark") as desk:
        desk.add_account(None, "ann", "Ann", Role.REVIEWER, PASSWORD)
        said = read_provenance(done.provenance)
        number = desk.record_master(inspect(master), said["master"]["sha256"])
        facts = {"sha256": said["mask"]["sha256"], "pixels": said["mask"]["pixels"]}
        mask_number = desk.record_mask(number, **facts, source="wall.mask.tif")
        model = desk.record_model("telea", "diffusion")
        run = desk.begin_restoration(
            number, mask_number, model, parameters={}, output=done.folder, device="cpu"
        )
        with open_mask(done.mask) as opened:
            desk.finish_restoration(run.id, done, find_regions(opened))
    return run.identifier


async def log_in(address: str) -> httpx.AsyncClient:
    client = httpx.AsyncClient(
        base_url=address, timeout=120, limits=httpx.Limits(max_connections=6)
    )
    page = (await client.get("/login")).text
    key = page.split('name="key" value="')[1].split('"')[0]
    await client.post("/login", data={"key": key, "name": "ann", "password": PASSWORD})
    return client


async def pan(
    client: httpx.AsyncClient, name: str, side: int, until: float, rng: random.Random, took: list
) -> None:
    """One person: a view, a pause of three to six seconds, the next view."""
    await asyncio.sleep(rng.uniform(0, 5))  # nobody begins at the same moment as all others
    while time.perf_counter() < until:
        scale = rng.choice((1, 1, 2, 4, 16))
        span = 512 * scale
        across = side // span
        view = rng.choice(("before", "after"))
        column, row = rng.randrange(max(1, across - 4)), rng.randrange(max(1, across - 2))
        places = [(column + i % 3, row + i // 3) for i in range(NEW_TILES)]
        asked = [
            f"/iiif/3/{name}~{view}/{x * span},{y * span},{span},{span}/512,512/0/default.jpg?r=0"
            for x, y in places
            if x < across and y < across
        ]

        async def one(path: str) -> None:
            began = time.perf_counter()
            answer = await client.get(path)
            took.append((time.perf_counter() - began, answer.status_code))

        await asyncio.gather(*map(one, asked))
        await asyncio.sleep(rng.uniform(3, 6))


async def crowd(address: str, name: str, side: int, viewers: int, seconds: float) -> list:
    clients = [await log_in(address) for _ in range(viewers)]
    ready = f"/api/pictures/{name}~after"
    while not (await clients[0].get(ready)).json()["ready"]:
        await asyncio.sleep(1)
    took: list = []
    until = time.perf_counter() + seconds
    await asyncio.gather(
        *(pan(c, name, side, until, random.Random(n), took) for n, c in enumerate(clients))
    )
    for client in clients:
        await client.aclose()
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--side", type=int, default=32768)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        name = make(folder, given.side)
        environment = {"HERITAGE_HOME": str(folder / "home"), "PATH": "/usr/bin:/bin"}
        command = [sys.executable, "-c", SERVE]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=environment, cwd=Path.cwd()
        ) as server:
            assert server.stdout is not None
            address = server.stdout.readline().split()[1].rstrip("/")
            try:
                took = asyncio.run(crowd(address, name, given.side, given.viewers, given.seconds))
            finally:
                server.terminate()
    times = sorted(1000 * seconds for seconds, _ in took)
    at = {p: round(times[int(len(times) * p / 100)]) for p in (50, 90, 95, 99)}
    faults = sum(status != 200 for _, status in took)
    rate = round(len(times) / given.seconds, 1)
    mean = round(statistics.mean(times))
    said = {"tiles": len(times), "per second": rate, "mean ms": mean, "percentile ms": at}
    print(json.dumps(said | {"faults": faults, "viewers": given.viewers}, indent=1))


if __name__ == "__main__":
    main()
