"""Moved borders: closed, bounded, of the same classes, and the same for the same numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ActiveSuggestLib.data.labels import UNKNOWN
from ActiveSuggestLib.models.boundaries import boundary, fill, outward, refit
from ActiveSuggestLib.models.mask_edits import (
    ALPHAS,
    BETAS,
    LARGEST_MOVE,
    PAPER_SIDE,
    EditRanges,
    changed_region,
    draw_edit,
    intensity_change,
    moved,
    placed,
    present_classes,
)

SIDE = 128
STILL = EditRanges(rotation=0.0, shift=0.0, brightened=0.0)


@pytest.fixture(scope="module")
def a_mask():
    """An ellipse (1) with a disc (2) in it, and a part that nobody has labelled."""
    y, x = np.mgrid[:SIDE, :SIDE]
    mask = (((y - 64) / 40) ** 2 + ((x - 60) / 25) ** 2 < 1).astype(np.uint8)
    mask[(y - 64) ** 2 + (x - 60) ** 2 < 100] = 2
    mask[:6] = UNKNOWN
    return mask


def edits(count, ranges=STILL, classes=(1, 2)):
    return [draw_edit(classes, ranges, np.random.default_rng(i)) for i in range(count)]


def test_a_boundary_is_closed_and_holds_the_region(a_mask):
    region = a_mask == 2
    curve = boundary(region)
    assert curve.shape == (100, 2)
    steps = np.linalg.norm(np.roll(curve, -1, axis=0) - curve, axis=1)
    assert steps.max() < 3 * np.median(steps)
    spline = refit(curve)
    assert np.allclose(spline[0], spline[-1])
    found = fill(spline, region.shape)
    assert (found & region).sum() / (found | region).sum() > 0.95


def test_normals_point_outwards(a_mask):
    curve = boundary(a_mask == 2)
    from_middle = curve - curve.mean(axis=0)
    assert (np.einsum("ij,ij->i", outward(curve), from_middle) > 0).all()


def test_what_is_too_small_has_no_boundary():
    region = np.zeros((16, 16), bool)
    assert boundary(region) is None
    region[4, 4] = True
    assert boundary(region) is None
    region[4:6, 4:6] = True
    assert boundary(region) is None
    mask = region.astype(np.uint8)
    edit = draw_edit((1,), STILL, np.random.default_rng(0))
    assert np.array_equal(moved(mask, edit), mask)


def test_the_largest_of_several_parts_is_moved(a_mask):
    mask = np.where(a_mask == 2, 1, a_mask)
    mask[110:116, 110:116] = 1
    changed = moved(mask, replace(edits(1, classes=(1,))[0], moves=(15.0, 15.0)))
    assert np.array_equal(changed[105:, 105:], mask[105:, 105:])
    assert (changed != mask).any()


@pytest.mark.parametrize("edit", edits(12))
def test_an_edit_changes_a_little_of_one_class(a_mask, edit):
    changed = moved(a_mask, edit)
    assert set(np.unique(changed)) <= set(np.unique(a_mask))
    assert np.array_equal(changed == UNKNOWN, a_mask == UNKNOWN)
    different = changed != a_mask
    assert ((a_mask == edit.kind) | (changed == edit.kind))[different].all()
    # Two runs of a quarter of the boundary, no further than they were moved (and a pixel's edge).
    curve = boundary(a_mask == edit.kind)
    length = np.linalg.norm(np.roll(curve, -1, axis=0) - curve, axis=1).sum()
    furthest = LARGEST_MOVE * SIDE / PAPER_SIDE
    assert different.sum() < 0.5 * length * (2 * furthest + 2)


def test_out_is_more_and_in_is_less(a_mask):
    edit = edits(1, classes=(2,))[0]
    before = (a_mask == 2).sum()
    assert (moved(a_mask, replace(edit, moves=(12.0, 12.0))) == 2).sum() > before + 20
    assert (moved(a_mask, replace(edit, moves=(-12.0, -12.0))) == 2).sum() < before - 20


def test_what_a_class_loses_goes_to_its_neighbour(a_mask):
    edit = replace(edits(1, classes=(2,))[0], moves=(-15.0, -15.0))
    changed = moved(a_mask, edit)
    assert (changed[(a_mask == 2) & (changed != 2)] == 1).all()


def test_moves_scale_with_the_picture(a_mask):
    edit = edits(1, classes=(2,))[0]
    twice = a_mask.repeat(2, axis=0).repeat(2, axis=1)
    small = (moved(a_mask, edit) != a_mask).mean()
    large = (moved(twice, edit) != twice).mean()
    assert large == pytest.approx(small, rel=0.35)


def test_the_same_numbers_give_the_same_edit(a_mask):
    first, second = edits(2)
    again = edits(1)[0]
    assert first == again != second
    assert np.array_equal(moved(a_mask, first), moved(a_mask, again))


def test_without_a_structure_nothing_is_moved():
    mask = np.zeros((32, 32), np.uint8)
    edit = draw_edit(present_classes(mask), EditRanges(), np.random.default_rng(0))
    changed = moved(mask, edit)
    assert np.array_equal(changed, mask)
    assert not changed_region(mask, changed).any()


def test_the_region_holds_the_change_with_a_margin(a_mask):
    changed = moved(a_mask, edits(1)[0])
    region = changed_region(a_mask, changed)
    assert region[changed != a_mask].all()
    assert (changed != a_mask).sum() < region.sum() < 0.4 * region.size


def test_picture_and_mask_are_placed_together(a_mask):
    known = np.where(a_mask == UNKNOWN, 0, a_mask)
    picture = known[None].astype(np.float32)
    ranges = EditRanges(rotation=20.0, shift=40.0, mirrored=0.5)
    for edit in edits(6, ranges):
        placed_picture, placed_mask = placed(picture, known, edit)
        inside = placed_mask != UNKNOWN
        agree = np.abs(placed_picture[0] - placed_mask)[inside] < 0.5
        assert agree.mean() > 0.97
        assert set(np.unique(placed_mask)) <= {0, 1, 2, UNKNOWN}


def test_nothing_is_mirrored_unless_asked_for():
    assert not any(e.mirrored for e in edits(30, EditRanges()))
    assert any(e.mirrored for e in edits(30, EditRanges(mirrored=0.5)))


def test_the_ranges_of_the_paper_are_drawn_from():
    drawn = edits(200, EditRanges(brightened=1.0))
    moves = np.abs([m for e in drawn for m in e.moves])
    assert moves.min() >= 1
    assert moves.max() <= 15
    alphas = {e.brighter[0] for e in drawn}
    betas = {e.brighter[1] for e in drawn}
    assert alphas <= set(ALPHAS)
    assert betas <= set(BETAS)
    assert min(alphas) >= 1
    assert max(alphas) <= 5
    assert min(betas) >= 2
    assert max(betas) <= 10


def test_a_structure_is_made_brighter_or_darker_by_half_its_deviation_at_most(a_mask):
    rng = np.random.default_rng(1)
    picture = (a_mask == 1)[None] * 1.0 + rng.normal(0, 0.3, (1, SIDE, SIDE))
    region = a_mask == 1
    edit = replace(edits(1, classes=(1,))[0], brighter=(5.0, 10.0, 1))
    for sign in (1, -1):
        changed = intensity_change(picture, a_mask, replace(edit, brighter=(5.0, 10.0, sign)))
        difference = sign * (changed - picture)[0]
        assert difference[region].mean() > 0.05
        assert difference.max() <= 0.5 * picture[0][region].std() + 1e-6
        assert abs(difference[115:]).max() < 0.02
    assert intensity_change(picture, a_mask, replace(edit, brighter=None)) is picture
