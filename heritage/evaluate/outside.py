"""What people use today, as they use it: OpenCV on 8 bits, and the program G'MIC."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from heritage.errors import HeritageError
from heritage.evaluate.costs import measured
from heritage.evaluate.fillers import Filled, Filler, FillFailed
from heritage.evaluate.metrics import Mask
from heritage.evaluate.pictures import Pixels
from heritage.resident import resident

_RADIUS = 3.0  # as in OpenCV's own examples
_PATIENCE = 600.0  # seconds for one fill


class ProgramMissing(HeritageError):
    """A program from outside that is to be compared is not installed."""


class OpenCV:
    """``cv2.inpaint`` on a picture of 8 bits, radius 3.

    Args:
        name: As in the tables.
        method: ``cv2.INPAINT_TELEA`` or ``cv2.INPAINT_NS``.
    """

    side: int | None = None

    def __init__(self, name: str, method: int) -> None:
        self.name = name
        self._method = method
        self.identity: Mapping[str, str] = {"opencv": cv2.__version__, "radius": str(_RADIUS)}

    def fill(self, damaged: Pixels, mask: Mask) -> Filled:
        """See ``Filler``."""
        holes = mask.astype(np.uint8)
        filled, seconds, memory = measured(
            lambda: cv2.inpaint(damaged, holes, _RADIUS, self._method)
        )
        return Filled(np.where(mask[..., None], filled, damaged).astype(np.uint8), seconds, memory)


class Gmic:
    """G'MIC's ``inpaint_matchpatch`` with its default parameters, as a program of its own.

    Its parameters are the documented defaults: scales chosen by itself, patches of 9 pixels, 10
    rounds per scale, blending over 5 pixels. It draws random numbers that cannot be seeded: its
    fills differ a little from run to run.

    Args:
        program: Its name or path.
        patience: Seconds after which a fill is given up.

    Raises:
        ProgramMissing: If it is not installed.
    """

    name = "gmic"
    side: int | None = None

    def __init__(self, program: str = "gmic", patience: float = _PATIENCE) -> None:
        found = shutil.which(program)
        if found is None:
            raise ProgramMissing(
                f"the program {program!r} is not installed (on Debian: apt install gmic); "
                "install it, or leave gmic out of --models"
            )
        self._program, self._patience = found, patience
        self.identity: Mapping[str, str] = {"gmic": _version(found), "command": "matchpatch 0,9,10"}

    def fill(self, damaged: Pixels, mask: Mask) -> Filled:
        """See ``Filler``. The time counts starting the program and its reading and writing."""
        with tempfile.TemporaryDirectory(prefix="heritage-") as place:
            folder = Path(place)
            picture, hole, answer = (folder / f"{n}.png" for n in ("picture", "hole", "answer"))
            Image.fromarray(damaged).save(picture, compress_level=1)
            Image.fromarray(mask.astype(np.uint8) * 255).save(hole, compress_level=1)
            command = [
                self._program, "-verbose", "-", "-input", str(picture), str(hole),
                "-inpaint_matchpatch[0]", "[1]", "-cut[0]", "0,255", "-output[0]", str(answer),
            ]  # fmt: skip
            start = time.perf_counter()
            memory = _run(command, self._patience)
            seconds = time.perf_counter() - start
            if not answer.is_file():
                raise FillFailed("gmic wrote no picture; try it by hand: gmic help")
            with Image.open(answer) as image:
                filled = np.asarray(image.convert("RGB"))
        if filled.shape != damaged.shape:
            raise FillFailed(f"gmic answered with a picture of another size: {filled.shape}")
        return Filled(np.where(mask[..., None], filled, damaged), seconds, memory)


def _run(command: list[str], patience: float) -> int | None:
    """Run a program to its end; the most memory that it held, in bytes, where the system tells.

    Raises:
        FillFailed: If it takes too long or reports a failure.
    """
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603 - our own words and paths, no shell
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
        )
        try:
            status, memory = _wait(process, patience)
        finally:
            if process.returncode is None:  # given up, or interrupted
                process.kill()
                process.wait()
        if status:
            said.seek(0)
            words = said.read().decode(errors="replace").strip().splitlines() or ["no reason given"]
            raise FillFailed(f"gmic failed with status {status}: {words[-1]}")
    return memory


def _wait(process: subprocess.Popen[bytes], patience: float) -> tuple[int, int | None]:
    """Exit status and peak memory, as last seen: what the system counts begins with our own."""
    deadline, memory = time.monotonic() + patience, None
    while time.monotonic() < deadline:
        memory = resident("peak", process.pid) or memory
        status = process.poll()
        if status is not None:
            return status, memory
        time.sleep(0.005)
    raise FillFailed(f"gmic took more than {patience:.0f} seconds and was ended")


def _version(program: str) -> str:
    answer = subprocess.run(  # noqa: S603 - our own words
        [program, "version"], capture_output=True, text=True, check=False, timeout=60
    )
    plain = re.sub(r"\x1b\[[0-9;]*m", "", answer.stdout + answer.stderr)
    found = re.search(r"[Vv]ersion\s+([\d.]+)", plain)
    return found.group(1) if found else "unknown"


OUTSIDE: Mapping[str, Callable[[], Filler]] = {
    "opencv-telea": lambda: OpenCV("opencv-telea", cv2.INPAINT_TELEA),
    "opencv-ns": lambda: OpenCV("opencv-ns", cv2.INPAINT_NS),
    "gmic": Gmic,
}
