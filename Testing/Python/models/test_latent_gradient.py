"""Loss gradients and where they move an image's latent, against finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ActiveSuggestLib.data.labels import UNKNOWN
from ActiveSuggestLib.models.autoencoder import Autoencoder, autoencoder_plan
from ActiveSuggestLib.models.latent_gradient import (
    ALPHA,
    RHO,
    loss_gradient,
    moved_latent,
    soft_dice_losses,
)
from ActiveSuggestLib.models.memory import Limits
from ActiveSuggestLib.models.networks import SegmentationNetwork
from ActiveSuggestLib.models.plan import Normalisation, Plan
from ActiveSuggestLib.models.slices import shrink

LIMITS = Limits("cpu", batch=1)


def a_plan(dimensions, patch):
    return Plan(
        plane="axial", dimensions=dimensions, channels=1, classes=3, spacing=(1.0, 1.0, 1.0),
        patch=patch, features=(4, 8), strides=((2,) * dimensions,), dropout=0.5,
        normalisation=Normalisation("volume"), batch=2, samples=4, device_kind="cpu",
    )  # fmt: skip


def a_case(shape, seed=0):
    """Return a double image (1, *shape) and its label with unknown voxels."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 3, shape).astype(np.uint8)
    label[:, :2] = UNKNOWN
    return torch.from_numpy(rng.normal(size=(1, *shape))), torch.from_numpy(label)


def a_network(plan):
    torch.manual_seed(0)
    return SegmentationNetwork(plan.architecture).double()


def an_encoder():
    torch.manual_seed(1)
    plan = autoencoder_plan("vae", 1, on_cpu=True, features=(4, 4, 8, 8))
    network = Autoencoder(plan).double().eval()
    return lambda x: network.encode(shrink(x.movedim(1, 0))).mean(dim=0)


def loss_of(network, plan, x, target):
    flat = plan.dimensions == 2
    logits = network(x.movedim(1, 0) if flat else x[None])
    return soft_dice_losses(logits, target if flat else target[None]).sum()


@pytest.mark.parametrize(
    ("dimensions", "patch", "shape"), [(2, (1, 16, 16), (3, 16, 20)), (3, (8, 16, 16), (7, 16, 18))]
)
def test_a_central_difference_along_the_gradient_is_its_length(dimensions, patch, shape):
    # Known answer 9.
    plan = a_plan(dimensions, patch)
    network = a_network(plan)
    x, target = a_case((shape[0], 16, 16))
    g, losses = loss_gradient(network, plan, x, target, LIMITS)
    assert g.shape == x.shape
    assert losses.shape == (shape[0],)
    length = torch.linalg.vector_norm(g)
    step = 1e-5 * g / length
    with torch.no_grad():
        padded = [x + step, x - step]
        if dimensions == 3:
            # Seven slices are padded to eight for the network.
            padded = [torch.nn.functional.pad(p, (0, 0, 0, 0, 0, 1)) for p in padded]
            unknown = torch.full((1, 16, 16), UNKNOWN, dtype=torch.uint8)
            target = torch.cat([target, unknown])
        high, low = (loss_of(network, plan, p, target) for p in padded)
    assert ((high - low) / 2e-5).item() == pytest.approx(length.item(), rel=1e-4)


def test_the_soft_dice_loss_is_zero_for_the_truth_and_one_for_the_opposite():
    target = torch.tensor([[[0, 1], [1, UNKNOWN]]], dtype=torch.uint8)
    right = torch.full((1, 3, 2, 2), -50.0)
    for place, value in (((0, 0), 0), ((0, 1), 1), ((1, 0), 1), ((1, 1), 2)):
        right[0, value, place[0], place[1]] = 50.0
    assert soft_dice_losses(right, target).item() == pytest.approx(0.0, abs=1e-5)
    assert soft_dice_losses(right.roll(1, dims=1), target).item() > 0.99


def test_unlabelled_voxels_change_no_loss_and_one_slice_changes_no_others_gradient():
    plan = a_plan(2, (1, 16, 16))
    network = a_network(plan)
    x, target = a_case((3, 16, 16))
    g, losses = loss_gradient(network, plan, x, target, LIMITS)
    changed = x.clone()
    changed[:, 1] += 1.0
    other, other_losses = loss_gradient(network, plan, changed, target, LIMITS)
    assert torch.equal(g[:, 0], other[:, 0])
    assert losses[2] == other_losses[2]
    assert losses[1] != other_losses[1]
    target[1] = UNKNOWN
    nothing, _ = loss_gradient(network, plan, x, target, LIMITS)
    assert (nothing[:, 1] == 0).all()
    assert torch.equal(nothing[:, 0], g[:, 0])


def test_jvp_is_the_finite_difference_of_the_encoder():
    # Known answer 9.
    encode = an_encoder()
    x, _ = a_case((2, 40, 50))
    g = torch.randn(x.shape, generator=torch.Generator().manual_seed(2)).double()
    z, moved = moved_latent(encode, x, g, "jvp")
    step = RHO * torch.linalg.vector_norm(x) * g / torch.linalg.vector_norm(g)
    with torch.no_grad():
        difference = (encode(x + 1e-5 * step) - encode(x - 1e-5 * step)) / 2e-5
        assert torch.allclose(z, encode(x))
    assert torch.allclose(moved - z, difference, rtol=1e-3, atol=1e-8)


def test_the_modes_step_as_far_as_they_say():
    def itself(x):
        return x.flatten()

    x, _ = a_case((2, 4, 4))
    g = 1e-3 * torch.ones_like(x)
    for mode, far in (
        ("literal", ALPHA * g.norm()), ("normalised", RHO * x.norm()), ("jvp", RHO * x.norm()),
    ):  # fmt: skip
        z, moved = moved_latent(itself, x, g, mode)
        assert torch.equal(z, x.flatten())
        assert (moved - z).norm().item() == pytest.approx(far.item())
        assert ((moved - z) > 0).all()
        z, moved = moved_latent(itself, x, 0 * g, mode)
        assert torch.equal(z, moved)
    with pytest.raises(ValueError, match="steep"):
        moved_latent(itself, x, g, "steep")


def test_the_literal_step_is_lost_in_single_precision_and_the_normalised_is_not():
    # On gradients as a Dice loss has them most pixels stay as they are.
    x = torch.randn(1, 1, 96, 96, generator=torch.Generator().manual_seed(0))
    g = 1e-6 * torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    for mode, least, most in (("literal", 0.88, 1.0), ("normalised", 0.0, 0.01)):
        z, moved = moved_latent(lambda v: v.flatten(), x, g, mode)
        assert least <= (z == moved).float().mean().item() <= most
