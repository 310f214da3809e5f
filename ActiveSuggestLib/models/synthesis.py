"""Make synthetic pictures of a slice by altered masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage

from .frames import Frame
from .gan import Generator
from .gan_plan import GanPlan
from .mask_autoencoder import MaskAutoencoder, one_hot
from .mask_edits import Edit, changed_region, intensity_change, moved, placed

FADE = 0.7
"""The deviation in pixels of the blend between what was made anew and what is the original's."""


@dataclass(frozen=True)
class SyntheticSpec:
    """Which synthetics, and how they are judged.

    ``per_image`` are made of a unit (``None``: eight of a volume or picture, two of a slice);
    ``samples`` is T of the Bayesian network. The trainings of mask autoencoder and GAN end after
    ``seconds`` together or ``steps`` each, whichever is first. ``truth`` takes the true masks of
    unlabelled images, which a simulation alone knows; ``paper`` the paper's sizes.
    """

    per_image: int | None = None
    samples: int = 20
    seconds: float | None = 180.0
    steps: int | None = None
    truth: bool = False
    paper: bool = False


@dataclass(frozen=True)
class Synthetics:
    """Pictures float32 (N, C, H, W) of altered masks uint8 (N, H, W).

    ``regions`` bool (N, H, W) is where they were made anew.
    """

    pictures: torch.Tensor
    masks: np.ndarray
    regions: np.ndarray


class Synthesiser:
    """A trained generator with its mask autoencoder; ``reach`` as in ``frames.Frame``."""

    def __init__(
        self,
        plan: GanPlan,
        reach: tuple[float, ...],
        masks: MaskAutoencoder,
        generator: Generator,
    ) -> None:
        self.plan = plan
        self.reach = reach
        self.masks = masks.eval()
        self.generator = generator.eval()

    @torch.no_grad()
    def make(
        self,
        picture: np.ndarray,
        mask: np.ndarray,
        edits: Sequence[Edit],
        *,
        device: str = "cpu",
    ) -> Synthetics:
        """Return one synthetic an edit of a prepared slice (C, H, W) with its mask uint8 (H, W).

        Picture and mask are turned and shifted together, then the mask's border is moved and the
        picture made anew where that changed the mask. Elsewhere it stays the original, with all
        detail that a smaller picture would lose.
        """
        bases, masks, regions = [], [], []
        for edit in edits:
            base, own = placed(picture, mask, edit)
            altered = moved(own, edit)
            bases.append(base)
            masks.append(altered)
            regions.append(changed_region(own, altered))
        originals = torch.from_numpy(np.stack(bases).astype(np.float32))
        made = self._made(originals, np.stack(masks), np.stack(regions), device)
        fade = torch.from_numpy(np.stack([_faded(r) for r in regions]))[:, None]
        blended = (fade * made + (1.0 - fade) * originals).numpy()
        final = [intensity_change(p, m, e) for p, m, e in zip(blended, masks, edits, strict=True)]
        return Synthetics(torch.from_numpy(np.stack(final)), np.stack(masks), np.stack(regions))

    def _made(
        self, originals: torch.Tensor, masks: np.ndarray, regions: np.ndarray, device: str
    ) -> torch.Tensor:
        self.masks.to(device)
        self.generator.to(device)
        frame = Frame(masks.shape[1], masks.shape[2], self.plan.side, self.reach)
        made = []
        for first in range(0, len(masks), self.plan.batch):
            part = slice(first, first + self.plan.batch)
            pictures = frame.pictures(originals[part]).to(device)
            region = frame.regions(torch.from_numpy(regions[part])).to(device)
            small = frame.masks(torch.from_numpy(masks[part])).to(device)
            hot = one_hot(small, self.plan.classes)
            new = self.generator(pictures, region, hot, self.masks.encode(hot))
            made.append(frame.slices(new).cpu())
        return torch.cat(made)


def _faded(region: np.ndarray) -> np.ndarray:
    """Return 1 well inside a region and 0 outside, smoothly from the one to the other."""
    if not region.any():
        return region.astype(np.float32)
    inner = ndimage.binary_erosion(region)
    return np.where(region, ndimage.gaussian_filter(inner.astype(np.float32), FADE), 0.0).astype(
        np.float32
    )
