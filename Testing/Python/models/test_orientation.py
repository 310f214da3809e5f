"""Axes: whatever way a volume is stored, the models see the same anatomy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ActiveSuggestLib.data.geometry import Geometry
from ActiveSuggestLib.models.orientation import orientation_of

ORDERS = list(itertools.permutations(range(3)))
SIGNS = list(itertools.product((1, -1), repeat=3))


def stored(volume, order, signs):
    """Return an LPS volume (z, y, x) stored along other axes, and its geometry."""
    array = volume.transpose(2, 1, 0)  # index order x, y, z
    array = array.transpose(order)[tuple(slice(None, None, s) for s in signs)]
    direction = np.zeros((3, 3))
    for axis, (world, sign) in enumerate(zip(order, signs, strict=True)):
        direction[world, axis] = sign
    x, y, z = array.shape
    geometry = Geometry((x, y, z), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), tuple(direction.ravel()))
    return array.transpose(2, 1, 0), geometry


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("signs", SIGNS)
def test_every_storage_order_gives_the_same_axial_volume(order, signs):
    volume = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    array, geometry = stored(volume, order, signs)
    orientation = orientation_of(geometry, "axial")
    assert np.array_equal(orientation.apply(array), volume)
    assert np.array_equal(orientation.invert(orientation.apply(array)), array)


@pytest.mark.parametrize(("plane", "axis"), [("axial", 0), ("coronal", 1), ("sagittal", 2)])
def test_the_slices_of_a_plane_come_first(plane, axis):
    volume = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    array, geometry = stored(volume, (0, 1, 2), (1, 1, 1))
    oriented = orientation_of(geometry, plane).apply(array)
    assert oriented.shape[0] == volume.shape[axis]
    assert np.array_equal(np.sort(oriented[1].ravel()), np.sort(volume.take(1, axis).ravel()))


def test_slice_indices_name_the_images_own_slices():
    volume = np.arange(5 * 3 * 4).reshape(5, 3, 4)
    array, geometry = stored(volume, (0, 1, 2), (1, 1, -1))
    orientation = orientation_of(geometry, "axial")
    indices = orientation.slice_indices(5)
    for prepared, image in enumerate(indices):
        assert np.array_equal(orientation.apply(array)[prepared], array[image])


def test_leading_axes_stay():
    array = np.zeros((7, 2, 3, 4))
    geometry = Geometry((4, 3, 2), (1, 1, 1), (0, 0, 0), (0, 0, 1, 1, 0, 0, 0, 1, 0))
    orientation = orientation_of(geometry, "axial")
    assert orientation.invert(orientation.apply(array)).shape == array.shape
    assert orientation.apply(array).shape[0] == 7
