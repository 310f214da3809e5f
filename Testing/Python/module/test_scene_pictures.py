"""What a person sees: slice views rendered off-screen, looked at pixel by pixel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from ActiveSuggestModule.scene.overlay import ramp_color, scale_of

from ActiveSuggestLib.data.geometry import Geometry
from Testing.Python.module.scene_cases import (
    GEOMETRIES,
    SEGMENTS,
    ball,
    case_scene,
    make_case,
    matrix_of,
    pixel_of,
    rendered,
    save_volume,
)

ARTEFACTS = Path(__file__).resolve().parents[2] / "Artefacts"
PLANES = {"Red": "axial", "Green": "coronal", "Yellow": "sagittal"}


def is_grey(pixel: np.ndarray) -> bool:
    return int(pixel.max()) - int(pixel.min()) < 12


def leans_to(pixel: np.ndarray, colour: tuple[float, ...]) -> bool:
    """Whether a pixel's hue is that of a colour: both without their grey part point one way."""
    here = pixel.astype(float) - pixel.mean()
    there = np.array(colour) * 255 - np.mean(colour) * 255
    if np.linalg.norm(here) < 8:
        return False
    return float(here @ there / np.linalg.norm(here) / np.linalg.norm(there)) > 0.8


def seen_at(world, scene, view: str, voxel: tuple[int, ...], picture: np.ndarray) -> np.ndarray:
    """Return the pixel at a voxel (z, y, x)."""
    ras = matrix_of(scene.shown.volume) @ np.array([*voxel[::-1], 1.0])
    row, column = pixel_of(world, view, ras[:3], len(picture))
    return picture[row, column]


def inner_voxel(mask: np.ndarray, axis: int, index: int) -> tuple[int, ...]:
    """Return a voxel of a slice that is as far from the mask's border as any."""
    from scipy.ndimage import distance_transform_edt

    flat = np.take(mask, index, axis)
    depth = distance_transform_edt(np.pad(flat, 1))[1:-1, 1:-1]
    at = list(np.unravel_index(int(np.argmax(depth)), flat.shape))
    at.insert(axis, index)
    return tuple(int(n) for n in at)


@pytest.mark.parametrize("kind", GEOMETRIES)
@pytest.mark.parametrize("view", PLANES)
def test_segments_have_their_colours_where_the_mask_is(kind, view, world, tmp_path):
    geometry = GEOMETRIES[kind]
    scene = case_scene(world)
    plane = PLANES[view]
    scene.show(make_case(tmp_path, geometry=geometry, plane=plane), SEGMENTS)
    scene.set_overlay(visible=False, opacity=0.0)
    labels, axis = scene.mask().array, geometry.plane_axis(plane)
    index = int(np.argmax((labels == 2).sum(axis=tuple(a for a in range(3) if a != axis))))
    scene.go_to_slice(index)
    picture = rendered(world, view, tmp_path / "view.png")
    for segment in SEGMENTS:
        voxel = inner_voxel(labels == segment.value, axis, index)
        assert leans_to(seen_at(world, scene, view, voxel, picture), segment.color), segment.name
    voxel = inner_voxel(labels == 0, axis, index)
    assert is_grey(seen_at(world, scene, view, voxel, picture))


def test_the_overlay_is_where_the_model_is_unsure_and_nowhere_else(world, tmp_path):
    geometry = GEOMETRIES["oblique"]
    files = make_case(tmp_path, geometry=geometry, with_labels=False)
    unsure = np.full(geometry.shape, 0.02, np.float32)
    hot = ball(geometry.shape, 4, [6, 8, 6]) > 0
    unsure[hot] = 0.65
    save_volume(files.uncertainty, unsure, geometry)
    scene = case_scene(world)
    scene.show(files, SEGMENTS)
    scene.go_to_slice(6)
    picture = rendered(world, "Red", tmp_path / "on.png")
    assert not is_grey(seen_at(world, scene, "Red", (6, 8, 6), picture))
    assert leans_to(seen_at(world, scene, "Red", (6, 8, 6), picture), ramp_color(1.0))
    sure = inner_voxel(~hot, 0, 6)
    assert is_grey(seen_at(world, scene, "Red", sure, picture))
    scene.set_overlay(visible=False, opacity=0.55)
    without = rendered(world, "Red", tmp_path / "off.png")
    assert is_grey(seen_at(world, scene, "Red", (6, 8, 6), without))
    # What is certain looks the same with the overlay as without.
    assert np.array_equal(
        seen_at(world, scene, "Red", sure, picture), seen_at(world, scene, "Red", sure, without)
    )


