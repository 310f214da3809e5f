"""Dice and cross-entropy where only some voxels are labelled."""

from __future__ import annotations

import torch
from monai.losses import DiceLoss
from torch import nn
from torch.nn import functional

from ..data.labels import UNKNOWN


class MaskedDiceCELoss(nn.Module):
    """Cross-entropy plus soft Dice over the labelled voxels.

    ``forward(logits (B, C, *spatial), target uint8 (B, *spatial))``; ``UNKNOWN`` voxels alter
    neither the loss nor a gradient. The Dice term masks *probabilities*: masked logits would
    still be softmaxed to 1/C and count as prediction. It is taken over the batch, so that a patch
    without a class does not push that class to zero elsewhere.
    """

    def __init__(self) -> None:
        super().__init__()
        self.dice = DiceLoss(include_background=False, batch=True, smooth_nr=1e-5, smooth_dr=1e-5)

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the scalar loss; zero, with a gradient of zero, if nothing is labelled."""
        logits = logits.float()
        known = target != UNKNOWN
        if not known.any():
            return logits.sum() * 0.0
        classes = logits.shape[1]
        index = torch.where(known, target, 0).long()
        cross = functional.cross_entropy(logits, index, reduction="none")
        cross = (cross * known).sum() / known.sum()
        mask = known[:, None].to(logits.dtype)
        one_hot = functional.one_hot(index, classes).movedim(-1, 1).to(logits.dtype)
        # A class that no labelled voxel of the batch has would give a Dice loss of about one for
        # any prediction, a constant with a misleading gradient.
        present = (one_hot * mask).flatten(2).sum(dim=(0, 2)) > 0
        present[0] = True
        probability = functional.softmax(logits, dim=1) * mask
        if int(present.sum()) < 2:
            return cross
        return cross + self.dice(probability[:, present], (one_hot * mask)[:, present])
