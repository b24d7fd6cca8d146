"""What each network costs: parameters, operations, memory and time for a window of 512 x 512.

    python benchmarks/networks.py [--device cpu] [--rounds 5] [--json FILE]

Weights are random: time does not depend on them. A third of the window is hole. Networks and
precisions take turns in every round, so that a noisy machine is noisy for all of them; the median
counts. Operations and memory are counted, not measured.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch

import models
from models import registry
from models.cards import InpainterCard
from models.device import quicker_dtype
from models.footprint import footprint
from models.inpainter import Inpainter
from models.network import InpaintingNetwork

SIDE = 512
NETWORKS: dict[str, tuple[str, dict[str, object]]] = {
    "Context Encoder": ("context-encoder", {}),
    "Context Encoder, free-form": ("context-encoder", {"free_form": True}),
    "EdgeConnect": ("edgeconnect", {}),
    "DeepFillv2": ("deepfillv2", {}),
    "DeepFillv2, TensorFlow": ("deepfillv2-tf", {}),
    "LaMa Big": ("lama", {"n_blocks": 18}),
    "LaMa Fourier": ("lama", {"n_blocks": 9}),
    "AOT-GAN": ("aotgan", {}),
    "MI-GAN 256": ("migan", {"resolution": 256}),
    "MI-GAN 512": ("migan", {"resolution": 512}),
    "CoModGAN 256": ("comodgan", {"resolution": 256}),
    "CoModGAN 512": ("comodgan", {"resolution": 512}),
    "BigGAN-style": ("biggan", {}),
}
SHIPPED = "art-small"


def networks(chosen: list[str]) -> dict[str, tuple[str, InpaintingNetwork]]:
    """The networks by title, with their architecture's name."""
    torch.manual_seed(0)
    made: dict[str, tuple[str, InpaintingNetwork]] = {}
    for title, (architecture, config) in NETWORKS.items():
        if not chosen or title in chosen:
            made[title] = architecture, models.create(architecture, **config).eval()
    if not chosen or SHIPPED in chosen:
        made[SHIPPED] = "lama", models.load(SHIPPED, "cpu").network
    return made


def seconds(inpainter: Inpainter, image: torch.Tensor, mask: torch.Tensor) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    inpainter(image, mask)
    if inpainter.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def main() -> None:
    """Parse, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--networks", default="", help="titles, separated by ';'; all by default")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    arguments = parser.parse_args()
    made = networks([title for title in arguments.networks.split(";") if title])
    costs = {title: footprint(network, SIDE) for title, (_, network) in made.items()}
    precisions = ["float32"]
    if quicker_dtype(torch.device(arguments.device).type) is not None:
        precisions.append("bfloat16")
    image = torch.rand(1, 3, SIDE, SIDE)
    mask = torch.zeros(1, 1, SIDE, SIDE)
    mask[..., 108:404, 108:404] = 1
    taken: dict[str, dict[str, list[float]]] = {
        title: {precision: [] for precision in precisions} for title in made
    }
    for number in range(arguments.rounds + 1):
        for title, (architecture, network) in made.items():
            for precision in precisions:
                card = InpainterCard(title, "gan", title, architecture=architecture)
                inpainter = registry.serve(network, card, arguments.device, precision)
                spent = seconds(inpainter, image, mask)
                if number:  # the first round warms up
                    taken[title][precision].append(spent)
    print("| network | parameters, M | GFLOP | live memory, MiB |", end="")
    print("".join(f" seconds, {precision} |" for precision in precisions))
    print("| --- | --- | --- | --- |" + " --- |" * len(precisions))
    rows = {}
    for title, cost in costs.items():
        median = {p: statistics.median(times) for p, times in taken[title].items()}
        rows[title] = {
            "side": cost.side, "parameters": cost.parameters, "flops": cost.flops,
            "memory": cost.memory, "seconds": taken[title],
        }  # fmt: skip
        at = "" if cost.side == SIDE else f" (a tile of {cost.side})"
        print(
            f"| {title} | {cost.parameters / 1e6:.1f} | {cost.flops / 1e9:.0f}{at} "
            f"| {cost.memory / 2**20:.0f}{at} |"
            + "".join(f" {median[precision]:.2f} |" for precision in precisions)
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(circumstances(arguments.device) | {"networks": rows}))


def circumstances(device: str) -> dict[str, object]:
    """What the figures were measured with."""
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return {
        "commit": commit, "device": device, "threads": torch.get_num_threads(),
        "machine": platform.processor() or platform.machine(),
        "python": sys.version.split()[0], "torch": torch.__version__,
    }  # fmt: skip


if __name__ == "__main__":
    main()
