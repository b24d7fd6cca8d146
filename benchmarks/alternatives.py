"""The same network on the same picture, as a user would otherwise run it: time and memory.

    pip install monai  # no part of heritage
    python benchmarks/alternatives.py [--side 4096] [--share 0.01] [--model art-small] [--rounds 3]
        [--folder DIR] [--json FILE]

Three ways take turns, each in a process of its own: `heritage restore` (the library call, to the
finished file), MONAI's SlidingWindowInferer with Gaussian blending over the whole picture, and a
plain script that reads with tifffile, cuts windows of 512 wherever the mask has something, pastes
the answers and writes with tifffile. Both alternatives lose tags and bytes that are not pixels;
they are timed, not judged, here. OpenCV's own inpainting of the whole picture is a fourth row, with
its own method.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from masters import write_mask, write_master

BEGIN = """
import sys, time
from pathlib import Path
import numpy as np, tifffile, torch
import models
from heritage.resident import resident
folder, name = Path(sys.argv[1]), sys.argv[2]
inpainter = models.load(name, "cpu")
began = time.perf_counter()
"""
END = """
print(time.perf_counter() - began, resident("peak"))
"""
READ = """
picture = tifffile.imread(folder / "m.tif")
mask = tifffile.imread(folder / "mask.tif") > 0
"""
WAYS = {
    "heritage": """
import heritage
heritage.restore(folder / "m.tif", folder / "mask.tif", name, folder / "out", "cpu")
""",
    "MONAI sliding window": READ
    + """
from monai.inferers import SlidingWindowInferer
image = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
both = torch.cat([image, torch.from_numpy(mask)[None, None].float()], 1)
with torch.inference_mode():
    infer = SlidingWindowInferer((512, 512), sw_batch_size=1, overlap=0.25, mode="gaussian")
    answer = infer(both, lambda x: inpainter(x[:, :3].contiguous(), x[:, 3:].contiguous()))
filled = (answer[0].permute(1, 2, 0).numpy() * 255).round().clip(0, 255).astype(np.uint8)
filled[~mask] = picture[~mask]
tifffile.imwrite(folder / "out.tif", filled, tile=(512, 512), photometric="rgb")
""",
    "plain windows": READ
    + """
for y in range(0, picture.shape[0], 384):
    for x in range(0, picture.shape[1], 384):
        y0, x0 = min(y, picture.shape[0] - 512), min(x, picture.shape[1] - 512)
        hole = mask[y0 : y0 + 512, x0 : x0 + 512]
        if hole.any():
            cut = picture[y0 : y0 + 512, x0 : x0 + 512]
            image = torch.from_numpy(cut).permute(2, 0, 1)[None].float() / 255
            with torch.inference_mode():
                answer = inpainter(image, torch.from_numpy(hole)[None, None])
            cut[hole] = (answer[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)[hole]
tifffile.imwrite(folder / "out.tif", picture, tile=(512, 512), photometric="rgb")
""",
    "OpenCV (Telea), whole picture": READ
    + """
import cv2
filled = cv2.inpaint(picture, mask.astype(np.uint8), 5, cv2.INPAINT_TELEA)
tifffile.imwrite(folder / "out.tif", filled, tile=(512, 512), photometric="rgb")
""",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--share", type=float, default=0.01)
    parser.add_argument("--model", default="art-small")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="for temporary files")
    parser.add_argument("--json", type=Path, default=Path("alternatives.json"))
    said = parser.parse_args()
    taken: dict[str, list[tuple[float, int]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory(dir=said.folder) as name:
        folder = Path(name)
        write_master(folder / "m.tif", said.side, said.side)
        write_mask(folder / "mask.tif", said.side, said.side, said.share)
        for _ in range(said.rounds):
            for way, code in WAYS.items():
                taken[way].append(run(folder, said.model, code))
    rows = {}
    for way, values in taken.items():
        seconds = statistics.median(second for second, _ in values)
        memory = max(held for _, held in values)
        ratios = [one[0] / ours[0] for one, ours in zip(values, taken["heritage"], strict=True)]
        ratio = statistics.median(ratios)
        rows[way] = {"seconds": seconds, "memory": memory, "ratio": ratio}
        print(f"{way:30} {seconds:8.2f} s  {ratio:5.2f} x  {memory / 2**20:7.0f} MiB", flush=True)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True)
    machine = {"cpus": os.cpu_count(), "python": platform.python_version()}
    answer = {"side": said.side, "share": said.share, "model": said.model, "ways": rows}
    answer |= {"machine": machine, "commit": commit.stdout.strip()}
    said.json.write_text(json.dumps(answer, indent=1) + "\n")


def run(folder: Path, model: str, code: str) -> tuple[float, int]:
    """Seconds and peak memory of one way."""
    command = [sys.executable, "-c", BEGIN + code + END, str(folder), model]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seconds, memory = done.stdout.split()[-2:]
    subprocess.run(["rm", "-rf", str(folder / "out"), str(folder / "out.tif")], check=True)
    return float(seconds), int(memory)


if __name__ == "__main__":
    main()
