"""The learned detector: a small network, trained on simulated damage and real craquelure."""

from __future__ import annotations

import numpy as np

from heritage.damage.detect.finding import Classes, Confidence, Finding, Picture
from heritage.damage.masks import TILE
from models.detectors import DetectorCard, find_detector, load_detector
from models.device import one_thread, resolve


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
        self.context = network.reach
        if self.context % network.multiple or TILE % network.multiple:
            raise ValueError("tiles of the master would be folded differently than alone")

    def detect(self, picture: Picture) -> Finding:
        """Find the damage; the confidence is 0.5 where the network was calibrated to say so.

        Args:
            picture: float32 (H, W, 3) in 0..1, from ``context`` pixels before the first row and
                column of a tile of the master to ``context`` after the last of another.
        """
        height, width = picture.shape[:2]
        confidence = np.zeros((height, width), np.float32)
        classes = np.zeros((height, width), np.uint8)
        edge = self.context
        for y in range(edge, height - edge, TILE):
            for x in range(edge, width - edge, TILE):
                part = picture[y - edge : y + TILE + edge, x - edge : x + TILE + edge]
                rows, columns = (min(TILE, n - 2 * edge) for n in part.shape[:2])
                sure, kinds = self._look(part)
                place = slice(y, y + rows), slice(x, x + columns)
                confidence[place], classes[place] = sure[:rows, :columns], kinds[:rows, :columns]
        return Finding(confidence, classes)

    def _look(self, part: Picture) -> tuple[Confidence, Classes]:
        """Confidence and classes of one tile, (TILE, TILE), of what lies around it, too."""
        import torch

        side, edge = TILE + 2 * self.context, self.context
        whole = np.zeros((side, side, 3), np.float32)  # what is missing, no pixel of the tile sees
        whole[: part.shape[0], : part.shape[1]] = part
        with torch.inference_mode(), one_thread():
            x = torch.from_numpy(whole).to(self._device).permute(2, 0, 1)[None]
            damaged, kind = self._network(x)
            sure = (damaged[0, 0, edge:-edge, edge:-edge] - self.card.level).sigmoid()
            # Which kind it would be, were it damaged: "none" is no answer.
            half = kind[0, 1:, edge // 2 : -edge // 2, edge // 2 : -edge // 2].argmax(dim=0) + 1
            kinds = half.repeat_interleave(2, dim=0).repeat_interleave(2, dim=1)
        return sure.float().cpu().numpy(), kinds.to(torch.uint8).cpu().numpy()
