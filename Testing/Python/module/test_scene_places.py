"""Uncertain places: found where the model is unsure, apart from each other, the worst first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ActiveSuggestModule.scene.places import MOST_PLACES, find_places

from ActiveSuggestLib.data.geometry import Geometry
from Testing.Python.module.scene_cases import GEOMETRIES, ball

WIDE = Geometry((80, 90, 60), (1.0, 1.0, 1.5), (5.0, 6.0, 7.0))


def unsure(*balls: tuple[tuple[int, int, int], float, float]) -> np.ndarray:
    heat = np.zeros(WIDE.shape, np.float32)
    for centre, radius, height in balls:
        heat = np.maximum(heat, height * ball(WIDE.shape, radius, centre))
    return heat.astype(np.float32)


def test_a_sure_model_has_no_places():
    assert find_places(np.zeros(WIDE.shape, np.float32), WIDE, "axial") == []


def test_the_most_uncertain_place_comes_first():
    heat = unsure(((20, 30, 30), 4, 0.4), ((40, 60, 50), 4, 0.6))
    places = find_places(heat, WIDE, "axial")
    assert len(places) == 2
    assert places[0].slice == pytest.approx(40, abs=4)
    assert places[1].slice == pytest.approx(20, abs=4)
    assert places[0].uncertainty > places[1].uncertainty


def test_a_single_voxel_counts_less_than_a_region():
    heat = unsure(((40, 60, 50), 5, 0.5))
    heat[10, 10, 10] = 2.0
    places = find_places(heat, WIDE, "axial")
    assert places[0].slice == pytest.approx(40, abs=5)
    assert all(place.slice != 10 for place in places)


def test_places_lie_in_the_heat_and_apart():
    heat = unsure(((30, 45, 40), 25, 0.6))
    places = find_places(heat, WIDE, "axial")
    points = np.array([place.position_ras for place in places])
    indices = (
        np.linalg.inv(np.diag([-1, -1, 1, 1]) @ WIDE.matrix) @ np.c_[points, np.ones(len(points))].T
    )
    x, y, z = np.rint(indices[:3]).astype(int)
    assert (heat[z, y, x] > 0).all()
    assert 2 < len(places) <= MOST_PLACES
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    # Each place may lie anywhere in its block of 3 mm.
    assert distances[~np.eye(len(points), dtype=bool)].min() > 12 - 2 * 3 * np.sqrt(3)


def test_noise_everywhere_gives_no_more_than_the_most():
    heat = np.random.default_rng(0).random(WIDE.shape).astype(np.float32)
    places = find_places(heat, WIDE, "axial", count=7)
    assert len(places) == 7
    found = [place.uncertainty for place in places]
    assert found == sorted(found, reverse=True)


def test_the_edge_is_not_overrated():
    heat = np.zeros(WIDE.shape, np.float32)
    heat[:2] = 0.5
    heat[:, :2] = 0.5
    heat += unsure(((30, 45, 40), 6, 0.5))
    assert find_places(heat, WIDE, "axial")[0].slice == pytest.approx(30, abs=6)


@pytest.mark.parametrize("kind", GEOMETRIES)
@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_position_and_slice_are_those_of_the_voxel(kind, plane):
    geometry = GEOMETRIES[kind]
    voxel = tuple(int(n * 0.6) for n in geometry.shape)
    heat = np.zeros(geometry.shape, np.float32)
    heat[voxel] = 0.6
    (place,) = find_places(heat, geometry, plane)
    left, back, up, _ = geometry.matrix @ np.array([*voxel[::-1], 1.0])
    assert place.position_ras == pytest.approx((-left, -back, up))
    assert place.slice == voxel[geometry.plane_axis(plane)]


def test_a_volume_smaller_than_a_block_is_looked_at_too():
    tiny = replace(WIDE, size=(2, 3, 2))
    heat = np.full(tiny.shape, 0.1, np.float32)
    heat[1, 2, 1] = 0.5
    places = find_places(heat, tiny, "axial")
    assert places[0].slice == 1
