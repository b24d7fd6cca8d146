"""Square patches of a picture with holes: which there are, how two of them differ, what they vote.

A *source* patch is known in every pixel; a *target* patch touches a hole. Patches are named by the
flat index of their centre, ``y * width + x``, and lie wholly inside the picture.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from torch import Tensor

SIDE = 7  # pixels; the side Wexler et al. and Newson et al. use for pictures
HALF = SIDE // 2
_COMPONENTS = 24  # dimensions that are left of a patch's SIDE * SIDE * channels
_SAMPLE = 4096  # source patches that the components are found from
_CHUNK = 1 << 15  # target patches gathered at once, which bounds memory


class PatchSpace:
    """The patches of one picture, and a short description by which they are compared.

    The squared distance between two patches is taken between their first principal components: a
    few percent less than the true one, from one contiguous row of memory instead of 49.

    Args:
        picture: (H, W, C) float32; what lies in holes is ignored here.
        holes: (H, W) bool.

    Attributes:
        targets: (N,) centres of the patches that touch a hole, in raster order.
        sources: (M,) centres of the patches that are wholly known, in raster order.
        is_source: (H * W,) bool.
        descriptions: (H * W, K) float32, rows of sources only are meaningful.
    """

    def __init__(self, picture: Tensor, holes: Tensor) -> None:
        self.height, self.width, self.channels = picture.shape
        touched = F.max_pool2d(holes[None, None].float(), SIDE, 1, HALF)[0, 0] > 0
        inside = torch.zeros_like(holes)
        inside[HALF : self.height - HALF, HALF : self.width - HALF] = True
        self.targets = (touched & inside).flatten().nonzero().flatten()
        self.is_source = (~touched & inside).flatten()
        self.sources = self.is_source.nonzero().flatten()
        rows = torch.arange(-HALF, HALF + 1, device=picture.device)
        self.offsets = (rows[:, None] * self.width + rows).flatten()
        if len(self.sources):
            self._basis = self._principal_components(picture)
            self.descriptions = self._describe_everywhere(picture)

    def describe_targets(self, picture: Tensor) -> Tensor:
        """(N, K) descriptions of the target patches, as ``picture`` fills them now."""
        pixels = picture.reshape(-1, self.channels)
        parts = [self._gather(pixels, part) @ self._basis for part in self.targets.split(_CHUNK)]
        return torch.cat(parts)

    def _gather(self, pixels: Tensor, centres: Tensor) -> Tensor:
        """(n, SIDE * SIDE * C) the pixels of some patches."""
        places = (centres[:, None] + self.offsets).flatten()
        return pixels.index_select(0, places).reshape(len(centres), -1)

    def _principal_components(self, picture: Tensor) -> Tensor:
        """(SIDE * SIDE * C, K) orthonormal columns."""
        chosen = self.sources[:: -(-len(self.sources) // _SAMPLE)]
        patches = self._gather(picture.reshape(-1, self.channels), chosen).double().cpu()
        patches -= patches.mean(0)
        _, vectors = torch.linalg.eigh(patches.T @ patches)
        return vectors.flip(1)[:, :_COMPONENTS].float().contiguous().to(picture.device)

    def _describe_everywhere(self, picture: Tensor) -> Tensor:
        kernels = self._basis.T.reshape(-1, SIDE, SIDE, self.channels).permute(0, 3, 1, 2)
        planes = F.conv2d(picture.permute(2, 0, 1)[None], kernels, padding=HALF)
        return planes[0].permute(1, 2, 0).reshape(self.height * self.width, -1).contiguous()


class Vote:
    """Rebuilds hole pixels from the source patches matched to the targets around them.

    Args:
        space: The patches.
        holes: (H, W) bool.
        depth: (H, W) float32, pixels to the nearest known one: patches nearer to it know better.
    """

    def __init__(self, space: PatchSpace, holes: Tensor, depth: Tensor) -> None:
        self.pixels = holes.flatten().nonzero().flatten()
        self._offsets = space.offsets
        number = torch.full((space.height * space.width,), -1, device=holes.device)
        number[space.targets] = torch.arange(len(space.targets), device=holes.device)
        y, x = self.pixels // space.width, self.pixels % space.width
        steps = torch.arange(-HALF, HALF + 1, device=holes.device)
        rows, columns = steps.repeat_interleave(SIDE), steps.repeat(SIDE)
        cy, cx = y[:, None] - rows, x[:, None] - columns
        inside = (cy >= 0) & (cy < space.height) & (cx >= 0) & (cx < space.width)
        voters = number[torch.where(inside, cy * space.width + cx, 0)]
        self._voters = torch.where(inside, voters, -1).to(torch.int32)  # (P, SIDE * SIDE)
        self._trust = 1.3 ** -depth.flatten()[space.targets]

    def mean(self, picture: Tensor, matches: Tensor, distances: Tensor) -> tuple[Tensor, Tensor]:
        """Average of the votes, those of better matches counting more (Newson et al., eq. 8).

        Args:
            picture: (H, W, C) float32.
            matches: (N,) source centre of every target; -1 where it has none.
            distances: (N,) squared distance of that match.

        Returns:
            (P, C) values of the hole's pixels, and (P,) bool: which got a vote at all.
        """
        voters = self._voters.long()
        counted = (voters >= 0) & (matches[voters] >= 0)
        cost = torch.where(counted, distances[voters], torch.inf)
        # Newson et al.: the spread is the 75th percentile of a pixel's distances.
        rank = (counted.sum(1) * 3 // 4).clamp(max=voters.shape[1] - 1)
        spread = cost.sort(1).values.gather(1, rank[:, None]).nan_to_num(posinf=1.0)
        weights = torch.exp(-cost / (2 * spread.clamp(min=1e-8))) * self._trust[voters]
        weights = torch.where(counted, weights, 0.0)
        total = weights.sum(1, keepdim=True)
        values = self._sum(picture, matches, voters, weights) / total.clamp(min=1e-12)
        return values, total[:, 0] > 0

    def best(self, picture: Tensor, matches: Tensor, distances: Tensor) -> Tensor:
        """(P, C): every pixel from the one patch around it that matches best."""
        voters = self._voters.long()
        cost = torch.where(voters >= 0, (distances / self._trust)[voters], torch.inf)
        chosen = cost.argmin(1, keepdim=True)
        places = matches[voters.gather(1, chosen)] + self._offsets[chosen]
        return picture.reshape(-1, picture.shape[-1])[places[:, 0]]

    def _sum(self, picture: Tensor, matches: Tensor, voters: Tensor, weights: Tensor) -> Tensor:
        flat = picture.reshape(-1, picture.shape[-1])
        places = (matches[voters] + self._offsets).clamp_(0, len(flat) - 1)
        return F.embedding_bag(places, flat, mode="sum", per_sample_weights=weights)
