"""The plan: 2D or 3D, spacing, patch and network from the pool and the device, in words."""

from __future__ import annotations

import numpy as np
import pytest

from ActiveSuggestLib.data.geometry import Geometry
from ActiveSuggestLib.models.device import GIBIBYTE, Device
from ActiveSuggestLib.models.plan import Plan, fingerprint, make_plan, scoring_seconds

CPU = Device("cpu", 8 * GIBIBYTE, 2, "CPU, 2 threads")
GPU = Device("cuda:0", 70 * GIBIBYTE, 16, "a GPU")
INTENSITY = {"p005": -900.0, "p995": 900.0, "mean": 10.0, "std": 300.0, "nonzero": 1.0}


def a_pool(size=(36, 50, 35), spacing=(1.0, 1.0, 1.0), modality="MR", intensity=INTENSITY):
    z, y, x = size
    sz, sy, sx = spacing
    geometry = Geometry((x, y, z), (sx, sy, sz))
    return fingerprint(
        [geometry] * 5, [intensity] * 5, channels=1, modality=modality, plane="axial"
    )


def plan_for(pool, device=CPU, **options):
    return make_plan(pool, device, classes=3, plane="axial", **options)


def test_small_isotropic_volumes_are_taken_whole_in_3d():
    plan = plan_for(a_pool())
    assert plan.dimensions == 3
    assert plan.spacing == (1.0, 1.0, 1.0)
    assert all(p >= n for p, n in zip(plan.patch, (36, 50, 35), strict=True))
    assert "keep their resolution" in " ".join(plan.reasons)


def test_thick_slices_are_worked_on_in_2d_and_it_is_said():
    plan = plan_for(a_pool((12, 256, 256), (8.0, 1.25, 1.25)))
    assert plan.dimensions == 2
    assert plan.patch[0] == 1
    assert "6.4 times as thick" in " ".join(plan.reasons)


def test_single_pictures_get_a_2d_network():
    plan = plan_for(a_pool((1, 512, 512)))
    assert plan.dimensions == 2
    assert "single pictures" in " ".join(plan.reasons)


def test_a_cpu_trades_resolution_for_time_and_says_so():
    pool = a_pool((120, 512, 512), (1.5, 0.41, 0.41))
    plan = plan_for(pool, CPU)
    assert min(plan.spacing[1:]) > 0.41
    assert "Traded" in " ".join(plan.reasons)
    size = [round(n * s / t) for n, s, t in zip(pool.size, pool.spacing, plan.spacing, strict=True)]
    assert scoring_seconds(plan, size, CPU) <= 60.0
    richer = plan_for(pool, GPU)
    assert np.prod(richer.spacing) < np.prod(plan.spacing)
    assert richer.features[0] > plan.features[0]


def test_little_memory_gives_smaller_patches():
    small = Device("cuda:0", 2 * GIBIBYTE, 16, "a small GPU")
    pool = a_pool((200, 200, 200))
    patches = [plan_for(pool, device).patch for device in (small, GPU)]
    assert np.prod(patches[0]) < np.prod(patches[1]) / 2
    assert plan_for(pool, small).batch == 1


def test_single_pictures_are_seen_whole_on_a_cpu_at_a_resolution_that_trains_quickly():
    plan = plan_for(a_pool((1, 512, 512)))
    assert plan.patch == (1, 256, 256)
    assert 2.0 <= plan.spacing[1] <= 2.1
    assert plan_for(a_pool((1, 512, 512)), GPU).spacing == (1.0, 1.0, 1.0)


def test_more_time_gives_finer_voxels():
    pool = a_pool((120, 512, 512), (1.5, 0.41, 0.41))
    quick, slow = (plan_for(pool, CPU, seconds_a_volume=s) for s in (20.0, 600.0))
    assert np.prod(slow.spacing) < np.prod(quick.spacing)


def test_patches_divide_by_the_networks_strides():
    for size, spacing in (
        ((36, 50, 35), (1, 1, 1)),
        ((20, 200, 180), (2.5, 1, 1)),
        ((9, 9, 9), (1, 1, 1)),
    ):
        plan = plan_for(a_pool(size, tuple(float(s) for s in spacing)))
        assert all(p % d == 0 for p, d in zip(plan.patch, plan.window_divisor, strict=True))


def test_coarse_axes_are_halved_later():
    plan = plan_for(a_pool((20, 200, 180), (2.5, 1.0, 1.0)))
    assert plan.dimensions == 3
    assert plan.strides[0] == (1, 2, 2)


def test_hounsfield_units_are_scaled_alike_in_all_volumes():
    plan = plan_for(a_pool(modality="CT"))
    assert plan.normalisation.scheme == "fixed"
    assert (plan.normalisation.low, plan.normalisation.high) == (-900.0, 900.0)
    assert plan_for(a_pool(modality="MR")).normalisation.scheme == "volume"


def test_a_plan_survives_its_dictionary_and_its_hash_ignores_the_words():
    plan = plan_for(a_pool())
    again = Plan.from_dict(plan.to_dict())
    assert again == plan
    assert again.hash == plan.hash
    other = Plan.from_dict({**plan.to_dict(), "reasons": ["something else"]})
    assert other.hash == plan.hash
    assert Plan.from_dict({**plan.to_dict(), "dropout": 0.1}).hash != plan.hash


def test_axes_are_measured_in_the_planes_order():
    sideways = Geometry((20, 200, 180), (2.5, 1.0, 1.0))  # slices along x: sagittal
    pool = fingerprint([sideways], [INTENSITY], channels=1, modality="MR", plane="sagittal")
    assert pool.spacing == (2.5, 1.0, 1.0)
    assert pool.size[0] == 20


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_dimensions_can_be_asked_for(dimensions):
    assert plan_for(a_pool(), dimensions=dimensions).dimensions == dimensions
