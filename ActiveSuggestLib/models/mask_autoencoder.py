"""An autoencoder of masks: 64 numbers that say what a mask looks like (Mahapatra et al. 2018)."""

from __future__ import annotations

import itertools

import torch
from torch import nn
from torch.nn import functional

from ..data.labels import UNKNOWN
from .gan_plan import SIDE_STEP, GanPlan


def one_hot(mask: torch.Tensor, classes: int) -> torch.Tensor:
    """Return masks uint8 (B, H, W) as float (B, classes, H, W); unknown pixels are all zero."""
    known = mask != UNKNOWN
    index = torch.where(known, mask, 0).long()
    return functional.one_hot(index, classes).movedim(-1, 1).float() * known[:, None]


class MaskAutoencoder(nn.Module):
    """z of one-hot masks and the logits of the mask that z stands for."""

    def __init__(self, plan: GanPlan) -> None:
        super().__init__()
        width = max(4, plan.width // 2)
        widths = (plan.classes, width, 2 * width, 4 * width, 4 * width)
        down: list[nn.Module] = []
        up: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            down += [
                nn.Conv2d(before, after, 3, stride=2, padding=1),
                nn.BatchNorm2d(after),
                nn.LeakyReLU(0.01),
            ]
            up[:0] = [
                nn.Upsample(scale_factor=2),
                nn.Conv2d(after, max(before, width), 3, padding=1),
                nn.BatchNorm2d(max(before, width)),
                nn.LeakyReLU(0.01),
            ]
        self.deep = (widths[-1], plan.side // SIDE_STEP, plan.side // SIDE_STEP)
        flat = self.deep[0] * self.deep[1] * self.deep[2]
        self.down = nn.Sequential(*down)
        self.narrow = nn.Linear(flat, plan.latent)
        self.widen = nn.Linear(plan.latent, flat)
        last = max(plan.classes, width)
        self.up = nn.Sequential(*up, nn.Conv2d(last, plan.classes, 1))

    def encode(self, hot: torch.Tensor) -> torch.Tensor:
        """Return z (B, latent) of one-hot masks (B, classes, side, side)."""
        return self.narrow(self.down(hot).flatten(1))

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """Return logits (B, classes, side, side) of z (B, latent)."""
        return self.up(self.widen(z).reshape(len(z), *self.deep))

    def loss(self, mask: torch.Tensor) -> torch.Tensor:
        """Return the cross-entropy over the known pixels of masks uint8 (B, side, side)."""
        classes = self.up[-1].out_channels
        assert isinstance(classes, int)
        logits = self.decode(self.encode(one_hot(mask, classes)))
        return functional.cross_entropy(logits, mask.long(), ignore_index=UNKNOWN)
