"""Networks carried to other stacks as ONNX, and proof that they still do the same there.

The exported graph is the whole inpainter for one size: picture in 0..1 and mask in, restored
picture out, known pixels exactly as given. Value ranges, mask polarity and whatever else the
network's authors chose are inside.
"""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from models.errors import ExportFailed
from models.inpainter import Inpainter
from models.network import InpaintingNetwork
from models.registry import open_inpainter

OPSET = 20  # the first whose DFT takes two axes one after the other
TOLERANCE = 1e-3  # in units of 0..1, between ONNX Runtime and torch


class Exported(nn.Module):
    """A network as it is exported: what ``models.load`` does around it included.

    Args:
        network: With its weights.
        truncation: Fixed in the graph, where the network samples.
    """

    network: InpaintingNetwork

    def __init__(self, network: InpaintingNetwork, truncation: float = 1.0) -> None:
        super().__init__()
        self.network = network
        self.truncation = truncation

    def forward(self, image: Tensor, mask: Tensor, *more: Tensor) -> Tensor:
        """(B, 3, S, S) in 0..1 and (B, 1, S, S), non-zero where to restore; to (B, 3, S, S).

        ``more`` is what else the network wants: see ``inputs``.
        """
        holes = mask != 0
        known = torch.where(holes, torch.zeros_like(image), image)
        if self.network.guidance is not None:
            filled = self.network.guided(known, holes.to(image.dtype), *more)
        else:
            latent = more[0] if more else None
            filled = self.network.complete(known, holes.to(image.dtype), latent, self.truncation)
        return torch.where(holes, filled.clamp(0, 1), image)

    def inputs(self, side: int, batch: int = 2, seed: int = 0) -> dict[str, Tensor]:
        """Inputs by name, with random content; a third of the picture is hole."""
        generator = torch.Generator().manual_seed(seed)
        image = torch.rand(batch, 3, side, side, generator=generator)
        mask = torch.zeros(batch, 1, side, side)
        mask[..., side // 4 : side * 3 // 4, side // 4 : side * 3 // 4] = 1
        named = {"image": image, "mask": mask}
        if self.network.guidance is not None:
            guide = torch.rand(batch, 1, side, side, generator=generator) < 0.1
            named[self.network.guidance] = guide.float()
        elif self.network.latent:
            named["latent"] = torch.randn(batch, self.network.latent, generator=generator)
        return named


def export_onnx(
    name: str,
    path: Path,
    side: int | None = None,
    truncation: float = 1.0,
    folder: Path | None = None,
) -> dict[str, Any]:
    """Write an inpainter as ONNX, run it in ONNX Runtime, and keep it only if it does the same.

    Args:
        name: Of ``models.available()``; a learned one.
        path: The file to write; it appears complete or not at all.
        side: Height and width in pixels; None: 512, or the only size the network knows. The number
            of pictures stays free.
        truncation: As in ``Inpainter``; fixed in the file.
        folder: Where a user's own weights lie.

    Returns:
        ``file``, ``sha256``, ``side``, ``inputs``, ``opset``, ``without`` (what the inpainter adds
        that is no network), and ``difference``, the largest one found between ONNX Runtime and
        torch.

    Raises:
        ExportFailed: If it cannot be exported, or does something else there.
        ModelNotFound: If there is none of that name.
    """
    _require("onnx", "onnxscript", "onnxruntime")
    inpainter = open_inpainter(name, "cpu", folder, "float32")
    network = getattr(inpainter, "network", None)
    if not isinstance(network, InpaintingNetwork):
        raise ExportFailed(f"{name} has no network to export; it computes without one")
    # A fresh copy in the plain memory layout: the exporter knows no other.
    exported = Exported(network.to(memory_format=torch.contiguous_format), truncation).eval()  # type: ignore[call-overload]
    size = _side(network, name, side)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _write(exported, partial, size, name)
        _describe(partial, inpainter, network.besides)
        difference = _compare(exported, partial, size)
        if difference > TOLERANCE:
            raise ExportFailed(
                f"{name}: ONNX Runtime's answer differs by {difference:.2g} from torch's, more "
                f"than the {TOLERANCE:g} allowed; nothing was written"
            )
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    from models.checkpoints import sha256

    return {
        "file": str(path),
        "sha256": sha256(path),
        "side": size,
        "inputs": list(exported.inputs(size, 1)),
        "opset": OPSET,
        "without": network.besides,
        "difference": difference,
    }


def _require(*packages: str) -> None:
    from importlib.util import find_spec

    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        raise ExportFailed(
            f"exporting needs {', '.join(missing)}: pip install 'heritage[onnx]' (from the "
            "project's folder: pip install -e '.[onnx]')"
        )


def _side(network: InpaintingNetwork, name: str, side: int | None) -> int:
    if network.side is not None:
        if side not in (None, network.side):
            raise ExportFailed(f"{name} works at {network.side} pixels only, not at {side}")
        return network.side
    size = 512 if side is None else side
    if size < network.least or size % network.multiple:
        raise ExportFailed(
            f"{name} wants a side that is a multiple of {network.multiple} from {network.least} "
            f"on, not {size}"
        )
    return size


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """The exporter's own progress and warnings are no words for a registrar."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _write(exported: Exported, path: Path, side: int, name: str) -> None:
    inputs = exported.inputs(side)
    free = {0: torch.export.Dim("batch")}
    more = (free,) * len(list(inputs)[2:])
    shapes = (free, free, more) if more else (free, free)
    try:
        with _quietly():
            torch.onnx.export(
                exported,
                tuple(inputs.values()),
                path,
                input_names=list(inputs),
                output_names=["restored"],
                opset_version=OPSET,
                dynamo=True,
                dynamic_shapes=shapes,
                external_data=False,
                verbose=False,
            )
    except (torch.onnx.errors.OnnxExporterError, RuntimeError, ValueError) as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise ExportFailed(f"{name}: cannot be written as ONNX ({reason})") from error


def _describe(path: Path, inpainter: Inpainter, besides: str) -> None:
    """What the file is, in the file."""
    import onnx

    model = onnx.load(path)
    said = {
        "heritage.model": inpainter.name,
        "heritage.licence": inpainter.card.licence,
        "heritage.weights_sha256": inpainter.weights_sha256 or "",
        "heritage.without": besides,
        "heritage.use": "image: B x 3 x S x S float32 in 0..1; mask: B x 1 x S x S float32, "
        "non-zero where to restore; restored: as image, known pixels unchanged",
    }
    onnx.helper.set_model_props(model, said)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _compare(exported: Exported, path: Path, side: int) -> float:
    """Largest difference between ONNX Runtime and torch, over two batch sizes."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    largest = 0.0
    for batch in (1, 2):
        inputs = exported.inputs(side, batch, seed=batch)
        theirs = session.run(None, {name: value.numpy() for name, value in inputs.items()})[0]
        with torch.inference_mode():
            ours = exported(*inputs.values())
        largest = max(largest, float((torch.from_numpy(theirs) - ours).abs().max()))
    return largest
