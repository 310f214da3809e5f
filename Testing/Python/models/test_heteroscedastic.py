"""The noise of logits, and the two parts of uncertainty."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from ActiveSuggestLib.data.labels import UNKNOWN
from ActiveSuggestLib.models.heteroscedastic import (
    HeteroscedasticNetwork,
    Parts,
    dropout_samples,
    kendall_gal_loss,
    kendall_gal_regression_loss,
    uncertainty_parts,
)
from ActiveSuggestLib.models.networks import Architecture, SegmentationNetwork
from ActiveSuggestLib.models.samples import SampledDropout, sampling

FLAT = Architecture(2, 1, 3, (4, 8, 8), ((2, 2), (2, 2)), 0.5)
SOLID = Architecture(3, 1, 2, (4, 8), ((1, 2, 2),), 0.3)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(autouse=True)
def same_numbers():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.mark.parametrize(("architecture", "size"), [(FLAT, (16, 12)), (SOLID, (3, 8, 8))])
def test_a_logit_and_its_variance_have_the_shape_of_the_image(architecture, size):
    network = HeteroscedasticNetwork(architecture).eval()
    logits, log_variance = network(torch.randn(2, 1, *size))
    assert logits.shape == log_variance.shape == (2, architecture.classes, *size)


def test_the_log_variance_stays_within_ten():
    network = HeteroscedasticNetwork(FLAT).eval()
    x = torch.randn(1, 1, 16, 16)
    for parameter in network.noise.parameters():
        parameter.data *= 100.0
    _, log_variance = network(x)
    assert log_variance.abs().max() == 10.0


def test_it_starts_with_the_logits_of_the_trained_network_and_leaves_that_alone():
    trained = SegmentationNetwork(FLAT).eval()
    before = {k: v.clone() for k, v in trained.state_dict().items()}
    x = torch.randn(2, 1, 16, 16)
    own = HeteroscedasticNetwork.of(trained).eval()
    assert torch.equal(own(x)[0], trained(x))
    own.train()
    optimiser = torch.optim.SGD(own.parameters(), lr=0.1)
    kendall_gal_loss(
        *own(x), torch.ones(2, 16, 16, dtype=torch.uint8), draws=2, generator=generator()
    ).backward()
    optimiser.step()
    assert all(torch.equal(v, before[k]) for k, v in trained.state_dict().items())
    assert not torch.equal(own.eval()(x)[0], trained(x))


def test_a_sample_is_the_same_alone_and_among_others():
    network = HeteroscedasticNetwork(FLAT).eval()
    x = torch.randn(2, 1, 16, 16)
    with torch.no_grad():
        one_by_one = list(dropout_samples(network, x, count=3, seed=5))
        with sampling(network, range(3), seed=5):
            together = network.decode(network.encode(x), 3)
    for part in (0, 1):
        alone = torch.cat([sample[part] for sample in one_by_one])
        assert torch.allclose(alone, together[part], atol=1e-5)
    assert not torch.allclose(one_by_one[0][0], one_by_one[1][0])


def test_without_noise_the_loss_is_the_cross_entropy():
    logits = torch.randn(2, 3, 4, 5)
    target = torch.randint(3, (2, 4, 5)).to(torch.uint8)
    found = kendall_gal_loss(
        logits, torch.full_like(logits, -60.0), target, draws=4, generator=generator()
    )
    assert torch.isclose(found, nn.functional.cross_entropy(logits, target.long()), atol=1e-5)


def test_the_loss_is_the_mean_probability_under_gaussian_noise():
    # Of two classes the difference of the noisy logits is N(d, 2σ²): integrate the sigmoid over it.
    difference, variance = 1.5, 0.8
    logits = torch.tensor([[[difference], [0.0]]])
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    sigmoid = 1 / (1 + np.exp(-(difference + math.sqrt(2 * variance) * nodes)))
    exact = -math.log(float((weights * sigmoid).sum() / math.sqrt(2 * math.pi)))
    found = kendall_gal_loss(
        logits.repeat(1, 1, 2000),
        torch.full((1, 2, 2000), math.log(variance)),
        torch.zeros(1, 2000, dtype=torch.uint8),
        draws=200,
        generator=generator(),
    )
    assert abs(float(found) - exact) < 0.003


def test_unknown_voxels_alter_neither_the_loss_nor_a_gradient():
    logits = torch.randn(1, 3, 8, requires_grad=True)
    log_variance = torch.zeros(1, 3, 8, requires_grad=True)
    target = torch.tensor([[0, 1, 2, UNKNOWN, UNKNOWN, 1, 0, UNKNOWN]], dtype=torch.uint8)
    known = target[0] != UNKNOWN
    loss = kendall_gal_loss(logits, log_variance, target, draws=5, generator=generator())
    loss.backward()
    assert (logits.grad[..., ~known] == 0).all()
    assert (log_variance.grad[..., ~known] == 0).all()
    assert (logits.grad[..., known] != 0).any()
    other = logits.detach().clone()
    other[..., ~known] = 7.0
    assert torch.equal(
        loss.detach(),
        kendall_gal_loss(other, log_variance, target, draws=5, generator=generator()).detach(),
    )


def test_nothing_known_is_a_loss_of_zero():
    logits = torch.randn(1, 2, 4, requires_grad=True)
    target = torch.full((1, 4), UNKNOWN, dtype=torch.uint8)
    loss = kendall_gal_loss(logits, logits, target, draws=3, generator=generator())
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert (logits.grad == 0).all()


def test_extreme_logits_and_variances_leave_the_loss_finite():
    logits = torch.tensor([[[500.0], [-500.0]]], requires_grad=True)
    log_variance = torch.full((1, 2, 1), 10.0, requires_grad=True)
    wrong = torch.ones(1, 1, dtype=torch.uint8)
    loss = kendall_gal_loss(logits, log_variance, wrong, draws=20, generator=generator())
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()
    assert torch.isfinite(log_variance.grad).all()


def test_the_regression_loss_is_the_likelihood_of_a_gaussian():
    y, f, s = torch.randn(3, 50)
    exact = -torch.distributions.Normal(f, (0.5 * s).exp()).log_prob(y).mean()
    found = kendall_gal_regression_loss(f, s, y) + 0.5 * math.log(2 * math.pi)
    assert torch.isclose(found, exact, atol=1e-6)


def test_parts_are_the_variance_of_the_logits_and_the_mean_of_the_noise():
    logits, log_variance = torch.randn(2, 7, 2, 3, 4, 5)
    logits = logits + 1000.0  # E[y²] − E[y]² would lose everything here.
    found = uncertainty_parts(zip(logits, log_variance, strict=True))
    exact = logits.double().var(dim=0, unbiased=False).mean(dim=1)
    assert torch.allclose(found.epistemic.double(), exact, rtol=1e-3)
    assert torch.allclose(found.aleatoric, log_variance.exp().mean(dim=(0, 2)), rtol=1e-5)
    assert torch.equal(found.total, found.epistemic + found.aleatoric)
    assert found.total.shape == (2, 4, 5)


def test_no_sample_is_refused():
    with pytest.raises(ValueError, match="one sample"):
        uncertainty_parts([])


def test_equal_samples_leave_only_noise():
    logits = torch.randn(1, 2, 3)
    found = uncertainty_parts([(logits, torch.zeros(1, 2, 3))] * 4)
    assert (found.epistemic == 0).all()
    assert torch.allclose(found.aleatoric, torch.ones(1, 3))


def test_disagreement_is_seen_where_the_form_of_p_times_one_minus_p_is_blind():
    """Samples that contradict each other, and samples that are all undecided: both p̄ = ½."""

    def blind(samples: list[torch.Tensor]) -> torch.Tensor:
        p = torch.softmax(torch.stack(samples), dim=2)
        variance = p.var(dim=0, unbiased=False)
        return (variance + (p * (1 - p)).mean(dim=0)).mean(dim=1)

    def ours(samples: list[torch.Tensor]) -> Parts:
        return uncertainty_parts((f, torch.full_like(f, -10.0)) for f in samples)

    sure = torch.tensor([[[4.0], [-4.0]]])
    contradict, undecided = [sure, -sure], [torch.zeros(1, 2, 1)] * 2
    assert torch.allclose(blind(contradict), blind(undecided), atol=1e-6)
    assert float(ours(contradict).total) > 1000 * float(ours(undecided).total)


class Toy(nn.Module):
    """f and s of a number, with the house's dropout, as the network has them."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(1, 128),
            nn.ReLU(),
            SampledDropout(0.05, 0),
            nn.Linear(128, 128),
            nn.ReLU(),
            SampledDropout(0.05, 1),
        )
        self.head = nn.Linear(128, 2)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        f, s = self.head(self.body(x)).split(1, dim=1)
        return f, s.clamp(-10, 10)


