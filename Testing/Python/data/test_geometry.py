"""Geometry: comparing grids, naming planes, refusing what cannot be real."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from ActiveSuggestLib.data.geometry import Geometry, check
from ActiveSuggestLib.errors import AbsurdSpacingError, SkewedAxesError

GRID = Geometry((10, 20, 30), (1.0, 2.0, 3.0), (5.0, 6.0, 7.0))


def turned(degrees: float) -> tuple[float, ...]:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return (1.0, 0.0, 0.0, 0.0, c, -s, 0.0, s, c)


def test_shape_and_spacing_come_in_array_order() -> None:
    assert GRID.shape == (30, 20, 10)
    assert GRID.array_spacing == (3.0, 2.0, 1.0)


def test_the_matrix_is_that_of_itk() -> None:
    image = sitk.Image(GRID.size, sitk.sitkUInt8)
    image.SetSpacing(GRID.spacing)
    image.SetOrigin(GRID.origin)
    image.SetDirection(turned(30))
    grid = Geometry.from_sitk(image)
    point = grid.matrix @ [3, 4, 5, 1]
    assert np.allclose(point[:3], image.TransformIndexToPhysicalPoint((3, 4, 5)))


def test_a_2d_image_gets_one_slice() -> None:
    image = sitk.Image((4, 5), sitk.sitkUInt8)
    image.SetSpacing((0.5, 0.25))
    assert Geometry.from_sitk(image) == Geometry((4, 5, 1), (0.5, 0.25, 1.0))


def test_rounding_of_a_thousandth_voxel_is_the_same_grid_and_more_is_not() -> None:
    assert GRID.matches(replace(GRID, origin=(5.0009, 6.0, 7.0)))
    assert not GRID.matches(replace(GRID, origin=(5.01, 6.0, 7.0)))
    assert GRID.matches(replace(GRID, origin=(5.01, 6.0, 7.0)), tol=0.05)


def test_a_small_error_of_spacing_counts_where_it_has_added_up() -> None:
    assert not GRID.matches(replace(GRID, spacing=(1.0, 2.0, 3.001)))


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (replace(GRID, size=(10, 20, 31)), "size 10 × 20 × 31 instead of 10 × 20 × 30 voxels"),
        (replace(GRID, spacing=(1.0, 2.0, 4.0)), "spacing 1 × 2 × 4 instead of 1 × 2 × 3 mm"),
        (replace(GRID, direction=turned(90)), "axes that point another way"),
        (replace(GRID, origin=(5.0, 6.0, 17.0)), "an origin 10 mm away"),
        (replace(GRID, spacing=(1.0, 2.0, 3.002)), "drift apart"),
    ],
)
def test_a_difference_is_said_in_words(other: Geometry, words: str) -> None:
    assert words in GRID.difference(other)
    assert GRID.difference(GRID) == ""


def test_planes_are_found_by_direction_not_by_order() -> None:
    assert [GRID.plane_axis(p) for p in ("axial", "coronal", "sagittal")] == [0, 1, 2]
    sagittal_first = replace(GRID, direction=(0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
    assert sagittal_first.plane_axis("sagittal") == 0
    assert sagittal_first.plane_axis("axial") == 1
    assert sagittal_first.plane_axis("coronal") == 2


@pytest.mark.parametrize("degrees", [0, 20, 44, 45, 46, 90, 200])
def test_each_plane_has_an_axis_of_its_own_however_tilted(degrees: float) -> None:
    grid = replace(GRID, direction=turned(degrees))
    assert {grid.plane_axis(p) for p in ("axial", "coronal", "sagittal")} == {0, 1, 2}


def test_a_single_slice_is_its_own_plane() -> None:
    coronal_xray = replace(GRID, size=(10, 20, 1), direction=turned(90))
    assert coronal_xray.plane_axis("axial") == 0


def test_tilt_and_handedness_are_measured_and_noted() -> None:
    tilted = replace(GRID, direction=turned(20))
    assert tilted.tilt_degrees == pytest.approx(20)
    assert "tilted by 20.0 degrees" in tilted.notes()[0]
    mirrored = replace(GRID, direction=(-1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))
    assert mirrored.is_left_handed
    assert not GRID.is_left_handed
    assert "left-handed" in mirrored.notes()[0]
    assert GRID.notes() == ()


@pytest.mark.parametrize("spacing", [0.0, -1.0, math.nan, math.inf, 101.0, 1e-5])
def test_absurd_spacing_is_named_with_its_axis(spacing: float) -> None:
    with pytest.raises(AbsurdSpacingError, match="along y"):
        check(replace(GRID, spacing=(1.0, spacing, 1.0)))


def test_the_spacing_across_a_single_slice_may_be_anything_positive() -> None:
    check(replace(GRID, size=(10, 20, 1), spacing=(1.0, 1.0, 400.0)))


def test_axes_not_at_right_angles_are_refused() -> None:
    with pytest.raises(SkewedAxesError):
        check(replace(GRID, direction=(1.0, 0.4, 0.0, 0.0, 0.9, 0.0, 0.0, 0.0, 1.0)))


def test_a_geometry_survives_json() -> None:
    assert Geometry.from_dict(GRID.to_dict()) == GRID
