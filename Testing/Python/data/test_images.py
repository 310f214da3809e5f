"""Images: every format read as ITK reads it, every odd file named in a clear error."""

from __future__ import annotations

import math
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from ActiveSuggestLib.data.formats.naming import case_name
from ActiveSuggestLib.data.images import ImageSource, content_hash, read_image, signature
from ActiveSuggestLib.data.scan.names import LONGEST, safe_name, without_label_words
from ActiveSuggestLib.errors import (
    AbsurdSpacingError,
    ActiveSuggestError,
    ChannelGeometryError,
    ConstantImageError,
    ImageError,
    NonFiniteVoxelsError,
    SkewedAxesError,
    TooManyDimensionsError,
    UnreadableImageError,
    VanishedImageError,
)
from Testing.Python.data.odd_files import (
    VOLUME_EXTENSIONS,
    a_nifti_with,
    a_picture,
    a_raw_nrrd,
    a_volume,
    colour,
    cut,
    noise,
    one,
    read,
)

PIXDIM_Y = 76 + 8
PICTURE_EXTENSIONS = (".png", ".jpg", ".bmp", ".tif")


def refused(path: Path, error: type[ActiveSuggestError], *words: str) -> ActiveSuggestError:
    """Read a file that must be refused: by name, with the file, with a remedy."""
    with pytest.raises(error) as caught:
        read_image(one(path), case="the-case")
    said = caught.value
    assert said.case == "the-case"
    assert said.path == str(path)
    assert said.remedy
    assert all(word in str(said) for word in words), str(said)
    return said


# Good files -----------------------------------------------------------------------------


@pytest.mark.parametrize("extension", VOLUME_EXTENSIONS)
def test_a_volume_reads_the_same_in_every_format(tmp_path: Path, extension: str) -> None:
    image = read(a_volume(tmp_path / f"v{extension}"))
    assert image.array.dtype == np.float32
    assert np.array_equal(image.array[0], noise().astype(np.float32))
    assert image.geometry.size == (10, 8, 6)
    assert image.geometry.spacing == pytest.approx((1.0, 1.5, 2.0))
    assert image.geometry.origin == pytest.approx((3.0, -4.0, 5.0))
    assert image.notes == ()


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"])
def test_nifti_voxels_of_every_kind_are_read_as_itk_reads_them(tmp_path: Path, dtype: str) -> None:
    array = np.abs(noise()).clip(0, 100).astype(dtype)
    path = a_volume(tmp_path / "v.nii.gz", array)
    assert np.array_equal(read(path).array[0], sitk.GetArrayFromImage(sitk.ReadImage(str(path))))


def test_nifti_scaling_is_applied(tmp_path: Path) -> None:
    path = a_nifti_with(tmp_path / "v.nii", ("2f", 112, (2.0, -5.0)))
    assert np.array_equal(read(path).array[0], noise() * 2.0 - 5.0)
    assert np.array_equal(read(path).array[0], sitk.GetArrayFromImage(sitk.ReadImage(str(path))))


def test_a_big_endian_nifti_is_read(tmp_path: Path) -> None:
    path = a_volume(tmp_path / "v.nii")
    header = bytearray(path.read_bytes())
    swapped = bytearray(header[:352])
    fields = [(0, 4, 1), (40, 2, 8), (70, 2, 2), (76, 4, 8), (108, 4, 3), (252, 2, 2), (256, 4, 18)]
    for start, width, count in fields:
        for offset in range(start, start + width * count, width):
            swapped[offset : offset + width] = header[offset : offset + width][::-1]
    path.write_bytes(bytes(swapped) + noise().byteswap().tobytes())
    assert np.array_equal(read(path).array[0], noise())


def test_a_4d_file_of_one_volume_is_that_volume(tmp_path: Path) -> None:
    image = sitk.JoinSeries([sitk.GetImageFromArray(noise())])
    for name in ("v.nii.gz", "v.mha"):
        sitk.WriteImage(image, str(tmp_path / name))
        assert read(tmp_path / name).array.shape == (1, 6, 8, 10)


def test_the_header_and_its_raw_file_are_one_image(tmp_path: Path) -> None:
    source = one(a_volume(tmp_path / "v.mhd"))
    before = signature(source), content_hash(source)
    raw = tmp_path / "v.raw"
    raw.write_bytes(bytes(raw.stat().st_size))
    assert signature(source) != before[0]
    assert content_hash(source) != before[1]


