"""What is made ready for showing a case: files that are quick to read, and facts that hold."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import SimpleITK

from ActiveSuggestLib.data.project import Project, create_project
from ActiveSuggestLib.errors import (
    CancelledError,
    LabelGeometryError,
    SliceRangeError,
    UnknownCaseError,
    UnreadableImageError,
    VanishedImageError,
)
from ActiveSuggestLib.progress import Cancel
from ActiveSuggestLib.serving import bounded, prediction_files, scene_files
from ActiveSuggestLib.serving.prediction_files import PredictionFiles
from ActiveSuggestLib.serving.raw_nrrd import map_voxels, write_volume
from ActiveSuggestLib.serving.scene_files import SceneFiles
from ActiveSuggestLib.serving.showing import draw_thumbnail, prepare_case
from Testing.Python.ball_pool import SHAPE, write_pool


@pytest.fixture
def images(tmp_path: Path) -> Path:
    write_pool(tmp_path / "pool", 3)
    return tmp_path / "pool" / "images"


@pytest.fixture
def project(tmp_path: Path, images: Path) -> Iterator[Project]:
    with create_project(tmp_path / "project ä", images, segments="ball") as opened:
        yield opened


def predicted(project: Project, case: str, version: int = 1) -> dict[str, Any]:
    """Store a prediction as model ``version`` gives it, and make that the model in use."""
    models = project.folder / "models"
    models.mkdir(exist_ok=True)
    (models / f"v{version}.json").write_text(
        f'{{"version": {version}, "accepted": true, "hash": "h{version}"}}', encoding="utf-8"
    )
    row = project.case(case)
    assert row.geometry is not None
    labels = np.zeros(SHAPE, np.uint8)
    labels[6:9, 5:11, 5:11] = 1
    heat = np.zeros(SHAPE, np.float32)
    heat[7] = 0.5
    by_slice = heat.sum(axis=(1, 2))
    prediction = SimpleNamespace(
        case=case,
        labels=labels,
        uncertainty=heat,
        geometry=row.geometry,
        worst_slice=7,
        model=version,
        slice_uncertainty=by_slice,
        picture=np.ones(SHAPE[1:], np.float32),
    )
    files = PredictionFiles(project)
    files.store_labels(prediction)
    return files.store(prediction, row, f"h{version}")


def pixels(path: str | Path) -> np.ndarray:
    return SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))


# The volume -----------------------------------------------------------------------------


def test_a_prepared_volume_is_the_image_uncompressed_on_its_own_grid(
    project: Project, images: Path
) -> None:
    found = prepare_case(project, "case-1")
    (image,) = found["images"]
    assert Path(image["path"]) == project.folder / "cache" / "scene" / "case-1.nrrd"
    assert image["name"] == "case-1"
    assert b"encoding: raw" in Path(image["path"]).read_bytes()[:1000]
    original = SimpleITK.ReadImage(str(images / "case-1.nii.gz"))
    prepared = SimpleITK.ReadImage(image["path"])
    assert np.array_equal(pixels(image["path"]), SimpleITK.GetArrayFromImage(original))
    assert prepared.GetPixelIDTypeAsString() == original.GetPixelIDTypeAsString()
    assert prepared.GetSpacing() == pytest.approx(original.GetSpacing())
    assert prepared.GetOrigin() == pytest.approx(original.GetOrigin())
    assert prepared.GetDirection() == pytest.approx(original.GetDirection())


def test_the_facts_say_what_is_there_to_show(project: Project, tmp_path: Path) -> None:
    found = prepare_case(project, "case-0")
    assert (found["label"], found["draft"], found["prediction"]) == (None, None, None)
    assert (found["plane"], found["slice_count"]) == ("axial", SHAPE[0])
    low, high = found["window"]
    assert low < high
    assert found["images"][0]["window"] == (low, high)
    assert pixels(found["thumbnail"]).shape[2] == 3
    label = tmp_path / "pool" / "labels" / "case-0.nii.gz"
    project.save_label("case-0", label, slices=[3, 4])
    project.save_draft("case-0", label)
    again = prepare_case(project, "case-0")
    assert again["label"] == project.label_path("case-0")
    assert Path(again["draft"]).is_file()
    assert again["labelled_slices"] == [3, 4]


def test_a_volume_is_prepared_once_until_its_image_changes(project: Project, images: Path) -> None:
    path = Path(prepare_case(project, "case-0")["images"][0]["path"])
    written = path.stat().st_ino
    assert Path(prepare_case(project, "case-0")["images"][0]["path"]).stat().st_ino == written
    # An older file takes the image's place: its time alone would tell nothing.
    shutil.copyfile(images / "case-1.nii.gz", images / "case-0.nii.gz")
    os.utime(images / "case-0.nii.gz", (1, 1))
    prepare_case(project, "case-0")
    assert path.stat().st_ino != written
    assert np.array_equal(pixels(path), pixels(images / "case-1.nii.gz"))


def test_each_channel_is_a_volume_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "several" / "images"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for channel in range(2):
        image = SimpleITK.GetImageFromArray(rng.integers(0, 50 + 50 * channel, SHAPE, np.int16))
        SimpleITK.WriteImage(image, str(folder / f"a_000{channel}.nii.gz"))
    with create_project(tmp_path / "p", folder, segments="ball") as project:
        found = prepare_case(project, "a")
        assert [image["name"] for image in found["images"]] == ["a channel 1", "a channel 2"]
        for channel, image in enumerate(found["images"]):
            original = pixels(folder / f"a_000{channel}.nii.gz")
            assert np.array_equal(pixels(image["path"]), original)
            assert image["window"][1] == pytest.approx(original.max(), abs=1)
        stored = Path(found["images"][1]["path"])
        stored.unlink()
        assert Path(prepare_case(project, "a")["images"][1]["path"]) == stored
        assert stored.is_file()


def test_only_the_volumes_used_last_are_kept(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scene_files, "MOST_FILES", 2)
    files = SceneFiles(project.folder)
    for name, age in (("case-0", 30), ("case-1", 20)):
        (path,) = files.prepare(project.case(name))
        os.utime(path, (time.time() - age,) * 2)
    files.prepare(project.case("case-0"))  # used again: no longer the oldest
    files.prepare(project.case("case-2"))
    kept = sorted(path.name for path in files.folder.iterdir())
    assert kept == ["case-0.nrrd", "case-2.nrrd"]


def test_large_files_count_for_more_but_the_newest_stay(tmp_path: Path) -> None:
    groups = []
    for number in range(4):
        path = tmp_path / f"{number}.nrrd"
        path.write_bytes(b"x" * 100)
        os.utime(path, (number, number))
        groups.append([path])
    bounded.keep_newest(groups, count=4, most_bytes=50, least=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2.nrrd", "3.nrrd"]


def test_what_a_killed_worker_left_is_swept(project: Project) -> None:
    files = SceneFiles(project.folder)
    files.folder.mkdir(parents=True)
    left = files.folder / f".tmp-{'0' * 8}-1-2-abc.nrrd"
    left.write_bytes(b"half a volume")
    os.utime(left, (1, 1))
    files.prepare(project.case("case-0"))
    assert not left.exists()


def test_a_full_disk_shows_the_image_itself(
    project: Project, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for module in ("scene_files", "showing"):
        monkeypatch.setattr(f"ActiveSuggestLib.serving.{module}.write_quickly", refuse)
    found = prepare_case(project, "case-0")
    assert found["images"][0]["path"] == str(images / "case-0.nii.gz")
    assert found["thumbnail"] is None


def test_what_cannot_be_shown_says_why(project: Project, images: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownCaseError):
        prepare_case(project, "nobody")
    cancel = Cancel()
    cancel.cancel()
    with pytest.raises(CancelledError):
        prepare_case(project, "case-0", cancel)
    (images / "case-0.nii.gz").rename(tmp_path / "away.nii.gz")
    with pytest.raises(VanishedImageError):
        prepare_case(project, "case-0")
    (images / "case-9.nii.gz").write_bytes(b"not an image")
    project.rescan()
    with pytest.raises(UnreadableImageError):
        prepare_case(project, "case-9")
    shutil.copyfile(images / "case-1.nii.gz", images / "case-9.nii.gz")
    with pytest.raises(LabelGeometryError, match="rescan"):
        prepare_case(project, "case-9")


def test_ct_is_shown_in_a_soft_tissue_window() -> None:
    row: Any = SimpleNamespace(
        modality="CT", intensity={"min": -1024.0, "max": 3000.0, "p005": -1000.0, "p995": 900.0}
    )
    assert scene_files.windows(row, 1) == [scene_files.CT_WINDOW]
    row.modality = "MR"
    assert scene_files.windows(row, 1) == [(-1000.0, 900.0)]
    row.intensity = {"min": 0.0, "max": 9.0, "p005": 0.0, "p995": 0.0}
    assert scene_files.windows(row, 1) == [(0.0, 9.0)]
    row.intensity = {}
    assert scene_files.windows(row, 1) == [None]


@pytest.mark.parametrize(
    "kind", ["bool", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "f2", "f4", ">i2"]
)
def test_any_kind_of_number_is_stored_so_that_itk_reads_it(tmp_path: Path, kind: str) -> None:
    from ActiveSuggestLib.data.geometry import Geometry

    array = np.arange(24).reshape(2, 3, 4).astype(kind)
    geometry = Geometry((4, 3, 2), (0.5, 1.0, 2.0), (1.0, -2.0, 3.0))
    path = tmp_path / "volume.nrrd"
    write_volume(path, array, geometry, {"Some_Key": "some text"})
    assert np.array_equal(pixels(path), array.astype(np.float64))
    assert np.array_equal(map_voxels(path), array.astype(np.float64))
    image = SimpleITK.ReadImage(str(path))
    assert Geometry.from_sitk(image) == geometry
    assert image.GetMetaData("Some_Key") == "some text"


def test_a_file_cut_short_or_compressed_is_not_mapped(tmp_path: Path) -> None:
    path = tmp_path / "volume.nrrd"
    SimpleITK.WriteImage(SimpleITK.Image(4, 4, 4, SimpleITK.sitkUInt8), str(path), True)
    with pytest.raises(ValueError, match="not an uncompressed"):
        map_voxels(path)
    path.write_bytes(b"NRRD0004\ntype: uint8\nsizes: 9 9 9\nencoding: raw\n\nshort")
    with pytest.raises(ValueError):
        map_voxels(path)


# Predictions ----------------------------------------------------------------------------


def test_a_prediction_is_found_again_while_model_and_image_are_the_same(
    project: Project, images: Path
) -> None:
    files = PredictionFiles(project)
    stored = predicted(project, "case-0")
    assert files.find(project.case("case-0")) == stored
    assert prepare_case(project, "case-0")["prediction"] == stored
    assert files.find(project.case("case-1")) is None
    shutil.copyfile(images / "case-1.nii.gz", images / "case-0.nii.gz")
    assert files.find(project.case("case-0")) is None
    predicted(project, "case-1")
    predicted(project, "case-2", version=2)
    assert files.find(project.case("case-1")) is None


def test_a_predictions_slices_come_the_most_uncertain_first(project: Project) -> None:
    stored = predicted(project, "case-0")
    assert stored["slices"][0] == {"slice": 7, "uncertainty": pytest.approx(0.5 * 18 * 20, rel=0.5)}
    assert len(stored["slices"]) == SHAPE[0]
    values = [item["uncertainty"] for item in stored["slices"]]
    assert values == sorted(values, reverse=True)


def test_a_proposal_is_written_as_slicer_reads_it_soonest(project: Project) -> None:
    stored = predicted(project, "case-0")
    image = SimpleITK.ReadImage(stored["labels"])
    assert image.GetMetaData("Segment0_Name") == "ball"
    assert b"encoding: raw" in Path(stored["labels"]).read_bytes()[:3000]
    assert SimpleITK.GetArrayFromImage(image).sum() == 3 * 6 * 6


def test_a_proposal_alone_does_not_count_as_a_prediction(project: Project) -> None:
    stored = predicted(project, "case-0")
    files, row = PredictionFiles(project), project.case("case-0")
    labels = np.ones(SHAPE, np.uint8)
    newer = SimpleNamespace(case="case-0", model=1, labels=labels, geometry=row.geometry)
    path = files.store_labels(newer)
    assert str(path) == stored["labels"]
    assert np.array_equal(pixels(path), labels)
    assert files.find(row) is None


def test_a_prediction_without_its_record_counts_as_nothing(project: Project) -> None:
    stored = predicted(project, "case-0")
    record = Path(stored["labels"]).with_name("case-0.json")
    record.write_bytes(record.read_bytes()[:20])
    assert PredictionFiles(project).find(project.case("case-0")) is None


def test_only_the_predictions_used_last_are_kept(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction_files, "MOST_CASES", 2)
    for number in range(3):
        stored = predicted(project, f"case-{number}")
        os.utime(Path(stored["labels"]).with_name(f"case-{number}.json"), (number, number))
    PredictionFiles(project).prune()
    left = {path.name.split(".")[0] for path in PredictionFiles(project).folder.glob("v1/*")}
    assert left == {"case-1", "case-2"}


# Thumbnails -----------------------------------------------------------------------------


def test_a_thumbnail_without_a_prediction_is_the_middle_slice_in_grey(project: Project) -> None:
    found = draw_thumbnail(project, "case-0")
    assert found["slice"] == SHAPE[0] // 2
    picture = pixels(found["path"])
    assert (picture[..., 0] == picture[..., 1]).all()
    assert (picture[..., 1] == picture[..., 2]).all()
    assert picture.max() > 200


def test_a_thumbnail_with_a_prediction_is_the_worst_slice_with_heat_and_outline(
    project: Project,
) -> None:
    before = draw_thumbnail(project, "case-0", 7)
    predicted(project, "case-0")
    after = draw_thumbnail(project, "case-0")
    assert after["slice"] == 7
    assert after["path"] != before["path"]
    assert not np.array_equal(pixels(after["path"]), pixels(before["path"]))
    color = np.rint(255 * np.asarray(project.segments[0].color))
    assert (np.abs(pixels(after["path"]) - color).max(axis=2) <= 1).any()


def test_a_thumbnail_is_drawn_once(project: Project) -> None:
    first = Path(draw_thumbnail(project, "case-0", 3)["path"])
    drawn = first.stat().st_ino
    assert Path(draw_thumbnail(project, "case-0", 3)["path"]).stat().st_ino == drawn
    with pytest.raises(SliceRangeError):
        draw_thumbnail(project, "case-0", SHAPE[0])


def test_a_slice_comes_from_the_prepared_volume_if_there_is_one(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_case(project, "case-0")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the image was read again")

    monkeypatch.setattr(scene_files, "read_voxels", refuse)
    assert draw_thumbnail(project, "case-0", 2)["slice"] == 2
    with pytest.raises(AssertionError, match="read again"):
        draw_thumbnail(project, "case-1", 2)
