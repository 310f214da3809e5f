"""Small pictures: turned as in Slicer's views, true in shape, with heat and outlines."""

from __future__ import annotations

import io

import numpy as np
import pytest

from ActiveSuggestLib.data.geometry import Geometry
from ActiveSuggestLib.serving.thumbnails import (
    LONGEST,
    display_extent,
    display_slice,
    png,
    render,
)

# An image in LPS order: x grows to the left, y to posterior, z to superior.
SHAPE = (4, 5, 6)
LPS = Geometry((6, 5, 4), (1.0, 2.0, 3.0))
# The same body stored turned: x grows to inferior, y to the right, z to anterior.
TURNED = Geometry(
    (4, 6, 5), (3.0, 1.0, 2.0), direction=(0.0, -1.0, 0.0, 0.0, 0.0, -1.0, -1.0, 0.0, 0.0)
)


def body() -> np.ndarray:
    """Return voxels (z, y, x), each with a value of its own."""
    return np.arange(np.prod(SHAPE)).reshape(SHAPE)


def turned(array: np.ndarray) -> np.ndarray:
    """Return the voxels of ``body`` as the grid ``TURNED`` stores them."""
    # From (S, P, L) to (A, R, I).
    return np.ascontiguousarray(array.transpose(1, 2, 0)[::-1, ::-1, ::-1])


def test_an_axial_slice_has_anterior_on_top_and_the_left_on_the_right_hand() -> None:
    assert np.array_equal(display_slice(body(), LPS, "axial", 1), body()[1])


def test_coronal_and_sagittal_slices_have_the_head_on_top() -> None:
    assert np.array_equal(display_slice(body(), LPS, "coronal", 2), body()[::-1, 2])
    assert np.array_equal(display_slice(body(), LPS, "sagittal", 3), body()[::-1, :, 3])


@pytest.mark.parametrize(
    ("plane", "index", "count"), [("axial", 1, 4), ("coronal", 2, 5), ("sagittal", 3, 6)]
)
def test_a_slice_looks_the_same_however_the_image_is_stored(
    plane: str, index: int, count: int
) -> None:
    # All three axes of the other grid run the other way.
    other = display_slice(turned(body()), TURNED, plane, count - 1 - index)
    assert np.array_equal(other, display_slice(body(), LPS, plane, index))
    assert display_extent(TURNED, plane) == display_extent(LPS, plane)


def test_the_extent_is_in_millimetres() -> None:
    assert display_extent(LPS, "axial") == (10.0, 6.0)
    assert display_extent(LPS, "coronal") == (12.0, 6.0)


def test_a_picture_has_the_shape_of_the_body_not_of_the_grid() -> None:
    grey = np.zeros((30, 60))
    grey[:, 30:] = 1.0
    picture = render(grey, (60.0, 60.0))
    assert picture.shape == (LONGEST, LONGEST, 3)
    assert picture[:, : LONGEST // 2 - 4].max() == 0
    assert picture[:, LONGEST // 2 + 4 :].min() == 255


def test_layers_of_other_grids_fall_onto_the_same_place() -> None:
    heat = np.zeros((48, 48))
    heat[24:, :24] = 1.0
    labels = np.zeros((20, 20), np.uint8)
    labels[10:, :10] = 7
    picture = render(
        np.zeros((10, 10)), (100.0, 100.0), heat=heat, labels=labels, colors={7: (0.0, 0.0, 1.0)}
    ).astype(int)
    half = LONGEST // 2
    warm = picture[half + 6 : -6, 6 : half - 6]
    assert (warm[..., 0] > 150).all()
    assert (picture[: half - 4] == 0).all()
    assert (picture[half, 5 : half - 5] == (0, 0, 255)).all()
    assert (picture[half:, half + 4 :] == 0).all()


def test_more_uncertain_is_more_opaque_and_a_sure_model_leaves_the_picture_alone() -> None:
    grey = np.full((32, 32), 0.5)
    grey[0, 0], grey[-1, -1] = 0.0, 1.0
    ramp = np.tile(np.linspace(0, 1, 32), (32, 1))
    plain, hot = (render(grey, (32.0, 32.0), heat=h).astype(int) for h in (None, ramp))
    change = np.abs(hot - plain).sum(axis=2)[LONGEST // 2]
    assert change[: LONGEST // 8].max() == 0
    assert change[-20:].mean() > change[LONGEST // 2] > 0
    still = render(grey, (32.0, 32.0), heat=np.zeros((32, 32)))
    assert np.array_equal(still, plain)


def test_a_blank_or_broken_slice_still_gives_a_picture() -> None:
    for grey in (np.zeros((5, 5)), np.full((5, 5), np.nan), np.array([[np.inf, 0.0]])):
        assert render(grey, (5.0, 5.0)).dtype == np.uint8


def test_a_very_long_slice_keeps_some_breadth() -> None:
    assert render(np.zeros((2, 900)), (1.0, 900.0)).shape == (16, LONGEST, 3)


def test_a_png_is_what_other_programs_read() -> None:
    image = pytest.importorskip("PIL.Image")
    picture = np.random.default_rng(0).integers(0, 256, (7, 11, 3), np.uint8)
    assert np.array_equal(np.asarray(image.open(io.BytesIO(png(picture)))), picture)