@pytest.mark.parametrize("extension", PICTURE_EXTENSIONS)
def test_a_grey_picture_has_one_channel_and_one_slice(tmp_path: Path, extension: str) -> None:
    image = read(a_picture(tmp_path / f"p{extension}"))
    assert image.array.shape == (1, 1, 12, 9)
    assert image.geometry.size == (9, 12, 1)
    assert image.geometry.spacing == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("extension", PICTURE_EXTENSIONS)
def test_a_colour_picture_has_three_channels(tmp_path: Path, extension: str) -> None:
    image = read(a_picture(tmp_path / f"p{extension}", colour()))
    assert image.array.shape == (3, 1, 12, 9)
    if extension != ".jpg":
        assert np.array_equal(image.array[:, 0], np.moveaxis(colour(), -1, 0))


def test_colour_with_equal_channels_is_grey_and_says_so(tmp_path: Path) -> None:
    grey = np.repeat(colour()[..., :1], 3, axis=-1)
    image = read(a_picture(tmp_path / "p.png", grey))
    assert image.array.shape == (1, 1, 12, 9)
    assert "equal" in image.notes[0]


def test_alpha_is_dropped_and_said(tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    pillow.fromarray(colour()).convert("RGBA").save(tmp_path / "rgba.png")
    pillow.fromarray(colour()).convert("LA").save(tmp_path / "la.png")
    rgba, la = read(tmp_path / "rgba.png"), read(tmp_path / "la.png")
    assert rgba.array.shape[0] == 3
    assert la.array.shape == (1, 1, 12, 9)
    assert "alpha" in rgba.notes[0]
    assert "alpha" in la.notes[0]


def test_dots_per_inch_are_not_millimetres(tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    pillow.fromarray(colour()).save(tmp_path / "p.jpg", dpi=(72, 72))
    assert read(tmp_path / "p.jpg").geometry.spacing == (1.0, 1.0, 1.0)


def test_16_bit_pictures_keep_their_depth(tmp_path: Path) -> None:
    deep = np.random.default_rng(0).integers(0, 60000, (12, 9)).astype(np.uint16)
    assert np.array_equal(read(a_picture(tmp_path / "p.png", deep)).array[0, 0], deep)


def test_the_pages_of_a_tiff_are_slices_and_that_is_said(tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    pages = [pillow.fromarray(colour()[..., c]) for c in range(3)]
    pages[0].save(tmp_path / "p.tif", save_all=True, append_images=pages[1:])
    image = read(tmp_path / "p.tif")
    assert image.array.shape == (1, 3, 12, 9)
    assert "3 pages" in image.notes[0]


def test_channels_of_one_case_are_stacked(tmp_path: Path) -> None:
    paths = tuple(a_volume(tmp_path / f"c{i}.nii.gz", noise(seed=i)) for i in range(2))
    image = read_image(ImageSource(paths, "channels"))
    assert np.array_equal(image.array, [noise(seed=0), noise(seed=1)])


@pytest.mark.parametrize(
    "name", ["with space.nii.gz", "Schädel-Ø.nrrd", "頭部.mha", "émoji 🧠.png", "a.b.c.nii.gz"]
)
def test_names_with_spaces_and_unicode_are_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / "Ordner mit Lücke 文件夹" / name
    if name.endswith("png"):
        a_picture(path)
    else:
        a_volume(path)
    assert read(path).array.shape[0] == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows may be set to allow 260 signs only")
@pytest.mark.parametrize("extension", [".nii.gz", ".nrrd", ".mha", ".png"])
def test_very_long_paths_are_read(tmp_path: Path, extension: str) -> None:
    short = tmp_path / f"s{extension}"
    if extension == ".png":
        a_picture(short)
    else:
        a_volume(short)
    folder = tmp_path.joinpath(*["x" * 200] * 10)
    folder.mkdir(parents=True)
    long = folder / ("n" * 200 + extension)
    shutil.copy(short, long)
    assert len(str(long)) > 2200
    assert np.array_equal(read(long).array, read(short).array)


def test_tilted_and_left_handed_images_are_taken_and_noted(tmp_path: Path) -> None:
    c, s = math.cos(math.radians(20)), math.sin(math.radians(20))
    for extension in (".nii.gz", ".nrrd", ".mha"):
        tilted = read(
            a_volume(tmp_path / f"tilted{extension}", direction=(1, 0, 0, 0, c, -s, 0, s, c))
        )
        assert tilted.geometry.tilt_degrees == pytest.approx(20, abs=0.01)
        assert "tilted" in " ".join(tilted.notes)
        mirrored = read(
            a_volume(tmp_path / f"left{extension}", direction=(-1, 0, 0, 0, 1, 0, 0, 0, 1))
        )
        assert mirrored.geometry.is_left_handed
        assert "left-handed" in " ".join(mirrored.notes)


# Bad files ------------------------------------------------------------------------------


@pytest.mark.parametrize("extension", [*VOLUME_EXTENSIONS, *PICTURE_EXTENSIONS])
def test_an_empty_file_is_named(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"v{extension}"
    path.touch()
    refused(path, UnreadableImageError, "is empty", path.name)


@pytest.mark.parametrize("share", [0.05, 0.6, 0.97])
@pytest.mark.parametrize("extension", [".nii", ".nii.gz", ".nrrd", ".mha", *PICTURE_EXTENSIONS])
def test_a_truncated_file_is_named(tmp_path: Path, extension: str, share: float) -> None:
    path = tmp_path / f"v{extension}"
    big = np.random.default_rng(0).integers(0, 255, (40, 50, 3)).astype(np.uint8)
    if extension in PICTURE_EXTENSIONS:
        a_picture(path, big)
    else:
        a_volume(path, compressed=extension == ".nrrd")
    refused(cut(path, share), UnreadableImageError, path.name)


def test_a_truncated_compressed_mha_is_named(tmp_path: Path) -> None:
    refused(cut(a_volume(tmp_path / "v.mha", compressed=True)), UnreadableImageError, "cut short")


@pytest.mark.parametrize("extension", [".mhd", ".nhdr"])
def test_truncated_or_missing_raw_data_are_named(tmp_path: Path, extension: str) -> None:
    path = a_volume(tmp_path / f"v{extension}")
    cut(tmp_path / "v.raw")
    refused(path, UnreadableImageError, path.name)
    (tmp_path / "v.raw").unlink()
    refused(path, UnreadableImageError, "v.raw", "not there")


def test_a_flipped_bit_in_a_compressed_nifti_is_named(tmp_path: Path) -> None:
    path = a_volume(tmp_path / "v.nii.gz")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    refused(path, UnreadableImageError, "damaged")


def test_nothing_is_printed_about_damaged_files(tmp_path: Path) -> None:
    paths = [cut(a_volume(tmp_path / f"v{e}")) for e in (".nii", ".nii.gz", ".nrrd", ".mha")]
    script = (
        "import sys; from pathlib import Path\n"
        "from ActiveSuggestLib.data.images import ImageSource, read_image\n"
        "for name in sys.argv[1:]:\n"
        "    try: read_image(ImageSource((Path(name),), 'file'))\n"
        "    except Exception: pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, paths)], capture_output=True, check=True
    )
    assert done.stdout + done.stderr == b""


@pytest.mark.parametrize(
    ("holds", "named", "better"),
    [
        (".nrrd", ".nii.gz", "v.nrrd"),
        (".nii.gz", ".nrrd", "v.nii.gz"),
        (".nii", ".mha", "v.nii.gz"),
        (".mha", ".nii", "v.mha"),
        (".png", ".jpg", "v.png"),
        (".jpg", ".png", "v.jpg"),
        (".tif", ".bmp", "v.tif"),
    ],
)
def test_a_wrong_extension_is_named_with_the_right_one(
    tmp_path: Path, holds: str, named: str, better: str
) -> None:
    real = tmp_path / f"real{holds}"
    if holds in PICTURE_EXTENSIONS:
        a_picture(real)
    else:
        a_volume(real)
    refused(real.rename(tmp_path / f"v{named}"), UnreadableImageError, "holds", better)


def test_text_in_an_image_s_clothes_is_named(tmp_path: Path) -> None:
    for name in ("v.nii.gz", "v.nrrd", "v.png", "v.dcm"):
        (tmp_path / name).write_text("this is no image, whatever its name says " * 20)
        refused(tmp_path / name, UnreadableImageError, name)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_no_numbers_are_counted(tmp_path: Path, bad: float) -> None:
    array = noise().astype(np.float32)
    array[0, 0, :3] = bad
    path = a_volume(tmp_path / "v.nii.gz", array)
    refused(path, NonFiniteVoxelsError, "3", "480")


def test_numbers_too_large_for_single_precision_are_infinite(tmp_path: Path) -> None:
    array = noise().astype(np.float64)
    array[0, 0, 0] = 1e300
    refused(a_volume(tmp_path / "v.nrrd", array), NonFiniteVoxelsError, "1 are infinite")


def test_a_constant_image_is_named_with_its_value(tmp_path: Path) -> None:
    path = a_volume(tmp_path / "v.nii.gz", np.full((4, 5, 6), 7, np.int16))
    refused(path, ConstantImageError, "7")


def test_one_blank_channel_among_others_is_only_noted(tmp_path: Path) -> None:
    paths = (a_volume(tmp_path / "a.nii"), a_volume(tmp_path / "b.nii", noise() * 0))
    assert "Channel 1 is blank." in read_image(ImageSource(paths, "channels")).notes


@pytest.mark.parametrize("name", ["v.nii.gz", "v.nrrd", "v.mha"])
def test_a_4d_image_is_named(tmp_path: Path, name: str) -> None:
    frames = [sitk.GetImageFromArray(noise(seed=i)) for i in range(3)]
    sitk.WriteImage(sitk.JoinSeries(frames), str(tmp_path / name))
    refused(tmp_path / name, TooManyDimensionsError, "3", "Split it")


def test_a_volume_of_vectors_is_named(tmp_path: Path) -> None:
    array = np.stack([noise(seed=i) for i in range(5)], axis=-1)
    refused(a_volume(tmp_path / "v.nrrd", array, vector=True), TooManyDimensionsError, "5 values")


def test_a_volume_in_colour_has_three_channels(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 255, (4, 5, 6, 3)).astype(np.uint8)
    for name in ("v.nrrd", "v.mha"):
        image = read(a_volume(tmp_path / name, array, vector=True))
        assert np.array_equal(image.array, np.moveaxis(array, -1, 0)), name
    plain = a_volume(tmp_path / "v.nii", array[..., 0])
    content = bytearray(plain.read_bytes()[:352])
    struct.pack_into("<2h", content, 70, 128, 24)
    plain.write_bytes(bytes(content) + array.tobytes())
    assert np.array_equal(read(plain).array, np.moveaxis(array, -1, 0))


@pytest.mark.parametrize("spacing", [0.0, math.nan, -1.0, math.inf, 500.0])
def test_absurd_spacing_in_a_nifti_is_named(tmp_path: Path, spacing: float) -> None:
    path = a_nifti_with(tmp_path / "v.nii", ("f", PIXDIM_Y, (spacing,)), ("2h", 252, (0, 0)))
    refused(path, AbsurdSpacingError, "spacing along y")


@pytest.mark.parametrize("spacing", ["(0,0,0)", "(500,0,0)", "(0.00001,0,0)"])
def test_absurd_spacing_in_an_nrrd_is_named(tmp_path: Path, spacing: str) -> None:
    path = a_raw_nrrd(tmp_path / "v.nrrd", f"space directions: {spacing} (0,1,0) (0,0,2)")
    refused(path, AbsurdSpacingError, "spacing")


def test_a_spacing_of_nan_in_an_nrrd_is_named(tmp_path: Path) -> None:
    path = a_raw_nrrd(tmp_path / "v.nrrd", "space directions: (nan,0,0) (0,1,0) (0,0,2)")
    refused(path, AbsurdSpacingError, "not a number")


@pytest.mark.parametrize("spacing", ["0", "nan", "-1", "500"])
def test_absurd_spacing_in_an_mha_is_named(tmp_path: Path, spacing: str) -> None:
    path = a_volume(tmp_path / "v.mha", spacing=(1, 1, 1))
    content = path.read_bytes()
    path.write_bytes(
        content.replace(b"ElementSpacing = 1 1 1", f"ElementSpacing = {spacing} 1 1".encode())
    )
    refused(path, AbsurdSpacingError, "spacing")


def test_a_sheared_nifti_is_named_with_a_remedy(tmp_path: Path) -> None:
    path = a_nifti_with(tmp_path / "v.nii", ("4f", 280, (-1, 0.5, 0, 0)), ("h", 252, (0,)))
    refused(path, SkewedAxesError, "right angles", "Resample")


def test_a_sheared_sform_beside_a_good_qform_is_noted(tmp_path: Path) -> None:
    path = a_nifti_with(tmp_path / "v.nii", ("4f", 280, (-1, 0.5, 0, 0)))
    assert "qform" in " ".join(read(path).notes)


def test_sheared_nrrd_and_mha_are_named(tmp_path: Path) -> None:
    nrrd = a_raw_nrrd(tmp_path / "v.nrrd", "space directions: (1,0.5,0) (0,1,0) (0,0,2)")
    refused(nrrd, SkewedAxesError, "right angles")
    mha = a_volume(tmp_path / "v.mha")
    content = mha.read_bytes()
    mha.write_bytes(content.replace(b"TransformMatrix = 1 0 0 ", b"TransformMatrix = 1 0.5 0 "))
    refused(mha, SkewedAxesError, "right angles")


def test_channels_on_different_grids_are_named(tmp_path: Path) -> None:
    paths = (a_volume(tmp_path / "a.nii"), a_volume(tmp_path / "b.nii", spacing=(1, 1, 1)))
    with pytest.raises(ChannelGeometryError, match=r"spacing 1 × 1 × 1 instead of 1 × 1\.5 × 2"):
        read_image(ImageSource(paths, "channels"))


def test_an_image_that_vanished_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gone.nii.gz"
    refused(path, VanishedImageError, "no longer there")
    with pytest.raises(VanishedImageError):
        signature(one(path))


def test_every_refusal_is_an_image_error() -> None:
    errors = (UnreadableImageError, VanishedImageError, SkewedAxesError, ChannelGeometryError)
    assert all(issubclass(error, ImageError) for error in errors)


# Names ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "case"),
    [
        ("a.nii.gz", "a"),
        ("a.b.NII.GZ", "a.b"),
        ("a.seg.nrrd", "a"),
        ("a.nrrd", "a"),
        ("IM.0001", "IM.0001"),
        ("a.jpeg", "a"),
    ],
)
def test_a_case_is_called_by_its_file_without_extensions(file: str, case: str) -> None:
    assert case_name(Path("folder") / file) == case


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("plain", "plain"),
        ("a/b\\c:d*e?f", "a_b_c_d_e_f"),
        ("CON", "CON_"),
        ("nul.x", "nul.x_"),
        ("ends. ", "ends"),
        ("...", "case"),
        ("Scha\u0308del", "Schädel"),
    ],
)
def test_case_names_are_file_names_on_every_system(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_long_names_are_cut_and_stay_distinct() -> None:
    first, second = safe_name("頭" * 100 + "1"), safe_name("頭" * 100 + "2")
    assert first != second
    assert len(first.encode()) <= LONGEST


def test_label_words_are_taken_off_names() -> None:
    assert without_label_words("case_01_seg") == "case_01"
    assert without_label_words("mask-7") == "7"
    assert without_label_words("unlabelled") == "unlabelled"


# The state of files ---------------------------------------------------------------------


def test_the_signature_follows_the_state_and_the_hash_the_content(tmp_path: Path) -> None:
    path = a_volume(tmp_path / "v.nii.gz")
    state, content = signature(one(path)), content_hash(one(path))
    assert signature(one(path)) == state
    os.utime(path, ns=(1, 1))
    assert signature(one(path)) != state
    assert content_hash(one(path)) == content


def test_the_signature_does_not_depend_on_where_the_folder_is(tmp_path: Path) -> None:
    path = a_volume(tmp_path / "a" / "v.nii.gz")
    state = signature(one(path))
    (tmp_path / "a").rename(tmp_path / "b")
    assert signature(one(tmp_path / "b" / "v.nii.gz")) == state


def test_reading_does_not_load_itk_before_it_is_needed() -> None:
    script = (
        "import sys, ActiveSuggestLib.data.pool, ActiveSuggestLib.data.labels\n"
        "heavy = {'SimpleITK', 'pydicom', 'scipy', 'torch', 'PIL', 'pandas'} & set(sys.modules)\n"
        "sys.exit(' '.join(heavy) or 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


# Real data ------------------------------------------------------------------------------


@pytest.mark.parametrize("pool", ["hippocampus", "cxr_wingspan", "sunnybrook_lv"])
def test_every_real_image_is_read_as_itk_reads_it(shared_data: Path, pool: str) -> None:
    for path in sorted((shared_data / pool / "images").iterdir()):
        image = read(path)
        expected = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
        assert np.array_equal(image.array[0], expected.reshape(image.geometry.shape)), path.name


def test_the_full_size_volume_is_read(shared_data: Path) -> None:
    image = read(shared_data / "fullsize" / "mr_vsseg_512x512x120.nii.gz")
    assert image.array.shape == (1, 120, 512, 512)
