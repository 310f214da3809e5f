"""Small changes of a label that move its borders, as Mahapatra et al. (MICCAI 2018) make them.

Of a structure's boundary, points that follow each other are moved in or out and the boundary is
refitted by a B-spline; the picture and its label may be turned and shifted together; and the
intensities of the structure are changed by α μ + β σ. The paper's lengths are pixels of 512, so
they are scaled with the picture. Random numbers come from outside (``draw_edit``), so the same ones
give the same edit.

Where the paper is silent or cannot be meant literally: a boundary has 100 points, of which runs of
25 are moved, most in their middle and not at their ends, so that the border stays whole; α μ + β σ
(up to 5 μ + 10 σ) would leave any intensity range, so it is taken relative to the largest one of
the structure (``intensity_change``); nothing is mirrored unless it is asked for, as left and right
are different anatomy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..data.labels import UNKNOWN
from .boundaries import POINTS, boundary, fill, outward, refit

PAPER_SIDE = 512.0
MOVED_POINTS = 25
SMALLEST_MOVE, LARGEST_MOVE = 1.0, 15.0
MARGIN = 4.0
ALPHAS = np.round(np.arange(1.0, 5.01, 0.2), 1)
BETAS = np.round(np.arange(2.0, 10.01, 0.2), 1)
LARGEST_SHIFT = 0.5


@dataclass(frozen=True)
class EditRanges:
    """How much is changed. ``runs`` of the boundary are moved; angles in degrees.

    ``shift`` is in pixels of 512. ``mirrored`` and ``brightened`` are probabilities.
    """

    runs: int = 2
    rotation: float = 5.0
    shift: float = 10.0
    mirrored: float = 0.0
    brightened: float = 0.3


@dataclass(frozen=True)
class Edit:
    """One drawn change: of which class, which runs of its boundary by how much, and what else.

    ``starts`` are shares of the way around, ``moves`` pixels of 512, outwards if positive;
    ``shift`` (rows, columns) in pixels of 512; ``brighter`` is (α, β, sign) or ``None``.
    """

    kind: int
    starts: tuple[float, ...]
    moves: tuple[float, ...]
    rotation: float
    shift: tuple[float, float]
    mirrored: bool
    brighter: tuple[float, float, int] | None


def draw_edit(classes: tuple[int, ...], ranges: EditRanges, rng: np.random.Generator) -> Edit:
    """Return a random edit of one of ``classes``; of none if there are none."""
    kind = int(classes[int(rng.integers(len(classes)))]) if classes else 0
    sizes = rng.uniform(SMALLEST_MOVE, LARGEST_MOVE, ranges.runs) * rng.choice((-1, 1), ranges.runs)
    alpha, beta = float(rng.choice(ALPHAS)), float(rng.choice(BETAS))
    sign = int(rng.choice((-1, 1)))
    return Edit(
        kind,
        tuple(float(s) for s in rng.uniform(0.0, 1.0, ranges.runs)),
        tuple(float(s) for s in sizes),
        float(rng.uniform(-ranges.rotation, ranges.rotation)),
        (float(rng.uniform(-1, 1)) * ranges.shift, float(rng.uniform(-1, 1)) * ranges.shift),
        bool(rng.random() < ranges.mirrored),
        (alpha, beta, sign) if rng.random() < ranges.brightened else None,
    )


def present_classes(mask: np.ndarray) -> tuple[int, ...]:
    """Return the foreground classes of a mask (H, W)."""
    return tuple(int(v) for v in np.unique(mask) if v not in (0, UNKNOWN))


def moved(mask: np.ndarray, edit: Edit) -> np.ndarray:
    """Return a mask uint8 (H, W) whose class ``edit.kind`` has another border.

    What the class gains it takes from its neighbours, what it loses goes to the nearest other
    class; unknown pixels stay unknown. Unchanged where the class is missing or too small.
    """
    region = mask == edit.kind
    curve = boundary(region) if edit.kind else None
    if curve is None:
        return mask.copy()
    scale = max(mask.shape) / PAPER_SIDE
    profile = np.sin(np.pi * (np.arange(MOVED_POINTS) + 0.5) / MOVED_POINTS) ** 2
    offset = np.zeros(POINTS)
    for start, move in zip(edit.starts, edit.moves, strict=True):
        where = (int(start * POINTS) + np.arange(MOVED_POINTS)) % POINTS
        offset[where] += move * scale * profile
    try:
        new = refit(curve + offset[:, None] * outward(curve))
        before = refit(curve)
    except (TypeError, ValueError):  # Too few different points for a spline.
        return mask.copy()
    # Both through the same spline, so that only what was moved changes.
    inside, was = fill(new, mask.shape), fill(before, mask.shape)
    known = mask != UNKNOWN
    gained, lost = inside & ~was & ~region & known, was & ~inside & region
    result = mask.copy()
    result[gained] = edit.kind
    others = ~region & known
    if lost.any() and others.any():
        nearest = ndimage.distance_transform_edt(~others, return_distances=False,
                                                 return_indices=True)  # fmt: skip
        result[lost] = mask[tuple(nearest)][lost]
    return result


def changed_region(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return where two masks (H, W) differ, with a margin around, bool (H, W).

    The margin covers the blur of a border (4 pixels of 512, one at least).
    """
    different = before != after
    if not different.any():
        return different
    margin = max(1, round(MARGIN * max(before.shape) / PAPER_SIDE))
    return ndimage.binary_dilation(different, iterations=margin + 1)


def placed(picture: np.ndarray, mask: np.ndarray, edit: Edit) -> tuple[np.ndarray, np.ndarray]:
    """Return picture (C, H, W) and mask (H, W) turned, shifted and perhaps mirrored together.

    What comes in from outside repeats the border of the picture; its label is unknown.
    """
    if edit.mirrored:
        picture, mask = picture[..., ::-1], mask[:, ::-1]
    if edit.rotation == 0.0 and edit.shift == (0.0, 0.0):
        return np.ascontiguousarray(picture), np.ascontiguousarray(mask)
    angle = math.radians(edit.rotation)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    middle = (np.array(mask.shape) - 1) / 2
    shift = np.array(edit.shift) * max(mask.shape) / PAPER_SIDE
    offset = middle - turn @ (middle + shift)
    picture = np.stack(
        [ndimage.affine_transform(c, turn, offset, order=1, mode="nearest") for c in picture]
    )
    turned = ndimage.affine_transform(mask, turn, offset, order=0, mode="constant", cval=UNKNOWN)
    return picture, turned


def intensity_change(picture: np.ndarray, mask: np.ndarray, edit: Edit) -> np.ndarray:
    """Return picture (C, H, W) with the edited class brighter or darker, its edge faded.

    Each channel by ½σ·(α|μ| + βσ) / (5|μ| + 10σ), where μ and σ are the mean and the deviation of
    the channel in the class.
    """
    region = mask == edit.kind
    if edit.brighter is None or edit.kind == 0 or not region.any():
        return picture
    alpha, beta, sign = edit.brighter
    fade = ndimage.gaussian_filter(region.astype(np.float32), 2.0)
    result = picture.copy()
    for channel in result:
        mean, deviation = abs(float(channel[region].mean())), float(channel[region].std())
        largest = ALPHAS[-1] * mean + BETAS[-1] * deviation
        if largest > 0:
            part = (alpha * mean + beta * deviation) / largest
            channel += sign * LARGEST_SHIFT * deviation * part * fade
    return result
