"""Training batches: which cases, which patches of them, drawn from given random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from ..data.labels import UNKNOWN
from .augmentation import changed, draw_changes
from .plan import Plan

FOREGROUND_SHARE = 0.5
NEW_LABEL_WEIGHT = 2.0
SYNTHETIC_SHARE = 1 / 3
PLACES_A_CLASS = 4_000


@dataclass(frozen=True)
class LabelledCase:
    """A prepared image (C, S, H, W), its label uint8 (S, H, W), and where its classes lie.

    ``is_new`` marks a label that the parent model was not trained on.
    """

    name: str
    image: np.ndarray
    label: np.ndarray
    is_new: bool
    label_hash: str
    places: dict[int, np.ndarray] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls, name: str, image: np.ndarray, label: np.ndarray, *, is_new: bool, label_hash: str
    ) -> LabelledCase:
        """Make a case and note up to ``PLACES_A_CLASS`` voxels of each class, evenly spread."""
        places: dict[int, np.ndarray] = {}
        for value in np.unique(label):
            if value == UNKNOWN:
                continue
            found = np.flatnonzero(label == value)
            found = found[:: max(1, len(found) // PLACES_A_CLASS)]
            places[int(value)] = np.stack(np.unravel_index(found, label.shape), axis=1)
        return cls(name, image, label, is_new, label_hash, places)


class Batches:
    """Batches of augmented patches; batch i depends on the seed, i and the cases alone.

    ``synthetic`` cases are drawn from besides, a third of the time all together.
    """

    def __init__(
        self,
        cases: Sequence[LabelledCase],
        plan: Plan,
        seed: int,
        synthetic: Sequence[LabelledCase] = (),
    ) -> None:
        self.plan = plan
        self.seed = seed
        self.synthetic = list(synthetic)
        self.replace_cases(cases)

    def replace_cases(self, cases: Sequence[LabelledCase]) -> None:
        """Draw from other cases from now on, newest labels weighted up."""
        weight = np.array([NEW_LABEL_WEIGHT if c.is_new else 1.0 for c in cases])
        weight = weight / weight.sum()
        if self.synthetic:
            each = np.full(len(self.synthetic), SYNTHETIC_SHARE / len(self.synthetic))
            weight = np.concatenate([(1.0 - SYNTHETIC_SHARE) * weight, each])
        # One assignment, since other threads draw meanwhile.
        self._drawn_from = ([*cases, *self.synthetic], weight)

    def draw(self, index: int, size: int, halvings: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
        """Return batch ``index``: float32 (B, C, *spatial) and uint8 (B, *spatial)."""
        cases, weight = self._drawn_from
        rng = np.random.default_rng([self.seed, index])
        patch = self._patch(halvings)
        crops = [crop(cases[rng.choice(len(cases), p=weight)], patch, rng) for _ in range(size)]
        images = torch.from_numpy(np.stack([image for image, _ in crops]))
        labels = torch.from_numpy(np.stack([label for _, label in crops]))
        if self.plan.dimensions == 2:
            images, labels = images[:, :, 0], labels[:, 0]
        drawn = draw_changes(rng, size, images.shape[1], tuple(images.shape[2:]))
        return changed(images, labels, drawn)

    def _patch(self, halvings: int) -> tuple[int, int, int]:
        divisor = self.plan.window_divisor
        cut = [
            p if p == 1 else max(2 * d, -(-p // (2**halvings * d)) * d)
            for p, d in zip(self.plan.patch, divisor, strict=True)
        ]
        return cut[0], cut[1], cut[2]


def crop(
    case: LabelledCase, patch: tuple[int, int, int], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return a patch around a labelled voxel, in half of the draws one of the foreground.

    Beyond the volume the image is zero and the label unknown.
    """
    centre = _centre(case, rng)
    image = np.zeros((len(case.image), *patch), np.float32)
    label = np.full(patch, UNKNOWN, np.uint8)
    source, target = [], []
    for middle, wide, whole in zip(centre, patch, case.label.shape, strict=True):
        if whole <= wide:
            start, offset, length = 0, (wide - whole) // 2, whole
        else:
            jitter = int(rng.integers(-(wide // 4), wide // 4 + 1)) if wide > 1 else 0
            start = int(np.clip(middle - wide // 2 + jitter, 0, whole - wide))
            offset, length = 0, wide
        source.append(slice(start, start + length))
        target.append(slice(offset, offset + length))
    image[(slice(None), *target)] = case.image[(slice(None), *source)]
    label[tuple(target)] = case.label[tuple(source)]
    return image, label


def _centre(case: LabelledCase, rng: np.random.Generator) -> np.ndarray:
    foreground = [value for value in case.places if value != 0]
    if foreground and (rng.random() < FOREGROUND_SHARE or 0 not in case.places):
        places = case.places[foreground[int(rng.integers(len(foreground)))]]
    else:
        places = case.places[0]
    return places[int(rng.integers(len(places)))]
