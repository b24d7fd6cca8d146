"""The learned detector: a small network, trained on simulated damage and real craquelure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from heritage.damage.detect.finding import Classes, Confidence, Finding, Picture
from heritage.damage.detect.line_channels import line_channels
from heritage.damage.detect.ridges import grey_of
from heritage.damage.masks import TILE
from models.detectors import DetectorCard, find_detector, load_detector
from models.device import one_thread, resolve

# Lines are seen within REACH of what the network sees; a multiple of the squares that it folds.
_CONTEXT = 192


class Learned:
    """Finds whatever damage the network was taught.

    The network looks at one tile of the master after the other, each with its surroundings: so
    all its sums are the same, to the last bit, however a master is cut into windows.

    Args:
        card: Of the network; None: the one that comes with this program, or the user's own.
        device: ``auto``, ``cpu``, ``cuda`` and so on.
    """

    name = "learned"

    def __init__(self, card: DetectorCard | None = None, device: str = "auto") -> None:
        self.card = card or find_detector()
        self._device = resolve(device)
        network = load_detector(self.card)
        self._network = network.to(self._device)
        self._reach = network.reach
        self.context = _CONTEXT
        self.weights: str | None = self.card.sha256

    def detect(self, picture: Picture) -> Finding:
        """Find the damage; the confidence is 0.5 where the network was calibrated to say so.

        Args:
            picture: float32 (H, W, 3) in 0..1, from ``context`` pixels before the first row and
                column of a tile of the master to ``context`` after the last of another.
        """
        height, width = picture.shape[:2]
        lines = line_channels(grey_of(picture)).astype(np.float32) / np.float32(255)
        seen = np.dstack([picture, lines])
        confidence = np.zeros((height, width), np.float32)
        classes = np.zeros((height, width), np.uint8)
        edge, reach = self.context, self._reach
        for y in range(edge, height - edge, TILE):
            for x in range(edge, width - edge, TILE):
                rows, columns = min(TILE, height - edge - y), min(TILE, width - edge - x)
                bottom, right = y + rows + reach, x + columns + reach
                part = seen[y - reach : bottom, x - reach : right]
                sure, kinds = self._look(part)
                place = slice(y, y + rows), slice(x, x + columns)
                confidence[place], classes[place] = sure[:rows, :columns], kinds[:rows, :columns]
        return Finding(confidence, classes)

    def _look(self, part: npt.NDArray[np.float32]) -> tuple[Confidence, Classes]:
        """Confidence and classes of one tile, (TILE, TILE), of what lies around it, too."""
        import torch

        side, edge = TILE + 2 * self._reach, self._reach
        # What is missing at the end of the master, no pixel of the tile sees.
        whole = np.zeros((side, side, part.shape[2]), np.float32)
        whole[: part.shape[0], : part.shape[1]] = part
        with torch.inference_mode(), one_thread():
            x = torch.from_numpy(whole).to(self._device).permute(2, 0, 1)[None]
            damaged, kind = self._network(x[:, :3], x[:, 3:])
            sure = (damaged[0, 0, edge:-edge, edge:-edge] - self.card.level).sigmoid()
            # Which kind it would be, were it damaged: "none" is no answer.
            half = kind[0, 1:, edge // 2 : -edge // 2, edge // 2 : -edge // 2].argmax(dim=0) + 1
            kinds = half.repeat_interleave(2, dim=0).repeat_interleave(2, dim=1)
        return sure.float().cpu().numpy(), kinds.to(torch.uint8).cpu().numpy()
