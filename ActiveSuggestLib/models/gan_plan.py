"""The sizes of the conditional GAN and how long it learns."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Any

SIDE_STEP = 16
LARGEST_SIDE = {"cpu": 96, "gpu": 256}
PAPER_SIDE = 512


@dataclass(frozen=True)
class GanPlan:
    """What generator, discriminator and mask autoencoder are made from, and how they are trained.

    Pictures are (channels, side, side), masks have ``classes`` with the background. The generator
    has ``blocks`` residual blocks of ``width`` channels and is told a mask's latent of ``latent``
    dimensions; the discriminator goes from ``width`` to eight times as many. The last
    ``altered_share`` of the training has altered masks in every second step, with the content loss
    times ``content_weight`` (w) and bounded by ``most_perceptual`` (τ₁) and ``most_squared`` (τ₂).
    """

    channels: int
    classes: int
    side: int
    width: int
    blocks: int = 8
    latent: int = 64
    batch: int = 4
    learning_rate: float = 2e-4
    mask_learning_rate: float = 1e-3
    altered_share: float = 0.3
    l1_weight: float = 10.0
    content_weight: float = 0.1
    most_perceptual: float = 0.5
    most_squared: float = 0.01

    @property
    def hash(self) -> str:
        """The identity of the plan, 12 hexadecimal digits."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def gan_plan(
    channels: int, classes: int, largest: int, *, on_cpu: bool, paper: bool = False, **changes: Any
) -> GanPlan:
    """Return the plan for slices of up to ``largest`` voxels a side.

    The paper's width is 64. A CPU gets 16 and pictures of 96 at most, with a higher learning rate,
    so that it learns within minutes; larger slices are made smaller.
    """
    small = on_cpu and not paper
    most = PAPER_SIDE if paper else LARGEST_SIDE["cpu" if on_cpu else "gpu"]
    side = min(most, -(-largest // SIDE_STEP) * SIDE_STEP)
    plan = GanPlan(
        channels,
        classes,
        max(2 * SIDE_STEP, side),
        16 if small else 64,
        learning_rate=2e-3 if small else 2e-4,
    )
    return replace(plan, **changes)
