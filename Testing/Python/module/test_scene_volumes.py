"""A case's image in the scene: where it lies, what is shown of it, and files that are no good."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from ActiveSuggestModule.scene.case_files import ImageFile
from ActiveSuggestModule.scene.errors import CaseNotShownError
from ActiveSuggestModule.scene.volumes import (
    SOFT_TISSUE,
    geometry_of,
    ijk_to_ras,
    read_volume,
    voxels_of,
)

from Testing.Python.module.scene_cases import (
    GEOMETRIES,
    SEGMENTS,
    case_scene,
    make_case,
    save_volume,
)


@pytest.mark.parametrize("kind", GEOMETRIES)
def test_every_voxel_lies_where_itk_says(kind, tmp_path):
    geometry = GEOMETRIES[kind]
    voxels = np.arange(np.prod(geometry.shape), dtype=np.int32).reshape(geometry.shape)
    node = read_volume(save_volume(tmp_path / "a.nrrd", voxels, geometry), "a")
    assert np.array_equal(voxels_of(node.GetImageData()), voxels)
    assert geometry_of(node).matches(geometry, 1e-6)
    image = sitk.ReadImage(str(tmp_path / "a.nrrd"))
    index = tuple(n // 2 for n in geometry.size)
    left, back, up = image.TransformIndexToPhysicalPoint(index)
    ras = [0.0] * 4
    matrix = _matrix(node)
    matrix.MultiplyPoint((*index, 1.0), ras)
    assert ras[:3] == pytest.approx((-left, -back, up), abs=1e-4)


@pytest.mark.parametrize("space", ["right-anterior-superior", "left-posterior-superior"])
@pytest.mark.parametrize("compressed", [False, True])
def test_it_makes_no_difference_how_a_file_is_stored(space, compressed, tmp_path):
    geometry = GEOMETRIES["oblique"]
    voxels = np.arange(np.prod(geometry.shape), dtype=np.int16).reshape(geometry.shape)
    path = save_volume(tmp_path / "a.nrrd", voxels, geometry)
    if compressed:
        sitk.WriteImage(sitk.ReadImage(str(path)), str(path), True)
    path.write_bytes(path.read_bytes().replace(b"left-posterior-superior", space.encode()))
    # Slicer's own reader, to compare with.
    expected, storage = slicer.vtkMRMLScalarVolumeNode(), slicer.vtkMRMLNRRDStorageNode()
    storage.SetFileName(str(path))
    assert storage.ReadData(expected, True)
    node = read_volume(path, "a")
    assert np.array_equal(voxels_of(node.GetImageData()), voxels)
    assert np.allclose(ijk_to_ras(node), ijk_to_ras(expected), atol=1e-6)
    assert node.GetSpacing() == pytest.approx(expected.GetSpacing())


@pytest.mark.parametrize(
    "kind", [np.int8, np.int32, np.uint8, np.int16, np.uint16, np.float32, np.float64]
)
def test_numbers_of_every_kind_are_read(kind, tmp_path):
    geometry = GEOMETRIES["straight"]
    voxels = (np.arange(np.prod(geometry.shape)) % 200).reshape(geometry.shape).astype(kind)
    node = read_volume(save_volume(tmp_path / "a.nrrd", voxels, geometry), "a")
    assert voxels_of(node.GetImageData()).dtype == kind
    assert np.array_equal(voxels_of(node.GetImageData()), voxels)


def test_colours_become_a_vector_volume(tmp_path):
    image = sitk.GetImageFromArray(
        np.random.default_rng(0).integers(0, 255, (1, 9, 8, 3), np.uint8), True
    )
    sitk.WriteImage(image, str(tmp_path / "a.nrrd"), False)
    node = read_volume(tmp_path / "a.nrrd", "a")
    assert node.IsA("vtkMRMLVectorVolumeNode")
    assert voxels_of(node.GetImageData()).shape == (1, 9, 8, 3)


def test_the_images_own_nifti_is_read_where_the_disk_had_no_room(tmp_path):
    image = sitk.GetImageFromArray(np.arange(60, dtype=np.int16).reshape(3, 4, 5))
    sitk.WriteImage(image, str(tmp_path / "a.nii.gz"))
    node = read_volume(tmp_path / "a.nii.gz", "a")
    assert np.array_equal(voxels_of(node.GetImageData()).ravel(), np.arange(60))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda p: p.unlink(), "cannot be opened"),
        (lambda p: p.write_bytes(b""), "no NRRD"),
        (lambda p: p.write_bytes(b"hello\n\n" * 100), "no NRRD"),
        (lambda p: p.write_bytes(p.read_bytes()[:-500]), "500 of"),
        (lambda p: p.write_bytes(p.read_bytes().split(b"\n\n")[0] + b"\n\n"), "are missing"),
        (lambda p: p.write_bytes(p.read_bytes().replace(b"sizes: 20", b"sizes: xx")), "header"),
    ],
)
def test_a_damaged_file_is_named_with_what_to_do(damage, said, tmp_path):
    path = save_volume(
        tmp_path / "a.nrrd", np.zeros((12, 24, 20), np.int16), GEOMETRIES["straight"]
    )
    damage(path)
    with pytest.raises(CaseNotShownError, match=said) as caught:
        read_volume(path, "case-7")
    assert caught.value.case == "case-7"
    assert "a.nrrd" in str(caught.value)
    assert caught.value.remedy


def test_the_window_is_the_one_given(world, tmp_path):
    files = make_case(tmp_path, window=(-10.0, 90.0))
    shown = case_scene(world).show(files, SEGMENTS)
    display = shown.volume.GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (-10.0, 90.0)
    assert not display.GetAutoWindowLevel()


def test_ct_without_a_window_shows_soft_tissue(world, tmp_path):
    shown = case_scene(world).show(make_case(tmp_path, modality="CT"), SEGMENTS)
    display = shown.volume.GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == SOFT_TISSUE


def test_a_few_extreme_voxels_do_not_darken_the_rest(world, tmp_path):
    files = make_case(tmp_path)
    voxels = np.random.default_rng(0).normal(500, 50, (12, 24, 20)).astype(np.float32)
    voxels[0, 0, :3] = 1e6
    save_volume(files.images[0].path, voxels, GEOMETRIES["straight"])
    display = case_scene(world).show(files, SEGMENTS).volume.GetDisplayNode()
    assert 350 < display.GetWindowLevelMin() < 450
    assert 550 < display.GetWindowLevelMax() < 650


def test_a_constant_image_has_a_window_all_the_same(world, tmp_path):
    files = make_case(tmp_path)
    save_volume(files.images[0].path, np.full((12, 24, 20), 7, np.int16), GEOMETRIES["straight"])
    display = case_scene(world).show(files, SEGMENTS).volume.GetDisplayNode()
    assert display.GetWindow() > 0


def test_further_channels_are_there_under_their_names(world, tmp_path):
    files = make_case(tmp_path, "case-1")
    second = save_volume(
        tmp_path / "case-1.1.nrrd", np.ones((12, 24, 20), np.int16), GEOMETRIES["straight"]
    )
    named = ImageFile(second, "case-1 channel 2", (0.0, 5.0))
    shown = case_scene(world).show(replace(files, images=(*files.images, named)), SEGMENTS)
    assert [node.GetName() for node in shown.channels] == ["case-1", "case-1 channel 2"]
    assert shown.volume is shown.channels[0]
    assert shown.channels[1].GetDisplayNode().GetWindowLevelMax() == 5.0
    plain = ImageFile(second, "T2")
    shown = case_scene(world).show(replace(files, images=(files.images[0], plain)), SEGMENTS)
    assert shown.channels[1].GetName().endswith(" T2")


def _matrix(node):
    import vtk

    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return matrix


def test_real_volumes_lie_where_itk_says(shared_data: Path, tmp_path: Path):
    for folder in ("hippocampus", "sunnybrook_lv"):
        source = sorted((shared_data / folder / "images").glob("*.nii.gz"))[0]
        image = sitk.ReadImage(str(source))
        sitk.WriteImage(image, str(tmp_path / "a.nrrd"), False)
        node = read_volume(tmp_path / "a.nrrd", "a")
        assert np.array_equal(voxels_of(node.GetImageData()), sitk.GetArrayFromImage(image))
        corner = tuple(n - 1 for n in image.GetSize())
        left, back, up = image.TransformIndexToPhysicalPoint(corner)
        ras = [0.0] * 4
        _matrix(node).MultiplyPoint((*corner, 1.0), ras)
        assert ras[:3] == pytest.approx((-left, -back, up), abs=1e-3)