@pytest.fixture(scope="module")
def toy() -> Toy:
    """Trained on x in [−1, 1] with a noise of .01 left of 0 and of .25 right of it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Toy()
        x = torch.rand(4000, 1) * 2 - 1
        variance = torch.where(x < 0, 0.01, 0.25)
        y = torch.sin(2 * x) + variance.sqrt() * torch.randn(4000, 1)
        steps = 1500
        optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        for _ in range(steps):
            rows = torch.randint(4000, (256,))
            loss = kendall_gal_regression_loss(*network(x[rows]), y[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return network.eval()


def parts_at(network: Toy, low: float, high: float) -> Parts:
    x = torch.linspace(low, high, 50)[:, None]

    def samples():
        for t in range(50):
            with torch.no_grad(), sampling(network, [t]):
                found = network(x)
            yield found

    return uncertainty_parts(samples())


def test_known_noise_is_given_back(toy):
    left, right = parts_at(toy, -0.9, -0.2), parts_at(toy, 0.2, 0.9)
    # Dropout's own spread is in the residual that σ² is fitted to, so a little more comes back.
    assert abs(float(left.aleatoric.mean()) / 0.01 - 1) < 0.35
    assert abs(float(right.aleatoric.mean()) / 0.25 - 1) < 0.2


def test_the_epistemic_part_rises_where_nothing_was_seen(toy):
    left, right = parts_at(toy, -0.9, -0.2), parts_at(toy, 0.2, 0.9)
    near, far, far_left = (
        float(parts_at(toy, low, low + 0.5).epistemic.mean()) for low in (1.5, 3.0, -3.5)
    )
    assert near > 2 * float(right.epistemic.mean())
    assert far > 2 * near
    assert far_left > 1.4 * float(left.epistemic.mean())
