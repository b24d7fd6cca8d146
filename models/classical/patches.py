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
_ITERATIONS = 12  # that the components are found in
_SAMPLE = 4096  # source patches that the components are found from
_TRUST = 1.3  # factor by which a patch is believed less for every pixel deeper in the hole
_CHUNK = 1 << 15  # patches or pixels gathered at once, which bounds memory


class PatchSpace:
    """The patches of one picture, and a short description by which they are compared.

    The squared distance between two patches is taken between their first principal components: a
    few percent less than the true one, from one contiguous row of memory instead of 49.

    Args:
        picture: (H, W, C) float32; what lies in holes is ignored here.
        holes: (H, W) bool; at least one patch must be a source.

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
        """(SIDE * SIDE * C, K) orthonormal columns, by orthogonal iteration."""
        chosen = self.sources[:: -(-len(self.sources) // _SAMPLE)]
        patches = self._gather(picture.reshape(-1, self.channels), chosen).double().cpu()
        patches -= patches.mean(0)
        covariance = patches.T @ patches
        basis = torch.eye(len(covariance), _COMPONENTS, dtype=covariance.dtype)
        for _ in range(_ITERATIONS):
            basis, _ = torch.linalg.qr(covariance @ basis)
        return basis.float().to(picture.device)

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

    Attributes:
        pixels: (P,) flat indices of the hole's pixels, in raster order.
    """

    def __init__(self, space: PatchSpace, holes: Tensor, depth: Tensor) -> None:
        self.pixels = holes.flatten().nonzero().flatten()
        self._offsets = space.offsets
        self._trust = _TRUST ** -depth.flatten().index_select(0, space.targets)
        # A patch that leaves the picture is no target, and a row's end never holds a centre, so
        # that stepping over it finds none: flat indices do without rows and columns.
        self._number = torch.full((holes.numel(),), -1, dtype=torch.int32, device=holes.device)
        self._number[space.targets] = torch.arange(
            len(space.targets), dtype=torch.int32, device=holes.device
        )

    def mean(self, picture: Tensor, matches: Tensor, distances: Tensor) -> tuple[Tensor, Tensor]:
        """Average of the votes, those of better matches counting more (Newson et al. 2014, 3.4).

        Args:
            picture: (H, W, C) float32.
            matches: (N,) source centre of every target; -1 where it has none.
            distances: (N,) squared distance of that match.

        Returns:
            (P, C) values of the hole's pixels, and (P,) bool: which got a vote at all.
        """
        flat = picture.flatten(0, 1)
        values, voted = [], []
        for pixels in self.pixels.split(_CHUNK):
            voters, present = self._voters(pixels)
            centres = matches[voters]
            present &= centres >= 0
            weights = self._weights(distances[voters], present) * self._trust[voters]
            total = weights.sum(1, keepdim=True)
            places = (centres + self._offsets).clamp_(0, len(flat) - 1)
            weights /= total.clamp(min=1e-20)
            values.append(F.embedding_bag(places, flat, mode="sum", per_sample_weights=weights))
            voted.append(total[:, 0] > 0)
        return torch.cat(values), torch.cat(voted)

    def best(self, picture: Tensor, matches: Tensor, distances: Tensor) -> Tensor:
        """(P, C): every pixel from the one patch around it that matches best."""
        flat = picture.flatten(0, 1)
        cost = distances / self._trust
        values = []
        for pixels in self.pixels.split(_CHUNK):
            voters, present = self._voters(pixels)
            chosen = torch.where(present, cost[voters], torch.inf).argmin(1)
            centres = matches[voters.gather(1, chosen[:, None])[:, 0]]
            values.append(flat.index_select(0, centres + self._offsets[chosen]))
        return torch.cat(values)

    def _voters(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """(n, SIDE * SIDE) numbers of the targets around some pixels, and which of them exist."""
        centres = (pixels[:, None] - self._offsets).clamp_(0, len(self._number) - 1)
        voters = self._number[centres].long()
        return voters.clamp(min=0), voters >= 0

    def _weights(self, distances: Tensor, present: Tensor) -> Tensor:
        """Gaussian in the distance; its variance is the 75th percentile of a pixel's distances."""
        cost = torch.where(present, distances, torch.inf)
        rank = (present.sum(1) * 3 // 4).clamp_(max=cost.shape[1] - 1)
        spread = cost.sort(1).values.gather(1, rank[:, None]).nan_to_num_(posinf=1.0)
        return torch.where(present, torch.exp(-cost / (2 * spread.clamp(min=1e-8))), 0.0)
