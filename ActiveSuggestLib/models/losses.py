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
        log_probability = functional.log_softmax(logits, dim=1)
        cross = functional.nll_loss(log_probability, target.long(), ignore_index=UNKNOWN)
        classes = torch.arange(logits.shape[1], device=target.device, dtype=target.dtype)
        # Unknown voxels are of no class, so this is masked already.
        truth = target[:, None] == classes.view(1, -1, *(1 for _ in target.shape[1:]))
        # A class that no labelled voxel of the batch has would give a Dice loss of about one for
        # any prediction, a constant with a misleading gradient.
        present = truth.transpose(0, 1).flatten(1).any(dim=1)
        present[0] = True
        if int(present.sum()) < 2:
            return cross
        probability = log_probability.exp() * known[:, None]
        truth = truth.to(logits.dtype)
        if not bool(present.all()):
            probability, truth = probability[:, present], truth[:, present]
        return cross + self.dice(probability, truth)