def test_more_opacity_shows_more_of_the_overlay(world, tmp_path):
    scene = case_scene(world)
    files = make_case(tmp_path, with_labels=False)
    scene.show(files, SEGMENTS)
    at = tuple(int(n * 0.6) for n in (12, 24, 20))
    scene.go_to_slice(at[0])
    colourful = []
    for opacity in (0.1, 0.5, 1.0):
        scene.set_overlay(visible=True, opacity=opacity)
        pixel = seen_at(world, scene, "Red", at, rendered(world, "Red", tmp_path / "v.png"))
        colourful.append(int(pixel.max()) - int(pixel.min()))
    assert colourful[0] < colourful[1] < colourful[2]


def test_a_sure_model_shows_no_colour_at_all(world, tmp_path):
    files = make_case(tmp_path, with_labels=False)
    noise = np.random.default_rng(0).random((12, 24, 20)).astype(np.float32) * 0.05
    save_volume(files.uncertainty, noise, GEOMETRIES["straight"])
    scene = case_scene(world)
    scene.show(files, SEGMENTS)
    picture = rendered(world, "Red", tmp_path / "v.png").astype(int)
    assert (picture.max(axis=2) - picture.min(axis=2)).max() < 12


def test_the_ramp_gets_lighter_all_the_way():
    def lightness(colour):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
        luminance = float(np.dot(linear, (0.2126, 0.7152, 0.0722)))
        return 116 * luminance ** (1 / 3) - 16

    steps = np.diff([lightness(ramp_color(p)) for p in np.linspace(0, 1, 11)])
    assert (steps > 2).all()
    assert steps.max() < 4 * steps.min()


def test_the_scale_grows_with_the_uncertainty_but_has_a_floor():
    assert scale_of(np.zeros((4, 4, 4)))[1] == pytest.approx(0.3)
    low, high = scale_of(np.full((4, 4, 4), 0.6))
    assert (low, high) == pytest.approx((0.15, 0.6))


@pytest.mark.parametrize("pool", ["hippocampus", "sunnybrook_lv"])
def test_real_pictures_with_their_labels(pool, shared_data: Path, world, tmp_path):
    source = sorted((shared_data / pool / "images").glob("*.nii.gz"))[3]
    image = sitk.ReadImage(str(source))
    labels = sitk.GetArrayFromImage(
        sitk.ReadImage(str(shared_data / pool / "labels" / source.name))
    ).astype(np.uint8)
    geometry = Geometry.from_sitk(image)
    plane = {"hippocampus": "coronal", "sunnybrook_lv": "axial"}[pool]
    files = make_case(tmp_path, pool, geometry, labels=labels, plane=plane)
    save_volume(files.images[0].path, sitk.GetArrayFromImage(image), geometry)
    save_volume(files.uncertainty, rim_of(labels, geometry), geometry)
    scene = case_scene(world)
    scene.show(files, SEGMENTS)
    scene.go_to_place(scene.places()[0])
    axis = geometry.plane_axis(plane)
    index = int(np.argmax((labels == 1).sum(axis=tuple(a for a in range(3) if a != axis))))
    scene.go_to_slice(index)
    view = next(name for name, its in PLANES.items() if its == plane)
    for name in PLANES:
        rendered(world, name, ARTEFACTS / f"scene-{pool}-{name}.png", 500)
    scene.set_overlay(visible=False, opacity=0.5)
    picture = rendered(world, view, ARTEFACTS / f"scene-{pool}-{view}-plain.png", 500)
    voxel = inner_voxel(labels == 1, axis, index)
    assert leans_to(seen_at(world, scene, view, voxel, picture), SEGMENTS[0].color)


def rim_of(labels: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Uncertainty as a model has it: along the border of what is there."""
    from scipy.ndimage import gaussian_gradient_magnitude

    sigma = [1.5 / n for n in geometry.array_spacing]
    rim = gaussian_gradient_magnitude((labels > 0).astype(np.float32), sigma)
    return (0.69 * rim / rim.max()).astype(np.float32)
