"""For tests: every architecture at a size that a test can afford."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import nn

import models
from models.checkpoints import save_weights

_PAIR = {
    "coarse": {"ngf": 8, "n_downsampling": 2, "n_blocks": 1, "activation": "none", "shuffle": 2},
    "fine": {"width": 8, "n_blocks": 1},
}

CONFIGS: dict[str, dict[str, Any]] = {
    "aotgan": {"width": 8, "rates": [1, 2], "block_num": 2},
    "biggan": {"width": 8, "n_down": 2, "n_middle": 1, "chunk": 4, "embedding": 8},
    "by-width": {"thin": {"width": 8, "n_blocks": 1}, "wide": _PAIR,
                 "detail": {"fine": 0.0, "own": 0.0}},
    "coarse-to-fine": _PAIR,
    "comodgan": {
        "resolution": 64, "channel_base": 512, "channel_max": 16, "z": 16, "w": 16,
        "vector": 32, "mapping_layers": 2,
    },
    "context-encoder": {"nef": 8, "ngf": 8, "bottleneck_channels": 32, "side": 64},
    "deepfillv2": {"cnum": 8},
    "deepfillv2-tf": {"cnum": 8},
    "edgeconnect": {"width": 8, "blocks": 2, "edge_width": 8, "edge_blocks": 2},
    "edgeconnect-inpaint": {"width": 8, "blocks": 2},
    "edsr": {"width": 8, "n_blocks": 2},
    "lama": {"ngf": 8, "n_blocks": 2},
    "migan": {"resolution": 64, "channel_base": 512, "channel_max": 16},
}  # fmt: skip


def tiny_network(architecture: str, seed: int = 0) -> nn.Module:
    """A small network with random weights, also where a training would begin with zeros."""
    torch.manual_seed(seed)
    made = models.create(architecture, **CONFIGS[architecture]).eval()
    with torch.no_grad():
        for name, tensor in made.state_dict().items():
            if name.endswith("noise_strength"):
                tensor.fill_(0.1)
            elif tensor.ndim > 1 and not tensor.any():
                tensor.normal_(std=0.05)
    return made


def write_tiny(folder: Path, architecture: str, name: str = "tiny") -> nn.Module:
    """Put such a network into a user's folder of weights, loadable by name."""
    made = tiny_network(architecture)
    digest = save_weights(folder / f"{name}.safetensors", made.state_dict(), half=False)
    card = {
        "architecture": architecture,
        "config": CONFIGS[architecture],
        "purpose": "Tests.",
        "sha256": digest,
    }
    (folder / f"{name}.json").write_text(json.dumps(card))
    return made
