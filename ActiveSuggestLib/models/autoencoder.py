"""Autoencoders of slices, whose latents say what is alike in a pool without any label.

Two of one build: the infoVAE of Ozdemir et al. (reconstruction + λ·MMD to the prior) and the
VAE of Dai et al. (reconstruction + KL, β = 1). Residual blocks with batch norm and LeakyReLU
0.01; each halves the side. A latent is always the mean μ, never a sample.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from .mmd import squared_mmd
from .slices import SIDE

INFOVAE, VAE = "infovae", "vae"
LARGEST_LOG_VARIANCE = 10.0


@dataclass(frozen=True)
class AutoencoderPlan:
    """What an autoencoder is and how it is trained.

    ``weight`` is λ of the MMD or β of the KL term. Training ends after ``epochs`` over the
    slices, ``most_steps`` or ``seconds``, whichever is first.
    """

    loss: str
    channels: int
    dimensions: int
    features: tuple[int, ...]
    learning_rate: float
    batch: int
    epochs: int
    most_steps: int
    seconds: float
    weight: float = 1.0

    @property
    def hash(self) -> str:
        """The identity of the plan, 12 hexadecimal digits."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def steps(self, slices: int) -> int:
        """Return the number of steps on a pool of so many slices."""
        return max(1, min(self.most_steps, -(-self.epochs * slices // self.batch)))


def autoencoder_plan(kind: str, channels: int, *, on_cpu: bool, **changes: Any) -> AutoencoderPlan:
    """Return the plan of ``infovae``, ``vae``, ``infovae-paper`` or ``vae-paper``.

    The papers give d = 200, Adam 5e-5, batch 32 and five blocks; d = 3, Adam 1e-4, batch 16,
    50 epochs and four blocks. Without ``-paper`` a CPU gets smaller ones that learn in about two
    minutes. ``changes`` override single fields.
    """
    small = on_cpu and not kind.endswith("-paper")
    quick: dict[str, Any] = {
        "learning_rate": 1e-3,
        "batch": 32,
        "most_steps": 600,
        "seconds": 120.0,
    }
    thorough: dict[str, Any] = {"most_steps": 100_000, "seconds": 3600.0}
    chosen: dict[str, Any]
    wide: tuple[int, ...]
    if kind.startswith(INFOVAE):
        wide = (8, 16, 32, 64, 64) if small else (32, 64, 128, 256, 256)
        chosen = {"loss": INFOVAE, "dimensions": 32 if small else 200, "features": wide}
        paper = {"learning_rate": 5e-5, "batch": 32, **thorough}
    elif kind.startswith(VAE):
        wide = (8, 16, 32, 64) if small else (32, 64, 128, 256)
        chosen = {"loss": VAE, "dimensions": 3, "features": wide}
        paper = {"learning_rate": 1e-4, "batch": 16, **thorough}
    else:
        raise ValueError(f"no autoencoder is called {kind}; there are {INFOVAE} and {VAE}")
    training = paper if kind.endswith("-paper") else quick
    plan = AutoencoderPlan(channels=channels, epochs=50, **chosen, **training)
    return replace(plan, **changes)


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions beside a 1×1 one; ``stride`` 2 halves the side."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (B, outputs, H / stride, W / stride)."""
        inner = functional.leaky_relu(self.first_norm(self.first(x)), 0.01)
        inner = self.second_norm(self.second(inner))
        return functional.leaky_relu(inner + self.shortcut(x), 0.01)


class Autoencoder(nn.Module):
    """q(z|x) = N(μ(x), σ(x)) and the reconstruction of z; x is (B, C, 96, 96)."""

    def __init__(self, plan: AutoencoderPlan) -> None:
        super().__init__()
        self.plan = plan
        features = plan.features
        self.side = SIDE // 2 ** len(features)
        self.down = nn.Sequential(*_blocks((plan.channels, *features), stride=2))
        flat = features[-1] * self.side**2
        self.mean = nn.Linear(flat, plan.dimensions)
        self.log_variance = nn.Linear(flat, plan.dimensions)
        self.widen = nn.Linear(plan.dimensions, flat)
        up: list[nn.Module] = []
        for block in _blocks((*features[::-1], features[0]), stride=1):
            up += [nn.Upsample(scale_factor=2), block]
        self.up = nn.Sequential(*up, nn.Conv2d(features[0], plan.channels, 1))

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Return μ(x), (B, d)."""
        return self.mean(self.down(x).flatten(1))

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """Return the reconstruction (B, C, 96, 96) of z (B, d)."""
        deep = self.widen(z).reshape(len(z), -1, self.side, self.side)
        return self.up(deep)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return μ and log σ², (B, d) each."""
        deep = self.down(x).flatten(1)
        bound = LARGEST_LOG_VARIANCE
        return self.mean(deep), self.log_variance(deep).clamp(-bound, bound)

    def loss(
        self, x: torch.Tensor, noise: torch.Tensor, prior: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the training loss and the mean squared error a pixel, scalars.

        ``noise`` and ``prior`` are draws of N(0, I), (B, d). infoVAE: MSE + λ·MMD²(z, prior).
        VAE: ½ Σ_pixels (x − x̂)² + β·KL(q(z|x) ‖ N(0, I)), both a picture: with the mean over
        the pixels instead of the sum the KL term outweighs all and the latents collapse.
        """
        mean, log_variance = self(x)
        z = mean + noise * (0.5 * log_variance).exp()
        error = functional.mse_loss(self.decode(z), x)
        if self.plan.loss == INFOVAE:
            return error + self.plan.weight * squared_mmd(z, prior), error
        pixels = x[0].numel()
        kl = kl_to_standard_normal(mean, log_variance).mean()
        return 0.5 * pixels * error + self.plan.weight * kl, error


def kl_to_standard_normal(mean: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
    """Return KL(N(μ, σ²) ‖ N(0, I)) in nats, (B,) (Kingma and Welling 2014, appendix B)."""
    return 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).sum(dim=1)


def _blocks(widths: Sequence[int], stride: int) -> list[nn.Module]:
    pairs = itertools.pairwise(widths)
    return [ResidualBlock(inputs, outputs, stride) for inputs, outputs in pairs]
