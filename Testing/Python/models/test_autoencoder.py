"""Autoencoders of slices: they learn, repeat, stop, and their losses are the papers'."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from ActiveSuggestLib.errors import CancelledError
from ActiveSuggestLib.models.autoencoder import (
    Autoencoder,
    autoencoder_plan,
    kl_to_standard_normal,
)
from ActiveSuggestLib.models.autoencoder_training import encode_slices, train_autoencoder
from ActiveSuggestLib.models.mmd import squared_mmd
from ActiveSuggestLib.models.orientation import Orientation
from ActiveSuggestLib.models.preparing import Prepared
from ActiveSuggestLib.models.slices import SIDE, small_slices
from ActiveSuggestLib.progress import Cancel


def tiny(kind="infovae", **changes):
    options = {"features": (4, 4, 8, 8), "batch": 8, "most_steps": 30, **changes}
    return autoencoder_plan(kind, 1, on_cpu=True, **options)


def squares(count, seed=0):
    """Return slices (count, 1, 96, 96) with a bright square each, and its row and column."""
    rng = np.random.default_rng(seed)
    places = rng.integers(10, SIDE - 40, (count, 2))
    pictures = np.full((count, 1, SIDE, SIDE), -0.5, np.float16)
    for picture, (row, column) in zip(pictures, places, strict=True):
        picture[0, row : row + 30, column : column + 30] = 2.0
    return pictures, places


@pytest.mark.parametrize("kind", ["infovae", "vae"])
def test_the_reconstruction_gets_better(kind):
    _, record = train_autoencoder(tiny(kind, most_steps=60), [squares(40)[0]], seed=0)
    assert record.steps == record.planned_steps == 60
    assert record.last_error < 0.8 * record.first_error


def test_the_same_seed_gives_the_same_latents_and_other_random_numbers_are_left_alone():
    pictures = squares(20)[0]
    torch.manual_seed(7)
    expected = torch.rand(2)
    torch.manual_seed(7)
    first, again, other = (
        encode_slices(train_autoencoder(tiny(most_steps=4), [pictures], seed=s)[0], pictures)
        for s in (1, 1, 2)
    )
    assert torch.equal(torch.rand(2), expected)
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)


def test_latents_do_not_depend_on_the_other_slices_in_the_batch():
    pictures = squares(70)[0]
    network, _ = train_autoencoder(tiny(most_steps=3), [pictures[:9], pictures[9:]], seed=0)
    together = encode_slices(network, pictures)
    assert together.shape == (70, network.plan.dimensions)
    assert np.allclose(together[65:66], encode_slices(network, pictures[65:66]), atol=1e-5)


def test_a_cancelled_training_stops_and_a_time_box_ends_it():
    cancel = Cancel()

    def stop_at_three(done, total, message="", **data):
        if done == 3:
            cancel.cancel()

    with pytest.raises(CancelledError):
        train_autoencoder(tiny(), [squares(9)[0]], seed=0, progress=stop_at_three, cancel=cancel)
    _, record = train_autoencoder(tiny(seconds=0.0), [squares(9)[0]], seed=0)
    assert (record.steps, record.planned_steps) == (1, 30)


def test_the_losses_are_those_of_the_papers():
    x = torch.from_numpy(squares(6)[0]).float()
    for kind, weight in (("infovae", 3.0), ("vae", 1.0)):
        plan = tiny(kind, weight=weight)
        network = Autoencoder(plan).eval()
        noise, prior = torch.randn(2, 6, plan.dimensions)
        mean, log_variance = network(x)
        z = mean + noise * (log_variance / 2).exp()
        squared = (network.decode(z) - x) ** 2
        if kind == "infovae":
            expected = squared.mean() + 3.0 * squared_mmd(z, prior)
        else:
            normal = torch.distributions.Normal(mean, (log_variance / 2).exp())
            standard = torch.distributions.Normal(0.0, 1.0)
            kl = torch.distributions.kl_divergence(normal, standard).sum(dim=1)
            assert torch.allclose(kl_to_standard_normal(mean, log_variance), kl, atol=1e-5)
            expected = (0.5 * squared.sum(dim=(1, 2, 3)) + kl).mean()
        loss, error = network.loss(x, noise, prior)
        assert torch.allclose(loss, expected, rtol=1e-5)
        assert torch.allclose(error, squared.mean(), rtol=1e-5)


def test_the_papers_sizes_and_rates():
    ozdemir = autoencoder_plan("infovae-paper", 1, on_cpu=True)
    assert (ozdemir.dimensions, ozdemir.learning_rate, ozdemir.batch) == (200, 5e-5, 32)
    assert len(ozdemir.features) == 5
    dai = autoencoder_plan("vae-paper", 4, on_cpu=True)
    assert (dai.dimensions, dai.learning_rate, dai.batch, dai.epochs) == (3, 1e-4, 16, 50)
    assert dai.steps(160) == 500
    assert len(dai.features) == 4
    with pytest.raises(ValueError, match="gan"):
        autoencoder_plan("gan", 1, on_cpu=True)


def test_small_slices_are_normalised_one_by_one_in_the_order_of_the_image():
    array = torch.randn(2, 3, 40, 60, generator=torch.Generator().manual_seed(0))
    array = array * torch.tensor([1.0, 5.0, 0.0])[None, :, None, None] + 7.0
    flipped = Prepared(array, Orientation((0, 1, 2), (True, False, False)), (6, 40, 60))
    found = small_slices(flipped).astype(np.float32)
    assert found.shape == (6, 2, SIDE, SIDE)
    # The image has six slices, two in each prepared one, and runs the other way.
    assert np.array_equal(found[0], found[1])
    assert (found[:2] == 0).all()
    assert np.allclose(found[2:].mean(axis=(2, 3)), 0, atol=1e-2)
    assert np.allclose(found[2:].std(axis=(2, 3)), 1, atol=0.02)
    plain = functional.interpolate(array[:, 0][None], (SIDE, SIDE), mode="bilinear", antialias=True)
    assert np.corrcoef(plain[0, 1].ravel(), found[5, 1].ravel())[0, 1] > 0.999
